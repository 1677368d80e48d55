//! Sharing: round trips, refusals, and another implementation as judge.

use blahaj::Sharks;
use proptest::prelude::*;

use super::*;

fn again(share: &Share) -> Share {
    Share::from_text(share.to_text().expose()).unwrap()
}

fn pick(shares: &[Share], indices: &[usize]) -> Vec<Share> {
    indices.iter().map(|index| again(&shares[*index])).collect()
}

#[test]
fn any_threshold_of_the_shares_gives_the_secret() {
    let secret = [0xa5; 32];
    let shares = split(&secret, 3, 5).unwrap();
    for a in 0..5 {
        for b in 0..5 {
            for c in 0..5 {
                let combined = combine(&pick(&shares, &[a, b, c]));
                if a == b || b == c || a == c {
                    assert_eq!(combined.unwrap_err(), Error::TooFewShares);
                } else {
                    assert_eq!(combined.unwrap().expose(), &secret);
                }
            }
        }
    }
    assert_eq!(combine(&shares).unwrap().expose(), &secret);
    assert_eq!(combine(&[]).unwrap_err(), Error::TooFewShares);
}

#[test]
fn the_largest_set_works() {
    let secret = vec![9; MAX_SHARED_SECRET_BYTES];
    let shares = split(&secret, 255, 255).unwrap();
    assert_eq!(combine(&shares[..254]).unwrap_err(), Error::TooFewShares);
    assert_eq!(combine(&shares).unwrap().expose(), &secret);
}

#[test]
fn refuses_thresholds_and_lengths_outside_the_limits() {
    for (threshold, n_shares) in [(0, 5), (1, 5), (6, 5), (2, 1)] {
        assert_eq!(split(b"secret", threshold, n_shares).unwrap_err(), Error::Parameters);
    }
    assert_eq!(split(b"", 2, 3).unwrap_err(), Error::Length);
    assert_eq!(split(&[0; MAX_SHARED_SECRET_BYTES + 1], 2, 3).unwrap_err(), Error::Length);
}

#[test]
fn notices_each_mistyped_digit() {
    let share = &split(b"thirty-two bytes of a root key..", 2, 3).unwrap()[1];
    let text = share.to_text();
    for at in 0..text.expose().len() {
        let mut typed: Vec<u8> = text.expose().bytes().collect();
        typed[at] = if typed[at] == b'0' { b'1' } else { b'0' };
        let typed = String::from_utf8(typed).unwrap();
        assert_eq!(Share::from_text(&typed).unwrap_err(), Error::MalformedShare, "{at}");
    }
    let spaced = format!(" {}-{}\n", &text.expose()[..9], text.expose()[9..].to_uppercase());
    assert_eq!(Share::from_text(&spaced).unwrap().index(), 2);
    for text in ["", "0", "xy", &text.expose()[1..], &"0".repeat(100_000)] {
        assert_eq!(Share::from_text(text).unwrap_err(), Error::MalformedShare);
    }
}

#[test]
fn notices_shares_of_another_secret_and_forged_ones() {
    let shares = split(&[1; 32], 2, 3).unwrap();
    let others = split(&[1; 32], 2, 3).unwrap();
    let mixed = [again(&shares[0]), again(&others[1])];
    assert_eq!(combine(&mixed).unwrap_err(), Error::ForeignShare);
    assert!(!shares[0].belongs_with(&others[1]));
    // A forger who knows the set makes the checksum right.
    let mut forged = again(&shares[1]);
    forged.values.expose_mut()[5] ^= 1;
    let forged = again(&forged);
    let with = |shares: &[&Share]| combine(&shares.iter().map(|s| again(s)).collect::<Vec<_>>());
    assert_eq!(with(&[&shares[0], &forged]).unwrap_err(), Error::ForeignShare);
    assert_eq!(with(&[&shares[0], &shares[2], &forged]).unwrap_err(), Error::ForeignShare);
    assert_eq!(with(&[&shares[1], &forged, &shares[2]]).unwrap_err(), Error::ForeignShare);
    let mut easier = again(&shares[0]);
    easier.threshold = 3;
    assert_eq!(with(&[&easier, &shares[1]]).unwrap_err(), Error::ForeignShare);
}

#[test]
fn debug_shows_no_values() {
    let share = &split(b"secret", 2, 2).unwrap()[0];
    assert_eq!(format!("{share:?}"), "Share(1 of a set, any 2 suffice, …)");
}

proptest! {
    /// blahaj works in the same field, with tables: it must find the same polynomial.
    #[test]
    fn another_implementation_agrees(
        secret in proptest::collection::vec(any::<u8>(), 1..64),
        threshold in 2u8..6,
        extra in 0u8..4,
    ) {
        let shares = split(&secret, threshold, threshold + extra).unwrap();
        let theirs: Vec<blahaj::Share> = shares
            .iter()
            .skip(usize::from(extra))
            .map(|share| {
                let mut bytes = vec![share.index];
                bytes.extend_from_slice(share.values.expose());
                blahaj::Share::try_from(bytes.as_slice()).unwrap()
            })
            .collect();
        let shared = Sharks(threshold).recover(&theirs).unwrap();
        prop_assert_eq!(&shared[..secret.len()], &secret);
        let combined = combine(&shares).unwrap();
        prop_assert_eq!(combined.expose(), &secret);
    }
}
