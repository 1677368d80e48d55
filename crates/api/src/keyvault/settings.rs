//! Names and limits of the key vault's edge.

use std::time::Duration;

/// Which names the edge answers to, and what it may be asked for.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The domain of all vaults: `vault.localhost`.
    pub domain: String,
    /// The port that callers use.
    pub port: u16,
    /// Tenant id, the path of the authority that the challenge names.
    pub tenant_id: String,
    /// `iss` of the tokens, as the backend writes it.
    pub issuer: String,
    /// Limits of what callers may take.
    pub limits: Limits,
}

impl Settings {
    /// Settings for `vault.localhost:PORT` with the usual limits.
    pub fn new(port: u16, tenant_id: impl Into<String>, issuer: impl Into<String>) -> Self {
        Self {
            domain: "vault.localhost".to_owned(),
            port,
            tenant_id: tenant_id.into(),
            issuer: issuer.into(),
            limits: Limits::default(),
        }
    }

    /// The audience of tokens and the resource of the challenge: no trailing slash.
    pub fn resource(&self) -> String {
        format!("https://{}", self.authority(None))
    }

    /// `NAME.vault.localhost:PORT`, or without a name the domain itself; port 443 stays unsaid.
    pub(crate) fn authority(&self, vault: Option<&str>) -> String {
        let (dot, name) = vault.map_or(("", ""), |name| (".", name));
        match self.port {
            443 => format!("{name}{dot}{}", self.domain),
            port => format!("{name}{dot}{}:{port}", self.domain),
        }
    }
}

/// What callers may take. The defaults fit one machine.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes of a request body.
    pub body_bytes: usize,
    /// Bytes of the body of a restore, whose blob holds every version of a key.
    pub restore_bytes: usize,
    /// Restores that may be read at the same time.
    pub n_restores: usize,
    /// Bytes of all headers of a request, and of its first line.
    pub header_bytes: usize,
    /// Headers of a request.
    pub n_headers: usize,
    /// Connections of one listener at the same time; more are closed at once.
    pub n_connections: usize,
    /// Requests of one HTTP/2 connection at the same time.
    pub n_streams: u32,
    /// Threads that call the backend. More than cores: most wait for the audit's disk.
    pub n_workers: usize,
    /// Requests that may wait for a worker; more are answered 429.
    pub n_waiting: usize,
    /// TLS handshake.
    pub handshake_timeout: Duration,
    /// First byte to last byte of the headers; also how long a connection may idle.
    pub idle_timeout: Duration,
    /// First byte to last byte of a body.
    pub body_timeout: Duration,
    /// Waiting for a worker and for the backend.
    pub answer_timeout: Duration,
    /// How long a stopping listener lets open requests finish.
    pub drain_timeout: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        let n_cores = std::thread::available_parallelism().map_or(2, usize::from);
        Self {
            body_bytes: 64 * 1024,
            restore_bytes: 1024 * 1024,
            n_restores: 4,
            header_bytes: 32 * 1024,
            n_headers: 64,
            n_connections: 1024,
            n_streams: 64,
            n_workers: (n_cores * 8).clamp(16, 128),
            n_waiting: 512,
            handshake_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(90),
            body_timeout: Duration::from_secs(10),
            answer_timeout: Duration::from_secs(30),
            drain_timeout: Duration::from_secs(5),
        }
    }
}
