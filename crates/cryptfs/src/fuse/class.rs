//! What a name tells about a file: PostgreSQL's naming decides its key and how it is opened.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use crate::FileKind;

/// What a folder holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Class {
    /// Nothing special.
    #[default]
    Plain,
    /// Write-ahead log: a folder named `pg_wal`.
    Wal,
    /// Temporary files: `pgsql_tmp…`, `pg_stat_tmp`, and everything below them.
    Temporary,
}

impl Class {
    /// The class of the folder `name` in a folder of this class.
    pub(super) fn of_folder(self, name: &OsStr) -> Self {
        let name = name.as_bytes();
        if self == Self::Temporary || name.starts_with(b"pgsql_tmp") || name == b"pg_stat_tmp" {
            Self::Temporary
        } else if name == b"pg_wal" {
            Self::Wal
        } else {
            Self::Plain
        }
    }

    /// Under which key the file `name` in a folder of this class is born.
    pub(super) fn of_file(self, name: &OsStr) -> FileKind {
        if self == Self::Temporary || is_temporary_relation(name.as_bytes()) {
            FileKind::Temporary
        } else {
            FileKind::Durable
        }
    }

    /// True for the files that every commit writes and syncs: segments, and those being made.
    pub(super) fn is_wal_file(self, name: &OsStr) -> bool {
        let name = name.as_bytes();
        let is_segment = name.len() == 24 && name.iter().all(u8::is_ascii_hexdigit);
        self == Self::Wal && (is_segment || name.starts_with(b"xlogtemp."))
    }
}

/// `t<backend>_<relation>` with an optional fork (`_fsm`) and segment (`.1`).
fn is_temporary_relation(name: &[u8]) -> bool {
    let Some(rest) = name.strip_prefix(b"t") else { return false };
    let Some(rest) = digits(rest).and_then(|rest| rest.strip_prefix(b"_")) else { return false };
    match digits(rest) {
        Some(rest) => matches!(rest.first(), None | Some(b'.' | b'_')),
        None => false,
    }
}

/// What follows one or more leading digits.
fn digits(text: &[u8]) -> Option<&[u8]> {
    let n = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    (n > 0).then(|| &text[n..])
}

#[cfg(test)]
mod tests {
    use super::{Class, FileKind, OsStr};

    #[test]
    fn folders() {
        let class = |parent: Class, name: &str| parent.of_folder(OsStr::new(name));
        assert_eq!(class(Class::Plain, "base"), Class::Plain);
        assert_eq!(class(Class::Plain, "pg_wal"), Class::Wal);
        assert_eq!(class(Class::Wal, "archive_status"), Class::Plain);
        assert_eq!(class(Class::Plain, "pgsql_tmp"), Class::Temporary);
        assert_eq!(class(Class::Plain, "pg_stat_tmp"), Class::Temporary);
        assert_eq!(class(Class::Temporary, "pgsql_tmp12.0.fileset"), Class::Temporary);
        assert_eq!(class(Class::Temporary, "any"), Class::Temporary);
    }

    #[test]
    fn temporary_files() {
        let temporary = |name: &str| Class::Plain.of_file(OsStr::new(name)) == FileKind::Temporary;
        for name in ["t3_16384", "t3_16384.1", "t12_16384_fsm", "t3_16384_vm.2"] {
            assert!(temporary(name), "{name}");
        }
        for name in ["16384", "t", "t3", "t3_", "t_3", "t3_x", "t3_1x", "table", "16384_init"] {
            assert!(!temporary(name), "{name}");
        }
        assert_eq!(Class::Temporary.of_file(OsStr::new("x")), FileKind::Temporary);
    }

    #[test]
    fn wal_files() {
        let wal = |class: Class, name: &str| class.is_wal_file(OsStr::new(name));
        assert!(wal(Class::Wal, "000000010000000000000001"));
        assert!(wal(Class::Wal, "xlogtemp.4711"));
        assert!(!wal(Class::Wal, "00000002.history"));
        assert!(!wal(Class::Wal, "00000001000000000000000"));
        assert!(!wal(Class::Plain, "000000010000000000000001"));
    }
}
