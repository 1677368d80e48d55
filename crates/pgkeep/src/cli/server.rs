//! `pgkeep server`: nouns and verbs of `az postgres flexible-server`.

use std::io::{BufRead as _, IsTerminal as _};
use std::os::unix::process::CommandExt as _;
use std::process::Command;

use base::{ExitCode, Fault, ServerName};
use clap::{Args, Subcommand};
use serde_json::json;

use super::ask::{all, ask, get, print};
use super::firewall::{self, FirewallCommand};
use super::output::{self, Format, say};
use super::parameter::{self, ParameterCommand};
use super::server_key::{self, KeyCommand, NewKey};
use crate::home::Home;

/// Commands on servers.
#[derive(Clone, Debug, Subcommand)]
pub(super) enum ServerCommand {
    /// Make a server: encrypted storage, PostgreSQL, TLS
    #[command(after_help = "\
Examples:
  pgkeep server create -n web
  pgkeep server create -n hr --identity app \\
      --key https://pay.vault.localhost:8200/keys/tde

With --key the server's data key is wrapped by a key of yours instead of pgkeep's own. An address
without a version follows the newest one. Whoever takes the key away closes the server within
seconds; it comes back by itself with the key.")]
    Create(CreateCommand),
    /// List the servers
    List,
    /// Show one server
    Show(Named),
    /// Show the history of a server's states
    History(Named),
    /// Start a server
    Start(Named),
    /// Stop a server; it stays stopped until started
    Stop(Named),
    /// Stop and start a server
    Restart(Named),
    /// Delete a server and all its data
    Delete(DeleteCommand),
    /// Open psql on a server
    Connect(ConnectCommand),
    /// Print how to connect to a server
    ShowConnectionString(ConnectionStringCommand),
    /// Settings of a server
    #[command(subcommand)]
    Parameter(ParameterCommand),
    /// Who may connect to a server
    #[command(subcommand)]
    FirewallRule(FirewallCommand),
    /// The TLS certificate of a server
    #[command(subcommand)]
    Certificate(CertificateCommand),
    /// The key that the owner of a server holds
    #[command(subcommand)]
    Key(KeyCommand),
    /// The encrypted storage of a server
    #[command(subcommand)]
    Storage(StorageCommand),
}

/// Which server.
#[derive(Clone, Debug, Args)]
pub(super) struct Named {
    /// Name of the server
    #[arg(short, long, short_alias = 's', alias = "server-name")]
    name: ServerName,
}

/// Which server, where `-n` means something else or nothing.
#[derive(Clone, Debug, Args)]
pub(super) struct OfServer {
    /// Name of the server
    #[arg(short, long = "server-name", short_alias = 'n', alias = "name")]
    pub(super) server: ServerName,
}

#[derive(Clone, Debug, Args)]
pub(super) struct CreateCommand {
    #[command(flatten)]
    named: Named,
    /// Port [default: the next free one from 5432]
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..))]
    port: Option<u16>,
    #[command(flatten)]
    owners_key: NewKey,
}

#[derive(Clone, Debug, Args)]
pub(super) struct DeleteCommand {
    #[command(flatten)]
    named: Named,
    /// Do not ask
    #[arg(long, short)]
    yes: bool,
}

#[derive(Clone, Debug, Args)]
pub(super) struct ConnectCommand {
    #[command(flatten)]
    named: Named,
    /// Database [default: postgres]
    #[arg(long, short)]
    database: Option<String>,
    /// Further words for psql
    #[arg(last = true)]
    psql: Vec<String>,
}

#[derive(Clone, Debug, Args)]
pub(super) struct ConnectionStringCommand {
    #[command(flatten)]
    of: OfServer,
    /// Another role than the administrator; it brings its own password
    #[arg(long)]
    role: Option<String>,
}

/// Commands on certificates.
#[derive(Clone, Debug, Subcommand)]
pub(super) enum CertificateCommand {
    /// Issue a new certificate and prove that the server shows it
    Rotate(OfServer),
}

/// Commands on storage.
#[derive(Clone, Debug, Subcommand)]
pub(super) enum StorageCommand {
    /// Read every unit and compare it with its code; exit code 6 when one is bad
    Verify(VerifyCommand),
    /// Show a piece of a catalog as it lies on the disk and as PostgreSQL sees it
    Proof(OfServer),
}

#[derive(Clone, Debug, Args)]
pub(super) struct VerifyCommand {
    #[command(flatten)]
    of: OfServer,
    /// Stop the server for the time of the check, and start it again
    #[arg(long)]
    stop: bool,
}

const LIST: [&str; 4] = ["name", "state", "port", "state_reason"];

/// Runs one command.
pub(super) fn run(home: &Home, command: ServerCommand, format: Format) -> Result<ExitCode, Fault> {
    match command {
        ServerCommand::Create(command) => {
            room_for_sockets(home, &command.named.name)?;
            let mut args = json!({ "name": command.named.name, "port": command.port });
            command.owners_key.into_args(&mut args)?;
            let shown = ask(home, "POST", "/servers", Some(&args))?;
            output::show(format, &shown, &[])?;
            Ok(if shown["state"] == "Ready" { ExitCode::Ok } else { ExitCode::Gate })
        }
        ServerCommand::List => print(&all(home, "/servers")?, format, &LIST),
        ServerCommand::Show(named) => print(&get(home, &of(&named.name, ""))?, format, &[]),
        ServerCommand::History(named) => {
            print(&all(home, &of(&named.name, "/history"))?, format, &[])
        }
        ServerCommand::Start(named) => change(home, "/start", &named, format),
        ServerCommand::Stop(named) => change(home, "/stop", &named, format),
        ServerCommand::Restart(named) => change(home, "/restart", &named, format),
        ServerCommand::Delete(command) => delete(home, &command, format),
        ServerCommand::Connect(command) => connect(home, &command),
        ServerCommand::ShowConnectionString(command) => connection_string(home, &command, format),
        ServerCommand::Parameter(command) => parameter::run(home, command, format),
        ServerCommand::FirewallRule(command) => firewall::run(home, command, format),
        ServerCommand::Certificate(CertificateCommand::Rotate(named)) => {
            let path = of(&named.server, "/certificate/rotate");
            print(&ask(home, "POST", &path, None)?, format, &[])
        }
        ServerCommand::Key(command) => server_key::run(home, command, format),
        ServerCommand::Storage(StorageCommand::Proof(of)) => {
            print(&get(home, &self::of(&of.server, "/encryption/proof"))?, format, &[])
        }
        ServerCommand::Storage(StorageCommand::Verify(command)) => {
            let path = of(&command.of.server, "/storage/verify");
            let report = ask(home, "POST", &path, Some(&json!({ "stop": command.stop })))?;
            output::show(format, &report, &[])?;
            let bad = report["tampered"].as_array().is_none_or(|events| !events.is_empty());
            Ok(if bad { ExitCode::Gate } else { ExitCode::Ok })
        }
    }
}

/// A path of the API below a server; names of servers need no encoding.
pub(super) fn of(server: &ServerName, rest: &str) -> String {
    format!("/servers/{server}{rest}")
}

fn change(home: &Home, what: &str, named: &Named, format: Format) -> Result<ExitCode, Fault> {
    let shown = ask(home, "POST", &of(&named.name, what), None)?;
    let columns: &[&str] = if format == Format::Table { &LIST } else { &[] };
    print(&shown, format, columns)
}

fn delete(home: &Home, command: &DeleteCommand, format: Format) -> Result<ExitCode, Fault> {
    let name = &command.named.name;
    if !command.yes && !confirmed(name)? {
        return Err(Fault::new("declined", format!("server \"{name}\" was not deleted")));
    }
    print(&ask(home, "DELETE", &of(name, ""), None)?, format, &[])
}

fn confirmed(name: &ServerName) -> Result<bool, Fault> {
    let mut stdin = std::io::stdin().lock();
    if !stdin.is_terminal() {
        return Err(Fault::new("usage", "deleting a server needs a confirmation")
            .hint("say so with --yes")
            .exit(ExitCode::Usage));
    }
    say(&format!("This deletes server {name} and all its data. Type its name to go on:"));
    let mut line = String::new();
    stdin
        .read_line(&mut line)
        .map_err(|e| Fault::from_error("input", "could not read the confirmation", &e))?;
    Ok(line.trim() == name.as_str())
}

fn dsn(home: &Home, name: &ServerName) -> Result<String, Fault> {
    let shown = get(home, &of(name, ""))?;
    shown["dsn"].as_str().map(str::to_owned).ok_or_else(|| {
        let fault = Fault::new("server_down", format!("server \"{name}\" is {}", shown["state"]));
        let reason = shown["state_reason"].as_str().unwrap_or_default();
        fault.detail(reason).hint(format!("pgkeep server start -n {name}"))
    })
}

/// Becomes psql. The connection string holds no password, only where it lies.
fn connect(home: &Home, command: &ConnectCommand) -> Result<ExitCode, Fault> {
    let mut dsn = dsn(home, &command.named.name)?;
    if let Some(database) = &command.database {
        dsn = dsn.replacen("/postgres?", &format!("/{}?", crate::plane::encode(database)), 1);
    }
    let e = Command::new("psql").arg(dsn).args(&command.psql).exec();
    Err(Fault::from_error("psql", "could not run psql", &e)
        .hint("install PostgreSQL's client: cargo xtask deps"))
}

fn connection_string(
    home: &Home,
    command: &ConnectionStringCommand,
    format: Format,
) -> Result<ExitCode, Fault> {
    let dsn = dsn(home, &command.of.server)?;
    let dsn = command.role.as_deref().map_or(dsn.clone(), |role| crate::plane::as_role(&dsn, role));
    match format {
        Format::Table | Format::Tsv => output::print(&format!("{dsn}\n"))?,
        _ => output::show(format, &json!({ "dsn": dsn }), &[])?,
    }
    Ok(ExitCode::Ok)
}

/// PostgreSQL's socket lies below the server's folder and has a short path by law.
fn room_for_sockets(home: &Home, name: &ServerName) -> Result<(), Fault> {
    let socket = home.server(name).join("sock/.s.PGSQL.65535");
    let n = socket.as_os_str().len();
    if n <= 107 {
        return Ok(());
    }
    Err(Fault::new("name_too_long", format!("the name \"{name}\" is too long for this home"))
        .detail(format!("the path of its socket would have {n} bytes; 107 are possible"))
        .hint("choose a shorter name, or a home with a shorter path")
        .exit(ExitCode::Usage))
}
