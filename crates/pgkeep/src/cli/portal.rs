//! `pgkeep portal`: ways into the portal for whoever holds the machine.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use base::{ExitCode, Fault, Random as _, Secret};
use clap::{Args, Subcommand};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::ask::{ask, client};
use super::output::{self, Format, say};
use crate::home::Home;

/// Commands on the portal.
#[derive(Clone, Debug, Subcommand)]
pub(super) enum PortalCommand {
    /// Make a one-time link that signs in, good for 15 minutes
    LoginLink(LinkCommand),
    /// Open the portal in a browser, signed in
    Open(LinkCommand),
}

/// For whom.
#[derive(Clone, Debug, Args)]
pub(super) struct LinkCommand {
    /// User to sign in as; admin is an owner without a password
    #[arg(long, default_value = api::access::ADMIN)]
    user: String,
}

/// Runs one command.
pub(super) fn run(home: &Home, command: &PortalCommand, format: Format) -> Result<ExitCode, Fault> {
    match command {
        PortalCommand::LoginLink(command) => {
            let mut made = link(home, &command.user)?;
            let printed = match format {
                Format::Table | Format::Tsv => {
                    let url = made["url"].as_str().unwrap_or_default();
                    output::print(&Zeroizing::new(format!("{url}\n")))
                }
                _ => output::show(format, &made, &[]),
            };
            crate::rpc::scrub(&mut made);
            printed.map(|()| ExitCode::Ok)
        }
        PortalCommand::Open(command) => open(home, &command.user),
    }
}

fn link(home: &Home, user: &str) -> Result<Value, Fault> {
    ask(home, "POST", "/login-links", Some(&json!({ "user": user })))
}

/// Makes a link.
pub(super) async fn new_link(home: &Home, user: &str) -> Result<Secret<String>, Fault> {
    let wish = json!({ "user": user });
    let made = client(home).call("POST", "/login-links", Some(&wish), |_| {}).await?;
    Ok(Secret::new(made["url"].as_str().unwrap_or_default().to_owned()))
}

/// A browser gets the link in a file that only its user can read: other users of the machine see
/// the arguments of every process.
fn open(home: &Home, user: &str) -> Result<ExitCode, Fault> {
    let mut made = link(home, user)?;
    let url = Zeroizing::new(made["url"].as_str().unwrap_or_default().to_owned());
    crate::rpc::scrub(&mut made);
    let page = page(&url)?;
    let mut opener = Command::new("xdg-open");
    let opened = opener.arg(&page).stdin(Stdio::null()).stdout(Stdio::null()).status();
    if opened.is_ok_and(|status| status.success()) {
        say("the portal opens in a browser; the link is good once, within 15 minutes");
        return Ok(ExitCode::Ok);
    }
    let _ = std::fs::remove_file(&page);
    say("no browser could be opened here; open this once, within 15 minutes:");
    output::print(&Zeroizing::new(format!("{}\n", url.as_str()))).map(|()| ExitCode::Ok)
}

/// A page that leads to the link.
fn page(url: &str) -> Result<PathBuf, Fault> {
    let mut name = [0; 8];
    crypto::OsRandom.fill(&mut name);
    let name = format!("pgkeep-{:016x}.html", u64::from_ne_bytes(name));
    let path = std::env::temp_dir().join(name);
    // The address holds letters, digits and -_:/#=. only.
    let text = Zeroizing::new(format!(
        "<!doctype html><meta charset=\"utf-8\"><title>pgkeep</title>\
         <meta http-equiv=\"refresh\" content=\"0;url={url}\">\n"
    ));
    let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
    let written = made.and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|e| {
        Fault::from_error("output", format!("could not write {}", path.display()), &e)
    })?;
    Ok(path)
}
