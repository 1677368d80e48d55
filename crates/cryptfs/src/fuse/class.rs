//! What a name tells about a file: PostgreSQL's naming decides its key.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use crate::FileKind;

/// What a folder holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Class {
    /// Nothing special.
    #[default]
    Plain,
    /// Temporary files: `pgsql_tmp…`, `pg_stat_tmp`, and everything below them.
    Temporary,
}

impl Class {
    /// The class of the folder `name` in a folder of this class.
    pub(super) fn of_folder(self, name: &OsStr) -> Self {
        let name = name.as_bytes();
        if self == Self::Temporary || name.starts_with(b"pgsql_tmp") || name == b"pg_stat_tmp" {
            Self::Temporary
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
        assert_eq!(class(Class::Plain, "pg_wal"), Class::Plain);
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
}
