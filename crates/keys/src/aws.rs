//! A key of AWS KMS through Amazon's SDK, over the HTTPS client of this crate.
//!
//! The address is a key's ARN, which pins that key, or an alias' ARN, which follows the alias to
//! the key it points at: the version is the key's id. (KMS also renews the material below a key
//! id; that rotation is invisible by design and needs no re-wrap.) Credentials come from a file in
//! AWS's shared format that is read at each call; roles of machines and containers are not read.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use async_trait::async_trait;
use aws_sdk_kms::Client;
use aws_sdk_kms::config::retry::RetryConfig;
use aws_sdk_kms::config::{
    BehaviorVersion, Config, Credentials, IdentityCache, Region, StalledStreamProtectionConfig,
};
use aws_sdk_kms::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_kms::primitives::{Blob, DateTime};
use aws_sdk_kms::types::{EncryptionAlgorithmSpec, KeyMetadata, KeyState as AwsState};
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use base::Secret;
use jiff::Timestamp;

use crate::provider::{check_key_length, checked_plain};
use crate::uri::MAX_URI_BYTES;
use crate::wire::{self, Chain, within};
use crate::{
    Algorithm, Cause, KeyDescription, KeyError, KeyProvider, KeyState, Outage, ProviderKind,
    WireOptions, Wrapped, secret_file, text,
};

/// Bound to every wrapped key, so that nothing else of the account passes for one.
const CONTEXT: (&str, &str) = ("purpose", "pgkeep data key");

/// `arn:aws:kms:REGION:ACCOUNT:key/ID` or `…:alias/NAME`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AwsKeyUri {
    partition: String,
    region: String,
    account: String,
    name: Name,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Name {
    Key(String),
    Alias(String),
}

impl AwsKeyUri {
    /// The pinned version: the id of the key, none for an alias.
    pub fn version(&self) -> Option<&str> {
        match &self.name {
            Name::Key(id) => Some(id),
            Name::Alias(_) => None,
        }
    }

    fn name(&self) -> &str {
        match &self.name {
            Name::Key(name) | Name::Alias(name) => name,
        }
    }

    /// The ARN of a key in the same account and region.
    fn arn_of(&self, id: &str) -> String {
        let Self { partition, region, account, .. } = self;
        format!("arn:{partition}:kms:{region}:{account}:key/{id}")
    }
}

/// Letters, digits and hyphens: ids, regions.
fn is_id(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

impl FromStr for AwsKeyUri {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let wrong = || {
            KeyError::configuration(
                "the address is not arn:aws:kms:REGION:ACCOUNT:key/ID or …:alias/NAME",
            )
        };
        let parts: Vec<&str> = text.splitn(6, ':').collect();
        let ["arn", partition, "kms", region, account, name] = parts[..] else {
            return Err(wrong());
        };
        let name = match name.split_once('/').ok_or_else(wrong)? {
            ("key", id) if is_id(id) => Name::Key(id.to_owned()),
            ("alias", alias) if is_alias(alias) => Name::Alias(alias.to_owned()),
            _ => return Err(wrong()),
        };
        let is_account = account.len() == 12 && account.bytes().all(|b| b.is_ascii_digit());
        if text.len() > MAX_URI_BYTES || !is_account || !is_id(partition) || !is_id(region) {
            return Err(wrong());
        }
        let [partition, region, account] = [partition, region, account].map(str::to_owned);
        Ok(Self { partition, region, account, name })
    }
}

fn is_alias(alias: &str) -> bool {
    (1..=250).contains(&alias.len())
        && alias.bytes().all(|b| b.is_ascii_alphanumeric() || b"/_-".contains(&b))
}

impl fmt::Display for AwsKeyUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Name::Key(id) => f.write_str(&self.arn_of(id)),
            Name::Alias(alias) => {
                let Self { partition, region, account, .. } = self;
                write!(f, "arn:{partition}:kms:{region}:{account}:alias/{alias}")
            }
        }
    }
}

/// How KMS is asked.
#[derive(Clone, Debug)]
pub struct AwsOptions {
    /// File in the format of `~/.aws/credentials`.
    pub credentials_file: PathBuf,
    /// The profile in it.
    pub profile: String,
    /// Another endpoint than the region's public one, by https.
    pub endpoint: Option<String>,
    /// The way to the service.
    pub wire: WireOptions,
}

/// A symmetric key of AWS KMS.
#[derive(Debug)]
pub struct AwsKey {
    uri: AwsKeyUri,
    options: AwsOptions,
    connector: Connector,
}

impl AwsKey {
    /// The key at `uri`. Asks nothing yet.
    pub fn new(uri: AwsKeyUri, options: AwsOptions) -> Result<Self, KeyError> {
        if options.endpoint.as_deref().is_some_and(|url| !url.starts_with("https://")) {
            return Err(KeyError::configuration("AWS KMS is reached by https only"));
        }
        let connector = Connector(wire::client(&options.wire)?);
        Ok(Self { uri, options, connector })
    }

    /// A client with the credentials that the file holds now.
    fn open(&self) -> Result<Client, KeyError> {
        let file = secret_file::read(&self.options.credentials_file, "AWS credentials")?;
        let credentials = credentials(file.expose(), &self.options.profile)?;
        let connector = SharedHttpConnector::new(self.connector.clone());
        let mut config = Config::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .region(Region::new(self.uri.region.clone()))
            .credentials_provider(credentials)
            .identity_cache(IdentityCache::no_cache())
            .retry_config(RetryConfig::disabled())
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
            .http_client(http_client_fn(move |_, _| connector.clone()));
        config.set_endpoint_url(self.options.endpoint.clone());
        Ok(Client::from_conf(config.build()))
    }

    async fn describe_key(&self, arn: String) -> Result<KeyState, KeyError> {
        within(self.options.wire.deadline, async {
            let asked = self.open()?.describe_key().key_id(arn).send().await;
            let answer = asked.map_err(|error| classify(&error))?;
            let data = answer.key_metadata.ok_or_else(|| KeyError::odd("no key in the answer"))?;
            if data.key_state == Some(AwsState::Unavailable) {
                let words = "the key store behind the key is not connected";
                return Err(KeyError::unreachable(Outage::ServerFailure, words));
            }
            self.read_state(&data)
        })
        .await
    }

    fn read_state(&self, data: &KeyMetadata) -> Result<KeyState, KeyError> {
        let (kid, version) = self.read_kid(data.arn.as_deref())?;
        let is_going = matches!(
            data.key_state,
            Some(AwsState::PendingDeletion | AwsState::PendingReplicaDeletion)
        );
        Ok(KeyState {
            kid,
            version,
            enabled: data.enabled && data.key_state == Some(AwsState::Enabled),
            not_before: None,
            expires: moment(data.valid_to),
            created: moment(data.creation_date),
            updated: None,
            recoverable: is_going.then_some(true),
        })
    }

    /// The ARN of an answer and its key's id; another account's or region's is no answer.
    fn read_kid(&self, arn: Option<&str>) -> Result<(String, String), KeyError> {
        let odd = || KeyError::odd("AWS KMS answered for another key");
        let arn = arn.ok_or_else(odd)?;
        let named: AwsKeyUri = arn.parse().map_err(|_| odd())?;
        let version = named.version().ok_or_else(odd)?.to_owned();
        let same = named.account == self.uri.account && named.region == self.uri.region;
        if !same || self.uri.version().is_some_and(|pinned| pinned != version) {
            return Err(odd());
        }
        Ok((arn.to_owned(), version))
    }
}

#[async_trait]
impl KeyProvider for AwsKey {
    fn describe(&self) -> KeyDescription {
        KeyDescription {
            provider: ProviderKind::AwsKms,
            vault: format!("AWS KMS {} {}", self.uri.region, self.uri.account),
            key: self.uri.name().to_owned(),
            version: self.uri.version().map(str::to_owned),
            identity: format!("AWS profile {}", self.options.profile),
        }
    }

    async fn newest(&self) -> Result<KeyState, KeyError> {
        self.describe_key(self.uri.to_string()).await
    }

    async fn state(&self, version: &str) -> Result<KeyState, KeyError> {
        if !is_id(version) {
            return Err(KeyError::configuration(format!("\"{version}\" is no key id")));
        }
        self.describe_key(self.uri.arn_of(version)).await
    }

    async fn wrap(&self, key: &Secret<Vec<u8>>) -> Result<Wrapped, KeyError> {
        check_key_length(key)?;
        within(self.options.wire.deadline, async {
            let asked = self
                .open()?
                .encrypt()
                .key_id(self.uri.to_string())
                .plaintext(Blob::new(key.expose().clone()))
                .encryption_algorithm(EncryptionAlgorithmSpec::SymmetricDefault)
                .encryption_context(CONTEXT.0, CONTEXT.1)
                .send()
                .await;
            let answer = asked.map_err(|error| classify(&error))?;
            let (kid, version) = self.read_kid(answer.key_id.as_deref())?;
            let value = answer.ciphertext_blob.map(Blob::into_inner).unwrap_or_default();
            let wrapped = Wrapped {
                provider: ProviderKind::AwsKms,
                kid,
                version,
                algorithm: Algorithm::AwsSymmetric,
                value,
            };
            wrapped
                .must_be_from(ProviderKind::AwsKms)
                .map_err(|_| KeyError::odd("AWS KMS wrapped nothing"))?;
            Ok(wrapped)
        })
        .await
    }

    async fn unwrap(&self, wrapped: &Wrapped) -> Result<Secret<Vec<u8>>, KeyError> {
        wrapped.must_be_from(ProviderKind::AwsKms)?;
        let named = self.read_kid(Some(&wrapped.kid)).map(|(_, version)| version);
        if named.as_ref() != Ok(&wrapped.version) || wrapped.algorithm != Algorithm::AwsSymmetric {
            return Err(KeyError::broken("another key wrapped it"));
        }
        within(self.options.wire.deadline, async {
            let asked = self
                .open()?
                .decrypt()
                .key_id(&wrapped.kid)
                .ciphertext_blob(Blob::new(wrapped.value.clone()))
                .encryption_algorithm(EncryptionAlgorithmSpec::SymmetricDefault)
                .encryption_context(CONTEXT.0, CONTEXT.1)
                .send()
                .await;
            let answer = asked.map_err(|error| classify(&error))?;
            let plain = answer.plaintext.map(Blob::into_inner).unwrap_or_default();
            checked_plain(Secret::new(plain))
        })
        .await
    }
}

fn moment(time: Option<DateTime>) -> Option<Timestamp> {
    time.and_then(|time| Timestamp::from_second(time.secs()).ok())
}

/// Reads one profile of AWS's shared credentials file.
fn credentials(file: &str, profile: &str) -> Result<Credentials, KeyError> {
    let mut is_here = false;
    let (mut id, mut secret, mut token) = (None, None, None);
    for line in file.lines().map(str::trim) {
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            is_here = name.trim() == profile;
        } else if let Some((name, value)) = line.split_once('=').filter(|_| is_here) {
            let value = value.trim();
            match name.trim() {
                "aws_access_key_id" => id = Some(value),
                "aws_secret_access_key" => secret = Some(value),
                "aws_session_token" => token = Some(value.to_owned()),
                _ => {}
            }
        }
    }
    match (id, secret) {
        (Some(id), Some(secret)) => Ok(Credentials::new(id, secret, token, None, "file")),
        _ => Err(KeyError::configuration(format!(
            "the AWS credentials have no access key for the profile \"{profile}\""
        ))),
    }
}

/// What a failed call means.
fn classify<E>(error: &SdkError<E, HttpResponse>) -> KeyError
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    let known = Chain(Some(error)).find_map(|cause| cause.downcast_ref::<KeyError>());
    if let Some(known) = known {
        return known.clone();
    }
    let status = error.raw_response().map(|response| response.status().as_u16());
    let code = error.code().map(text::clip);
    let message = error.message().map_or_else(|| error.to_string(), text::clip);
    let by_code = code.as_deref().unwrap_or_default();
    let says = |word: &str| message.to_ascii_lowercase().contains(word);
    let denied =
        |cause| KeyError::Denied { cause, status, code: code.clone(), message: message.clone() };
    let outage = |outage| KeyError::Unreachable { outage, status, message: message.clone() };
    match by_code {
        "NotFoundException" => denied(Cause::NotFound),
        "DisabledException" => denied(Cause::Disabled),
        "KMSInvalidStateException" if says("pending deletion") => denied(Cause::NotFound),
        "KMSInvalidStateException" if says("unavailable") => outage(Outage::ServerFailure),
        "KMSInvalidStateException" => denied(Cause::Disabled),
        "AccessDeniedException" => denied(Cause::Forbidden),
        "UnrecognizedClientException"
        | "InvalidClientTokenId"
        | "InvalidSignatureException"
        | "SignatureDoesNotMatch"
        | "ExpiredTokenException"
        | "IncompleteSignature"
        | "MissingAuthenticationToken" => denied(Cause::IdentityUnknown),
        "InvalidCiphertextException" | "IncorrectKeyException" => KeyError::broken(&message),
        "InvalidKeyUsageException" | "InvalidArnException" | "ValidationException" => {
            KeyError::configuration(&message)
        }
        "ThrottlingException" | "LimitExceededException" => outage(Outage::Throttled),
        _ => match status {
            Some(429) => outage(Outage::Throttled),
            Some(500..=599) => outage(Outage::ServerFailure),
            Some(403) if code.is_some() => denied(Cause::Forbidden),
            _ => outage(Outage::NotAVault),
        },
    }
}

/// The SDK's way to the network: our client.
#[derive(Clone, Debug)]
struct Connector(reqwest::Client);

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let client = self.0.clone();
        HttpConnectorFuture::new(async move {
            send(client, request).await.map_err(|error| ConnectorError::io(error.into()))
        })
    }
}

async fn send(client: reqwest::Client, request: HttpRequest) -> Result<HttpResponse, KeyError> {
    let method = reqwest::Method::from_bytes(request.method().as_bytes())
        .map_err(|_| KeyError::configuration("an unknown HTTP method"))?;
    let mut outgoing = client.request(method, request.uri());
    for (name, value) in request.headers() {
        outgoing = outgoing.header(name, value);
    }
    let body = request.body().bytes().map(<[u8]>::to_vec).unwrap_or_default();
    let answer = outgoing.body(body).send().await.map_err(|error| wire::outage(&error))?;
    let status = answer.status().as_u16();
    let headers = answer.headers().clone();
    let body = wire::body(answer).await.map_err(|error| wire::outage(&error))?;
    let status = status.try_into().map_err(|_| KeyError::odd("an impossible HTTP status"))?;
    let mut response = HttpResponse::new(status, SdkBody::from(body));
    for (name, value) in &headers {
        if let Ok(value) = value.to_str() {
            response.headers_mut().insert(name.as_str().to_owned(), value.to_owned());
        }
    }
    Ok(response)
}

#[cfg(test)]
#[path = "aws_tests.rs"]
mod tests;
