//! `pgkeep baseline fix`, `confirm`, `undo`, `prove`, `fixes`.

use std::io::{IsTerminal as _, Write as _};
use std::path::PathBuf;

use base::{ExitCode, Fault, SystemClock};
use baseline::fix::{FixRecord, Fixer, Plan};
use baseline::{Host, LogSource, Sources};
use clap::Args;
use serde_json::{Value, json};

use super::assess::{Wanted, declared};
use super::target::{Target, TargetArgs};
use super::{confirm, feed, library, own};
use crate::cli::one_thread;
use crate::cli::output::{self, Format, say};
use crate::cli::progress::Steps;
use crate::fixes::{Fixes, told as made};
use crate::home::Home;

/// Arguments of `pgkeep baseline fix`.
#[derive(Debug, Args)]
pub(in crate::cli) struct FixCommand {
    /// The checks whose failures are mended, one after the other
    #[arg(required = true, value_name = "ID")]
    pub(super) id: Vec<String>,
    #[command(flatten)]
    target: TargetArgs,
    /// Data directory of the server on this host: files and pg_hba.conf can be mended too
    #[arg(long, value_name = "DIR", requires = "dsn")]
    pgdata: Option<PathBuf>,
    /// Say what would be done and who would be refused, and change nothing
    #[arg(long)]
    pub(super) dry_run: bool,
    /// Do it without asking
    #[arg(long, short)]
    pub(super) yes: bool,
    /// Take it back after so many seconds unless `baseline confirm` is run meanwhile: for whoever
    /// may lock himself out
    #[arg(long, value_name = "SECONDS", conflicts_with_all = ["server", "dry_run"],
        value_parser = clap::value_parser!(u32).range(1..=86_400))]
    confirm_within: Option<u32>,
    /// Whose values are expected; all: the strictest
    #[arg(long, value_name = "PROFILE")]
    pub(super) profile: Option<Wanted>,
    /// What is meant to be so: a TOML or JSON file of names by kind
    #[arg(long, value_name = "FILE")]
    pub(super) declare: Option<PathBuf>,
    /// Also read what costs more than a look
    #[arg(long, value_name = "WORD", value_parser = super::assess::WORDS)]
    pub(super) with: Vec<String>,
}

/// Arguments of `pgkeep baseline undo` and `prove`.
#[derive(Debug, Args)]
pub(in crate::cli) struct RecordCommand {
    /// The fix, as `fix` and `fixes` name it
    fix_id: String,
    #[command(flatten)]
    target: TargetArgs,
    /// Data directory of the server on this host, where it is elsewhere now
    #[arg(long, value_name = "DIR")]
    pgdata: Option<PathBuf>,
}

/// Where records of fixes by connection string are.
pub(super) fn records(home: &Home) -> Fixes {
    Fixes::at(home.root().join("baseline").join("fixes"))
}

pub(super) fn run(
    home: impl Fn() -> Result<Home, Fault>,
    command: &FixCommand,
    format: Format,
) -> Result<ExitCode, Fault> {
    let library = library()?;
    for id in &command.id {
        library.check(id).map_err(|error| error.fault())?;
    }
    if let Some(server) = command.target.own() {
        return own::fix(&home()?, server, command, format);
    }
    let (fixes, feeds) = (records(&home()?), feed::known(&home()?)?);
    let declared = declared(command.declare.as_deref())?;
    let target = command.target.find(&home)?;
    let host = command.pgdata.as_ref().map(Host::here);
    let (steps, log) = (Steps::new(), LogSource::default());
    let progress = |message: &str| steps.say(message);
    let fixer = Fixer {
        target: &target,
        library: &library,
        declared: &declared,
        asked: &command.with,
        sources: Sources { host: host.as_ref(), feeds: Some(&feeds), log: Some(&log), wire: true },
        profile: command.profile.and_then(Wanted::strictest),
        clock: &SystemClock,
        keep: &fixes,
        progress: &progress,
    };
    let runtime = one_thread()?;
    let (mut answers, mut exit) = (Vec::new(), ExitCode::Ok);
    for id in &command.id {
        let plan = runtime.block_on(fixer.plan(id)).map_err(|error| error.fault())?;
        steps.done();
        if !plan.is_needed() || command.dry_run {
            answers.push(planned(&plan, command.dry_run)?);
            continue;
        }
        tell(&plan);
        if !command.yes && !confirmed()? {
            say("nothing was changed");
            answers.push(planned(&plan, true)?);
            break;
        }
        let record = runtime.block_on(fixer.apply(&plan, &account()));
        steps.done();
        let mut record = record.map_err(|error| error.fault())?;
        remember(&fixes, &record, &target, command.pgdata.as_ref())?;
        let stays = match command.confirm_within {
            None => true,
            Some(seconds) => {
                let waiting = confirm::wait(&fixer, &fixes, &mut record, seconds);
                let stays = runtime.block_on(waiting)?;
                steps.done();
                stays
            }
        };
        answers.push(made(&record)?);
        if !stays {
            fixes.forget_target(&record)?;
            exit = ExitCode::Gate;
            break;
        }
    }
    let answer = match answers.len() {
        1 => answers.remove(0),
        _ => Value::Array(answers),
    };
    output::show(format, &answer, &COLUMNS).map(|()| exit)
}

/// Columns for people.
pub(super) const COLUMNS: [&str; 5] = ["id", "fix_id", "state", "title", "applied_at"];

/// Keeps how to reach the server, for `undo FIX_ID`.
fn remember(
    fixes: &Fixes,
    record: &FixRecord,
    target: &Target,
    pgdata: Option<&PathBuf>,
) -> Result<(), Fault> {
    let Some(dsn) = target.given() else { return Ok(()) };
    let pgdata = pgdata.map(std::path::absolute).transpose();
    let pgdata = pgdata.map_err(|e| Fault::from_error("pgdata", "odd --pgdata", &e))?;
    let kept = json!({ "dsn": dsn.expose(), "pgdata": pgdata });
    fixes.keep_target(&record.fix_id, &base::Secret::new(kept.to_string()))
}

pub(super) fn undo(
    home: impl Fn() -> Result<Home, Fault>,
    command: &RecordCommand,
    format: Format,
) -> Result<ExitCode, Fault> {
    if let Some(server) = own_server(&home, command)? {
        return own::again(&home()?, &server, &command.fix_id, "undo", format);
    }
    with_record(home, command, format, |runtime, fixer, record| {
        runtime.block_on(fixer.undo(record)).map_err(|error| error.fault())
    })
}

pub(super) fn confirm(
    home: impl Fn() -> Result<Home, Fault>,
    command: &RecordCommand,
    format: Format,
) -> Result<ExitCode, Fault> {
    with_record(home, command, format, |runtime, fixer, record| {
        runtime.block_on(fixer.confirm(record)).map_err(|error| error.fault())
    })
}

pub(super) fn prove(
    home: impl Fn() -> Result<Home, Fault>,
    command: &RecordCommand,
    format: Format,
) -> Result<ExitCode, Fault> {
    if let Some(server) = own_server(&home, command)? {
        return own::again(&home()?, &server, &command.fix_id, "prove", format);
    }
    with_record(home, command, format, |runtime, fixer, record| {
        runtime.block_on(fixer.prove(record)).map_err(|error| error.fault())
    })
}

/// The server of pgkeep's own that a fix was made on, where it was one.
fn own_server(
    home: &impl Fn() -> Result<Home, Fault>,
    command: &RecordCommand,
) -> Result<Option<String>, Fault> {
    if let Some(server) = command.target.own() {
        return Ok(Some(server.to_owned()));
    }
    let home = home()?;
    if command.target.is_named() || records(&home).read(&command.fix_id).is_ok() {
        return Ok(None);
    }
    own::server_of(&home, &command.fix_id)
}

fn with_record(
    home: impl Fn() -> Result<Home, Fault>,
    command: &RecordCommand,
    format: Format,
    work: impl FnOnce(&tokio::runtime::Runtime, &Fixer<'_>, &mut FixRecord) -> Result<(), Fault>,
) -> Result<ExitCode, Fault> {
    let library = library()?;
    let (fixes, feeds) = (records(&home()?), feed::known(&home()?)?);
    let mut record = fixes.read(&command.fix_id)?;
    let kept = fixes.target(&record.fix_id)?;
    let kept: Value = kept
        .map(|kept| serde_json::from_str(kept.expose()))
        .transpose()
        .map_err(|_| Fault::new("damaged_record", "how the server is reached is damaged"))?
        .unwrap_or_default();
    let target = match kept["dsn"].as_str() {
        Some(dsn) if !command.target.is_named() => Target::by(dsn)?,
        _ => command.target.find(&home)?,
    };
    let pgdata = command.pgdata.clone().or_else(|| kept["pgdata"].as_str().map(PathBuf::from));
    let host = pgdata.map(Host::here);
    let declared = baseline::Declared::default();
    let (steps, log) = (Steps::new(), LogSource::default());
    let progress = |message: &str| steps.say(message);
    let fixer = Fixer {
        target: &target,
        library: &library,
        declared: &declared,
        asked: &[],
        sources: Sources { host: host.as_ref(), feeds: Some(&feeds), log: Some(&log), wire: true },
        profile: None,
        clock: &SystemClock,
        keep: &fixes,
        progress: &progress,
    };
    let done = work(&one_thread()?, &fixer, &mut record);
    steps.done();
    done?;
    fixes.forget_target(&record)?;
    output::show(format, &made(&record)?, &COLUMNS).map(|()| ExitCode::Ok)
}

pub(super) fn list(
    home: impl Fn() -> Result<Home, Fault>,
    format: Format,
) -> Result<ExitCode, Fault> {
    let home = home()?;
    let all = records(&home).list()?;
    let mut all: Vec<Value> = all.iter().map(made).collect::<Result<_, _>>()?;
    all.extend(own::list(&home)?);
    output::show(format, &Value::Array(all), &["fix_id", "id", "state", "server", "applied_at"])
        .map(|()| ExitCode::Ok)
}

fn account() -> String {
    let uid = rustix::process::getuid().as_raw();
    std::env::var("SUDO_USER").or_else(|_| std::env::var("USER")).unwrap_or(format!("uid {uid}"))
}

/// Says what will be done, for whoever decides.
fn tell(plan: &Plan) {
    say(&format!("{}: {}", plan.id, plan.reason));
    plan.changes.iter().for_each(|change| say(&format!("  {}", change.what())));
    plan.notes.iter().for_each(|note| say(&format!("  {note}")));
    let radius = &plan.radius;
    say(&format!(
        "would be refused, of {} ({}): {}",
        radius.seen,
        radius.window,
        radius.refused.len()
    ));
    for (login, why) in radius.refused.iter().take(20) {
        let from = login.address.as_deref().unwrap_or("the socket");
        say(&format!("  {} in {} from {from}: {why}", login.role, login.database));
    }
    radius.unsure.iter().for_each(|what| say(&format!("  not known: {what}")));
    if plan.restart {
        say("it takes effect when the server is started anew");
    }
}

pub(super) fn confirmed() -> Result<bool, Fault> {
    let stdin = std::io::stdin();
    if !stdin.is_terminal() {
        return Err(Fault::new("usage", "a change of a server needs a confirmation")
            .hint("say --yes, or --dry-run to see it only")
            .exit(ExitCode::Usage));
    }
    let mut answer = String::new();
    let asked = std::io::stderr().write_all(b"make these changes? [y/N] ");
    let read = asked.and_then(|()| stdin.read_line(&mut answer));
    read.map_err(|e| Fault::from_error("input", "could not read the confirmation", &e))?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}

fn value<T: serde::Serialize>(of: &T) -> Result<Value, Fault> {
    serde_json::to_value(of).map_err(|e| Fault::from_error("internal", "odd answer", &e))
}

/// A plan as it is printed.
fn planned(plan: &Plan, dry_run: bool) -> Result<Value, Fault> {
    let mut answer = value(plan)?;
    answer["fix_id"] = Value::Null;
    answer["dry_run"] = json!(dry_run);
    answer["state"] = match (plan.is_needed(), plan.restart) {
        (false, _) => json!("unchanged"),
        (true, _) => json!("planned"),
    };
    Ok(answer)
}
