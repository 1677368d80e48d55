//! `pgkeep server key`: the key that the owner of a server holds, and its words in `create`.

use base::{ExitCode, Fault};
use clap::{Args, Subcommand};
use keys::{KeyError, KeyUri, ProviderKind};
use serde_json::{Map, Value, json};

use super::ask::{all, ask, get};
use super::output::{self, Format};
use super::server::{self, OfServer};
use crate::home::Home;

/// Stands for the identity where the address of the key says how to sign in.
const SIGN_IN_OF_THE_ADDRESS: &str = "token-user";

/// What a table of the history shows.
const HISTORY: [&str; 6] = ["at", "kind", "from", "to", "failure.cause", "failure.message"];

/// Commands on the key of a server.
#[derive(Clone, Debug, Subcommand)]
pub(super) enum KeyCommand {
    /// Show how a server's storage is encrypted and how its key is
    Show(OfServer),
    /// Change key, version or identity of a server while it runs, or how its key is watched
    #[command(after_help = "\
Examples:
  pgkeep server key set -s demo --key https://pay.vault.localhost:8200/keys/tde2
  pgkeep server key set -s demo --identity app2
  pgkeep server key set -s demo --grace 600

The data itself is not written anew: only the server's data key is wrapped by the new key.
The present key must be usable until then.")]
    Set(SetCommand),
    /// Show what happened to the key: lost, usable again, wrapped anew; newest first
    History(OfServer),
    /// Look at the key now instead of at the next round; exit code 6 when it is not usable
    Revalidate(OfServer),
}

#[derive(Clone, Debug, Args)]
pub(super) struct SetCommand {
    #[command(flatten)]
    of: OfServer,
    /// Address of another key or version
    #[arg(long, value_name = "KEY_URI")]
    key: Option<String>,
    /// Another identity; the same name looks it up anew
    #[arg(long)]
    identity: Option<String>,
    #[command(flatten)]
    watch: WatchOptions,
}

/// How a key is watched.
#[derive(Clone, Debug, Default, Args)]
pub(super) struct WatchOptions {
    /// Time between two checks of the key [default: 10]
    #[arg(long, value_name = "SECONDS")]
    check_interval: Option<u32>,
    /// So long the server goes on when nothing is known of its key [default: 300]
    #[arg(long, value_name = "SECONDS")]
    grace: Option<u32>,
}

impl WatchOptions {
    /// The fields of the policy that were given.
    fn policy(&self) -> Option<Value> {
        let fields = [("check_interval_s", self.check_interval), ("grace_s", self.grace)];
        let given: Map<String, Value> = fields
            .into_iter()
            .filter_map(|(name, value)| Some((name.to_owned(), json!(value?))))
            .collect();
        (!given.is_empty()).then_some(Value::Object(given))
    }
}

/// An owner's key for a new server.
#[derive(Clone, Debug, Default, Args)]
pub(super) struct NewKey {
    /// Address of a key of yours that wraps the server's data key; for good
    #[arg(long, value_name = "KEY_URI")]
    key: Option<String>,
    /// The identity under which the server asks for that key
    #[arg(long, requires = "key")]
    identity: Option<String>,
    #[command(flatten)]
    watch: WatchOptions,
}

impl NewKey {
    /// Adds what was said to the body of `POST /servers`.
    pub(super) fn into_args(self, args: &mut Value) -> Result<(), Fault> {
        let policy = self.watch.policy();
        let Some(key) = self.key else {
            if policy.is_some() {
                return Err(usage("only a key of your own is watched")
                    .hint("say which with --key and --identity"));
            }
            return Ok(());
        };
        let uri = understood(&key)?;
        let identity = match (self.identity, uri.provider()) {
            (Some(identity), _) => identity,
            (None, ProviderKind::AzureKeyVault) => {
                return Err(usage("--key needs --identity: who may use the key").hint(
                    "make one (pgkeep identity create) and give it the role \
                     \"Key Vault Crypto Service Encryption User\" on the key \
                     (pgkeep keyvault role-assignment create)",
                ));
            }
            (None, _) => SIGN_IN_OF_THE_ADDRESS.to_owned(),
        };
        args["key"] = json!(key);
        args["identity"] = json!(identity);
        args["policy"] = json!(policy);
        Ok(())
    }
}

/// Runs one command.
pub(super) fn run(home: &Home, command: KeyCommand, format: Format) -> Result<ExitCode, Fault> {
    match command {
        KeyCommand::Show(of) => show(home, &of, format),
        KeyCommand::Set(command) => set(home, command, format),
        KeyCommand::History(of) => {
            let entries = all(home, &server::of(&of.server, "/encryption/history"))?;
            output::show(format, &entries, &HISTORY).map(|()| ExitCode::Ok)
        }
        KeyCommand::Revalidate(of) => {
            let path = server::of(&of.server, "/encryption/check");
            let found = ask(home, "POST", &path, None)?;
            output::show(format, &found, &[])?;
            Ok(if found["health"] == "usable" { ExitCode::Ok } else { ExitCode::Gate })
        }
    }
}

fn show(home: &Home, of: &OfServer, format: Format) -> Result<ExitCode, Fault> {
    let shown = get(home, &server::of(&of.server, ""))?;
    let encryption = &shown["data_encryption"];
    if !encryption.is_object() {
        let reason = shown["state_reason"].as_str().unwrap_or_default();
        return Err(Fault::new(
            "server_down",
            format!("nothing is known of \"{}\" now", of.server),
        )
        .detail(reason)
        .hint(format!("pgkeep server start -n {}", of.server)));
    }
    output::show(format, encryption, &[]).map(|()| ExitCode::Ok)
}

fn set(home: &Home, command: SetCommand, format: Format) -> Result<ExitCode, Fault> {
    let policy = command.watch.policy();
    if command.key.is_none() && command.identity.is_none() && policy.is_none() {
        return Err(usage("nothing to change was named")
            .hint("name --key, --identity, --grace or --check-interval"));
    }
    if let Some(key) = &command.key {
        understood(key)?;
    }
    let update = json!({
        "key_uri": command.key,
        "identity": command.identity,
        "policy": policy,
    });
    let path = server::of(&command.of.server, "/encryption/key");
    let shown = ask(home, "PUT", &path, Some(&update))?;
    let answer = json!({
        "name": shown["name"],
        "changed": shown["changed"],
        "data_encryption": shown["data_encryption"],
    });
    output::show(format, &answer, &[]).map(|()| ExitCode::Ok)
}

/// Reads the address of a key before anybody else is bothered with it.
fn understood(text: &str) -> Result<KeyUri, Fault> {
    text.parse().map_err(|error| {
        let why = match error {
            KeyError::Configuration { message } => message,
            other => other.to_string(),
        };
        usage("the address of the key is not understood").detail(why).hint(
            "an example is https://VAULT.vault.localhost:PORT/keys/NAME, with /VERSION to stay \
             at one version; pgkeep keyvault key show prints it as \"kid\"",
        )
    })
}

fn usage(message: &str) -> Fault {
    Fault::new("usage", message).exit(ExitCode::Usage)
}

#[cfg(test)]
mod tests {
    use super::*;

    const AZURE: &str = "https://pay.vault.localhost:8200/keys/tde";
    const TOKEN: &str = "pkcs11:token=hsm;object=tde?module-path=/usr/lib/softhsm/libsofthsm2.so";

    fn args(key: Option<&str>, identity: Option<&str>) -> Result<Value, Fault> {
        let new = NewKey {
            key: key.map(str::to_owned),
            identity: identity.map(str::to_owned),
            watch: WatchOptions::default(),
        };
        let mut args = json!({ "name": "demo" });
        new.into_args(&mut args).map(|()| args)
    }

    #[test]
    fn a_key_needs_an_identity_unless_its_address_says_who_asks() {
        assert_eq!(args(None, None).unwrap(), json!({ "name": "demo" }));
        let both = args(Some(AZURE), Some("app")).unwrap();
        assert_eq!((&both["key"], &both["identity"]), (&json!(AZURE), &json!("app")));
        assert_eq!(args(Some(AZURE), None).unwrap_err().exit, ExitCode::Usage);
        assert_eq!(args(Some(TOKEN), None).unwrap()["identity"], SIGN_IN_OF_THE_ADDRESS);
        let plain = "http://pay.vault.localhost/keys/tde";
        for bad in ["", "x", plain, "https://pay.vault.localhost/"] {
            let fault = args(Some(bad), Some("app")).unwrap_err();
            assert_eq!(fault.exit, ExitCode::Usage, "{bad}");
            assert!(fault.hint.is_some() && fault.detail.is_some(), "{bad}");
        }
    }

    #[test]
    fn only_what_was_said_is_changed_in_the_watch() {
        assert_eq!(WatchOptions::default().policy(), None);
        let watch = WatchOptions { grace: Some(0), check_interval: None };
        assert_eq!(watch.policy(), Some(json!({ "grace_s": 0 })));
        let new = NewKey { watch, ..NewKey::default() };
        let fault = new.into_args(&mut json!({})).unwrap_err();
        assert_eq!(fault.exit, ExitCode::Usage, "there is nothing to watch");
    }
}
