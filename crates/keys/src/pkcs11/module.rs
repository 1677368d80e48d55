//! The library behind a token: loaded once a process, asked by one caller at a time.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use base::Secret;
use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::error::{Error, RvError};
use cryptoki::session::{Session, UserType};
use cryptoki::slot::{Slot, TokenInfo};
use cryptoki::types::AuthPin;
use parking_lot::{Mutex, MutexGuard};

use super::errors::{classify, is_bad_pin};
use super::uri::Pkcs11Uri;
use crate::secret_file::{self, Readers};
use crate::{Cause, KeyError, Outage};

/// Libraries of this process. Never unloaded: their threads and handlers would not survive it.
static MODULES: LazyLock<Mutex<BTreeMap<PathBuf, Arc<Module>>>> =
    LazyLock::new(|| Mutex::new(BTreeMap::new()));

/// A loaded library.
pub(super) struct Module {
    library: Pkcs11,
    /// One caller at a time: a login holds for all sessions of the process with a token.
    gate: Mutex<()>,
}

impl std::fmt::Debug for Module {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Module(…)")
    }
}

impl Module {
    /// The library at `path`, loaded now if it was not yet.
    pub(super) fn load(path: &Path) -> Result<Arc<Self>, KeyError> {
        let wrong = |why: String| {
            KeyError::configuration(format!("the PKCS #11 module \"{}\" {why}", path.display()))
        };
        let real = path.canonicalize().map_err(|error| wrong(format!("is not there: {error}")))?;
        let meta = real.metadata().map_err(|error| wrong(format!("cannot be read: {error}")))?;
        if !meta.is_file() || meta.mode() & 0o002 != 0 {
            return Err(wrong("is no file, or everybody may change it".to_owned()));
        }
        let mut modules = MODULES.lock();
        if let Some(module) = modules.get(&real) {
            return Ok(Arc::clone(module));
        }
        let library =
            Pkcs11::new(&real).map_err(|error| wrong(format!("is no such library: {error}")))?;
        // Some start only while they reach their token: that says nothing about the key.
        initialize(&library).map_err(|error| {
            let path = path.display();
            let words = format!("the PKCS #11 module \"{path}\" does not start: {error}");
            KeyError::unreachable(Outage::ServerFailure, words)
        })?;
        let module = Arc::new(Self { library, gate: Mutex::new(()) });
        modules.insert(real, Arc::clone(&module));
        Ok(module)
    }

    /// The one initialised token that the address names. Called by whoever holds the gate.
    ///
    /// Some libraries look for tokens only when they start: one that does not show the token is
    /// started anew once. No session is lost by that, since each lives within its turn.
    fn slot(&self, uri: &Pkcs11Uri) -> Result<Slot, KeyError> {
        match self.slot_now(uri) {
            Err(KeyError::Unreachable { .. }) => {
                self.start_anew()?;
                self.slot_now(uri)
            }
            found => found,
        }
    }

    fn start_anew(&self) -> Result<(), KeyError> {
        let failed = |error: Error| classify("start the library anew", &error);
        match self.library.clone().finalize() {
            Ok(()) | Err(Error::Pkcs11(RvError::CryptokiNotInitialized, _)) => {}
            Err(error) => return Err(failed(error)),
        }
        initialize(&self.library).map_err(failed)
    }

    fn slot_now(&self, uri: &Pkcs11Uri) -> Result<Slot, KeyError> {
        let failed = |error: Error| classify("look for the token", &error);
        let mut found = None;
        for slot in self.library.get_slots_with_initialized_token().map_err(failed)? {
            // A token that goes away while the list is read is one that is not there.
            let Ok(info) = self.library.get_token_info(slot) else { continue };
            let same = |wanted: &Option<String>, is: &str| {
                wanted.as_deref().is_none_or(|wanted| wanted == is)
            };
            let fits = same(&uri.token, info.label())
                && same(&uri.serial, info.serial_number())
                && same(&uri.manufacturer, info.manufacturer_id())
                && same(&uri.model, info.model());
            if fits && found.replace(slot).is_some() {
                return Err(KeyError::configuration(format!(
                    "two tokens are called \"{}\"; add serial=… to the address",
                    uri.token()
                )));
            }
        }
        found.ok_or_else(|| {
            let words = format!("the token \"{}\" is not there", uri.token());
            KeyError::unreachable(Outage::Refused, words)
        })
    }
}

fn initialize(library: &Pkcs11) -> Result<(), Error> {
    match library.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)) {
        Ok(()) | Err(Error::Pkcs11(RvError::CryptokiAlreadyInitialized, _)) => Ok(()),
        Err(error) => Err(error),
    }
}

/// The door to one token: address, PIN and the memory of a PIN that was refused.
#[derive(Debug)]
pub(super) struct Door {
    pub(super) uri: Pkcs11Uri,
    module: Arc<Module>,
    pin_readers: Readers,
    refused: Mutex<Option<Secret<String>>>,
}

/// A session with a token, logged in when there is a PIN.
pub(super) struct Open<'a> {
    pub(super) session: Session,
    library: &'a Pkcs11,
    slot: Slot,
}

impl Open<'_> {
    /// Whether the token offers the mechanism.
    pub(super) fn offers(
        &self,
        mechanism: cryptoki::mechanism::MechanismType,
    ) -> Result<bool, KeyError> {
        self.library
            .get_mechanism_list(self.slot)
            .map(|offered| offered.contains(&mechanism))
            .map_err(|error| classify("ask the token what it can", &error))
    }
}

impl Door {
    pub(super) fn new(uri: Pkcs11Uri, pin_readers: Readers) -> Result<Self, KeyError> {
        let module = Module::load(uri.module())?;
        Ok(Self { uri, module, pin_readers, refused: Mutex::new(None) })
    }

    /// Looks at the token without a login.
    pub(super) fn token(&self, deadline: Duration) -> Result<TokenInfo, KeyError> {
        let _turn = self.turn(deadline)?;
        let slot = self.module.slot(&self.uri)?;
        let info = self.module.library.get_token_info(slot);
        info.map_err(|error| classify("ask the token what it is", &error))
    }

    fn turn(&self, deadline: Duration) -> Result<MutexGuard<'_, ()>, KeyError> {
        self.module
            .gate
            .try_lock_until(Instant::now() + deadline)
            .ok_or_else(|| KeyError::unreachable(Outage::Timeout, "the token is busy"))
    }

    /// Opens a session, hands it to `work`, and closes it. Gives up when the token is busy with
    /// other callers for as long as `deadline`.
    ///
    /// Before a key counts as gone, the library is started anew and asked once more: some do not
    /// see what came into a token behind their back.
    pub(super) fn with<T>(
        &self,
        deadline: Duration,
        work: impl Fn(&Open<'_>) -> Result<T, KeyError>,
    ) -> Result<T, KeyError> {
        let _turn = self.turn(deadline)?;
        match self.once(&work) {
            Err(KeyError::Denied { cause: Cause::NotFound, .. }) => {
                self.module.start_anew()?;
                self.once(&work)
            }
            outcome => outcome,
        }
    }

    fn once<T>(&self, work: impl Fn(&Open<'_>) -> Result<T, KeyError>) -> Result<T, KeyError> {
        let slot = self.module.slot(&self.uri)?;
        let library = &self.module.library;
        let session = library
            .open_ro_session(slot)
            .map_err(|error| classify("open a session with the token", &error))?;
        self.log_in(&session)?;
        work(&Open { session, library, slot })
    }

    /// The PIN as its file holds it now.
    pub(super) fn pin(&self) -> Result<Option<Secret<String>>, KeyError> {
        let read = |source| secret_file::read_for(self.pin_readers, source, "PIN");
        self.uri.pin_source().map(read).transpose()
    }

    fn log_in(&self, session: &Session) -> Result<(), KeyError> {
        let Some(pin) = self.pin()? else { return Ok(()) };
        let mut refused = self.refused.lock();
        let is_refused = refused.as_ref().is_some_and(|old| {
            crypto::constant_time_eq(old.expose().as_bytes(), pin.expose().as_bytes())
        });
        if is_refused {
            return Err(KeyError::denied(
                Cause::IdentityUnknown,
                "the token refused this PIN before; it is not tried again, so as not to lock the \
                 token, until the file holds another one",
            ));
        }
        let auth = AuthPin::from(pin.expose().as_str());
        match session.login(UserType::User, Some(&auth)) {
            Ok(()) | Err(Error::Pkcs11(RvError::UserAlreadyLoggedIn, _)) => {
                *refused = None;
                Ok(())
            }
            Err(error) => {
                if is_bad_pin(&error) {
                    *refused = Some(pin);
                }
                Err(classify("log in to the token", &error))
            }
        }
    }
}
