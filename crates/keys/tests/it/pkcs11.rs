//! PKCS #11 against SoftHSM 2, each test in a process of its own: the library reads where its
//! tokens lie from the environment, once.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::error::{Error, RvError};
use cryptoki::mechanism::Mechanism;
use cryptoki::object::{Attribute, KeyType, ObjectClass};
use cryptoki::session::{Session, UserType};
use cryptoki::types::{AuthPin, Date};
use keys::pkcs11::{Pkcs11Key, Pkcs11Uri};
use keys::{Algorithm, Cause, KeyError, KeyProvider, Outage, probe, wrap_proved};

use crate::contract::{self, Rig, cause, outage, secret};

const CONF: &str = "SOFTHSM2_CONF";
const PIN: &str = "24680";
const LABEL: &str = "data key";

/// SoftHSM's library, where distributions put it.
fn module() -> Option<PathBuf> {
    [
        "/usr/lib/softhsm/libsofthsm2.so",
        "/usr/lib64/softhsm/libsofthsm2.so",
        "/usr/lib64/pkcs11/libsofthsm2.so",
        "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so",
        "/usr/lib/aarch64-linux-gnu/softhsm/libsofthsm2.so",
    ]
    .into_iter()
    .map(PathBuf::from)
    .find(|path| path.exists())
}

/// Runs `body` in a child of this very test program that has tokens of its own.
fn in_softhsm(test: &str, body: impl AsyncFnOnce(Hsm)) {
    let Some(module) = module() else {
        let words = "NOT RUN: SoftHSM 2 is not installed (Debian package softhsm2)";
        assert!(std::env::var_os("CI").is_none(), "{words}");
        eprintln!("{test}: {words}");
        return;
    };
    let conf = std::env::var_os(CONF).map(PathBuf::from);
    if let Some(folder) = conf.as_deref().and_then(Path::parent)
        && folder.join("of-this-test").exists()
    {
        let hsm = Hsm::new(module, folder.to_owned());
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        return runtime.block_on(body(hsm));
    }
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("tokens")).unwrap();
    std::fs::write(folder.path().join("of-this-test"), "").unwrap();
    let conf = folder.path().join("softhsm2.conf");
    let tokens = folder.path().join("tokens");
    let text = format!("directories.tokendir = {}\nlog.level = ERROR\n", tokens.display());
    std::fs::write(&conf, text).unwrap();
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", &format!("pkcs11::{test}"), "--nocapture"])
        .env(CONF, conf)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let erred = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains("1 passed"), "{said}\n{erred}");
}

/// A token with a label and a PIN.
struct Hsm {
    module: PathBuf,
    folder: PathBuf,
    library: Pkcs11,
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Rsa,
    Aes,
    /// AES without the right to wrap: only AES-GCM is left.
    AesEncrypt,
}

impl Hsm {
    fn new(module: PathBuf, folder: PathBuf) -> Self {
        let library = Pkcs11::new(&module).unwrap();
        match library.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)) {
            Ok(()) | Err(Error::Pkcs11(RvError::CryptokiAlreadyInitialized, _)) => {}
            Err(error) => panic!("{error}"),
        }
        let hsm = Self { module, folder, library, kind: Kind::Rsa };
        hsm.add_token("pgkeep test");
        hsm.write_pin(PIN);
        hsm
    }

    fn add_token(&self, label: &str) {
        let free = self.library.get_all_slots().unwrap().pop().unwrap();
        let officer = AuthPin::from("13579");
        self.library.init_token(free, &officer, label).unwrap();
        let slot = self.slot(label);
        let session = self.library.open_rw_session(slot).unwrap();
        session.login(UserType::So, Some(&officer)).unwrap();
        session.init_pin(&AuthPin::from(PIN)).unwrap();
    }

    fn slot(&self, label: &str) -> cryptoki::slot::Slot {
        let slots = self.library.get_slots_with_initialized_token().unwrap();
        let is = |slot: &cryptoki::slot::Slot| {
            self.library.get_token_info(*slot).unwrap().label() == label
        };
        slots.into_iter().find(is).unwrap()
    }

    /// A session of the test, logged in.
    fn session(&self) -> Session {
        let session = self.library.open_rw_session(self.slot("pgkeep test")).unwrap();
        match session.login(UserType::User, Some(&AuthPin::from(PIN))) {
            Ok(()) | Err(Error::Pkcs11(RvError::UserAlreadyLoggedIn, _)) => session,
            Err(error) => panic!("{error}"),
        }
    }

    fn write_pin(&self, pin: &str) {
        let path = self.folder.join("pin");
        std::fs::write(&path, pin).unwrap();
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).unwrap();
    }

    fn uri(&self, path: &str) -> Pkcs11Uri {
        let (module, folder) = (self.module.display(), self.folder.display());
        let text = format!("pkcs11:{path}?module-path={module}&pin-source=file:{folder}/pin");
        text.parse().unwrap()
    }

    fn key(&self) -> Pkcs11Key {
        Pkcs11Key::new(self.uri("token=pgkeep%20test;object=data%20key")).unwrap()
    }

    /// Makes a key with the next id, valid until the day `ends`.
    fn generate(&self, ends: Option<&str>) {
        let session = self.session();
        let versions = session
            .find_objects(&[Attribute::Label(LABEL.into()), Attribute::Class(self.class())])
            .unwrap();
        let id = Attribute::Id(vec![u8::try_from(versions.len() + 1).unwrap()]);
        let common = vec![Attribute::Token(true), Attribute::Label(LABEL.into()), id];
        let mut dates = Vec::new();
        if let Some(ends) = ends {
            let date = Date::new_from_str_slice(&ends[..4], &ends[5..7], &ends[8..]).unwrap();
            dates.push(Attribute::EndDate(date));
        }
        let with = |more: Vec<Attribute>| [common.clone(), more].concat();
        if self.kind == Kind::Rsa {
            dates.extend([
                Attribute::ModulusBits(2048.into()),
                Attribute::PublicExponent(vec![1, 0, 1]),
                Attribute::Encrypt(true),
            ]);
            let public = with(dates);
            let private = with(vec![
                Attribute::Private(true),
                Attribute::Sensitive(true),
                Attribute::Extractable(false),
                Attribute::Decrypt(true),
                Attribute::Modifiable(true),
            ]);
            session.generate_key_pair(&Mechanism::RsaPkcsKeyPairGen, &public, &private).unwrap();
            return;
        }
        let wraps = self.kind == Kind::Aes;
        let secret = with(vec![
            Attribute::KeyType(KeyType::AES),
            Attribute::ValueLen(32.into()),
            Attribute::Private(false),
            Attribute::Sensitive(true),
            Attribute::Extractable(false),
            Attribute::Encrypt(!wraps),
            Attribute::Decrypt(!wraps),
            Attribute::Wrap(wraps),
            Attribute::Unwrap(wraps),
        ]);
        session.generate_key(&Mechanism::AesKeyGen, &secret).unwrap();
    }

    fn class(&self) -> ObjectClass {
        match self.kind {
            Kind::Rsa => ObjectClass::PRIVATE_KEY,
            Kind::Aes | Kind::AesEncrypt => ObjectClass::SECRET_KEY,
        }
    }

    fn change(&self, version: &str, template: &[Attribute]) {
        self.change_of(self.class(), version, template);
    }

    fn change_of(&self, class: ObjectClass, version: &str, template: &[Attribute]) {
        let session = self.session();
        let id = Attribute::Id(hex::decode(version).unwrap());
        let wanted = [Attribute::Label(LABEL.into()), Attribute::Class(class), id];
        let objects = session.find_objects(&wanted).unwrap();
        assert_eq!(objects.len(), 1);
        session.update_attributes(objects[0], template).unwrap();
    }
}

impl Rig for Hsm {
    fn provider(&self) -> Box<dyn KeyProvider> {
        self.generate(None);
        Box::new(self.key())
    }

    fn unknown(&self) -> Box<dyn KeyProvider> {
        Box::new(Pkcs11Key::new(self.uri("token=pgkeep%20test;object=none")).unwrap())
    }

    fn silent(&self) -> Box<dyn KeyProvider> {
        Box::new(Pkcs11Key::new(self.uri("token=unplugged;object=data%20key")).unwrap())
    }

    fn rotate(&self) {
        self.generate(None);
    }

    fn disable(&self, version: &str) -> bool {
        match self.kind {
            Kind::Rsa => self.change(version, &[Attribute::Decrypt(false)]),
            Kind::Aes => self.change(version, &[Attribute::Unwrap(false)]),
            Kind::AesEncrypt => self.change(version, &[Attribute::Decrypt(false)]),
        }
        true
    }

    fn expire(&self, version: &str) -> bool {
        let date = Date::new_from_str_slice("2020", "01", "31").unwrap();
        // SoftHSM cannot read back the dates of private objects; a public half is none.
        let class = match self.kind {
            Kind::Rsa => ObjectClass::PUBLIC_KEY,
            _ => self.class(),
        };
        self.change_of(class, version, &[Attribute::EndDate(date)]);
        true
    }
}

#[test]
fn rsa_keeps_the_contract() {
    in_softhsm("rsa_keeps_the_contract", async |hsm| {
        contract::holds(&hsm).await;
        // SoftHSM 2 has OAEP with SHA-1 only; the record says so.
        let wrapped = hsm.key().wrap(&secret(&[1; 32])).await.unwrap();
        assert!(matches!(wrapped.algorithm, Algorithm::RsaOaep | Algorithm::RsaOaep256));
        assert_eq!(wrapped.kid, "pkcs11:token=pgkeep%20test;object=data%20key;id=%02");
    });
}

#[test]
fn aes_key_wrap_keeps_the_contract() {
    in_softhsm("aes_key_wrap_keeps_the_contract", async |mut hsm| {
        hsm.kind = Kind::Aes;
        contract::holds(&hsm).await;
        let wrapped = wrap_proved(&hsm.key(), &secret(&[1; 32])).await.unwrap();
        assert_eq!((wrapped.algorithm, wrapped.value.len()), (Algorithm::A256Kw, 40));
    });
}

#[test]
fn aes_gcm_keeps_the_contract() {
    in_softhsm("aes_gcm_keeps_the_contract", async |mut hsm| {
        hsm.kind = Kind::AesEncrypt;
        contract::holds(&hsm).await;
        let wrapped = wrap_proved(&hsm.key(), &secret(&[1; 7])).await.unwrap();
        assert_eq!((wrapped.algorithm, wrapped.value.len()), (Algorithm::A256Gcm, 12 + 7 + 16));
    });
}

#[test]
fn a_refused_pin_is_not_tried_again() {
    in_softhsm("a_refused_pin_is_not_tried_again", async |hsm| {
        hsm.generate(None);
        hsm.write_pin("99999");
        let key = hsm.key();
        assert_eq!(cause(key.newest().await), Cause::IdentityUnknown);
        let slot = hsm.slot("pgkeep test");
        // A second try would be seen by the token; only the file's change allows one.
        for _ in 0..20 {
            let error = key.newest().await.unwrap_err();
            assert!(error.to_string().contains("not tried again"), "{error}");
        }
        assert!(!hsm.library.get_token_info(slot).unwrap().user_pin_locked());
        hsm.write_pin(&format!("{PIN}\n"));
        key.newest().await.unwrap();
    });
}

#[test]
fn a_seal_comes_back_and_refuses_what_it_did_not_write() {
    in_softhsm("a_seal_comes_back_and_refuses_what_it_did_not_write", async |mut hsm| {
        hsm.kind = Kind::Aes;
        hsm.generate(None);
        let key = hsm.key();
        let root = [0x42; 32];
        let sealed = key.seal_wrap(&root).unwrap();
        assert_eq!(key.seal_unwrap(&sealed).unwrap().expose(), &root);
        // A newer key in the token does not lock the vault out.
        hsm.rotate();
        assert_eq!(key.seal_unwrap(&sealed).unwrap().expose(), &root);
        let mut text = String::from_utf8(sealed.clone()).unwrap();
        text = text.replace("A256KW", "RSA-OAEP");
        for bad in [&sealed[1..], b"{}", &vec![b' '; 40_000], text.as_bytes()] {
            let result = key.seal_unwrap(bad);
            assert!(matches!(result, Err(KeyError::Broken { .. })), "{result:?}");
        }
        let short = key.wrap(&secret(&[1; 16])).await.unwrap();
        let result = key.seal_unwrap(&serde_json::to_vec(&short).unwrap());
        assert!(matches!(result, Err(KeyError::Broken { .. })), "{result:?}");
    });
}

#[test]
fn pins_dates_and_names_are_told_apart() {
    in_softhsm("pins_dates_and_names_are_told_apart", async |hsm| {
        hsm.generate(Some("2020-01-31"));
        let key = hsm.key();
        // A token does not mind dates: it still wraps and unwraps.
        let wrapped = wrap_proved(&key, &secret(&[1; 32])).await.unwrap();
        let last_day = "2020-01-31T23:59:59Z".parse().unwrap();
        probe(&key, &wrapped, last_day).await.unwrap();
        let after = "2020-02-01T00:00:00Z".parse().unwrap();
        assert_eq!(cause(probe(&key, &wrapped, after).await), Cause::Expired);
        // A pinned version stays.
        let pinned = "token=pgkeep%20test;object=data%20key;id=%01";
        let pinned = Pkcs11Key::new(hsm.uri(pinned)).unwrap();
        hsm.rotate();
        assert_eq!(pinned.newest().await.unwrap().version, "01");
        assert_eq!(key.newest().await.unwrap().version, "02");
        // Two tokens of one name are no choice to make silently.
        hsm.add_token("pgkeep test");
        let result = key.newest().await;
        assert!(matches!(result, Err(KeyError::Configuration { .. })), "{result:?}");
    });
}

#[test]
fn many_callers_take_turns() {
    in_softhsm("many_callers_take_turns", async |hsm| {
        hsm.generate(None);
        let key = hsm.key();
        let wrapped = key.wrap(&secret(&[9; 32])).await.unwrap();
        let calls: Vec<_> = (0..32)
            .map(|_| {
                let (key, wrapped) = (key.clone(), wrapped.clone());
                tokio::spawn(async move { key.unwrap(&wrapped).await })
            })
            .collect();
        for call in calls {
            assert_eq!(call.await.unwrap().unwrap().expose(), &[9; 32]);
        }
        // Who waits longer than allowed for the others gets no answer instead of a late one.
        let hurried = key.with_deadline(std::time::Duration::from_millis(2));
        let calls: Vec<_> = (0..64)
            .map(|_| {
                let (key, wrapped) = (hurried.clone(), wrapped.clone());
                tokio::spawn(async move { key.unwrap(&wrapped).await })
            })
            .collect();
        let mut n_late = 0;
        for call in calls {
            match call.await.unwrap() {
                Ok(key) => assert_eq!(key.expose(), &[9; 32]),
                late => {
                    assert_eq!(outage(late), Outage::Timeout);
                    n_late += 1;
                }
            }
        }
        assert!(n_late > 0);
    });
}

#[test]
fn a_module_that_is_none_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("m.so");
    std::fs::write(&path, "no library").unwrap();
    for (path, mode) in [(path.clone(), 0o644), (path, 0o666), ("/no/such.so".into(), 0)] {
        if path.exists() {
            std::fs::set_permissions(&path, PermissionsExt::from_mode(mode)).unwrap();
        }
        let text = format!("pkcs11:token=t;object=o?module-path={}", path.display());
        let result = Pkcs11Key::new(text.parse().unwrap());
        assert!(matches!(result, Err(KeyError::Configuration { .. })), "{result:?}");
    }
}
