//! The one page: what runs. Self-contained, no script.

use std::fmt::Write as _;

/// What the page shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// The vault's state.
    pub vault: String,
    /// Servers by name.
    pub servers: Vec<ServerLine>,
    /// When this was seen; RFC 3339.
    pub seen_at: String,
}

/// One server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServerLine {
    /// Its name.
    pub name: String,
    /// Its state.
    pub state: String,
    /// Why it is in this state.
    pub reason: String,
    /// Its port.
    pub port: u64,
}

const STYLE: &str = "\
:root{color-scheme:light dark}
body{font:16px/1.5 system-ui,sans-serif;max-width:46rem;margin:3rem auto;padding:0 1rem}
h1{font-size:1.4rem}
table{border-collapse:collapse;width:100%}
th,td{text-align:left;padding:.4rem .8rem .4rem 0;border-bottom:1px solid #8886}
code{font-size:.95em}
footer{margin-top:2rem;font-size:.9rem;opacity:.8}";

/// The page as HTML.
pub(crate) fn render(snapshot: &Snapshot) -> String {
    let mut rows = String::new();
    for server in &snapshot.servers {
        let _ = writeln!(
            rows,
            "<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
            escape(&server.name),
            escape(&server.state),
            server.port,
            escape(&server.reason),
        );
    }
    let servers = if rows.is_empty() {
        "<p>There is no server. Make one: <code>pgkeep server create -n NAME</code></p>".to_owned()
    } else {
        format!(
            "<table><thead><tr><th scope=\"col\">Server</th><th scope=\"col\">State</th>\
             <th scope=\"col\">Port</th><th scope=\"col\">Reason</th></tr></thead>\n\
             <tbody>\n{rows}</tbody></table>"
        )
    };
    format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\">\
         <title>pgkeep</title><style>{STYLE}</style></head>\n<body><main><h1>pgkeep</h1>\n\
         <p>Vault: {}</p>\n{servers}\n\
         <p>Details: <code>pgkeep status</code>, <code>pgkeep server show -n NAME</code>.</p>\n\
         <footer>As of {}. The portal comes with a later version; until then the command line \
         does everything.</footer></main></body></html>\n",
        escape(&snapshot.vault),
        escape(&snapshot.seen_at),
    )
}

fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            other => safe.push(other),
        }
    }
    safe
}
