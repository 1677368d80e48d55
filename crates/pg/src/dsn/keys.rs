//! The keys of connection strings ("Parameter Key Words" in the PostgreSQL manual).

use std::time::Duration;

use tokio_postgres::Config;

use super::text::Pairs;
use super::unusable;
use crate::connection::CONNECT;
use crate::suggest::nearest;
use crate::{Error, Result};

/// The longest that a connection may take to come up, all servers and addresses together.
pub(super) const LONGEST: Duration = Duration::from_secs(300);

enum Use {
    /// It does what libpq does.
    Read,
    /// The driver reads it, under this name.
    Driver(&'static str),
    /// It does nothing, and nothing is lost by that.
    Nothing,
    /// Only these values, which name what is done anyway.
    Only(&'static [&'static str]),
    /// Leaving it unread would take a protection or a wish away.
    Refused,
}

use Use::{Driver, Nothing, Only, Read, Refused};

const KEYS: &[(&str, Use)] = &[
    ("host", Read),
    ("hostaddr", Read),
    ("port", Read),
    ("dbname", Read),
    ("user", Read),
    ("password", Read),
    ("passfile", Read),
    ("sslmode", Read),
    ("sslrootcert", Read),
    ("sslcert", Read),
    ("sslkey", Read),
    ("options", Driver("options")),
    ("connect_timeout", Driver("connect_timeout")),
    ("channel_binding", Driver("channel_binding")),
    ("target_session_attrs", Driver("target_session_attrs")),
    ("keepalives", Driver("keepalives")),
    ("keepalives_idle", Driver("keepalives_idle")),
    ("keepalives_interval", Driver("keepalives_interval")),
    ("keepalives_count", Driver("keepalives_retries")),
    ("tcp_user_timeout", Driver("tcp_user_timeout")),
    // We are always called pgkeep, and always speak UTF-8.
    ("application_name", Nothing),
    ("fallback_application_name", Nothing),
    ("client_encoding", Nothing),
    ("sslcompression", Nothing),
    ("gsslib", Nothing),
    ("gssdelegation", Nothing),
    ("krbsrvname", Nothing),
    ("gssencmode", Only(&["disable", "prefer"])),
    ("sslnegotiation", Only(&["postgres"])),
    ("sslsni", Only(&["1"])),
    ("sslcertmode", Only(&["allow"])),
    ("ssl_min_protocol_version", Only(&["TLSv1", "TLSv1.1", "TLSv1.2"])),
    ("ssl_max_protocol_version", Only(&["TLSv1.3"])),
    ("min_protocol_version", Only(&["3.0"])),
    ("max_protocol_version", Only(&["3.0", "3.2", "latest"])),
    ("load_balance_hosts", Only(&["disable"])),
    ("replication", Only(&["false", "off", "no", "0"])),
    ("service", Refused),
    ("servicefile", Refused),
    ("require_auth", Refused),
    ("requirepeer", Refused),
    ("requiressl", Refused),
    ("sslcrl", Refused),
    ("sslcrldir", Refused),
    ("sslpassword", Refused),
    ("sslkeylogfile", Refused),
    ("scram_client_key", Refused),
    ("scram_server_key", Refused),
];

/// Refuses keys that nobody knows and those that cannot be honoured.
pub(super) fn check(pairs: &Pairs) -> Result<()> {
    for (n, key) in pairs.keys().enumerate() {
        let Some((name, usage)) = KEYS.iter().find(|(name, _)| *name == key) else {
            let names = KEYS.iter().filter(|(_, usage)| !matches!(usage, Refused));
            let near = nearest(key, names.map(|(name, _)| *name));
            let hint = match near.as_slice() {
                [] => "in key=value put values that hold blanks into single quotes".to_owned(),
                near => format!("did you mean {}?", near.join(" or ")),
            };
            return Err(unusable(&format!("parameter {} is not known", n + 1), &hint));
        };
        let Some(value) = pairs.value(key) else { continue };
        match usage {
            Only(values) if !values.contains(&value) => {
                let hint = format!("leave it out, or say {}", values.join(" or "));
                return Err(unusable(&format!("this {name} is not supported"), &hint));
            }
            Refused => {
                return Err(unusable(&format!("{name} is not supported"), refused_hint(name)));
            }
            _ => {}
        }
    }
    Ok(())
}

fn refused_hint(name: &str) -> &'static str {
    match name {
        "service" | "servicefile" => {
            "write what the service stands for (host, port, dbname, user) into the string"
        }
        "sslpassword" => "give a key without a passphrase, readable for its owner only",
        "sslcrl" | "sslcrldir" => "leave it out; lists of revoked certificates are not read",
        "requiressl" => "say sslmode=require",
        _ => "leave it out",
    }
}

/// What the driver reads by itself, and our limits.
pub(super) fn config(pairs: &Pairs) -> Result<Config> {
    let mut words = String::new();
    for (key, usage) in KEYS {
        if let (Driver(name), Some(value)) = (usage, pairs.value(key)) {
            let value = value.replace('\\', r"\\").replace('\'', r"\'");
            words.push_str(&format!("{name}='{value}' "));
        }
    }
    // The driver names the key at most.
    let mut config: Config = words.parse().map_err(|error| Error::ConnectionString {
        reason: crate::error::chain(&error as &tokio_postgres::Error),
        hint: Some("see \"Parameter Key Words\" in PostgreSQL's manual for its values".to_owned()),
    })?;
    let timeout = config.get_connect_timeout().copied().unwrap_or(CONNECT);
    config.connect_timeout(timeout.min(LONGEST)).application_name("pgkeep");
    Ok(config)
}
