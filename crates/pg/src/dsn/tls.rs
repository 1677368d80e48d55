//! `sslmode` and the files beside it ("SSL Support" in the PostgreSQL manual).

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::{ClientConfig, RootCertStore};

use super::text::Pairs;
use super::{Defaults, passfile, unusable};
use crate::error::chain;
use crate::{CertificatePair, Error, Result, Trust, verify};

/// Whether TLS is used.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Mode {
    /// Never.
    Disable,
    /// Where the server does not let plain connections in.
    Allow,
    /// Where the server offers it.
    Prefer,
    /// Always.
    Require,
}

/// Whom to trust.
#[derive(Clone, Debug, Eq, PartialEq)]
enum Roots {
    /// Whom this machine trusts.
    System,
    /// The authorities of a file.
    File(PathBuf),
}

#[derive(Debug)]
pub(super) struct Tls {
    pub(super) mode: Mode,
    pub(super) trust: Trust,
    roots: Option<Roots>,
    /// Certificate and key of the client.
    certificate: Option<(PathBuf, PathBuf)>,
}

impl Tls {
    /// With authorities a certificate is judged in all modes, as libpq does.
    pub(super) fn read(pairs: &Pairs, defaults: &Defaults) -> Result<Self> {
        let roots = pairs.value("sslrootcert").or(defaults.ssl_root_certificate.as_deref());
        let roots = roots.map(|text| match text {
            "system" => Roots::System,
            file => Roots::File(PathBuf::from(file)),
        });
        let mode = pairs.value("sslmode").or(defaults.ssl_mode.as_deref());
        let usual = if roots == Some(Roots::System) { "verify-full" } else { "prefer" };
        let judged = if roots.is_some() { Trust::Authority } else { Trust::Anybody };
        let (mode, trust) = match mode.unwrap_or(usual) {
            "disable" => (Mode::Disable, Trust::Anybody),
            "allow" => (Mode::Allow, judged),
            "prefer" => (Mode::Prefer, judged),
            "require" => (Mode::Require, judged),
            "verify-ca" => (Mode::Require, Trust::Authority),
            "verify-full" => (Mode::Require, Trust::AuthorityAndName),
            _ => {
                let hint = "say disable, allow, prefer, require, verify-ca or verify-full";
                return Err(unusable("this sslmode is not known", hint));
            }
        };
        if trust != Trust::Anybody && roots.is_none() {
            let hint = "name the file of the authority with sslrootcert=FILE, or say \
                        sslrootcert=system for the authorities that this machine trusts";
            return Err(unusable("this sslmode needs sslrootcert", hint));
        }
        // Anybody gets a certificate from some authority of the system's: only the name tells.
        if roots == Some(Roots::System) && mode != Mode::Disable && trust != Trust::AuthorityAndName
        {
            let hint = "say sslmode=verify-full, or leave sslmode out";
            return Err(unusable("sslrootcert=system is too weak for this sslmode", hint));
        }
        let certificate = certificate(pairs, defaults)?.filter(|_| mode != Mode::Disable);
        Ok(Self { mode, trust, roots, certificate })
    }

    /// Reads the files and prepares for handshakes.
    pub(super) fn client_config(&self) -> Result<Arc<ClientConfig>> {
        let roots = match &self.roots {
            None => RootCertStore::empty(),
            Some(Roots::System) => verify::system_authorities()?,
            Some(Roots::File(path)) => {
                let pem = passfile::public(path)?.ok_or_else(|| missing(path))?;
                verify::authorities(pem.expose()).map_err(|error| unfit(path, &error))?
            }
        };
        let pair = match &self.certificate {
            None => None,
            Some((certificate, key)) => {
                let chain_pem =
                    passfile::public(certificate)?.ok_or_else(|| missing(certificate))?;
                let key_pem = passfile::key(key)?.ok_or_else(|| missing(key))?;
                let pair = CertificatePair::new(chain_pem.expose(), &key_pem);
                Some(pair.map_err(|error| unfit(certificate, &error))?)
            }
        };
        verify::client_config(self.trust, roots, pair.as_ref()).map(Arc::new)
    }
}

/// Paths of the client's certificate and key. Those of the defaults belong together.
fn certificate(pairs: &Pairs, defaults: &Defaults) -> Result<Option<(PathBuf, PathBuf)>> {
    let path = |key: &str| pairs.value(key).map(PathBuf::from);
    let chain = path("sslcert").or_else(|| defaults.ssl_certificate.clone());
    let key = path("sslkey").or_else(|| defaults.ssl_key.clone());
    match (chain, key) {
        (Some(chain), Some(key)) => Ok(Some((chain, key))),
        (None, None) => Ok(None),
        _ => {
            let hint = "name both files: sslcert=FILE sslkey=FILE";
            Err(unusable("a client's certificate and its key belong together", hint))
        }
    }
}

fn missing(path: &Path) -> Error {
    unusable(&format!("file \"{}\" is not there", path.display()), "name a file that is there")
}

fn unfit(path: &Path, error: &Error) -> Error {
    let reason = format!("file \"{}\": {}", path.display(), chain(error));
    unusable(&reason, "name files in PEM: sslrootcert, sslcert and its unencrypted sslkey")
}
