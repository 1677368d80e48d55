//! Sealing and opening units: cipher, code, holes.

use crypto::{MAC_BYTES, constant_time_eq};

use super::keys::FileKeys;
use super::layout::UNIT;

const DATA: [u8; 4] = *b"data";
const HOLE: [u8; 4] = *b"hole";

/// The code of one unit.
pub(crate) type Code = [u8; MAC_BYTES];

/// No code was ever stored here. Never valid: a clean group has a code for each of its units.
pub(crate) const NO_CODE: Code = [0; MAC_BYTES];

/// A unit that does not match its code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mismatch {
    pub(crate) unit: u64,
    pub(crate) reason: &'static str,
}

impl FileKeys {
    /// Encrypts `units` in place, the first being number `first`, and returns their codes.
    pub(crate) fn seal(&self, first: u64, units: &mut [u8]) -> Vec<Code> {
        self.xts.encrypt(first, units).expect("because whole units are passed");
        self.codes(first, units)
    }

    /// The codes of sealed units.
    pub(crate) fn codes(&self, first: u64, sealed: &[u8]) -> Vec<Code> {
        let Some(mac) = &self.mac else { return Vec::new() };
        (first..)
            .zip(sealed.chunks_exact(UNIT as usize))
            .map(|(number, unit)| mac.code(number, DATA, unit))
            .collect()
    }

    /// The code of a unit that was allocated but never written.
    pub(crate) fn hole_code(&self, number: u64) -> Code {
        self.mac.as_ref().map_or(NO_CODE, |mac| mac.code(number, HOLE, &[]))
    }

    /// Whether a sealed unit and its code belong together; the reason when not.
    ///
    /// An all-zero unit is only ever a hole: a ciphertext of zeros has probability 2^-32768.
    pub(crate) fn verify(&self, number: u64, sealed: &[u8], code: &Code) -> Result<(), Mismatch> {
        let Some(mac) = &self.mac else { return Ok(()) };
        let (right, reason) = if is_zero(sealed) {
            (self.hole_code(number), "unit was zeroed, or its authentication code was changed")
        } else {
            (mac.code(number, DATA, sealed), "unit does not match its authentication code")
        };
        if constant_time_eq(&right, code) {
            Ok(())
        } else if *code == NO_CODE {
            Err(Mismatch { unit: number, reason: "unit has no authentication code" })
        } else {
            Err(Mismatch { unit: number, reason })
        }
    }

    /// The code that makes a sealed unit valid as it stands: for recovery only.
    pub(crate) fn accept(&self, number: u64, sealed: &[u8]) -> Code {
        match &self.mac {
            Some(mac) if !is_zero(sealed) => mac.code(number, DATA, sealed),
            _ => self.hole_code(number),
        }
    }

    /// Decrypts verified units in place; holes stay zeros.
    pub(crate) fn open(&self, first: u64, units: &mut [u8]) {
        let size = UNIT as usize;
        let n_units = units.len() / size;
        let mut start = 0;
        // Runs between holes are decrypted in one call each.
        for at in 0..=n_units {
            let hole = at < n_units && is_zero(&units[at * size..(at + 1) * size]);
            if hole || at == n_units {
                if start < at {
                    let run = &mut units[start * size..at * size];
                    self.xts
                        .decrypt(first + start as u64, run)
                        .expect("because whole units are passed");
                }
                start = at + 1;
            }
        }
    }
}

/// Whether all bytes are zero. Ciphertext differs in its first bytes, so this ends early.
pub(crate) fn is_zero(bytes: &[u8]) -> bool {
    let (words, tail) = bytes.as_chunks::<16>();
    words.iter().all(|word| u128::from_ne_bytes(*word) == 0) && tail.iter().all(|b| *b == 0)
}
