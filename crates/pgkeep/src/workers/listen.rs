//! What a worker listens on.

use std::io;
use std::os::unix::fs::FileTypeExt as _;
use std::os::unix::net::UnixListener as StdUnixListener;
use std::path::{Path, PathBuf};

use base::{ExitCode, Fault};
use futures_util::{Stream, StreamExt as _, stream};
use lake::beyond::Wire;
use reqwest::Url;
use tokio::net::{TcpListener, UnixListener};
use tokio_rustls::TlsAcceptor;

use super::{HANDSHAKE, Identity, resolved};

/// Handshakes at the same time.
const HANDSHAKES: usize = 32;

/// A bound address; a socket's file goes with it.
pub(crate) enum Listener {
    /// A socket that answers its own OS user, and root
    Socket { listener: StdUnixListener, path: PathBuf },
    /// A port behind TLS
    Port { listener: std::net::TcpListener, acceptor: TlsAcceptor },
}

impl Listener {
    /// Binds `unix:///path` or `https://host:port`.
    ///
    /// # Errors
    /// What is no address, is taken, or is a port without an identity.
    pub(crate) fn bind(address: &str, identity: Option<&Identity>) -> Result<Self, Fault> {
        let wrong = |why: &str| {
            Fault::new("address", format!("{address:?} is no address to listen on: {why}"))
                .hint("write unix:///path/of/socket or https://host:port")
                .exit(ExitCode::Usage)
        };
        let url = Url::parse(address).map_err(|e| wrong(&e.to_string()))?;
        let failed = |e: io::Error| {
            Fault::from_error("listen", format!("could not listen on {address}"), &e)
        };
        match url.scheme() {
            "unix" if url.host().is_none() => {
                let path = PathBuf::from(url.path());
                clear(&path).map_err(failed)?;
                let listener = StdUnixListener::bind(&path).map_err(failed)?;
                listener.set_nonblocking(true).map_err(failed)?;
                Ok(Self::Socket { listener, path })
            }
            "https" => {
                let Some(identity) = identity else {
                    return Err(Fault::new("identity", "a port is only opened with certificates")
                        .hint("add --certificate-file, --key-file and --authority-file")
                        .exit(ExitCode::Usage));
                };
                let host = url.host_str().ok_or_else(|| wrong("it has no host"))?;
                let host = host.trim_start_matches('[').trim_end_matches(']');
                let port = url.port_or_known_default().ok_or_else(|| wrong("it has no port"))?;
                let at = resolved(host, port).map_err(failed)?;
                let listener = std::net::TcpListener::bind(&at[..]).map_err(failed)?;
                listener.set_nonblocking(true).map_err(failed)?;
                let acceptor = TlsAcceptor::from(std::sync::Arc::clone(&identity.server));
                Ok(Self::Port { listener, acceptor })
            }
            _ => Err(wrong("it begins with neither unix: nor https:")),
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        if let Self::Socket { path, .. } = self
            && let Err(error) = std::fs::remove_file(path)
        {
            tracing::debug!(%error, "a socket stays");
        }
    }
}

/// Removes the socket of a worker that is no more.
fn clear(path: &Path) -> io::Result<()> {
    match std::fs::symlink_metadata(path) {
        Ok(meta) if !meta.file_type().is_socket() => {
            Err(io::Error::new(io::ErrorKind::AlreadyExists, "something else is there"))
        }
        Ok(_) if std::os::unix::net::UnixStream::connect(path).is_ok() => {
            Err(io::Error::new(io::ErrorKind::AddrInUse, "somebody answers there"))
        }
        Ok(_) => std::fs::remove_file(path),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(e) => Err(e),
    }
}

type Accepted = io::Result<Box<dyn Wire>>;

/// The connections that come in; who may not connect is written down and left out.
///
/// # Errors
/// The listener cannot be waited for.
pub(crate) fn incoming(
    listener: &Listener,
) -> io::Result<std::pin::Pin<Box<dyn Stream<Item = Accepted> + Send>>> {
    match listener {
        Listener::Socket { listener, .. } => {
            let listener = UnixListener::from_std(listener.try_clone()?)?;
            let accepted = stream::unfold(listener, |listener| async move {
                let accepted = listener.accept().await;
                Some((accepted.and_then(|(stream, _)| own(stream)), listener))
            });
            Ok(Box::pin(accepted.filter_map(|wire| std::future::ready(or_said(wire)))))
        }
        Listener::Port { listener, acceptor } => {
            let listener = TcpListener::from_std(listener.try_clone()?)?;
            let acceptor = acceptor.clone();
            let accepted = stream::unfold(listener, |listener| async move {
                Some((listener.accept().await, listener))
            });
            let shaken = accepted.map(move |accepted| {
                let acceptor = acceptor.clone();
                async move {
                    let (stream, _) = accepted?;
                    stream.set_nodelay(true)?;
                    let shaken = tokio::time::timeout(HANDSHAKE, acceptor.accept(stream)).await;
                    let shaken = shaken.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
                    Ok(Box::new(shaken) as Box<dyn Wire>)
                }
            });
            let ready = shaken.buffer_unordered(HANDSHAKES);
            Ok(Box::pin(ready.filter_map(|wire| std::future::ready(or_said(wire)))))
        }
    }
}

/// A connection of the OS user that this process has, or of root.
fn own(stream: tokio::net::UnixStream) -> Accepted {
    let peer = stream.peer_cred()?.uid();
    if peer != 0 && peer != rustix::process::geteuid().as_raw() {
        let what = format!("OS user {peer} is not this worker's");
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, what));
    }
    Ok(Box::new(stream))
}

fn or_said(wire: Accepted) -> Option<Accepted> {
    wire.inspect_err(|error| tracing::warn!(%error, "a connection was not taken")).ok().map(Ok)
}
