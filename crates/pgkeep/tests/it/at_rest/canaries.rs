//! Words given to PostgreSQL are found inside the mount and nowhere outside.

use std::path::{Path, PathBuf};

use super::cluster::Cluster;
use super::plant::{Canary, Planter, settings};
use super::rig::{Random, Rig};
use super::search::{Found, search};

#[tokio::test(flavor = "multi_thread")]
async fn nothing_can_be_read_outside_the_mount() {
    let mut random = Random::unpredictable();
    let comment = random.word(20);
    let rig = Rig::new();
    rig.mount();
    let binaries = pg::Binaries::find(None).await.unwrap();
    let statements = binaries.has_library("pg_stat_statements");
    let settings = settings(binaries.version.major, statements, &comment);
    let cluster = Cluster::initdb(&rig, &settings).await;
    cluster.start();
    let mut planter = Planter::new(&rig, &cluster, random);
    planter.planted("comment in postgresql.conf", comment, "postgresql.conf");
    let (canaries, held) = planter.plant(statements).await;
    rig.flush();

    // Counter-proof: the same search inside the mount finds each word at its place.
    let inside = search(&rig, &rig.data(), &words(&canaries));
    let missing: Vec<_> = canaries.iter().filter(|c| !is_there(c, &inside)).collect();
    assert!(missing.is_empty(), "not written where this proof supposes: {missing:#?}");
    let files = at_their_places(&canaries, &inside);
    for file in &files {
        // What was found inside has reached the disk outside: same name, and not shorter.
        let plain = size(&rig, &rig.data().join(file));
        let stored = size(&rig, &rig.tree().join("pgdata").join(file));
        assert!(stored >= plain, "{} has {plain} bytes, stored are {stored}", file.display());
    }
    let n_running = prove_nothing_outside(&rig, &canaries, "while PostgreSQL runs");

    drop(held);
    cluster.stop();
    rig.unmount();
    let n_stopped = prove_nothing_outside(&rig, &canaries, "after the stop");

    // What is to last is still there, what belonged to the mount is not.
    rig.mount();
    let again = search(&rig, &rig.data(), &words(&canaries));
    let lost: Vec<_> = canaries.iter().filter(|c| !c.fleeting && !is_there(c, &again)).collect();
    assert!(lost.is_empty(), "lost by stop and mount: {lost:#?}");
    rig.unmount();

    println!("kinds of storage  {}", canaries.len());
    for canary in &canaries {
        println!("  {:<28} inside {:<32} outside 0", canary.name, canary.place);
    }
    println!("files inside that hold a word at its place  {}", files.len());
    println!("bytes searched outside  {n_running} running, {n_stopped} stopped");
    println!("words found outside  0");
}

/// Searches the backing folder for the words and for the key, and proves that the search works.
fn prove_nothing_outside(rig: &Rig, canaries: &[Canary], when: &str) -> u64 {
    let mut words = words(canaries);
    words.push(rig.key.clone());
    words.push(printable(&rig.key));
    let found = search(rig, &rig.backing(), &words);
    assert!(found.is_empty(), "readable outside the mount {when}: {found:#?}");

    // A plain file among the encrypted ones is found, by its word and by nothing else.
    let stray = rig.tree().join("stray");
    std::fs::write(&stray, format!("\0\u{1}binary{}\0", words[0])).unwrap();
    std::os::unix::fs::chown(&stray, Some(rig.user.uid), Some(rig.user.gid)).unwrap();
    let found = search(rig, &rig.backing(), &words);
    std::fs::remove_file(&stray).unwrap();
    let hits: Vec<_> = found.into_iter().collect();
    let expected = (words[0].clone(), [PathBuf::from("tree/stray")].into());
    assert_eq!(hits, [expected], "the search does not find what is there");
    total_bytes(&rig.backing())
}

fn words(canaries: &[Canary]) -> Vec<String> {
    canaries.iter().flat_map(|canary| canary.words.iter().cloned()).collect()
}

fn is_there(canary: &Canary, found: &Found) -> bool {
    canary.words.iter().filter_map(|word| found.get(word)).flatten().any(|f| at_place(canary, f))
}

fn at_place(canary: &Canary, file: &Path) -> bool {
    file.to_str().is_some_and(|file| file.starts_with(&canary.place))
}

fn at_their_places(canaries: &[Canary], found: &Found) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for canary in canaries {
        let of = canary.words.iter().filter_map(|word| found.get(word)).flatten();
        files.extend(of.filter(|file| at_place(canary, file)).cloned());
    }
    files.sort();
    files.dedup();
    files
}

/// The size of a file as the store's owner sees it: nobody else may look into the mount.
fn size(rig: &Rig, file: &Path) -> u64 {
    let output = rig.succeed(rig.command("stat").args(["-c", "%s"]).arg(file));
    String::from_utf8(output.stdout).unwrap().trim().parse().unwrap()
}

fn total_bytes(folder: &Path) -> u64 {
    let mut total = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let metadata = entry.metadata().unwrap();
        total += if metadata.is_dir() { total_bytes(&entry.path()) } else { metadata.len() };
    }
    total
}

/// The key's 32 bytes, which this rig chose to be printable.
fn printable(hex: &str) -> String {
    let byte = |at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap() as char;
    (0..hex.len()).step_by(2).map(byte).collect()
}
