//! Packages of other languages that tests are run with, installed once from lock files.
//!
//! They lie below cargo's target folder. Each folder keeps a copy of the lock file it was made
//! from, written last: a folder that was left half made, or whose lock changed, is made anew.

mod npm;
mod python;

use std::path::{Path, PathBuf};

use crate::failure::{Doing, Outcome};
use crate::repo;

pub(crate) use npm::Modules;
pub(crate) use python::Environment;

/// The lock file, in the words of the folder's own name.
const MARK: &str = "made-from";

/// Answers the folder `NAME` of this lock; `make` fills an empty one.
fn folder(name: &str, lock: &str, make: impl FnOnce(&Path) -> Outcome) -> Outcome<PathBuf> {
    let path = repo::target_dir().join("packages").join(name);
    let mark = path.join(MARK);
    if std::fs::read_to_string(&mark).is_ok_and(|made_from| made_from == lock) {
        return Ok(path);
    }
    if path.exists() {
        std::fs::remove_dir_all(&path).doing(|| format!("remove \"{}\"", path.display()))?;
    }
    std::fs::create_dir_all(&path).doing(|| format!("make \"{}\"", path.display()))?;
    make(&path)?;
    std::fs::write(&mark, lock).doing(|| format!("write \"{}\"", mark.display()))?;
    Ok(path)
}

fn read(path: &Path) -> Outcome<String> {
    std::fs::read_to_string(path).doing(|| format!("read \"{}\"", path.display()))
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use crate::failure::Failure;

    #[test]
    fn a_folder_is_made_once_for_each_lock() {
        let name = format!("test-{}", std::process::id());
        let n_made = Cell::new(0);
        let folder = |lock: &str| {
            super::folder(&name, lock, |path| {
                assert_eq!(std::fs::read_dir(path).unwrap().count(), 0, "it is empty");
                std::fs::write(path.join("x"), lock).unwrap();
                n_made.set(n_made.get() + 1);
                if lock == "bad" { Err(Failure::new("no network")) } else { Ok(()) }
            })
        };
        let path = folder("a").unwrap();
        assert_eq!((folder("a").unwrap(), n_made.get()), (path.clone(), 1));
        assert_eq!((folder("b").unwrap(), n_made.get()), (path.clone(), 2));
        assert!(folder("bad").is_err() && folder("bad").is_err());
        assert_eq!(n_made.get(), 4, "what failed is tried again");
        std::fs::remove_dir_all(path).unwrap();
    }
}
