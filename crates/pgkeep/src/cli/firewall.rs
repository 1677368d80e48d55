//! `pgkeep server firewall-rule`: who may connect, as lines of the operator's own.
//!
//! Every change is previewed first; one that would shut somebody out wants `--yes`.

use base::{ExitCode, Fault};
use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Value, json};

use super::ask::{ask, get, print};
use super::output::Format;
use super::server::{self, OfServer};
use crate::home::Home;

/// Commands on who may connect.
#[derive(Clone, Debug, Subcommand)]
pub(super) enum FirewallCommand {
    /// List the rules of your own, or with --effective all that PostgreSQL goes through
    List(ListCommand),
    /// Add a rule; without any of your own everybody with a password may connect
    #[command(after_help = "\
Examples:
  pgkeep server firewall-rule add -s web --address 192.0.2.0/24 --role app --database shop
  pgkeep server firewall-rule add -s web --address all --method reject --dry-run

PostgreSQL goes through the rules from the top and the first that fits decides. With the first rule
of your own, only what the rules let in may connect.")]
    Add(AddCommand),
    /// Remove a rule by its place in the list
    Remove(RemoveCommand),
}

#[derive(Clone, Debug, Args)]
pub(super) struct ListCommand {
    #[command(flatten)]
    of: OfServer,
    /// Every rule in force, also those that pgkeep writes
    #[arg(long)]
    effective: bool,
}

/// How a change is made.
#[derive(Clone, Copy, Debug, Args)]
struct How {
    /// Say what would change and who would be refused, and change nothing
    #[arg(long)]
    dry_run: bool,
    /// Change it even when somebody would be refused
    #[arg(long, short)]
    yes: bool,
}

#[derive(Clone, Debug, Args)]
pub(super) struct AddCommand {
    #[command(flatten)]
    of: OfServer,
    /// From where: an address with its mask length, "all" or "samehost"
    #[arg(long, value_name = "CIDR")]
    address: String,
    /// To which database
    #[arg(long, default_value = "all")]
    database: String,
    /// As which role
    #[arg(long, default_value = "all")]
    role: String,
    /// How they prove who they are
    #[arg(long, value_enum, default_value_t)]
    method: Method,
    /// Which connections: over TLS, without it, or either
    #[arg(long = "type", value_enum, default_value_t)]
    kind: Kind,
    /// Place in the list, from 1 [default: the last]
    #[arg(long, value_name = "N")]
    at: Option<usize>,
    #[command(flatten)]
    how: How,
}

#[derive(Clone, Debug, Args)]
pub(super) struct RemoveCommand {
    #[command(flatten)]
    of: OfServer,
    /// Place in the list, from 1
    #[arg(long, value_name = "N")]
    at: usize,
    #[command(flatten)]
    how: How,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum Method {
    /// A password
    #[default]
    #[value(name = "scram-sha-256")]
    Scram,
    /// A client certificate
    Cert,
    /// Nobody is let in
    Reject,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum Kind {
    #[default]
    Hostssl,
    Hostnossl,
    Host,
}

const COLUMNS: [&str; 6] = ["at", "type", "database", "role", "address", "method"];

/// Runs one command.
pub(super) fn run(
    home: &Home,
    command: FirewallCommand,
    format: Format,
) -> Result<ExitCode, Fault> {
    match command {
        FirewallCommand::List(command) => {
            let which = if command.effective { "effective_rules" } else { "rules" };
            let mut shown = get(home, &path(&command.of))?;
            print(&numbered(shown[which].take()), format, &COLUMNS)
        }
        FirewallCommand::Add(command) => {
            let mut rules = own(home, &command.of)?;
            let at = command.at.map_or(rules.len(), |at| at.saturating_sub(1));
            if at > rules.len() {
                return Err(no_place(at + 1, rules.len() + 1));
            }
            rules.insert(at, rule(&command));
            change(home, &command.of, rules, command.how, format)
        }
        FirewallCommand::Remove(command) => {
            let mut rules = own(home, &command.of)?;
            if command.at == 0 || command.at > rules.len() {
                return Err(no_place(command.at, rules.len()));
            }
            rules.remove(command.at - 1);
            change(home, &command.of, rules, command.how, format)
        }
    }
}

fn path(of: &OfServer) -> String {
    server::of(&of.server, "/networking")
}

fn own(home: &Home, of: &OfServer) -> Result<Vec<Value>, Fault> {
    let mut shown = get(home, &path(of))?;
    match shown["rules"].take() {
        Value::Array(rules) => Ok(rules),
        _ => Err(Fault::new("answer", "the plane's answer has no rules")),
    }
}

fn rule(command: &AddCommand) -> Value {
    let word = |value: Option<clap::builder::PossibleValue>| {
        value.map(|value| value.get_name().to_owned())
    };
    json!({
        "type": word(command.kind.to_possible_value()),
        "database": command.database,
        "role": command.role,
        "address": command.address,
        "method": word(command.method.to_possible_value()),
    })
}

/// Previews, and changes when nobody minds.
fn change(
    home: &Home,
    of: &OfServer,
    rules: Vec<Value>,
    how: How,
    format: Format,
) -> Result<ExitCode, Fault> {
    let wish = json!({ "rules": rules });
    let preview = ask(home, "POST", &format!("{}/preview", path(of)), Some(&wish))?;
    if how.dry_run {
        return print(&preview, format, &[]);
    }
    let refused = preview["would_refuse"].as_array().map_or(&[][..], Vec::as_slice);
    if !refused.is_empty() && !how.yes {
        let text = |one: &Value, field: &str| one[field].as_str().unwrap_or_default().to_owned();
        let lines: Vec<String> = refused
            .iter()
            .map(|one| format!("{}: {}", text(one, "who"), text(one, "why")))
            .collect();
        return Err(Fault::new("would_refuse", "this change would shut somebody out")
            .detail(lines.join("\n"))
            .hint("--yes changes it all the same, --dry-run shows what would be written")
            .exit(ExitCode::Conflict));
    }
    let mut shown = ask(home, "PUT", &path(of), Some(&wish))?;
    print(&numbered(shown["rules"].take()), format, &COLUMNS)
}

/// Each rule with its place.
fn numbered(mut rules: Value) -> Value {
    for (at, rule) in rules.as_array_mut().into_iter().flatten().enumerate() {
        rule["at"] = json!(at + 1);
    }
    rules
}

fn no_place(at: usize, last: usize) -> Fault {
    Fault::new("bad_request", format!("there is no place {at} in the list of rules"))
        .hint(match last {
            0 => "there are no rules of your own".to_owned(),
            last => format!("places go from 1 to {last}: pgkeep server firewall-rule list"),
        })
        .exit(ExitCode::Usage)
}
