//! Which vault a request is for: the first label of the host name.

use hyper::header::HOST;
use hyper::http::request::Parts;

/// Where a request goes by its host name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Host {
    /// The domain of all vaults: documents about the service, no keys.
    Domain,
    /// A vault, by its name in lower case. Whether it exists is not known here.
    Vault(String),
    /// Not served here.
    Foreign,
}

/// Reads `:authority` (HTTP/2, absolute form) or `Host`; two that differ name nothing.
pub(crate) fn host(parts: &Parts, domain: &str) -> Host {
    let mut headers = parts.headers.get_all(HOST).iter();
    let (header, second) = (headers.next(), headers.next());
    let header = match (header.map(|value| value.to_str()), second) {
        (None, None) => None,
        (Some(Ok(value)), None) => Some(value),
        _ => return Host::Foreign,
    };
    let authority = parts.uri.authority().map(|authority| authority.as_str());
    match (authority, header) {
        (Some(one), Some(other)) if !one.eq_ignore_ascii_case(other) => Host::Foreign,
        (Some(name), _) | (None, Some(name)) => by_name(name, domain),
        (None, None) => Host::Foreign,
    }
}

fn by_name(host: &str, domain: &str) -> Host {
    let name = match host.split_once(':') {
        Some((name, port)) if port.parse::<u16>().is_ok() => name,
        Some(_) => return Host::Foreign,
        None => host,
    };
    let name = name.to_ascii_lowercase();
    if name == domain {
        return Host::Domain;
    }
    match name.strip_suffix(domain).and_then(|rest| rest.strip_suffix('.')) {
        Some(vault) if is_vault_name(vault) => Host::Vault(vault.to_owned()),
        _ => Host::Foreign,
    }
}

/// 3 to 24 letters, digits and hyphens.
fn is_vault_name(name: &str) -> bool {
    (3..=24).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOMAIN: &str = "vault.localhost";

    #[test]
    fn finds_the_vault_without_regard_to_case_and_port() {
        for (name, expected) in [
            ("shop.vault.localhost:8443", Host::Vault("shop".into())),
            ("SHOP.Vault.LOCALHOST", Host::Vault("shop".into())),
            ("vault.localhost:1", Host::Domain),
            ("Vault.localhost", Host::Domain),
        ] {
            assert_eq!(by_name(name, DOMAIN), expected, "{name}");
        }
    }

    #[test]
    fn refuses_every_other_name() {
        for name in [
            "",
            "localhost",
            "127.0.0.1:8443",
            "[::1]:8443",
            "a.shop.vault.localhost",
            ".vault.localhost",
            "ab.vault.localhost",
            "shop.vault.localhost.example.org",
            "shopvault.localhost",
            "shop.vault.localhost:x",
            "shop.vault.localhost:70000",
            "shop.vault.localhost:1:2",
            "user@shop.vault.localhost",
            "a_b.vault.localhost",
            "abcdefghijklmnopqrstuvwxy.vault.localhost",
        ] {
            assert_eq!(by_name(name, DOMAIN), Host::Foreign, "{name}");
        }
    }

    #[test]
    fn two_names_that_differ_name_nothing() {
        let parts = |uri: &str, hosts: &[&str]| {
            let mut request = hyper::Request::builder().uri(uri);
            for host in hosts {
                request = request.header(HOST, *host);
            }
            request.body(()).unwrap().into_parts().0
        };
        let shop = Host::Vault("shop".into());
        let of = |uri, hosts: &[&str]| host(&parts(uri, hosts), DOMAIN);
        assert_eq!(of("/keys", &["shop.vault.localhost"]), shop);
        assert_eq!(of("https://shop.vault.localhost/keys", &[]), shop);
        assert_eq!(of("https://shop.vault.localhost/keys", &["SHOP.vault.localhost"]), shop);
        assert_eq!(of("https://shop.vault.localhost/", &["bank.vault.localhost"]), Host::Foreign);
        let twice = ["shop.vault.localhost", "shop.vault.localhost"];
        assert_eq!(of("/keys", &twice), Host::Foreign);
        assert_eq!(of("/keys", &[]), Host::Foreign);
    }
}
