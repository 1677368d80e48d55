//! Transactions of a fix, one a database, open together until all of it has worked.

use std::collections::BTreeSet;

use base::{ExitCode, Fault};
use pg::Connection;

use super::plan::Change;
use super::radius::{self, Login};
use super::state::{self, Look, State, Thing, Touched};
use crate::collect::Connect;
use crate::error::Result;

/// Open transactions.
pub(super) struct Hold {
    open: Vec<Open>,
}

struct Open {
    database: String,
    connection: Connection,
    before: State,
}

impl Hold {
    /// Opens a transaction in each database, and reads what may be touched.
    pub(super) async fn open(
        target: &dyn Connect,
        own: &str,
        statements: &[(Option<&str>, &str)],
    ) -> Result<Self> {
        let names: BTreeSet<&str> =
            statements.iter().map(|(database, _)| database.unwrap_or(own)).collect();
        let mut open = Vec::new();
        for name in names {
            let connection = target.connect(Some(name)).await?;
            let begin = "begin; set local search_path to pg_catalog; set local lock_timeout to \
                         '5s'; set local statement_timeout to '60s'";
            connection.batch("begin a fix", begin).await?;
            let before = state::read(&connection, name).await?;
            open.push(Open { database: name.to_owned(), connection, before });
        }
        Ok(Self { open })
    }

    fn of(&self, database: &str) -> Option<&Open> {
        self.open.iter().find(|open| open.database == database)
    }

    /// Runs statements in their order.
    pub(super) async fn run(&self, own: &str, statements: &[(Option<&str>, &str)]) -> Result<()> {
        for (database, sql) in statements {
            let Some(open) = self.of(database.unwrap_or(own)) else { continue };
            let done = open.connection.batch("make a change", sql).await;
            done.map_err(|error| {
                let fault = error.fault();
                Fault::new("fix_failed", "a statement of the fix fails, so nothing was changed")
                    .detail(format!("{sql}: {}", fault.detail.unwrap_or(fault.message)))
                    .exit(ExitCode::Error)
            })?;
        }
        Ok(())
    }

    /// What was touched up to now.
    pub(super) async fn touched(&self) -> Result<Vec<Touched>> {
        let mut all: Vec<Touched> = Vec::new();
        for (open, now) in self.open.iter().zip(self.now().await?) {
            for one in state::touched(&open.before, &now) {
                if !all.contains(&one) {
                    all.push(one);
                }
            }
        }
        Ok(all)
    }

    /// What became of what an earlier fix touched: where it is not as that fix left it.
    /// Neither is it newer to be as it was before: then that part was never made, or taken back.
    pub(super) fn changed_since(&self, touched: &[Touched]) -> Vec<String> {
        let is_newer = |one: &&Touched| {
            let is_known = |look| look == one.after.as_ref() || look == one.before.as_ref();
            !self.looks(one).all(is_known)
        };
        let name = |one: &Touched| format!("{} {}", one.thing.kind, one.thing.name);
        touched.iter().filter(is_newer).map(name).collect()
    }

    /// Whether all that was touched is as it was before, so that there is nothing to take back.
    pub(super) fn is_back(&self, touched: &[Touched]) -> bool {
        touched.iter().all(|one| self.looks(one).all(|look| look == one.before.as_ref()))
    }

    /// What a thing was like when the transactions began, in each that knows of it.
    fn looks<'a>(&'a self, one: &'a Touched) -> impl Iterator<Item = Option<&'a Look>> {
        let knows = |open: &&Open| {
            one.thing.database.as_ref().is_none_or(|database| *database == open.database)
        };
        let known = self.open.iter().filter(knows);
        known.map(|open| open.before.get(&one.thing).map(|row| &row.look))
    }

    /// What is there now, transaction by transaction.
    async fn now(&self) -> Result<Vec<State>> {
        let mut all = Vec::new();
        for open in &self.open {
            all.push(state::read(&open.connection, &open.database).await?);
        }
        Ok(all)
    }

    /// The transaction that knows of a thing: that of its database; of what belongs to the whole
    /// cluster, the one that changed it, since the others do not see that.
    fn place(&self, thing: &Thing, now: &[State]) -> usize {
        let knows = |(open, now): (&Open, &State)| match &thing.database {
            Some(database) => *database == open.database,
            None => {
                open.before.get(thing).map(|row| &row.look) != now.get(thing).map(|row| &row.look)
            }
        };
        self.open.iter().zip(now).position(knows).unwrap_or(0)
    }

    /// Puts access lists into the order that they had.
    pub(super) async fn put_back_lists(&self, touched: &[Touched]) -> Result<()> {
        let now = self.now().await?;
        for (at, open) in self.open.iter().enumerate() {
            let here = touched.iter().filter(|one| self.place(&one.thing, &now) == at);
            let here: Vec<Touched> = here.cloned().collect();
            state::put_back_lists(&open.connection, &now[at], &here).await?;
        }
        Ok(())
    }

    /// What is not as it was before a fix.
    pub(super) async fn left(&self, touched: &[Touched]) -> Result<Vec<String>> {
        let now = self.now().await?;
        let differs = |one: &&Touched| {
            let state = now.get(self.place(&one.thing, &now));
            let look = state.and_then(|state| state.get(&one.thing)).map(|row| &row.look);
            look != one.before.as_ref()
        };
        let name = |one: &Touched| format!("{} {}", one.thing.kind, one.thing.name);
        Ok(touched.iter().filter(differs).map(name).collect())
    }

    /// Who may sign in, as these transactions see it.
    pub(super) async fn may(&self, logins: &[Login]) -> Result<BTreeSet<(String, String)>> {
        let mut all: Option<BTreeSet<(String, String)>> = None;
        for open in &self.open {
            let may = radius::may(&open.connection, logins).await?;
            all = Some(match all {
                None => may,
                Some(all) => all.intersection(&may).cloned().collect(),
            });
        }
        Ok(all.unwrap_or_default())
    }

    /// Ends all of it without a trace.
    pub(super) async fn roll_back(self) -> Result<()> {
        for open in self.open {
            open.connection.batch("roll a fix back", "rollback").await?;
        }
        Ok(())
    }

    /// Makes all of it last. Where the second or a later database fails, the error says which
    /// ones hold it.
    pub(super) async fn commit(self) -> Result<()> {
        let mut done: Vec<String> = Vec::new();
        for open in self.open {
            if let Err(error) = open.connection.batch("commit a fix", "commit").await {
                let fault = error.fault();
                let held = if done.is_empty() { "none".to_owned() } else { done.join(", ") };
                let detail = fault.detail.unwrap_or(fault.message);
                let message = format!("the fix could not be committed in {}", open.database);
                return Err(Fault::new("fix_failed", message)
                    .detail(format!("{detail}; databases that hold their part: {held}"))
                    .hint("take it back with `pgkeep baseline undo`")
                    .into());
            }
            done.push(open.database);
        }
        Ok(())
    }
}

/// The statements of changes, or those that take them back, last first.
pub(super) fn statements(changes: &[Change], back: bool) -> Vec<(Option<&str>, &str)> {
    let mut all: Vec<(Option<&str>, &str)> = Vec::new();
    for change in changes {
        let Change::Statement { database, sql, undo, .. } = change else { continue };
        match (back, undo) {
            (false, _) => all.push((database.as_deref(), sql)),
            (true, Some(undo)) => all.push((database.as_deref(), undo)),
            (true, None) => {}
        }
    }
    if back {
        all.reverse();
    }
    all
}
