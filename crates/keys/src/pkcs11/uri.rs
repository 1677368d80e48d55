//! `pkcs11:token=…;object=…?module-path=…&pin-source=…`: the parts of RFC 7512 that name a
//! wrapping key. `pin-value` is refused: an address is no place for a secret.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use super::seal::SealToken;
use crate::KeyError;
use crate::uri::MAX_URI_BYTES;

/// Most bytes of a CKA_ID that is used as a version.
const MAX_ID_BYTES: usize = 64;

/// A key of a PKCS #11 token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pkcs11Uri {
    pub(super) token: Option<String>,
    pub(super) serial: Option<String>,
    pub(super) manufacturer: Option<String>,
    pub(super) model: Option<String>,
    pub(super) object: String,
    /// CKA_ID in hex: the version.
    id: Option<String>,
    module: PathBuf,
    pin_source: Option<PathBuf>,
}

impl Pkcs11Uri {
    /// The label of the key (CKA_LABEL).
    pub fn object(&self) -> &str {
        &self.object
    }

    /// The pinned version: CKA_ID in hex.
    pub fn version(&self) -> Option<&str> {
        self.id.as_deref()
    }

    /// The library that reaches the token.
    pub fn module(&self) -> &Path {
        &self.module
    }

    /// The file with the PIN.
    pub fn pin_source(&self) -> Option<&Path> {
        self.pin_source.as_deref()
    }

    /// The token, for a person.
    pub fn token(&self) -> &str {
        self.token.as_deref().or(self.serial.as_deref()).unwrap_or_default()
    }

    /// The address of one version of this key, without what belongs to this machine only.
    pub(super) fn kid(&self, version: &str) -> String {
        let mut parts = Vec::new();
        for (name, value) in [("token", &self.token), ("serial", &self.serial)] {
            if let Some(value) = value {
                parts.push(format!("{name}={}", encode(value)));
            }
        }
        parts.push(format!("object={}", encode(&self.object)));
        let id: String = version
            .as_bytes()
            .chunks(2)
            .map(|pair| format!("%{}", String::from_utf8_lossy(pair)))
            .collect();
        parts.push(format!("id={id}"));
        format!("pkcs11:{}", parts.join(";"))
    }
}

/// Whether the text can be a version: a CKA_ID in hex.
pub(super) fn is_version(text: &str) -> bool {
    text.len() <= MAX_ID_BYTES * 2
        && hex::decode(text).is_ok_and(|id| !id.is_empty())
        && !text.bytes().any(|b| b.is_ascii_uppercase())
}

impl FromStr for Pkcs11Uri {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        // The address is not repeated in the error: somebody may have put a PIN into it.
        let wrong = |why: &str| {
            KeyError::configuration(format!("this pkcs11: address names no wrapping key: {why}"))
        };
        if text.len() > MAX_URI_BYTES {
            return Err(wrong("it is too long"));
        }
        let rest = text
            .get(..7)
            .filter(|scheme| scheme.eq_ignore_ascii_case("pkcs11:"))
            .map(|_| &text[7..])
            .ok_or_else(|| wrong("it does not begin with pkcs11:"))?;
        let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
        let mut parts = Parts::default();
        for (part, is_query) in path
            .split(';')
            .map(|part| (part, false))
            .chain(query.split('&').map(|part| (part, true)))
            .filter(|(part, _)| !part.is_empty())
        {
            let (name, value) = part.split_once('=').ok_or_else(|| wrong("a part has no \"=\""))?;
            let value = decode(value).ok_or_else(|| wrong("a part is not percent-encoded"))?;
            parts.take(name, value, is_query).map_err(|why| wrong(&why))?;
        }
        parts.finish().map_err(|why| wrong(&why))
    }
}

/// What was read so far.
#[derive(Default)]
pub(super) struct Parts {
    texts: std::collections::BTreeMap<&'static str, String>,
    id: Option<Vec<u8>>,
}

impl Parts {
    /// The address of a seal's key.
    pub(super) fn of_seal(token: &SealToken) -> Result<Pkcs11Uri, KeyError> {
        let wrong = |why: String| {
            KeyError::configuration(format!("the settings of the seal name no key: {why}"))
        };
        let path = |path: &Path| path.to_string_lossy().into_owned();
        let mut parts = Self::default();
        for (name, value) in [
            ("token", token.token.clone()),
            ("serial", token.serial.clone()),
            ("object", Some(token.key.clone())),
            ("module-path", Some(path(&token.module))),
            ("pin-source", token.pin_file.as_deref().map(path)),
        ] {
            let is_query = name.contains('-');
            value.map_or(Ok(()), |v| parts.take(name, v.into(), is_query)).map_err(wrong)?;
        }
        if let Some(id) = &token.id {
            let id = hex::decode(id).map_err(|_| wrong("the id is not hex".to_owned()))?;
            parts.take("id", id, false).map_err(wrong)?;
        }
        parts.finish().map_err(wrong)
    }

    fn take(&mut self, name: &str, value: Vec<u8>, is_query: bool) -> Result<(), String> {
        const PATH: &[&str] = &["token", "serial", "manufacturer", "model", "object", "type"];
        const QUERY: &[&str] = &["module-path", "pin-source"];
        if name == "pin-value" {
            return Err("a PIN does not belong into an address; use pin-source".to_owned());
        }
        if name == "id" && !is_query {
            if value.is_empty() || value.len() > MAX_ID_BYTES || self.id.is_some() {
                return Err(format!("id has 1 to {MAX_ID_BYTES} bytes and stands once"));
            }
            self.id = Some(value);
            return Ok(());
        }
        let known = if is_query { QUERY } else { PATH };
        let Some(name) = known.iter().find(|known| **known == name) else {
            return Err(format!("\"{name}\" is not understood"));
        };
        let value = String::from_utf8(value).map_err(|_| format!("{name} is no text"))?;
        if value.is_empty() || value.chars().any(char::is_control) {
            return Err(format!("{name} is empty or unreadable"));
        }
        match self.texts.insert(name, value) {
            None => Ok(()),
            Some(_) => Err(format!("{name} stands twice")),
        }
    }

    fn finish(mut self) -> Result<Pkcs11Uri, String> {
        if let Some(kind) = self.texts.remove("type")
            && !["private", "secret-key"].contains(&kind.as_str())
        {
            return Err("its type is neither private nor secret-key".to_owned());
        }
        let module = self.texts.remove("module-path").ok_or("it has no module-path")?;
        let pin_source = match self.texts.remove("pin-source") {
            None => None,
            Some(text) => Some(file_path(&text).ok_or("pin-source is no file with a full path")?),
        };
        let object = self.texts.remove("object").ok_or("it has no object")?;
        let uri = Pkcs11Uri {
            token: self.texts.remove("token"),
            serial: self.texts.remove("serial"),
            manufacturer: self.texts.remove("manufacturer"),
            model: self.texts.remove("model"),
            object,
            id: self.id.map(hex::encode),
            module: file_path(&module).ok_or("module-path is no full path")?,
            pin_source,
        };
        if uri.token.is_none() && uri.serial.is_none() {
            return Err("it names neither token nor serial".to_owned());
        }
        Ok(uri)
    }
}

/// `/PATH`, `file:/PATH` or `file:///PATH`.
fn file_path(text: &str) -> Option<PathBuf> {
    let path = text.strip_prefix("file:").unwrap_or(text);
    let path = path.strip_prefix("//").unwrap_or(path);
    path.starts_with('/').then(|| PathBuf::from(path))
}

/// Undoes percent-encoding.
fn decode(text: &str) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            out.push(byte);
            continue;
        }
        let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
        let (high, low) = (digit(bytes.next())?, digit(bytes.next())?);
        out.push(u8::try_from(high * 16 + low).ok()?);
    }
    Some(out)
}

/// Percent-encodes all but letters, digits and `-._~`.
fn encode(text: &str) -> String {
    text.bytes()
        .map(|b| match b {
            b'-' | b'.' | b'_' | b'~' => char::from(b).to_string(),
            _ if b.is_ascii_alphanumeric() => char::from(b).to_string(),
            _ => format!("%{b:02X}"),
        })
        .collect()
}

impl fmt::Display for Pkcs11Uri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = Vec::new();
        for (name, value) in [
            ("token", self.token.as_ref()),
            ("serial", self.serial.as_ref()),
            ("manufacturer", self.manufacturer.as_ref()),
            ("model", self.model.as_ref()),
            ("object", Some(&self.object)),
        ] {
            if let Some(value) = value {
                parts.push(format!("{name}={}", encode(value)));
            }
        }
        if let Some(id) = &self.id {
            let pairs: Vec<&str> = (0..id.len()).step_by(2).map(|i| &id[i..i + 2]).collect();
            parts.push(format!("id=%{}", pairs.join("%")));
        }
        let path = |path: &Path| encode(&path.to_string_lossy()).replace("%2F", "/");
        write!(f, "pkcs11:{}?module-path={}", parts.join(";"), path(&self.module))?;
        match &self.pin_source {
            Some(source) => write!(f, "&pin-source=file:{}", path(source)),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_writes_addresses() {
        let text = "pkcs11:token=My%20HSM;object=data%2Dkey;id=%01%fF?module-path=/usr/lib/p.so\
                    &pin-source=file:/etc/pin";
        let uri: Pkcs11Uri = text.parse().unwrap();
        assert_eq!((uri.token(), uri.object()), ("My HSM", "data-key"));
        assert_eq!(uri.version(), Some("01ff"));
        assert_eq!(uri.pin_source(), Some(Path::new("/etc/pin")));
        assert_eq!(uri.to_string().parse::<Pkcs11Uri>().unwrap(), uri);
        assert_eq!(uri.kid("02"), "pkcs11:token=My%20HSM;object=data-key;id=%02");
        let three = "PKCS11:serial=1;object=k?pin-source=file:///p&module-path=/m.so";
        let three: Pkcs11Uri = three.parse().unwrap();
        assert_eq!(three.pin_source(), Some(Path::new("/p")));
        assert_eq!(three.version(), None);
    }

    #[test]
    fn refuses_the_rest() {
        let module = "module-path=/m.so";
        for text in [
            "",
            "pkcs11",
            "pkcs11:",
            "pkcs12:token=t;object=o?module-path=/m.so",
            "pkcs11:token=t;object=o",
            "pkcs11:token=t;object=o?module-path=m.so",
            "pkcs11:token=t?module-path=/m.so",
            "pkcs11:object=o?module-path=/m.so",
            "pkcs11:token=t;token=u;object=o?module-path=/m.so",
            "pkcs11:token=t;object=o;id=?module-path=/m.so",
            "pkcs11:token=t;object=%zz?module-path=/m.so",
            "pkcs11:token=t;object=%0a?module-path=/m.so",
            "pkcs11:token=t;object=o;type=cert?module-path=/m.so",
            "pkcs11:token=t;object=o;colour=red?module-path=/m.so",
            "pkcs11:token=t;object?module-path=/m.so",
            "pkcs11:token=t;object=o?module-path=/m.so&pin-source=pin",
        ] {
            assert!(text.parse::<Pkcs11Uri>().is_err(), "{text}");
        }
        let with_pin = format!("pkcs11:token=t;object=o?{module}&pin-value=1234");
        let error = with_pin.parse::<Pkcs11Uri>().unwrap_err().to_string();
        assert!(error.contains("pin-source") && !error.contains("1234"), "{error}");
    }

    #[test]
    fn versions_are_lower_case_hex() {
        assert!(is_version("01ff"));
        for bad in ["", "0", "0G", "FF", "0x01", &"00".repeat(65)] {
            assert!(!is_version(bad), "{bad}");
        }
    }
}
