//! What can go wrong at the edge.

/// A failure of the HTTP side.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The socket could not be taken into use.
    #[error("could not listen for requests")]
    Listen(#[source] std::io::Error),
    /// The server ended.
    #[error("the HTTPS server ended")]
    Serve(#[source] std::io::Error),
    /// Certificate and key do not make a TLS server.
    #[error("the certificate of the HTTPS server cannot be used")]
    Tls(#[source] rustls::Error),
    /// The certificate is not PEM.
    #[error("the certificate of the HTTPS server is not PEM")]
    Pem(#[source] rustls_pki_types::pem::Error),
    /// The threads that call the vault could not be started.
    #[error("could not start the workers of the key vault's edge")]
    Workers(#[source] std::io::Error),
    /// A name in the settings cannot be part of an HTTP header.
    #[error("the domain or the tenant id of the key vault is not plain text")]
    Settings,
}
