//! Paths and methods of the keys API, without regard to the case of fixed words.
//!
//! Tolerated, as real clients send it: an empty version segment (`/keys/NAME//wrapkey`,
//! `/keys/NAME/`), a trailing slash, percent-encoded segments.

use hyper::Method;
use percent_encoding::percent_decode_str;
use vault::keyvault::model::Refusal;

use super::refuse;

/// The longest path, in bytes.
const MAX_PATH_BYTES: usize = 2048;
/// The most segments of a path that are looked at.
const MAX_SEGMENTS: usize = 6;
/// The longest key name.
const MAX_NAME_LEN: usize = 127;
/// Hex digits of a version.
const VERSION_LEN: usize = 32;

/// What a request asks for, before its body is looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Route {
    List,
    Create(String),
    Import(String),
    Get(String, Option<String>),
    ListVersions(String),
    Update(String, Option<String>),
    Delete(String),
    Backup(String),
    Restore,
    Rotate(String),
    PolicyGet(String),
    PolicySet(String),
    Crypto(Crypto, String, Option<String>),
    Random,
    ListDeleted,
    GetDeleted(String),
    Purge(String),
    Recover(String),
    /// An operation of the API that a vault of software keys does not offer.
    NotOffered(&'static str),
}

/// The operations that use a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Crypto {
    Encrypt,
    Decrypt,
    Wrap,
    Unwrap,
    Sign,
    Verify,
}

/// Why there is no route, and for 405 which methods there are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Miss {
    pub(crate) refusal: Refusal,
    pub(crate) allow: Option<&'static str>,
}

impl From<Refusal> for Miss {
    fn from(refusal: Refusal) -> Self {
        Self { refusal, allow: None }
    }
}

/// Whether this is a restore, whose body may be larger than others.
pub(crate) fn is_restore(method: &Method, path: &str) -> bool {
    matches!(route(method, path), Ok(Route::Restore))
}

/// Finds the operation of a method and a path.
pub(crate) fn route(method: &Method, path: &str) -> Result<Route, Miss> {
    let segments = segments(path)?;
    let words: Vec<&str> = segments.iter().map(String::as_str).collect();
    let (first, rest) = words.split_first().ok_or_else(refuse::no_route)?;
    match first.to_ascii_lowercase().as_str() {
        "keys" => keys(method, rest),
        "deletedkeys" => deleted(method, rest),
        "rng" if rest.is_empty() => match *method {
            Method::POST => Ok(Route::Random),
            _ => Err(not_allowed(method, "POST")),
        },
        _ => Err(refuse::no_route().into()),
    }
}

fn keys(method: &Method, rest: &[&str]) -> Result<Route, Miss> {
    match rest {
        [] => match *method {
            Method::GET => Ok(Route::List),
            _ => Err(not_allowed(method, "GET")),
        },
        [restore] if *method == Method::POST && restore.eq_ignore_ascii_case("restore") => {
            Ok(Route::Restore)
        }
        [key] => of_key(method, name(key)?).map_err(|mut miss| {
            if key.eq_ignore_ascii_case("restore") && miss.allow.is_some() {
                miss.allow = Some("GET, PUT, POST, PATCH, DELETE");
            }
            miss
        }),
        [key, word] => below_key(method, name(key)?, word),
        [key, version, word] => {
            let crypto = operation(word).ok_or_else(refuse::no_route)?;
            let (name, version) = (name(key)?, version_of(version)?);
            use_key(method, crypto, name, version)
        }
        _ => Err(refuse::no_route().into()),
    }
}

fn of_key(method: &Method, name: String) -> Result<Route, Miss> {
    match *method {
        Method::GET => Ok(Route::Get(name, None)),
        Method::PUT => Ok(Route::Import(name)),
        Method::PATCH => Ok(Route::Update(name, None)),
        Method::DELETE => Ok(Route::Delete(name)),
        _ => Err(not_allowed(method, "GET, PUT, PATCH, DELETE")),
    }
}

fn below_key(method: &Method, name: String, word: &str) -> Result<Route, Miss> {
    if let Some(crypto) = operation(word) {
        return use_key(method, crypto, name, None);
    }
    let (get, post, put) =
        (*method == Method::GET, *method == Method::POST, *method == Method::PUT);
    match word.to_ascii_lowercase().as_str() {
        "create" if post => Ok(Route::Create(name)),
        "backup" if post => Ok(Route::Backup(name)),
        "rotate" if post => Ok(Route::Rotate(name)),
        "create" | "backup" | "rotate" => Err(not_allowed(method, "POST")),
        "versions" if get => Ok(Route::ListVersions(name)),
        "versions" => Err(not_allowed(method, "GET")),
        "rotationpolicy" if get => Ok(Route::PolicyGet(name)),
        "rotationpolicy" if put => Ok(Route::PolicySet(name)),
        "rotationpolicy" => Err(not_allowed(method, "GET, PUT")),
        _ if post && !is_version(word) => Err(refuse::no_route().into()),
        _ if get => Ok(Route::Get(name, version_of(word)?)),
        _ if *method == Method::PATCH => Ok(Route::Update(name, version_of(word)?)),
        _ => Err(not_allowed(method, "GET, PATCH")),
    }
}

fn deleted(method: &Method, rest: &[&str]) -> Result<Route, Miss> {
    match rest {
        [] => match *method {
            Method::GET => Ok(Route::ListDeleted),
            _ => Err(not_allowed(method, "GET")),
        },
        [key] => match *method {
            Method::GET => Ok(Route::GetDeleted(name(key)?)),
            Method::DELETE => Ok(Route::Purge(name(key)?)),
            _ => Err(not_allowed(method, "GET, DELETE")),
        },
        [key, word] if word.eq_ignore_ascii_case("recover") => match *method {
            Method::POST => Ok(Route::Recover(name(key)?)),
            _ => Err(not_allowed(method, "POST")),
        },
        _ => Err(refuse::no_route().into()),
    }
}

/// What the last segment of a path that uses a key stands for.
#[derive(Clone, Copy)]
enum Use {
    Post(Crypto),
    PostNotOffered(&'static str),
    GetNotOffered(&'static str),
}

fn operation(word: &str) -> Option<Use> {
    Some(match word.to_ascii_lowercase().as_str() {
        "encrypt" => Use::Post(Crypto::Encrypt),
        "decrypt" => Use::Post(Crypto::Decrypt),
        "wrapkey" => Use::Post(Crypto::Wrap),
        "unwrapkey" => Use::Post(Crypto::Unwrap),
        "sign" => Use::Post(Crypto::Sign),
        "verify" => Use::Post(Crypto::Verify),
        "release" => Use::PostNotOffered("release"),
        "securewrapkey" => Use::PostNotOffered("secureWrapKey"),
        "secureunwrapkey" => Use::PostNotOffered("secureUnwrapKey"),
        "attestation" => Use::GetNotOffered("attestation"),
        _ => return None,
    })
}

fn use_key(
    method: &Method,
    what: Use,
    name: String,
    version: Option<String>,
) -> Result<Route, Miss> {
    match (what, method) {
        (Use::Post(crypto), &Method::POST) => Ok(Route::Crypto(crypto, name, version)),
        (Use::PostNotOffered(word), &Method::POST) => Ok(Route::NotOffered(word)),
        (Use::GetNotOffered(word), &Method::GET) => Ok(Route::NotOffered(word)),
        (Use::Post(_) | Use::PostNotOffered(_), _) => Err(not_allowed(method, "POST")),
        (Use::GetNotOffered(_), _) => Err(not_allowed(method, "GET")),
    }
}

fn segments(path: &str) -> Result<Vec<String>, Miss> {
    if path.len() > MAX_PATH_BYTES {
        return Err(refuse::long_path().into());
    }
    let path = path.strip_prefix('/').unwrap_or(path);
    let path = path.strip_suffix('/').unwrap_or(path);
    let mut segments = Vec::new();
    for segment in path.split('/') {
        if segments.len() == MAX_SEGMENTS {
            return Err(refuse::no_route().into());
        }
        let decoded = percent_decode_str(segment)
            .decode_utf8()
            .map_err(|_| refuse::bad_parameter("The path of the request is not UTF-8."))?;
        segments.push(decoded.into_owned());
    }
    Ok(segments)
}

fn name(text: &str) -> Result<String, Refusal> {
    let fits = (1..=MAX_NAME_LEN).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    match fits {
        true => Ok(text.to_owned()),
        false => Err(refuse::bad_parameter(
            "The request URI contains an invalid name: a key's name has 1 to 127 letters, digits \
             and hyphens.",
        )),
    }
}

fn version_of(text: &str) -> Result<Option<String>, Refusal> {
    match text {
        "" => Ok(None),
        text if is_version(text) => Ok(Some(text.to_ascii_lowercase())),
        _ => Err(refuse::bad_parameter(
            "The request URI contains an invalid version: a key version has 32 hex digits.",
        )),
    }
}

fn is_version(text: &str) -> bool {
    text.len() == VERSION_LEN && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn not_allowed(method: &Method, allow: &'static str) -> Miss {
    // Extension methods are text of the caller: cut, so that no message grows with them.
    let shown: String = method.as_str().chars().take(16).collect();
    Miss { refusal: refuse::no_method(&shown), allow: Some(allow) }
}

#[cfg(test)]
#[path = "route_tests.rs"]
mod tests;
