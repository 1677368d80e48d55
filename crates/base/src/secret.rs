//! A value that must not leave the process by accident.

use zeroize::Zeroize;

/// Wraps a secret: no Display, no Serialize, no Clone; Debug says only that something is there.
///
/// Zeroised on drop. For keys that must also stay out of swap and core dumps see `crypto`.
pub struct Secret<T: Zeroize>(T);

impl<T: Zeroize> Secret<T> {
    /// Takes the value in; the caller zeroises any copy it kept.
    pub fn new(value: T) -> Self {
        Self(value)
    }

    /// The value itself. Named loudly so that a reader sees each place where it is used.
    pub fn expose(&self) -> &T {
        &self.0
    }

    /// The value itself, to be changed in place.
    pub fn expose_mut(&mut self) -> &mut T {
        &mut self.0
    }
}

impl<T: Zeroize> Drop for Secret<T> {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl<T: Zeroize> std::fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(…)")
    }
}
