//! The life of one PostgreSQL server: states, key, mount, PostgreSQL, TLS, disk space.
//!
//! [`Server`] is the handle of a running state machine; [`Doors`] are what it needs from outside:
//! where data keys are wrapped, who signs certificates, who mounts, what PostgreSQL is, the
//! clock. The binary implements them; tests simulate them. [`PgDatabase`] is the door to a real
//! PostgreSQL. Nothing here speaks a protocol: the agent process of the binary does.
//!
//! A server's data key is wrapped either by pgkeep's own vault ([`KeySource`]) or by a key that
//! the owner holds ([`CustomerKeys`]). The latter is watched: when the owner takes it away, the
//! server is Inaccessible within seconds, and comes back by itself with the key. What clients see
//! then is PostgreSQL's own word for it: `FATAL: terminating connection due to administrator
//! command` (57P01) in sessions, `FATAL: the database system is shutting down` (57P03) when they
//! connect meanwhile, a refused connection afterwards. The cause stands in the server's state,
//! not in the message: who may connect need not learn what the owner does with keys.
//!
//! What must never be: a data key on disk or kept in memory after the mount has it; a state
//! `Ready` that was not proved by connecting back over TLS; a folder removed while mounted.

mod ballast;
mod certificate;
mod custody;
mod customer;
mod database;
mod doors;
mod durable;
mod error;
mod handle;
mod history;
mod host;
mod killing;
mod layout;
mod machine;
mod policy;
mod postgres;
mod record;
mod secrets;
mod space;
mod status;

pub use certificate::{OwnCertificate, Presented, ServerKeyPair, Validity};
pub use custody::ClockUsed;
pub use customer::{CustomerKey, CustomerKeys, KeyCause, KeyFailure, KeyReference, KeyState};
pub use database::{Database, StopMode, TlsSettings};
pub use doors::{
    CertificateAuthority, Doors, Host, KeySource, Mount, MountEvent, Mounter, Progress, Signed,
    Space,
};
pub use durable::replace as replace_file;
pub use error::Error;
pub use handle::{Command, CreateSpec, CustomerKeySpec, KeyChange, Server};
pub use history::{Entry, Event, History, KeyHealth, KeyRewrap, KeyTransition};
pub use host::SystemHost;
pub use layout::Layout;
pub use postgres::PgDatabase;
pub use record::{
    Canary, CustomerManaged, DataEncryption, DesiredState, EncryptionMode, KeyLoss, KeyPolicy,
    Postgres, ServerRecord, TlsRecord, TlsSource, WrappedKey, Wrapping,
};
pub use status::{
    Recovery, Show, ShownEncryption, ShownKey, ShownRestarts, ShownRewrap, ShownStorage, ShownTls,
    Tamper,
};
