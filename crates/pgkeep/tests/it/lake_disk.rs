//! A disk that is full for the lake alone: PostgreSQL goes on, senders hear why they must wait, and
//! when there is room again each event is there once.

use std::fs::File;
use std::io::Write as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::installation::{Installation, assert_code, is_root, said};
use crate::logs::{dsn, eventually, number, psql};

/// A small file system over a folder that holds what the folder held.
struct SmallDisk(PathBuf);

impl SmallDisk {
    fn over(folder: &Path, megabytes: u32) -> Self {
        let held = folder.with_extension("held");
        std::fs::rename(folder, &held).unwrap();
        let meta = std::fs::metadata(&held).unwrap();
        std::fs::create_dir(folder).unwrap();
        let options = format!("size={megabytes}m,mode=0700,uid={},gid={}", meta.uid(), meta.gid());
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &options, "tmpfs"])
            .arg(folder)
            .status();
        assert!(mounted.unwrap().success());
        let copied = Command::new("cp").arg("-aT").arg(&held).arg(folder).status();
        assert!(copied.unwrap().success());
        Self(folder.to_owned())
    }

    /// Takes all room that is left.
    fn fill(&self) -> PathBuf {
        let path = self.0.join("ballast");
        let mut file = File::create(&path).unwrap();
        for size in [1 << 20, 1 << 12] {
            while file.write_all(&vec![0; size]).is_ok() {}
        }
        path
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(&self.0).status();
    }
}

#[test]
fn a_full_disk_of_the_lake_loses_nothing() {
    if !is_root() {
        println!("not run: only root can mount a small disk");
        return;
    }
    let it = Installation::new();
    assert_code(&it.up(), 0);
    assert_code(&it.run(&["down"]), 0);
    let disk = SmallDisk::over(&it.home().join("plane/lake"), 48);
    assert_code(&it.up(), 0);
    let dsn = dsn(&it);
    let write = |from: u32, to: u32| {
        let sql = format!(
            "do $$ begin for n in {from}..{to} loop raise log 'event % of the test', n; end loop; \
             end $$"
        );
        assert!(psql(&dsn, &sql), "PostgreSQL goes on");
    };
    let events = "PGSQLServerLogs | where ErrorLevel == 'LOG' \
                  | parse Message with 'event ' n:int ' of the test' | where isnotnull(n) \
                  | summarize times = count() by n \
                  | summarize rows = sum(times), different = count()";
    let there = |column: &str| number(&it, &format!("{events} | project {column}"));
    write(1, 1_000);
    eventually("what came before is there", || there("rows") == Some(1_000));

    let ballast = disk.fill();
    // The last page of the log may still have room.
    write(1_001, 20_000);
    let server = || {
        let all = it.json(&["logs", "connectors"]);
        let all = all.as_array().unwrap().iter();
        all.clone().find(|connector| connector["name"] == "server/demo").cloned().unwrap()
    };
    eventually("the connector says why it waits", || {
        let server = server();
        let reason = server["reason"].as_str().unwrap_or_default().to_owned();
        server["health"] == "failing" && reason.contains("disk")
    });
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "N\n1\n2\n").unwrap();
    let path = file.path().to_str().unwrap();
    let ingest = ["logs", "ingest", "--format", "csv", "--table", "Full_CL", path];
    let refused = it.run(&ingest);
    assert_ne!(refused.status.code(), Some(0));
    assert!(said(&refused).contains("room on the disk"), "{}", said(&refused));
    // What is there can be asked for meanwhile.
    assert!(there("rows").is_some_and(|n| n >= 1_000));

    std::fs::remove_file(&ballast).unwrap();
    eventually("what waited is there", || there("rows") == Some(20_000));
    assert_eq!(there("different"), Some(20_000), "each once");
    eventually("the connector is well again", || server()["health"] == "ok");
    assert_code(&it.run(&ingest), 0);
    assert_eq!(number(&it, "Full_CL | count"), Some(2));
    let lost = "PgkeepDeadLetters | where Source startswith 'server/demo' | count";
    assert_eq!(number(&it, lost), Some(0));
    assert_code(&it.run(&["down"]), 0);
}
