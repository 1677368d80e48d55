//! Mounting and unmounting: by `mount(2)` where allowed, else through `fusermount3`.
//!
//! We mount ourselves and hand the device to the FUSE crate. Its own way filters requests by
//! user, and so would refuse the modification times that a kernel thread writes back as root
//! into a mount of somebody else. Who may enter the mount is the kernel's decision alone.

use std::ffi::CString;
use std::fs::OpenOptions;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use rustix::mount::{MountFlags, UnmountFlags};
use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags};

use super::MountOptions;
use crate::Error;

/// The device by which the kernel talks to a FUSE file system.
const DEVICE: &str = "/dev/fuse";
/// The set-user-ID helper of fuse3, for those who may not mount themselves.
const HELPER: &str = "fusermount3";
/// `-o` of the helper, and the name by which a mount of ours is known.
const SOURCE: &str = "pgkeep";
const SUBTYPE: &str = "cryptfs";

/// Unmounts one mountpoint; may be called from any thread.
#[derive(Clone, Debug)]
pub struct Unmounter {
    mountpoint: PathBuf,
}

impl Unmounter {
    /// For the mount at `mountpoint`, ours or of another process.
    pub fn new(mountpoint: &Path) -> Self {
        Self { mountpoint: mountpoint.to_owned() }
    }

    /// Unmounts. `EBUSY` when somebody uses it, unless `lazy`: then it disappears from the tree
    /// at once and ends with its last user.
    pub fn unmount(&self, lazy: bool) -> io::Result<()> {
        let flags = if lazy { UnmountFlags::DETACH } else { UnmountFlags::empty() };
        match rustix::mount::unmount(&self.mountpoint, flags | UnmountFlags::NOFOLLOW) {
            Err(Errno::PERM) => self.unmount_by_helper(lazy),
            answer => Ok(answer?),
        }
    }

    fn unmount_by_helper(&self, lazy: bool) -> io::Result<()> {
        let mut command = Command::new(HELPER);
        command.env("LC_ALL", "C").stdin(Stdio::null()).arg("-u");
        if lazy {
            command.arg("-z");
        }
        let output = command.arg("--").arg(&self.mountpoint).output()?;
        if output.status.success() {
            return Ok(());
        }
        let text = String::from_utf8_lossy(&output.stderr);
        if text.contains("busy") {
            return Err(Errno::BUSY.into());
        }
        Err(io::Error::other(text.trim().to_owned()))
    }
}

/// Mounts at `mountpoint` and answers the device to serve.
pub(super) fn mount(mountpoint: &Path, options: &MountOptions) -> Result<OwnedFd, Error> {
    let io = |doing| move |errno: Errno| Error::Io { doing, source: errno.into() };
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let folder =
        rustix::fs::open(mountpoint, flags, Mode::empty()).map_err(io("open the mountpoint"))?;
    match OpenOptions::new().read(true).write(true).open(DEVICE) {
        Ok(device) => match mount_directly(folder.as_fd(), mountpoint, &device.into(), options) {
            Err(Errno::PERM) => mount_by_helper(mountpoint, options),
            Err(errno) => Err(io("mount")(errno)),
            Ok(device) => Ok(device),
        },
        // The helper may open the device where this process may not.
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            mount_by_helper(mountpoint, options)
        }
        Err(source) => Err(Error::Io { doing: "open /dev/fuse", source }),
    }
}

fn mount_directly(
    folder: BorrowedFd<'_>,
    mountpoint: &Path,
    device: &OwnedFd,
    options: &MountOptions,
) -> Result<OwnedFd, Errno> {
    let mode = rustix::fs::fstat(folder)?.st_mode;
    let uid = rustix::process::geteuid().as_raw();
    let gid = rustix::process::getegid().as_raw();
    let others = if options.allow_other { ",allow_other" } else { "" };
    let data = format!(
        "fd={},rootmode={mode:o},user_id={uid},group_id={gid},default_permissions{others}",
        device.as_raw_fd(),
    );
    let data = CString::new(data).expect("because numbers hold no zero byte");
    let mut flags = MountFlags::NODEV | MountFlags::NOSUID | MountFlags::NOATIME;
    if options.read_only {
        flags |= MountFlags::RDONLY;
    }
    let kind = format!("fuse.{SUBTYPE}");
    rustix::mount::mount(SOURCE, mountpoint, kind.as_str(), flags, data.as_c_str())?;
    rustix::io::fcntl_dupfd_cloexec(device, 3)
}

/// The helper sends the device over the socket that it finds as its standard input.
fn mount_by_helper(mountpoint: &Path, options: &MountOptions) -> Result<OwnedFd, Error> {
    let io = |doing: &'static str| move |source| Error::Io { doing, source };
    let (ours, theirs) = UnixStream::pair().map_err(io("make a socket pair"))?;
    let mut list =
        format!("default_permissions,nodev,nosuid,noatime,fsname={SOURCE},subtype={SUBTYPE}");
    if options.allow_other {
        list.push_str(",allow_other");
    }
    if options.read_only {
        list.push_str(",ro");
    }
    let output = Command::new(HELPER)
        .env("_FUSE_COMMFD", "0")
        .stdin(OwnedFd::from(theirs))
        .args(["-o", &list, "--"])
        .arg(mountpoint)
        .output()
        .map_err(io("run fusermount3"))?;
    if !output.status.success() {
        let text = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        return Err(io("mount through fusermount3")(io::Error::other(text)));
    }
    receive(&ours).map_err(io("take the device from fusermount3"))
}

fn receive(socket: &UnixStream) -> io::Result<OwnedFd> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let mut byte = [0_u8; 1];
    let mut parts = [io::IoSliceMut::new(&mut byte)];
    rustix::net::recvmsg(socket, &mut parts, &mut control, RecvFlags::CMSG_CLOEXEC)?;
    for message in control.drain() {
        if let RecvAncillaryMessage::ScmRights(mut devices) = message
            && let Some(device) = devices.next()
        {
            return Ok(device);
        }
    }
    Err(io::Error::other("no device came with the message"))
}

/// Refuses a mountpoint inside the backing folder, or a backing folder inside the mountpoint:
/// the file system would find itself below itself.
pub(super) fn refuse_overlap(tree: BorrowedFd<'_>, mountpoint: &Path) -> Result<(), Error> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let run = || -> Result<bool, Errno> {
        let point = rustix::fs::open(mountpoint, flags, Mode::empty())?;
        Ok(is_below(tree, point.as_fd())? || is_below(point.as_fd(), tree)?)
    };
    let doing = "look at the folders above the mountpoint";
    match run() {
        Ok(false) => Ok(()),
        Ok(true) => Err(Error::Refused(
            "the mountpoint and the backing folder lie within each other",
            Errno::INVAL,
        )),
        Err(errno) => Err(Error::Io { doing, source: errno.into() }),
    }
}

fn is_below(folder: BorrowedFd<'_>, above: BorrowedFd<'_>) -> Result<bool, Errno> {
    let id = |fd: BorrowedFd<'_>| rustix::fs::fstat(fd).map(|stat| (stat.st_dev, stat.st_ino));
    let wanted = id(above)?;
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let mut at = rustix::io::fcntl_dupfd_cloexec(folder, 3)?;
    loop {
        let here = id(at.as_fd())?;
        if here == wanted {
            return Ok(true);
        }
        let up = rustix::fs::openat(&at, "..", flags, Mode::empty())?;
        if id(up.as_fd())? == here {
            return Ok(false);
        }
        at = up;
    }
}
