//! A new certificate for a running server, proved by connecting back.
//!
//! PostgreSQL keeps its old certificate without a word to the client when the new one is broken;
//! so only the fingerprint that a client sees counts.

use std::path::Path;
use std::time::Duration;

use base::{Changed, Secret};
use tokio::time::Instant;

use crate::conf::TLS_FILE;
use crate::{
    CertificatePair, Cluster, Connection, Error, Fingerprint, PresentedCertificate, Result,
    TlsTarget, file, probe_tls,
};

/// How long the postmaster may take between its reload and the new certificate.
const EFFECT: Duration = Duration::from_secs(5);
const POLL: Duration = Duration::from_millis(50);
/// The pair before, kept until the next rotation.
const PREVIOUS: &str = "tls/previous.pem";

/// A rotation that took effect.
#[derive(Clone, Debug, Eq, PartialEq, serde::Serialize)]
pub struct Rotation {
    /// Whether the server had another certificate before.
    pub changed: Changed,
    /// What a client saw before, if the server could be reached.
    pub before: Option<Fingerprint>,
    /// What a client sees now.
    pub presented: PresentedCertificate,
}

impl Cluster {
    /// Installs a pair, reloads, connects back and compares fingerprints.
    ///
    /// When clients do not see the new certificate within a few seconds, or see one that `target`
    /// does not trust, the old pair is put back and [`Error::CertificateNotTaken`] says so.
    pub async fn rotate_certificate(
        &self,
        connection: &Connection,
        pair: &CertificatePair,
        target: &TlsTarget,
    ) -> Result<Rotation> {
        let wanted = pair.info().fingerprint;
        let before = probe_tls(target).await.map(|seen| seen.fingerprint).ok();
        let path = self.data_dir.join(TLS_FILE);
        let old = file::read(&path)?.map(Secret::new);
        if let Some(old) = &old {
            let _ = file::replace(&self.data_dir.join(PREVIOUS), old.expose(), &self.run_as)?;
        }
        let changed = self.install_certificate(pair)?;
        match take_up(connection, target, wanted).await {
            Ok(presented) => Ok(Rotation { changed, before, presented }),
            Err(detail) => Err(self.put_back(connection, &path, old, target, wanted, detail).await),
        }
    }

    async fn put_back(
        &self,
        connection: &Connection,
        path: &Path,
        old: Option<Secret<Vec<u8>>>,
        target: &TlsTarget,
        wanted: Fingerprint,
        detail: String,
    ) -> Error {
        let detail = format!("new certificate {wanted}: {detail}");
        let lost = |why: String| Error::CertificateLost { detail: format!("{detail}; {why}") };
        let Some(old) = old else { return lost("there was none before".to_owned()) };
        if let Err(error) = file::replace(path, old.expose(), &self.run_as) {
            return lost(error.to_string());
        }
        let expected = match self.installed_certificate() {
            Ok(Some(info)) => info.fingerprint,
            _ => return lost("the old file holds no certificate".to_owned()),
        };
        match take_up(connection, target, expected).await {
            Ok(_) => Error::CertificateNotTaken {
                detail: format!("{detail}; clients see the old certificate {expected} as before"),
            },
            Err(why) => lost(why),
        }
    }
}

/// Reloads and waits until a client sees the wanted certificate and trusts it, or says why not.
async fn take_up(
    connection: &Connection,
    target: &TlsTarget,
    wanted: Fingerprint,
) -> Result<PresentedCertificate, String> {
    connection.reload().await.map_err(|error| error.to_string())?;
    let until = Instant::now() + EFFECT;
    loop {
        let why = match probe_tls(target).await {
            Ok(seen) if seen.fingerprint == wanted => match seen.untrusted {
                None => return Ok(seen),
                Some(why) => return Err(format!("clients do not trust it ({why})")),
            },
            Ok(seen) => format!("PostgreSQL still presents {}", seen.fingerprint),
            Err(error) => crate::error::chain(&error),
        };
        if Instant::now() >= until {
            return Err(why);
        }
        tokio::time::sleep(POLL).await;
    }
}
