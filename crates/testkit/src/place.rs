//! Where a throw-away server can live: a port, a user, a folder.

use std::net::TcpListener;
use std::os::unix::fs::chown;

use pg::RunAs;
use tempfile::TempDir;

/// A port that nobody has now, on IPv4 and on IPv6 where there is one.
///
/// Another process may still take it before its user does; a test that must not fail by that asks
/// again.
pub fn free_port() -> u16 {
    for _ in 0..100 {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port on loopback");
        let port = listener.local_addr().expect("because it is bound").port();
        let taken = TcpListener::bind(("::1", port))
            .is_err_and(|error| error.kind() == std::io::ErrorKind::AddrInUse);
        if !taken {
            return port;
        }
    }
    panic!("no port is free on both loopback addresses");
}

/// The user that servers run as in tests: this one, or `postgres` when this one is root.
pub fn server_user() -> RunAs {
    let current = RunAs::current().expect("this process has a user");
    if current.is_root() {
        RunAs::named("postgres").expect("the operating system user of Debian's PostgreSQL package")
    } else {
        current
    }
}

/// A fresh folder under a short path, mode 0700, owned by [`server_user`]; removed when dropped.
pub fn temp_dir() -> TempDir {
    let dir = tempfile::Builder::new().prefix("pk").tempdir().expect("a temporary folder");
    let user = server_user();
    if !user.is_current() {
        chown(dir.path(), Some(user.uid), Some(user.gid)).expect("root may hand folders over");
    }
    dir
}
