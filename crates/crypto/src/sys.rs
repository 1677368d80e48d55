//! The unsafe corner: locked memory, and AES-256-XTS, AES key wrap and MD5 through AWS-LC's C
//! interface.
#![allow(unsafe_code)]

pub(crate) mod keywrap;
pub(crate) mod md5;

use std::ptr::{self, NonNull};

use aws_lc_sys as lc;
use zeroize::Zeroize;

use crate::Error;

/// `N` bytes on a page of their own: locked where permitted, left out of core dumps, not
/// inherited by children of `fork`, zeroised before the page goes back.
pub(crate) struct LockedBytes<const N: usize> {
    page: NonNull<[u8; N]>,
    locked: bool,
}

const PAGE: usize = 4096;

impl<const N: usize> LockedBytes<N> {
    pub(crate) fn new() -> Self {
        use rustix::mm::{Advice, MapFlags, ProtFlags, madvise, mlock, mmap_anonymous};
        assert!(N <= PAGE, "because a secret fits a page");
        // SAFETY: an anonymous private mapping at an address of the kernel's choice aliases
        // nothing; it stays mapped until `drop`, and mlock and madvise get exactly its range.
        unsafe {
            let page = mmap_anonymous(
                ptr::null_mut(),
                PAGE,
                ProtFlags::READ | ProtFlags::WRITE,
                MapFlags::PRIVATE,
            )
            .expect("because a process without one free page cannot go on");
            let locked = mlock(page, PAGE).is_ok();
            // Refused only by kernels that do not know the advice; core dumps are off anyway.
            let _ = madvise(page, PAGE, Advice::LinuxDontDump);
            let _ = madvise(page, PAGE, Advice::LinuxDontFork);
            let page = NonNull::new(page.cast()).expect("because mmap never returns null");
            Self { page, locked }
        }
    }

    pub(crate) fn is_locked(&self) -> bool {
        self.locked
    }

    pub(crate) fn as_ref(&self) -> &[u8; N] {
        // SAFETY: the page is mapped, zero-filled and at least N bytes; borrows follow self.
        unsafe { self.page.as_ref() }
    }

    pub(crate) fn as_mut(&mut self) -> &mut [u8; N] {
        // SAFETY: as above, and `&mut self` makes the borrow unique.
        unsafe { self.page.as_mut() }
    }
}

impl<const N: usize> Drop for LockedBytes<N> {
    fn drop(&mut self) {
        self.as_mut().zeroize();
        // SAFETY: exactly the mapping made in `new`, unmapped once; unmapping unlocks it.
        // An error would leave a zeroed page mapped, which is harmless.
        unsafe {
            let _ = rustix::mm::munmap(self.page.as_ptr().cast(), PAGE);
        }
    }
}

// SAFETY: the page is owned by the value and has no thread affinity.
unsafe impl<const N: usize> Send for LockedBytes<N> {}
// SAFETY: shared access is read-only (`as_ref`).
unsafe impl<const N: usize> Sync for LockedBytes<N> {}

/// Which way an XTS context works; AES has one key schedule each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    Encrypt,
    Decrypt,
}

/// One AES-256-XTS context: keyed once, then a tweak a unit.
pub(crate) struct XtsContext {
    context: NonNull<lc::EVP_CIPHER_CTX>,
}

impl XtsContext {
    /// `key`: key 1 ‖ key 2 as IEEE 1619 orders them; AWS-LC refuses equal halves.
    pub(crate) fn new(key: &[u8; 64], direction: Direction) -> Result<Self, Error> {
        // SAFETY: EVP_CIPHER_CTX_new returns null or a context that `drop` frees; Init reads
        // 64 key bytes for this cipher and no IV where the pointer is null.
        unsafe {
            let context =
                Self { context: NonNull::new(lc::EVP_CIPHER_CTX_new()).ok_or(Error::Library)? };
            let ok = lc::EVP_CipherInit_ex(
                context.context.as_ptr(),
                lc::EVP_aes_256_xts(),
                ptr::null_mut(),
                key.as_ptr(),
                ptr::null(),
                i32::from(direction == Direction::Encrypt),
            );
            if ok == 1 { Ok(context) } else { Err(Error::MalformedKey) }
        }
    }

    /// Works on one data unit in place. `unit` is a multiple of 16 bytes, at least 16.
    pub(crate) fn apply(&mut self, number: u64, unit: &mut [u8]) -> Result<(), Error> {
        let length = i32::try_from(unit.len()).map_err(|_| Error::Length)?;
        if length < 16 || length % 16 != 0 {
            return Err(Error::Length);
        }
        let mut tweak = [0u8; 16];
        tweak[..8].copy_from_slice(&number.to_le_bytes());
        let mut written = 0;
        // SAFETY: the context is keyed; Init with only an IV reads 16 bytes; Update writes
        // `length` bytes to the same buffer it reads (in-place is allowed for XTS).
        let ok = unsafe {
            lc::EVP_CipherInit_ex(
                self.context.as_ptr(),
                ptr::null(),
                ptr::null_mut(),
                ptr::null(),
                tweak.as_ptr(),
                -1,
            ) == 1
                && lc::EVP_CipherUpdate(
                    self.context.as_ptr(),
                    unit.as_mut_ptr(),
                    &mut written,
                    unit.as_ptr(),
                    length,
                ) == 1
        };
        if ok && written == length { Ok(()) } else { Err(Error::Library) }
    }
}

impl Drop for XtsContext {
    fn drop(&mut self) {
        // SAFETY: made by EVP_CIPHER_CTX_new, freed once; AWS-LC cleanses the key schedule.
        unsafe { lc::EVP_CIPHER_CTX_free(self.context.as_ptr()) }
    }
}

// SAFETY: a context is plain memory without thread affinity; `apply` takes `&mut self`.
unsafe impl Send for XtsContext {}
