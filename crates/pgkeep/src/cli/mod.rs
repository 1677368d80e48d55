//! The command line: what a person types.
//!
//! Words go to standard error, what was asked for to standard output. The exit code is an
//! interface: see [`codes`].

mod ask;
mod baseline;
mod codes;
mod completion;
mod firewall;
mod identity;
mod keyvault;
mod keyvault_attributes;
mod keyvault_backup;
mod keyvault_import;
mod keyvault_key;
mod keyvault_pem;
mod keyvault_policy;
mod keyvault_role;
mod keyvault_show;
mod kql;
mod lifecycle;
mod logs;
mod messages;
pub(crate) mod output;
mod parameter;
mod portal;
pub(crate) mod progress;
mod roles;
mod server;
mod server_key;
mod token;
mod user;
mod vault;
mod vault_input;

use std::path::PathBuf;
use std::process::ExitCode as ProcessExit;

use base::{ExitCode, Fault};
use clap::error::ErrorKind;
use clap::{Args, CommandFactory as _, Parser, Subcommand};

use output::{Format, Output};

use crate::agent::{self, AgentArgs};
use crate::fs::{self, FsCommand};
use crate::home::{Home, agent_process};
use crate::otlp::Export;
use crate::plane::{self, PlaneArgs};
use crate::supervisor::{self, UpArgs};
use crate::vaultd;
use crate::{doctor, process};

/// PostgreSQL that is encrypted at rest and in transit by default
#[derive(Debug, Parser)]
#[command(name = "pgkeep", version, max_term_width = 100, propagate_version = false)]
pub(crate) struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

/// What every command takes.
#[derive(Clone, Debug, Args)]
struct Global {
    /// Home of the installation [default: /var/lib/pgkeep for root, else ~/.local/state/pgkeep]
    #[arg(long, global = true, env = "PGKEEP_HOME", value_name = "DIR", hide_env_values = true)]
    home: Option<PathBuf>,
    /// Shape of what is printed
    #[arg(short, long, global = true, default_value = "table", value_name = "FORMAT")]
    #[arg(value_parser = Output::parser())]
    output: Output,
}

impl Global {
    fn home(&self) -> Result<Home, Fault> {
        Home::resolve(self.home.as_deref())
    }
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Start everything and keep it running
    Up(lifecycle::UpCommand),
    /// Stop everything in order
    Down(lifecycle::DownCommand),
    /// Show what runs
    Status,
    /// Check what this machine needs to run pgkeep well
    Doctor,
    /// PostgreSQL servers
    #[command(subcommand)]
    Server(server::ServerCommand),
    /// The vault that holds the keys
    #[command(subcommand)]
    Vault(vault::VaultCommand),
    /// Key vaults that speak the Azure Key Vault keys API
    #[command(subcommand)]
    Keyvault(keyvault::KeyvaultCommand),
    /// Managed identities: programs that ask for keys
    #[command(subcommand)]
    Identity(identity::IdentityCommand),
    /// People who may sign in to the portal
    #[command(subcommand)]
    User(user::UserCommand),
    /// Tokens by which programs use the API
    #[command(subcommand)]
    Token(token::TokenCommand),
    /// The portal in the browser
    #[command(subcommand)]
    Portal(portal::PortalCommand),
    /// Events of servers and of pgkeep itself: ask, take in, follow
    #[command(subcommand)]
    Logs(logs::LogsCommand),
    /// What is weak in a PostgreSQL: any, or one of pgkeep's
    #[command(subcommand)]
    Baseline(baseline::BaselineCommand),
    /// Queries in the Kusto Query Language, on files, with nothing running
    #[command(subcommand)]
    Kql(kql::KqlCommand),
    /// The bare encrypting file system
    #[command(subcommand)]
    Fs(FsCommand),
    /// Show the version
    Version,
    /// Print a completion script for a shell
    Completion(completion::CompletionCommand),
    /// List the exit codes and what they mean
    #[command(long_about = codes::TABLE)]
    ExitCodes,
    #[command(subcommand, hide = true)]
    Agent(AgentCommand),
    #[command(subcommand, hide = true)]
    Plane(PlaneCommand),
    #[command(subcommand, hide = true)]
    Supervisor(SupervisorCommand),
}

/// The process of one server.
#[derive(Debug, Subcommand)]
enum AgentCommand {
    /// Runs until told to end
    Serve(AgentArgs),
}

/// The plane's process.
#[derive(Debug, Subcommand)]
enum PlaneCommand {
    /// Runs until told to end
    Serve(PlaneArgs),
}

/// The supervisor in the background.
#[derive(Debug, Subcommand)]
enum SupervisorCommand {
    /// Runs until told to end
    Serve(UpArgs),
}

/// Runs the command line and says how it ended.
pub(crate) fn main() -> ProcessExit {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(e) => return misunderstood(&e),
    };
    let format = cli.global.output.plain().unwrap_or_default();
    match run(cli) {
        Ok(code) => ProcessExit::from(u8::from(code)),
        Err(fault) => {
            messages::complain(format, &fault);
            ProcessExit::from(u8::from(fault.exit))
        }
    }
}

fn run(cli: Cli) -> Result<ExitCode, Fault> {
    let Cli { global, command } = cli;
    let output = global.output;
    // A report is asked of one command only.
    let format = match &command {
        Command::Baseline(_) => Format::default(),
        _ => output.plain()?,
    };
    match command {
        Command::Baseline(command) => baseline::run(|| global.home(), &command, output),
        Command::Up(command) => lifecycle::up(&global.home()?, &command, format),
        Command::Down(command) => lifecycle::down(&global.home()?, &command, format),
        Command::Status => lifecycle::status(&global.home()?, format),
        Command::Doctor => doctor::run(&global.home()?, format),
        Command::Server(command) => server::run(&global.home()?, command, format),
        Command::Vault(vault::VaultCommand::Serve(args)) => {
            let home = global.home()?;
            service(&home.clone(), "vault", "vault", vaultd::run(home, args))
        }
        Command::Vault(command) => vault::run(&global.home()?, &command, format),
        Command::Keyvault(command) => keyvault::run(&global.home()?, command, format),
        Command::Identity(command) => identity::run(&global.home()?, command, format),
        Command::User(command) => user::run(&global.home()?, &command, format),
        Command::Token(command) => token::run(&global.home()?, &command, format),
        Command::Portal(command) => portal::run(&global.home()?, &command, format),
        Command::Logs(command) => logs::run(&global.home()?, &command, format),
        Command::Kql(command) => kql::run(command, format),
        Command::Fs(command) => fs::run(command, format),
        Command::Version => version(format),
        Command::Completion(command) => completion::run(&command, Cli::command()),
        Command::ExitCodes => output::print(codes::TABLE).map(|()| ExitCode::Ok),
        Command::Agent(AgentCommand::Serve(args)) => {
            let home = global.home()?;
            let name = agent_process(&args.name);
            service(&home.clone(), "agent", &name, agent::run(home, args))
        }
        Command::Plane(PlaneCommand::Serve(args)) => {
            let home = global.home()?;
            let refused = process::give_way();
            service(&home.clone(), "plane", "plane", async move {
                if let Some(reason) = refused {
                    tracing::info!(reason, "the priority stays as it is");
                }
                plane::run(home, args).await
            })
        }
        Command::Supervisor(SupervisorCommand::Serve(args)) => {
            let home = global.home()?;
            one_thread()?.block_on(supervisor::serve(&home, &args)).map(|()| ExitCode::Ok)
        }
    }
}

/// Runs a process of the supervisor until it ends; its last words go to its log. `instance` tells
/// processes of one name apart.
fn service(
    home: &Home,
    name: &str,
    instance: &str,
    run: impl Future<Output = Result<(), Fault>>,
) -> Result<ExitCode, Fault> {
    let mut export = Export::begin(home, name, instance);
    process::harden(export.layer.take())?;
    tracing::info!(version = env!("CARGO_PKG_VERSION"), "{name} starts");
    if let Some(reason) = &export.failure {
        tracing::warn!(reason, "logs and spans are not exported");
    }
    let runtime = tokio::runtime::Runtime::new().map_err(no_runtime)?;
    let code = match runtime.block_on(run) {
        Ok(()) => {
            tracing::info!("{name} ends");
            Ok(ExitCode::Ok)
        }
        Err(fault) => {
            tracing::error!(detail = fault.detail, hint = fault.hint, "{}", fault.message);
            Ok(fault.exit)
        }
    };
    export.end();
    code
}

/// A runtime for commands, and for the supervisor, whose children depend on its thread.
fn one_thread() -> Result<tokio::runtime::Runtime, Fault> {
    tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(no_runtime)
}

fn no_runtime(e: std::io::Error) -> Fault {
    Fault::from_error("runtime", "could not start the runtime", &e)
}

fn version(format: Format) -> Result<ExitCode, Fault> {
    let version = env!("CARGO_PKG_VERSION");
    if format == Format::Table {
        output::print(&format!("pgkeep {version}\n"))?;
        return Ok(ExitCode::Ok);
    }
    let platform = format!("{}-{}", std::env::consts::ARCH, std::env::consts::OS);
    let value = serde_json::json!({ "name": "pgkeep", "version": version, "platform": platform });
    output::show(format, &value, &[]).map(|()| ExitCode::Ok)
}

/// Help and version are answers; everything else is a usage error.
fn misunderstood(e: &clap::Error) -> ProcessExit {
    match e.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            let _ = e.print();
            ProcessExit::SUCCESS
        }
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            output::say(e.render().to_string().trim_end());
            ProcessExit::from(u8::from(ExitCode::Usage))
        }
        _ => {
            messages::complain_of_usage(e);
            ProcessExit::from(u8::from(ExitCode::Usage))
        }
    }
}
