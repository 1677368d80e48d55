//! `pgkeep baseline assess`.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use base::{Clock as _, ExitCode, Fault, SystemClock};
use baseline::{
    Assessment, Bundle, Check, Declared, Host, Library, LogSource, Outcome, Profile, Request,
    Severity, Sources, Verdict, Waiver, assess, collect, waive,
};
use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use super::target::TargetArgs;
use super::{feed, library};
use crate::cli::ask::{ask, client, part};
use crate::cli::one_thread;
use crate::cli::output::{self, Format, Output, say};
use crate::cli::progress::Steps;
use crate::home::Home;

/// Bytes of a declaration or of saved evidence.
const FILE_MAX: u64 = 512 << 20;

/// Arguments of `pgkeep baseline assess`.
#[derive(Debug, Args)]
pub(in crate::cli) struct AssessCommand {
    #[command(flatten)]
    target: TargetArgs,
    /// Data directory of the server on this host: also reads files and processes of the host
    #[arg(long, value_name = "DIR", requires = "dsn")]
    pgdata: Option<PathBuf>,
    /// Only these checks (can be repeated)
    #[arg(long, value_name = "ID", num_args = 1..)]
    id: Vec<String>,
    /// Whose values are expected; all: the strictest of each counts
    #[arg(long, value_name = "PROFILE")]
    profile: Option<Wanted>,
    /// What is meant to be so: a TOML or JSON file of names by kind
    #[arg(long, value_name = "FILE")]
    declare: Option<PathBuf>,
    /// Also read what costs more than a look: password-guesses (tries some guesses against each
    /// stored password, inside the server), row-probes (counts the rows that each role sees of
    /// tables with row security), audit-probe (makes, grants and drops a temporary table in a
    /// transaction that is rolled back, to see whether pgAudit records it), storage-scan (looks
    /// through what lies below the encrypted storage for a declared storage-marker)
    #[arg(long, value_name = "WORD", value_parser = WORDS)]
    with: Vec<String>,
    /// Days of the server's log that are read; 90 where not given, 0 for none
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(..=3650))]
    log_days: Option<u32>,
    /// Make no connections from outside besides the one that signs in: no probes of TLS
    #[arg(long)]
    no_probes: bool,
    /// End with exit code 6 where a check of this severity or worse fails
    #[arg(long, value_name = "SEVERITY")]
    fail_on: Option<Least>,
    /// With --fail-on: also where such a check cannot tell
    #[arg(long, requires = "fail_on")]
    fail_on_cannot_tell: bool,
    /// Judge evidence that was saved, instead of reading a server
    #[arg(long, value_name = "FILE", conflicts_with_all = ["dsn", "server", "declare"])]
    evidence: Option<PathBuf>,
    /// Save the evidence that was read
    #[arg(long, value_name = "FILE")]
    save_evidence: Option<PathBuf>,
    /// Failures that somebody answers for: what `baseline waivers -o json` prints; servers of
    /// pgkeep's own have theirs
    #[arg(long, value_name = "FILE", conflicts_with = "server")]
    waivers: Option<PathBuf>,
}

/// What `--with` may ask for.
pub(super) const WORDS: [&str; 4] =
    ["password-guesses", "row-probes", "audit-probe", "storage-scan"];

/// Profiles as they are named here.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum Wanted {
    AzureMcsb,
    Cis,
    Stig,
    Paranoid,
    All,
}

impl Wanted {
    /// As the API names it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::AzureMcsb => Profile::AzureMcsb.name(),
            Self::Cis => Profile::Cis.name(),
            Self::Stig => Profile::Stig.name(),
            Self::Paranoid => Profile::Paranoid.name(),
            Self::All => "all",
        }
    }

    /// The one profile that a fix goes by.
    pub(super) fn strictest(self) -> Option<Profile> {
        Some(match self {
            Self::AzureMcsb => Profile::AzureMcsb,
            Self::Cis => Profile::Cis,
            Self::Stig => Profile::Stig,
            Self::Paranoid | Self::All => Profile::Paranoid,
        })
    }
}

/// Severities as they are named here.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Least {
    Info,
    Low,
    Medium,
    High,
    Critical,
}

impl Least {
    fn severity(self) -> Severity {
        match self {
            Self::Info => Severity::Info,
            Self::Low => Severity::Low,
            Self::Medium => Severity::Medium,
            Self::High => Severity::High,
            Self::Critical => Severity::Critical,
        }
    }
}

impl AssessCommand {
    fn profiles(&self) -> Vec<Profile> {
        match self.profile {
            None => Vec::new(),
            Some(Wanted::AzureMcsb) => vec![Profile::AzureMcsb],
            Some(Wanted::Cis) => vec![Profile::Cis],
            Some(Wanted::Stig) => vec![Profile::Stig],
            Some(Wanted::Paranoid) => vec![Profile::Paranoid],
            Some(Wanted::All) => Profile::ALL.to_vec(),
        }
    }

    /// Whether a result makes the command end with exit code 6.
    fn is_breach(&self, result: &Outcome) -> bool {
        let Some(least) = self.fail_on else { return false };
        let counts = match result.verdict {
            Verdict::Fail => true,
            Verdict::CannotTell => self.fail_on_cannot_tell,
            _ => false,
        };
        // Somebody answers for what is waived, until its day is over.
        counts && !result.is_waived() && result.severity >= least.severity()
    }
}

/// Columns for people.
const COLUMNS: [&str; 5] = ["id", "severity", "verdict", "title", "reason"];

pub(super) fn run(
    home: impl FnOnce() -> Result<Home, Fault>,
    command: &AssessCommand,
    output: Output,
) -> Result<ExitCode, Fault> {
    let library = library()?;
    let checks = library.chosen(&command.id).map_err(|error| error.fault())?;
    let assessment = match command.target.own() {
        Some(name) if command.evidence.is_none() => own(&home()?, name, command)?,
        _ => outside(home, command, &library, &checks)?,
    };
    print(&assessment, output)?;
    let breaches = assessment.results.iter().filter(|result| command.is_breach(result)).count();
    if breaches > 0 {
        say(&format!("{breaches} checks do not hold"));
        return Ok(ExitCode::Gate);
    }
    Ok(ExitCode::Ok)
}

/// One of pgkeep's own: its agent reads, the plane judges and keeps.
fn own(home: &Home, name: &str, command: &AssessCommand) -> Result<Assessment, Fault> {
    if command.pgdata.is_some() {
        return Err(Fault::new("usage", "--pgdata is for servers that are not pgkeep's")
            .exit(ExitCode::Usage));
    }
    let server = part(name)?;
    let declare = match &command.declare {
        Some(file) => Some(declared(Some(file))?.to_json()),
        None => None,
    };
    let declare: Option<Value> = declare
        .map(|text| serde_json::from_str(&text))
        .transpose()
        .map_err(|e| Fault::from_error("internal", "a declaration is no JSON", &e))?;
    let wish = json!({
        "checks": command.id,
        "profile": command.profile.map(Wanted::name),
        "declare": declare,
        "asked": command.with,
    });
    let path = format!("/servers/{server}/baseline/assessments");
    let made = ask(home, "POST", &path, Some(&wish))?;
    let path = format!("{path}/{}", made["id"]);
    let assessment: Assessment = serde_json::from_value(ask(home, "GET", &path, None)?)
        .map_err(|e| Fault::from_error("bad_answer", "the assessment is not understood", &e))?;
    if let Some(file) = &command.save_evidence {
        let path = format!("{path}/evidence");
        let bytes = one_thread()?.block_on(client(home).download(&path))?;
        save(file, &bytes)?;
        say(&format!("evidence: {}, SHA-256 {}", file.display(), assessment.evidence_hash));
    }
    Ok(assessment)
}

/// Any other: read and judged here, from saved evidence where there is some.
fn outside(
    home: impl FnOnce() -> Result<Home, Fault>,
    command: &AssessCommand,
    library: &Library,
    checks: &[&Check],
) -> Result<Assessment, Fault> {
    let bundle = match &command.evidence {
        Some(file) => Bundle::from_json(&read(file, "evidence")?).map_err(|error| error.fault())?,
        None => collected(home, command, library, checks)?,
    };
    if let Some(file) = &command.save_evidence {
        let bytes = bundle.to_json().map_err(|error| error.fault())?;
        save(file, &bytes)?;
        say(&format!("evidence: {}, SHA-256 {}", file.display(), hash(&bundle)?));
    }
    let now = SystemClock.now();
    let profiles = command.profiles();
    let mut assessment = assess(library, &bundle, &command.id, &profiles, now.as_millisecond())
        .map_err(|error| error.fault())?;
    if let Some(file) = &command.waivers {
        let waivers = Waiver::list(&text(file, "waivers")?).map_err(|error| error.fault())?;
        waive(&mut assessment, &waivers, now);
    }
    Ok(assessment)
}

fn collected(
    home: impl FnOnce() -> Result<Home, Fault>,
    command: &AssessCommand,
    library: &Library,
    checks: &[&Check],
) -> Result<Bundle, Fault> {
    let mut declared = declared(command.declare.as_deref())?;
    if let Some(file) = &command.waivers {
        let waivers = Waiver::list(&text(file, "waivers")?).map_err(|error| error.fault())?;
        waivers.iter().for_each(|waiver| waiver.declare(&mut declared));
    }
    let home = home();
    let feeds = feed::of(&home)?;
    let target = command.target.find(|| home)?;
    let steps = Steps::new();
    let progress = |message: &str| steps.say(message);
    let host = command.pgdata.as_ref().map(Host::here);
    let log = match command.log_days {
        Some(0) => None,
        Some(days) => Some(LogSource::days(days)),
        None => Some(LogSource::default()),
    };
    let (host, feeds, log) = (host.as_ref(), Some(&feeds), log.as_ref());
    let sources = Sources { host, feeds, log, wire: !command.no_probes };
    let request =
        Request { checks, declared: &declared, asked: &command.with, sources, tables: &[] };
    let work = collect(&target, library, &request, &SystemClock, &progress);
    let bundle = one_thread()?.block_on(work);
    steps.done();
    bundle.map_err(|error| error.fault())
}

/// What `--declare` says.
pub(super) fn declared(file: Option<&Path>) -> Result<Declared, Fault> {
    let Some(file) = file else { return Ok(Declared::default()) };
    Declared::parse(&text(file, "declaration")?).map_err(|error| error.fault())
}

fn text(file: &Path, what: &str) -> Result<String, Fault> {
    String::from_utf8(read(file, what)?).map_err(|e| {
        Fault::from_error(what, format!("the {what} is no UTF-8"), &e).exit(ExitCode::Usage)
    })
}

fn print(assessment: &Assessment, output: Output) -> Result<(), Fault> {
    let value = serde_json::to_value(assessment)
        .map_err(|e| Fault::from_error("internal", "the assessment is no JSON", &e))?;
    let format = match output {
        Output::Plain(format) => format,
        Output::Report(format) => return output::print(&format.render(assessment)),
    };
    match format {
        Format::Table => {
            output::show(Format::Table, &sorted(assessment), &COLUMNS)?;
            summary(assessment);
            Ok(())
        }
        Format::Tsv => output::show(Format::Tsv, &value["results"], &COLUMNS),
        Format::Csv => output::show(Format::Csv, &value["results"], &COLUMNS),
        format => output::show(format, &value, &[]),
    }
}

/// What fails first, the worst of it on top; then what could not be told.
fn sorted(assessment: &Assessment) -> serde_json::Value {
    let rank = |verdict: Verdict| match verdict {
        Verdict::Fail => 0,
        Verdict::CannotTell => 1,
        Verdict::Provider => 2,
        Verdict::Pass => 3,
        Verdict::NotApplicable => 4,
    };
    let mut results: Vec<&Outcome> = assessment.results.iter().collect();
    results.sort_by_key(|result| (rank(result.verdict), std::cmp::Reverse(result.severity)));
    let rows = results.into_iter().map(|result| {
        let verdict = match result.is_waived() {
            true => json!("fail (waived)"),
            false => json!(result.verdict),
        };
        json!({
            "id": result.id,
            "severity": result.severity,
            "verdict": verdict,
            "title": result.title,
            "reason": result.reason,
        })
    });
    rows.collect()
}

fn summary(assessment: &Assessment) {
    let n = |verdict| assessment.counts.get(&verdict).copied().unwrap_or(0);
    let percent = |share: Option<f64>| share.map_or("-".to_owned(), |share| format!("{share} %"));
    say(&format!(
        "{} fail, {} pass, {} cannot tell, {} not applicable, {} the provider's; score {}, \
         answered {}",
        n(Verdict::Fail),
        n(Verdict::Pass),
        n(Verdict::CannotTell),
        n(Verdict::NotApplicable),
        n(Verdict::Provider),
        percent(assessment.score),
        percent(assessment.coverage),
    ));
    if let Some(n) = assessment.n_waived.filter(|n| *n > 0) {
        say(&format!("{n} of the failures are waived"));
    }
    if !assessment.missing_rights.is_empty() {
        say("more could be told with:");
        assessment.missing_rights.iter().for_each(|grant| say(&format!("  {grant};")));
    }
}

fn hash(bundle: &Bundle) -> Result<String, Fault> {
    bundle.hash().map_err(|error| error.fault())
}

fn read(file: &Path, what: &str) -> Result<Vec<u8>, Fault> {
    let failed = |e: &std::io::Error| {
        Fault::from_error(what, format!("could not read \"{}\"", file.display()), e)
            .exit(ExitCode::NotFound)
    };
    let opened = std::fs::File::open(file).map_err(|e| failed(&e))?;
    let mut bytes = Vec::new();
    let n = opened.take(FILE_MAX + 1).read_to_end(&mut bytes).map_err(|e| failed(&e))?;
    if n as u64 > FILE_MAX {
        return Err(Fault::new(
            what,
            format!("\"{}\" is longer than {FILE_MAX} bytes", file.display()),
        )
        .exit(ExitCode::Usage));
    }
    Ok(bytes)
}

/// Writes what may name roles and objects: for its owner alone.
fn save(file: &Path, bytes: &[u8]) -> Result<(), Fault> {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    let written = options.open(file).and_then(|mut to| {
        to.write_all(bytes)?;
        to.sync_all()
    });
    written.map_err(|e| {
        Fault::from_error("evidence", format!("could not write \"{}\"", file.display()), &e)
    })
}
