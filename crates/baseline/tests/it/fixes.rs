//! Every automatic fix is made, proved and taken back on a real cluster, and then nothing is left
//! of it: catalogs, `postgresql.auto.conf` and files are compared byte by byte.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::Mutex;

use base::{Fault, SystemClock};
use baseline::fix::{FixRecord, FixState, Fixer, Keep};
use baseline::{Check, Declared, Example, Library, LogSource, Sources, Verdict};

use crate::content::{is_wanted, library, names_checks};
use crate::dates::dated_table;
use crate::feeds::feeds;
use crate::ground::Ground;

/// Keeps records where the test sees them; each as it would be read from a disk.
#[derive(Default)]
struct Kept(Mutex<BTreeMap<String, Vec<u8>>>);

impl Keep for Kept {
    fn save(&self, record: &FixRecord) -> Result<(), Fault> {
        let bytes = serde_json::to_vec(record).expect("a record is JSON");
        let mut all = self.0.lock().expect("no test panics with it");
        all.insert(record.fix_id.clone(), bytes);
        Ok(())
    }
}

impl Kept {
    fn read(&self, fix_id: &str) -> FixRecord {
        let all = self.0.lock().expect("no test panics with it");
        serde_json::from_slice(&all[fix_id]).expect("a record is read again")
    }
}

/// What became of the fix of one example.
enum Done {
    /// Made, proved, taken back
    Proved,
    /// The same, and something is left that it does not mend
    Partly(String),
    /// There is no automatic fix for what this example shows
    None(String),
}

/// Catalogs; what of them changes without anybody's doing; which rows count.
const CATALOGS: [(&str, &str, &str); 20] = [
    ("pg_authid", "oid", "true"),
    ("pg_auth_members", "oid", "true"),
    ("pg_db_role_setting", "", "true"),
    ("pg_database", "datfrozenxid,datminmxid", "true"),
    ("pg_tablespace", "", "true"),
    ("pg_parameter_acl", "oid", "true"),
    (
        "pg_class",
        "relpages,reltuples,relallvisible,relfrozenxid,relminmxid,relhasindex",
        "oid >= 16384 or relacl is not null",
    ),
    ("pg_attribute", "", "attrelid >= 16384 or attacl is not null"),
    ("pg_proc", "", "oid >= 16384 or proacl is not null"),
    ("pg_namespace", "", "true"),
    ("pg_type", "", "oid >= 16384 or typacl is not null"),
    ("pg_language", "", "true"),
    ("pg_largeobject_metadata", "", "true"),
    ("pg_default_acl", "oid", "true"),
    ("pg_extension", "", "true"),
    ("pg_policy", "", "true"),
    ("pg_trigger", "", "true"),
    ("pg_event_trigger", "", "true"),
    ("pg_foreign_server", "", "true"),
    ("pg_user_mapping", "", "true"),
];

/// All that a fix could change, as text by name.
async fn picture(ground: &Ground) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    let sql = "select datname::text from pg_database where datallowconn";
    let admin = ground.admin("postgres").await;
    let databases = admin.query("list databases", sql, &[]).await.expect("databases");
    for database in databases.iter().map(|row| row.get::<_, String>(0)) {
        let admin = ground.admin(&database).await;
        for (catalog, but, which) in CATALOGS {
            let sql = format!(
                "select (to_jsonb(c) - string_to_array('{but}', ','))::text from {catalog} c \
                 where {which} order by 1"
            );
            let rows = admin.query("read a catalog", &sql, &[]).await.expect("a catalog");
            let text: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
            all.insert(format!("{database} {catalog}"), text.join("\n"));
        }
    }
    let pgdata = ground.host().pgdata().to_owned();
    let about = std::fs::symlink_metadata(&pgdata).expect("the data directory");
    let look = format!("{:o} {} {}", about.mode(), about.uid(), about.gid());
    all.insert(pgdata.display().to_string(), look);
    files(&pgdata, 0, &mut all);
    files(&ground.root(), 0, &mut all);
    all
}

/// Files with their modes and owners; what is in those that a fix may change.
fn files(folder: &Path, depth: usize, all: &mut BTreeMap<String, String>) {
    const TEXTS: [&str; 4] = ["conf", "key", "crt", "pem"];
    const NOT: [&str; 8] = [
        "base",
        "global",
        "pg_wal",
        "pg_stat_tmp",
        "pg_stat",
        "pg_xact",
        "pg_subtrans",
        "pg_logical",
    ];
    let Ok(found) = std::fs::read_dir(folder) else { return };
    for entry in found.map(|entry| entry.expect("an entry")) {
        let path = entry.path();
        let name = entry.file_name().to_string_lossy().into_owned();
        let Ok(about) = std::fs::symlink_metadata(&path) else { continue };
        let text = if about.is_file() && TEXTS.iter().any(|t| name.ends_with(t)) {
            String::from_utf8_lossy(&std::fs::read(&path).expect("a file")).into_owned()
        } else {
            String::new()
        };
        // What the server itself writes, as settings of its log have it.
        let is_servers = ["postmaster.pid", "postmaster.opts", "current_logfiles", "log"];
        if is_servers.contains(&name.as_str()) || name.ends_with(".log") {
            continue;
        }
        let look = format!("{:o} {} {} {text}", about.mode(), about.uid(), about.gid());
        all.insert(path.display().to_string(), look);
        if about.is_dir() && depth < 12 && !NOT.contains(&name.as_str()) {
            files(&path, depth + 1, all);
        }
    }
}

fn differences(a: &BTreeMap<String, String>, b: &BTreeMap<String, String>) -> String {
    let names: BTreeSet<&String> = a.keys().chain(b.keys()).collect();
    let mut said = String::new();
    for name in names.into_iter().filter(|name| a.get(*name) != b.get(*name)) {
        let lines = |of: &BTreeMap<String, String>| -> BTreeSet<String> {
            of.get(name).map(|text| text.lines().map(str::to_owned).collect()).unwrap_or_default()
        };
        let (old, new) = (lines(a), lines(b));
        let gone: Vec<&String> = old.difference(&new).take(3).collect();
        let come: Vec<&String> = new.difference(&old).take(3).collect();
        let _ = write!(said, "\n  {name}: {gone:?} -> {come:?}");
    }
    said
}

async fn case(
    ground: &mut Ground,
    library: &Library,
    check: &Check,
    example: &Example,
) -> Result<Done, String> {
    let said =
        |what: &'static str| move |error: baseline::Error| format!("{what}: {:?}", error.fault());
    ground.make(example).await.map_err(|error| format!("cannot be made: {error}"))?;
    let reader = ground.reader("postgres");
    let declared = Declared::of(dated_table(example.declare.clone())).expect("a declaration");
    let (host, kept, log) = (ground.host(), Kept::default(), LogSource::default());
    let feeds = match example.feeds.as_slice() {
        [] => None,
        names => Some(feeds(names, ground.version().await)),
    };
    let (host, feeds, log) = (Some(&host), feeds.as_ref(), Some(&log));
    let fixer = Fixer {
        target: &reader,
        library,
        declared: &declared,
        asked: &example.asked,
        sources: Sources { host, feeds, log, wire: true },
        profile: example.profile,
        clock: &SystemClock,
        keep: &kept,
        progress: &|_| (),
    };
    let before = picture(ground).await;
    let plan = match fixer.plan(&check.id).await {
        Ok(plan) => plan,
        Err(error) => {
            let fault = error.fault();
            return match fault.code.as_str() {
                "no_fix" | "no_way_back" | "no_library" => {
                    Ok(Done::None(format!("{}: {:?}", fault.message, fault.detail)))
                }
                _ => Err(format!("cannot be planned: {fault:?}")),
            };
        }
    };
    let tried = differences(&before, &picture(ground).await);
    if !tried.is_empty() {
        return Err(format!("the plan has changed something: {tried}"));
    }
    let record = fixer.apply(&plan, "test").await.map_err(said("cannot be applied"))?;
    let mut record = kept.read(&record.fix_id);
    if record.state == FixState::NeedsRestart {
        ground.restart();
        fixer.prove(&mut record).await.map_err(said("cannot be proved"))?;
    }
    let proof = record.proof.clone().ok_or("is not proved")?;
    let mut wrong = String::new();
    if record.state != FixState::Applied {
        let _ = write!(wrong, "is {:?}: {} {:?}; ", record.state, proof.reason, proof.left);
    }
    if differences(&before, &picture(ground).await).is_empty() {
        wrong.push_str("has changed nothing; ");
    }
    fixer.undo(&mut record).await.map_err(said("cannot be undone"))?;
    let undo = record.undo_proof.clone().ok_or("the undo is not proved")?;
    if undo.verdict.is_none() {
        ground.restart();
    }
    let left = differences(&before, &picture(ground).await);
    if !left.is_empty() || undo.exact != Some(true) || record.state != FixState::Undone {
        let _ = write!(wrong, "after the undo ({:?}): {left}", undo.seen);
    }
    let again = fixer.plan(&check.id).await.map_err(said("cannot be planned again"))?;
    if again.findings != plan.findings {
        let _ = write!(wrong, "finds {:?}, not {:?}", again.findings, plan.findings);
    }
    match (wrong.is_empty(), proof.verdict) {
        (false, _) => Err(wrong),
        (true, Some(Verdict::Fail)) => Ok(Done::Partly(format!("left: {:?}", proof.left))),
        (true, _) => Ok(Done::Proved),
    }
}

/// Keeps the first record, and dies of it.
#[derive(Default)]
struct Dying(Kept);

impl Keep for Dying {
    fn save(&self, record: &FixRecord) -> Result<(), Fault> {
        self.0.save(record)?;
        match record.state {
            FixState::Applying => Err(Fault::new("dead", "the process ended here")),
            _ => Ok(()),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_never_made_is_undone_and_what_is_newer_stays() {
    let library = library();
    let ground = Ground::start().await;
    let admin = ground.admin("postgres").await;
    admin.batch("make a role", "create role boss createrole").await.expect("a role");
    let (reader, declared, dying) =
        (ground.reader("postgres"), Declared::default(), Dying::default());
    let mut fixer = Fixer {
        target: &reader,
        library: &library,
        declared: &declared,
        asked: &[],
        sources: Sources::default(),
        profile: None,
        clock: &SystemClock,
        keep: &dying,
        progress: &|_| (),
    };
    let plan = fixer.plan("ROLE-03").await.expect("a plan");
    // It ends when the record is kept and nothing is committed yet.
    assert!(fixer.apply(&plan, "test").await.is_err());
    let fix_id = dying.0.0.lock().expect("no test panics with it").keys().next().cloned();
    let mut record = dying.0.read(&fix_id.expect("a record"));
    assert_eq!((record.state, record.touched.len()), (FixState::Applying, 1));
    let kept = Kept::default();
    fixer.keep = &kept;
    let may = "select rolcreaterole, rolcreatedb from pg_roles where rolname = 'boss'";
    let look = async || {
        let row = admin.query_one("look", may, &[]).await.expect("the role");
        (row.get::<_, bool>(0), row.get::<_, bool>(1))
    };
    fixer.undo(&mut record).await.expect("there is nothing to take back");
    assert_eq!((record.state, look().await), (FixState::Undone, (true, false)));
    // What somebody changed since is not undone, nor anything beside it.
    let mut record = fixer.apply(&plan, "test").await.expect("a fix");
    admin.batch("change it", "alter role boss createdb").await.expect("another change");
    let refused = fixer.undo(&mut record).await.expect_err("it is newer").fault();
    assert_eq!((refused.code.as_str(), look().await), ("changed_since", (false, true)));
    admin.batch("change it back", "alter role boss nocreatedb").await.expect("as it was");
    fixer.undo(&mut record).await.expect("nothing is newer any more");
    assert_eq!(look().await, (true, false));
}

/// Makes and takes back the fixes of some topics.
#[allow(clippy::print_stderr, reason = "how many there are is said aloud")]
pub(crate) async fn run(topics: &[&str]) {
    let library = library();
    let checks: Vec<&Check> = library
        .checks()
        .filter(|check| topics.contains(&check.topic.as_str()) && is_wanted(check))
        .filter(|check| check.fix.class.is_automatic())
        .collect();
    if checks.is_empty() {
        return;
    }
    let mut ground = Ground::start().await;
    let major = ground.evidence(&checks[0].id).await.major;
    let (mut faults, mut proved, n) = (String::new(), 0, checks.len());
    for check in checks {
        let (mut is_proved, mut none) = (false, String::new());
        for (n, example) in check.examples.iter().enumerate() {
            let is_here = example.majors.is_none_or(|majors| majors.hold(major));
            if example.verdict != Verdict::Fail || example.role.is_some() || !is_here {
                continue;
            }
            // One is enough to show it; whoever names checks sees them all.
            if is_proved && !names_checks() {
                break;
            }
            let mut wrong = match case(&mut ground, &library, check, example).await {
                Ok(Done::Proved) => {
                    is_proved = true;
                    String::new()
                }
                Ok(Done::None(why) | Done::Partly(why)) => {
                    none = why;
                    String::new()
                }
                Err(wrong) => wrong,
            };
            if let Err(error) = ground.clean(example).await {
                let _ = write!(wrong, " cannot be cleaned: {error}");
            }
            if !wrong.is_empty() {
                let _ = writeln!(faults, "{} example {}: {wrong}", check.id, n + 1);
            }
        }
        proved += usize::from(is_proved);
        if !is_proved && check.fix.unmade.is_none() && !faults.contains(&check.id) {
            let _ = writeln!(faults, "{}: no example shows its fix: {none}", check.id);
        }
    }
    eprintln!("fixes of {}: {proved} of {n} made, proved and taken back", topics.join(", "));
    assert!(faults.is_empty(), "\n{faults}");
}

#[test]
#[allow(clippy::print_stderr, reason = "how many there are is said aloud")]
fn at_least_a_hundred_fixes_are_automatic_and_shown() {
    let library = library();
    let shown = library
        .checks()
        .filter(|check| check.fix.class.is_automatic() && check.fix.unmade.is_none())
        .count();
    eprintln!("{shown} automatic fixes that a test makes, proves and takes back");
    assert!(shown >= 100, "{shown}");
}
