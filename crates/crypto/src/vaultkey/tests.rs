//! Round trips of every kind of key and algorithm, and what is refused.

use proptest::prelude::*;

use super::*;
use crate::sha256;

const RSA: KeySpec = KeySpec::Rsa { bits: 2048, public_exponent: RSA_PUBLIC_EXPONENT };

/// One key of each kind; RSA keys are slow to make.
fn keys() -> &'static [VaultKey] {
    static KEYS: std::sync::OnceLock<Vec<VaultKey>> = std::sync::OnceLock::new();
    KEYS.get_or_init(|| {
        let curves = Curve::ALL.iter().map(|curve| KeySpec::Ec(*curve));
        let oct = [128, 192, 256].map(|bits| KeySpec::Oct { bits });
        let specs = [RSA].into_iter().chain(curves).chain(oct);
        specs.map(|spec| VaultKey::generate(&spec).unwrap()).collect()
    })
}

fn rsa() -> &'static VaultKey {
    &keys()[0]
}

fn ec(curve: Curve) -> &'static VaultKey {
    keys().iter().find(|key| key.spec() == KeySpec::Ec(curve)).unwrap()
}

fn oct(bits: u32) -> &'static VaultKey {
    keys().iter().find(|key| key.spec() == KeySpec::Oct { bits }).unwrap()
}

#[test]
fn names_go_there_and_back() {
    for alg in EncryptionAlg::ALL {
        assert_eq!(alg.to_string().parse::<EncryptionAlg>().unwrap(), *alg);
    }
    for alg in SignatureAlg::ALL {
        assert_eq!(alg.name().parse::<SignatureAlg>().unwrap(), *alg);
    }
    for curve in Curve::ALL {
        assert_eq!(curve.name().parse::<Curve>().unwrap(), *curve);
    }
    assert_eq!(EncryptionAlg::RsaOaep256.name(), "RSA-OAEP-256");
    assert_eq!(EncryptionAlg::Rsa1_5.name(), "RSA1_5");
    assert_eq!(Curve::P256K.name(), "P-256K");
    for text in ["", "rsa-oaep", "RSA-OAEP-257", "A256KW "] {
        assert_eq!(text.parse::<EncryptionAlg>().unwrap_err(), Error::UnknownName);
    }
    assert_eq!("RSNULL".parse::<SignatureAlg>().unwrap_err(), Error::UnknownName);
    assert_eq!("P-224".parse::<Curve>().unwrap_err(), Error::UnknownName);
}

/// Every algorithm either works with a key, there and back, or does not fit it; and the fits
/// are exactly those of the table.
#[test]
fn each_algorithm_fits_its_keys_only() {
    let mut encrypts = Vec::new();
    let mut signs = Vec::new();
    let plain = [0x5a; 32];
    for key in keys() {
        for &alg in EncryptionAlg::ALL {
            let mismatch = Error::AlgorithmMismatch;
            match key.wrap(alg, &plain) {
                Ok(wrapped) => {
                    assert_eq!(key.unwrap(alg, &wrapped).unwrap().expose(), &plain);
                    encrypts.push((key.spec(), alg, "wrap"));
                }
                Err(error) => {
                    assert_eq!(error, mismatch, "{alg}");
                    assert_eq!(key.unwrap(alg, &plain).unwrap_err(), mismatch, "{alg}");
                }
            }
            match key.encrypt(alg, &plain, None, None) {
                Ok(Ciphertext { value, iv, tag }) => {
                    let found = key.decrypt(alg, &value, iv.as_deref(), None, tag.as_deref());
                    assert_eq!(found.unwrap().expose(), &plain);
                    encrypts.push((key.spec(), alg, "encrypt"));
                }
                Err(error) => {
                    assert_eq!(error, mismatch, "{alg}");
                    let found = key.decrypt(alg, &plain, None, None, None);
                    assert_eq!(found.unwrap_err(), mismatch, "{alg}");
                }
            }
        }
        for &alg in SignatureAlg::ALL {
            let digest = vec![7; alg.digest_len()];
            match key.sign(alg, &digest) {
                Ok(signature) => {
                    assert!(key.verify(alg, &digest, &signature).unwrap(), "{alg}");
                    signs.push((key.spec(), alg));
                }
                Err(error) => {
                    assert_eq!(error, Error::AlgorithmMismatch, "{alg}");
                    assert_eq!(key.verify(alg, &digest, &[]).unwrap_err(), error, "{alg}");
                }
            }
        }
    }
    // RSA: 3 ways each of wrap and encrypt; each AES size: KW, KWP by two names, GCM, 2 × CBC.
    assert_eq!(encrypts.len(), 3 * 2 + 3 * (4 + 3), "{encrypts:?}");
    // RSA: 6; each curve 1; each symmetric key 3.
    assert_eq!(signs.len(), 6 + 4 + 3 * 3, "{signs:?}");
    assert!(signs.contains(&(KeySpec::Ec(Curve::P256K), SignatureAlg::Es256K)));
}

#[test]
fn sealable_round_trip_keeps_the_key() {
    for key in keys() {
        let sealable = key.to_sealable().unwrap();
        let again = VaultKey::from_sealable(sealable.expose()).unwrap();
        assert_eq!(again.spec(), key.spec());
        assert_eq!(again.public(), key.public());
        assert_eq!(again.to_sealable().unwrap().expose(), sealable.expose());
        for &alg in SignatureAlg::ALL {
            let digest = vec![9; alg.digest_len()];
            if let Ok(signature) = again.sign(alg, &digest) {
                assert!(key.verify(alg, &digest, &signature).unwrap());
            }
        }
    }
}

#[test]
fn damaged_sealables_are_refused() {
    for key in keys() {
        let sealable = key.to_sealable().unwrap();
        let bytes = sealable.expose();
        for cut in [0, 1, 2, bytes.len() - 1] {
            assert!(VaultKey::from_sealable(&bytes[..cut]).is_err(), "{cut}");
        }
        for (at, value) in [(0, 0), (0, 2), (1, 0), (1, 7), (1, 255)] {
            let mut changed = bytes.to_vec();
            changed[at] = value;
            assert_eq!(VaultKey::from_sealable(&changed).unwrap_err(), Error::MalformedKey);
        }
    }
    // The curve of the tag and the curve inside must agree.
    let mut other = ec(Curve::P256).to_sealable().unwrap().expose().to_vec();
    other[1] = Kind::Ec(Curve::P256K).to_byte();
    assert_eq!(VaultKey::from_sealable(&other).unwrap_err(), Error::MalformedKey);
}

#[test]
fn public_half_verifies_and_wraps_alone() {
    for key in keys() {
        let parts = key.public();
        let public = match (PublicKey::new(&parts), &parts) {
            (Err(error), PublicParts::Oct { .. }) => {
                assert_eq!(error, Error::UnsupportedKey);
                continue;
            }
            (public, _) => public.unwrap(),
        };
        for &alg in SignatureAlg::ALL {
            let digest = vec![3; alg.digest_len()];
            let Ok(mut signature) = key.sign(alg, &digest) else {
                assert_eq!(public.verify(alg, &digest, &[]).unwrap_err(), Error::AlgorithmMismatch);
                continue;
            };
            assert!(public.verify(alg, &digest, &signature).unwrap(), "{alg}");
            assert!(!public.verify(alg, &vec![4; digest.len()], &signature).unwrap(), "{alg}");
            signature[20] ^= 1;
            assert!(!public.verify(alg, &digest, &signature).unwrap(), "{alg}");
        }
    }
    let public = PublicKey::new(&rsa().public()).unwrap();
    let wrapped = public.wrap(EncryptionAlg::RsaOaep256, b"data key").unwrap();
    let found = rsa().unwrap(EncryptionAlg::RsaOaep256, &wrapped).unwrap();
    assert_eq!(found.expose(), b"data key");
}

#[test]
fn coordinates_and_modulus_have_their_lengths() {
    for _ in 0..64 {
        let key = VaultKey::generate(&KeySpec::Ec(Curve::P521)).unwrap();
        let PublicParts::Ec { x, y, .. } = key.public() else { panic!("not a curve") };
        assert_eq!((x.len(), y.len()), (66, 66));
        let signature = key.sign(SignatureAlg::Es512, &[1; 64]).unwrap();
        assert_eq!(signature.len(), 132);
    }
    let PublicParts::Rsa { n, e } = rsa().public() else { panic!("not RSA") };
    assert_eq!((n.len(), e.as_slice()), (256, &[1, 0, 1][..]));
    assert_eq!(rsa().spec(), RSA);
}

#[test]
fn wrong_lengths_say_which() {
    let short = [0; 31];
    for key in keys() {
        for &alg in SignatureAlg::ALL {
            let wrong = Error::DigestLength { expected: alg.digest_len() };
            if key.sign(alg, &vec![0; alg.digest_len()]).is_ok() {
                assert_eq!(key.sign(alg, &short).unwrap_err(), wrong);
                assert_eq!(key.verify(alg, &short, &[]).unwrap_err(), wrong);
                for signature in [&[][..], &[0; 64], &[255; 1000]] {
                    let digest = vec![0; alg.digest_len()];
                    assert!(!key.verify(alg, &digest, signature).unwrap(), "{alg}");
                }
            }
        }
    }
    let key = oct(256);
    let gcm = |iv: Option<&[u8]>, tag: Option<&[u8]>| {
        key.decrypt(EncryptionAlg::A256Gcm, b"x", iv, None, tag).unwrap_err()
    };
    assert_eq!(gcm(None, Some(&[0; 16])), Error::IvLength { expected: 12 });
    assert_eq!(gcm(Some(&[0; 16]), Some(&[0; 16])), Error::IvLength { expected: 12 });
    assert_eq!(gcm(Some(&[0; 12]), None), Error::TagLength { expected: 16 });
    assert_eq!(gcm(Some(&[0; 12]), Some(&[0; 12])), Error::TagLength { expected: 16 });
    assert_eq!(gcm(Some(&[0; 12]), Some(&[0; 16])), Error::NotAuthentic);
    for (alg, plain, iv, expected) in [
        (EncryptionAlg::A256Cbc, 15, 16, Error::BlockLength { expected: 16 }),
        (EncryptionAlg::A256Cbc, 0, 16, Error::BlockLength { expected: 16 }),
        (EncryptionAlg::A256Cbc, 16, 12, Error::IvLength { expected: 16 }),
        (EncryptionAlg::A256CbcPad, 5, 17, Error::IvLength { expected: 16 }),
        (EncryptionAlg::A256CbcPad, (1 << 20) + 1, 16, Error::Length),
    ] {
        let refused = key.encrypt(alg, &vec![0; plain], Some(&vec![0; iv]), None);
        assert_eq!(refused.unwrap_err(), expected, "{alg} {plain} {iv}");
    }
    let without_iv = key.decrypt(EncryptionAlg::A256Cbc, &[0; 16], None, None, None);
    assert_eq!(without_iv.unwrap_err(), Error::IvLength { expected: 16 });
    for (alg, n) in [(EncryptionAlg::A256Kw, 8), (EncryptionAlg::A256Kw, 20)] {
        assert_eq!(key.wrap(alg, &vec![0; n]).unwrap_err(), Error::Length);
    }
    assert_eq!(key.wrap(EncryptionAlg::A256KwPad, &[]).unwrap_err(), Error::Length);
}

#[test]
fn rsa_takes_one_block() {
    for (alg, longest) in [
        (EncryptionAlg::RsaOaep, 256 - 42),
        (EncryptionAlg::RsaOaep256, 256 - 66),
        (EncryptionAlg::Rsa1_5, 256 - 11),
    ] {
        for n in [0, longest] {
            let wrapped = rsa().wrap(alg, &vec![1; n]).unwrap();
            assert_eq!(wrapped.len(), 256);
            assert_eq!(rsa().unwrap(alg, &wrapped).unwrap().expose(), &vec![1; n]);
            for wrong in [&wrapped[..255], &[], &[0; 257], &[255; 256]] {
                assert_eq!(rsa().unwrap(alg, wrong).unwrap_err(), Error::NotAuthentic);
            }
        }
        assert_eq!(rsa().wrap(alg, &vec![1; longest + 1]).unwrap_err(), Error::Length);
    }
    let sha1 = rsa().wrap(EncryptionAlg::RsaOaep, b"key").unwrap();
    let crossed = rsa().unwrap(EncryptionAlg::RsaOaep256, &sha1);
    assert_eq!(crossed.unwrap_err(), Error::NotAuthentic);
}

#[test]
fn parameters_that_would_be_ignored_are_refused() {
    let some = Some(&[0u8; 16][..]);
    for (key, alg, iv, aad) in [
        (rsa(), EncryptionAlg::RsaOaep256, some, None),
        (rsa(), EncryptionAlg::RsaOaep256, None, some),
        (oct(256), EncryptionAlg::A256Gcm, some, None),
        (oct(256), EncryptionAlg::A256Cbc, some, some),
        (oct(256), EncryptionAlg::A256CbcPad, None, some),
    ] {
        let refused = key.encrypt(alg, &[0; 16], iv, aad);
        assert_eq!(refused.unwrap_err(), Error::UnexpectedParameter, "{alg}");
    }
    for (key, alg, iv) in [
        (rsa(), EncryptionAlg::RsaOaep256, None),
        (oct(256), EncryptionAlg::A256Cbc, some),
        (oct(256), EncryptionAlg::A256CbcPad, some),
    ] {
        let refused = key.decrypt(alg, &[0; 16], iv, None, some);
        assert_eq!(refused.unwrap_err(), Error::UnexpectedParameter, "{alg}");
    }
}

#[test]
fn sizes_that_are_not_offered_are_refused() {
    let rsa = |bits, public_exponent| KeySpec::Rsa { bits, public_exponent };
    for spec in [
        rsa(1024, 65_537),
        rsa(2047, 65_537),
        rsa(8192, 65_537),
        rsa(2048, 3),
        rsa(2048, 65_539),
        KeySpec::Oct { bits: 0 },
        KeySpec::Oct { bits: 127 },
        KeySpec::Oct { bits: 512 },
    ] {
        assert_eq!(VaultKey::generate(&spec).unwrap_err(), Error::UnsupportedKey, "{spec:?}");
    }
    for (n, error) in [(0, Error::MalformedKey), (20, Error::UnsupportedKey)] {
        let refused = VaultKey::import(&PrivateParts::Oct { k: &vec![1; n] });
        assert_eq!(refused.unwrap_err(), error);
    }
}

#[test]
fn debug_shows_nothing() {
    for key in keys() {
        assert_eq!(format!("{key:?}"), "VaultKey(…)");
    }
}

/// RFC 4231, test case 2 has another key length, so the answer comes from the definition:
/// `H(k ⊕ opad ‖ H(k ⊕ ipad ‖ digest))`.
#[test]
fn hs256_is_hmac_over_the_digest() {
    let key = VaultKey::import(&PrivateParts::Oct { k: &[0x0b; 32] }).unwrap();
    let digest = sha256(b"message");
    let pad = |with: u8| -> Vec<u8> { (0..64).map(|i| with ^ (u8::from(i < 32) * 0x0b)).collect() };
    let inner = sha256(&[pad(0x36), digest.to_vec()].concat());
    let expected = sha256(&[pad(0x5c), inner.to_vec()].concat());
    assert_eq!(key.sign(SignatureAlg::Hs256, &digest).unwrap(), expected);
}

proptest! {
    #[test]
    fn symmetric_round_trip(
        plain in proptest::collection::vec(any::<u8>(), 0..200),
        aad in proptest::option::of(proptest::collection::vec(any::<u8>(), 0..50)),
        at in any::<prop::sample::Index>(),
    ) {
        let key = oct(192);
        let aad = aad.as_deref();
        let Ciphertext { mut value, iv, tag } =
            key.encrypt(EncryptionAlg::A192Gcm, &plain, None, aad).unwrap();
        let open = |value: &[u8], aad| {
            key.decrypt(EncryptionAlg::A192Gcm, value, iv.as_deref(), aad, tag.as_deref())
        };
        let found = open(&value, aad).unwrap();
        prop_assert_eq!(found.expose(), &plain);
        prop_assert!(open(&value, Some(b"something else")).is_err());
        if !value.is_empty() {
            let at = at.index(value.len());
            value[at] ^= 1;
            prop_assert_eq!(open(&value, aad).unwrap_err(), Error::NotAuthentic);
        }
        let padded = key.encrypt(EncryptionAlg::A192CbcPad, &plain, None, None).unwrap();
        prop_assert_eq!(padded.value.len(), (plain.len() / 16 + 1) * 16);
        let iv = padded.iv.as_deref();
        let found = key.decrypt(EncryptionAlg::A192CbcPad, &padded.value, iv, None, None).unwrap();
        prop_assert_eq!(found.expose(), &plain);
        if !plain.is_empty() {
            let mut wrapped = key.wrap(EncryptionAlg::A192KwPad, &plain).unwrap();
            let found = key.unwrap(EncryptionAlg::A192KwPad, &wrapped).unwrap();
            prop_assert_eq!(found.expose(), &plain);
            let at = at.index(wrapped.len());
            wrapped[at] ^= 1;
            let refused = key.unwrap(EncryptionAlg::A192KwPad, &wrapped);
            prop_assert_eq!(refused.unwrap_err(), Error::NotAuthentic);
        }
    }

    #[test]
    fn rsa_round_trip(plain in proptest::collection::vec(any::<u8>(), 0..190)) {
        for alg in [EncryptionAlg::RsaOaep, EncryptionAlg::RsaOaep256, EncryptionAlg::Rsa1_5] {
            let wrapped = rsa().wrap(alg, &plain).unwrap();
            let found = rsa().unwrap(alg, &wrapped).unwrap();
            prop_assert_eq!(found.expose(), &plain);
        }
    }

    #[test]
    fn garbage_is_never_a_key(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        for kind in 1..=6 {
            if kind != 2 {
                let sealable = [&[1, kind][..], &bytes].concat();
                prop_assert!(VaultKey::from_sealable(&sealable).is_err());
            }
        }
    }
}
