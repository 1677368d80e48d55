//! Where the key vaults and the identity endpoint are reached.

use std::path::PathBuf;

use crate::home::Home;

/// The domain of all key vaults; names below it resolve to loopback addresses.
pub(crate) const DOMAIN: &str = "vault.localhost";

/// Ports and files that callers need; the same after `down` and `up`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Places {
    /// HTTPS port of the key vaults.
    pub(crate) vault_port: u16,
    /// Plain HTTP port of the identity endpoint, on loopback.
    pub(crate) identity_port: u16,
    /// Certificate of the internal authority, PEM.
    pub(crate) ca_file: PathBuf,
    /// Unix socket of the identity endpoint.
    pub(crate) identity_socket: PathBuf,
}

impl Places {
    /// The places of a home.
    pub(crate) fn new(home: &Home, vault_port: u16, identity_port: u16) -> Self {
        Self {
            vault_port,
            identity_port,
            ca_file: home.ca(),
            identity_socket: home.socket(IDENTITY),
        }
    }

    /// What host names of key vaults end with: `vault.localhost:PORT`; port 443 stays unsaid.
    pub(crate) fn authority(&self) -> String {
        match self.vault_port {
            443 => DOMAIN.to_owned(),
            port => format!("{DOMAIN}:{port}"),
        }
    }

    /// The resource that tokens are made for: `https://vault.localhost:PORT`.
    pub(crate) fn resource(&self) -> String {
        format!("https://{}", self.authority())
    }

    /// `https://NAME.vault.localhost:PORT/`.
    pub(crate) fn vault_uri(&self, name: &str) -> String {
        format!("https://{name}.{}/", self.authority())
    }

    /// The value of `IDENTITY_ENDPOINT`.
    pub(crate) fn identity_endpoint(&self) -> String {
        format!("http://127.0.0.1:{}/msi/token", self.identity_port)
    }
}

/// Names the identity endpoint's socket in `run/`.
pub(crate) const IDENTITY: &str = "identity";

#[cfg(test)]
mod tests {
    use super::Places;
    use crate::home::Home;

    #[test]
    fn names_carry_the_port_unless_it_is_the_usual_one() {
        let home = Home::resolve(Some(std::path::Path::new("/nowhere/h"))).unwrap();
        let places = Places::new(&home, 9443, 9843);
        assert_eq!(places.vault_uri("shop"), "https://shop.vault.localhost:9443/");
        assert_eq!(places.resource(), "https://vault.localhost:9443");
        assert_eq!(places.identity_endpoint(), "http://127.0.0.1:9843/msi/token");
        assert_eq!(Places::new(&home, 443, 1).vault_uri("shop"), "https://shop.vault.localhost/");
    }
}
