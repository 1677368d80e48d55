//! Keys of servers.

use base::ServerName;
use serde_json::Value;

use super::{Progress, Reply};
use crate::access::Principal;
use crate::plane::model::{EncryptionEvent, EncryptionProof, EncryptionUpdate, KeyCheck};

/// Keys of servers. How a server is encrypted stands in its `data_encryption`.
pub trait Encryption: Send + Sync + 'static {
    /// Job: wraps the data key by another key, version or identity, or changes the watch; the
    /// server, with `changed`.
    fn encryption_set<'a>(
        &'a self,
        by: &'a Principal,
        name: &'a ServerName,
        update: EncryptionUpdate,
        progress: Progress,
    ) -> Reply<'a, Value>;

    /// Looks at the key now. One that is not usable is no fault.
    fn encryption_check<'a>(&'a self, name: &'a ServerName) -> Reply<'a, KeyCheck>;

    /// Job: makes a new version of the key that wraps the data key, and wraps anew; the server,
    /// with `changed`.
    fn encryption_rotate<'a>(
        &'a self,
        by: &'a Principal,
        name: &'a ServerName,
        progress: Progress,
    ) -> Reply<'a, Value>;

    /// What happened to the key (at most a few hundred entries), newest first.
    fn encryption_history<'a>(&'a self, name: &'a ServerName) -> Reply<'a, Vec<EncryptionEvent>>;

    /// Reads one unit from the disk and from the mount.
    fn encryption_proof<'a>(&'a self, name: &'a ServerName) -> Reply<'a, EncryptionProof>;
}
