//! Feeds as tables of evidence (`source = "feed"`), and what an assessment says of them.

use jiff::Timestamp;
use kql::plan::Schema;
use kql::value::Json;

use super::document::{Advisory, Affected, Release};
use super::{FeedAbout, Feeds};
use crate::assess::FeedState;
use crate::bundle::{Bundle, Gap, State, TableEvidence};
use crate::derive::{list, row};

/// The table of the feeds themselves.
const TABLE: &str = "Feeds";

/// Reads a table. `at`: the moment of the collection.
pub(crate) fn read(
    feeds: Option<&Feeds>,
    name: &str,
    columns: Schema,
    at: Timestamp,
) -> TableEvidence {
    let lacking = |reason: &str, message: String, cure: Option<&str>| {
        let (reason, cure) = (reason.to_owned(), cure.map(str::to_owned));
        let gap = Gap { database: None, reason, message, cure };
        TableEvidence::unread(columns.clone(), gap, "feeds")
    };
    let Some(feeds) = feeds.filter(|feeds| !feeds.feeds.is_empty()) else {
        let message = "no feed of vulnerabilities and versions was given".to_owned();
        return lacking("no-feed", message, Some("pgkeep baseline feed import FILE"));
    };
    let mut rows = Vec::new();
    let mut statement = String::from("feeds:");
    for feed in feeds.feeds.values() {
        let document = &feed.document;
        let about = feed.about(at);
        statement.push_str(&format!(" {} of {} ({})", about.name, about.as_of, about.checksum));
        match name {
            TABLE => rows.push(of_feed(&columns, &about, at)),
            "Advisories" => rows.extend(
                document
                    .advisories
                    .iter()
                    .flat_map(|advisory| of_advisory(&columns, &about.name, advisory)),
            ),
            "Releases" => {
                let releases = document.releases.iter();
                rows.extend(releases.map(|release| of_release(&columns, &about.name, *release)));
            }
            _ => return lacking("internal", format!("nothing reads {name}"), None),
        }
    }
    TableEvidence::whole(columns, rows, statement)
}

fn of_feed(columns: &Schema, about: &FeedAbout, at: Timestamp) -> Vec<Json> {
    row(
        columns,
        &[
            ("name", text(&about.name)),
            ("kind", text(about.kind.name())),
            ("as_of", text(&about.as_of)),
            ("collected_at", text(&at.to_string())),
            ("age_days", Json::Long(about.age_days.into())),
            ("stale", Json::Bool(about.stale)),
            ("majors", Json::Array(about.majors.iter().map(|n| Json::Long((*n).into())).collect())),
            ("records", Json::Long(i64::try_from(about.records).unwrap_or(i64::MAX))),
            ("checksum", text(&about.checksum)),
            ("imported", Json::Bool(about.imported)),
            ("source", text(&about.source)),
            ("note", text(&about.note)),
        ],
    )
}

/// A row for each component and major version.
fn of_advisory(columns: &Schema, feed: &str, advisory: &Advisory) -> Vec<Vec<Json>> {
    let affected = advisory.affected();
    let one = |component: &str, affected: &Affected| {
        row(
            columns,
            &[
                ("feed", text(feed)),
                ("id", text(&advisory.id)),
                ("component", text(component)),
                ("modules", list(&advisory.modules)),
                ("title", text(&advisory.title)),
                ("cvss", advisory.cvss.map_or(Json::Null, Json::Real)),
                ("vector", advisory.vector.as_deref().map_or(Json::Null, text)),
                ("published", text(&advisory.published.to_string())),
                ("major", Json::Long(affected.major.into())),
                ("from_minor", Json::Long(affected.from.into())),
                ("fixed_minor", affected.fixed.map_or(Json::Null, |n| Json::Long(n.into()))),
            ],
        )
    };
    let components = advisory.components.iter().map(|component| component.name());
    components.flat_map(|component| affected.iter().map(move |a| one(component, a))).collect()
}

fn of_release(columns: &Schema, feed: &str, release: Release) -> Vec<Json> {
    row(
        columns,
        &[
            ("feed", text(feed)),
            ("major", Json::Long(release.major.into())),
            ("released", text(&release.released.to_string())),
            ("end_of_life", text(&release.end_of_life.to_string())),
            ("latest_minor", Json::Long(release.latest.into())),
            ("latest_released", text(&release.latest_released.to_string())),
        ],
    )
}

fn text(said: &str) -> Json {
    Json::String(said.into())
}

/// The feeds that a bundle was filled from.
pub(crate) fn states(bundle: &Bundle) -> Vec<FeedState> {
    let Some(table) = bundle.tables.get(TABLE).filter(|table| table.state != State::Unread) else {
        return Vec::new();
    };
    let place = |name: &str| table.columns.iter().position(|column| column.name == name);
    let (Some(name), Some(as_of), Some(stale)) = (place("name"), place("as_of"), place("stale"))
    else {
        return Vec::new();
    };
    let state = |row: &Vec<Json>| FeedState {
        name: said(&row[name]),
        as_of: said(&row[as_of]),
        // Whatever does not say that it is young enough is not.
        stale: !matches!(row[stale], Json::Bool(false)),
    };
    table.rows.iter().map(state).collect()
}

fn said(json: &Json) -> String {
    match json {
        Json::String(text) => text.to_string(),
        other => other.to_string(),
    }
}
