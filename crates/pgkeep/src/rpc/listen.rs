//! The listening end: taken over from the supervisor, or made here.
//!
//! The supervisor owns the folder of the sockets and binds them all, because the other OS users
//! may not write there. A process gets its listener as standard input. So a caller can connect
//! before the process answers, and waits instead of failing while it restarts.

use std::os::fd::{AsFd as _, BorrowedFd};
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::os::unix::net::UnixListener as StdListener;
use std::path::Path;

use base::{ExitCode, Fault};
use tokio::net::UnixListener;

/// A socket that takes calls.
pub(crate) type Listener = UnixListener;

/// The inherited listener when standard input is one for `path`; else a new one with `mode`.
///
/// A socket file that nobody listens on is replaced; one that is in use is a conflict.
pub(crate) fn listen(path: &Path, mode: u32) -> Result<Listener, Fault> {
    let listener = match inherited(path) {
        Some(listener) => listener,
        None => bind(path, mode)?,
    };
    let failed = |e: &std::io::Error| {
        Fault::from_error("listen", format!("could not listen on {}", path.display()), e)
    };
    listener.set_nonblocking(true).map_err(|e| failed(&e))?;
    UnixListener::from_std(listener).map_err(|e| failed(&e))
}

fn inherited(path: &Path) -> Option<StdListener> {
    listener_of(std::io::stdin().as_fd(), path)
}

/// The listener of `path`, if a supervisor has handed it over as standard output; that goes where
/// standard error goes from then on.
pub(crate) fn inherited_as_output(path: &Path) -> Result<Option<StdListener>, Fault> {
    let Some(listener) = listener_of(std::io::stdout().as_fd(), path) else { return Ok(None) };
    rustix::stdio::dup2_stdout(std::io::stderr().as_fd()).map_err(|e| {
        Fault::from_error("listen", "could not give standard output back", &std::io::Error::from(e))
    })?;
    Ok(Some(listener))
}

fn listener_of(descriptor: BorrowedFd<'_>, path: &Path) -> Option<StdListener> {
    let owned = descriptor.try_clone_to_owned().ok()?;
    rustix::net::sockopt::socket_acceptconn(&owned).ok().filter(|listens| *listens)?;
    let listener = StdListener::from(owned);
    let ours = listener.local_addr().ok()?.as_pathname() == Some(path);
    ours.then_some(listener)
}

/// Makes the socket of `path`; `mode` decides who may connect, the peer check who is answered.
pub(crate) fn bind(path: &Path, mode: u32) -> Result<StdListener, Fault> {
    let failed = |e: &std::io::Error| {
        Fault::from_error("listen", format!("could not listen on {}", path.display()), e)
    };
    match std::fs::symlink_metadata(path) {
        Ok(meta) if !meta.file_type().is_socket() => {
            return Err(Fault::new("listen", format!("{} is not a socket", path.display()))
                .hint("move it away")
                .exit(ExitCode::Conflict));
        }
        Ok(_) => {
            if std::os::unix::net::UnixStream::connect(path).is_ok() {
                return Err(Fault::new("in_use", format!("{} is in use", path.display()))
                    .detail("another process answers there")
                    .exit(ExitCode::Conflict));
            }
            std::fs::remove_file(path).map_err(|e| failed(&e))?;
        }
        Err(_) => {}
    }
    let listener = StdListener::bind(path).map_err(|e| failed(&e))?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode))
        .map_err(|e| failed(&e))?;
    Ok(listener)
}
