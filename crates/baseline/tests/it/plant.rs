//! Files that an example makes, and what was there before.

use std::os::unix::fs::{MetadataExt as _, PermissionsExt, chown, lchown, symlink};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};
use std::{fs, io};

use baseline::{ExampleFile, Host};

use crate::dates::dated;

/// What comes back afterwards.
#[derive(Default)]
pub(crate) struct Planted {
    before: Vec<(PathBuf, Option<Before>)>,
    /// What stands for places of this machine, as `{pgdata}`
    words: Vec<(&'static str, String)>,
}

struct Before {
    mode: u32,
    owner: (u32, u32),
    text: Option<Vec<u8>>,
}

impl Planted {
    /// Makes the files of an example, in their order.
    pub(crate) fn make(
        &mut self,
        host: &Host,
        files: &[ExampleFile],
        words: Vec<(&'static str, String)>,
    ) -> Result<(), String> {
        self.words = words;
        for file in files {
            let path = host.path(self.spelled(&file.path));
            let in_data = path.starts_with(host.pgdata());
            self.plant(&path, file, in_data).map_err(|error| format!("{}: {error}", file.path))?;
        }
        Ok(())
    }

    fn spelled(&self, text: &str) -> String {
        self.words.iter().fold(text.to_owned(), |text, (word, value)| text.replace(word, value))
    }

    fn plant(&mut self, path: &Path, file: &ExampleFile, in_data: bool) -> io::Result<()> {
        let before = match fs::symlink_metadata(path) {
            Ok(found) => {
                let text = if found.is_file() { Some(fs::read(path)?) } else { None };
                let mode = found.mode() & 0o7777;
                Some(Before { mode, owner: (found.uid(), found.gid()), text })
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        let is_new = before.is_none();
        self.before.push((path.to_owned(), before));
        // Folders on the way that an example did not name go with it.
        let on_the_way = path.ancestors().skip(1).take_while(|folder| !folder.exists());
        let made: Vec<PathBuf> = on_the_way.map(Path::to_owned).collect();
        for folder in made.into_iter().rev() {
            fs::create_dir(&folder)?;
            self.before.insert(self.before.len() - 1, (folder, None));
        }
        match (&file.link, &file.text) {
            (Some(target), _) => symlink(self.spelled(target), path)?,
            (None, _) if file.folder => fs::create_dir_all(path)?,
            (None, Some(text)) => fs::write(path, dated(&self.spelled(text)))?,
            (None, None) if is_new => fs::write(path, "")?,
            (None, None) => {}
        }
        let server = testkit::server_user();
        let of_server = (server.uid, server.gid);
        let owner = match file.owner.as_deref() {
            None if !in_data => None,
            None if is_new => Some(of_server),
            None => None,
            Some("server") => Some(of_server),
            Some("root") => Some((0, 0)),
            Some(number) => {
                let uid = number.parse().map_err(|_| io::Error::other("an odd owner"))?;
                Some((uid, uid))
            }
        };
        if let Some((uid, gid)) = owner.filter(|_| !server.is_current()) {
            let change = if file.link.is_some() { lchown } else { chown };
            change(path, Some(uid), Some(gid))?;
        }
        if let Some(mode) = &file.mode {
            let mode = u32::from_str_radix(mode, 8).map_err(|_| io::Error::other("an odd mode"))?;
            fs::set_permissions(path, PermissionsExt::from_mode(mode))?;
        }
        if let Some(hours) = file.age_hours {
            let at = SystemTime::now() - Duration::from_secs(u64::from(hours) * 3600);
            fs::File::options().write(true).open(path)?.set_modified(at)?;
        }
        Ok(())
    }

    /// Takes back what was made.
    pub(crate) fn clean(&mut self) -> Result<(), String> {
        for (path, before) in std::mem::take(&mut self.before).into_iter().rev() {
            restore(&path, before).map_err(|error| format!("{}: {error}", path.display()))?;
        }
        Ok(())
    }
}

fn restore(path: &Path, before: Option<Before>) -> io::Result<()> {
    let Some(before) = before else {
        return match fs::symlink_metadata(path) {
            Ok(found) if found.is_dir() => fs::remove_dir_all(path),
            Ok(_) => fs::remove_file(path),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error),
        };
    };
    if let Some(text) = &before.text {
        fs::write(path, text)?;
    }
    if !testkit::server_user().is_current() {
        chown(path, Some(before.owner.0), Some(before.owner.1))?;
    }
    fs::set_permissions(path, PermissionsExt::from_mode(before.mode))
}
