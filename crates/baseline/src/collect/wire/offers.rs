//! Versions of TLS and suites that a server takes, each tried: its settings say what it should
//! take, its library and its system's policy have a word in it, too.

use std::collections::HashMap;
use std::sync::LazyLock;

use kql::plan::Schema;
use kql::value::Json;
use pg::{HelloAnswer, TlsVersion, probe_hello, probe_offer};

use super::{Place, Probed, gap, text};
use crate::derive::row;

/// Names of suites by their numbers, as IANA has them: those that OpenSSL 3 can be built with.
const SUITES: &str = include_str!("suites.tsv");
/// Handshakes of one version.
const HANDSHAKES: usize = 300;
/// TLS 1.3 has suites of its own.
const MODERN: [u16; 7] = [0x1301, 0x1302, 0x1303, 0x1304, 0x1305, 0xc0b4, 0xc0b5];

const VERSIONS: [(TlsVersion, &str); 5] = [
    (TlsVersion::Ssl30, "SSLv3"),
    (TlsVersion::Tls10, "TLSv1"),
    (TlsVersion::Tls11, "TLSv1.1"),
    (TlsVersion::Tls12, "TLSv1.2"),
    (TlsVersion::Tls13, "TLSv1.3"),
];

static NAMES: LazyLock<HashMap<u16, &str>> = LazyLock::new(|| {
    let lines = SUITES.lines().skip(1).filter_map(|line| line.split_once('\t'));
    lines.filter_map(|(hex, name)| Some((u16::from_str_radix(hex, 16).ok()?, name))).collect()
});

/// Every number that a suite of a version may have, known to us or not.
fn offered(version: TlsVersion) -> Vec<u16> {
    if version == TlsVersion::Tls13 {
        return MODERN.to_vec();
    }
    let ranges = [0x0001..=0x00fe, 0xc001..=0xc0ff, 0xcc13..=0xccae];
    ranges.into_iter().flatten().collect()
}

fn name(suite: u16) -> String {
    NAMES.get(&suite).map_or_else(|| format!("0x{suite:04x}"), |name| (*name).to_owned())
}

/// One handshake for each version.
pub(super) async fn versions(place: &Place, columns: &Schema) -> Probed {
    let mut probed = Probed::default();
    let Some(has_tls) = has_tls(place, &mut probed).await else { return probed };
    for (version, protocol) in VERSIONS {
        let answer = if has_tls {
            probe_hello(&place.host, place.port, version, &offered(version)).await
        } else {
            Ok(HelloAnswer::Closed)
        };
        let (is_taken, words) = match answer {
            Ok(_) if !has_tls => (false, "the server has no TLS".to_owned()),
            Ok(HelloAnswer::Chosen { version: chosen, suite }) => {
                (chosen == version, format!("{} with {}", named(chosen), name(suite)))
            }
            Ok(HelloAnswer::Refused(alert)) => (false, format!("refused with alert {alert}")),
            Ok(HelloAnswer::Closed) => (false, "the server hung up".to_owned()),
            Err(error) => {
                probed.lack(&error);
                continue;
            }
        };
        let cells = [
            ("protocol", text(protocol)),
            ("offered", Json::Bool(has_tls)),
            ("accepted", Json::Bool(is_taken)),
            ("answer", text(words)),
        ];
        probed.rows.push(row(columns, &cells));
    }
    probed
}

/// For each version the suites that the server takes: those that it chose are left out of the next
/// offer until it takes none.
pub(super) async fn suites(place: &Place, columns: &Schema) -> Probed {
    let mut probed = Probed::default();
    if !has_tls(place, &mut probed).await.unwrap_or(false) {
        return probed;
    }
    for (version, protocol) in VERSIONS {
        let mut left = offered(version);
        for n in 0.. {
            if n >= HANDSHAKES {
                let message = format!("more than {HANDSHAKES} suites of {protocol}");
                probed.gaps.push(gap("limit", message, None));
                break;
            }
            let suite = match probe_hello(&place.host, place.port, version, &left).await {
                Ok(HelloAnswer::Chosen { version: chosen, suite }) if chosen == version => suite,
                Ok(_) => break,
                Err(error) => {
                    probed.lack(&error);
                    break;
                }
            };
            let before = left.len();
            left.retain(|number| *number != suite);
            if left.len() == before {
                let message = "the server chose a suite that was not offered".to_owned();
                probed.gaps.push(gap("query-error", message, None));
                break;
            }
            let cells = [("protocol", text(protocol)), ("suite", text(name(suite)))];
            probed.rows.push(row(columns, &cells));
            if left.is_empty() {
                break;
            }
        }
    }
    probed
}

async fn has_tls(place: &Place, probed: &mut Probed) -> Option<bool> {
    match probe_offer(&place.host, place.port).await {
        Ok(has_tls) => Some(has_tls),
        Err(error) => {
            probed.lack(&error);
            None
        }
    }
}

fn named(version: TlsVersion) -> &'static str {
    VERSIONS.iter().find(|(known, _)| *known == version).map_or("", |(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suites_have_names() {
        assert_eq!(NAMES.len(), SUITES.lines().count() - 1);
        assert_eq!(name(0x1301), "TLS_AES_128_GCM_SHA256");
        assert_eq!(name(0xc02b), "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256");
        assert_eq!(name(0x0a0a), "0x0a0a");
        for suite in NAMES.keys() {
            let is_offered = VERSIONS.iter().any(|(v, _)| offered(*v).contains(suite));
            assert!(is_offered, "{suite:04x}");
        }
    }
}
