//! Cookies: the session's, and the one that binds a browser to its way to a provider.

use axum::http::{HeaderMap, HeaderValue, header};
use base::Secret;

/// `__Host-`: over TLS only, for this host only, whole site (RFC 6265bis, 4.1.3.2).
pub(super) const SESSION: &str = "__Host-pgkeep";
/// Comes back with a navigation from the provider, so it cannot be strict.
pub(super) const WAY: &str = "__Host-pgkeep-oidc";

/// No cookie of ours is longer.
const VALUE_MAX: usize = 128;

/// The value of a cookie. One that came twice is none: somebody else set one of them.
pub(super) fn find<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let lines = headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
    let mut found = lines.flat_map(|line| line.split(';')).filter_map(|pair| {
        let (key, value) = pair.trim().split_once('=')?;
        (key == name).then_some(value)
    });
    let value = found.next().filter(|value| !value.is_empty() && value.len() <= VALUE_MAX);
    if found.next().is_some() { None } else { value }
}

/// The header that sets the session's cookie. It lives as long as the browser; the session ends
/// here.
pub(super) fn session(value: &Secret<String>) -> HeaderValue {
    set(SESSION, value.expose(), "Strict", None)
}

/// The header that takes the session's cookie away.
pub(super) fn no_session() -> HeaderValue {
    set(SESSION, "", "Strict", Some(0))
}

/// The header that sets the cookie of a way to a provider.
pub(super) fn way(value: &Secret<String>) -> HeaderValue {
    set(WAY, value.expose(), "Lax", Some(600))
}

/// The header that takes it away.
pub(super) fn no_way() -> HeaderValue {
    set(WAY, "", "Lax", Some(0))
}

fn set(name: &str, value: &str, same_site: &str, seconds: Option<u32>) -> HeaderValue {
    let age = seconds.map(|seconds| format!("; Max-Age={seconds}")).unwrap_or_default();
    let line = format!("{name}={value}; Path=/; Secure; HttpOnly; SameSite={same_site}{age}");
    let mut line =
        HeaderValue::try_from(line).expect("because names and values are base64 and words");
    line.set_sensitive(true);
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(lines: &[&str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(header::COOKIE, line.parse().unwrap());
        }
        headers
    }

    #[test]
    fn one_cookie_of_a_name_counts() {
        let both = headers(&["a=b; __Host-pgkeep=x; __Host-pgkeep-oidc=y"]);
        assert_eq!((find(&both, SESSION), find(&both, WAY)), (Some("x"), Some("y")));
        for bad in [
            &["__Host-pgkeep=x; __Host-pgkeep=y"][..],
            &["__Host-pgkeep=x", "__Host-pgkeep=x"],
            &["__Host-pgkeep="],
            &["__host-pgkeep=x"],
            &["pgkeep=x"],
            &[],
        ] {
            assert_eq!(find(&headers(bad), SESSION), None, "{bad:?}");
        }
    }

    #[test]
    fn a_session_is_for_this_site_alone() {
        let line = session(&Secret::new("abc".to_owned()));
        let expected = "__Host-pgkeep=abc; Path=/; Secure; HttpOnly; SameSite=Strict";
        assert_eq!(line.to_str().unwrap(), expected);
        assert!(line.is_sensitive());
    }
}
