//! `Certificates`: those that the server shows, with the key and whoever signed them.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use base::Secret;
use kql::plan::Schema;
use kql::value::Json;
use pg::{Inspected, KeyFit};

use super::{Filled, Host};
use crate::derive::{Given, list, row};

const FILE_MAX: u64 = 4 << 20;
/// Certificates of the server's own file.
const CHAIN_MAX: usize = 20;
/// Where distributions keep the authorities that everyone trusts.
const SYSTEM: &[&str] = &["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt"];

/// Fills the table.
pub(super) fn certificates(host: &Host, given: &Given<'_>, schema: &Schema) -> Filled {
    let mut filled = Filled::default();
    let setting = |name: &str| {
        let mut rows = given.rows("Settings").filter(|row| row.text("name") == name);
        rows.next().map_or("", |row| row.text("setting"))
    };
    let (file, key_file) = (setting("ssl_cert_file"), setting("ssl_key_file"));
    let chain = match read(host, file) {
        Ok(chain) => chain,
        Err(error) => {
            filled.lack(&host.path(file), &error);
            return filled;
        }
    };
    let mut roots = Vec::new();
    let mut is_system_read = false;
    for path in SYSTEM {
        match read(host, path) {
            Ok(found) => {
                roots = found;
                is_system_read = true;
                break;
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => filled.lack(Path::new(path), &error),
        }
    }
    let clients = match setting("ssl_ca_file") {
        "" => Vec::new(),
        path => read(host, path).unwrap_or_default(),
    };
    let Some(leaf) = chain.first() else {
        filled.lack(&host.path(file), &io::Error::other("it holds no certificate"));
        return filled;
    };
    // A key that only the server reads is no gap of what its certificate says.
    let (fit, key_error) = match bytes(host, key_file) {
        Ok(key) => match leaf.fit(&Secret::new(key)) {
            KeyFit::Fits => ("fits", String::new()),
            KeyFit::Differs => ("differs", String::new()),
            KeyFit::Encrypted => ("encrypted", "it is encrypted".to_owned()),
            KeyFit::Unknown => ("unknown", "it is of a kind that cannot be compared".to_owned()),
        },
        Err(error) => ("unread", error.to_string()),
    };
    for (at, own) in chain.iter().take(CHAIN_MAX).enumerate() {
        let signed = |by: &Inspected| own.is_signed_by(by) == Some(true);
        let is_own = own.is_self_issued() && signed(own);
        let issuer = match () {
            () if is_own => "itself",
            () if chain.get(at + 1).is_some_and(signed) => "next",
            () if roots.iter().any(signed) => "system",
            () if clients.iter().any(signed) => "ssl_ca_file",
            () => "unknown",
        };
        let trusted = issuer == "system"
            || is_own && roots.iter().any(|r| r.info.fingerprint == own.info.fingerprint);
        let next = chain.get(at + 1);
        let is_odd = next.is_some_and(|next| own.is_signed_by(next) == Some(false));
        let text = |text: &str| Json::String(text.into());
        filled.rows.push(row(
            schema,
            &[
                ("position", Json::Long(i64::try_from(at).unwrap_or(i64::MAX))),
                ("file", text(file)),
                ("subject", text(&own.info.subject)),
                ("issuer", text(&own.info.issuer)),
                ("fingerprint", text(&own.info.fingerprint.to_string())),
                ("names", list(&own.info.names)),
                ("not_before", text(&own.info.not_before.to_string())),
                ("not_after", text(&own.info.not_after.to_string())),
                ("key", text(&own.key)),
                ("key_bits", Json::Long(i64::try_from(own.key_bits).unwrap_or(0))),
                ("hash", text(&own.hash)),
                ("authority", Json::Bool(own.is_authority)),
                ("signed_by", text(issuer)),
                ("trusted", Json::Bool(trusted)),
                ("out_of_order", Json::Bool(is_odd)),
                ("key_file", text(if at == 0 { key_file } else { "" })),
                ("key_fit", text(if at == 0 { fit } else { "" })),
                ("key_error", text(if at == 0 { &key_error } else { "" })),
                ("system_read", Json::Bool(is_system_read)),
            ],
        ));
    }
    filled
}

fn bytes(host: &Host, path: &str) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let n = File::open(host.path(path))?.take(FILE_MAX + 1).read_to_end(&mut bytes)?;
    if n as u64 > FILE_MAX {
        return Err(io::Error::other(format!("longer than {FILE_MAX} bytes")));
    }
    Ok(bytes)
}

fn read(host: &Host, path: &str) -> io::Result<Vec<Inspected>> {
    let bytes = Secret::new(bytes(host, path)?);
    Inspected::all_of(bytes.expose())
        .map_err(|error| io::Error::other(error.fault().detail.unwrap_or_default()))
}
