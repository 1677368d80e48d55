//! Names below `.localhost` are this machine (RFC 6761, 6.3),
//! whatever the system's resolver thinks.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// Answers `localhost` names itself and asks the system for the rest.
pub(crate) struct LocalhostFirst;

/// The system's resolver knows no address for the name.
#[derive(Debug, thiserror::Error)]
#[error("the name \"{name}\" has no address")]
pub(crate) struct NoAddress {
    name: String,
    #[source]
    source: Option<std::io::Error>,
}

/// Whether the name means this machine.
fn is_localhost(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name);
    let last = name.rsplit('.').next().unwrap_or(name);
    last.eq_ignore_ascii_case("localhost")
}

impl Resolve for LocalhostFirst {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let name = name.as_str().to_owned();
            if is_localhost(&name) {
                let both: [SocketAddr; 2] =
                    [(Ipv4Addr::LOCALHOST, 0).into(), (Ipv6Addr::LOCALHOST, 0).into()];
                return Ok(Box::new(both.into_iter()) as Addrs);
            }
            let found = tokio::net::lookup_host((name.as_str(), 0)).await;
            let found: std::io::Result<Vec<SocketAddr>> = found.map(Iterator::collect);
            let found = match found {
                Ok(found) => found,
                Err(source) => return Err(NoAddress { name, source: Some(source) }.into()),
            };
            if found.is_empty() {
                return Err(NoAddress { name, source: None }.into());
            }
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::is_localhost;

    #[test]
    fn knows_this_machine() {
        for name in ["localhost", "LOCALHOST.", "a.vault.localhost", "a.LocalHost."] {
            assert!(is_localhost(name), "{name}");
        }
        for name in ["localhost.example", "notlocalhost", "a.b", ""] {
            assert!(!is_localhost(name), "{name}");
        }
    }
}
