//! The life of one PostgreSQL server: states, key, mount, PostgreSQL, TLS, disk space.
//!
//! [`Server`] is the handle of a running state machine; [`Doors`] are what it needs from outside:
//! where data keys are wrapped, who signs certificates, who mounts, what PostgreSQL is, the
//! clock. The binary implements them; tests simulate them. [`PgDatabase`] is the door to a real
//! PostgreSQL. Nothing here speaks a protocol: the agent process of the binary does.
//!
//! What must never be: a data key on disk or kept in memory after the mount has it; a state
//! `Ready` that was not proved by connecting back over TLS; a folder removed while mounted.

mod ballast;
mod certificate;
mod database;
mod doors;
mod durable;
mod error;
mod handle;
mod history;
mod host;
mod layout;
mod machine;
mod policy;
mod postgres;
mod record;
mod secrets;
mod space;
mod status;

pub use certificate::{OwnCertificate, Presented, ServerKeyPair, Validity};
pub use database::{Database, StopMode, TlsSettings};
pub use doors::{
    CertificateAuthority, Doors, Host, KeySource, Mount, MountEvent, Mounter, Progress, Signed,
    Space,
};
pub use error::Error;
pub use handle::{Command, CreateSpec, Server};
pub use history::{Entry, Event, History};
pub use host::SystemHost;
pub use layout::Layout;
pub use postgres::PgDatabase;
pub use record::{
    DataEncryption, DesiredState, EncryptionMode, Postgres, ServerRecord, TlsRecord, TlsSource,
    WrappedKey,
};
pub use status::{Recovery, Show, ShownEncryption, ShownRestarts, ShownStorage, ShownTls, Tamper};
