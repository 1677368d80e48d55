//! What a server's life needs from outside. The binary implements these; tests simulate them.

use std::future::Future;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use base::{Clock, Fault, Random};
use cryptfs::check::Report;
use crypto::DataKey;

use crate::customer::CustomerKeys;
use crate::database::Database;
use crate::layout::Layout;
use crate::record::{Postgres, ServerRecord, WrappedKey};

/// Says how a long operation goes, in a few words without a full stop. Must not block.
pub type Progress = Arc<dyn Fn(&str) + Send + Sync>;

/// All the doors of one server.
pub trait Doors: Send + Sync + 'static {
    /// Where data keys are wrapped and unwrapped.
    type Keys: KeySource;
    /// Where keys of owners are found.
    type CustomerKeys: CustomerKeys;
    /// Who signs server certificates.
    type Authority: CertificateAuthority;
    /// Who mounts the encrypted storage.
    type Mounter: Mounter;
    /// PostgreSQL.
    type Database: Database;

    /// Where data keys are wrapped and unwrapped.
    fn keys(&self) -> &Self::Keys;
    /// Where keys of owners are found.
    fn customer_keys(&self) -> &Self::CustomerKeys;
    /// Who signs server certificates.
    fn authority(&self) -> &Self::Authority;
    /// Who mounts the encrypted storage.
    fn mounter(&self) -> &Self::Mounter;
    /// The time.
    fn clock(&self) -> &dyn Clock;
    /// Randomness.
    fn random(&self) -> &dyn Random;
    /// The machine.
    fn host(&self) -> &dyn Host;
    /// Which PostgreSQL a new server uses.
    fn find_postgres(&self) -> impl Future<Output = Result<Postgres, Fault>> + Send;
    /// The PostgreSQL of an existing record.
    fn database(
        &self,
        record: &ServerRecord,
    ) -> impl Future<Output = Result<Self::Database, Fault>> + Send;
}

/// Wraps and unwraps the data keys of servers whose key pgkeep manages; its own vault.
pub trait KeySource: Send + Sync + 'static {
    /// The identity under which this server asks.
    fn identity(&self) -> String;
    /// Wraps a new data key.
    fn wrap(&self, key: &DataKey) -> impl Future<Output = Result<WrappedKey, Fault>> + Send;
    /// Unwraps a data key. Every failure means: not accessible now.
    fn unwrap(&self, wrapped: &WrappedKey) -> impl Future<Output = Result<DataKey, Fault>> + Send;
}

/// What the certificate authority gives back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed {
    /// The certificate and what leads to the authority, PEM.
    pub chain_pem: String,
    /// The certificate of the authority, PEM.
    pub ca_pem: String,
}

/// Signs server certificates; the vault's internal CA.
pub trait CertificateAuthority: Send + Sync + 'static {
    /// Signs a request (PKCS #10, PEM).
    fn sign(&self, csr_pem: &str) -> impl Future<Output = Result<Signed, Fault>> + Send;
    /// The certificate of the authority, PEM.
    fn certificate(&self) -> impl Future<Output = Result<String, Fault>> + Send;
}

/// Mounts the encrypted storage of a server; one file-system process each.
pub trait Mounter: Send + Sync + 'static {
    /// A mounted storage.
    type Mount: Mount;

    /// Ends what an earlier agent left behind: its PostgreSQL, its file system, a dead mount.
    /// Touches only processes that are provably this server's. Answers what it did, in sentences.
    fn clear_leftovers(
        &self,
        layout: &Layout,
        progress: &Progress,
    ) -> impl Future<Output = Result<Vec<String>, Fault>> + Send;

    /// Mounts and waits until the mount answers. Takes the key: the caller keeps no copy.
    /// A fault with code `wrong_key` means that the key does not open the store.
    /// Dropping the future leaves nothing that [`Mounter::clear_leftovers`] does not end.
    fn mount(
        &self,
        layout: &Layout,
        key: DataKey,
        progress: &Progress,
    ) -> impl Future<Output = Result<Self::Mount, Fault>> + Send;

    /// True while anything is mounted at or below the server's mountpoint, dead or alive.
    fn is_mounted(&self, layout: &Layout) -> Result<bool, Fault>;

    /// Reads every unit of a storage that is not mounted.
    fn check(
        &self,
        layout: &Layout,
        key: DataKey,
        progress: &Progress,
    ) -> impl Future<Output = Result<Report, Fault>> + Send;
}

/// What a mount has to tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MountEvent {
    /// Something that the file system reported.
    Reported(cryptfs::Event),
    /// The process ended although nobody asked it to; says how. Nothing comes after it.
    Died(String),
}

/// A mounted storage.
pub trait Mount: Send + Sync + 'static {
    /// The device number of the mount, `major:minor`.
    fn device(&self) -> String;
    /// The next event; may be dropped and called again without losing one.
    fn next_event(&mut self) -> impl Future<Output = MountEvent> + Send;
    /// True while the process runs.
    fn is_alive(&mut self) -> bool;
    /// Figures of the running store.
    fn stats(&self) -> impl Future<Output = Option<cryptfs::Stats>> + Send;
    /// Unmounts, waits until the store is closed cleanly and the process has ended.
    fn unmount(&mut self, deadline: Duration) -> impl Future<Output = Result<(), Fault>> + Send;
    /// Ends the process at once and removes the mount, also a dead one.
    fn kill(&mut self) -> impl Future<Output = Result<(), Fault>> + Send;
}

/// Room on a disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Space {
    /// All of it.
    pub size_bytes: u64,
    /// What an ordinary user can still write.
    pub free_bytes: u64,
}

/// The machine.
pub trait Host: Send + Sync {
    /// Room on the disk of `path`.
    fn space(&self, path: &Path) -> Result<Space, Fault>;
    /// A sentence for each swap area that may write memory to a disk in clear.
    fn swap_warnings(&self) -> Vec<String>;
    /// The machine's name, if it has one.
    fn hostname(&self) -> Option<String>;
}
