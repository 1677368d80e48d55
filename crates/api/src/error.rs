//! What can go wrong at the edge.

/// A failure of the HTTP side.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The port could not be taken into use.
    #[error("could not listen for HTTPS")]
    Listen(#[source] std::io::Error),
    /// The server ended.
    #[error("the HTTPS server ended")]
    Serve(#[source] std::io::Error),
    /// Certificate and key do not make a TLS server.
    #[error("the certificate of the status page cannot be used")]
    Tls(#[source] rustls::Error),
    /// The certificate is not PEM.
    #[error("the certificate of the status page is not PEM")]
    Pem(#[source] rustls_pki_types::pem::Error),
}
