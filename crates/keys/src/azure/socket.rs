//! Tokens from an identity endpoint on a unix socket: App Service's protocol, where the peer's
//! uid and unit are the proof of who asks.

use std::path::{Path, PathBuf};

use async_trait::async_trait;
use azure_core::credentials::{AccessToken, TokenCredential, TokenRequestOptions};
use azure_core::error::{Error, ErrorKind};
use azure_core::time::OffsetDateTime;
use base::Secret;
use reqwest::StatusCode;
use serde::Deserialize;

use super::classify;
use crate::{KeyError, WireOptions, wire};

/// Version of the protocol (App Service, 2019-08-01).
const API_VERSION: &str = "2019-08-01";
/// Most bytes of a token.
const MAX_TOKEN_BYTES: usize = 16 * 1024;
/// Most bytes of a client id.
const MAX_ID_BYTES: usize = 128;

/// A managed identity of pgkeep's own vault. Every token is a fresh one.
#[derive(Clone, Debug)]
pub struct SocketIdentity {
    socket: PathBuf,
    client_id: String,
    client: reqwest::Client,
}

/// Answer of the endpoint.
#[derive(Deserialize)]
struct Answer {
    access_token: String,
    expires_on: ExpiresOn,
}

/// Unix seconds: a string by the protocol, a number from some.
#[derive(Deserialize)]
#[serde(untagged)]
enum ExpiresOn {
    Text(String),
    Number(i64),
}

impl SocketIdentity {
    /// An identity by its client id, asked for at `socket`.
    pub fn new(
        socket: impl Into<PathBuf>,
        client_id: impl Into<String>,
        options: &WireOptions,
    ) -> Result<Self, KeyError> {
        let (socket, client_id) = (socket.into(), client_id.into());
        if !socket.is_absolute() {
            return Err(KeyError::configuration("the identity socket has no absolute path"));
        }
        let is_id = (1..=MAX_ID_BYTES).contains(&client_id.len())
            && client_id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
        if !is_id {
            return Err(KeyError::configuration("a client id has letters, digits and hyphens"));
        }
        let client = wire::socket_client(&socket, options)?;
        Ok(Self { socket, client_id, client })
    }

    /// Whose tokens these are.
    pub fn client_id(&self) -> &str {
        &self.client_id
    }

    /// Where they are asked for.
    pub fn socket(&self) -> &Path {
        &self.socket
    }

    async fn token(&self, resource: &str) -> Result<AccessToken, KeyError> {
        let mut url = reqwest::Url::parse("http://localhost/msi/token")
            .expect("because the address is a constant");
        url.query_pairs_mut()
            .append_pair("api-version", API_VERSION)
            .append_pair("resource", resource)
            .append_pair("client_id", &self.client_id);
        let request = self.client.get(url).header("Metadata", "true");
        let answer = request.send().await.map_err(|error| classify::identity_outage(&error))?;
        let status = answer.status();
        let body = wire::body(answer).await.map_err(|error| classify::identity_outage(&error))?;
        let body = Secret::new(body);
        if status != StatusCode::OK {
            return Err(classify::token_answer(status.as_u16(), body.expose()));
        }
        let odd = || KeyError::odd("the identity endpoint's answer is no token");
        let Answer { access_token, expires_on } =
            serde_json::from_slice(body.expose()).map_err(|_| odd())?;
        let seconds = match expires_on {
            ExpiresOn::Number(n) => n,
            ExpiresOn::Text(text) => text.parse().map_err(|_| odd())?,
        };
        let is_token = (1..=MAX_TOKEN_BYTES).contains(&access_token.len())
            && access_token.bytes().all(|b| b.is_ascii_graphic());
        let expires = OffsetDateTime::from_unix_timestamp(seconds).map_err(|_| odd())?;
        if !is_token {
            return Err(odd());
        }
        Ok(AccessToken::new(access_token, expires))
    }
}

#[async_trait]
impl TokenCredential for SocketIdentity {
    async fn get_token(
        &self,
        scopes: &[&str],
        _: Option<TokenRequestOptions<'_>>,
    ) -> azure_core::Result<AccessToken> {
        let [scope] = scopes else {
            return Err(Error::with_message(ErrorKind::Credential, "one scope is needed"));
        };
        let resource = scope.strip_suffix("/.default").unwrap_or(scope);
        self.token(resource).await.map_err(|error| Error::new(ErrorKind::Credential, error))
    }
}
