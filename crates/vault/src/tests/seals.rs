//! Each kind of seal: made, opened again, refused, exchanged for another.

use std::sync::atomic::{AtomicBool, Ordering};

use super::*;
use crate::{ExternalSeal, NewSeal, SealKey, Unlock};

const PASSPHRASE: &str = "correct horse battery staple";

fn passphrase(text: &str) -> Secret<String> {
    Secret::new(text.to_owned())
}

/// Wraps with a key that stands for the one in a token.
struct Token(u8);

impl ExternalSeal for Token {
    fn name(&self) -> &str {
        "token"
    }

    fn wrap(&self, key: &SealKey) -> Result<Vec<u8>, Error> {
        Ok(key.expose().iter().map(|b| b ^ self.0).collect())
    }

    fn unwrap(&self, wrapped: &[u8]) -> Result<SealKey, Error> {
        let mut key = Secret::new([0; 32]);
        for (to, from) in key.expose_mut().iter_mut().zip(wrapped) {
            *to = from ^ self.0;
        }
        Ok(key)
    }
}

impl Folder {
    fn doors_with_all(&self, token: u8) -> Doors {
        let seals = Seals::new(Box::new(SealFile::new(self.path("seal.key"))))
            .with_credentials(self.path("credentials"))
            .with_external(Box::new(Token(token)));
        Doors { seals, ..self.doors() }
    }

    fn open_with_all(&self) -> Vault {
        Vault::open(self.doors_with_all(0x5a)).unwrap()
    }

    fn put_credential(&self, content: &[u8]) {
        std::fs::create_dir_all(self.path("credentials")).unwrap();
        std::fs::write(self.path("credentials/vault-seal"), content).unwrap();
    }
}

fn credential() -> NewSeal {
    NewSeal::Credential { name: "vault-seal".to_owned() }
}

fn external() -> NewSeal {
    NewSeal::External { name: "token".to_owned() }
}

#[test]
fn a_passphrase_opens_and_a_wrong_one_does_not() {
    let folder = Folder::new();
    let vault = folder.open();
    let short = NewSeal::Passphrase(passphrase("too short"));
    let outcome = vault.initialize_with(OWN, &short);
    assert!(matches!(outcome, Err(Error::BadRequest(_))), "{outcome:?}");
    let _ = vault.initialize_with(OWN, &NewSeal::Passphrase(passphrase(PASSPHRASE))).unwrap();
    let ca = vault.ca_pem().unwrap();
    drop(vault);
    let vault = folder.open();
    expect_sealed(&vault, "passphrase");
    assert_eq!(vault.seal_status().seal.as_deref(), Some("passphrase"));
    let none = vault.unseal(OPERATOR);
    assert!(matches!(none, Err(Error::BadRequest(_))), "{none:?}");
    let wrong = Unlock::Passphrase(passphrase("correct horse battery stable"));
    let outcome = vault.unseal_with(OPERATOR, &wrong);
    assert!(matches!(outcome, Err(Error::Sealed(_))), "{outcome:?}");
    let right = Unlock::Passphrase(passphrase(PASSPHRASE));
    expect_forbidden(vault.unseal_with(AGENT, &right));
    assert_eq!(vault.unseal_with(OPERATOR, &right).unwrap(), Changed::Changed);
    assert_eq!(vault.unseal_with(OPERATOR, &right).unwrap(), Changed::Unchanged);
    assert_eq!(vault.ca_pem().unwrap(), ca);
    assert!(!folder.path("seal.key").exists());
}

#[test]
fn shares_open_when_enough_have_come() {
    let folder = Folder::new();
    let vault = folder.open();
    let seal = NewSeal::Shares { threshold: 3, n_shares: 5 };
    let (_, shares) = vault.initialize_with(OWN, &seal).unwrap();
    assert_eq!(shares.len(), 5);
    drop(vault);
    let vault = folder.open();
    let give = |text: &str| vault.unseal_with(OPERATOR, &Unlock::Share(passphrase(text)));
    assert_eq!(vault.seal_status().shares, Some((0, 3)));
    assert_eq!(give(shares[4].expose()).unwrap(), Changed::Unchanged);
    assert_eq!(give(shares[4].expose()).unwrap(), Changed::Unchanged, "counts once");
    assert_eq!(vault.seal_status().shares, Some((1, 3)));
    // Mistyped: one digit.
    let mut typed = shares[0].expose().clone().into_bytes();
    typed[20] = if typed[20] == b'0' { b'1' } else { b'0' };
    let outcome = give(&String::from_utf8(typed).unwrap());
    assert!(matches!(outcome, Err(Error::BadRequest(_))), "{outcome:?}");
    // Of another vault.
    let other = Folder::new();
    let (_, foreign) = other.open().initialize_with(OWN, &seal).unwrap();
    let outcome = give(foreign[0].expose());
    assert!(matches!(outcome, Err(Error::BadRequest(_))), "{outcome:?}");
    assert_eq!(vault.seal_status().shares, Some((1, 3)), "what was refused does not count");
    assert_eq!(give(shares[1].expose()).unwrap(), Changed::Unchanged);
    assert_eq!(vault.unseal_with(OPERATOR, &Unlock::ForgetShares).unwrap(), Changed::Unchanged);
    assert_eq!(vault.seal_status().shares, Some((0, 3)));
    for (share, changed) in
        [(0, Changed::Unchanged), (2, Changed::Unchanged), (3, Changed::Changed)]
    {
        assert_eq!(give(shares[share].expose()).unwrap(), changed);
    }
    assert_eq!(vault.status().0, State::Unsealed);
}

#[test]
fn a_credential_and_a_token_open_by_themselves() {
    let folder = Folder::new();
    let outcome = folder.open_with_all().initialize_with(OWN, &credential());
    assert!(matches!(outcome, Err(Error::Sealed(_))), "{outcome:?}");
    folder.put_credential(&[1; 31]);
    let outcome = folder.open_with_all().initialize_with(OWN, &credential());
    assert!(matches!(outcome, Err(Error::Sealed(_))), "{outcome:?}");
    folder.put_credential(&[1; 40]);
    let _ = folder.open_with_all().initialize_with(OWN, &credential()).unwrap();
    assert_eq!(folder.open_with_all().status().0, State::Unsealed);
    folder.put_credential(&[2; 40]);
    expect_sealed(&folder.open_with_all(), "does not open");
    expect_sealed(&folder.open(), "vault-seal");

    let folder = Folder::new();
    let _ = folder.open_with_all().initialize_with(OWN, &external()).unwrap();
    assert_eq!(folder.open_with_all().status().0, State::Unsealed);
    expect_sealed(&Vault::open(folder.doors_with_all(0x5b)).unwrap(), "does not open");
    expect_sealed(&folder.open(), "no key \"token\"");
}

/// A token that can be taken away, and then answers nothing.
struct Removable(Arc<AtomicBool>);

impl ExternalSeal for Removable {
    fn name(&self) -> &str {
        "token"
    }

    fn wrap(&self, key: &SealKey) -> Result<Vec<u8>, Error> {
        match self.0.load(Ordering::SeqCst) {
            true => Token(0x5a).wrap(key),
            false => Err(gone()),
        }
    }

    fn unwrap(&self, wrapped: &[u8]) -> Result<SealKey, Error> {
        match self.0.load(Ordering::SeqCst) {
            true => Token(0x5a).unwrap(wrapped),
            false => Err(gone()),
        }
    }
}

fn gone() -> Error {
    Error::SealKey { reason: "it is gone".to_owned(), remedy: "plug it in".to_owned() }
}

#[test]
fn a_token_that_comes_back_opens_by_itself_but_not_against_an_operator() {
    let folder = Folder::new();
    let there = Arc::new(AtomicBool::new(true));
    let open = || {
        let seals = Seals::new(Box::new(SealFile::new(folder.path("seal.key"))))
            .with_external(Box::new(Removable(Arc::clone(&there))));
        Vault::open(Doors { seals, ..folder.doors() }).unwrap()
    };
    let vault = open();
    let _ = vault.initialize_with(OWN, &external()).unwrap();
    assert_eq!(vault.try_again().unwrap(), Changed::Unchanged, "it is open");
    there.store(false, Ordering::SeqCst);
    // What is in memory stays there; only a new seal needs the token.
    let refused = vault.rekey(OPERATOR, &external()).unwrap_err();
    assert!(matches!(refused, Error::SealKey { .. }), "{refused}");
    assert_eq!(vault.status().0, State::Unsealed);
    drop(vault);

    let vault = open();
    assert_eq!(vault.status(), (State::Sealed, "it is gone; plug it in".to_owned()));
    assert_eq!(vault.try_again().unwrap_err().code(), "vault_sealed");
    assert_eq!(vault.unseal(OPERATOR).unwrap_err().status(), 503);
    there.store(true, Ordering::SeqCst);
    assert_eq!(vault.try_again().unwrap(), Changed::Changed);
    assert_eq!(vault.status().0, State::Unsealed);
    let heard = folder.heard();
    assert_eq!(heard.iter().filter(|line| line.starts_with("VaultUnseal ")).count(), 2);

    let _ = vault.seal(OPERATOR).unwrap();
    assert_eq!(vault.try_again().unwrap(), Changed::Unchanged);
    assert_eq!(vault.status().0, State::Sealed, "an operator sealed it");
    assert_eq!(vault.unseal(OPERATOR).unwrap(), Changed::Changed);
}

#[test]
fn each_seal_can_follow_each_other() {
    let folder = Folder::new();
    folder.put_credential(&[1; 40]);
    let vault = folder.open_with_all();
    let _ = vault.initialize(OWN).unwrap();
    let _ = vault.key_create(PLANE, &name("a"), AGENT.uid).unwrap();
    let wrapped = wrapped(&vault);
    drop(vault);
    let mut unlock = Unlock::Own;
    let mut shares: Vec<Secret<String>> = Vec::new();
    let steps = ["file", "passphrase", "shares", "credential", "external", "file", "shares"];
    for step in steps {
        let vault = folder.open_with_all();
        if !shares.is_empty() {
            let _ = vault.unseal_with(OPERATOR, &Unlock::Share(shares.remove(0))).unwrap();
            unlock = Unlock::Share(shares.remove(0));
        }
        if vault.status().0 != State::Unsealed {
            let _ = vault.unseal_with(OPERATOR, &unlock).unwrap();
        }
        expect_forbidden(vault.rekey(PLANE, &NewSeal::File));
        let new = match step {
            "file" => NewSeal::File,
            "passphrase" => NewSeal::Passphrase(passphrase(PASSPHRASE)),
            "shares" => NewSeal::Shares { threshold: 2, n_shares: 2 },
            "credential" => credential(),
            _ => external(),
        };
        shares = vault.rekey(OPERATOR, &new).unwrap();
        unlock = match step {
            "passphrase" => Unlock::Passphrase(passphrase(PASSPHRASE)),
            _ => Unlock::Own,
        };
        let named = if step == "external" { "token" } else { step };
        assert_eq!(vault.seal_status().seal.as_deref(), Some(named));
        assert!(vault.seal_status().warnings.is_empty(), "{:?}", vault.seal_status());
        let key = vault.unwrap(AGENT, &name("a"), &wrapped.bytes).unwrap();
        assert_eq!(key.expose(), data_key(7).expose());
        assert_eq!(folder.path("seal.key").exists(), step == "file");
        assert!(!folder.path("seal.key.new").exists());
    }
}

#[test]
fn the_old_key_file_opens_nothing_after_a_new_seal() {
    let folder = Folder::new();
    let vault = folder.filled();
    let old = std::fs::read(folder.path("seal.key")).unwrap();
    vault.rekey(OPERATOR, &NewSeal::File).unwrap();
    drop(vault);
    assert_eq!(folder.open().status().0, State::Unsealed);
    assert_ne!(std::fs::read(folder.path("seal.key")).unwrap(), old);
    std::fs::write(folder.path("seal.key"), old).unwrap();
    expect_sealed(&folder.open(), "does not open");
}

#[test]
fn a_sealed_vault_refuses_everything_and_says_so() {
    let house = House::new();
    house.ec("k");
    let reader = house.identity("reader", Role::Administrator);
    assert_eq!(house.vault.seal(OPERATOR).unwrap(), Changed::Changed);
    for principal in [operator(), reader, Principal::Anonymous { why: String::new() }] {
        for op in [get("k"), sign("k"), create("x", "EC"), Op::Random { count: 1 }] {
            let refusal = expect_refusal(house.ask(&principal, op), 503, None);
            assert_eq!(refusal.code, "VaultSealed");
        }
    }
    assert!(!house.kv.vault_exists("v-1"));
    let heard = house.folder.heard();
    assert_eq!(heard.iter().filter(|line| line.ends_with(" 503")).count(), 12);
    assert_eq!(house.vault.unseal(OPERATOR).unwrap(), Changed::Changed);
    assert!(house.does(sign("k")).is_ok());
}
