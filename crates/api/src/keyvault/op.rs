//! From a request to the operation that it asks for.

use hyper::header::CONTENT_TYPE;
use hyper::http::request::Parts;
use vault::keyvault::model::{Op, PageRequest, Refusal};

use super::query::Query;
use super::refuse::{self, bad_parameter};
use super::route::{Crypto, Miss, Route, route};
use super::{body, check};

/// The versions of the API that are served; the last one is named to callers of unknown ones.
pub(crate) const API_VERSIONS: &[&str] = &[
    "7.4",
    "7.5-preview.1",
    "7.5",
    "7.6-preview.1",
    "7.6-preview.2",
    "7.6",
    "2025-06-01-preview",
    "2025-07-01",
    "2026-01-01-preview",
    "2026-03-01-preview",
    "2026-04-01",
];

/// The longest skip token, in bytes.
const MAX_TOKEN_LEN: usize = 2048;
/// The most entries of a page.
const MAX_RESULTS: u32 = 25;

/// What became of the body.
#[derive(Debug)]
pub(crate) enum Body {
    Read(zeroize::Zeroizing<Vec<u8>>),
    TooLarge { limit: usize },
    TooSlow,
    Broken,
    TooMany,
}

/// What a request asks for and, for a listing, what its next page repeats.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) op: Op,
    pub(crate) max_results: Option<u32>,
}

/// Reads the operation. The order of the checks is the order in which Azure complains.
pub(crate) fn read(parts: &Parts, query: Result<Query, &str>, body: &Body) -> Result<Asked, Miss> {
    let query = query.map_err(bad_parameter)?;
    check_version(query.value("api-version"))?;
    let route = route(&parts.method, parts.uri.path())?;
    let body = match body {
        Body::Read(bytes) => bytes.as_slice(),
        Body::TooLarge { limit } => return Err(refuse::large_body(*limit).into()),
        Body::TooSlow => return Err(refuse::slow_body().into()),
        Body::Broken => return Err(bad_parameter("The request body could not be read.").into()),
        Body::TooMany => return Err(refuse::saturated().into()),
    };
    if !body.is_empty() && !is_json(parts) {
        return Err(refuse::not_json().into());
    }
    let page = page(&query)?;
    let max_results = page.max_results;
    let op = op(route, page, body)?;
    check::limits(&op)?;
    Ok(Asked { op, max_results })
}

fn op(route: Route, page: PageRequest, body: &[u8]) -> Result<Op, Refusal> {
    Ok(match route {
        Route::List => Op::List { page },
        Route::Create(name) => Op::Create { name, parameters: body::json_of_objects(body)? },
        Route::Import(name) => Op::Import { name, parameters: body::json_of_objects(body)? },
        Route::Get(name, version) => Op::Get { name, version },
        Route::ListVersions(name) => Op::ListVersions { name, page },
        Route::Update(name, version) => {
            Op::Update { name, version, parameters: body::json_of_objects(body)? }
        }
        Route::Delete(name) => Op::Delete { name },
        Route::Backup(name) => Op::Backup { name },
        Route::Restore => Op::Restore { blob: body::blob(body)? },
        Route::Rotate(name) => Op::Rotate { name },
        Route::PolicyGet(name) => Op::GetRotationPolicy { name },
        Route::PolicySet(name) => {
            Op::SetRotationPolicy { name, policy: body::json_of_objects(body)? }
        }
        Route::Crypto(crypto, name, version) => with_key(crypto, name, version, body)?,
        Route::Random => Op::Random { count: body::count(body)? },
        Route::ListDeleted => Op::ListDeleted { page },
        Route::GetDeleted(name) => Op::GetDeleted { name },
        Route::Purge(name) => Op::Purge { name },
        Route::Recover(name) => Op::Recover { name },
        Route::NotOffered(word) => return Err(refuse::not_offered(word)),
    })
}

fn with_key(
    crypto: Crypto,
    name: String,
    version: Option<String>,
    bytes: &[u8],
) -> Result<Op, Refusal> {
    if crypto == Crypto::Verify {
        return Ok(Op::Verify { name, version, parameters: body::verification(bytes)? });
    }
    let parameters = body::operation(bytes)?;
    Ok(match crypto {
        Crypto::Encrypt => Op::Encrypt { name, version, parameters },
        Crypto::Decrypt => Op::Decrypt { name, version, parameters },
        Crypto::Wrap => Op::WrapKey { name, version, parameters },
        Crypto::Unwrap => Op::UnwrapKey { name, version, parameters },
        Crypto::Sign | Crypto::Verify => Op::Sign { name, version, parameters },
    })
}

fn check_version(given: Option<&str>) -> Result<(), Refusal> {
    let Some(given) = given else {
        return Err(bad_parameter("api-version must be specified"));
    };
    if API_VERSIONS.iter().any(|known| known.eq_ignore_ascii_case(given)) {
        return Ok(());
    }
    let shown: String = given.chars().take(32).collect();
    let newest = API_VERSIONS.last().copied().unwrap_or_default();
    Err(bad_parameter(format!(
        "The specified version ({shown}) is not recognized. Consider using the latest supported \
         version ({newest})."
    )))
}

fn page(query: &Query) -> Result<PageRequest, Refusal> {
    let max_results = match query.value("maxresults").map(str::parse) {
        None => None,
        Some(Ok(n)) if (1..=MAX_RESULTS).contains(&n) => Some(n),
        Some(_) => {
            return Err(bad_parameter(format!("maxresults must be from 1 to {MAX_RESULTS}.")));
        }
    };
    let after = query.value("$skiptoken");
    if after.is_some_and(|token| token.len() > MAX_TOKEN_LEN) {
        return Err(bad_parameter("The skip token is too long."));
    }
    Ok(PageRequest { max_results, after: after.map(str::to_owned) })
}

/// JSON, or unsaid.
fn is_json(parts: &Parts) -> bool {
    let mut types = parts.headers.get_all(CONTENT_TYPE).iter();
    let (Some(first), None) = (types.next(), types.next()) else {
        return !parts.headers.contains_key(CONTENT_TYPE);
    };
    let Ok(text) = first.to_str() else { return false };
    let kind = text.split(';').next().unwrap_or_default().trim();
    let (main, sub) = kind.split_once('/').unwrap_or_default();
    main.eq_ignore_ascii_case("application")
        && (sub.eq_ignore_ascii_case("json") || sub.to_ascii_lowercase().ends_with("+json"))
}
