//! `cargo xtask bench baseline`: a whole assessment of a cluster with 5 databases and 5,000
//! objects, server and program together on one core. Files of the host, the log and probes from
//! outside are read as well.

use std::path::Path;
use std::process::Command;
use std::time::Instant;

use super::machine;
use crate::args::{Accepts, Args};
use crate::cluster::{Account, Server, Settings, WorkDir};
use crate::failure::{Failure, Outcome};
use crate::stats::Spread;
use crate::{build, deps, document, proc, repo, say};

const ACCEPTS: Accepts = Accepts {
    switches: &["--yes", "--no-write", "--library"],
    values: &["--runs", "--dir", "--binary"],
    n_words: 0,
};
const DOCUMENT: &str = "docs/benchmarks.md";
const CORE: &str = "0";
const N_DATABASES: u32 = 5;
const SETTINGS: Settings = &[("fsync", "off"), ("max_locks_per_transaction", "1024")];

/// 250 tables with their keys (500 objects), 250 functions, 150 views, 100 policies.
const OBJECTS: &str = "\
do $$ begin for i in 1..250 loop
  execute format('create table t%s (id int primary key, owner_name text, note text)', i);
  execute format('create function f%s(a int) returns int language sql as ''select a + %s''', i, i);
end loop; end $$;
do $$ begin for i in 1..150 loop
  execute format('create view v%s as select id, note from t%s', i, i);
  execute format('grant select on t%s to r%s', i, i % 100 + 1);
end loop; end $$;
do $$ begin for i in 1..100 loop
  execute format('create policy p on t%s using (owner_name = current_user)', i);
  execute format('alter table t%s enable row level security', i);
end loop; end $$;";
const ROLES: &str = "do $$ begin for i in 1..100 loop
  execute format('create role r%s login', i);
end loop; end $$;";

pub(super) fn run(raw: &[String]) -> Outcome {
    let args = Args::parse(raw, &ACCEPTS)?;
    let n_runs = args.number("--runs", 7u32, 1..=1000)?;
    deps::ensure(deps::PRODUCT, args.assume_yes())?;
    let is_library = args.has("--library");
    let binary = match args.path("--binary") {
        Some(path) => path,
        None if is_library => build::example("baseline", "assess")?,
        None => build::release()?,
    };
    let account = Account::unprivileged()?;
    let work = WorkDir::make(args.path("--dir"), "baseline", &account)?;
    let program = work.program(&binary)?;
    let (data, sockets) = (work.folder("data", &account)?, work.folder("sock", &account)?);
    let mut server = Server::init(&account, &data, &sockets, SETTINGS)?;
    server.start()?;
    fill(&server)?;
    let postmaster = server.family().first().copied().unwrap_or_default();
    let pin = ["-cp", CORE, &postmaster.to_string()].map(str::to_owned);
    proc::capture(Command::new("taskset").args(pin))?;
    let (mut seconds, mut said) = (Vec::new(), String::new());
    for n in 0..=n_runs {
        let (took, counts) = once(&program, is_library, server.sockets(), &data)?;
        // The first fills caches.
        if n > 0 {
            say::note(&format!("run {n}: {took:.2} s"));
            seconds.push(took);
        }
        said = counts;
    }
    server.stop()?;
    let Some(Spread { median, min, max }) = Spread::of(&seconds) else {
        return Err(Failure::new("no run was measured"));
    };
    let of = if is_library { " by the library alone" } else { "" };
    let flag = if is_library { " --library" } else { "" };
    let section = format!(
        "| whole assessment{of}, {N_DATABASES} databases, 5,000 objects, 100 roles, one core \
         | median of {n_runs} (range) |\n|---|---|\n\
         | {said} | {median:.2} s ({min:.2}–{max:.2}) |\n\n\
         `cargo xtask bench baseline --runs {n_runs}{flag}`; {}.\n",
        machine::describe(work.path())
    );
    say::line(&section);
    if args.has("--no-write") {
        return Ok(());
    }
    document::replace(&repo::root().join(DOCUMENT), "baseline", &section)
}

fn fill(server: &Server) -> Outcome {
    server.sql(ROLES)?;
    for n in 1..=N_DATABASES {
        let name = format!("b{n}");
        server.sql(&format!("create database {name}"))?;
        let mut psql = server.psql();
        psql.args(["-v", "ON_ERROR_STOP=1", "-d", &name, "-c", OBJECTS]);
        proc::capture(&mut psql)?;
    }
    Ok(())
}

/// Assesses once; answers the seconds it took and how many checks said what.
fn once(program: &Path, is_library: bool, sockets: &Path, data: &Path) -> Outcome<(f64, String)> {
    let dsn = format!("host={} port=5432 user=postgres dbname=postgres", sockets.display());
    let mut command = Command::new("taskset");
    command.args(["-c", CORE]).arg(program);
    if is_library {
        command.arg(&dsn).arg(data);
    } else {
        command.args(["baseline", "assess", "--dsn", &dsn, "-o", "json", "--pgdata"]).arg(data);
    }
    let started = Instant::now();
    let output = proc::output(&mut command)?;
    let took = started.elapsed().as_secs_f64();
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        return Err(Failure::new("the assessment failed").detail(proc::tail(&said, 15)));
    }
    let text = String::from_utf8_lossy(&output.stdout);
    if is_library {
        return Ok((took, text.trim().to_owned()));
    }
    let count = |verdict: &str| text.matches(&format!("\"verdict\": \"{verdict}\"")).count();
    let verdicts = ["pass", "fail", "not-applicable", "cannot-tell"];
    let said = verdicts.map(|verdict| format!("{} {verdict}", count(verdict))).join(", ");
    Ok((took, said))
}
