//! Workers as processes: what they answer together, and what becomes of a query when one dies.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use kql::engine::{Cancel, Limits};
use kql::functions::Context;
use kql::plan::{Column, Query};
use kql::value::{Type, Value};
use lake::beyond::{Sockets, Workers};
use lake::store::{Doors, Store, StoreLimits};
use lake::{Ending, Lake, Sink, Tables};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use serde_json::{Value as Json, json};
use testkit::TestCa;

use crate::installation::{Installation, assert_code, free_port, is_root, said};
use crate::softhsm::configure;

const NOW: i64 = 639_000_000_000_000_000;

/// One `pgkeep logs worker`.
struct Worker {
    child: Child,
    address: String,
}

impl Worker {
    /// Waits until it says that it listens.
    fn start(command: &mut Command, address: &str) -> Self {
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let first = lines.next().unwrap().unwrap();
        assert!(first.contains(address), "{first}");
        // Who writes to a pipe that nobody reads ends.
        std::thread::spawn(move || lines.for_each(|line| println!("{}", line.unwrap())));
        Self { child, address: address.to_owned() }
    }

    fn at_socket(folder: &Path, n: usize) -> Self {
        let address = format!("unix://{}/{n}.sock", folder.display());
        let mut command = Command::new(env!("CARGO_BIN_EXE_pgkeep"));
        command.args(["logs", "worker", "--threads", "1", "--listen", &address]);
        Self::start(&mut command, &address)
    }

    fn signal(&self, signal: &str) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args([signal, &pid]).status().unwrap().success());
    }

    /// Bytes that it has read from files and connections so far.
    fn bytes_read(&self) -> u64 {
        let text = std::fs::read_to_string(format!("/proc/{}/io", self.child.id())).unwrap();
        let line = text.lines().find_map(|line| line.strip_prefix("rchar: ")).unwrap();
        line.parse().unwrap()
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

const FILES: i64 = 12;
const ROWS_OF_FILE: i64 = 2_000;

/// A store whose table has several files.
fn stored(folder: &Path) -> Arc<Store> {
    let column = |name: &str, ty| Column { name: name.to_owned(), ty };
    let schema = vec![
        column("TimeGenerated", Type::DateTime),
        column("n", Type::Long),
        column("s", Type::String),
        column("token", Type::String),
    ];
    let limits = StoreLimits { merge_files: 1_000, ..StoreLimits::default() };
    let store = Store::open(Doors::of_folder(folder).unwrap(), limits).unwrap();
    store.declare("Events", &schema).unwrap();
    for file in 0..FILES {
        let row = |at: i64| {
            let n = file * ROWS_OF_FILE + at;
            // Different everywhere, so that it is long in a file and on the wire.
            let token: String = (1..60).map(|i| format!("{:016x}", hash(n * 64 + i))).collect();
            vec![
                Value::DateTime(NOW + n * 10_000),
                Value::Long(n),
                Value::text(["alpha", "beta", "gamma"][usize::try_from(n % 3).unwrap()]),
                Value::text(&token),
            ]
        };
        store.append("Events", &(0..ROWS_OF_FILE).map(row).collect::<Vec<_>>()).unwrap();
        store.flush().unwrap();
    }
    Arc::new(store)
}

/// SplitMix64's finaliser.
fn hash(n: i64) -> u64 {
    let mut z = n.cast_unsigned().wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

fn lake(store: &Arc<Store>, workers: &[Worker]) -> Lake {
    let limits = lake::Limits { threads: 2, ..lake::Limits::default() };
    let mut lake = Lake::new(Tables::new(), limits).unwrap();
    lake.attach(Arc::clone(store));
    if !workers.is_empty() {
        let addresses: Vec<String> = workers.iter().map(|w| w.address.clone()).collect();
        let workers = Workers::new(&addresses, 1 << 20, Arc::new(Sockets)).unwrap();
        lake.spread(Arc::new(workers)).unwrap();
    }
    lake
}

fn bound(lake: &Lake, text: &str) -> Query {
    let tables = lake.snapshot();
    kql::bind::compile(text, &tables, Context { now: NOW }, None).query.unwrap()
}

fn asked(lake: &Lake, text: &str) -> Result<Vec<Vec<Value>>, String> {
    let query = bound(lake, text);
    match lake.run_at(NOW, &query, &Limits::default(), &Cancel::new()) {
        Ok(answer) => Ok(answer.rows),
        Err(error) => Err(error.to_string()),
    }
}

/// Reads all files, moves rows between all workers, sorts.
const QUERY: &str = "Events | extend k = hash(token, 997) \
    | summarize c = count(), sum(n), max(token), dcount(s) by k | sort by k asc";

#[test]
fn three_processes_answer_as_one_and_any_may_be_killed() {
    let folder = tempfile::tempdir().unwrap();
    let store = stored(&folder.path().join("lake"));
    let expected = asked(&lake(&store, &[]), QUERY).unwrap();
    assert_eq!(expected.len(), 997);
    let mut workers: Vec<Worker> = (0..3).map(|n| Worker::at_socket(folder.path(), n)).collect();
    let lake = lake(&store, &workers);
    assert_eq!(asked(&lake, QUERY).unwrap(), expected);
    let file_bytes = store.status()[0].file_bytes;
    for worker in &workers {
        assert!(worker.bytes_read() > file_bytes / 6, "{} took part", worker.address);
    }
    // One that stands still holds the query up, so its death falls into the query. The last one
    // alone is asked for nothing.
    for (n, victim) in workers.iter().enumerate().take(2) {
        victim.signal("-STOP");
        std::thread::scope(|scope| {
            let asking = scope.spawn(|| asked(&lake, QUERY));
            std::thread::park_timeout(Duration::from_millis(500));
            assert!(!asking.is_finished(), "nobody waits for {}", victim.address);
            victim.signal("-KILL");
            assert_eq!(asking.join().unwrap().as_ref(), Ok(&expected), "after {n}");
        });
        assert_eq!(asked(&lake, QUERY).as_ref(), Ok(&expected), "without {n}");
    }
    workers[2].signal("-KILL");
    // All are gone: the lake answers alone, and goes on with those that come back.
    assert_eq!(asked(&lake, QUERY).as_ref(), Ok(&expected));
    for worker in &mut workers {
        worker.child.wait().unwrap();
    }
    let workers: Vec<Worker> = (0..3).map(|n| Worker::at_socket(folder.path(), n)).collect();
    let before: u64 = workers.iter().map(Worker::bytes_read).sum();
    let deadline = Instant::now() + Duration::from_secs(60);
    while workers.iter().map(Worker::bytes_read).sum::<u64>() < before + file_bytes / 2 {
        assert!(Instant::now() < deadline, "nobody asks them again");
        assert_eq!(asked(&lake, QUERY).as_ref(), Ok(&expected));
    }
}

/// Kills a worker when the first rows are there.
struct Killing<'a> {
    victim: Option<&'a Worker>,
    came: Vec<bool>,
}

impl Sink for Killing<'_> {
    fn begin(&mut self, _name: Option<&str>, _schema: &kql::plan::Schema) {}

    fn rows(&mut self, rows: Vec<Vec<Value>>) -> bool {
        if let Some(victim) = self.victim.take() {
            victim.signal("-KILL");
        }
        for row in rows {
            let Value::Long(n) = row[0] else { panic!("{row:?}") };
            let at = &mut self.came[usize::try_from(n).unwrap()];
            assert!(!*at, "row {n} came twice");
            *at = true;
        }
        true
    }
}

#[test]
fn rows_on_their_way_are_never_cut_silently() {
    let folder = tempfile::tempdir().unwrap();
    let store = stored(&folder.path().join("lake"));
    let mut n_errors = 0;
    for n in 0..3 {
        let workers: Vec<Worker> = (0..3).map(|n| Worker::at_socket(folder.path(), n)).collect();
        let lake = lake(&store, &workers);
        let query = bound(&lake, "Events | where token != '' | project n, token");
        let victim = &workers[n];
        let came = vec![false; usize::try_from(FILES * ROWS_OF_FILE).unwrap()];
        let mut sink = Killing { victim: Some(victim), came };
        let ended: Result<Ending, lake::Error> =
            lake.stream_at(NOW, &query, &Limits::default(), &Cancel::new(), &mut sink);
        match ended {
            Ok(_) => assert!(sink.came.iter().all(|came| *came), "rows are missing"),
            Err(error) => {
                n_errors += 1;
                let address = &victim.address;
                assert!(error.to_string().contains(address), "{error} is not about {address}");
            }
        }
    }
    println!("{n_errors} of 3 streams ended with an error");
}

/// Who a worker or a plane is, in files.
struct Identity {
    chain: PathBuf,
    key: PathBuf,
    authority: PathBuf,
}

impl Identity {
    /// One that `ca` issued, for somebody who trusts those in `authority`.
    fn new(ca: &TestCa, authority: &Path, name: &str) -> Self {
        let issued = ca.peer();
        let [chain, key] =
            ["pem", "key"].map(|ext| authority.with_file_name(name.to_owned() + "." + ext));
        std::fs::write(&chain, issued.chain_pem).unwrap();
        std::fs::write(&key, issued.key_pem.expose()).unwrap();
        mode(&key, 0o600);
        if is_root() {
            std::os::unix::fs::chown(&key, Some(65534), Some(65534)).unwrap();
        }
        Self { chain, key, authority: authority.to_owned() }
    }

    fn flags(&self) -> [String; 3] {
        [
            format!("--certificate-file={}", self.chain.display()),
            format!("--key-file={}", self.key.display()),
            format!("--authority-file={}", self.authority.display()),
        ]
    }

    /// A client that shows its certificate, or none.
    fn client(&self, shown: bool) -> rustls::ClientConfig {
        let mut roots = rustls::RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(&self.authority).unwrap()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots);
        if !shown {
            return builder.with_no_client_auth();
        }
        let chain = CertificateDer::pem_file_iter(&self.chain).unwrap().map(Result::unwrap);
        let key = PrivateKeyDer::from_pem_file(&self.key).unwrap();
        builder.with_client_auth_cert(chain.collect(), key).unwrap()
    }
}

fn mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(mode)).unwrap();
}

/// The first bytes that a worker says to a client, where it says any.
fn greeting(address: &str, client: rustls::ClientConfig) -> std::io::Result<usize> {
    let at = address.strip_prefix("https://").unwrap();
    let name = ServerName::try_from("127.0.0.1").unwrap();
    let connection = rustls::ClientConnection::new(Arc::new(client), name).unwrap();
    let mut stream = rustls::StreamOwned::new(connection, std::net::TcpStream::connect(at)?);
    // The preface of HTTP/2 and empty settings.
    stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0")?;
    stream.read(&mut [0; 9])
}

#[test]
fn a_plane_asks_workers_behind_tls() {
    let it = if is_root() { Installation::of_ordinary_user() } else { Installation::new() };
    assert_code(&it.up(), 0);
    let files = tempfile::tempdir().unwrap();
    mode(files.path(), 0o755);
    let csv = files.path().join("rows.csv");
    let row = |n: i64| format!("{n},{:016x}{:016x}\n", hash(n), hash(-n));
    std::fs::write(&csv, format!("n,text\n{}", (0..600_000).map(row).collect::<String>())).unwrap();
    assert_code(&it.run(&["logs", "ingest", csv.to_str().unwrap(), "--table", "Many_CL"]), 0);
    let query = "Many_CL | summarize c = count() by k = hash(text, 5) | sort by k asc";
    let expected = it.json(&["logs", "query", query])["rows"].clone();
    assert_eq!(expected.as_array().unwrap().len(), 5);
    // At its end the plane puts all rows into files.
    assert_code(&it.run(&["down"]), 0);

    let (ca, other) = (TestCa::new(), TestCa::new());
    let authority = files.path().join("authority.pem");
    std::fs::write(&authority, ca.pem()).unwrap();
    // The last one shows a certificate of somebody else.
    let addresses = [(); 3].map(|()| format!("https://127.0.0.1:{}", free_port()));
    let mut workers: Vec<Worker> = Vec::new();
    for (address, ca) in addresses.iter().zip([&ca, &ca, &other]) {
        let own = Identity::new(ca, &authority, &format!("worker{}", workers.len()));
        let mut command = it.command(&["logs", "worker", "--listen", address, "--threads", "1"]);
        workers.push(Worker::start(command.args(own.flags()), address));
    }
    let plane = Identity::new(&ca, &authority, "plane");
    let strange = Identity::new(&other, &authority, "strange");
    assert!(greeting(&addresses[0], plane.client(true)).is_ok_and(|n| n > 0));
    assert!(!greeting(&addresses[0], plane.client(false)).is_ok_and(|n| n > 0), "shows none");
    assert!(!greeting(&addresses[0], strange.client(true)).is_ok_and(|n| n > 0), "a strange one");

    let Identity { chain, key, authority } = plane;
    let settings = format!(
        "[logs.workers]\naddresses = {addresses:?}\ntask_megabytes = 1\n\
         certificate_file = {chain:?}\nkey_file = {key:?}\nauthority_file = {authority:?}\n"
    );
    configure(&it, &settings);
    assert_code(&it.up(), 0);
    let states = || {
        let shown = it.json(&["logs", "workers"]);
        let shown = shown.as_array().unwrap().iter();
        let state = |worker: &Json| (worker["state"].clone(), worker["detail"].is_string());
        shown.map(state).collect::<Vec<_>>()
    };
    let (ready, silent) = ((json!("ready"), false), (json!("silent"), true));
    assert_eq!(states(), [ready.clone(), ready.clone(), silent.clone()]);
    let before: Vec<u64> = workers.iter().map(Worker::bytes_read).collect();
    assert_eq!(it.json(&["logs", "query", query])["rows"], expected);
    for (worker, before) in workers.iter().zip(before).take(2) {
        assert!(worker.bytes_read() > before + (256 << 10), "{} took part", worker.address);
    }
    // One dies; the plane says which and answers.
    drop(workers.remove(0));
    assert_eq!(it.json(&["logs", "query", query])["rows"], expected);
    assert_eq!(states(), [silent.clone(), ready, silent]);
    assert_code(&it.run(&["down"]), 0);
}

#[test]
fn a_worker_that_would_let_anybody_in_does_not_start() {
    let files = tempfile::tempdir().unwrap();
    let ca = TestCa::new();
    let authority = files.path().join("authority.pem");
    std::fs::write(&authority, ca.pem()).unwrap();
    let own = Identity::new(&ca, &authority, "own");
    let run = |args: &[String]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pgkeep"));
        command.args(["logs", "worker", "--listen"]).args(args).output().unwrap()
    };
    let port = format!("https://127.0.0.1:{}", free_port());
    let output = run(std::slice::from_ref(&port));
    assert_code(&output, 2);
    assert!(said(&output).contains("--certificate-file"), "{}", said(&output));
    let output = run(&[port.clone(), format!("--key-file={}", own.key.display())]);
    assert_code(&output, 2);
    mode(&own.key, 0o644);
    let output = run(&[vec![port], own.flags().to_vec()].concat());
    assert_code(&output, 2);
    assert!(said(&output).contains("can be read by others"), "{}", said(&output));
    // What is no socket is left alone.
    let file = files.path().join("precious");
    std::fs::write(&file, "precious").unwrap();
    let output = run(&[format!("unix://{}", file.display())]);
    assert_ne!(output.status.code(), Some(0));
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "precious");
    assert_code(&run(&["http://127.0.0.1:1".to_owned()]), 2);
}
