//! Known answers and refusals.

use base::Random;
use proptest::prelude::*;

use super::*;

fn unhex<const N: usize>(text: &str) -> [u8; N] {
    hex::decode(text).unwrap().try_into().unwrap()
}

/// XTS has no 4096-byte case in IEEE 1619 annex B for AES-256, so the answer is built from the
/// definition: C = E1(P ^ T) ^ T with T = E2(tweak) doubled in GF(2^128) block by block.
#[test]
fn xts_equals_the_definition_on_single_blocks() {
    use aws_lc_rs::cipher::{AES_256, EncryptingKey, UnboundCipherKey};
    let key: [u8; 64] = std::array::from_fn(|i| (i * 7 + 1) as u8);
    let ecb = |key: &[u8], block: &[u8]| -> Vec<u8> {
        let cipher = EncryptingKey::ecb(UnboundCipherKey::new(&AES_256, key).unwrap()).unwrap();
        let mut block = block.to_vec();
        cipher.encrypt(&mut block).unwrap();
        block
    };
    let number = 0x0123_4567_89ab_u64;
    let plain: Vec<u8> = (0..UNIT_BYTES).map(|i| (i % 251) as u8).collect();
    let mut tweak = [0u8; 16];
    tweak[..8].copy_from_slice(&number.to_le_bytes());
    let mut t = u128::from_le_bytes(ecb(&key[32..], &tweak).try_into().unwrap());
    let mut expected = Vec::new();
    for block in plain.chunks(16) {
        let p = u128::from_le_bytes(block.try_into().unwrap());
        let c = u128::from_le_bytes(ecb(&key[..32], &(p ^ t).to_le_bytes()).try_into().unwrap());
        expected.extend_from_slice(&(c ^ t).to_le_bytes());
        let carry = t >> 127;
        t = (t << 1) ^ (carry * 0x87);
    }
    let mut units = plain.clone();
    Xts::new(&key).unwrap().encrypt(number, &mut units).unwrap();
    assert_eq!(hex::encode(&units), hex::encode(&expected));
}

#[test]
fn xts_refuses_equal_halves_and_odd_lengths() {
    assert_eq!(Xts::new(&[3; 64]).unwrap_err(), Error::MalformedKey);
    let mut key = [3; 64];
    key[0] = 4;
    assert_eq!(Xts::new(&key).unwrap().encrypt(0, &mut [0; 100]).unwrap_err(), Error::Length);
}

/// RFC 8452, appendix C.2: AES-256-GCM-SIV, empty plaintext, 16 bytes of associated data...
/// the nonce there is 03 00…; ours is number ‖ kind, so number = 3, kind = 0 gives it.
#[test]
fn unit_code_is_the_gcm_siv_tag_of_rfc_8452() {
    let mut key = [0u8; 32];
    key[0] = 1;
    let mac = UnitMac::new(MacSuite::GcmSiv, &key);
    assert_eq!(mac.code(3, [0; 4], &[]), unhex("07f5f4169bbf55a8400cd47ea6fd400f"));
}

#[test]
fn unit_codes_depend_on_everything() {
    for suite in [MacSuite::GcmSiv, MacSuite::HmacSha256] {
        let mac = UnitMac::new(suite, &[9; 32]);
        let data = [5u8; UNIT_BYTES];
        let code = mac.code(1, *b"data", &data);
        assert_eq!(code, mac.code(1, *b"data", &data));
        let mut other = data;
        other[4095] ^= 1;
        assert_ne!(code, mac.code(1, *b"data", &other));
        assert_ne!(code, mac.code(2, *b"data", &data));
        assert_ne!(code, mac.code(1, *b"hole", &data));
        assert_ne!(code, UnitMac::new(suite, &[8; 32]).code(1, *b"data", &data));
    }
}

/// RFC 5869, appendix A.1.
#[test]
fn hkdf_known_answer() {
    let mut okm = [0u8; 42];
    hkdf_sha256(
        &[0x0b; 22],
        &unhex::<13>("000102030405060708090a0b0c"),
        &[&unhex::<10>("f0f1f2f3f4f5f6f7f8f9")],
        &mut okm,
    );
    assert_eq!(
        hex::encode(okm),
        "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865"
    );
}

#[test]
fn aead_binds_key_and_context() {
    let aead = Aead::new(&[1; 32]);
    let record = aead.seal(b"key/demo/1", b"private").unwrap();
    assert_eq!(aead.open(b"key/demo/1", &record).unwrap().expose(), b"private");
    assert_eq!(aead.open(b"key/demo/2", &record).unwrap_err(), Error::NotAuthentic);
    assert_eq!(Aead::new(&[2; 32]).open(b"key/demo/1", &record).unwrap_err(), Error::NotAuthentic);
    for cut in [0, 11, 12, record.len() - 1] {
        assert!(aead.open(b"key/demo/1", &record[..cut]).is_err(), "{cut}");
    }
}

#[test]
fn rsa_wraps_and_unwraps() {
    let key = RsaKey::generate_3072().unwrap();
    let again = RsaKey::from_pkcs8(key.to_pkcs8().unwrap().expose()).unwrap();
    let public = RsaPublicKey::from_der(&key.public_key().to_der().unwrap()).unwrap();
    let wrapped = public.wrap(&[7; 32]).unwrap();
    assert_eq!(wrapped.len(), 384);
    assert_eq!(again.unwrap(&wrapped).unwrap().expose(), &[7; 32]);
    let mut bad = wrapped;
    bad[100] ^= 1;
    assert_eq!(again.unwrap(&bad).unwrap_err(), Error::NotAuthentic);
    assert_eq!(public.wrap(&[0; 319]).unwrap_err(), Error::Length);
}

#[test]
fn data_key_hex_round_trip_and_refusals() {
    let key = DataKey::generate(&OsRandom);
    let again = DataKey::from_hex(key.to_hex().expose()).unwrap();
    assert_eq!(key.expose(), again.expose());
    assert_eq!(format!("{key:?}"), "DataKey(…)");
    let long = "0".repeat(65);
    let bad = "g".repeat(64);
    for text in ["", "00", &long, &bad] {
        assert_eq!(DataKey::from_hex(text).unwrap_err(), Error::MalformedKey, "{text}");
    }
    let mut source = [4; 32];
    assert_eq!(DataKey::take(&mut source).expose(), &[4; 32]);
    assert_eq!(source, [0; 32]);
}

#[test]
fn random_fills() {
    let mut a = [0u8; 64];
    OsRandom.fill(&mut a);
    assert_ne!(a, [0; 64]);
}

proptest! {
    #[test]
    fn xts_round_trip(seed in any::<u8>(), first in any::<u32>(), n in 0usize..5) {
        let key: [u8; 64] = std::array::from_fn(|i| (i as u8).wrapping_mul(3) ^ seed);
        let xts = Xts::new(&key).unwrap();
        let plain: Vec<u8> = (0..n * UNIT_BYTES).map(|i| (i as u8) ^ seed).collect();
        let mut units = plain.clone();
        xts.encrypt(u64::from(first), &mut units).unwrap();
        prop_assert!(n == 0 || units != plain);
        xts.decrypt(u64::from(first), &mut units).unwrap();
        prop_assert_eq!(units, plain);
    }
}

/// The first answers of RFC 1321 appendix A.5 and FIPS 180.
#[test]
fn old_hashes() {
    assert_eq!(hex::encode(md5(b"")), "d41d8cd98f00b204e9800998ecf8427e");
    assert_eq!(hex::encode(md5(b"abc")), "900150983cd24fb0d6963f7d28e17f72");
    assert_eq!(hex::encode(sha1(b"abc")), "a9993e364706816aba3e25717850c26c9cd0d89d");
}
