//! The tables `HbaReach` and `HbaShadows`.
//!
//! They stay small because roles and databases are merged where no line tells them apart, and rows
//! where what they say is the same. What would still be too much is no table, and says so.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use kql::plan::Schema;
use kql::value::Json;

use super::super::prefix::Addresses;
use super::super::{Fault, Given, list, row};
use super::classes::{Base, Classes, Lines, Name};
use super::decide::{Segment, decided};
use super::words::RoleFacts;
use super::{File, Line, Transport};

/// Rows of `HbaReach`.
const ROWS_MAX: usize = 100_000;
/// Names and prefixes in all rows of `HbaReach`.
const WORDS_MAX: usize = 5_000_000;
/// What stands for names that do not exist.
const OTHER: &str = "(any other name)";

/// What the lines that match decide, by transport.
type Decisions = [Vec<Kept>; 4];

/// A segment whose addresses are kept once.
#[derive(Debug)]
struct Kept {
    line: usize,
    addresses: usize,
    unsure: bool,
    /// Lines for TLS alone that decide the same connections when they come encrypted
    instead: BTreeSet<usize>,
}

/// What makes a row; what is alike in all of it is one row.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    line: usize,
    transport: Transport,
    unsure: bool,
    facts: Option<RoleFacts>,
    bases: Vec<usize>,
    addresses: usize,
}

/// The rest of a row.
#[derive(Debug, Default)]
struct Rest {
    roles: Vec<usize>,
    instead: BTreeSet<usize>,
}

/// Everything that was decided so far.
struct Walk<'a> {
    file: &'a File,
    sets: Vec<Addresses>,
    numbers: HashMap<Addresses, usize>,
    decisions: HashMap<Lines, Decisions>,
}

impl Walk<'_> {
    fn number(&mut self, set: Addresses) -> usize {
        let next = self.sets.len();
        *self.numbers.entry(set).or_insert_with_key(|set| {
            self.sets.push(set.clone());
            next
        })
    }

    /// What lines decide, worked out once.
    fn decisions(&mut self, lines: Lines) -> &Decisions {
        if !self.decisions.contains_key(&lines) {
            let all = Transport::ALL.map(|transport| decided(self.file, &lines, transport));
            let tls: Vec<Segment> = all[1].clone();
            let kept = all.map(|segments| {
                segments.into_iter().map(|segment| self.keep(segment, &tls)).collect()
            });
            self.decisions.insert(lines.clone(), kept);
        }
        &self.decisions[&lines]
    }

    fn keep(&mut self, segment: Segment, tls: &[Segment]) -> Kept {
        let Segment { line, addresses, unsure } = segment;
        let of = &self.file.lines;
        let remote = addresses.without(&Addresses::loopback());
        let falls = |other: &&Segment| {
            let is_for_tls = of[other.line].kind == super::Kind::HostSsl && other.line < line;
            let lets_in = !other.unsure && !of[other.line].rejects();
            is_for_tls && lets_in && other.addresses.meets(&remote)
        };
        let takes_cleartext = of[line].kind.takes(Transport::Cleartext);
        let instead = tls.iter().filter(|_| takes_cleartext).filter(falls).map(|s| s.line);
        let instead = instead.collect();
        Kept { line, addresses: self.number(addresses), unsure, instead }
    }
}

/// What each line decides.
pub(in super::super) fn reach(given: &Given<'_>, schema: &Schema) -> Result<Vec<Vec<Json>>, Fault> {
    let file = File::read(given)?;
    let classes = Classes::of(&file)?;
    let mut walk =
        Walk { file: &file, sets: Vec::new(), numbers: HashMap::new(), decisions: HashMap::new() };
    let mut rows: BTreeMap<Key, Rest> = BTreeMap::new();
    for (at, role) in classes.roles.iter().enumerate() {
        // Databases by what is decided of them.
        let mut parts: BTreeMap<_, (Vec<usize>, BTreeSet<usize>)> = BTreeMap::new();
        for (base_at, base) in classes.bases.iter().enumerate() {
            let Some(lines) = classes.lines(&file, role, base) else { continue };
            for (kept, transport) in walk.decisions(lines).iter().zip(Transport::ALL) {
                for kept in kept {
                    let key = (kept.line, transport, kept.unsure, kept.addresses);
                    let part = parts.entry(key).or_default();
                    part.0.push(base_at);
                    if transport == Transport::Cleartext {
                        part.1.extend(&kept.instead);
                    }
                }
            }
        }
        for ((line, transport, unsure, addresses), (bases, instead)) in parts {
            let key = Key { line, transport, unsure, facts: role.facts, bases, addresses };
            let rest = rows.entry(key).or_default();
            rest.roles.push(at);
            rest.instead.extend(instead);
        }
        if rows.len() > ROWS_MAX {
            return Err(Fault::TooMuch(format!(
                "what pg_hba.conf decides has more than {ROWS_MAX} rows"
            )));
        }
    }
    said(&file, &classes, &walk.sets, &rows, schema)
}

fn said(
    file: &File,
    classes: &Classes<'_>,
    sets: &[Addresses],
    rows: &BTreeMap<Key, Rest>,
    schema: &Schema,
) -> Result<Vec<Vec<Json>>, Fault> {
    let mut budget = WORDS_MAX;
    let mut prefixes: HashMap<usize, Json> = HashMap::new();
    let bases: Vec<Vec<Json>> = classes
        .bases
        .iter()
        .map(|class| class.bases.iter().map(|base| Json::String(base_text(*base).into())).collect())
        .collect();
    let roles: Vec<Vec<Json>> = classes
        .roles
        .iter()
        .map(|class| class.names.iter().map(|name| Json::String(name_text(*name).into())).collect())
        .collect();
    let mut all = Vec::with_capacity(rows.len());
    for (key, rest) in rows {
        let line = &file.lines[key.line];
        let set = &sets[key.addresses];
        let is_local = key.transport == Transport::Local;
        let base_names: Vec<Json> = key.bases.iter().flat_map(|at| bases[*at].clone()).collect();
        let role_names: Vec<Json> = rest.roles.iter().flat_map(|at| roles[*at].clone()).collect();
        let addresses = match prefixes.get(&key.addresses) {
            _ if is_local => list([""; 0]),
            Some(known) => known.clone(),
            None => {
                let texts = set.prefixes(budget).ok_or_else(too_much)?;
                budget -= texts.len();
                prefixes.entry(key.addresses).or_insert(list(texts)).clone()
            }
        };
        budget = budget.checked_sub(base_names.len() + role_names.len()).ok_or_else(too_much)?;
        let base = key.bases.iter().flat_map(|at| &classes.bases[*at].bases);
        let base = base.min_by_key(|base| worth(file, **base)).copied();
        let base = base.map(base_text).unwrap_or_default();
        let instead = rest.instead.iter().map(|at| &file.lines[*at].item);
        let facts = key.facts.unwrap_or(RoleFacts { superuser: false, login: false });
        let example = set.example().filter(|_| !is_local).map(|a| a.to_string());
        let role = role_names.first().cloned().unwrap_or(Json::Null);
        let mut cells = named(line);
        cells.extend([
            ("transport", text(key.transport.word())),
            ("outcome", text(if line.rejects() { "reject" } else { "allow" })),
            ("method", text(&line.method)),
            ("databases", Json::Array(base_names)),
            ("roles", Json::Array(role_names)),
            ("superuser", Json::Bool(facts.superuser)),
            ("login", Json::Bool(facts.login)),
            ("other", Json::Bool(key.facts.is_none())),
            ("addresses", addresses),
            ("warning", text(&line.warning)),
            ("remote", Json::Bool(!is_local && set.is_remote())),
            ("unsure", Json::Bool(key.unsure)),
            ("instead_of", list(instead)),
            ("example_role", role),
            ("example_database", text(&base)),
            ("example_address", text(&example.unwrap_or_default())),
        ]);
        all.push(row(schema, &cells));
    }
    Ok(all)
}

fn too_much() -> Fault {
    Fault::TooMuch(format!("what pg_hba.conf decides has more than {WORDS_MAX} names and prefixes"))
}

fn text(text: &str) -> Json {
    Json::String(text.into())
}

fn named(line: &Line) -> Vec<(&'static str, Json)> {
    vec![
        ("rule", Json::Long(line.rule)),
        ("line", Json::Long(line.line)),
        ("file", text(&line.file)),
        ("item", text(&line.item)),
    ]
}

fn name_text(name: Name<'_>) -> String {
    match name {
        Name::Known(name) => name.to_owned(),
        Name::Like(pattern) => format!("(another name like /{pattern})"),
        Name::Other => OTHER.to_owned(),
    }
}

fn base_text(base: Base<'_>) -> String {
    match base {
        Base::Named(name) => name_text(name),
        Base::Physical => "(replication)".to_owned(),
        Base::OwnName => "(the role's own name)".to_owned(),
        Base::GroupName => "(the name of a group of the role)".to_owned(),
    }
}

/// Databases that can be entered are better examples than others.
fn worth(file: &File, base: Base<'_>) -> u8 {
    match base {
        Base::Named(Name::Known(name)) => match file.names.databases.get(name) {
            Some(true) => 0,
            Some(false) => 2,
            None => 3,
        },
        Base::Physical => 1,
        _ => 4,
    }
}

/// Lines that decide nothing because those before them decide it all.
pub(in super::super) fn shadows(
    given: &Given<'_>,
    schema: &Schema,
) -> Result<Vec<Vec<Json>>, Fault> {
    let file = File::read(given)?;
    let classes = Classes::of(&file)?;
    let mut kinds: HashSet<Lines> = HashSet::new();
    for role in &classes.roles {
        kinds.extend(classes.bases.iter().filter_map(|base| classes.lines(&file, role, base)));
    }
    let all = |lines: &Lines| Transport::ALL.map(|transport| decided(&file, lines, transport));
    let mut decides = vec![false; file.lines.len()];
    let mut matches = vec![false; file.lines.len()];
    for lines in &kinds {
        lines.iter().for_each(|(at, _)| matches[at] = true);
        all(lines).iter().flatten().for_each(|segment| decides[segment.line] = true);
    }
    let is_dead = |at: usize| matches[at] && !decides[at];
    let mut covered: BTreeMap<usize, BTreeSet<usize>> = BTreeMap::new();
    for lines in kinds.iter().filter(|lines| lines.iter().any(|(at, _)| is_dead(at))) {
        let segments = all(lines);
        for (at, _) in lines.iter().filter(|(at, _)| is_dead(*at)) {
            let line = &file.lines[at];
            let by = covered.entry(at).or_default();
            for (segments, _) in
                segments.iter().zip(Transport::ALL).filter(|(_, t)| line.kind.takes(*t))
            {
                let earlier = segments.iter().filter(|segment| {
                    segment.line < at && segment.addresses.meets(&line.addresses)
                });
                by.extend(earlier.map(|segment| segment.line));
            }
        }
    }
    let rows = covered.iter().map(|(at, by)| {
        let by: Vec<&Line> = by.iter().map(|at| &file.lines[*at]).collect();
        let mut cells = named(&file.lines[*at]);
        cells.push(("covered_by", list(by.iter().map(|line| &line.item))));
        let lines = by.iter().map(|line| Json::Long(line.line)).collect();
        cells.push(("covered_by_lines", Json::Array(lines)));
        row(schema, &cells)
    });
    Ok(rows.collect())
}
