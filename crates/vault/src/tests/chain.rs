//! The audit: chained, verified, grouped, continued in new files.

use proptest::prelude::*;

use super::*;
use crate::{Head, verify};

/// A folder of several audit files and the chain's end.
fn chained() -> (House, Head) {
    let house = House::new();
    house.kv.rotate_audit_at(4000);
    house.ec("k");
    for _ in 0..20 {
        house.does(sign("k")).unwrap();
    }
    let head = house.kv.audit_head();
    (house, head)
}

fn files(house: &House) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(house.folder.path("audit"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    files
}

#[test]
fn the_chain_goes_on_through_files_and_restarts() {
    let (house, head) = chained();
    assert!(files(&house).len() > 3);
    let report = verify(&house.folder.path("audit"), Some(&head)).unwrap();
    assert!(report.is_ok(), "{report:?}");
    assert_eq!(report.n_records, head.seq);
    assert_eq!((report.first_seq, &report.head), (1, &head));
    let House { folder, vault, kv } = house;
    drop((vault, kv));
    let vault = folder.open();
    let _ = vault.key_vaults().vault_list(OPERATOR).unwrap();
    let report = verify(&folder.path("audit"), Some(&head)).unwrap();
    assert!(report.is_ok(), "{report:?}");
    assert_eq!(report.head.seq, head.seq + 1);
}

#[test]
fn a_record_has_azures_fields() {
    let house = House::new();
    house.ec("k");
    let who = house.identity("app", Role::CryptoUser);
    house.ask(&who, sign("k")).unwrap();
    let line = house.folder.audit().pop().unwrap();
    let kid = house.bundle(get("k")).key.kid.unwrap();
    assert_eq!(line["operationName"], "KeySign");
    assert_eq!(line["operationVersion"], "2025-07-01");
    assert_eq!(line["category"], "AuditEvent");
    assert_eq!(line["resultType"], "Success");
    assert_eq!(line["resultSignature"], "OK");
    assert_eq!(line["correlationId"], "r-1");
    assert_eq!(line["callerIpAddress"], "127.0.0.1");
    assert_eq!(line["properties"]["id"], kid);
    let resource = line["resourceId"].as_str().unwrap();
    assert!(resource.starts_with("/subscriptions/"), "{resource}");
    assert!(resource.ends_with("/providers/Microsoft.KeyVault/vaults/v-1"), "{resource}");
    let claim = &line["identity"]["claim"];
    assert_eq!(claim["http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn"], "app");
}

#[test]
fn secrets_stay_out_of_the_audit() {
    let house = House::new();
    house.bundle(create("k", "RSA"));
    let parameters = operation("RSA-OAEP-256", b"a very secret data key in here!!");
    let op = Op::WrapKey { name: "k".to_owned(), version: None, parameters };
    let wrapped = house.result(op);
    let parameters = operation("RSA-OAEP-256", wrapped.value.expose());
    house.result(Op::UnwrapKey { name: "k".to_owned(), version: None, parameters });
    let text = all_bytes(&house.folder.path("audit"));
    assert!(!text.windows(8).any(|window| window == b"a very s"));
}

#[test]
fn many_threads_share_the_syncs_and_lose_nothing() {
    let house = House::new();
    house.ec("k");
    let before = house.kv.audit_head().seq;
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let house = &house;
            scope.spawn(move || {
                for n in 0..10 {
                    house.does(sign("k")).unwrap();
                    house.ec(&format!("t{thread}-{n}"));
                }
            });
        }
    });
    assert_eq!(house.kv.audit_head().seq, before + 160);
    let head = house.kv.audit_head();
    assert!(verify(&house.folder.path("audit"), Some(&head)).unwrap().is_ok());
    let House { folder, vault, kv } = house;
    drop((vault, kv));
    let vault = folder.open();
    assert_eq!(vault.status(), (State::Unsealed, String::new()));
    let kv = vault.key_vaults();
    for thread in 0..8 {
        for n in 0..10 {
            kv.call(call(&operator(), get(&format!("t{thread}-{n}")))).unwrap();
        }
    }
}

#[test]
fn two_creates_of_one_name_make_two_versions() {
    let house = House::new();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| house.ec("k"));
        }
    });
    let page = crate::keyvault::model::PageRequest::default();
    let Ok(Reply::Keys(page)) = house.does(Op::ListVersions { name: "k".to_owned(), page }) else {
        panic!("because it is there");
    };
    assert_eq!(page.items.len(), 8);
}

#[test]
fn a_damaged_or_missing_file_is_noticed_at_start() {
    let (house, _) = chained();
    let newest = files(&house).pop().unwrap();
    let House { folder, vault, kv } = house;
    drop((vault, kv));
    let text = std::fs::read_to_string(&newest).unwrap();
    std::fs::write(&newest, text.replacen("KeySign", "KeySigh", 1)).unwrap();
    let vault = folder.open();
    assert!(!vault.seal_status().warnings.is_empty());
    assert!(folder.heard().contains(&"AuditDamaged 500".to_owned()));
    assert!(!verify(&folder.path("audit"), None).unwrap().is_ok());
}

#[test]
fn waiting_ends_with_a_change_or_in_time() {
    use std::time::Duration;
    let house = House::new();
    let now = house.kv.wait_for_change(0, Duration::ZERO);
    assert_eq!(house.kv.wait_for_change(now, Duration::from_millis(1)), now);
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| house.kv.wait_for_change(now, Duration::from_secs(60)));
        house.ec("k");
        assert!(waiting.join().unwrap() > now);
    });
    let now = house.kv.wait_for_change(0, Duration::ZERO);
    house.does(sign("k")).unwrap();
    assert_eq!(house.kv.wait_for_change(0, Duration::ZERO), now, "use is no change");
    let _ = house.vault.seal(OPERATOR).unwrap();
    assert!(house.kv.wait_for_change(0, Duration::ZERO) > now);
}

/// One way to spoil a chain.
#[derive(Clone, Debug)]
enum Spoil {
    Change { at: prop::sample::Index, bit: u8 },
    Remove(prop::sample::Index),
    Swap(prop::sample::Index, prop::sample::Index),
    Repeat(prop::sample::Index),
    Cut(prop::sample::Index),
}

fn spoil() -> impl Strategy<Value = Spoil> {
    use prop::sample::Index;
    prop_oneof![
        (any::<Index>(), 0u8..8).prop_map(|(at, bit)| Spoil::Change { at, bit }),
        any::<Index>().prop_map(Spoil::Remove),
        (any::<Index>(), any::<Index>()).prop_map(|(a, b)| Spoil::Swap(a, b)),
        any::<Index>().prop_map(Spoil::Repeat),
        any::<Index>().prop_map(Spoil::Cut),
    ]
}

#[test]
fn old_files_may_go_whole_but_not_in_part() {
    let (house, head) = chained();
    let files = files(&house);
    let folder = house.folder.path("audit");
    std::fs::remove_file(&files[0]).unwrap();
    let report = verify(&folder, Some(&head)).unwrap();
    assert!(report.is_ok() && report.first_seq > 1, "{report:?}");
    let text = std::fs::read_to_string(&files[1]).unwrap();
    let rest = text.split_once('\n').unwrap().1;
    std::fs::write(&files[1], rest).unwrap();
    assert!(!verify(&folder, Some(&head)).unwrap().is_ok());
    std::fs::write(&files[1], text).unwrap();
    std::fs::remove_file(&files[2]).unwrap();
    assert!(!verify(&folder, Some(&head)).unwrap().is_ok());
}

#[test]
fn whatever_is_changed_removed_or_moved_is_noticed() {
    let (house, head) = chained();
    let files = files(&house);
    let good: Vec<Vec<u8>> = files.iter().map(|file| std::fs::read(file).unwrap()).collect();
    let folder = house.folder.path("audit");
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(300)
    });
    let outcome = runner.run(&spoil(), |spoil| {
        // (file, line) of all files, spoiled and written back.
        let mut lines: Vec<(usize, Vec<u8>)> = Vec::new();
        for (file, bytes) in good.iter().enumerate() {
            let split = bytes.split_inclusive(|b| *b == b'\n');
            lines.extend(split.map(|line| (file, line.to_vec())));
        }
        let untouched = lines.clone();
        match &spoil {
            Spoil::Change { at, bit } => {
                let (_, line) = &mut lines[at.index(untouched.len())];
                let byte = at.index(line.len());
                line[byte] ^= 1 << bit;
            }
            Spoil::Remove(at) => {
                lines.remove(at.index(untouched.len()));
            }
            Spoil::Swap(a, b) => {
                let (a, b) = (a.index(untouched.len()), b.index(untouched.len()));
                (lines[a].1, lines[b].1) = (untouched[b].1.clone(), untouched[a].1.clone());
            }
            Spoil::Repeat(at) => {
                let at = at.index(untouched.len());
                lines.insert(at, untouched[at].clone());
            }
            Spoil::Cut(at) => lines.truncate(at.index(untouched.len())),
        }
        for (file, path) in files.iter().enumerate() {
            let of_file = lines.iter().filter(|(at, _)| *at == file);
            let bytes: Vec<u8> = of_file.flat_map(|(_, line)| line.clone()).collect();
            std::fs::write(path, bytes).unwrap();
        }
        let report = verify(&folder, Some(&head)).unwrap();
        prop_assert_eq!(report.is_ok(), lines == untouched, "{:?} {:?}", spoil, report);
        Ok(())
    });
    outcome.unwrap();
}
