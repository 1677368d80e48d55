//! Addresses with a prefix, as text has them: `10.1.2.3`, `10.0.0.0/8`, `fe80::1/64`.
//!
//! Kusto page "IP-prefix notation". Version 4 lies in version 6 at `::ffff:0:0/96`; a dotted
//! address behind `::` alone means the same.

use std::net::{Ipv4Addr, Ipv6Addr};

/// A version 4 address and how many of its bits count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct V4 {
    bits: u32,
    pub(super) prefix: u8,
}

impl V4 {
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (address, prefix) = split(text, 32)?;
        let address: Ipv4Addr = address.parse().ok()?;
        Some(Self { bits: address.to_bits(), prefix: prefix.unwrap_or(32) })
    }

    pub(super) fn of_long(n: i64) -> Option<Self> {
        Some(Self { bits: u32::try_from(n).ok()?, prefix: 32 })
    }

    /// With no more than so many bits.
    pub(super) fn at_most(self, prefix: u8) -> Self {
        Self { prefix: self.prefix.min(prefix), ..self }
    }

    /// The address without the bits that do not count.
    pub(super) fn network(self) -> u32 {
        self.bits & u32::MAX.checked_shl(32 - u32::from(self.prefix)).unwrap_or(0)
    }
}

/// A version 6 address, or a version 4 one inside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct V6 {
    bits: u128,
    prefix: u8,
    /// Whether it was written as a version 4 address
    pub(super) dotted: bool,
}

impl V6 {
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (address, prefix) = split(text, 128)?;
        let dotted = address.strip_prefix("::").unwrap_or(address);
        if let Ok(v4) = dotted.parse::<Ipv4Addr>() {
            let prefix = match prefix {
                Some(prefix) if prefix <= 32 => prefix + 96,
                other => other.unwrap_or(128),
            };
            return Some(Self { bits: v4.to_ipv6_mapped().to_bits(), prefix, dotted: true });
        }
        let address: Ipv6Addr = address.parse().ok()?;
        Some(Self { bits: address.to_bits(), prefix: prefix.unwrap_or(128), dotted: false })
    }

    pub(super) fn at_most(self, prefix: u8) -> Self {
        Self { prefix: self.prefix.min(prefix), ..self }
    }

    pub(super) fn prefix(self) -> u8 {
        self.prefix
    }

    pub(super) fn network(self) -> u128 {
        self.bits & u128::MAX.checked_shl(128 - u32::from(self.prefix)).unwrap_or(0)
    }
}

/// Address and prefix.
fn split(text: &str, most: u8) -> Option<(&str, Option<u8>)> {
    let text = text.trim();
    let Some((address, prefix)) = text.split_once('/') else { return Some((text, None)) };
    if prefix.is_empty() || !prefix.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    Some((address, Some(prefix.parse::<u8>().ok().filter(|prefix| *prefix <= most)?)))
}
