//! Everything that touches PostgreSQL: initdb, start, stop, settings, `pg_hba.conf`, TLS files,
//! catalog reads.
//!
//! Not the life of a server (crate `server` decides when to do what) and not a connection pool.
//!
//! | file | what is in it |
//! |---|---|
//! | `error` | [`Error`] and how it becomes a [`base::Fault`] |
//! | `version`, `binaries` | [`Version`], [`Binaries::find`] |
//! | `run_as`, `command` | [`RunAs`]; every child process is made there |
//! | `file` | durable replacement of small files |
//! | `cluster` | [`Cluster`]: paths, owner, port of one data directory |
//! | `initdb`, `start` | [`Cluster::initdb`], [`Cluster::start`] |
//! | `postmaster`, `pid_file`, `process` | [`Postmaster`], [`Cluster::running`] |
//! | `diagnose`, `ring` | why a start failed: [`StartCause`] |
//! | `policy` | [`Policy`]: what pgkeep decides about a cluster, kept beside the data |
//! | `conf`, `guard` | `pgkeep.conf`, guard rails: [`Cluster::check_guard_rails`] |
//! | `access` | `pg_hba.conf`, `pg_ident.conf`: [`Cluster::apply_policy`] |
//! | `firewall`, `hba`, `diff` | the owner's rules; a reader and judge of `pg_hba.conf` |
//! | `networking` | [`Cluster::networking`], its preview, [`Cluster::set_networking`] |
//! | `connection`, `connect` | [`Connection`], [`Cluster::connect_local`], [`connect_tls`] |
//! | `dsn`, `refusal` | [`Dsn`]: any server by a connection string; [`ConnectCause`] |
//! | `reload` | [`Connection::reload`]: the configuration reloaded, and waited for |
//! | `parameters`, `suggest` | [`parameters()`], [`parameter()`], "did you mean" |
//! | `parameter_set` | [`Cluster::set_parameter`], its try, [`Cluster::reset_parameter`] |
//! | `certificate` | [`CertificatePair`], [`Cluster::install_certificate`] |
//! | `inspect` | [`Inspected`]: certificates as they are, for judging |
//! | `rotate` | [`Cluster::rotate_certificate`] |
//! | `verify`, `probe`, `hello` | [`probe_tls`], [`probe_plain`], [`probe_hello`] |
//! | `early` | [`probe_start`], [`probe_injection`], [`probe_direct`]: before anybody signs in |
//! | `outside` | [`Cluster::find_outside_mount`] |
//! | `read_only` | [`Cluster::read_only`] |
//!
//! The order for a new cluster: [`Cluster::initdb`], [`Cluster::install_certificate`],
//! [`Cluster::start`], [`probe_tls`].

mod access;
mod binaries;
mod certificate;
mod cluster;
mod command;
mod conf;
mod connect;
mod connection;
mod diagnose;
mod diff;
mod dsn;
mod early;
mod error;
mod file;
mod firewall;
mod guard;
mod hba;
mod hello;
mod initdb;
mod inspect;
mod networking;
mod outside;
mod parameter_set;
mod parameters;
mod pid_file;
mod policy;
mod postmaster;
mod probe;
mod process;
mod read_only;
mod refusal;
mod reload;
mod ring;
mod rotate;
mod run_as;
mod sample;
mod start;
mod suggest;
mod verify;
mod version;

pub use binaries::{Binaries, SUPPORTED_MAJORS};
pub use certificate::{CertificateInfo, CertificatePair, Fingerprint};
pub use cluster::{Cluster, Progress};
pub use connect::{TlsLogin, TlsTarget, connect_tls};
pub use connection::{Connection, Transport};
pub use diagnose::StartCause;
pub use diff::lines as diff;
pub use dsn::{Defaults, Dsn};
pub use early::{Injection, StartAnswer, probe_direct, probe_injection, probe_offer, probe_start};
pub use error::{Error, Result};
pub use firewall::{ConnectionKind, FirewallRule, Method};
pub use guard::{TLS12_SUITES, Violation};
pub use hello::{HelloAnswer, TlsVersion, probe_hello};
pub use inspect::{Inspected, KeyFit};
pub use networking::{
    EffectiveRule, Networking, NetworkingChange, NetworkingOutcome, NetworkingPreview, Refused,
    RefusedKind,
};
pub use outside::{Outside, OutsideKind};
pub use parameter_set::SetOutcome;
pub use parameters::{Effect, Parameter, REQUIRE_SECURE_TRANSPORT, parameter, parameters};
pub use pid_file::{PidFile, PostmasterStatus};
pub use policy::{ClientCertificateRule, ClientCertificates, Policy};
pub use postmaster::{Exit, Postmaster, StopMode};
pub use probe::{PlainAnswer, PresentedCertificate, probe_plain, probe_tls};
pub use read_only::ReadOnlyOutcome;
pub use refusal::ConnectCause;
pub use rotate::Rotation;
pub use run_as::RunAs;
pub use sample::Sample;
pub use verify::Trust;
pub use version::Version;
