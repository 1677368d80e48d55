//! The certificate's life: issued, installed, proved from outside, renewed, replaced.

use std::time::Duration;

use base::{Changed, Fault, Secret, ServerState};
use jiff::Timestamp;

use super::start::sentence;
use super::{Machine, within};
use crate::certificate::{OwnCertificate, Presented, ServerKeyPair, renew_at};
use crate::database::Database;
use crate::doors::{CertificateAuthority, Doors, Progress};
use crate::durable;
use crate::record::TlsSource;

/// The certificate authority answers within this time or counts as not answering.
const SIGN_DEADLINE: Duration = Duration::from_secs(30);
/// So long may installing and connecting back take.
const INSTALL_DEADLINE: Duration = Duration::from_secs(60);

impl<D: Doors> Machine<D> {
    /// Makes sure that a usable certificate lies in the data directory before a start.
    pub(super) async fn ensure_certificate(&mut self, progress: &Progress) -> Result<(), Fault> {
        let tls = self.record()?.tls.clone();
        let now = self.now();
        let database = self.database.as_ref().ok_or_else(not_mounted)?;
        let installed = database.installed_certificate()?;
        let due = match (tls.source, installed) {
            (_, None) => true,
            (TlsSource::Own, Some(_)) => false,
            (TlsSource::Internal, Some(v)) => now >= renew_at(v.not_before, v.not_after),
        };
        if !due && !tls.reissue {
            return Ok(());
        }
        progress("issuing the server certificate");
        match self.issue().await {
            Ok(()) => Ok(()),
            // An authority that is away now must not stop a server whose certificate still holds.
            Err(fault) if installed.is_some_and(|v| v.not_after > now) => {
                self.facts.warn("certificate", vec![not_renewed(&fault)]);
                Ok(())
            }
            Err(fault) => Err(fault),
        }
    }

    /// Makes a key, has it signed, installs both. A running PostgreSQL is asked from outside.
    async fn issue(&mut self) -> Result<(), Fault> {
        let hostname = self.doors.host().hostname();
        let pair = ServerKeyPair::generate(self.layout.name().as_str(), hostname.as_deref())?;
        let authority = self.doors.authority();
        let signed =
            within(SIGN_DEADLINE, "the internal CA", authority.sign(&pair.csr_pem)).await?;
        self.install(&signed.chain_pem, &pair.key_pem, &signed.ca_pem, "localhost").await?;
        self.amend(|record| {
            record.tls.source = TlsSource::Internal;
            record.tls.reissue = false;
            "localhost".clone_into(&mut record.tls.host);
        })?;
        self.facts.warn("certificate", Vec::new());
        Ok(())
    }

    async fn install(
        &self,
        chain_pem: &str,
        key_pem: &Secret<String>,
        ca_pem: &str,
        host: &str,
    ) -> Result<(), Fault> {
        let database = self.database.as_ref().ok_or_else(not_mounted)?;
        let work = database.install_certificate(chain_pem, key_pem, ca_pem, host);
        within(INSTALL_DEADLINE, "PostgreSQL", work).await
    }

    /// Connects back over TLS and keeps what was presented. Without this there is no Ready.
    pub(super) async fn prove_tls(&mut self) -> Result<(), Fault> {
        let tls = self.record()?.tls.clone();
        let ca_pem = match tls.source {
            TlsSource::Internal => {
                let authority = self.doors.authority();
                within(SIGN_DEADLINE, "the internal CA", authority.certificate()).await?
            }
            TlsSource::Own => {
                let path = self.layout.own_ca();
                std::fs::read_to_string(&path)
                    .map_err(|e| Fault::from(crate::Error::Io { doing: "read", path, source: e }))?
            }
        };
        let database = self.database.as_ref().ok_or_else(not_mounted)?;
        let work = database.presented(&ca_pem, &tls.host);
        let presented = within(INSTALL_DEADLINE, "PostgreSQL", work).await?;
        let not_before = database.installed_certificate()?.map(|validity| validity.not_before);
        self.keep_presented(&presented, not_before);
        Ok(())
    }

    fn keep_presented(&mut self, presented: &Presented, not_before: Option<Timestamp>) {
        let tls = match self.record() {
            Ok(record) => &record.tls,
            Err(_) => return,
        };
        let known = tls.fingerprint.as_deref() == Some(&presented.fingerprint)
            && tls.not_after == Some(presented.not_after)
            && tls.not_before == not_before;
        if known {
            return;
        }
        tracing::info!(
            fingerprint = presented.fingerprint,
            protocol = presented.protocol,
            "TLS proved from outside"
        );
        // What was seen counts even if it could not be written; a warning says so then.
        let _ = self.amend(|record| {
            record.tls.fingerprint = Some(presented.fingerprint.clone());
            record.tls.not_before = not_before;
            record.tls.not_after = Some(presented.not_after);
        });
    }

    /// Reads the TLS parameters that are in force.
    pub(super) async fn refresh_settings(&mut self) -> Result<(), Fault> {
        let database = self.database.as_ref().ok_or_else(not_mounted)?;
        let seen = within(INSTALL_DEADLINE, "PostgreSQL", database.tls_settings()).await?;
        let tls = &self.record()?.tls;
        let known = tls.require_secure_transport == seen.require_secure_transport
            && tls.min_protocol_version == seen.min_protocol_version;
        if !known {
            let _ = self.amend(|record| {
                record.tls.require_secure_transport = seen.require_secure_transport;
                record.tls.min_protocol_version = seen.min_protocol_version;
            });
        }
        Ok(())
    }

    /// Replaces the certificate by a fresh one of the internal CA. A stopped server gets it at
    /// its next start.
    pub(super) async fn rotate(&mut self, progress: &Progress) -> Result<Changed, Fault> {
        if !self.is_ready() {
            self.amend(|record| {
                record.tls.source = TlsSource::Internal;
                record.tls.reissue = true;
                "localhost".clone_into(&mut record.tls.host);
            })?;
            return Ok(Changed::Changed);
        }
        self.updating("rotating the server certificate", progress);
        let outcome = match self.issue().await {
            Ok(()) => self.prove_tls().await,
            Err(fault) => Err(fault),
        };
        self.updated();
        outcome.map(|()| Changed::Changed)
    }

    /// Replaces the certificate by one that the owner brings; it must verify from outside.
    pub(super) async fn set_own_certificate(
        &mut self,
        own: &OwnCertificate,
        progress: &Progress,
    ) -> Result<Changed, Fault> {
        self.refuse_while_unstable()?;
        self.updating("installing the owner's certificate", progress);
        let outcome = self.try_own_certificate(own).await;
        self.updated();
        outcome.map(|()| Changed::Changed)
    }

    async fn try_own_certificate(&mut self, own: &OwnCertificate) -> Result<(), Fault> {
        self.install(&own.chain_pem, &own.key_pem, &own.ca_pem, &own.host).await?;
        durable::replace(&self.layout.own_ca(), own.ca_pem.as_bytes(), 0o644)?;
        self.amend(|record| {
            record.tls.source = TlsSource::Own;
            record.tls.reissue = false;
            record.tls.host.clone_from(&own.host);
        })?;
        self.prove_tls().await
    }

    /// Renews an internal certificate after two thirds of its life; warns about one of the
    /// owner's own that is about to end.
    pub(super) async fn renew_if_due(&mut self) {
        let Ok(record) = self.record() else { return };
        let tls = record.tls.clone();
        let (Some(begins), Some(ends)) = (tls.not_before, tls.not_after) else { return };
        let now = self.now();
        if now < renew_at(begins, ends) {
            return;
        }
        let warning = match tls.source {
            TlsSource::Own => vec![own_ends(ends)],
            TlsSource::Internal => {
                let renewed = match self.issue().await {
                    Ok(()) => self.prove_tls().await,
                    Err(fault) => Err(fault),
                };
                renewed.err().map(|fault| not_renewed(&fault)).into_iter().collect()
            }
        };
        self.facts.warn("certificate", warning);
    }

    fn updating(&mut self, reason: &str, progress: &Progress) {
        progress(reason);
        self.enter(ServerState::Updating, reason);
    }

    /// Back to Ready after an update that did not stop the server, whatever came of it.
    fn updated(&mut self) {
        let reason = self.calm_reason();
        self.enter(ServerState::Ready, reason);
    }

    /// Why Ready is not all that is to be said, if so.
    pub(super) fn calm_reason(&self) -> String {
        match self.record().ok().and_then(|record| record.read_only_since) {
            Some(since) => format!("storage nearly full: read-only since {since:.0}"),
            None => String::new(),
        }
    }
}

fn not_mounted() -> Fault {
    Fault::new("not_mounted", "the data directory is not mounted")
}

fn not_renewed(fault: &Fault) -> String {
    format!("the server certificate could not be renewed: {}", sentence(fault))
}

fn own_ends(ends: Timestamp) -> String {
    format!("the server certificate, brought by the owner, ends at {ends:.0}")
}
