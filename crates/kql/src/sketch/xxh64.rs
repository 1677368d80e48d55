//! XXH64, the hash that Kusto's `hash()` and its sketches use (xxHash specification 0.1.1).

const P1: u64 = 0x9E37_79B1_85EB_CA87;
const P2: u64 = 0xC2B2_AE3D_27D4_EB4F;
const P3: u64 = 0x1656_67B1_9E37_79F9;
const P4: u64 = 0x85EB_CA77_C2B2_AE63;
const P5: u64 = 0x27D4_EB2F_1656_67C5;

fn round(acc: u64, lane: u64) -> u64 {
    acc.wrapping_add(lane.wrapping_mul(P2)).rotate_left(31).wrapping_mul(P1)
}

fn lane(bytes: &[u8]) -> u64 {
    let mut eight = [0; 8];
    let n = bytes.len().min(8);
    eight[..n].copy_from_slice(&bytes[..n]);
    u64::from_le_bytes(eight)
}

/// The 64-bit hash of `bytes` with seed 0.
pub(crate) fn xxh64(bytes: &[u8]) -> u64 {
    let mut rest = bytes;
    let mut h = if bytes.len() >= 32 {
        let mut v = [P1.wrapping_add(P2), P2, 0, 0_u64.wrapping_sub(P1)];
        while let Some((stripe, after)) = rest.split_at_checked(32) {
            for (acc, eight) in v.iter_mut().zip(stripe.chunks_exact(8)) {
                *acc = round(*acc, lane(eight));
            }
            rest = after;
        }
        let turned =
            v.iter().zip([1, 7, 12, 18]).fold(0_u64, |h, (v, r)| h.wrapping_add(v.rotate_left(r)));
        v.iter().fold(turned, |h, v| (h ^ round(0, *v)).wrapping_mul(P1).wrapping_add(P4))
    } else {
        P5
    };
    h = h.wrapping_add(bytes.len() as u64);
    while let Some((eight, after)) = rest.split_at_checked(8) {
        h = (h ^ round(0, lane(eight))).rotate_left(27).wrapping_mul(P1).wrapping_add(P4);
        rest = after;
    }
    if let Some((four, after)) = rest.split_at_checked(4) {
        h ^= lane(four).wrapping_mul(P1);
        h = h.rotate_left(23).wrapping_mul(P2).wrapping_add(P3);
        rest = after;
    }
    for byte in rest {
        h = (h ^ u64::from(*byte).wrapping_mul(P5)).rotate_left(11).wrapping_mul(P1);
    }
    h = (h ^ (h >> 33)).wrapping_mul(P2);
    h = (h ^ (h >> 29)).wrapping_mul(P3);
    h ^ (h >> 32)
}
