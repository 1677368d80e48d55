//! `pgkeep identity`: managed identities, by which programs ask for keys without a password.

use std::process::Command;

use base::{ExitCode, Fault};
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::output::{self, Format};
use super::vault::ask;
use crate::home::Home;

/// Commands on identities.
#[derive(Clone, Debug, Subcommand)]
pub(super) enum IdentityCommand {
    /// Make an identity
    #[command(after_help = "\
Examples:
  pgkeep identity create -n app
  pgkeep identity create -n shop --uid shop --unit shop.service
  pgkeep identity create -n ci --no-process

A process on this machine is the identity when its OS user and systemd unit are among those that
are named; every kind that is named must fit. Without any rule the OS user that runs the servers
is named, so that a server can use it for its key. Roles say what an identity may do.")]
    Create(CreateCommand),
    /// Show an identity
    Show(Named),
    /// List the identities
    List,
    /// Print the environment by which the Azure SDKs find an identity; it holds a secret
    #[command(after_help = "\
Examples:
  env $(pgkeep identity env -n app) python3 app.py
  set -a; . <(pgkeep identity env -n app); set +a

Whoever knows IDENTITY_HEADER is the identity, on this machine; identity update --rotate-header
makes a new one.")]
    Env(Named),
    /// Change who an identity is, disable it, or make a new header secret
    #[command(after_help = "\
Examples:
  pgkeep identity update -n app --enabled false
  pgkeep identity update -n shop --uid shop --servers
  pgkeep identity update -n ci --rotate-header

The rules that are named take the place of all those before.")]
    Update(UpdateCommand),
    /// Delete an identity and its roles; another one of the same name is another
    Delete(Named),
}

/// Which identity.
#[derive(Clone, Debug, Args)]
pub(super) struct Named {
    /// Name of the identity
    #[arg(short, long)]
    name: String,
}

/// Which processes are the identity.
#[derive(Clone, Debug, Default, Args)]
pub(super) struct Rules {
    /// OS user of its processes, by number or name; several are possible
    #[arg(long, value_name = "USER")]
    uid: Vec<String>,
    /// systemd unit of its processes; several are possible
    #[arg(long)]
    unit: Vec<String>,
    /// The OS user that runs the servers of this home
    #[arg(long)]
    servers: bool,
    /// No process: only whoever knows the header secret
    #[arg(long, conflicts_with_all = ["uid", "unit", "servers"])]
    no_process: bool,
}

#[derive(Clone, Debug, Args)]
pub(super) struct CreateCommand {
    #[command(flatten)]
    named: Named,
    #[command(flatten)]
    rules: Rules,
}

#[derive(Clone, Debug, Args)]
pub(super) struct UpdateCommand {
    #[command(flatten)]
    named: Named,
    #[command(flatten)]
    rules: Rules,
    /// Whether it gets tokens and its requests are heard
    #[arg(long, value_name = "true|false", action = clap::ArgAction::Set)]
    enabled: Option<bool>,
    /// Make a new header secret; the one before is refused from now on
    #[arg(long)]
    rotate_header: bool,
}

const LIST: [&str; 5] = ["name", "client_id", "enabled", "uids", "units"];

/// Runs one command.
pub(super) fn run(
    home: &Home,
    command: IdentityCommand,
    format: Format,
) -> Result<ExitCode, Fault> {
    let of = |named: &Named| json!({ "name": named.name });
    let (op, args, columns): (_, _, &[&str]) = match command {
        IdentityCommand::Create(CreateCommand { named, rules }) => {
            let mut args = of(&named);
            rules.say(&mut args)?;
            ("identity-create", args, &[])
        }
        IdentityCommand::Show(named) => ("identity-show", of(&named), &[]),
        IdentityCommand::List => ("identity-list", Value::Null, &LIST),
        IdentityCommand::Env(named) => return env(home, of(&named), format),
        IdentityCommand::Update(command) => ("identity-update", command.args()?, &[]),
        IdentityCommand::Delete(named) => ("identity-delete", of(&named), &[]),
    };
    output::show(format, &ask(home, op, args)?, columns).map(|()| ExitCode::Ok)
}

impl UpdateCommand {
    fn args(self) -> Result<Value, Fault> {
        let Self { named, rules, enabled, rotate_header } = self;
        if rules.are_empty() && enabled.is_none() && !rotate_header {
            return Err(Fault::new("usage", "nothing to change was named")
                .hint("name --uid, --unit, --servers, --no-process, --enabled or --rotate-header")
                .exit(ExitCode::Usage));
        }
        let mut args = json!({
            "name": named.name, "enabled": enabled, "rotate_header": rotate_header,
        });
        rules.say(&mut args)?;
        Ok(args)
    }
}

impl Rules {
    fn are_empty(&self) -> bool {
        self.uid.is_empty() && self.unit.is_empty() && !self.servers && !self.no_process
    }

    /// Adds the rules to the arguments of an operation.
    fn say(self, args: &mut Value) -> Result<(), Fault> {
        let uids: Result<Vec<u32>, Fault> = self.uid.iter().map(|user| uid_of(user)).collect();
        args["uids"] = json!(uids?);
        args["units"] = json!(self.unit);
        args["servers"] = json!(self.servers);
        args["no_process"] = json!(self.no_process);
        Ok(())
    }
}

/// The lines that the Azure SDKs read from the environment. The secret goes nowhere else.
fn env(home: &Home, args: Value, format: Format) -> Result<ExitCode, Fault> {
    let mut found = ask(home, "identity-env", args)?;
    let printed = match format {
        Format::Table | Format::Tsv => {
            let line =
                |name: &str| format!("{name}={}\n", found[name].as_str().unwrap_or_default());
            let names = ["IDENTITY_ENDPOINT", "IDENTITY_HEADER", "AZURE_CLIENT_ID"];
            let text = zeroize::Zeroizing::new(names.map(line).concat());
            output::print(&text)
        }
        _ => output::show(format, &found, &[]),
    };
    crate::rpc::scrub(&mut found);
    printed.map(|()| ExitCode::Ok)
}

/// The number of an OS user, also of one that a directory service knows.
fn uid_of(user: &str) -> Result<u32, Fault> {
    if let Ok(uid) = user.parse() {
        return Ok(uid);
    }
    let output = Command::new("id").args(["-u", "--", user]).output();
    let uid = output
        .ok()
        .filter(|output| output.status.success())
        .and_then(|output| String::from_utf8(output.stdout).ok()?.trim().parse().ok());
    uid.ok_or_else(|| {
        Fault::new("no_account", format!("there is no OS user \"{user}\""))
            .hint("name an OS user of this machine, or its number")
            .exit(ExitCode::NotFound)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_have_a_number_or_a_name() {
        assert_eq!(uid_of("65534").unwrap(), 65534);
        assert_eq!(uid_of("root").unwrap(), 0);
        for bad in ["no-such-user-here", "-1", "4294967296", ""] {
            assert_eq!(uid_of(bad).unwrap_err().exit, ExitCode::NotFound, "{bad}");
        }
    }

    #[test]
    fn an_update_says_what_it_changes() {
        let update = |rules: Rules, enabled| UpdateCommand {
            named: Named { name: "app".to_owned() },
            rules,
            enabled,
            rotate_header: false,
        };
        let nothing = update(Rules::default(), None).args();
        assert_eq!(nothing.unwrap_err().exit, ExitCode::Usage);
        let args = update(Rules { servers: true, ..Rules::default() }, Some(false)).args().unwrap();
        assert_eq!((&args["servers"], &args["enabled"]), (&json!(true), &json!(false)));
        assert_eq!(args["uids"], json!([]));
    }
}
