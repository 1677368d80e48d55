//! The file with the keys for an object store. Nothing of what is in it is ever printed, not in
//! errors about it either.

use std::fs::File;
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use base::{ExitCode, Fault};
use lake::objects::Credentials;
use serde::Deserialize;
use zeroize::Zeroizing;

/// Nobody's keys are longer.
const MAX_BYTES: u64 = 64 << 10;

/// The file, but for Google's, which is as Google gives it.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Keys {
    access_key_id: Option<String>,
    secret_access_key: Option<String>,
    session_token: Option<String>,
    account_name: Option<String>,
    account_key: Option<String>,
    sas_token: Option<String>,
    tenant_id: Option<String>,
    client_id: Option<String>,
    client_secret: Option<String>,
}

/// Reads the keys for tables at a URL.
pub(super) fn read(path: &Path, url: &str) -> Result<Credentials, Fault> {
    let refused = |why: &str, hint: &str| {
        Fault::new("lake_place", format!("the keys in {} cannot be used", path.display()))
            .detail(why)
            .hint(hint)
            .exit(ExitCode::Usage)
    };
    let unread = |e: &std::io::Error| {
        let message = format!("could not read the keys in {}", path.display());
        Fault::from_error("lake_place", message, e).exit(ExitCode::Usage)
    };
    let file = File::open(path).map_err(|e| unread(&e))?;
    let meta = file.metadata().map_err(|e| unread(&e))?;
    let own = rustix::process::geteuid().as_raw();
    if !meta.is_file() || meta.uid() != own || meta.mode() & 0o077 != 0 {
        let hint = format!("chown it to the user of the process and chmod 600 {}", path.display());
        return Err(refused("it is not of this process's user alone", &hint));
    }
    if meta.len() > MAX_BYTES {
        return Err(refused("it is too long", "see docs/guide/logs.md"));
    }
    let mut text = Zeroizing::new(String::new());
    file.take(MAX_BYTES).read_to_string(&mut text).map_err(|e| unread(&e))?;
    of_text(&text, url).map_err(|why| refused(&why, "see docs/guide/logs.md"))
}

/// The keys in a text; what is wrong is said without quoting it.
fn of_text(text: &str, url: &str) -> Result<Credentials, String> {
    let scheme = url.split(':').next().unwrap_or_default();
    if scheme == "gs" {
        let is_key = serde_json::from_str::<serde_json::Value>(text)
            .is_ok_and(|json| json.get("private_key").is_some());
        return match is_key {
            true => Ok(Credentials::ServiceAccount(text.to_owned())),
            false => Err("it is no key of a service account in JSON".to_owned()),
        };
    }
    let keys: Keys = toml::from_str(text).map_err(|e| {
        let start = e.span().map_or(0, |span| span.start);
        let line = text.bytes().take(start).filter(|b| *b == b'\n').count() + 1;
        format!("line {line} is not understood")
    })?;
    let Keys { access_key_id, secret_access_key, session_token, .. } = keys;
    let Keys { account_name: account, account_key, sas_token, tenant_id, client_id, .. } = keys;
    let is_azure_none =
        account.is_none() && account_key.is_none() && sas_token.is_none() && tenant_id.is_none();
    match (scheme, access_key_id, secret_access_key) {
        ("s3" | "s3a", Some(id), Some(secret)) if is_azure_none => {
            Ok(Credentials::AccessKey { id, secret, token: session_token })
        }
        ("s3" | "s3a", ..) => Err("S3 wants access_key_id and secret_access_key".to_owned()),
        (_, None, None) => match (account_key, sas_token, tenant_id, client_id, keys.client_secret)
        {
            (Some(key), None, None, None, None) => Ok(Credentials::AccountKey { account, key }),
            (None, Some(token), None, None, None) => Ok(Credentials::Signature { account, token }),
            (None, None, Some(tenant), Some(client), Some(secret)) => {
                Ok(Credentials::Application { account, tenant, client, secret })
            }
            _ => Err("Azure wants account_name and one of account_key, sas_token, or tenant_id \
                      with client_id and client_secret"
                .to_owned()),
        },
        _ => Err("these are keys of S3".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use lake::objects::Credentials;

    use super::{of_text, read};

    #[test]
    fn keys_are_those_of_the_provider() {
        let s3 = "access_key_id = \"a\"\nsecret_access_key = \"hush\"\n";
        assert!(matches!(of_text(s3, "s3://b"), Ok(Credentials::AccessKey { .. })));
        let key = "account_name = \"a\"\naccount_key = \"hush\"\n";
        assert!(matches!(of_text(key, "az://c"), Ok(Credentials::AccountKey { .. })));
        let sas = "account_name = \"a\"\nsas_token = \"sv=1&sig=hush\"\n";
        assert!(matches!(of_text(sas, "abfss://c@a.b"), Ok(Credentials::Signature { .. })));
        let app = "tenant_id = \"t\"\nclient_id = \"c\"\nclient_secret = \"hush\"\n";
        assert!(matches!(of_text(app, "az://c"), Ok(Credentials::Application { .. })));
        let google = "{\"private_key\": \"hush\", \"client_email\": \"e\"}";
        assert!(matches!(of_text(google, "gs://b"), Ok(Credentials::ServiceAccount(_))));
        for (text, url) in [
            (s3, "az://c"),
            (key, "s3://b"),
            (google, "s3://b"),
            (s3, "gs://b"),
            ("", "s3://b"),
            ("", "az://c"),
            ("access_key_id = \"a\"\n", "s3://b"),
            ("secret_access_key = hush", "s3://b"),
            ("access_key_id = \"a\"\nsecret_access_key = \"hush\"\nodd = \"hush\"", "s3://b"),
            ("account_key = \"hush\"\nsas_token = \"hush\"", "az://c"),
        ] {
            let Err(why) = of_text(text, url) else { panic!("{url}") };
            assert!(!why.contains("hush"), "{why}");
        }
    }

    #[test]
    fn a_file_that_others_may_read_is_refused() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "access_key_id = \"a\"\nsecret_access_key = \"b\"\n").unwrap();
        let mode = |mode| {
            let permissions = std::fs::Permissions::from_mode(mode);
            std::fs::set_permissions(file.path(), permissions).unwrap();
            read(file.path(), "s3://b").is_ok()
        };
        assert_eq!((mode(0o600), mode(0o640), mode(0o604)), (true, false, false));
    }
}
