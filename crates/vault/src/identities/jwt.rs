//! Compact signed tokens: JWS (RFC 7515) with ES256 (RFC 7518, 3.4) and claims (RFC 7519).

use base::Secret;
use crypto::{SignatureAlg, VaultKey, sha256};
use serde::{Deserialize, Serialize};

use crate::keyvault::{base64url_decode, base64url_encode};

/// No token is longer.
pub(super) const TOKEN_MAX_BYTES: usize = 8 * 1024;
const HEADER_MAX_BYTES: usize = 512;

/// Claims of an identity's token; the names are those of Microsoft's tokens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Claims {
    pub(super) aud: String,
    pub(super) iss: String,
    pub(super) iat: i64,
    pub(super) nbf: i64,
    pub(super) exp: i64,
    pub(super) oid: String,
    pub(super) sub: String,
    pub(super) appid: String,
    pub(super) tid: String,
    pub(super) ver: String,
    pub(super) idtyp: String,
    pub(super) xms_mirid: String,
    /// The token's own number.
    pub(super) uti: String,
}

#[derive(Serialize, Deserialize)]
struct Header {
    alg: String,
    typ: String,
    kid: String,
}

/// Signs claims.
pub(super) fn sign(
    key: &VaultKey,
    kid: &str,
    claims: &Claims,
) -> Result<Secret<String>, crypto::Error> {
    let header = Header { alg: "ES256".into(), typ: "JWT".into(), kid: kid.to_owned() };
    let json = |value: Vec<u8>| base64url_encode(&value);
    let header = json(serde_json::to_vec(&header).expect("because a header is plain data"));
    let claims = json(serde_json::to_vec(claims).expect("because claims are plain data"));
    let mut token = Secret::new(format!("{header}.{claims}"));
    let signature = key.sign(SignatureAlg::Es256, &sha256(token.expose().as_bytes()))?;
    token.expose_mut().push('.');
    token.expose_mut().push_str(&base64url_encode(&signature));
    Ok(token)
}

/// The claims of a token whose signature fits. `key_of` finds a key by its kid. Says in a few
/// words what is wrong otherwise; times, issuer and audience are not looked at.
pub(super) fn verify(
    token: &str,
    key_of: impl FnOnce(&str) -> Option<std::sync::Arc<super::TokenKey>>,
) -> Result<Claims, &'static str> {
    if token.len() > TOKEN_MAX_BYTES {
        return Err("the token is too long");
    }
    let mut parts = token.split('.');
    let (Some(header), Some(claims), Some(signature), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err("the token does not have three parts");
    };
    if header.len() > HEADER_MAX_BYTES {
        return Err("the token's header is too long");
    }
    let bytes = base64url_decode(header).ok_or("the token's header is not base64url")?;
    let read: Header = serde_json::from_slice(&bytes).map_err(|_| "the token has no header")?;
    if read.alg != "ES256" || !read.typ.eq_ignore_ascii_case("JWT") {
        return Err("the token is not a JWT signed with ES256");
    }
    let key = key_of(&read.kid).ok_or("the token was signed by an unknown key")?;
    let signature = base64url_decode(signature).ok_or("the token's signature is not base64url")?;
    let signed = &token[..header.len() + 1 + claims.len()];
    match key.key.verify(SignatureAlg::Es256, &sha256(signed.as_bytes()), &signature) {
        Ok(true) => {}
        _ => return Err("the token's signature does not fit"),
    }
    let bytes = base64url_decode(claims).ok_or("the token's claims are not base64url")?;
    serde_json::from_slice(&bytes).map_err(|_| "the token's claims are incomplete")
}
