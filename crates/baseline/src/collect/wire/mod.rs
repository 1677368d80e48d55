//! Tables that are filled from outside (`source = "wire"`): what a stranger on the network gets to
//! see, and whether pgAudit records what was just done.
//!
//! The probes sign in nowhere and end before anybody proves anything. The probe of pgAudit is done
//! only where it is asked for, as the role that reads, in a transaction that is rolled back.

mod audit;
mod offers;

use std::collections::BTreeMap;
use std::time::Instant;

use kql::plan::Schema;
use kql::value::Json;
use pg::{Connection, Injection, StartAnswer};

use super::Place;
use crate::bundle::{Gap, State, TableEvidence};
use crate::derive::row;

/// Reason of a gap that somebody has to ask for.
const NOT_ASKED: &str = "not-asked";

/// What is asked, and how.
pub(super) struct Asked<'a> {
    /// Where; the outer none: nothing is to be asked from outside
    pub(super) place: Option<Option<Place>>,
    pub(super) connection: &'a Connection,
    pub(super) major: u32,
    /// A number that no other assessment has
    pub(super) nonce: i128,
}

/// Rows, and why there are not all of them.
#[derive(Debug, Default)]
struct Probed {
    rows: Vec<Vec<Json>>,
    gaps: Vec<Gap>,
}

impl Probed {
    fn lack(&mut self, error: &pg::Error) {
        self.gaps.push(super::sql::gap_of(error, None, None));
    }
}

/// Fills these tables.
pub(super) async fn fill(
    asked: &Asked<'_>,
    names: &[String],
    tables: &mut BTreeMap<String, TableEvidence>,
) {
    for name in names {
        let Some(table) = tables.get(name) else { continue };
        if table.gaps.iter().any(|gap| gap.reason == NOT_ASKED) {
            continue;
        }
        let (columns, started) = (table.columns.clone(), Instant::now());
        let mut table = match probed(asked, name, &columns).await {
            Ok(probed) => {
                let mut table = TableEvidence::whole(columns, probed.rows, "wire");
                if !probed.gaps.is_empty() {
                    let is_empty = table.rows.is_empty();
                    table.state = if is_empty { State::Unread } else { State::Partial };
                    table.gaps = probed.gaps;
                }
                table
            }
            Err(gap) => TableEvidence::unread(columns, gap, "wire"),
        };
        table.took_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        tables.insert(name.clone(), table);
    }
}

async fn probed(asked: &Asked<'_>, name: &str, columns: &Schema) -> Result<Probed, Gap> {
    if name == "AuditProbe" {
        return audit::probe(asked, columns).await;
    }
    let place = match &asked.place {
        Some(Some(place)) => place,
        Some(None) => {
            let message = "the server is not reached at one place of the network".to_owned();
            let cure = "name one host and its port in --dsn, as clients have them";
            return Err(gap("no-collector", message, Some(cure.to_owned())));
        }
        None => {
            let message = "this assessment makes no connections from outside".to_owned();
            return Err(gap("no-collector", message, None));
        }
    };
    match name {
        "TlsVersions" => Ok(offers::versions(place, columns).await),
        "TlsSuites" => Ok(offers::suites(place, columns).await),
        "EarlyAnswers" => Ok(early(asked, place, columns).await),
        _ => Err(gap("internal", format!("nothing asks {name}"), None)),
    }
}

/// How the server treats those who have not signed in yet.
async fn early(asked: &Asked<'_>, place: &Place, columns: &Schema) -> Probed {
    let mut probed = Probed::default();
    let (host, port) = (place.host.as_str(), place.port);
    let role = format!("pgkeep_probe_{:x}", asked.nonce);
    let put = |probed: &mut Probed, probe: &str, answer: &str, detail: String| {
        let cells = [
            ("probe", text(probe)),
            ("answer", text(answer)),
            ("detail", text(detail)),
            ("host", text(host)),
        ];
        probed.rows.push(row(columns, &cells));
    };
    match pg::probe_start(host, port, &role, "postgres").await {
        Ok(answer) => {
            let (answer, detail) = started(&answer);
            put(&mut probed, "plain-start", answer, detail);
        }
        Err(error) => probed.lack(&error),
    }
    match pg::probe_injection(host, port, &role).await {
        Ok(answer) => {
            let answer = match answer {
                Injection::Rejected => "rejected",
                Injection::Processed => "processed",
                Injection::Closed => "closed",
                Injection::NoTls => "no-tls",
            };
            put(&mut probed, "injection", answer, String::new());
        }
        Err(error) => probed.lack(&error),
    }
    if asked.major >= 17 {
        for (probe, with_name) in [("direct", true), ("direct-without-name", false)] {
            match pg::probe_direct(host, port, with_name).await {
                Ok(is_taken) => {
                    let answer = if is_taken { "accepted" } else { "refused" };
                    put(&mut probed, probe, answer, String::new());
                }
                Err(error) => probed.lack(&error),
            }
        }
    }
    probed
}

/// What an answer to a start-up packet means. The function that refuses tells the reason in every
/// language (`src/backend/libpq/auth.c`, `src/backend/utils/init/miscinit.c`).
fn started(answer: &StartAnswer) -> (&'static str, String) {
    match answer {
        StartAnswer::Asked(method) => {
            let method = match method {
                0 => "nothing".to_owned(),
                3 => "the password in clear".to_owned(),
                5 => "the password with MD5".to_owned(),
                7 => "GSSAPI".to_owned(),
                9 => "SSPI".to_owned(),
                10 => "SASL".to_owned(),
                other => format!("method {other}"),
            };
            ("asked", format!("the server asks for {method}"))
        }
        StartAnswer::Refused { routine, message, .. } if routine == "ClientAuthentication" => {
            ("refused", message.clone())
        }
        // A line of pg_hba.conf let it go on: its method failed, or nothing was asked at all.
        StartAnswer::Refused { routine, message, .. }
            if routine == "auth_failed" || routine == "InitializeSessionUserId" =>
        {
            ("let-in", message.clone())
        }
        StartAnswer::Refused { message, .. } => ("other", message.clone()),
    }
}

fn gap(reason: &str, message: String, cure: Option<String>) -> Gap {
    Gap { database: None, reason: reason.to_owned(), message, cure }
}

fn text(text: impl AsRef<str>) -> Json {
    Json::String(text.as_ref().into())
}
