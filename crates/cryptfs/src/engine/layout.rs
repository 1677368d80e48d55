//! Where things lie in a backing file. All arithmetic of the format is in this file.
//!
//! `header | MAC page 0 | units 0..256 | MAC page 1 | units 256..512 | …`, each piece 4096 bytes.

/// Bytes of a unit, of a MAC page and of the header.
pub(crate) const UNIT: u64 = 4096;
/// Units that share a MAC page.
pub(crate) const GROUP_UNITS: u64 = 256;
/// Largest logical size. A file of this size has 2^24 groups, whose numbers fit the dirty log.
pub(crate) const MAX_BYTES: u64 = 1 << 44;

/// Physical offset of group `g`'s MAC page.
pub(crate) fn mac_page_offset(group: u32) -> u64 {
    UNIT + u64::from(group) * (GROUP_UNITS + 1) * UNIT
}

/// Physical offset of unit `u`.
pub(crate) fn unit_offset(unit: u64) -> u64 {
    UNIT * (1 + (GROUP_UNITS + 1) * (unit / GROUP_UNITS) + 1 + unit % GROUP_UNITS)
}

/// Group that holds unit `u`.
pub(crate) fn group_of(unit: u64) -> u32 {
    u32::try_from(unit / GROUP_UNITS).expect("because MAX_BYTES bounds every unit number")
}

/// Position of unit `u` in its group.
pub(crate) fn slot_of(unit: u64) -> usize {
    (unit % GROUP_UNITS) as usize
}

/// First unit of group `g`.
pub(crate) fn first_unit(group: u32) -> u64 {
    u64::from(group) * GROUP_UNITS
}

/// Units that `len` logical bytes need.
pub(crate) fn units_for(len: u64) -> u64 {
    len.div_ceil(UNIT)
}

/// Groups that `units` units need.
pub(crate) fn groups_for(units: u64) -> u32 {
    u32::try_from(units.div_ceil(GROUP_UNITS)).expect("because MAX_BYTES bounds every unit number")
}

/// Physical size of a file of `units` units; without units it is the header alone.
pub(crate) fn physical_len(units: u64) -> u64 {
    match units.checked_sub(1) {
        Some(last) => unit_offset(last) + UNIT,
        None => UNIT,
    }
}

/// Units of a file of `len` physical bytes; a unit that is there in part counts.
pub(crate) fn units_in(physical_len: u64) -> u64 {
    let pieces = physical_len.div_ceil(UNIT).saturating_sub(1);
    let (groups, rest) = (pieces / (GROUP_UNITS + 1), pieces % (GROUP_UNITS + 1));
    groups * GROUP_UNITS + rest.saturating_sub(1)
}

/// Splits the units `first..end` at group boundaries: `(group, first unit, end unit)`.
pub(crate) fn by_group(first: u64, end: u64) -> impl Iterator<Item = (u32, u64, u64)> {
    let mut at = first;
    std::iter::from_fn(move || {
        (at < end).then(|| {
            let group = group_of(at);
            let stop = end.min(first_unit(group) + GROUP_UNITS);
            let part = (group, at, stop);
            at = stop;
            part
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn physical_and_logical_sizes_agree() {
        for units in [0, 1, 2, 255, 256, 257, 511, 512, 513, 100_000, MAX_BYTES / UNIT] {
            assert_eq!(units_in(physical_len(units)), units, "{units}");
        }
        // Shorter than a header, the header alone, a MAC page without units: no unit.
        for physical in [0, 1, 4095, 4096, 4097, 8192] {
            assert_eq!(units_in(physical), 0, "{physical}");
        }
        // A torn unit counts.
        assert_eq!(units_in(8193), 1);
        assert_eq!(units_in(physical_len(256) + 4096), 256);
        assert_eq!(units_in(physical_len(256) + 4097), 257);
    }

    #[test]
    fn offsets_are_those_of_the_format() {
        assert_eq!(mac_page_offset(0), 4096);
        assert_eq!(unit_offset(0), 8192);
        assert_eq!(unit_offset(255), 8192 + 255 * 4096);
        assert_eq!(mac_page_offset(1), 8192 + 256 * 4096);
        assert_eq!(unit_offset(256), 8192 + 257 * 4096);
    }

    #[test]
    fn splits_at_groups() {
        let parts: Vec<_> = by_group(250, 520).collect();
        assert_eq!(parts, [(0, 250, 256), (1, 256, 512), (2, 512, 520)]);
        assert_eq!(by_group(5, 5).count(), 0);
    }
}
