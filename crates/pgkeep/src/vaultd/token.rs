//! The vault's seal by a key in a PKCS #11 token: an HSM, a smart card, a TPM.
//!
//! Which key stands in `[pkcs11.seal]` of config.toml and is read at each use, so that it can be
//! corrected while the vault waits. A library that hangs costs a thread, not the vault.

use std::path::PathBuf;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use base::{Fault, Secret};
use keys::pkcs11::{Pkcs11Key, SealToken, Token};
use keys::{Cause, KeyError, Outage};
use serde_json::{Value, json};
use vault::{Error, ExternalSeal, SealKey};

use crate::home::{Config, Home, SealKeySettings};

/// What the seal is called in commands and in `status`.
pub(super) const PKCS11: &str = "pkcs11";
/// A token answers within this; a network HSM that starts may take a while.
const DEADLINE: Duration = Duration::from_secs(15);

/// Calls that hang keep a thread each: no more are begun beside so many.
const CALLS_MAX: usize = 8;

/// The key that config.toml names.
#[derive(Clone)]
pub(super) struct TokenSeal {
    home: Home,
    /// The OS user of the vault: nobody else may read its PIN.
    owner: u32,
    credentials: Option<PathBuf>,
    /// The key as it was last set up. It remembers a PIN that the token refused, so it lives as
    /// long as its settings stay.
    known: Arc<Mutex<Option<(SealToken, Pkcs11Key)>>>,
    /// One more for each call under way, one of them the seal's own.
    calls: Arc<()>,
}

impl TokenSeal {
    pub(super) fn new(home: &Home, owner: u32, credentials: Option<PathBuf>) -> Self {
        Self {
            home: home.clone(),
            owner,
            credentials,
            known: Arc::default(),
            calls: Arc::default(),
        }
    }

    /// The key in a few words, if there is one.
    pub(super) fn describe(&self) -> Option<String> {
        let settings = settings(&self.home).ok()??;
        let token = settings.token.or(settings.serial)?;
        Some(format!("key \"{}\" of token \"{token}\"", settings.key))
    }

    /// What `doctor` wants to know, as `{name, verdict, message, fix}`; none without settings.
    pub(super) fn checks(&self) -> Vec<Value> {
        let check = |name: &str, outcome: Result<String, Error>| match outcome {
            Ok(message) => json!({ "name": name, "verdict": "ok", "message": message }),
            Err(error) => {
                let (message, fix) = told(error);
                json!({ "name": name, "verdict": "fail", "message": message, "fix": fix })
            }
        };
        let token = match self.token() {
            Ok(None) => return Vec::new(),
            Err(error) => return vec![check("seal-module", Err(error))],
            Ok(Some(token)) => token,
        };
        let module = token.module.display().to_string();
        let loaded = self.within(|_| Ok(()));
        let is_loaded = loaded.is_ok();
        let words = format!("the PKCS#11 module {module} is loaded");
        let mut checks = vec![check("seal-module", loaded.map(|()| words))];
        if !is_loaded {
            return checks;
        }
        let pin = self.within(Pkcs11Key::check_pin_file);
        let is_readable = pin.is_ok();
        let words = match &token.pin_file {
            Some(file) => format!("the PIN in {} is the vault's alone", file.display()),
            None => "the token is used without a PIN".to_owned(),
        };
        checks.push(check("seal-pin", pin.map(|()| words)));
        let found = self.within(Pkcs11Key::token);
        let usable = is_readable && found.as_ref().is_ok_and(|t| !t.is_locked && !t.is_last_try);
        checks.push(match found {
            Ok(token) if token.is_locked || token.is_last_try => {
                let danger = if token.is_locked { "is locked" } else { "locks at one more" };
                let words = format!("{}: it {danger} after wrong PINs", said(&token));
                let fix = "correct the PIN, and unlock the token as its maker describes";
                json!({ "name": "seal-token", "verdict": "fail", "message": words, "fix": fix })
            }
            found => check("seal-token", found.map(|token| format!("{} is there", said(&token)))),
        });
        if usable {
            let proved = self.within(|key| key.seal_wrap(&[0x5a; 32]).map(drop));
            let words = format!("its key \"{}\" wraps and unwraps", token.key);
            checks.push(check("seal-key", proved.map(|()| words)));
        }
        checks
    }

    /// The settings as crate `keys` wants them; none when there are none.
    fn token(&self) -> Result<Option<SealToken>, Error> {
        let Some(settings) = settings(&self.home)? else { return Ok(None) };
        let SealKeySettings { module, token, serial, key, id, pin_file, pin_credential } = settings;
        let pin_file = match (pin_file, pin_credential) {
            (Some(_), Some(_)) => {
                return Err(unusable("pin_file and pin_credential are both set", CORRECT));
            }
            (file, None) => file,
            (None, Some(name)) => Some(self.credential(&name)?),
        };
        Ok(Some(SealToken { module, token, serial, key, id, pin_file }))
    }

    fn credential(&self, name: &str) -> Result<PathBuf, Error> {
        let plain = |b: u8| b.is_ascii_alphanumeric() || b"._-".contains(&b);
        if name.is_empty() || name.starts_with('.') || !name.bytes().all(plain) {
            return Err(unusable("pin_credential is no name of a credential", CORRECT));
        }
        let folder = self.credentials.as_ref().ok_or_else(|| {
            let reason = format!("the systemd credential \"{name}\" was not handed to the vault");
            unusable(&reason, "add LoadCredential= or SetCredentialEncrypted= to the unit")
        })?;
        Ok(folder.join(name))
    }

    /// The key of the settings as they are now; the same one as long as they stay.
    fn key(&self) -> Result<Pkcs11Key, Error> {
        let token = self.token()?.ok_or_else(|| {
            unusable(
                "config.toml has no [pkcs11.seal]",
                "name module, token, key and pin_file there; pgkeep vault rekey --help shows how",
            )
        })?;
        let mut known = lock(&self.known);
        if let Some((same, key)) = &*known
            && *same == token
        {
            return Ok(key.clone());
        }
        let key = Pkcs11Key::of_seal(&token, self.owner).map_err(of_key)?;
        *known = Some((token, key.clone()));
        Ok(key)
    }

    /// Calls the token on a thread of its own, and waits no longer than [`DEADLINE`].
    fn within<T: Send + 'static>(
        &self,
        call: impl FnOnce(&Pkcs11Key) -> Result<T, KeyError> + Send + 'static,
    ) -> Result<T, Error> {
        const HANGS: &str = "see whether the token and what leads to it work; pgkeep down and up \
                             start its library anew";
        if Arc::strong_count(&self.calls) > CALLS_MAX {
            return Err(unusable("earlier calls of the token have not come back", HANGS));
        }
        let (answer, answered) = channel();
        let this = self.clone();
        let work = move || {
            // Nobody listens any more when it took too long.
            drop(answer.send(this.key().and_then(|key| call(&key).map_err(of_key))));
        };
        let started = std::thread::Builder::new().name("vault-token".to_owned()).spawn(work);
        if let Err(e) = started {
            return Err(unusable(&format!("no thread could be started: {e}"), HANGS));
        }
        answered.recv_timeout(DEADLINE).unwrap_or_else(|end| {
            Err(match end {
                RecvTimeoutError::Timeout => {
                    let seconds = DEADLINE.as_secs();
                    unusable(&format!("the token did not answer within {seconds} s"), HANGS)
                }
                RecvTimeoutError::Disconnected => unusable("the token's library failed", HANGS),
            })
        })
    }
}

impl ExternalSeal for TokenSeal {
    fn name(&self) -> &str {
        PKCS11
    }

    fn wrap(&self, key: &SealKey) -> Result<Vec<u8>, Error> {
        let key = Secret::new(*key.expose());
        self.within(move |token| token.seal_wrap(key.expose()))
    }

    fn unwrap(&self, wrapped: &[u8]) -> Result<SealKey, Error> {
        let wrapped = wrapped.to_vec();
        self.within(move |token| token.seal_unwrap(&wrapped))
    }
}

const CORRECT: &str = "correct [pkcs11.seal] in config.toml";

fn settings(home: &Home) -> Result<Option<SealKeySettings>, Error> {
    let config = Config::load(home).map_err(|fault: Fault| {
        let words = [Some(fault.message), fault.detail].into_iter().flatten();
        unusable(&words.collect::<Vec<_>>().join(": "), "correct config.toml")
    })?;
    Ok(config.pkcs11.seal)
}

fn said(token: &Token) -> String {
    let Token { label, model, serial, .. } = token;
    format!("token \"{label}\" ({model}, serial number {serial})")
}

/// Why a token's key seals or opens nothing, and what helps.
fn of_key(error: KeyError) -> Error {
    let remedy = match &error {
        KeyError::Unreachable { outage: Outage::Refused, .. } => {
            "plug it in, or name the right one in [pkcs11.seal] of config.toml"
        }
        KeyError::Unreachable { .. } => "see whether the token and what leads to it work",
        KeyError::Denied { cause: Cause::IdentityUnknown, .. } => {
            "put the right PIN into the file that [pkcs11.seal] of config.toml names"
        }
        KeyError::Denied { cause: Cause::NotFound, .. } => {
            "put the key back into the token, or name the right one in [pkcs11.seal] of config.toml"
        }
        KeyError::Denied { .. } => {
            "let the token's user encrypt and decrypt, or wrap, with the key"
        }
        KeyError::Broken { .. } => {
            "put the key into the token that the vault was sealed with, under its old label and id"
        }
        KeyError::Configuration { .. } => CORRECT,
    };
    let (KeyError::Unreachable { message, .. }
    | KeyError::Denied { message, .. }
    | KeyError::Broken { message }
    | KeyError::Configuration { message }) = &error;
    unusable(message, remedy)
}

fn unusable(reason: &str, remedy: &str) -> Error {
    Error::SealKey { reason: reason.to_owned(), remedy: remedy.to_owned() }
}

fn told(error: Error) -> (String, String) {
    match error {
        Error::SealKey { reason, remedy } => (reason, remedy),
        other => (other.to_string(), CORRECT.to_owned()),
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
