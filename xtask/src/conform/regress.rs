//! PostgreSQL's own regression suite, against a server whose files lie on the mount.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::{Bench, Verdict, apt_source};
use crate::cluster::{Account, Server, Settings};
use crate::failure::{Doing, Failure, Outcome};
use crate::{deps, proc, repo, say};

const SETTINGS: Settings = &[("max_connections", "60"), ("max_prepared_transactions", "2")];

pub(super) fn run(bench: &Bench<'_>) -> Outcome<Verdict> {
    let (major, bin) = deps::postgres_bin().ok_or_else(|| {
        Failure::new("no supported PostgreSQL was found").hint("`cargo xtask deps`")
    })?;
    let downloads = repo::target_dir().join("conform").join(format!("postgresql-{major}"));
    let (archive, remark) = apt_source::fetch(major, &downloads)?;
    let account = Account::unprivileged()?;
    let tests = bench.work.folder("suite", &account)?;
    unpack(&archive, &tests, &account)?;
    let input = tests.join("src/test/regress");
    let headers = apt_source::headers(major, &downloads)?;
    let installed = PathBuf::from(format!("/usr/lib/postgresql/{major}/lib"));
    let libraries = bench.work.folder("libraries", &account)?;
    build_libraries(&headers, &installed, &input, &libraries)?;
    own_all(&libraries, &account)?;

    let sockets = bench.work.folder("sockets", &account)?;
    let mount = bench.engine(&account)?.mount()?;
    let mut server = Server::init(&account, mount.dir(), &sockets, SETTINGS)?;
    server.start()?;
    let output_folder = bench.work.folder("results", &account)?;
    let driver = format!("/usr/lib/postgresql/{major}/lib/pgxs/src/test/regress/pg_regress");
    let mut command = account.command(Path::new(&driver));
    command.current_dir(&input);
    command.args(["--inputdir=.", "--dbname=regression", "--max-concurrent-tests=20"]);
    command.args(["--user=postgres", "--port=5432", "--schedule=parallel_schedule"]);
    for (flag, path) in [
        ("--outputdir", output_folder.as_path()),
        ("--bindir", bin.as_path()),
        ("--dlpath", libraries.as_path()),
        ("--host", server.sockets()),
    ] {
        command.arg(format!("{flag}={}", path.display()));
    }
    say::note("running parallel_schedule; this takes some minutes");
    let output = proc::output(&mut command)?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    server.stop()?;
    mount.unmount()?;
    let mut verdict = read(&said).ok_or_else(|| {
        Failure::new("pg_regress named no test").detail(format!(
            "{}\n{}\n{}",
            output.status,
            proc::tail(&said, 20),
            proc::tail(&String::from_utf8_lossy(&output.stderr), 20)
        ))
    })?;
    if !verdict.failures.is_empty() {
        keep_differences(&output_folder);
    }
    verdict.suite = format!("PostgreSQL {} regression suite", server.version()?);
    verdict.remark = remark;
    Ok(verdict)
}

/// Takes the tests and nothing else out of the archive.
fn unpack(archive: &Path, to: &Path, account: &Account) -> Outcome {
    let mut tar = Command::new("tar");
    tar.arg("-xf").arg(archive).arg("-C").arg(to).args(["--strip-components=1", "--no-same-owner"]);
    proc::capture(tar.args(["--wildcards", "*/src/test/regress/*"]))?;
    own_all(to, account)
}

fn own_all(folder: &Path, account: &Account) -> Outcome {
    account.own(folder)?;
    let reading = || format!("read \"{}\"", folder.display());
    for entry in std::fs::read_dir(folder).doing(reading)? {
        let path = entry.doing(reading)?.path();
        if path.is_dir() {
            own_all(&path, account)?;
        } else {
            account.own(&path)?;
        }
    }
    Ok(())
}

/// Builds the suite's own C functions and puts the two contrib libraries that it loads beside.
fn build_libraries(headers: &Path, installed: &Path, input: &Path, to: &Path) -> Outcome {
    let mut cc = Command::new("cc");
    cc.args(["-O1", "-fPIC", "-shared", "-w", "-I"]).arg(headers);
    proc::capture(cc.arg(input.join("regress.c")).arg("-o").arg(to.join("regress.so")))?;
    for name in ["refint.so", "autoinc.so"] {
        std::fs::copy(installed.join(name), to.join(name))
            .doing(|| format!("copy {name} from the contrib modules"))?;
    }
    Ok(())
}

/// Puts the differences where they outlive the run's folder.
fn keep_differences(output_folder: &Path) {
    let to = repo::target_dir().join("conform").join("regression.diffs");
    match std::fs::copy(output_folder.join("regression.diffs"), &to) {
        Ok(_) => say::note(&format!("differences: {}", to.display())),
        Err(error) => say::note(&format!("no differences were kept: {error}")),
    }
}

/// Reads `test NAME … ok|FAILED` (up to 15) and TAP (`ok 1 - NAME`, from 16).
fn read(said: &str) -> Option<Verdict> {
    let mut verdict = Verdict {
        suite: String::new(),
        n_passed: 0,
        n_failed: 0,
        n_skipped: 0,
        failures: vec![],
        remark: String::new(),
    };
    for line in said.lines() {
        let Some((passed, name)) = judge(line) else { continue };
        if passed {
            verdict.n_passed += 1;
        } else {
            verdict.n_failed += 1;
            verdict.failures.push(name.to_owned());
        }
    }
    (verdict.n_passed + verdict.n_failed > 0).then_some(verdict)
}

fn judge(line: &str) -> Option<(bool, &str)> {
    for (start, passed) in [("ok ", true), ("not ok ", false)] {
        if let Some(rest) = line.strip_prefix(start) {
            // `12        - name`, with a plus sign for members of a parallel group.
            let (_, name) = rest.split_once(['-', '+'])?;
            return Some((passed, name.split_whitespace().next()?));
        }
    }
    // `test name ... ok  12 ms` or, within a parallel group, `     name ... FAILED  12 ms`.
    let (name, verdict) = line.split_once(" ... ")?;
    let name = name.trim().strip_prefix("test ").unwrap_or(name.trim()).trim();
    let passed = verdict.trim_start().starts_with("ok");
    let judged = passed || verdict.trim_start().starts_with("FAILED");
    (judged && !name.is_empty()).then_some((passed, name))
}

#[cfg(test)]
mod tests {
    use super::read;

    #[test]
    fn reads_the_old_words() {
        let said = "\
============== running regression test queries ==============
test tablespace                   ... ok          500 ms
parallel group (2 tests):  int2 boolean
     boolean                      ... ok           60 ms
     int2                         ... FAILED       40 ms
";
        let verdict = read(said).unwrap();
        assert_eq!((verdict.n_passed, verdict.n_failed), (2, 1));
        assert_eq!(verdict.failures, ["int2"]);
    }

    #[test]
    fn reads_tap() {
        let said = "ok 1         - test_setup      300 ms\nnot ok 2     + int8     20 ms\n1..2\n";
        let verdict = read(said).unwrap();
        assert_eq!((verdict.n_passed, verdict.n_failed), (1, 1));
        assert_eq!(verdict.failures, ["int8"]);
        assert!(read("pg_regress: error").is_none());
    }
}
