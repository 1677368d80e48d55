//! Sets of addresses of IPv4 and IPv6, kept as ranges, said as prefixes.
//!
//! A range less is at most one range more, whatever the lengths of the prefixes: taking n prefixes
//! out of everything leaves at most n + 2 ranges, where prefixes would be up to 128 n.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Addresses from one to another, both included, of one family.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Range {
    is_six: bool,
    from: u128,
    to: u128,
}

/// A set of addresses: ranges in order that neither meet nor touch.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(crate) struct Addresses(Vec<Range>);

/// Addresses of an example, in the order in which they are preferred.
const EXAMPLES: &[IpAddr] = &[
    IpAddr::V4(Ipv4Addr::new(203, 0, 113, 7)),
    IpAddr::V4(Ipv4Addr::new(10, 0, 0, 7)),
    IpAddr::V4(Ipv4Addr::new(192, 168, 0, 7)),
    IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 7)),
    IpAddr::V4(Ipv4Addr::LOCALHOST),
    IpAddr::V6(Ipv6Addr::LOCALHOST),
];

impl Range {
    fn all(is_six: bool) -> Self {
        Self { is_six, from: 0, to: if is_six { u128::MAX } else { u128::from(u32::MAX) } }
    }

    fn meets(self, other: Self) -> bool {
        self.is_six == other.is_six && self.from <= other.to && other.from <= self.to
    }
}

fn number(address: IpAddr) -> (bool, u128) {
    match address {
        IpAddr::V4(four) => (false, u128::from(u32::from(four))),
        IpAddr::V6(six) => (true, u128::from(six)),
    }
}

fn address(is_six: bool, number: u128) -> IpAddr {
    match u32::try_from(number) {
        Ok(four) if !is_six => IpAddr::V4(Ipv4Addr::from(four)),
        _ => IpAddr::V6(Ipv6Addr::from(number)),
    }
}

impl Addresses {
    /// Every address of both families.
    pub(crate) fn all() -> Self {
        Self(vec![Range::all(false), Range::all(true)])
    }

    /// Every address of one family.
    pub(crate) fn family(is_six: bool) -> Self {
        Self(vec![Range::all(is_six)])
    }

    /// From one address to another; none where they are no range.
    pub(crate) fn between(first: IpAddr, last: IpAddr) -> Option<Self> {
        let ((is_six, from), (other, to)) = (number(first), number(last));
        (is_six == other && from <= to).then(|| Self(vec![Range { is_six, from, to }]))
    }

    /// Those that only the host itself has: 127.0.0.0/8 and ::1.
    pub(crate) fn loopback() -> Self {
        let four = Range { is_six: false, from: 127 << 24, to: (128 << 24) - 1 };
        Self(vec![four, Range { is_six: true, from: 1, to: 1 }])
    }

    /// A network by one of its addresses; none where the prefix is longer than an address.
    pub(crate) fn network(of: IpAddr, bits: u32) -> Option<Self> {
        let (is_six, number) = number(of);
        let whole = Range::all(is_six);
        if bits > if is_six { 128 } else { 32 } {
            return None;
        }
        let host = whole.to.checked_shr(bits).unwrap_or(0);
        Some(Self(vec![Range { is_six, from: number & !host, to: number | host }]))
    }

    /// Whether none is in it.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether an address is in it.
    pub(crate) fn has(&self, of: IpAddr) -> bool {
        let (is_six, from) = number(of);
        self.0.iter().any(|range| range.meets(Range { is_six, from, to: from }))
    }

    /// Those in both.
    pub(crate) fn and(&self, other: &Self) -> Self {
        let mut both = Vec::new();
        for a in &self.0 {
            for b in other.0.iter().filter(|b| a.meets(**b)) {
                let (from, to) = (a.from.max(b.from), a.to.min(b.to));
                both.push(Range { is_six: a.is_six, from, to });
            }
        }
        Self(both)
    }

    /// Whether some are in both.
    pub(crate) fn meets(&self, other: &Self) -> bool {
        self.0.iter().any(|a| other.0.iter().any(|b| a.meets(*b)))
    }

    /// Those that are not in the other.
    pub(crate) fn without(&self, other: &Self) -> Self {
        let mut left = Vec::with_capacity(self.0.len() + 1);
        for range in &self.0 {
            let mut from = Some(range.from);
            for hole in other.0.iter().filter(|hole| range.meets(**hole)) {
                let Some(start) = from else { break };
                if start < hole.from {
                    left.push(Range { from: start, to: hole.from - 1, ..*range });
                }
                from = hole.to.checked_add(1);
            }
            if let Some(from) = from.filter(|from| *from <= range.to) {
                left.push(Range { from, ..*range });
            }
        }
        Self(left)
    }

    /// Those in either.
    pub(crate) fn or(&self, other: &Self) -> Self {
        let mut all: Vec<Range> = self.0.iter().chain(&other.0).copied().collect();
        all.sort_unstable();
        let mut merged: Vec<Range> = Vec::with_capacity(all.len());
        for range in all {
            match merged.last_mut() {
                Some(last)
                    if last.is_six == range.is_six && range.from <= last.to.saturating_add(1) =>
                {
                    last.to = last.to.max(range.to);
                }
                _ => merged.push(range),
            }
        }
        Self(merged)
    }

    /// Whether some are not the host's own.
    pub(crate) fn is_remote(&self) -> bool {
        !self.without(&Self::loopback()).is_empty()
    }

    /// The prefixes that make up the set, none within another, at most `most`; none where there
    /// are more.
    pub(crate) fn prefixes(&self, most: usize) -> Option<Vec<String>> {
        let mut texts = Vec::new();
        for range in &self.0 {
            let width = if range.is_six { 128 } else { 32 };
            let mut from = range.from;
            loop {
                if texts.len() == most {
                    return None;
                }
                // The largest block that begins here and does not reach beyond the range.
                let mut free = from.trailing_zeros().min(width);
                while last(from, free) > range.to {
                    free -= 1;
                }
                texts.push(format!("{}/{}", address(range.is_six, from), width - free));
                match last(from, free).checked_add(1) {
                    Some(next) if next <= range.to => from = next,
                    _ => break,
                }
            }
        }
        Some(texts)
    }

    /// One of them, one that is not the host's own if there is any.
    pub(crate) fn example(&self) -> Option<IpAddr> {
        let preferred = EXAMPLES.iter().copied().find(|a| !a.is_loopback() && self.has(*a));
        let remote = self.without(&Self::loopback());
        // The first address of a network stands for the network.
        let one =
            |range: &Range| address(range.is_six, range.from + u128::from(range.from < range.to));
        preferred
            .or_else(|| remote.0.first().map(one))
            .or_else(|| EXAMPLES.iter().copied().find(|a| self.has(*a)))
            .or_else(|| self.0.first().map(one))
    }
}

/// The last address of a block with so many free bits.
fn last(from: u128, free: u32) -> u128 {
    from | u128::MAX.checked_shr(128 - free).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn net(text: &str) -> Addresses {
        let (at, bits) = text.split_once('/').unwrap();
        Addresses::network(at.parse().unwrap(), bits.parse().unwrap()).unwrap()
    }

    fn said(set: &Addresses) -> String {
        set.prefixes(1000).unwrap().join(" ")
    }

    #[test]
    fn prefixes_are_exact() {
        assert_eq!(said(&Addresses::all()), "0.0.0.0/0 ::/0");
        assert_eq!(said(&Addresses::loopback()), "127.0.0.0/8 ::1/128");
        assert_eq!(said(&net("10.1.2.3/8")), "10.0.0.0/8");
        assert_eq!(said(&net("::/0").without(&net("8000::/1"))), "::/1");
        let left = net("10.0.0.0/8").without(&net("10.128.0.0/9")).without(&net("10.0.0.0/10"));
        assert_eq!(said(&left), "10.64.0.0/10");
        let left = net("10.0.0.0/30").without(&net("10.0.0.1/32"));
        assert_eq!(said(&left), "10.0.0.0/32 10.0.0.2/31");
        assert_eq!(said(&left.or(&net("10.0.0.1/32"))), "10.0.0.0/30");
        assert!(Addresses::all().without(&Addresses::all()).is_empty());
        assert!(Addresses::network(IpAddr::V4(Ipv4Addr::LOCALHOST), 33).is_none());
        assert_eq!(Addresses::all().without(&net("10.0.0.1/32")).prefixes(20), None);
    }

    fn small() -> impl Strategy<Value = Addresses> {
        let one = (any::<bool>(), 0..16_u32, 0..5_u32).prop_map(|(is_six, low, free)| {
            let (at, width) = if is_six {
                (IpAddr::V6(Ipv6Addr::from(u128::MAX - 15 + u128::from(low))), 128)
            } else {
                (IpAddr::V4(Ipv4Addr::from(u32::MAX - 15 + low)), 32)
            };
            Addresses::network(at, width - free).unwrap()
        });
        proptest::collection::vec(one, 0..6)
            .prop_map(|all| all.iter().fold(Addresses::default(), |set, one| set.or(one)))
    }

    proptest! {
        #[test]
        fn sets_are_sets(a in small(), b in small()) {
            let (and, or, without) = (a.and(&b), a.or(&b), a.without(&b));
            let mut from_prefixes = Addresses::default();
            for text in or.prefixes(1000).unwrap() {
                prop_assert!(!from_prefixes.meets(&net(&text)));
                from_prefixes = from_prefixes.or(&net(&text));
            }
            prop_assert_eq!(&from_prefixes, &or);
            prop_assert_eq!(a.meets(&b), !and.is_empty());
            for low in 0..16_u32 {
                for at in [IpAddr::V4(Ipv4Addr::from(u32::MAX - low)),
                           IpAddr::V6(Ipv6Addr::from(u128::MAX - u128::from(low)))] {
                    prop_assert_eq!(and.has(at), a.has(at) && b.has(at));
                    prop_assert_eq!(or.has(at), a.has(at) || b.has(at));
                    prop_assert_eq!(without.has(at), a.has(at) && !b.has(at));
                }
            }
        }
    }
}
