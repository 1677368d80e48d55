//! As whom an Azure Key Vault is asked. A new credential for each call: the SDK's own keep
//! tokens for hours, and an old token hides that the identity is gone.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use async_trait::async_trait;
use azure_core::cloud::{CloudConfiguration, CustomConfiguration};
use azure_core::credentials::{
    AccessToken, Secret as AzureSecret, TokenCredential, TokenRequestOptions,
};
use azure_core::http::{ClientOptions, RetryOptions, Transport};
use azure_identity::{
    ClientAssertionCredentialOptions, ClientSecretCredential, ClientSecretCredentialOptions,
    ManagedIdentityCredential, ManagedIdentityCredentialOptions, UserAssignedId,
    WorkloadIdentityCredential, WorkloadIdentityCredentialOptions,
};
use parking_lot::Mutex;

use super::socket::SocketIdentity;
use super::{classify, transport::LimitedClient};
use crate::{KeyError, WireOptions, secret_file, wire};

/// Where Azure's public cloud signs identities in.
const PUBLIC_CLOUD: &str = "https://login.microsoftonline.com";

/// As whom the vault is asked.
#[derive(Clone)]
#[non_exhaustive]
pub enum Identity {
    /// A managed identity of pgkeep's own vault, proved by a unix socket's peer credentials.
    Socket(SocketIdentity),
    /// A managed identity of Azure: App Service where its variables are set, otherwise IMDS.
    ///
    /// Azure's endpoint keeps tokens itself, so a deleted identity shows only in its next token;
    /// a removed role shows at once.
    Managed {
        /// Client id of a user-assigned identity; none is the system-assigned one.
        client_id: Option<String>,
    },
    /// Workload identity federation: a token file that somebody else keeps fresh.
    Workload {
        /// Tenant (directory).
        tenant_id: String,
        /// Client (application).
        client_id: String,
        /// The file with the federated token.
        token_file: PathBuf,
        /// Where to sign in; none is Azure's public cloud.
        authority: Option<String>,
    },
    /// An application with a secret that lies in a file.
    ClientSecret {
        /// Tenant (directory).
        tenant_id: String,
        /// Client (application).
        client_id: String,
        /// The file with the secret, read at each use.
        secret_file: PathBuf,
        /// Where to sign in; none is Azure's public cloud.
        authority: Option<String>,
    },
    /// Any other credential. It must not keep tokens, or a deleted identity stays unnoticed.
    Given(Arc<dyn TokenCredential>),
}

impl Identity {
    /// Who it is, for a person.
    pub(super) fn describe(&self) -> String {
        match self {
            Self::Socket(identity) => format!("managed identity {}", identity.client_id()),
            Self::Managed { client_id: Some(id) } => format!("Azure managed identity {id}"),
            Self::Managed { client_id: None } => "Azure system-assigned identity".to_owned(),
            Self::Workload { client_id, .. } => format!("workload identity {client_id}"),
            Self::ClientSecret { client_id, .. } => format!("application {client_id}"),
            Self::Given(_) => "credential of the caller".to_owned(),
        }
    }

    /// A credential that has no token yet.
    pub(super) fn credential(
        &self,
        client: &reqwest::Client,
    ) -> Result<Arc<dyn TokenCredential>, KeyError> {
        let refused = |error: azure_core::Error| {
            KeyError::configuration(format!("the identity cannot be used: {error}"))
        };
        Ok(match self {
            Self::Socket(identity) => Arc::new(identity.clone()),
            Self::Given(credential) => Arc::clone(credential),
            Self::Managed { client_id } => {
                ManagedIdentityCredential::new(Some(ManagedIdentityCredentialOptions {
                    user_assigned_id: client_id.clone().map(UserAssignedId::ClientId),
                    client_options: options(client, None),
                }))
                .map_err(refused)?
            }
            Self::Workload { tenant_id, client_id, token_file, authority } => {
                WorkloadIdentityCredential::new(Some(WorkloadIdentityCredentialOptions {
                    credential_options: ClientAssertionCredentialOptions {
                        client_options: options(client, authority.as_deref()),
                    },
                    client_id: Some(client_id.clone()),
                    tenant_id: Some(tenant_id.clone()),
                    token_file_path: Some(token_file.clone()),
                }))
                .map_err(refused)?
            }
            Self::ClientSecret { tenant_id, client_id, secret_file, authority } => {
                let secret = secret_file::read(secret_file, "client secret")?;
                ClientSecretCredential::new(
                    tenant_id,
                    client_id.clone(),
                    AzureSecret::new(secret.expose().clone()),
                    Some(ClientSecretCredentialOptions {
                        client_options: options(client, authority.as_deref()),
                    }),
                )
                .map_err(refused)?
            }
        })
    }

    /// The client that reaches the sign-in service.
    pub(super) fn client(&self, wire: &WireOptions) -> Result<reqwest::Client, KeyError> {
        match self {
            // Azure's metadata services speak plain HTTP on link-local and loopback addresses.
            Self::Managed { .. } => wire::metadata_client(wire),
            _ => wire::client(wire),
        }
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Identity({})", self.describe())
    }
}

/// Options of a sign-in: our client, no retries, and the authority by value, not by environment.
fn options(client: &reqwest::Client, authority: Option<&str>) -> ClientOptions {
    let mut cloud = CustomConfiguration::default();
    cloud.authority_host = authority.unwrap_or(PUBLIC_CLOUD).to_owned();
    ClientOptions {
        retry: RetryOptions::none(),
        transport: Some(Transport::new(Arc::new(LimitedClient(client.clone())))),
        cloud: Some(Arc::new(CloudConfiguration::Custom(cloud))),
        ..ClientOptions::default()
    }
}

/// A credential that remembers what happened, for the classification of a failed call.
#[derive(Debug)]
pub(super) struct Observed {
    inner: Arc<dyn TokenCredential>,
    n_tokens: AtomicU32,
    failure: Mutex<Option<KeyError>>,
}

impl Observed {
    pub(super) fn new(inner: Arc<dyn TokenCredential>) -> Arc<Self> {
        Arc::new(Self { inner, n_tokens: AtomicU32::new(0), failure: Mutex::new(None) })
    }

    /// Why no token came, if none came.
    pub(super) fn failure(&self) -> Option<KeyError> {
        self.failure.lock().clone()
    }

    /// Whether the vault was shown a token.
    pub(super) fn had_token(&self) -> bool {
        self.n_tokens.load(Ordering::Acquire) > 0
    }
}

#[async_trait]
impl TokenCredential for Observed {
    async fn get_token(
        &self,
        scopes: &[&str],
        options: Option<TokenRequestOptions<'_>>,
    ) -> azure_core::Result<AccessToken> {
        match self.inner.get_token(scopes, options).await {
            Ok(token) => {
                self.n_tokens.fetch_add(1, Ordering::AcqRel);
                Ok(token)
            }
            Err(error) => {
                *self.failure.lock() = Some(classify::token(&error));
                Err(error)
            }
        }
    }
}
