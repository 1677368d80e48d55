//! Who may connect and how: `pg_hba.conf` and `pg_ident.conf`.
//!
//! `pg_hba.conf` is made anew from the policy, except for the lines between two markers, which
//! belong to the operator. What decides about plain text stands before them, so that no line of
//! theirs can let an unencrypted connection in while `require_secure_transport` is on.

use std::fmt::Write;
use std::time::Duration;

use base::Changed;

use crate::guard::list_elements;
use crate::probe::{PlainAnswer, probe_plain};
use crate::{Cluster, Connection, Error, Policy, Result, file, firewall};

const BEGIN: &str = "# >>> lines of your own begin";
const END: &str = "# <<< lines of your own end";
/// How long a reload may take to show.
const EFFECT: Duration = Duration::from_secs(10);

/// Writes both files from the policy.
pub(crate) fn write(cluster: &Cluster, policy: &Policy) -> Result<()> {
    let hba = cluster.data_dir.join("pg_hba.conf");
    let own = file::read_text(&hba)?.map(|text| own_lines(&text)).unwrap_or_default();
    let _ = file::replace(&hba, render(policy, &own).as_bytes(), &cluster.run_as)?;
    let ident = cluster.data_dir.join("pg_ident.conf");
    let own = file::read_text(&ident)?.map(|text| own_lines(&text)).unwrap_or_default();
    let _ = file::replace(&ident, render_ident(cluster, &own).as_bytes(), &cluster.run_as)?;
    Ok(())
}

/// The operator's lines between the markers.
fn own_lines(text: &str) -> String {
    let inside = text.split_once(BEGIN).and_then(|(_, rest)| rest.split_once(END));
    inside.map(|(lines, _)| lines.trim_matches('\n').to_owned()).unwrap_or_default()
}

/// The text of `pg_hba.conf` under a policy, with the operator's lines that are there now.
pub(crate) fn proposed(cluster: &Cluster, policy: &Policy) -> Result<String> {
    let now = current(cluster)?;
    Ok(render(policy, &own_lines(&now)))
}

/// The text of `pg_hba.conf` as it is.
pub(crate) fn current(cluster: &Cluster) -> Result<String> {
    Ok(file::read_text(&cluster.data_dir.join("pg_hba.conf"))?.unwrap_or_default())
}

/// Of each line of `pg_hba.conf` whether pgkeep wrote it by itself.
pub(crate) fn written(cluster: &Cluster, policy: &Policy) -> Result<Vec<bool>> {
    let rules = policy.firewall.as_deref().unwrap_or_default();
    let of_rules: Vec<String> =
        rules.iter().map(|rule| rule.line(policy.require_secure_transport)).collect();
    let mut own = false;
    let text = current(cluster)?;
    let written = text.lines().map(|line| {
        own = own && line != END || line == BEGIN;
        !own && !of_rules.iter().any(|rule| rule == line)
    });
    Ok(written.collect())
}

fn render(policy: &Policy, own: &str) -> String {
    let mut text = String::from(
        "# Written by pgkeep; of changes only lines between the two markers stay.\n\
         # The first line that fits decides.\n\
         local all postgres peer map=pgkeep\n\
         local replication postgres peer map=pgkeep\n",
    );
    if policy.require_secure_transport {
        text.push_str("hostnossl all all all reject\nhostnossl replication all all reject\n");
    }
    push_block(&mut text, own);
    let secure_only = policy.require_secure_transport;
    if let Some(rules) = &policy.firewall {
        let certificates = policy.client_certificates.as_ref();
        text.push_str(&firewall::lines(rules, secure_only, certificates));
        text.push_str("local all all scram-sha-256\nlocal replication all scram-sha-256\n");
        return text;
    }
    let rules = policy.client_certificates.iter().flat_map(|wanted| &wanted.rules);
    for rule in rules {
        let (database, role) = (name(&rule.database), name(&rule.role));
        writeln!(text, "hostssl {database} {role} all scram-sha-256 clientcert=verify-full")
            .expect("because a String takes all text");
    }
    let kind = if secure_only { "hostssl" } else { "host" };
    for database in ["all", "replication"] {
        writeln!(text, "local {database} all scram-sha-256")
            .and_then(|()| writeln!(text, "{kind} {database} all all scram-sha-256"))
            .expect("because a String takes all text");
    }
    text
}

fn render_ident(cluster: &Cluster, own: &str) -> String {
    let mut text =
        String::from("# Written by pgkeep; of changes only lines between the two markers stay.\n");
    for user in cluster.peer_users() {
        writeln!(text, "pgkeep {} postgres", quoted(user))
            .expect("because a String takes all text");
    }
    push_block(&mut text, own);
    text
}

fn push_block(text: &mut String, own: &str) {
    text.push_str(BEGIN);
    text.push('\n');
    if !own.is_empty() {
        text.push_str(own);
        text.push('\n');
    }
    text.push_str(END);
    text.push('\n');
}

/// A database or role as the file wants it: `all` keeps its meaning, other names are quoted.
pub(crate) fn name(text: &str) -> String {
    if text == "all" { text.to_owned() } else { quoted(text) }
}

pub(crate) fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "\"\""))
}

impl Cluster {
    /// Puts a policy into force in the running server, and proves it.
    ///
    /// Writes the files, reloads, asks `pg_hba_file_rules` for errors, and for
    /// `require_secure_transport` knocks without TLS. On any doubt the old policy is put back.
    pub async fn apply_policy(&self, connection: &Connection, policy: &Policy) -> Result<Changed> {
        let old = self.policy()?;
        // Whether the server is read-only is decided elsewhere.
        let policy = &Policy { read_only: old.read_only.clone(), ..policy.clone() };
        if old == *policy {
            return Ok(Changed::Unchanged);
        }
        refuse_line_breaks(policy)?;
        if let Some(rules) = &policy.firewall {
            firewall::check(rules, policy.client_certificates.is_some())?;
        }
        if let Err(error) = self.enforce(connection, policy).await {
            tracing::warn!(%error, "access rules are taken back");
            self.enforce(connection, &old).await?;
            return Err(error);
        }
        self.save_policy(policy)?;
        Ok(Changed::Changed)
    }

    async fn enforce(&self, connection: &Connection, policy: &Policy) -> Result<()> {
        self.write_configuration_of(policy)?;
        if let Some(detail) = rule_errors(connection).await? {
            return Err(Error::AccessRules { detail });
        }
        connection.reload().await?;
        // Whoever looks after the server must still come in.
        drop(self.connect_local("postgres").await?);
        if policy.firewall.is_some() && !policy.require_secure_transport {
            // Whether plain text is let in is the rules' to say.
            return Ok(());
        }
        let Some(host) = probe_host(connection).await? else { return Ok(()) };
        let wanted = if policy.require_secure_transport {
            PlainAnswer::Refused
        } else {
            PlainAnswer::Accepted
        };
        let deadline = tokio::time::Instant::now() + EFFECT;
        loop {
            let answer = probe_plain(&host, self.port).await?;
            if answer == wanted {
                return Ok(());
            }
            if tokio::time::Instant::now() > deadline {
                let detail = format!("a connection without TLS is {answer}, not {wanted}");
                return Err(Error::NoEffect { name: "pg_hba.conf".to_owned(), detail });
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

/// Where the server can be knocked at over TCP; `None` when it does not listen at all.
async fn probe_host(connection: &Connection) -> Result<Option<String>> {
    let sql = "select current_setting('listen_addresses')";
    let row = connection.query_one("read listen_addresses", sql, &[]).await?;
    let addresses = list_elements(row.get(0));
    let local = ["*", "0.0.0.0", "::", "localhost", "127.0.0.1"];
    let is_local = addresses.iter().any(|address| local.contains(&address.as_str()));
    Ok(if is_local { Some("localhost".to_owned()) } else { addresses.into_iter().next() })
}

/// The errors in `pg_hba.conf` as PostgreSQL reads it now, before any reload.
async fn rule_errors(connection: &Connection) -> Result<Option<String>> {
    let sql = "select line_number, error from pg_hba_file_rules where error is not null";
    let rows = connection.query("read access rules", sql, &[]).await?;
    let errors = rows
        .iter()
        .map(|row| format!("line {}: {}", row.get::<_, i32>(0), row.get::<_, String>(1)));
    let text = errors.collect::<Vec<_>>().join("; ");
    Ok((!text.is_empty()).then_some(text))
}

fn refuse_line_breaks(policy: &Policy) -> Result<()> {
    let rules = policy.client_certificates.iter().flat_map(|wanted| &wanted.rules);
    for text in rules.flat_map(|rule| [&rule.database, &rule.role]) {
        if text.is_empty() || text.contains(['\n', '\r', '\0']) || text.len() > 63 {
            let detail = "a database or role name is empty, too long or broken".to_owned();
            return Err(Error::AccessRules { detail });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{own_lines, render};
    use crate::{ClientCertificateRule, ClientCertificates, Policy};

    #[test]
    fn plain_text_is_rejected_before_any_line_of_the_operator() {
        let text = render(&Policy::default(), "host all all all trust");
        let reject = text.find("hostnossl all all all reject").unwrap();
        assert!(reject < text.find("host all all all trust").unwrap());
        assert_eq!(own_lines(&text), "host all all all trust");
    }

    #[test]
    fn without_secure_transport_both_kinds_are_let_in() {
        let policy = Policy { require_secure_transport: false, ..Policy::default() };
        let text = render(&policy, "");
        assert!(text.contains("\nhost all all all scram-sha-256\n"));
        assert!(!text.contains("reject"));
    }

    #[test]
    fn client_certificate_lines_come_before_the_rest_and_are_quoted() {
        let rules =
            vec![ClientCertificateRule { database: "all".to_owned(), role: "a\"b".to_owned() }];
        let wanted = ClientCertificates { ca_pem: String::new(), rules };
        let policy = Policy { client_certificates: Some(wanted), ..Policy::default() };
        let text = render(&policy, "");
        let line = "hostssl all \"a\"\"b\" all scram-sha-256 clientcert=verify-full";
        assert!(text.find(line).unwrap() < text.find("hostssl all all all").unwrap());
    }
}
