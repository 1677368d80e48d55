//! The power fails at every step of every kind of change. Afterwards: what was answered is there,
//! each change that is there has its record, the chain holds, and the vault opens.

use std::collections::BTreeSet;

use super::simulated::{Cut, Machine};
use super::*;
use crate::keyvault::model::PageRequest;
use crate::{NewSeal, verify_folder};

const CUTS: [Cut; 3] = [Cut::Nothing, Cut::Part, Cut::All];
/// More steps than any change has.
const STEPS_MAX: usize = 64;

fn open(machine: &Machine, clock: &Hand) -> Vault {
    Vault::open(machine.doors(clock)).unwrap()
}

/// A machine with a vault on it: making one takes long, copying it does not.
fn ready(clock: &Hand) -> Machine {
    let machine = Machine::default();
    let vault = open(&machine, clock);
    let _ = vault.initialize(OWN).unwrap();
    let new = NewVault { name: "v-1".to_owned(), ..NewVault::default() };
    let _ = vault.key_vaults().vault_create(OPERATOR, &new).unwrap();
    machine
}

fn create_key(vault: &Vault, key: &str) -> Result<Answer, Refusal> {
    vault.key_vaults().call(call(&operator(), create(key, "EC")))
}

fn listed(vault: &Vault) -> BTreeSet<String> {
    let op = Op::List { page: PageRequest::default() };
    match vault.key_vaults().call(call(&operator(), op)).unwrap().reply {
        Reply::Keys(page) => {
            page.items.iter().map(|k| k.kid.rsplit('/').next().unwrap().to_owned()).collect()
        }
        other => panic!("{other:?}"),
    }
}

/// How many successful records of an operation there are for a key.
fn recorded(machine: &Machine, operation: &str, key: &str) -> usize {
    let is = |line: &&Value| {
        line["operationName"] == operation
            && line["resultType"] == "Success"
            && line["properties"]["id"].as_str().unwrap().contains(&format!("/keys/{key}"))
    };
    machine.lines().iter().filter(is).count()
}

#[track_caller]
fn expect_whole_chain(machine: &Machine, what: &str) {
    let report = verify_folder(machine, None).unwrap();
    assert!(report.is_ok(), "{what}: {report:?}");
}

#[test]
fn a_new_key_is_there_with_its_record_or_not_at_all() {
    let clock = Hand::new();
    let template = ready(&clock);
    let mut n_cuts = 0;
    for cut in CUTS {
        for step in 0..STEPS_MAX {
            let what = format!("{cut:?} at {step}");
            let machine = template.copy();
            let vault = open(&machine, &clock);
            create_key(&vault, "before").unwrap();
            machine.cut_at(step, cut);
            let answered = create_key(&vault, "during").is_ok();
            let (_, failed) = machine.steps();
            if failed {
                n_cuts += 1;
                assert!(!answered, "{what}");
                let later = vault.key_vaults().call(call(&operator(), get("before")));
                expect_refusal(later, 503, None);
                assert!(vault.needs_restart());
            }
            drop(vault);
            machine.power_on();
            let vault = open(&machine, &clock);
            assert_eq!(vault.status(), (State::Unsealed, String::new()), "{what}");
            let keys = listed(&vault);
            assert!(keys.contains("before"), "{what}");
            assert!(keys.contains("during") || !answered, "{what}");
            let n = usize::from(keys.contains("during"));
            assert_eq!(recorded(&machine, "KeyCreate", "during"), n, "{what}");
            expect_whole_chain(&machine, &what);
            // And it goes on.
            create_key(&vault, "after").unwrap();
            drop(vault);
            assert_eq!(open(&machine, &clock).status().0, State::Unsealed, "{what}");
            if !failed {
                assert!(answered, "{what}");
                break;
            }
        }
    }
    assert!(n_cuts >= 3 * 3, "store, counter and audit were all hit: {n_cuts}");
}

#[test]
fn reading_leaves_no_answer_without_its_record() {
    let clock = Hand::new();
    let template = ready(&clock);
    for cut in CUTS {
        let machine = template.copy();
        let vault = open(&machine, &clock);
        create_key(&vault, "k").unwrap();
        machine.cut_at(0, cut);
        let refusal =
            expect_refusal(vault.key_vaults().call(call(&operator(), get("k"))), 503, None);
        assert_eq!(refusal.code, "AuditUnavailable");
        drop(vault);
        machine.power_on();
        let vault = open(&machine, &clock);
        expect_whole_chain(&machine, &format!("{cut:?}"));
        let repaired = machine.lines().iter().any(|l| l["operationName"] == "AuditRepaired");
        assert_eq!(repaired, cut == Cut::Part);
        assert!(listed(&vault).contains("k"));
    }
}

#[test]
fn a_purge_or_a_delete_is_whole() {
    let clock = Hand::new();
    let template = ready(&clock);
    for cut in CUTS {
        for step in 0..STEPS_MAX {
            let what = format!("{cut:?} at {step}");
            let machine = template.copy();
            let vault = open(&machine, &clock);
            for _ in 0..3 {
                create_key(&vault, "k").unwrap();
            }
            let ask = |op: Op| vault.key_vaults().call(call(&operator(), op));
            machine.cut_at(step, cut);
            let deleted = ask(Op::Delete { name: "k".to_owned() }).is_ok();
            let purged = deleted && ask(Op::Purge { name: "k".to_owned() }).is_ok();
            let (_, failed) = machine.steps();
            drop(vault);
            machine.power_on();
            let vault = open(&machine, &clock);
            assert_eq!(vault.status().0, State::Unsealed, "{what}");
            let is_listed = listed(&vault).contains("k");
            let op = Op::GetDeleted { name: "k".to_owned() };
            let is_deleted = vault.key_vaults().call(call(&operator(), op)).is_ok();
            assert!(!(deleted && is_listed || purged && is_deleted), "{what}");
            let n = usize::from(!is_listed);
            assert_eq!(recorded(&machine, "KeyDelete", "k"), n, "{what}");
            let n = usize::from(!is_listed && !is_deleted);
            assert_eq!(recorded(&machine, "KeyPurge", "k"), n, "{what}");
            expect_whole_chain(&machine, &what);
            if !failed {
                break;
            }
        }
    }
}

#[test]
fn the_first_start_and_a_new_seal_are_whole() {
    let clock = Hand::new();
    let template = ready(&clock);
    for cut in CUTS {
        for step in 0..STEPS_MAX {
            let what = format!("first start, {cut:?} at {step}");
            let machine = Machine::default();
            let vault = open(&machine, &clock);
            machine.cut_at(step, cut);
            let made = vault.initialize(OWN).is_ok();
            let (_, failed) = machine.steps();
            drop(vault);
            machine.power_on();
            let vault = open(&machine, &clock);
            let state = vault.status();
            assert!(state.0 != State::Sealed, "{what}: {state:?}");
            assert!(state.0 == State::Unsealed || !made, "{what}");
            let _ = vault.initialize(OWN).unwrap();
            drop(vault);
            assert_eq!(open(&machine, &clock).status().0, State::Unsealed, "{what}");
            expect_whole_chain(&machine, &what);
            if !failed {
                break;
            }
        }
        for step in 0..STEPS_MAX {
            let what = format!("new seal, {cut:?} at {step}");
            let machine = template.copy();
            let vault = open(&machine, &clock);
            create_key(&vault, "k").unwrap();
            machine.cut_at(step, cut);
            let _ = vault.rekey(OPERATOR, &NewSeal::File);
            let (_, failed) = machine.steps();
            drop(vault);
            machine.power_on();
            let vault = open(&machine, &clock);
            assert_eq!(vault.status(), (State::Unsealed, String::new()), "{what}");
            assert!(listed(&vault).contains("k"), "{what}");
            drop(vault);
            assert_eq!(open(&machine, &clock).status().0, State::Unsealed, "{what}");
            expect_whole_chain(&machine, &what);
            if !failed {
                break;
            }
        }
    }
}

#[test]
fn sealing_and_unsealing_are_whole() {
    let clock = Hand::new();
    let template = ready(&clock);
    for cut in CUTS {
        for step in 0..STEPS_MAX {
            let what = format!("{cut:?} at {step}");
            let machine = template.copy();
            let vault = open(&machine, &clock);
            create_key(&vault, "k").unwrap();
            machine.cut_at(step, cut);
            let sealed = vault.seal(OPERATOR).is_ok();
            let unsealed = sealed && vault.unseal(OPERATOR).is_ok();
            let (_, failed) = machine.steps();
            drop(vault);
            machine.power_on();
            let vault = open(&machine, &clock);
            if unsealed {
                assert_eq!(vault.status().0, State::Unsealed, "{what}");
            }
            let _ = vault.unseal(OPERATOR).unwrap();
            assert!(listed(&vault).contains("k"), "{what}");
            expect_whole_chain(&machine, &what);
            if !failed {
                break;
            }
        }
    }
}
