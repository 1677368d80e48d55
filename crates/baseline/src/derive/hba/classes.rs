//! Roles and databases in classes: those that no line tells apart are one.
//!
//! Names that do not exist count too, so that what a line decides is complete: each name that a
//! line says, one for each pattern, and one for all others. A database that is called as the role
//! (`sameuser`) or as a group of it (`samerole`) and does not exist is one of the role's own.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::words::{Match, Meanings, RoleFacts, Word, fits};
use super::{Fault, File};

/// Pairs of classes that are looked at.
const PAIRS_MAX: usize = 4_000_000;

/// Which lines match.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub(super) struct Lines {
    yes: Vec<u64>,
    maybe: Vec<u64>,
}

/// A name of a role or a database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Name<'a> {
    Known(&'a str),
    /// One that fits a pattern and no known name
    Like(&'a str),
    Other,
}

/// What is connected to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Base<'a> {
    Named(Name<'a>),
    /// No database: physical replication
    Physical,
    /// One called as the role, which does not exist
    OwnName,
    /// One called as a group of the role, which does not exist
    GroupName,
}

/// Roles that are alike.
#[derive(Debug)]
pub(super) struct RoleClass<'a> {
    pub(super) names: Vec<Name<'a>>,
    /// None where they do not exist
    pub(super) facts: Option<RoleFacts>,
    lines: Lines,
}

/// Databases that are alike.
#[derive(Debug)]
pub(super) struct BaseClass<'a> {
    pub(super) bases: Vec<Base<'a>>,
    lines: Lines,
}

/// All classes.
pub(super) struct Classes<'a> {
    pub(super) roles: Vec<RoleClass<'a>>,
    pub(super) bases: Vec<BaseClass<'a>>,
    same_user: Lines,
    same_role: Lines,
    is_relative: bool,
    /// Databases that exist or that a line names
    known: BTreeSet<Name<'a>>,
}

impl Lines {
    fn of(file: &File, matches: impl Fn(usize) -> Match) -> Self {
        let words = file.lines.len().div_ceil(64);
        let mut lines = Self { yes: vec![0; words], maybe: vec![0; words] };
        for at in 0..file.lines.len() {
            match matches(at) {
                Match::Yes => lines.yes[at / 64] |= 1 << (at % 64),
                Match::Maybe => lines.maybe[at / 64] |= 1 << (at % 64),
                Match::No => {}
            }
        }
        lines
    }

    fn add(&mut self, other: &Self) {
        self.yes.iter_mut().zip(&other.yes).for_each(|(a, b)| *a |= b);
        self.maybe.iter_mut().zip(&other.maybe).for_each(|(a, b)| *a |= b);
    }

    /// Lines that match both a role and a database.
    fn and(&self, other: &Self) -> Self {
        let mut both = self.clone();
        for (at, yes) in both.yes.iter_mut().enumerate() {
            let any = (*yes | self.maybe[at]) & (other.yes[at] | other.maybe[at]);
            *yes &= other.yes[at];
            both.maybe[at] = any & !*yes;
        }
        both
    }

    fn is_empty(&self) -> bool {
        self.yes.iter().chain(&self.maybe).all(|word| *word == 0)
    }

    /// Lines in their order, and whether they match for sure.
    pub(super) fn iter(&self) -> impl Iterator<Item = (usize, bool)> {
        self.yes.iter().zip(&self.maybe).enumerate().flat_map(|(word, (yes, maybe))| {
            let next = |left: &u64| (*left != 0).then(|| left & (left - 1));
            let bits =
                std::iter::successors(Some(yes | maybe).filter(|all| *all != 0), move |all| {
                    next(all).filter(|left| *left != 0)
                });
            bits.map(move |left| {
                let bit = left.trailing_zeros();
                (word * 64 + bit as usize, yes >> bit & 1 == 1)
            })
        })
    }
}

fn best(words: &[Meanings], by: impl Fn(&Word) -> Match) -> Match {
    words.iter().map(|word| word.matches(&by)).max().unwrap_or(Match::No)
}

/// How a name and one that a word says go together.
fn named(word: &Word, name: Name<'_>) -> Match {
    match (word, name) {
        (Word::All, _) => Match::Yes,
        (Word::Name(said), Name::Known(name)) => (said == name).into(),
        (Word::Pattern(_, pattern), Name::Known(name)) => fits(pattern.as_ref(), name),
        (Word::Pattern(said, _), Name::Like(pattern)) if said == pattern => Match::Yes,
        (Word::Pattern(..), Name::Like(_)) => Match::Maybe,
        _ => Match::No,
    }
}

/// The lines that match a role.
pub(super) fn role_lines(file: &File, name: Name<'_>) -> Lines {
    let by = |word: &Word| match (word, name) {
        (Word::Group(group), Name::Known(name)) => file.names.is_member(name, group).into(),
        _ => named(word, name),
    };
    Lines::of(file, |at| best(&file.lines[at].roles, by))
}

/// The lines that match a database whatever the role.
pub(super) fn base_lines(file: &File, base: Base<'_>) -> Lines {
    let by = |word: &Word| match (base, word) {
        (Base::Physical, Word::Replication) => Match::Yes,
        (Base::Named(name), word) => named(word, name),
        (Base::OwnName | Base::GroupName, Word::All) => Match::Yes,
        // Its name is one of many.
        (Base::OwnName | Base::GroupName, Word::Pattern(..)) => Match::Maybe,
        _ => Match::No,
    };
    Lines::of(file, |at| best(&file.lines[at].databases, by))
}

fn relative(file: &File, is_it: impl Fn(&Word) -> bool) -> Lines {
    Lines::of(file, |at| best(&file.lines[at].databases, |word| is_it(word).into()))
}

/// The lines for databases that are called as the role.
pub(super) fn same_user(file: &File) -> Lines {
    relative(file, |word| matches!(word, Word::SameUser))
}

/// The lines for databases that are called as a group of the role.
pub(super) fn same_role(file: &File) -> Lines {
    relative(file, |word| matches!(word, Word::SameRole))
}

/// The lines that match a role and a database.
pub(super) fn pair(role: &Lines, base: &Lines, relative: &[&Lines]) -> Lines {
    if relative.is_empty() {
        return role.and(base);
    }
    let mut base = base.clone();
    relative.iter().for_each(|lines| base.add(lines));
    role.and(&base)
}

/// The names and patterns that lines say.
fn said<'a>(all: impl Iterator<Item = &'a Meanings>) -> BTreeSet<Name<'a>> {
    let name = |word: &'a Word| match word {
        Word::Name(name) => Some(Name::Known(name.as_str())),
        Word::Pattern(pattern, _) => Some(Name::Like(pattern.as_str())),
        _ => None,
    };
    all.flat_map(|meanings| &meanings.0).filter_map(name).collect()
}

impl<'a> Classes<'a> {
    pub(super) fn of(file: &'a File) -> Result<Self, Fault> {
        let (same_user, same_role) = (same_user(file), same_role(file));
        let is_relative = !(same_user.is_empty() && same_role.is_empty());
        let known = file.names.databases.keys();
        let mut names: BTreeSet<Name<'a>> = known.map(|name| Name::Known(name)).collect();
        names.extend(said(file.lines.iter().flat_map(|line| &line.databases)));
        let has = |name: &'a str| names.contains(&Name::Known(name));

        let known = file.names.roles.keys();
        let mut role_names: BTreeSet<Name<'a>> = known.map(|name| Name::Known(name)).collect();
        role_names.extend(said(file.lines.iter().flat_map(|line| &line.roles)));
        role_names.insert(Name::Other);

        // What tells roles apart: their lines, what they are, and databases of related names.
        let mut roles: HashMap<_, RoleClass<'a>> = HashMap::new();
        for name in role_names.iter().copied() {
            let facts = match name {
                Name::Known(name) => file.names.roles.get(name).copied(),
                _ => None,
            };
            let mut related = BTreeSet::new();
            if is_relative && let Name::Known(name) = name {
                related.extend([name].into_iter().filter(|name| has(name)));
                let groups = file.names.groups.get(name).into_iter().flatten();
                related.extend(groups.map(|group| if has(group) { group.as_str() } else { "" }));
            }
            let lines = role_lines(file, name);
            let own = is_relative && matches!(name, Name::Known(name) if has(name));
            let key = (lines.clone(), facts, related, own);
            let new = || RoleClass { names: Vec::new(), facts, lines };
            roles.entry(key).or_insert_with(new).names.push(name);
        }
        let mut bases: Vec<Base<'a>> = names.iter().copied().map(Base::Named).collect();
        bases.extend([Base::Named(Name::Other), Base::Physical]);
        if is_relative {
            bases.extend([Base::OwnName, Base::GroupName]);
        }
        let mut merged: BTreeMap<_, BaseClass<'a>> = BTreeMap::new();
        for base in bases {
            let lines = base_lines(file, base);
            let own = match base {
                Base::Named(Name::Known(name)) => role_names.contains(&Name::Known(name)),
                Base::OwnName | Base::GroupName => true,
                _ => false,
            };
            let key =
                (lines.yes.clone(), lines.maybe.clone(), (is_relative && own).then_some(base));
            let new = || BaseClass { bases: Vec::new(), lines };
            merged.entry(key).or_insert_with(new).bases.push(base);
        }
        let mut roles: Vec<_> = roles.into_values().collect();
        roles.sort_by(|a, b| a.names.cmp(&b.names));
        let mut bases: Vec<_> = merged.into_values().collect();
        bases.sort_by(|a, b| a.bases.cmp(&b.bases));
        if roles.len().saturating_mul(bases.len()) > PAIRS_MAX {
            let (n, m) = (roles.len(), bases.len());
            return Err(Fault::TooMuch(format!("{n} kinds of roles times {m} of databases")));
        }
        Ok(Self { roles, bases, same_user, same_role, is_relative, known: names })
    }

    /// The lines that match a class of roles and one of databases; none where there is no such
    /// connection.
    pub(super) fn lines(
        &self,
        file: &File,
        role: &RoleClass<'_>,
        base: &BaseClass<'_>,
    ) -> Option<Lines> {
        let exists = role.facts.is_some();
        let (is_user, is_group) = match (self.is_relative, base.bases[0], role.names[0]) {
            (true, Base::Named(Name::Known(base)), Name::Known(role)) => {
                (base == role, file.names.is_member(role, base))
            }
            (_, Base::OwnName, Name::Known(role)) if self.has(role) => return None,
            (_, Base::OwnName, _) => (true, exists),
            (_, Base::GroupName, Name::Known(role)) => {
                let mut groups = file.names.groups.get(role).into_iter().flatten();
                if !groups.any(|group| !self.has(group)) {
                    return None;
                }
                (false, true)
            }
            (_, Base::GroupName, _) => return None,
            _ => (false, false),
        };
        let relative = [(is_user, &self.same_user), (is_group, &self.same_role)];
        let relative: Vec<&Lines> =
            relative.into_iter().filter(|(is, _)| *is).map(|(_, lines)| lines).collect();
        Some(pair(&role.lines, &base.lines, &relative))
    }

    /// Whether a database of this name is among the classes.
    fn has(&self, name: &str) -> bool {
        self.known.contains(&Name::Known(name))
    }
}
