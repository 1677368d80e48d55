//! Arithmetic in GF(2^8) modulo x^8 + x^4 + x^3 + x^2 + 1, in time that does not depend on the
//! operands: no tables, no branches.

use std::hint::black_box;

/// The polynomial without its highest term.
const REDUCTION: u8 = 0x1d;

/// `a · b`.
pub(crate) fn multiply(mut a: u8, b: u8) -> u8 {
    let mut product = 0;
    for bit in 0..8 {
        product ^= a & mask(b >> bit);
        a = (a << 1) ^ (REDUCTION & mask(a >> 7));
    }
    product
}

/// `a⁻¹ = a^254`; 0 for 0.
pub(crate) fn invert(a: u8) -> u8 {
    let mut power = a;
    let mut inverse = 1;
    // 254 is 11111110 in binary: the product of a^2, a^4, … a^128.
    for _ in 0..7 {
        power = multiply(power, power);
        inverse = multiply(inverse, power);
    }
    inverse
}

/// All ones if the lowest bit is set, else zero; opaque, so that it does not become a branch.
fn mask(bit: u8) -> u8 {
    black_box(0u8.wrapping_sub(bit & 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Schoolbook: multiply the polynomials, then divide.
    fn slow(a: u8, b: u8) -> u8 {
        let mut product = 0u16;
        for bit in 0..8 {
            if b >> bit & 1 == 1 {
                product ^= u16::from(a) << bit;
            }
        }
        for bit in (8..16).rev() {
            if product >> bit & 1 == 1 {
                product ^= 0x11d << (bit - 8);
            }
        }
        product as u8
    }

    #[test]
    fn multiplies_and_inverts_everything() {
        for a in 0..=255 {
            for b in 0..=255 {
                assert_eq!(multiply(a, b), slow(a, b), "{a} · {b}");
            }
            assert_eq!(multiply(a, invert(a)), u8::from(a != 0), "{a}");
        }
    }
}
