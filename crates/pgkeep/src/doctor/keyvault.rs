//! The key vaults as a client meets them: their names, their port, their certificate.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream, ToSocketAddrs as _};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rustls::{ClientConfig, ClientConnection, RootCertStore};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, ServerName};
use serde_json::Value;

use super::Check;
use crate::home::Home;
use crate::rpc;
use crate::vaultd::DOMAIN;

/// A vault that need not exist: what counts is its name.
const LABEL: &str = "doctor";
const ANSWER_MAX: Duration = Duration::from_secs(5);

/// What the vault says of itself, if it runs and answers this account.
pub(super) async fn status(home: &Home) -> Option<Value> {
    let socket = home.socket("vault");
    rpc::call_within(&socket, ANSWER_MAX, "status", Value::Null, |_| {}).await.ok()
}

/// Whether clients find the key vaults by their names.
pub(super) async fn names() -> Check {
    const NAME: &str = "vault-names";
    let name = format!("{LABEL}.{DOMAIN}");
    let asked = name.clone();
    let looked = tokio::task::spawn_blocking(move || {
        let found = (asked.as_str(), 1).to_socket_addrs()?;
        Ok(found.map(|address| address.ip()).collect())
    });
    match tokio::time::timeout(ANSWER_MAX, looked).await {
        Ok(Ok(outcome)) => judge_names(&name, outcome),
        _ => Check::cannot_tell(NAME, format!("the name {name} is not resolved in time")),
    }
}

fn judge_names(name: &str, outcome: io::Result<Vec<IpAddr>>) -> Check {
    const NAME: &str = "vault-names";
    let fix = format!(
        "cargo xtask deps installs libnss-myhostname, which resolves them all; or add a line for \
         each vault to /etc/hosts: 127.0.0.1 NAME.{DOMAIN}"
    );
    match outcome {
        Ok(found) if found.is_empty() => Check::warn(NAME, format!("{name} has no address"), fix),
        Ok(found) => match found.iter().find(|address| !address.is_loopback()) {
            None => Check::ok(NAME, format!("names below {DOMAIN} lead to this machine")),
            Some(elsewhere) => Check::fail(
                NAME,
                format!("{name} leads to {elsewhere}: clients would ask another machine"),
                fix,
            ),
        },
        Err(e) => Check::warn(NAME, format!("{name} is not found: {e}"), fix),
    }
}

/// Whether programs of this machine get tokens.
pub(super) fn identities(vault: &Value) -> Check {
    const NAME: &str = "identities";
    let identity = &vault["identity"];
    match (identity["listening"].as_bool(), identity["reason"].as_str()) {
        (Some(true), _) => Check::ok(NAME, "the identity endpoint is served"),
        (Some(false), reason) => Check::fail(
            NAME,
            format!("the identity endpoint is not served: {}", reason.unwrap_or("no reason")),
            "free its port; the vault tries again by itself",
        ),
        (None, _) => Check::cannot_tell(NAME, "the vault does not say whether it serves them"),
    }
}

/// Whether the port of the key vaults answers with a certificate of this home.
pub(super) fn served(home: &Home, vault: &Value) -> Check {
    const NAME: &str = "key-vaults";
    let https = &vault["https"];
    let port = https["port"].as_u64().and_then(|port| u16::try_from(port).ok());
    let Some(port) = port else {
        return Check::cannot_tell(NAME, "the vault does not say where it serves the key vaults");
    };
    if https["listening"] != true {
        let reason = https["reason"].as_str().unwrap_or("it gives no reason");
        let fix = match vault["state"].as_str() {
            Some("unsealed") => format!("free port {port}; the vault tries again by itself"),
            _ => "pgkeep vault unseal".to_owned(),
        };
        return Check::fail(NAME, format!("the key vaults are not served: {reason}"), fix);
    }
    match shake_hands(&home.ca(), port) {
        Ok(()) => Check::ok(NAME, format!("the key vaults answer on port {port}")),
        Err(e) => Check::fail(
            NAME,
            format!("port {port} does not answer with a certificate of this home: {e}"),
            "see log/vault.log of the home; pgkeep down, then pgkeep up",
        ),
    }
}

/// One TLS handshake as a client does it, with no trust but in this home's authority.
fn shake_hands(ca_file: &Path, port: u16) -> io::Result<()> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(ca_file).map_err(io::Error::other)? {
        roots.add(certificate.map_err(io::Error::other)?).map_err(io::Error::other)?;
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from(format!("{LABEL}.{DOMAIN}")).map_err(io::Error::other)?;
    let mut connection = ClientConnection::new(Arc::new(config), name).map_err(io::Error::other)?;
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let mut stream = TcpStream::connect_timeout(&address, ANSWER_MAX)?;
    stream.set_read_timeout(Some(ANSWER_MAX))?;
    stream.set_write_timeout(Some(ANSWER_MAX))?;
    while connection.is_handshaking() {
        connection.complete_io(&mut stream)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use serde_json::json;

    use super::*;
    use crate::doctor::Verdict;

    #[test]
    fn only_this_machine_will_do() {
        let judge = |found: &[&str]| {
            let found = found.iter().map(|address| address.parse().unwrap()).collect();
            judge_names("x.vault.localhost", Ok(found)).verdict
        };
        assert_eq!(judge(&["127.0.0.1", "::1"]), Verdict::Ok);
        assert_eq!(judge(&["127.0.0.1", "192.0.2.1"]), Verdict::Fail);
        assert_eq!(judge(&[]), Verdict::Warn);
        let lost = judge_names("x.vault.localhost", Err(io::Error::other("not known")));
        assert_eq!(lost.verdict, Verdict::Warn);
        assert!(lost.fix.unwrap().contains("libnss-myhostname"));
    }

    #[test]
    fn what_is_not_served_says_why() {
        let dir = tempfile::tempdir().unwrap();
        let home = Home::resolve(Some(dir.path())).unwrap();
        let vault = |state: &str| {
            let https = json!({ "port": 1, "listening": false, "reason": "because" });
            json!({ "state": state, "https": https })
        };
        let sealed = served(&home, &vault("sealed"));
        assert_eq!(sealed.fix.as_deref(), Some("pgkeep vault unseal"));
        assert!(served(&home, &vault("unsealed")).message.ends_with("because"));
        assert_eq!(served(&home, &json!({})).verdict, Verdict::CannotTell);
        let identity = |value: Value| identities(&json!({ "identity": value })).verdict;
        assert_eq!(identity(json!({ "listening": true })), Verdict::Ok);
        assert_eq!(identity(json!({ "listening": false, "reason": "x" })), Verdict::Fail);
        assert_eq!(identity(Value::Null), Verdict::CannotTell);
    }

    #[test]
    fn a_port_without_the_right_certificate_fails() {
        let dir = tempfile::tempdir().unwrap();
        let home = Home::resolve(Some(dir.path())).unwrap();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        // Accepts and hangs up.
        let other = std::thread::spawn(move || drop(listener.accept()));
        let stranger = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        std::fs::write(home.ca(), stranger.cert.pem()).unwrap();
        let https = json!({ "port": port, "listening": true });
        let check = served(&home, &json!({ "state": "unsealed", "https": https }));
        assert_eq!(check.verdict, Verdict::Fail);
        other.join().unwrap();
    }
}
