//! The door to PostgreSQL: what the state machine asks of it, whichever stands behind.

use std::future::Future;
use std::time::Duration;

use base::{Changed, Fault, Secret};
use pg::{ClientCertificates, Networking, NetworkingChange, NetworkingOutcome};
use serde_json::Value;

use crate::certificate::{Presented, Validity};
use crate::doors::Progress;

/// How PostgreSQL is asked to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopMode {
    /// Sessions are ended, a checkpoint is written.
    Fast,
    /// At once; the next start recovers from WAL.
    Immediate,
    /// Every process of it is killed, also one that hangs; the next start recovers from WAL.
    Kill,
}

/// The TLS parameters that `show` repeats.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsSettings {
    /// Whether connections over TCP must use TLS.
    pub require_secure_transport: bool,
    /// The lowest TLS version, as PostgreSQL writes it.
    pub min_protocol_version: String,
}

/// One PostgreSQL over one data directory.
pub trait Database: Send + Sync + 'static {
    /// Makes the data directory; the bootstrap role gets `password`.
    fn initialise(
        &self,
        password: &Secret<String>,
        progress: &Progress,
    ) -> impl Future<Output = Result<(), Fault>> + Send;

    /// How long the certificate in the data directory is good, if there is one.
    fn installed_certificate(&self) -> Result<Option<Validity>, Fault>;

    /// Puts a certificate and its key in place. While PostgreSQL runs it is reloaded and asked
    /// from outside; when it does not present the new certificate the old pair comes back and
    /// the fault says so.
    fn install_certificate(
        &self,
        chain_pem: &str,
        key_pem: &Secret<String>,
        ca_pem: &str,
        host: &str,
    ) -> impl Future<Output = Result<(), Fault>> + Send;

    /// Starts and waits until connections are accepted. Fails with a fault that explains what
    /// PostgreSQL said. After a failure, or when the future is dropped, [`Database::stop`]
    /// cleans up.
    fn start(&self, progress: &Progress) -> impl Future<Output = Result<(), Fault>> + Send;

    /// Stops and waits until every process has ended. Unchanged when nothing runs.
    fn stop(
        &self,
        mode: StopMode,
        deadline: Duration,
    ) -> impl Future<Output = Result<(), Fault>> + Send;

    /// Waits until the postmaster ends by itself and says how; may be dropped and called again.
    fn ended(&self) -> impl Future<Output = String> + Send;

    /// Connects over TLS, verifies against `ca_pem` for `host`, and says what was presented.
    fn presented(
        &self,
        ca_pem: &str,
        host: &str,
    ) -> impl Future<Output = Result<Presented, Fault>> + Send;

    /// Everything configured that leads out of the mount in clear, a sentence each.
    fn police(&self) -> impl Future<Output = Result<Vec<String>, Fault>> + Send;

    /// Makes transactions read-only by default (and ends sessions in the midst of a write), or
    /// takes that back.
    fn read_only(&self, on: bool) -> impl Future<Output = Result<(), Fault>> + Send;

    /// The TLS parameters in force.
    fn tls_settings(&self) -> impl Future<Output = Result<TlsSettings, Fault>> + Send;

    /// Asks for client certificates, or no longer with `None`; says whether that is new.
    fn client_certificates(
        &self,
        wanted: Option<ClientCertificates>,
    ) -> impl Future<Output = Result<Changed, Fault>> + Send;

    /// All parameters.
    fn parameters(&self) -> impl Future<Output = Result<Value, Fault>> + Send;

    /// One parameter.
    fn parameter(&self, name: &str) -> impl Future<Output = Result<Value, Fault>> + Send;

    /// Sets a parameter; `None` gives it its default back. Says whether a restart is needed.
    fn set_parameter(
        &self,
        name: &str,
        value: Option<&str>,
    ) -> impl Future<Output = Result<Value, Fault>> + Send;

    /// Says what setting a parameter would come to; does nothing.
    fn try_parameter(
        &self,
        name: &str,
        value: Option<&str>,
    ) -> impl Future<Output = Result<Value, Fault>> + Send;

    /// Who may connect.
    fn networking(&self) -> impl Future<Output = Result<Networking, Fault>> + Send;

    /// What a change of that would do; does nothing.
    fn preview_networking(
        &self,
        wanted: &NetworkingChange,
    ) -> impl Future<Output = Result<Value, Fault>> + Send;

    /// Makes the change and proves it. Whoever looks after the server is not shut out.
    fn set_networking(
        &self,
        wanted: &NetworkingChange,
    ) -> impl Future<Output = Result<NetworkingOutcome, Fault>> + Send;

    /// A relation that holds no data of users, and its file below the data directory.
    fn harmless_relation(&self) -> impl Future<Output = Result<(String, String), Fault>> + Send;
}
