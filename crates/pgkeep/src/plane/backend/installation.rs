//! The vault as a whole, and what is true of the installation.

use api::access::Principal;
use api::plane::Reply;
use api::plane::backend::Installation;
use api::plane::model::{About, Ca, HomePage, Status, Unseal, Vault};
use base::{Changed, Fault};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use serde_json::{Value, json};

use super::{PlaneBackend, home, read};
use crate::plane::answers::status;

impl PlaneBackend {
    async fn vault_status(&self) -> Result<Vault, Fault> {
        match self.plane.peers.vault("status", Value::Null).await {
            Ok(answer) => read(answer),
            Err(fault) => Ok(Vault {
                state: "unreachable".to_owned(),
                reason: Some(fault.message),
                ..Vault::default()
            }),
        }
    }
}

impl Installation for PlaneBackend {
    fn vault(&self) -> Reply<'_, Vault> {
        Box::pin(self.vault_status())
    }

    fn vault_seal<'a>(&'a self, by: &'a Principal) -> Reply<'a, Changed> {
        Box::pin(async {
            let sealed = self.vault_call(by, "seal", Value::Null).await?;
            read(sealed["changed"].clone())
        })
    }

    fn vault_unseal<'a>(&'a self, by: &'a Principal, with: Unseal) -> Reply<'a, Vault> {
        Box::pin(async move {
            // The call overwrites its arguments when they are sent.
            let args = json!({
                "passphrase": with.passphrase.as_ref().map(|secret| secret.expose()),
                "share": with.share.as_ref().map(|secret| secret.expose()),
                "forget_shares": with.forget_shares,
            });
            drop(with);
            let _ = self.vault_call(by, "unseal", args).await?;
            self.vault_status().await
        })
    }

    fn about(&self) -> Reply<'_, About> {
        Box::pin(async {
            let found = pg::Binaries::find(None).await.ok();
            Ok(About {
                product: "pgkeep".to_owned(),
                version: env!("CARGO_PKG_VERSION").to_owned(),
                home: self.plane.home.root().display().to_string(),
                url: self.plane.page().ok(),
                started_at: self.plane.started_at,
                postgres: found.iter().map(|found| found.version.to_string()).collect(),
                licence: env!("CARGO_PKG_LICENSE").to_owned(),
                ..About::default()
            })
        })
    }

    fn ca(&self) -> Reply<'_, Ca> {
        Box::pin(async {
            let file = self.plane.home.ca();
            let unread = |e: &dyn std::error::Error| {
                let message = format!("could not read {}", file.display());
                Fault::new("ca", message).detail(e.to_string())
            };
            let pem = std::fs::read_to_string(&file).map_err(|e| unread(&e))?;
            let der = CertificateDer::from_pem_slice(pem.as_bytes()).map_err(|e| unread(&e))?;
            let fingerprint = hex::encode(crypto::sha256(&der));
            Ok(Ca { fingerprint, file: file.display().to_string(), pem })
        })
    }

    fn status(&self) -> Reply<'_, Status> {
        Box::pin(async { read(status(&self.plane).await?) })
    }

    fn home<'a>(&'a self, by: &'a Principal) -> Reply<'a, HomePage> {
        Box::pin(home::page(self, by))
    }
}
