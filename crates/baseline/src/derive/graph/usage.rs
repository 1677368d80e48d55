//! Who can call a function: EXECUTE alone is not enough, its schema must be entered too.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::super::Given;

/// The grantee that everybody is.
const PUBLIC: &str = "PUBLIC";

/// Who may enter which schema, and whose rights roles have.
pub(super) struct Usage<'a> {
    /// By database and schema; those of PostgreSQL itself are not in it
    holders: HashMap<(&'a str, &'a str), BTreeSet<&'a str>>,
    /// By role that is no superuser: itself and all that it inherits from
    rights: BTreeMap<&'a str, BTreeSet<&'a str>>,
}

impl<'a> Usage<'a> {
    pub(super) fn read(given: &'a Given<'_>) -> Self {
        let mut holders: HashMap<_, BTreeSet<&str>> = HashMap::new();
        for row in given.rows("Schemas") {
            let schema = (row.text("database"), row.text("name"));
            holders.entry(schema).or_default().insert(row.text("owner"));
        }
        for row in given.rows("SchemaGrants").filter(|row| row.text("privilege") == "USAGE") {
            let schema = (row.text("database"), row.text("schema"));
            holders.entry(schema).or_default().insert(row.text("grantee"));
        }
        let mut from: HashMap<&str, Vec<&str>> = HashMap::new();
        for row in given.rows("Memberships").filter(|row| row.is("inherits")) {
            from.entry(row.text("member")).or_default().push(row.text("role"));
        }
        let mut rights = BTreeMap::new();
        for row in given.rows("Roles").filter(|row| !row.is("superuser")) {
            let mut all = BTreeSet::new();
            let mut open = vec![row.text("name")];
            while let Some(role) = open.pop() {
                if all.insert(role) {
                    open.extend(from.get(role).into_iter().flatten());
                }
            }
            rights.insert(row.text("name"), all);
        }
        Self { holders, rights }
    }

    /// The grantees that can call what `executor` may execute in a schema: the least that others
    /// inherit it from.
    pub(super) fn callers(&self, database: &str, schema: &str, executor: &'a str) -> Vec<&'a str> {
        let Some(holders) = self.holders.get(&(database, schema)) else { return vec![executor] };
        if holders.contains(PUBLIC) {
            return vec![executor];
        }
        if executor == PUBLIC {
            return holders.iter().copied().collect();
        }
        let mut callers: Vec<&str> = Vec::new();
        let can_call = |role: &&str, rights: &BTreeSet<&str>| {
            (rights.contains(executor) || *role == executor) && !rights.is_disjoint(holders)
        };
        // Those with the fewest rights come first: who inherits from one of them needs no more.
        let mut all: Vec<_> =
            self.rights.iter().filter(|(role, all)| can_call(role, all)).collect();
        all.sort_by_key(|(role, all)| (all.len(), **role));
        for (role, rights) in all {
            if !callers.iter().any(|caller| rights.contains(caller)) {
                callers.push(role);
            }
        }
        callers
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_rights_are_needed_by_whatever_way() {
        let set = |all: &[&'static str]| all.iter().copied().collect::<BTreeSet<_>>();
        let mut holders = HashMap::new();
        holders.insert(("d", "open"), set(&["postgres", PUBLIC]));
        holders.insert(("d", "closed"), set(&["postgres"]));
        holders.insert(("d", "some"), set(&["postgres", "enters"]));
        let rights = BTreeMap::from([
            ("calls", set(&["calls"])),
            ("enters", set(&["enters"])),
            ("both", set(&["both", "calls", "enters"])),
            ("under", set(&["under", "both", "calls", "enters"])),
        ]);
        let usage = Usage { holders, rights };
        assert_eq!(usage.callers("d", "pg_catalog", "calls"), ["calls"]);
        assert_eq!(usage.callers("d", "open", "calls"), ["calls"]);
        assert!(usage.callers("d", "closed", "calls").is_empty());
        assert_eq!(usage.callers("d", "some", "calls"), ["both"]);
        assert_eq!(usage.callers("d", "some", "enters"), ["enters"]);
        assert_eq!(usage.callers("d", "some", PUBLIC), ["enters", "postgres"]);
    }
}
