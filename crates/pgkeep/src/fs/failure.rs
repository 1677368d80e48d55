//! From errors of the file system to what a person reads.

use std::error::Error as _;
use std::path::Path;

use base::{ExitCode, Fault};
use cryptfs::Error;

/// The fault for an error met while doing `what` with the store in `backing`.
pub(super) fn fault(what: &str, backing: &Path, error: &Error) -> Fault {
    let place = backing.display();
    match error {
        Error::WrongKey => Fault::new("wrong_key", "the key does not open this store")
            .detail(format!("The store is in {place}."))
            .hint("use the key the store was made with; nothing was changed"),
        Error::InUse => Fault::new("in_use", "the store is in use by another process")
            .detail(format!("The store is in {place}."))
            .hint("unmount it first")
            .exit(ExitCode::Conflict),
        Error::Format(why) => Fault::new("not_a_store", "the folder is not a usable store")
            .detail(format!("{place}: {why}."))
            .hint("a new store is made in an empty or missing folder only"),
        Error::Tampered { what } => Fault::new("damaged", "the store failed its integrity check")
            .detail(format!("{place}: {what}."))
            .hint("restore it from a backup; nothing was changed"),
        Error::Refused(why, _) => Fault::new("refused", *why),
        Error::Io { doing: "open /dev/fuse", .. } => no_fuse(error),
        Error::Io { source, .. } if source.kind() == std::io::ErrorKind::NotFound => {
            Fault::from_error("not_found", format!("could not {what}"), error)
                .exit(ExitCode::NotFound)
        }
        _ => Fault::from_error("io", format!("could not {what}"), error),
    }
}

fn no_fuse(error: &Error) -> Fault {
    let cause = error.source().map(ToString::to_string).unwrap_or_default();
    Fault::new("no_fuse", "could not open /dev/fuse")
        .detail(cause)
        .hint("run cargo xtask deps, which installs fuse3; in a container pass --device /dev/fuse")
}

#[cfg(test)]
mod tests {
    use super::{Error, ExitCode, Path, fault};

    #[test]
    fn each_failure_has_its_code() {
        let io = |doing, kind: std::io::ErrorKind| Error::Io { doing, source: kind.into() };
        let cases = [
            (Error::WrongKey, "wrong_key", ExitCode::Error),
            (Error::InUse, "in_use", ExitCode::Conflict),
            (Error::Format("x".to_owned()), "not_a_store", ExitCode::Error),
            (Error::Tampered { what: "x".to_owned() }, "damaged", ExitCode::Error),
            (io("open /dev/fuse", std::io::ErrorKind::NotFound), "no_fuse", ExitCode::Error),
            (io("x", std::io::ErrorKind::NotFound), "not_found", ExitCode::NotFound),
            (io("x", std::io::ErrorKind::StorageFull), "io", ExitCode::Error),
        ];
        for (error, code, exit) in cases {
            let fault = fault("open the store", Path::new("b"), &error);
            assert_eq!((fault.code.as_str(), fault.exit), (code, exit));
        }
    }
}
