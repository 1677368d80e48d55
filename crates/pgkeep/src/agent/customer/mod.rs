//! Keys that owners of servers hold, as the agent reaches them.
//!
//! The address says which kind of vault it is: a key vault of this installation (its host ends in
//! `.vault.localhost`), another Azure Key Vault, or a PKCS #11 token. Crate `keys` speaks to all of
//! them; crate `server` decides what follows from their answers.

mod failure;
mod identity;
mod key;
mod push;

use std::sync::Arc;
use std::time::Duration;

use keys::azure::{AzureKeyUri, AzureKeyVault, AzureOptions, Identity, SocketIdentity};
use keys::pkcs11::Pkcs11Key;
use keys::{KeyProvider, KeyUri, Trust, WireOptions};
use server::{CustomerKeys, KeyCause, KeyFailure, KeyReference};
use tokio::sync::Semaphore;

use crate::home::Home;
use identity::Directory;
use key::ProviderKey;
use push::Pushes;

/// Host names of this installation's key vaults end so.
const OWN_VAULTS: &str = ".vault.localhost";
/// The certificate of the internal authority is read up to here; a real one has 1 KiB.
const MAX_CA_BYTES: u64 = 64 * 1024;
/// Longest wait for a TCP connection to a vault.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// One call of a provider with all requests that it takes; below the shortest usual patience of
/// the watch, so that what is reported is the vault's failure and not ours.
const CALL_DEADLINE: Duration = Duration::from_secs(4);
/// So many providers are set up side by side: each holds a thread, and a library may hang.
const SETUPS_MAX: usize = 4;

/// Finds the keys of owners.
#[derive(Debug)]
pub(super) struct OwnersKeys {
    home: Home,
    directory: Directory,
    pushes: Pushes,
    setups: Arc<Semaphore>,
}

impl OwnersKeys {
    pub(super) fn new(home: &Home) -> Self {
        Self {
            home: home.clone(),
            directory: Directory::new(home.socket("vault")),
            pushes: Pushes::new(home.socket("vault")),
            setups: Arc::new(Semaphore::new(SETUPS_MAX)),
        }
    }

    /// Makes a provider on a thread for it: certificates are read and libraries loaded.
    async fn set_up(
        &self,
        make: impl FnOnce() -> Result<Box<dyn KeyProvider>, KeyFailure> + Send + 'static,
    ) -> Result<Box<dyn KeyProvider>, KeyFailure> {
        let setup = Arc::clone(&self.setups).try_acquire_owned().map_err(|_| {
            KeyFailure::new(KeyCause::Timeout, "earlier attempts to reach it still hang")
        })?;
        let work = move || {
            let made = make();
            drop(setup);
            made
        };
        tokio::task::spawn_blocking(work).await.unwrap_or_else(|_| {
            Err(KeyFailure::new(KeyCause::BadAnswer, "the key provider broke down"))
        })
    }

    /// A key of one of this installation's own vaults.
    async fn own(&self, uri: AzureKeyUri, identity: &str) -> Result<ProviderKey, KeyFailure> {
        let known = self.directory.find(identity).await?;
        let pinned = uri.version().map(str::to_owned);
        let (ca, socket) = (self.home.ca(), self.home.socket("identity"));
        let client_id = known.client_id;
        let provider = self.set_up(move || {
            let wire = wire(Trust::Only(read_ca(&ca)?));
            let made = SocketIdentity::new(socket, client_id, &wire).and_then(|identity| {
                let options = AzureOptions { wire, ..AzureOptions::default() };
                AzureKeyVault::new(uri, Identity::Socket(identity), options)
            });
            made.map(|key| Box::new(key) as Box<dyn KeyProvider>).map_err(failure::of_key)
        });
        Ok(ProviderKey::new(provider.await?, pinned, Some(known.object_id)))
    }

    /// A key of Microsoft's Azure Key Vault, or of whatever speaks like it.
    async fn azure(&self, uri: AzureKeyUri, identity: &str) -> Result<ProviderKey, KeyFailure> {
        let client_id = identity::of_azure(identity)?;
        let pinned = uri.version().map(str::to_owned);
        let provider = self.set_up(move || {
            let options = AzureOptions {
                wire: wire(Trust::System),
                sign_in: wire(Trust::System),
                ..AzureOptions::default()
            };
            AzureKeyVault::new(uri, Identity::Managed { client_id }, options)
                .map(|key| Box::new(key) as Box<dyn KeyProvider>)
                .map_err(failure::of_key)
        });
        Ok(ProviderKey::new(provider.await?, pinned, None))
    }
}

impl CustomerKeys for OwnersKeys {
    type Key = ProviderKey;

    async fn open(&self, reference: &KeyReference) -> Result<ProviderKey, KeyFailure> {
        let uri: KeyUri = reference.key_uri.parse().map_err(failure::of_key)?;
        match uri {
            KeyUri::Azure(uri) if is_own(&uri) => self.own(uri, &reference.identity).await,
            KeyUri::Azure(uri) => self.azure(uri, &reference.identity).await,
            KeyUri::Pkcs11(uri) => {
                let pinned = uri.version().map(str::to_owned);
                let provider = self.set_up(move || {
                    Pkcs11Key::new(uri)
                        .map(|key| Box::new(key.with_deadline(CALL_DEADLINE)) as _)
                        .map_err(failure::of_key)
                });
                Ok(ProviderKey::new(provider.await?, pinned, None))
            }
            other => {
                let kind = failure::word(&other.provider());
                let message = format!("servers do not use keys of {kind} yet");
                Err(KeyFailure::new(KeyCause::NotFound, message))
            }
        }
    }

    async fn pushed(&self, reference: &KeyReference) {
        let own = matches!(
            reference.key_uri.parse(),
            Ok(KeyUri::Azure(uri)) if is_own(&uri)
        );
        match own {
            true => self.pushes.next().await,
            // Vaults of others tell nobody.
            false => std::future::pending().await,
        }
    }
}

/// Whether the key lies in a vault of this installation.
fn is_own(uri: &AzureKeyUri) -> bool {
    let host = uri.vault().host_str().unwrap_or_default();
    host.strip_suffix('.').unwrap_or(host).ends_with(OWN_VAULTS)
}

fn wire(trust: Trust) -> WireOptions {
    WireOptions { trust, connect_timeout: CONNECT_TIMEOUT, deadline: CALL_DEADLINE }
}

/// Reads the authority's certificate. That it cannot be read says nothing about the key.
fn read_ca(path: &std::path::Path) -> Result<Vec<u8>, KeyFailure> {
    use std::io::Read as _;
    let mut pem = Vec::new();
    std::fs::File::open(path)
        .and_then(|file| file.take(MAX_CA_BYTES).read_to_end(&mut pem))
        .map(|_| pem)
        .map_err(|e| {
            let message = format!("the certificate {} cannot be read: {e}", path.display());
            KeyFailure::new(KeyCause::Tls, message)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_own_text(text: &str) -> bool {
        matches!(text.parse(), Ok(KeyUri::Azure(uri)) if is_own(&uri))
    }

    #[test]
    fn knows_the_vaults_of_this_installation() {
        assert!(is_own_text("https://hr.vault.localhost:8443/keys/tde"));
        assert!(is_own_text("https://HR.Vault.LocalHost/keys/tde/0123456789abcdef"));
        assert!(!is_own_text("https://hr.vault.azure.net/keys/tde"));
        assert!(!is_own_text("https://vault.localhost/keys/tde"), "that is no vault");
        assert!(!is_own_text("https://hr.vault.localhost.example/keys/tde"));
        assert!(!is_own_text("pkcs11:token=a;object=b?module-path=/m.so"));
    }

    #[tokio::test]
    async fn an_address_or_identity_that_is_none_denies() {
        let home = tempfile::tempdir().unwrap();
        let keys = OwnersKeys::new(&Home::resolve(Some(home.path())).unwrap());
        let open = async |key_uri: &str, identity: &str| {
            let (key_uri, identity) = (key_uri.to_owned(), identity.to_owned());
            keys.open(&KeyReference { key_uri, identity }).await.map(drop).unwrap_err()
        };
        let failure = open("http://hr.vault.localhost/keys/tde", "app").await;
        assert_eq!(failure.cause, KeyCause::NotFound, "{failure:?}");
        let failure = open("https://hr.vault.azure.net/keys/tde", "no uuid").await;
        assert_eq!(failure.cause, KeyCause::IdentityUnknown, "{failure:?}");
        let failure = open("pkcs11:token=a;object=b?module-path=/nowhere.so", "x").await;
        assert!(failure.cause.is_denial(), "{failure:?}");
        // The vault of this home does not run: nothing is known.
        let failure = open("https://hr.vault.localhost/keys/tde", "app").await;
        assert_eq!(failure.cause, KeyCause::Unreachable, "{failure:?}");
    }
}
