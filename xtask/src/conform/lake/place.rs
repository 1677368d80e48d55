//! Object stores of others on loopback: S3 by moto, Azure Blob by azurite. Their keys are public
//! words that open nothing else.

use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::super::Bench;
use crate::failure::{Doing as _, Failure, Outcome};
use crate::packages::{Environment, Modules};
use crate::vault_home::write_private;
use crate::{cluster, proc, repo, say};

/// They are there by then.
const START: Duration = Duration::from_secs(120);
const STEP: Duration = Duration::from_millis(200);
const BUCKET: &str = "lake-tables";
const PREFIX: &str = "of/pgkeep";
/// The emulator's own account, as its documentation has it.
const ACCOUNT: &str = "devstoreaccount1";
const ACCOUNT_KEY: &str =
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

/// Which one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    S3,
    Azure,
}

/// A store that runs until this is dropped.
pub(super) struct ObjectStore {
    child: Child,
    /// Where tables go
    pub(super) url: String,
    /// What pgkeep's program is told
    pub(super) place: PathBuf,
    /// What delta-rs is told
    pub(super) options: PathBuf,
}

impl Drop for ObjectStore {
    fn drop(&mut self) {
        // It holds nothing that anybody wants to keep.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Kind {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::S3 => "S3 (moto)",
            Self::Azure => "Azure Blob (azurite)",
        }
    }

    /// Starts the store and makes the bucket.
    pub(super) fn start(self, bench: &Bench<'_>, python: &Path) -> Outcome<ObjectStore> {
        let from = repo::root().join("xtask/src/conform/lake");
        let (port, _) = cluster::free_ports()?;
        let work = bench.work.path();
        let (mut command, endpoint, word) = match self {
            Self::S3 => {
                let lock = from.join("moto-requirements.txt");
                let mut command = Command::new(Environment::make("moto", &lock)?.python());
                command.args(["-m", "moto.server", "-H", "127.0.0.1", "-p", &port]);
                (command, format!("http://127.0.0.1:{port}"), "s3")
            }
            Self::Azure => {
                let modules = Modules::make("azurite", &from.join("azurite"))?;
                let node = proc::find("node").ok_or_else(|| {
                    Failure::new("there is no node").hint("`cargo xtask deps` installs it")
                })?;
                let mut command = Command::new(node);
                let main = "node_modules/azurite/dist/src/blob/main.js";
                command.arg(modules.path().join(main)).args(["--blobHost", "127.0.0.1"]);
                command.args(["--blobPort", &port, "--silent", "--disableTelemetry"]);
                command.arg("--skipApiVersionCheck").arg("--location").arg(work.join("azurite"));
                (command, format!("http://127.0.0.1:{port}/{ACCOUNT}"), "azure")
            }
        };
        say::step(&format!("starting {}", self.name()));
        let log = work.join(format!("{word}.log"));
        let doing = || format!("write \"{}\"", log.display());
        let output = std::fs::File::create(&log).doing(doing)?;
        let errors = output.try_clone().doing(doing)?;
        command.stdin(Stdio::null()).stdout(output).stderr(errors);
        let child = command.spawn().doing(|| format!("start {}", self.name()))?;
        let url = match self {
            Self::S3 => format!("s3://{BUCKET}/{PREFIX}"),
            Self::Azure => format!("az://{BUCKET}/{PREFIX}"),
        };
        let file = |what: &str| work.join(format!("{word}-{what}.json"));
        let (place, options) = (file("place"), file("options"));
        let mut store = ObjectStore { child, url, place, options };
        store.wait(&port, &log)?;
        let (place, options) = self.told(&store.url, &endpoint);
        write_private(&store.place, &place)?;
        write_private(&store.options, &options)?;
        let mut prepare = Command::new(python);
        prepare.arg(from.join("prepare.py")).args([word, &endpoint, BUCKET]).arg(&store.place);
        proc::capture(prepare.env("PYTHONDONTWRITEBYTECODE", "1"))?;
        Ok(store)
    }

    /// What pgkeep's program and delta-rs are told.
    fn told(self, url: &str, endpoint: &str) -> (String, String) {
        match self {
            Self::S3 => (
                json(&[
                    ("url", url),
                    ("endpoint", endpoint),
                    ("access_key_id", "nobody"),
                    ("secret_access_key", "no secret"),
                ]),
                json(&[
                    ("AWS_ENDPOINT_URL", endpoint),
                    ("AWS_REGION", "us-east-1"),
                    ("AWS_ACCESS_KEY_ID", "nobody"),
                    ("AWS_SECRET_ACCESS_KEY", "no secret"),
                    ("AWS_ALLOW_HTTP", "true"),
                ]),
            ),
            Self::Azure => (
                json(&[
                    ("url", url),
                    ("endpoint", endpoint),
                    ("account_name", ACCOUNT),
                    ("account_key", ACCOUNT_KEY),
                ]),
                json(&[
                    ("azure_storage_account_name", ACCOUNT),
                    ("azure_storage_account_key", ACCOUNT_KEY),
                    ("azure_storage_endpoint", endpoint),
                    ("azure_allow_http", "true"),
                ]),
            ),
        }
    }
}

/// An object of words that need no escapes.
fn json(pairs: &[(&str, &str)]) -> String {
    let pairs: Vec<String> =
        pairs.iter().map(|(name, value)| format!("{name:?}:{value:?}")).collect();
    format!("{{{}}}", pairs.join(","))
}

impl ObjectStore {
    fn wait(&mut self, port: &str, log: &Path) -> Outcome {
        let started = Instant::now();
        let address = format!("127.0.0.1:{port}");
        while TcpStream::connect(&address).is_err() {
            let ended = self.child.try_wait().doing(|| "look at the object store".to_owned())?;
            if ended.is_some() || started.elapsed() > START {
                let said = std::fs::read_to_string(log).unwrap_or_default();
                return Err(
                    Failure::new("the object store did not start").detail(proc::tail(&said, 10))
                );
            }
            std::thread::sleep(STEP);
        }
        Ok(())
    }
}
