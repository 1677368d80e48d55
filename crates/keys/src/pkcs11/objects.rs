//! The versions of a key in a token: all private RSA and secret AES keys of one label, told
//! apart by CKA_ID. The newest is the one with the latest start date, then the greatest id.

use cryptoki::object::{Attribute, AttributeType, KeyType, ObjectClass, ObjectHandle};
use cryptoki::types::Date;
use jiff::{Timestamp, civil, tz::TimeZone};

use super::errors::classify;
use super::module::Open;
use crate::{Cause, KeyError, KeyState};

/// Most versions of one key.
const MAX_VERSIONS: usize = 256;

/// What kind of key a version is.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    /// RSA, with the handle of the public half when the token has it.
    Rsa {
        /// CKO_PUBLIC_KEY with the same label and id.
        public: Option<ObjectHandle>,
    },
    /// AES with 256 bits.
    Aes,
}

/// One version of a key.
#[derive(Debug)]
pub(super) struct Version {
    pub(super) handle: ObjectHandle,
    pub(super) kind: Kind,
    /// CKA_ID in hex.
    pub(super) id: String,
    /// CKA_WRAP and CKA_UNWRAP.
    pub(super) may_wrap: bool,
    /// CKA_ENCRYPT and CKA_DECRYPT (RSA: CKA_DECRYPT of the private half).
    pub(super) may_encrypt: bool,
    starts: Option<Timestamp>,
    ends: Option<Timestamp>,
}

impl Version {
    /// The version as every provider tells it.
    pub(super) fn state(&self, kid: String) -> KeyState {
        KeyState {
            kid,
            version: self.id.clone(),
            enabled: self.may_wrap || self.may_encrypt,
            not_before: self.starts,
            expires: self.ends,
            created: None,
            updated: None,
            recoverable: Some(false),
        }
    }
}

/// The newest version, or the one with `id`.
pub(super) fn find(open: &Open<'_>, label: &str, id: Option<&str>) -> Result<Version, KeyError> {
    let mut versions = all(open, label)?;
    let missing = |what: String| KeyError::denied(Cause::NotFound, what);
    if let Some(id) = id {
        versions.retain(|version| version.id == id);
        if versions.len() > 1 {
            return Err(KeyError::configuration(format!("two keys share the id {id}")));
        }
        return versions
            .pop()
            .ok_or_else(|| missing(format!("the token has no key \"{label}\" with the id {id}")));
    }
    versions
        .into_iter()
        .max_by(|a, b| {
            let rank = |v: &Version| (v.starts, v.id.len(), v.id.clone());
            rank(a).cmp(&rank(b))
        })
        .ok_or_else(|| missing(format!("the token has no key \"{label}\"")))
}

fn all(open: &Open<'_>, label: &str) -> Result<Vec<Version>, KeyError> {
    let mut versions = Vec::new();
    for class in [ObjectClass::PRIVATE_KEY, ObjectClass::SECRET_KEY] {
        for handle in objects(open, class, label, None)? {
            if versions.len() == MAX_VERSIONS {
                return Err(KeyError::configuration("the token has too many keys of this name"));
            }
            versions.extend(read(open, class, label, handle)?);
        }
    }
    Ok(versions)
}

fn objects(
    open: &Open<'_>,
    class: ObjectClass,
    label: &str,
    id: Option<Vec<u8>>,
) -> Result<Vec<ObjectHandle>, KeyError> {
    let mut template = vec![Attribute::Class(class), Attribute::Label(label.as_bytes().to_vec())];
    template.extend(id.map(Attribute::Id));
    open.session
        .find_objects(&template)
        .map_err(|error| classify("look for the key in the token", &error))
}

/// Reads one key; none when it is of a kind that does not wrap.
fn read(
    open: &Open<'_>,
    class: ObjectClass,
    label: &str,
    handle: ObjectHandle,
) -> Result<Option<Version>, KeyError> {
    let wanted = [
        AttributeType::KeyType,
        AttributeType::Id,
        AttributeType::Wrap,
        AttributeType::Unwrap,
        AttributeType::Encrypt,
        AttributeType::Decrypt,
        AttributeType::ValueLen,
    ];
    let found = open
        .session
        .get_attributes(handle, &wanted)
        .map_err(|error| classify("read the key's attributes", &error))?;
    let (mut kind, mut bytes, mut id) = (None, None, Vec::new());
    let (mut wrap, mut unwrap, mut encrypt, mut decrypt) = (false, false, false, false);
    for attribute in found {
        match attribute {
            Attribute::KeyType(is) => kind = Some(is),
            Attribute::Id(is) => id = is,
            Attribute::Wrap(is) => wrap = is,
            Attribute::Unwrap(is) => unwrap = is,
            Attribute::Encrypt(is) => encrypt = is,
            Attribute::Decrypt(is) => decrypt = is,
            Attribute::ValueLen(is) => bytes = Some(*is),
            _ => {}
        }
    }
    if id.is_empty() {
        return Err(KeyError::configuration("a key of this name has no id (CKA_ID)"));
    }
    let is_private = class == ObjectClass::PRIVATE_KEY;
    let (kind, may_wrap, may_encrypt) = match kind {
        Some(KeyType::RSA) if is_private => {
            let public = objects(open, ObjectClass::PUBLIC_KEY, label, Some(id.clone()))?;
            (Kind::Rsa { public: public.first().copied() }, false, decrypt)
        }
        Some(KeyType::AES) if !is_private && bytes == Some(32) => {
            (Kind::Aes, wrap && unwrap, encrypt && decrypt)
        }
        _ => return Ok(None),
    };
    let (mut starts, mut ends) = dates(open, handle)?;
    if let Kind::Rsa { public: Some(public) } = kind {
        // Both halves may have dates; the narrower ones count.
        let (from, until) = dates(open, public)?;
        starts = starts.max(from);
        ends = [ends, until].into_iter().flatten().min();
    }
    let id = hex::encode(id);
    Ok(Some(Version { handle, kind, id, may_wrap, may_encrypt, starts, ends }))
}

/// First and last moment of an object's validity.
fn dates(
    open: &Open<'_>,
    handle: ObjectHandle,
) -> Result<(Option<Timestamp>, Option<Timestamp>), KeyError> {
    // SoftHSM 2.6 fails to read the dates of private objects that have some: then nothing is
    // known about the key, and the error says so.
    let found = open
        .session
        .get_attributes(handle, &[AttributeType::StartDate, AttributeType::EndDate])
        .map_err(|error| classify("read the key's dates", &error))?;
    let (mut starts, mut ends) = (None, None);
    for attribute in found {
        match attribute {
            Attribute::StartDate(date) => starts = midnight(&date, 0)?,
            // A key is good on its last day.
            Attribute::EndDate(date) => ends = midnight(&date, 1)?,
            _ => {}
        }
    }
    Ok((starts, ends))
}

/// The start of a day, UTC, `days` later; none for an empty date.
fn midnight(date: &Date, days: i64) -> Result<Option<Timestamp>, KeyError> {
    if date.is_empty() {
        return Ok(None);
    }
    // CK_DATE holds decimal digits: YYYY MM DD.
    let number = |digits: &[u8]| std::str::from_utf8(digits).ok()?.parse::<i16>().ok();
    let day = || {
        let year = number(&date.year)?;
        let month = i8::try_from(number(&date.month)?).ok()?;
        let day = i8::try_from(number(&date.day)?).ok()?;
        let day = civil::Date::new(year, month, day).ok()?;
        let day = day.checked_add(jiff::Span::new().try_days(days).ok()?).ok()?;
        Some(day.to_zoned(TimeZone::UTC).ok()?.timestamp())
    };
    day().map(Some).ok_or_else(|| KeyError::configuration("a key has a date that is none"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_begin_at_midnight_and_end_after_their_day() {
        let date = Date::new_from_str_slice("2026", "12", "31").unwrap();
        let start = midnight(&date, 0).unwrap().unwrap();
        let end = midnight(&date, 1).unwrap().unwrap();
        assert_eq!(start.to_string(), "2026-12-31T00:00:00Z");
        assert_eq!(end.to_string(), "2027-01-01T00:00:00Z");
        assert_eq!(midnight(&Date::new_empty(), 0).unwrap(), None);
        let odd = Date::new(*b"2026", *b"13", *b"01");
        assert!(midnight(&odd, 0).is_err());
    }
}
