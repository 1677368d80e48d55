//! Assesses the server of a connection string, host, log and probes included, and prints how many
//! checks said what. `cargo xtask bench baseline --library` measures it: what the library takes,
//! without the rest of pgkeep, which is an hour's build.
//!
//! Arguments: a connection string, the server's data directory.

use std::collections::BTreeMap;
use std::error::Error;
use std::io::Write as _;

use base::{Clock as _, SystemClock};
use baseline::{
    Connect, Connecting, Declared, Feeds, Host, Library, LogSource, Place, Request, Sources,
    assess, collect,
};
use pg::{Defaults, Dsn};

struct Target(Dsn);

impl Connect for Target {
    fn connect<'a>(&'a self, database: Option<&'a str>) -> Connecting<'a> {
        Box::pin(self.0.connect(database))
    }

    fn place(&self) -> Option<Place> {
        let (host, port) = self.0.place()?;
        Some(Place { host, port })
    }

    fn label(&self) -> String {
        self.0.label()
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let dsn = arguments.next().ok_or("needs a connection string")?;
    let host = Host::here(arguments.next().ok_or("needs a data directory")?);
    let target = Target(Dsn::parse(&dsn, Defaults::default())?);
    let library = Library::shipped()?;
    let checks = library.chosen(&[])?;
    let (declared, feeds, log) = (Declared::default(), Feeds::shipped()?, LogSource::default());
    let mut request = Request::of(&checks, &declared);
    let (host, feeds, log) = (Some(&host), Some(&feeds), Some(&log));
    request.sources = Sources { host, feeds, log, wire: true };
    let clock = SystemClock;
    let bundle = collect(&target, &library, &request, &clock, &|_| ()).await?;
    let now_ms = clock.now().as_millisecond();
    let made = assess(&library, &bundle, &[], &[], now_ms)?;
    let counts: BTreeMap<String, usize> = made
        .counts
        .iter()
        .map(|(verdict, n)| Ok((serde_json::to_string(verdict)?, *n)))
        .collect::<Result<_, serde_json::Error>>()?;
    let said: Vec<String> =
        counts.iter().map(|(verdict, n)| format!("{n} {}", verdict.trim_matches('"'))).collect();
    writeln!(std::io::stdout(), "{}", said.join(", "))?;
    Ok(())
}
