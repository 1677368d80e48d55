//! The connection string of `server show`, taken apart: who, where, by which certificate.
//!
//! Not a general libpq parser: it reads what we write ourselves and refuses the rest.

use std::path::{Path, PathBuf};

use base::{Fault, Secret};
use pg::{Connection, TlsLogin, TlsTarget, connect_tls};

/// Longest file read here; a password file has one line, a certificate a few kilobytes.
const MAX_FILE_BYTES: u64 = 64 * 1024;

/// Where the server is and how to sign in.
#[derive(Debug)]
pub(crate) struct Dsn {
    target: TlsTarget,
    user: String,
    password: Secret<String>,
}

/// The parts of a connection string, before any file is read.
#[derive(Debug, PartialEq, Eq)]
struct Parts {
    user: String,
    host: String,
    address: Option<String>,
    port: u16,
    root_certificate: PathBuf,
    pass_file: PathBuf,
}

impl Dsn {
    /// Reads the string and the two files that it names.
    pub(crate) fn read(dsn: &str) -> Result<Self, Fault> {
        let parts = parse(dsn).ok_or_else(|| {
            Fault::new("dsn", "the server's connection string is not of the kind pgkeep writes")
        })?;
        let ca_pem = read(&parts.root_certificate)?;
        let pass_file = Secret::new(read(&parts.pass_file)?);
        let password = password(pass_file.expose(), &parts.user).ok_or_else(|| {
            let file = parts.pass_file.display();
            Fault::new("dsn", format!("no password of role \"{}\" in \"{file}\"", parts.user))
        })?;
        let mut target = TlsTarget::localhost(parts.port, ca_pem.as_bytes());
        target.server_name.clone_from(&parts.host);
        target.host = parts.address.unwrap_or(parts.host);
        Ok(Self { target, user: parts.user, password })
    }

    /// Opens a connection to one database of the server.
    pub(crate) async fn connect(&self, database: &str) -> pg::Result<Connection> {
        let (user, password) = (self.user.as_str(), &self.password);
        let login = TlsLogin { user, password, database, certificate: None };
        connect_tls(&self.target, &login).await
    }
}

/// `postgresql://USER@HOST:PORT/…?sslmode=verify-full&sslrootcert=FILE&passfile=FILE`, and
/// `&hostaddr=ADDRESS` where the name need not resolve.
fn parse(dsn: &str) -> Option<Parts> {
    let (authority, rest) = dsn.strip_prefix("postgresql://")?.split_once('/')?;
    let (_, query) = rest.split_once('?')?;
    let (user, place) = authority.split_once('@')?;
    let (host, port) = place.rsplit_once(':')?;
    let field = |name: &str| {
        query
            .split('&')
            .find_map(|part| part.strip_prefix(name)?.strip_prefix('='))
            .and_then(decode)
    };
    if field("sslmode")? != "verify-full" || user.is_empty() || user.contains(':') {
        return None;
    }
    Some(Parts {
        user: decode(user)?,
        host: decode(host)?.trim_matches(['[', ']']).to_owned(),
        address: field("hostaddr"),
        port: port.parse().ok().filter(|port| *port > 0)?,
        root_certificate: field("sslrootcert")?.into(),
        pass_file: field("passfile")?.into(),
    })
}

/// Resolves percent-encoding (RFC 3986 section 2.1).
fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let high = char::from(rest.next()?).to_digit(16)?;
        let low = char::from(rest.next()?).to_digit(16)?;
        bytes.push(u8::try_from(high * 16 + low).ok()?);
    }
    String::from_utf8(bytes).ok()
}

/// The password of `user` in a password file of libpq, in the first line that fits.
///
/// Only the fields that pgkeep varies are compared: the server is the one that the file is for.
fn password(pass_file: &str, user: &str) -> Option<Secret<String>> {
    pass_file.lines().find_map(|line| {
        let mut fields = vec![String::new()];
        let mut letters = line.chars();
        while let Some(letter) = letters.next() {
            match letter {
                ':' if fields.len() < 5 => fields.push(String::new()),
                letter => {
                    let letter = if letter == '\\' { letters.next()? } else { letter };
                    fields.last_mut()?.push(letter);
                }
            }
        }
        let fits = fields.len() == 5 && (fields[3] == user || fields[3] == "*");
        fits.then(|| fields.pop().map(Secret::new)).flatten()
    })
}

fn read(path: &Path) -> Result<String, Fault> {
    use std::io::Read;
    let mut text = String::new();
    std::fs::File::open(path)
        .and_then(|file| file.take(MAX_FILE_BYTES).read_to_string(&mut text))
        .map(|_| text)
        .map_err(|error| {
            Fault::from_error("dsn", format!("could not read \"{}\"", path.display()), &error)
        })
}

#[cfg(test)]
mod tests {
    use super::{decode, parse, password};

    #[test]
    fn reads_what_show_prints() {
        let parts = parse(
            "postgresql://postgres@localhost:5432/postgres?sslmode=verify-full\
             &sslrootcert=/srv/pg%20keep/ca.pem&passfile=/srv/pg%20keep/servers/demo/pgpass\
             &hostaddr=127.0.0.1",
        )
        .unwrap();
        assert_eq!(
            (parts.user.as_str(), parts.host.as_str(), parts.port),
            ("postgres", "localhost", 5432)
        );
        assert_eq!(parts.address.as_deref(), Some("127.0.0.1"));
        assert_eq!(parts.root_certificate.to_str(), Some("/srv/pg keep/ca.pem"));
        assert_eq!(parts.pass_file.to_str(), Some("/srv/pg keep/servers/demo/pgpass"));
    }

    #[test]
    fn refuses_what_would_weaken_the_connection() {
        let good = "postgresql://a@h:1/d?sslmode=verify-full&sslrootcert=/c&passfile=/p";
        assert!(parse(good).is_some());
        for (from, to) in [
            ("verify-full", "require"),
            ("sslmode=verify-full&", ""),
            ("a@", "a:secret@"),
            (":1/", ":0/"),
            (":1/", ":70000/"),
            ("sslrootcert=/c", "sslrootcert=%zz"),
            ("&passfile=/p", ""),
            ("postgresql:", "mysql:"),
        ] {
            assert!(parse(&good.replace(from, to)).is_none(), "{to}");
        }
    }

    #[test]
    fn resolves_percent_signs() {
        assert_eq!(decode("a%2Fb%20%C3%A4").as_deref(), Some("a/b ä"));
        for bad in ["%", "%2", "%g0", "%ff"] {
            assert_eq!(decode(bad), None, "{bad}");
        }
    }

    #[test]
    fn finds_the_password() {
        let check = |file: &str, expected: Option<&str>| {
            let found = password(file, "postgres");
            assert_eq!(found.as_ref().map(|secret| secret.expose().as_str()), expected, "{file}");
        };
        check("*:*:*:postgres:secret\n", Some("secret"));
        check("*:*:*:other:no\n*:*:*:postgres:a:b\\:c\\\\\n", Some("a:b:c\\"));
        check("# note\n*:*:*:*:any", Some("any"));
        check("*:*:*:other:no", None);
        check("*:*:postgres", None);
    }
}
