//! `cargo xtask deps`: the Debian packages that pgkeep stands on, and the FUSE device.
//!
//! What is there is judged by files, not by package names, so that a PostgreSQL from elsewhere
//! counts too and nothing is asked of apt when nothing is missing.

mod apt;
mod fuse;
mod host;
#[cfg(test)]
mod tests;

use std::fmt::Write as _;

use crate::args::{Accepts, Args};
use crate::failure::{Failure, Outcome};
use crate::say;
use host::Host;
pub(crate) use host::{is_root, postgres_bin};

const ACCEPTS: Accepts = Accepts { switches: &["--yes"], values: &[], n_words: 0 };

/// Something that must be there, and what for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Need {
    /// PostgreSQL 13 or later: the server itself.
    Postgres,
    /// The contrib modules: `amcheck` and friends.
    Contrib,
    /// The audit extension.
    PgAudit,
    /// `fusermount3`, for mounts without root.
    Fuse,
    /// Backups.
    PgBackRest,
    /// Node.js and npm, which build the portal.
    Node,
    /// The resolver of names below `localhost`, as key vaults have.
    MyHostname,
    /// The browser that judges the portal, in tests.
    Chromium,
    /// Python with virtual environments, for tests.
    Python,
    /// A PKCS#11 token in software, for tests.
    SoftHsm,
    /// A TPM in software and the PKCS#11 library of TPMs, for tests.
    SoftTpm,
    /// The file system that benchmarks compare with.
    Gocryptfs,
    /// The load that the key vault's benchmark makes.
    Wrk,
    /// Access-control-list headers, for pjdfstest.
    Acl,
    /// Tools that the security baseline is compared with.
    Peers,
}

/// What the product needs.
pub(crate) const PRODUCT: &[Need] = &[
    Need::Postgres,
    Need::Contrib,
    Need::PgAudit,
    Need::Fuse,
    Need::PgBackRest,
    Need::Node,
    Need::MyHostname,
];

/// What the tests need on top.
pub(crate) const TESTS: &[Need] = &[Need::Python, Need::SoftHsm, Need::SoftTpm, Need::Chromium];

/// Packages of [`Need::Peers`], and a file of each below the root.
const PEERS: &[(&str, &str)] = &[
    ("check-postgres", "usr/bin/check_postgres"),
    ("check-pgactivity", "usr/lib/nagios/plugins/check_pgactivity"),
    ("lynis", "usr/sbin/lynis"),
    ("sslscan", "usr/bin/sslscan"),
    ("testssl.sh", "usr/bin/testssl"),
    ("nmap", "usr/bin/nmap"),
    ("nmap-common", "usr/share/nmap/scripts/ssl-enum-ciphers.nse"),
    ("hashcat", "usr/bin/hashcat"),
    ("ocl-icd-libopencl1", "usr/share/doc/ocl-icd-libopencl1"),
    ("pocl-opencl-icd", "etc/OpenCL/vendors/pocl.icd"),
];

impl Need {
    fn why(self) -> &'static str {
        match self {
            Self::Postgres => "the server that pgkeep encrypts",
            Self::Contrib => "amcheck and the other contrib modules",
            Self::PgAudit => "audit records",
            Self::Fuse => "mounts of the encrypting file system without root",
            Self::PgBackRest => "backups",
            Self::Node => "builds the portal",
            Self::MyHostname => "names of key vaults: NAME.vault.localhost",
            Self::Chromium => "the browser that the portal is tested with",
            Self::Python => "Azure's own client for Python, in tests",
            Self::SoftHsm => "the PKCS#11 token of the tests",
            Self::SoftTpm => "the TPM of the tests",
            Self::Gocryptfs => "the file system that the benchmark compares with",
            Self::Wrk => "the load of the key vault's benchmark",
            Self::Acl => "headers that pjdfstest is built with",
            Self::Peers => "tools that the security baseline is compared with",
        }
    }

    /// The packages that satisfy the need, given the major version of PostgreSQL.
    fn packages(self, major: u32) -> Vec<String> {
        match self {
            Self::Postgres => vec!["postgresql".into()],
            Self::Contrib => vec!["postgresql-contrib".into()],
            Self::PgAudit => vec![format!("postgresql-{major}-pgaudit")],
            Self::Fuse => vec!["fuse3".into()],
            Self::PgBackRest => vec!["pgbackrest".into()],
            Self::Node => vec!["nodejs".into(), "npm".into()],
            Self::MyHostname => vec!["libnss-myhostname".into()],
            Self::Chromium => vec!["chromium".into()],
            Self::Python => vec!["python3".into(), "python3-venv".into()],
            Self::SoftHsm => vec!["softhsm2".into()],
            Self::SoftTpm => ["swtpm", "libtpm2-pkcs11-1", "libtss2-tcti-swtpm0", "opensc"]
                .map(String::from)
                .into(),
            Self::Gocryptfs => vec!["gocryptfs".into()],
            Self::Wrk => vec!["wrk".into()],
            Self::Acl => vec!["libacl1-dev".into()],
            Self::Peers => PEERS
                .iter()
                .map(|(package, _)| (*package).to_owned())
                .chain([format!("postgresql-{major}-plpgsql-check")])
                .collect(),
        }
    }
}

pub(crate) fn run(raw: &[String]) -> Outcome {
    let args = Args::parse(raw, &ACCEPTS)?;
    ensure(&[PRODUCT, TESTS].concat(), args.assume_yes())
}

/// Makes sure that every need is met; installs after asking, or at once with `yes`.
pub(crate) fn ensure(needs: &[Need], yes: bool) -> Outcome {
    let host = Host::look();
    let missing: Vec<Need> = needs.iter().copied().filter(|need| !host.has(*need)).collect();
    if missing.is_empty() {
        say::note("all system packages are there");
    } else {
        install(&host, &missing, yes)?;
    }
    if needs.contains(&Need::Fuse) {
        fuse::open_device(&host)?;
    }
    Ok(())
}

fn install(host: &Host, missing: &[Need], yes: bool) -> Outcome {
    if !host.is_debian {
        return Err(Failure::new("this system has no apt-get, so nothing was installed")
            .detail(list(missing, host.major.unwrap_or(host::NEWEST_MAJOR)))
            .hint("install these with your own package manager, then run this again"));
    }
    // The name of some packages holds PostgreSQL's major version, which a fresh machine only
    // knows after its package lists have been read.
    let mut updated = false;
    let major = match host.major {
        Some(major) => major,
        None => {
            updated = apt::has_lists() || apt::update(host).is_ok();
            apt::candidate_major()?
        }
    };
    say::note(&format!("missing: {}", list(missing, major)));
    if !yes {
        match say::ask("install these packages with apt-get?") {
            Some(true) => {}
            Some(false) => {
                return Err(Failure::new("some packages are missing and you chose not to install")
                    .detail(list(missing, major)));
            }
            None => {
                return Err(Failure::new("some packages are missing and nobody is here to ask")
                    .detail(list(missing, major))
                    .hint("run `cargo xtask deps --yes`"));
            }
        }
    }
    if missing.contains(&Need::Postgres) {
        apt::forbid_main_cluster(host)?;
    }
    let packages: Vec<String> = missing.iter().flat_map(|need| need.packages(major)).collect();
    apt::install(host, &packages, updated)?;
    say::note(&format!("installed: {}", packages.join(" ")));
    verify(missing)
}

/// Looks again: an installation that did not bring what was asked for must not pass for one.
fn verify(missing: &[Need]) -> Outcome {
    let host = Host::look();
    let still: Vec<Need> = missing.iter().copied().filter(|need| !host.has(*need)).collect();
    if still.is_empty() {
        return Ok(());
    }
    Err(Failure::new("apt-get succeeded, yet something is still missing")
        .detail(list(&still, host.major.unwrap_or(host::NEWEST_MAJOR))))
}

fn list(needs: &[Need], major: u32) -> String {
    let mut text = String::new();
    for need in needs {
        let separator = if text.is_empty() { "" } else { "; " };
        let packages = need.packages(major).join(" and ");
        write!(text, "{separator}{packages} ({})", need.why())
            .expect("because writing to a string cannot fail");
    }
    text
}
