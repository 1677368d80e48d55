//! Who asks an object store, and by which way.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use object_store::aws::AmazonS3Builder;
use object_store::azure::MicrosoftAzureBuilder;
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse, HttpService,
    SpawnService,
};
use object_store::gcp::GoogleCloudStorageBuilder;
use object_store::{BackoffConfig, ClientConfigKey, ClientOptions, ObjectStore, RetryConfig};
use tokio::runtime::Handle;
use url::Url;

use super::address::{Address, Kind};
use crate::error::{Error, Result};

/// How often a request is sent again, and for how long; whoever commits tries again later.
const RETRIES: usize = 4;
const RETRY_MOST: Duration = Duration::from_secs(20);
const DEFAULT_REGION: &str = "us-east-1";

/// How an object store is reached.
#[derive(Debug)]
pub struct Access {
    /// Address of a store that speaks S3, Azure Blob or Google's protocol elsewhere; the
    /// provider's own where absent
    pub endpoint: Option<String>,
    /// Region of S3; `us-east-1` where absent
    pub region: Option<String>,
    /// Whether an endpoint may be plain HTTP; on loopback only
    pub allow_http: bool,
    /// Who asks
    pub credentials: Credentials,
    /// What requests are made with: no redirects, no proxy, and deadlines
    pub client: reqwest::Client,
}

/// Who asks an object store. Never printed.
pub enum Credentials {
    /// The identity of this machine, from the provider's metadata service
    Instance,
    /// Of S3
    AccessKey {
        /// `AWS_ACCESS_KEY_ID`
        id: String,
        /// `AWS_SECRET_ACCESS_KEY`
        secret: String,
        /// Of a session, where it is one
        token: Option<String>,
    },
    /// Of Azure: an account's key
    AccountKey {
        /// Name of the storage account
        account: Option<String>,
        /// In base64
        key: String,
    },
    /// Of Azure: a shared access signature
    Signature {
        /// Name of the storage account
        account: Option<String>,
        /// `sv=…&sig=…`
        token: String,
    },
    /// Of Azure: an application of Entra
    Application {
        /// Name of the storage account
        account: Option<String>,
        /// Id of the tenant
        tenant: String,
        /// Id of the application
        client: String,
        /// Its secret
        secret: String,
    },
    /// Of Google: the key of a service account, JSON as Google gives it
    ServiceAccount(String),
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials")
    }
}

impl Credentials {
    /// What must stand in no message.
    pub(super) fn secrets(&self) -> Vec<String> {
        let all = match self {
            Self::Instance | Self::ServiceAccount(_) => Vec::new(),
            Self::AccessKey { secret, token, .. } => {
                std::iter::once(secret).chain(token).cloned().collect()
            }
            Self::AccountKey { key, .. } => vec![key.clone()],
            Self::Signature { token, .. } => {
                let value = |pair: &str| pair.strip_prefix("sig=").map(str::to_owned);
                token.trim_start_matches('?').split('&').filter_map(value).collect()
            }
            Self::Application { secret, .. } => vec![secret.clone()],
        };
        all.into_iter().filter(|secret| !secret.is_empty()).collect()
    }

    fn account(&self) -> Option<&str> {
        match self {
            Self::AccountKey { account, .. }
            | Self::Signature { account, .. }
            | Self::Application { account, .. } => account.as_deref(),
            _ => None,
        }
    }
}

/// The store of an address. Its requests run where `io` says, whoever waits for them.
pub(super) fn store(
    address: &Address,
    access: &Access,
    io: Handle,
) -> Result<Arc<dyn ObjectStore>> {
    let endpoint = access.endpoint.as_deref().map(|text| endpoint(text, access.allow_http));
    let endpoint = endpoint.transpose()?;
    let connector = Connector { client: access.client.clone(), io };
    let is_plain = endpoint.as_deref().is_some_and(|text| text.starts_with("http:"));
    let options = ClientOptions::new().with_allow_http(is_plain);
    let wrong =
        |e: object_store::Error| Error::Place(format!("{} cannot be used: {e}", address.text));
    let other = || {
        let what = format!("the credentials for {} are those of another provider", address.text);
        Error::Place(what)
    };
    match address.kind {
        Kind::S3 => {
            let mut builder = AmazonS3Builder::new()
                .with_bucket_name(&address.bucket)
                .with_region(access.region.as_deref().unwrap_or(DEFAULT_REGION))
                .with_retry(retry())
                .with_client_options(options)
                .with_http_connector(connector);
            if let Some(endpoint) = endpoint {
                builder = builder.with_endpoint(endpoint);
            }
            builder = match &access.credentials {
                Credentials::Instance => builder,
                Credentials::AccessKey { id, secret, token } => {
                    let builder = builder.with_access_key_id(id).with_secret_access_key(secret);
                    match token {
                        Some(token) => builder.with_token(token),
                        None => builder,
                    }
                }
                _ => return Err(other()),
            };
            Ok(Arc::new(builder.build().map_err(wrong)?))
        }
        Kind::Azure => {
            let account = address.account.as_deref().or(access.credentials.account());
            let Some(account) = account else {
                let what = format!("{} does not say which account it is of", address.text);
                return Err(Error::Place(what));
            };
            let mut builder = MicrosoftAzureBuilder::new()
                .with_container_name(&address.bucket)
                .with_account(account)
                .with_retry(retry())
                .with_client_options(options)
                .with_http_connector(connector);
            if let Some(endpoint) = endpoint {
                builder = builder.with_endpoint(endpoint);
            }
            builder = match &access.credentials {
                Credentials::Instance => builder.with_credential_type("managed_identity"),
                Credentials::AccountKey { key, .. } => builder.with_access_key(key),
                Credentials::Signature { token, .. } => {
                    let key = object_store::azure::AzureConfigKey::SasKey;
                    builder.with_config(key, token.trim_start_matches('?'))
                }
                Credentials::Application { tenant, client, secret, .. } => {
                    builder.with_client_secret_authorization(client, secret, tenant)
                }
                _ => return Err(other()),
            };
            Ok(Arc::new(builder.build().map_err(wrong)?))
        }
        Kind::Google => {
            let mut builder = GoogleCloudStorageBuilder::new()
                .with_bucket_name(&address.bucket)
                .with_retry(retry())
                .with_client_options(options)
                .with_http_connector(connector);
            if let Some(endpoint) = endpoint {
                builder = builder.with_base_url(&endpoint);
            }
            builder = match &access.credentials {
                Credentials::Instance => builder,
                Credentials::ServiceAccount(json) => builder.with_service_account_key(json),
                _ => return Err(other()),
            };
            // What it says of a key that is none may quote it.
            let wrong = |_| Error::Place(format!("the key for {} is none", address.text));
            Ok(Arc::new(builder.build().map_err(wrong)?))
        }
    }
}

fn retry() -> RetryConfig {
    let backoff = BackoffConfig {
        init_backoff: Duration::from_millis(100),
        max_backoff: Duration::from_secs(4),
        base: 2.,
    };
    RetryConfig { backoff, max_retries: RETRIES, retry_timeout: RETRY_MOST }
}

/// An endpoint without a slash at its end.
pub(super) fn endpoint(text: &str, allow_http: bool) -> Result<String> {
    let wrong = |why: &str| Error::Place(format!("the endpoint is none: {why}"));
    let url = Url::parse(text).map_err(|e| wrong(&e.to_string()))?;
    let is_bare = url.query().is_none() && url.fragment().is_none();
    if !is_bare || !url.username().is_empty() || url.password().is_some() {
        return Err(wrong("it says more than where"));
    }
    let is_loopback = match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
        Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    };
    match url.scheme() {
        "https" if url.has_host() => {}
        "http" if allow_http && is_loopback => {}
        "http" if allow_http => return Err(wrong("plain HTTP is for loopback only")),
        "http" => return Err(wrong("it is plain HTTP, which allow_http would have to permit")),
        _ => return Err(wrong("it is no https address")),
    }
    Ok(text.trim_end_matches('/').to_owned())
}

/// Makes requests with a client that the caller has set up, on threads of the store's own.
#[derive(Debug)]
struct Connector {
    client: reqwest::Client,
    io: Handle,
}

impl HttpConnector for Connector {
    fn connect(&self, options: &ClientOptions) -> object_store::Result<HttpClient> {
        let plain = options.get_config_value(&ClientConfigKey::AllowHttp);
        let allow_http = plain.is_some_and(|value| value == "true");
        let checked = Checked { client: self.client.clone(), allow_http };
        Ok(HttpClient::new(SpawnService::new(checked, self.io.clone())))
    }
}

/// Requests that are encrypted, where they have to be.
#[derive(Debug, Clone)]
struct Checked {
    client: reqwest::Client,
    allow_http: bool,
}

#[derive(Debug, thiserror::Error)]
#[error("a request over plain HTTP was refused")]
struct Plain;

#[async_trait]
impl HttpService for Checked {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        if !self.allow_http && request.uri().scheme_str() != Some("https") {
            return Err(HttpError::new(HttpErrorKind::Unknown, Plain));
        }
        HttpService::call(&self.client, request).await
    }
}
