//! Length-preserving encryption of stored units.

use std::sync::Mutex;

use base::Secret;

use crate::Error;
use crate::sys::{Direction, XtsContext};

/// Bytes of one encrypted unit.
pub const UNIT_BYTES: usize = 4096;

/// Contexts kept for the next call; more than this work at once are made and dropped.
const POOL: usize = 16;

/// `AES-256-XTS(key 1 ‖ key 2, tweak = unit number)` over units of 4096 bytes
/// (IEEE 1619-2018, NIST SP 800-38E). Works from many threads at once.
pub struct Xts {
    key: Secret<Vec<u8>>,
    encrypt: Mutex<Vec<XtsContext>>,
    decrypt: Mutex<Vec<XtsContext>>,
}

impl Xts {
    /// Takes key 1 ‖ key 2. The halves must differ (FIPS 140-3 implementation guidance C.I).
    pub fn new(key: &[u8; 64]) -> Result<Self, Error> {
        if crate::constant_time_eq(&key[..32], &key[32..]) {
            return Err(Error::MalformedKey);
        }
        Ok(Self {
            key: Secret::new(key.to_vec()),
            encrypt: Mutex::new(Vec::new()),
            decrypt: Mutex::new(Vec::new()),
        })
    }

    /// Encrypts whole units in place; the first is number `first`.
    pub fn encrypt(&self, first: u64, units: &mut [u8]) -> Result<(), Error> {
        self.apply(Direction::Encrypt, first, units)
    }

    /// Decrypts whole units in place; the first is number `first`.
    pub fn decrypt(&self, first: u64, units: &mut [u8]) -> Result<(), Error> {
        self.apply(Direction::Decrypt, first, units)
    }

    fn apply(&self, direction: Direction, first: u64, units: &mut [u8]) -> Result<(), Error> {
        if !units.len().is_multiple_of(UNIT_BYTES) {
            return Err(Error::Length);
        }
        let pool = match direction {
            Direction::Encrypt => &self.encrypt,
            Direction::Decrypt => &self.decrypt,
        };
        let pooled = lock(pool).pop();
        let mut context = match pooled {
            Some(context) => context,
            None => {
                let key = self.key.expose().as_slice().try_into();
                XtsContext::new(key.map_err(|_| Error::MalformedKey)?, direction)?
            }
        };
        for (number, unit) in (first..).zip(units.chunks_exact_mut(UNIT_BYTES)) {
            context.apply(number, unit)?;
        }
        let mut pool = lock(pool);
        if pool.len() < POOL {
            pool.push(context);
        }
        Ok(())
    }
}

/// A panic elsewhere cannot leave a context half-keyed, so a poisoned lock is still good.
fn lock(pool: &Mutex<Vec<XtsContext>>) -> std::sync::MutexGuard<'_, Vec<XtsContext>> {
    pool.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

impl std::fmt::Debug for Xts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Xts(…)")
    }
}
