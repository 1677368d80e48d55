//! The token that may seal the vault. The vault itself looks, with its own rights and
//! surroundings; while it does not run, only what lies in files is looked at.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::Duration;

use serde_json::Value;

use super::{Check, Verdict};
use crate::home::{Accounts, Config, Home};
use crate::rpc;

const MODULE: &str = "seal-module";
const PIN: &str = "seal-pin";
const TOKEN: &str = "seal-token";
/// The vault gives a token 15 seconds for each of four looks.
const ANSWER_MAX: Duration = Duration::from_secs(75);
const NAMES: [&str; 4] = [MODULE, PIN, TOKEN, "seal-key"];

/// Nothing when no token is configured.
pub(super) async fn token(
    home: &Home,
    config: Option<&Config>,
    accounts: Option<&Accounts>,
) -> Vec<Check> {
    let Some(settings) = config.and_then(|config| config.pkcs11.seal.as_ref()) else {
        return Vec::new();
    };
    let socket = home.socket("vault");
    let answer = rpc::call_within(&socket, ANSWER_MAX, "seal-check", Value::Null, |_| {}).await;
    match answer {
        Ok(found) => found.as_array().into_iter().flatten().filter_map(of_vault).collect(),
        Err(fault) => {
            let owner = accounts.map(|accounts| accounts.vault.uid);
            let pin = settings.pin_file.as_deref().map(|path| pin_file(path, owner));
            let token = Check::cannot_tell(TOKEN, format!("the vault cannot be asked: {fault}"));
            [Some(module(&settings.module)), pin, Some(token)].into_iter().flatten().collect()
        }
    }
}

fn of_vault(found: &Value) -> Option<Check> {
    let name = NAMES.into_iter().find(|name| found["name"] == *name)?;
    let verdict = if found["verdict"] == "ok" { Verdict::Ok } else { Verdict::Fail };
    let fix = found["fix"].as_str().map(str::to_owned);
    Some(Check { fix, ..Check::new(name, verdict, found["message"].as_str()?) })
}

fn module(path: &Path) -> Check {
    match fs::metadata(path) {
        Ok(meta) if meta.is_file() => {
            Check::ok(MODULE, format!("the PKCS#11 module {} is there", path.display()))
        }
        _ => Check::fail(
            MODULE,
            format!("the PKCS#11 module {} is not there", path.display()),
            "install it, or correct module in [pkcs11.seal] of config.toml",
        ),
    }
}

fn pin_file(path: &Path, owner: Option<u32>) -> Check {
    let shown = path.display();
    let meta = match fs::symlink_metadata(path) {
        Ok(meta) => meta,
        Err(e) if e.kind() == std::io::ErrorKind::PermissionDenied => {
            return Check::cannot_tell(PIN, format!("the PIN file {shown} may not be looked at"));
        }
        Err(e) => {
            let fix = "correct pin_file in [pkcs11.seal] of config.toml";
            return Check::fail(PIN, format!("the PIN file {shown} cannot be read: {e}"), fix);
        }
    };
    if meta.mode() & 0o077 != 0 {
        let mode = meta.mode() & 0o777;
        let message = format!("others may read the PIN file {shown} (mode {mode:o})");
        return Check::fail(PIN, message, format!("chmod 0600 {shown}"));
    }
    match owner {
        Some(owner) if meta.uid() != owner => Check::fail(
            PIN,
            format!(
                "the vault cannot read the PIN file {shown}: it belongs to user {}",
                meta.uid()
            ),
            format!("chown {owner} {shown}"),
        ),
        _ => Check::ok(PIN, format!("the PIN in {shown} is the vault's alone")),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use serde_json::json;

    use super::*;

    #[test]
    fn a_pin_is_the_vaults_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("pin");
        assert_eq!(pin_file(&path, None).verdict, Verdict::Fail);
        fs::write(&path, "1234").unwrap();
        let me = fs::metadata(&path).unwrap().uid();
        let with = |mode: u32, owner: u32| {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            pin_file(&path, Some(owner))
        };
        assert_eq!(with(0o600, me).verdict, Verdict::Ok);
        assert!(with(0o640, me).fix.unwrap().starts_with("chmod 0600"));
        assert!(with(0o600, me + 1).fix.unwrap().starts_with("chown"));
    }

    #[test]
    fn what_the_vault_found_is_shown_as_it_said() {
        let found = json!({ "name": "seal-token", "verdict": "fail", "message": "m", "fix": "f" });
        let check = of_vault(&found).unwrap();
        assert_eq!(
            (check.name, check.verdict, check.fix.as_deref()),
            (TOKEN, Verdict::Fail, Some("f"))
        );
        assert!(of_vault(&json!({ "name": "other", "verdict": "ok", "message": "" })).is_none());
    }
}
