//! What changes names: create, remove, rename, link; reading and syncing folders.

use std::ffi::OsStr;
use std::mem::MaybeUninit;
use std::os::fd::AsFd;
use std::path::Path;

use fuser::{FileAttr, FopenFlags, RenameFlags};
use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, RawDir, SeekFrom, Stat};
use rustix::io::Errno;

use super::class::Class;
use super::control;
use super::face::{Answer, Face, Open};
use super::handle::{self, Handle};
use super::nodes::{Place, ROOT};
use crate::FileKind;

/// Bytes of entries that are read at once.
const ENTRIES_BYTES: usize = 32 * 1024;

/// Who asks: user and group.
pub(super) type Caller = (u32, u32);

/// The answer to a new entry: attributes, and whether the kernel may keep them.
pub(super) type Entry = (FileAttr, bool);

impl Face {
    /// `open(2)` with `O_CREAT` of a name that was not there.
    pub(super) fn create(
        &self,
        caller: Caller,
        parent: u64,
        name: &OsStr,
        mode: u32,
        flags: i32,
    ) -> Answer<(Entry, u64, FopenFlags)> {
        refuse_control(parent, name)?;
        let folder = self.handle(parent)?;
        let class = self.nodes.class(parent);
        let bits = Mode::from_raw_mode(mode & 0o777);
        let entry = match handle::create_at(&self.store, folder.fd(), class, name, bits) {
            Ok(handle) => {
                self.adopt(&folder, &handle, caller, Some(mode))?;
                self.know(parent, name, handle)?
            }
            // It was made in the meantime by somebody else than this mount.
            Err(Errno::EXIST) if flags as u32 & OFlags::EXCL.bits() == 0 => {
                self.lookup(parent, name)?.ok_or(Errno::NOENT)?
            }
            Err(errno) => return Err(errno),
        };
        let ino = entry.0.ino.0;
        match self.open_created(ino) {
            Ok((fh, open)) => Ok((entry, fh, open)),
            Err(errno) => {
                // The kernel never hears of it, so it will not forget it either.
                self.nodes.forget(ino, 1);
                Err(errno)
            }
        }
    }

    /// Opens what was just made: for writing whatever its mode says.
    fn open_created(&self, ino: u64) -> Answer<(u64, FopenFlags)> {
        if !self.nodes.pin(ino) {
            return Err(Errno::STALE);
        }
        let file = self.handle(ino).and_then(|handle| handle.file().cloned());
        match file {
            Ok(file) => Ok((self.add_open(Open::File { ino, file }), FopenFlags::FOPEN_KEEP_CACHE)),
            Err(errno) => {
                self.nodes.unpin(ino);
                Err(errno)
            }
        }
    }

    /// `mknod(2)`. Devices can be made by root and do nothing: the mount has `nodev`.
    pub(super) fn mknod(
        &self,
        caller: Caller,
        parent: u64,
        name: &OsStr,
        mode: u32,
        device: u32,
    ) -> Answer<Entry> {
        refuse_control(parent, name)?;
        let folder = self.handle(parent)?;
        let class = self.nodes.class(parent);
        let bits = Mode::from_raw_mode(mode & 0o777);
        let handle = match FileType::from_raw_mode(mode) {
            FileType::RegularFile => {
                handle::create_at(&self.store, folder.fd(), class, name, bits)?
            }
            FileType::Directory | FileType::Symlink | FileType::Unknown => {
                return Err(Errno::INVAL);
            }
            kind => {
                let device = handle::decode_device(device);
                rustix::fs::mknodat(folder.fd(), name, kind, bits, device)?;
                self.open_new(&folder, class, name)?
            }
        };
        self.adopt(&folder, &handle, caller, Some(mode))?;
        self.know(parent, name, handle)
    }

    /// `mkdir(2)`.
    pub(super) fn mkdir(
        &self,
        caller: Caller,
        parent: u64,
        name: &OsStr,
        mode: u32,
    ) -> Answer<Entry> {
        refuse_control(parent, name)?;
        let folder = self.handle(parent)?;
        rustix::fs::mkdirat(folder.fd(), name, Mode::from_raw_mode(mode & 0o777))?;
        let handle = self.open_new(&folder, self.nodes.class(parent), name)?;
        self.adopt(&folder, &handle, caller, Some(mode))?;
        self.know(parent, name, handle)
    }

    /// `symlink(2)`.
    pub(super) fn symlink(
        &self,
        caller: Caller,
        parent: u64,
        name: &OsStr,
        target: &Path,
    ) -> Answer<Entry> {
        refuse_control(parent, name)?;
        let folder = self.handle(parent)?;
        rustix::fs::symlinkat(target, folder.fd(), name)?;
        let handle = self.open_new(&folder, self.nodes.class(parent), name)?;
        self.adopt(&folder, &handle, caller, None)?;
        self.know(parent, name, handle)
    }

    fn open_new(&self, folder: &Handle, class: Class, name: &OsStr) -> Answer<Handle> {
        let stat = handle::stat_at(folder.fd(), name)?;
        handle::open_at(&self.store, folder.fd(), class, name, &stat)
    }

    /// `link(2)`; the answer carries the new number of links.
    pub(super) fn link(&self, ino: u64, parent: u64, name: &OsStr) -> Answer<Entry> {
        refuse_control(parent, name)?;
        if ino == control::INO {
            return Err(Errno::PERM);
        }
        let (handle, folder) = (self.handle(ino)?, self.handle(parent)?);
        self.refuse_change_of_kind(&handle, self.kind_of(ino), self.kind_at(parent, name))?;
        let from = handle.proc_path();
        rustix::fs::linkat(CWD, from, folder.fd(), name, AtFlags::SYMLINK_FOLLOW)?;
        self.know(parent, name, handle)
    }

    /// `readlink(2)`.
    pub(super) fn readlink(&self, ino: u64) -> Answer<Vec<u8>> {
        let handle = self.handle(ino)?;
        Ok(rustix::fs::readlinkat(handle.fd(), "", Vec::new())?.into_bytes())
    }

    /// `unlink(2)` and, with `REMOVEDIR`, `rmdir(2)`.
    pub(super) fn remove(&self, parent: u64, name: &OsStr, flags: AtFlags) -> Answer<()> {
        refuse_control(parent, name)?;
        let folder = self.handle(parent)?;
        let stat = handle::stat_at(folder.fd(), name)?;
        self.losing_name(&stat, Place::new(parent, name), || {
            rustix::fs::unlinkat(folder.fd(), name, flags)
        })
    }

    /// Runs `removal`, after which `place` is no name of the object any more. What the kernel
    /// still knows gets its handle first: afterwards it could not be opened.
    fn losing_name(
        &self,
        stat: &Stat,
        place: Place,
        removal: impl FnOnce() -> Answer<()>,
    ) -> Answer<()> {
        let ino = stat.st_ino;
        let known = self.nodes.pin(ino);
        if known && self.nodes.place(ino).as_ref() == Some(&place) {
            // When even that fails the object is no use to anybody who still has it.
            if let Err(errno) = self.handle(ino) {
                tracing::warn!(ino, %errno, "could not keep an object that is being removed");
            }
        }
        let answer = removal();
        if answer.is_ok() {
            self.nodes.unnamed(ino, &place);
        }
        if known {
            self.nodes.unpin(ino);
        }
        answer
    }

    /// `renameat2(2)`: plain, `NOREPLACE` and `EXCHANGE`.
    pub(super) fn rename(
        &self,
        (parent, name): (u64, &OsStr),
        (new_parent, new_name): (u64, &OsStr),
        flags: RenameFlags,
    ) -> Answer<()> {
        refuse_control(parent, name)?;
        refuse_control(new_parent, new_name)?;
        let flags = match flags {
            flags if flags.is_empty() => rustix::fs::RenameFlags::empty(),
            RenameFlags::RENAME_NOREPLACE => rustix::fs::RenameFlags::NOREPLACE,
            RenameFlags::RENAME_EXCHANGE => rustix::fs::RenameFlags::EXCHANGE,
            _ => return Err(Errno::INVAL),
        };
        let (from, to) = (self.handle(parent)?, self.handle(new_parent)?);
        let moved = handle::stat_at(from.fd(), name)?;
        let target = match handle::stat_at(to.fd(), new_name) {
            Ok(stat) => Some(stat),
            Err(Errno::NOENT) => None,
            Err(errno) => return Err(errno),
        };
        let (here, there) = (Place::new(parent, name), Place::new(new_parent, new_name));
        self.refuse_rename(&moved, &here, &there)?;
        let rename = || rustix::fs::renameat_with(from.fd(), name, to.fd(), new_name, flags);
        if flags.contains(rustix::fs::RenameFlags::EXCHANGE) {
            let target = target.ok_or(Errno::NOENT)?;
            self.refuse_rename(&target, &there, &here)?;
            self.pinned(&moved, || self.pinned(&target, rename))?;
            self.renamed(&target, here);
        } else {
            self.pinned(&moved, || match &target {
                Some(target) => self.losing_name(target, there.clone(), rename),
                None => rename(),
            })?;
        }
        self.renamed(&moved, there);
        Ok(())
    }

    /// Runs `work` with the object's handle held, when the kernel knows the object.
    fn pinned(&self, stat: &Stat, work: impl FnOnce() -> Answer<()>) -> Answer<()> {
        if !self.nodes.pin(stat.st_ino) {
            return work();
        }
        let answer = self.handle(stat.st_ino).and_then(|_| work());
        self.nodes.unpin(stat.st_ino);
        answer
    }

    fn renamed(&self, stat: &Stat, to: Place) {
        let class = match FileType::from_raw_mode(stat.st_mode) {
            FileType::Directory => self.nodes.class(to.parent).of_folder(&to.name),
            _ => Class::Plain,
        };
        self.nodes.moved(stat.st_ino, to, class);
    }

    /// A file's key cannot change with its name: callers copy when they read `EXDEV`.
    fn refuse_rename(&self, stat: &Stat, from: &Place, to: &Place) -> Answer<()> {
        match FileType::from_raw_mode(stat.st_mode) {
            FileType::RegularFile => {
                let old = self.kind_at(from.parent, &from.name);
                let new = self.kind_at(to.parent, &to.name);
                if old == new || !self.nodes.pin(stat.st_ino) {
                    return if old == new { Ok(()) } else { Err(Errno::XDEV) };
                }
                let handle = self.handle(stat.st_ino);
                self.nodes.unpin(stat.st_ino);
                self.refuse_change_of_kind(&handle?, old, new)
            }
            FileType::Directory => {
                let old = self.nodes.class(from.parent).of_folder(&from.name);
                let new = self.nodes.class(to.parent).of_folder(&to.name);
                let differs = (old == Class::Temporary) != (new == Class::Temporary);
                if differs { Err(Errno::XDEV) } else { Ok(()) }
            }
            _ => Ok(()),
        }
    }

    fn refuse_change_of_kind(&self, handle: &Handle, old: FileKind, new: FileKind) -> Answer<()> {
        let is_full = match handle {
            Handle::File { file, .. } => !file.is_empty(),
            Handle::Unusable { .. } => true,
            _ => false,
        };
        if is_full && old != new { Err(Errno::XDEV) } else { Ok(()) }
    }

    fn kind_at(&self, parent: u64, name: &OsStr) -> FileKind {
        self.nodes.class(parent).of_file(name)
    }

    /// The kind by the name under which the file is known; durable without one.
    fn kind_of(&self, ino: u64) -> FileKind {
        let place = self.nodes.place(ino);
        place.map_or(FileKind::Durable, |place| self.kind_at(place.parent, &place.name))
    }

    /// Lists entries from `offset` on until `add(ino, next_offset, kind, name)` is full.
    ///
    /// Stateless: offsets are those of the backing folder, which stay valid while entries are
    /// removed.
    pub(super) fn readdir(
        &self,
        ino: u64,
        offset: u64,
        mut add: impl FnMut(u64, u64, fuser::FileType, &OsStr) -> bool,
    ) -> Answer<()> {
        use std::os::unix::ffi::OsStrExt;
        let fd = handle::open_folder(&self.handle(ino)?)?;
        if offset > 0 {
            rustix::fs::seek(&fd, SeekFrom::Start(offset))?;
        }
        let mut buffer = [MaybeUninit::uninit(); ENTRIES_BYTES];
        let mut entries = RawDir::new(&fd, &mut buffer);
        while let Some(entry) = entries.next() {
            let entry = entry?;
            let name = OsStr::from_bytes(entry.file_name().to_bytes());
            let kind = match entry.file_type() {
                FileType::Unknown => match handle::stat_at(fd.as_fd(), name) {
                    Ok(stat) => FileType::from_raw_mode(stat.st_mode),
                    Err(_) => continue,
                },
                kind => kind,
            };
            let Ok(kind) = handle::kind_of(kind) else { continue };
            let is_self = name == "." || name == "..";
            let number = if ino == ROOT && is_self { ROOT } else { entry.ino() };
            if add(number, entry.next_entry_cookie(), kind, name) {
                break;
            }
        }
        Ok(())
    }

    /// Makes creations, removals and renames in the folder durable.
    pub(super) fn fsyncdir(&self, ino: u64) -> Answer<()> {
        let fd = handle::open_folder(&self.handle(ino)?)?;
        rustix::fs::fsync(fd)?;
        Ok(())
    }

    /// Space and inodes of the backing file system.
    pub(super) fn statfs(&self) -> Answer<rustix::fs::StatVfs> {
        rustix::fs::fstatvfs(self.store.tree())
    }
}

fn refuse_control(parent: u64, name: &OsStr) -> Answer<()> {
    if control::is_control(parent, name) { Err(Errno::PERM) } else { Ok(()) }
}
