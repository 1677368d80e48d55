//! `pgkeep keyvault key`: the life of keys. With `-o json` bodies are those of the REST API.

use base::{ExitCode, Fault};
use clap::{Args, Subcommand};
use serde_json::{Map, Value, json};

use super::keyvault_backup::{self, BackupCommand, RestoreCommand};
use super::keyvault_import::{self, ImportCommand};
use super::keyvault_policy::{self, PolicyCommand};
use super::keyvault_show as shown;
use super::output::Format;
use super::vault::{ask, confirmed};
use super::{keyvault_attributes as attributes, output};
use crate::home::Home;

/// Commands on keys.
#[derive(Clone, Debug, Subcommand)]
pub(super) enum KeyCommand {
    /// Make a key, or a new version of one
    #[command(after_help = "\
Examples:
  pgkeep keyvault key create --vault-name pay -n tde
  pgkeep keyvault key create --vault-name pay -n sign --kty EC --curve P-384
  pgkeep keyvault key create --vault-name pay -n tde --size 3072 --expires 2030-01-01T00:00:00Z")]
    Create(CreateCommand),
    /// Take a key from a file: JSON (RFC 7517), or a private key in PEM (RSA, EC)
    #[command(after_help = "\
Examples:
  pgkeep keyvault key import --vault-name pay -n tde --file tde.pem
  openssl genrsa 3072 | pgkeep keyvault key import --vault-name pay -n tde --file -")]
    Import(ImportCommand),
    /// Show the public part of a key
    Show(OfVersion),
    /// List the keys of a vault
    List(OfVault),
    /// List the versions of a key, oldest first
    ListVersions(OfKey),
    /// List the deleted keys of a vault
    ListDeleted(OfVault),
    /// Show a deleted key
    ShowDeleted(OfKey),
    /// Make a new version of the same kind
    Rotate(OfKey),
    /// Enable, disable, set validity, tags or operations of a version
    #[command(after_help = "\
Examples:
  pgkeep keyvault key set-attributes --vault-name pay -n tde --enabled false
  pgkeep keyvault key set-attributes --vault-name pay -n tde --expires 2030-01-01T00:00:00Z")]
    SetAttributes(AttributesCommand),
    /// Delete a key and all its versions; it can be recovered for the vault's retention time
    Delete(OfKey),
    /// Bring a deleted key back
    Recover(OfKey),
    /// Destroy a deleted key for good
    Purge(PurgeCommand),
    /// Write a key and its versions to a file that only this installation can read
    Backup(BackupCommand),
    /// Bring a key back from a backup
    Restore(RestoreCommand),
    /// When a key is rotated by itself
    #[command(subcommand)]
    RotationPolicy(PolicyCommand),
}

/// Which vault.
#[derive(Clone, Debug, Args)]
pub(super) struct OfVault {
    /// Name of the key vault
    #[arg(long)]
    pub(super) vault_name: String,
}

/// Which key.
#[derive(Clone, Debug, Args)]
pub(super) struct OfKey {
    /// Name of the key vault
    #[arg(long)]
    pub(super) vault_name: String,
    /// Name of the key
    #[arg(short, long)]
    pub(super) name: String,
}

/// Which version of which key.
#[derive(Clone, Debug, Args)]
pub(super) struct OfVersion {
    #[command(flatten)]
    key: OfKey,
    /// Version [default: the newest]
    #[arg(long)]
    version: Option<String>,
}

#[derive(Clone, Debug, Args)]
pub(super) struct CreateCommand {
    #[command(flatten)]
    key: OfKey,
    /// Type of the key
    #[arg(long, value_name = "RSA|EC|oct", default_value = "RSA", value_parser = kty)]
    kty: String,
    /// Length in bits: RSA 2048 (default), 3072, 4096; oct 128, 192, 256 (default)
    #[arg(long)]
    size: Option<u32>,
    /// Curve of an EC key: P-256 (default), P-256K, P-384, P-521
    #[arg(long, value_parser = curve)]
    curve: Option<String>,
    #[command(flatten)]
    attributes: attributes::Given,
    /// Make it disabled
    #[arg(long, conflicts_with = "enabled")]
    disabled: bool,
}

#[derive(Clone, Debug, Args)]
pub(super) struct AttributesCommand {
    #[command(flatten)]
    of: OfVersion,
    #[command(flatten)]
    attributes: attributes::Given,
}

#[derive(Clone, Debug, Args)]
pub(super) struct PurgeCommand {
    #[command(flatten)]
    key: OfKey,
    /// Do not ask, not even on a terminal
    #[arg(long, short)]
    yes: bool,
}

/// Runs one command.
pub(super) fn run(home: &Home, command: KeyCommand, format: Format) -> Result<ExitCode, Fault> {
    match command {
        KeyCommand::Create(command) => {
            let (of, body) = create(command)?;
            shown::key(format, &change(home, "create", &of, body)?)
        }
        KeyCommand::Import(command) => keyvault_import::run(home, command, format),
        KeyCommand::Show(OfVersion { key, version }) => {
            let args = json!({
                "vault": key.vault_name, "op": "get", "name": key.name, "version": version,
            });
            shown::key(format, &ask(home, "key", args)?)
        }
        KeyCommand::List(of) => {
            let args = json!({ "vault": of.vault_name, "op": "list" });
            shown::list(format, pages(home, &args)?, &shown::KEYS)
        }
        KeyCommand::ListVersions(of) => {
            let args = json!({ "vault": of.vault_name, "op": "list-versions", "name": of.name });
            shown::list(format, pages(home, &args)?, &shown::VERSIONS)
        }
        KeyCommand::ListDeleted(of) => {
            let args = json!({ "vault": of.vault_name, "op": "list-deleted" });
            shown::list(format, pages(home, &args)?, &shown::DELETED)
        }
        KeyCommand::ShowDeleted(of) => shown::key(format, &on_key(home, "get-deleted", &of)?),
        KeyCommand::Rotate(of) => shown::key(format, &on_key(home, "rotate", &of)?),
        KeyCommand::SetAttributes(AttributesCommand { of, attributes }) => {
            let Some(body) = attributes.body()? else { return Err(nothing_to_change()) };
            let OfVersion { key, version } = of;
            let args = json!({
                "vault": key.vault_name,
                "op": "update",
                "name": key.name,
                "version": version,
                "body": body,
            });
            shown::key(format, &ask(home, "key", args)?)
        }
        KeyCommand::Delete(of) => shown::key(format, &on_key(home, "delete", &of)?),
        KeyCommand::Recover(of) => shown::key(format, &on_key(home, "recover", &of)?),
        KeyCommand::Purge(command) => purge(home, &command, format),
        KeyCommand::Backup(command) => keyvault_backup::backup(home, &command, format),
        KeyCommand::Restore(command) => keyvault_backup::restore(home, &command, format),
        KeyCommand::RotationPolicy(command) => keyvault_policy::run(home, command, format),
    }
}

/// An operation that has a body.
pub(super) fn change(home: &Home, op: &str, of: &OfKey, body: Value) -> Result<Value, Fault> {
    let args = json!({ "vault": of.vault_name, "op": op, "name": of.name, "body": body });
    ask(home, "key", args)
}

/// An operation that has none.
pub(super) fn on_key(home: &Home, op: &str, of: &OfKey) -> Result<Value, Fault> {
    ask(home, "key", json!({ "vault": of.vault_name, "op": op, "name": of.name }))
}

/// The body of create: what is left out is the vault's default.
fn create(command: CreateCommand) -> Result<(OfKey, Value), Fault> {
    let CreateCommand { key, kty, size, curve, attributes, disabled } = command;
    let given = attributes.body()?.unwrap_or_else(|| Value::Object(Map::new()));
    let mut body = given;
    if disabled {
        body["attributes"]["enabled"] = json!(false);
    }
    match (kty.as_str(), size, curve) {
        ("EC", None, curve) => body["crv"] = json!(curve.as_deref().unwrap_or("P-256")),
        ("EC", Some(_), _) => return Err(usage("an EC key has a --curve, not a --size")),
        (_, _, Some(_)) => return Err(usage("only an EC key has a --curve").hint("--kty EC")),
        (_, size, None) => body["key_size"] = json!(size),
    }
    body["kty"] = json!(kty);
    Ok((key, body))
}

/// Every entry of a listing, page after page.
fn pages(home: &Home, args: &Value) -> Result<Vec<Value>, Fault> {
    let mut all = Vec::new();
    let mut after = Value::Null;
    loop {
        let mut asked = args.clone();
        asked["after"] = after;
        let mut page = ask(home, "key", asked)?;
        let Value::Array(items) = page["value"].take() else {
            return Err(Fault::new("bad_answer", "the vault's answer is no listing")
                .hint("are both of the same version? run pgkeep down, then pgkeep up"));
        };
        all.extend(items);
        after = page["next"].take();
        if !after.is_string() {
            return Ok(all);
        }
    }
}

fn purge(home: &Home, command: &PurgeCommand, format: Format) -> Result<ExitCode, Fault> {
    let name = &command.key.name;
    let question = format!("This destroys key {name} for good, and with it whatever it encrypted.");
    if !command.yes && !confirmed(&question, name)? {
        return Err(Fault::new("declined", format!("key \"{name}\" was not purged")));
    }
    on_key(home, "purge", &command.key)?;
    let said = json!({
        "vault": command.key.vault_name, "name": name, "state": "purged", "changed": "changed",
    });
    output::show(format, &said, &[]).map(|()| ExitCode::Ok)
}

fn nothing_to_change() -> Fault {
    usage("nothing to change was named")
        .hint("name --enabled, --expires, --not-before, --tags or --ops")
}

fn kty(text: &str) -> Result<String, String> {
    one_of(&["RSA", "EC", "oct"], text)
}

fn curve(text: &str) -> Result<String, String> {
    one_of(&["P-256", "P-256K", "P-384", "P-521"], text)
}

/// A name as the API writes it, whatever the case of what was typed.
fn one_of(names: &[&str], text: &str) -> Result<String, String> {
    let found = names.iter().find(|name| name.eq_ignore_ascii_case(text));
    found.map(ToString::to_string).ok_or_else(|| format!("one of {}", names.join(", ")))
}

/// A mistake in what was typed.
pub(super) fn usage(message: &str) -> Fault {
    Fault::new("usage", message).exit(ExitCode::Usage)
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(subcommand)]
        command: KeyCommand,
    }

    fn body(words: &[&str]) -> Result<Value, String> {
        let line = [&["x", "create", "--vault-name", "v", "-n", "k"], words].concat();
        match Line::try_parse_from(line).map_err(|e| e.to_string())?.command {
            KeyCommand::Create(command) => {
                create(command).map(|(_, body)| body).map_err(|fault| fault.message)
            }
            _ => Err("another command".to_owned()),
        }
    }

    #[test]
    fn bodies_of_create() {
        assert_eq!(body(&[]).unwrap(), json!({ "kty": "RSA", "key_size": null }));
        assert_eq!(
            body(&["--kty", "rsa", "--size", "4096"]).unwrap(),
            json!({ "kty": "RSA", "key_size": 4096 })
        );
        assert_eq!(body(&["--kty", "EC"]).unwrap(), json!({ "kty": "EC", "crv": "P-256" }));
        assert_eq!(
            body(&["--kty", "ec", "--curve", "p-521", "--disabled"]).unwrap(),
            json!({ "kty": "EC", "crv": "P-521", "attributes": { "enabled": false } })
        );
        assert_eq!(
            body(&["--kty", "oct", "--size", "128", "--expires", "2030-01-01T00:00:00Z"]).unwrap(),
            json!({ "kty": "oct", "key_size": 128, "attributes": { "exp": 1_893_456_000 } })
        );
    }

    #[test]
    fn what_does_not_fit_together_is_refused() {
        for words in [
            &["--kty", "EC", "--size", "2048"][..],
            &["--curve", "P-256"],
            &["--kty", "DSA"],
            &["--kty", "EC", "--curve", "P-1"],
            &["--size", "big"],
            &["--expires", "tomorrow"],
            &["--disabled", "--enabled", "true"],
        ] {
            assert!(body(words).is_err(), "{words:?}");
        }
    }
}
