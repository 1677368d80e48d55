//! Before a fix: what it would do, tried as far as that leaves no trace.

use base::{ExitCode, Fault};
use serde::Serialize;

use super::files;
use super::hold::{Hold, statements};
use super::plan::{self, Change, Edit};
use super::radius::{self, Login, Radius};
use super::state::Touched;
use super::{Fixer, doors, hba, settings};
use crate::assess::now_ticks;
use crate::bundle::Bundle;
use crate::check::{Check, FixClass};
use crate::collect::{Request, collect};
use crate::error::Result;
use crate::judge::{Judgement, Verdict, judge};

/// What a fix would do, tried as far as that leaves no trace.
#[derive(Debug, Clone, Serialize)]
pub struct Plan {
    /// The check
    pub id: String,
    /// What will hold
    pub title: String,
    /// How it takes effect
    pub class: FixClass,
    /// What the check says now
    pub verdict: Verdict,
    /// Why
    pub reason: String,
    /// What fails now
    pub findings: Vec<String>,
    /// What would be done; nothing where the check does not fail
    pub changes: Vec<Change>,
    /// What statements would touch
    pub touched: Vec<Touched>,
    /// Who could not sign in any more
    pub radius: Radius,
    /// Whether a start of the server is needed
    pub restart: bool,
    /// Things to know
    pub notes: Vec<String>,
}

impl Plan {
    /// Whether there is anything to do.
    pub fn is_needed(&self) -> bool {
        !self.changes.is_empty()
    }

    /// Who would be refused.
    pub fn refused(&self) -> impl Iterator<Item = &Login> {
        self.radius.refused.iter().map(|(login, _)| login)
    }
}

impl Fixer<'_> {
    /// Plans the fix of a check, and tries it: statements in transactions that are rolled back,
    /// files as texts. Nothing is changed.
    ///
    /// # Errors
    /// The check cannot be judged, has no fix of its own, or its fix would not work.
    pub async fn plan(&self, id: &str) -> Result<Plan> {
        let check = self.library.check(id)?;
        if !check.fix.class.is_automatic() {
            let why = check.fix.why.clone().unwrap_or_default();
            return Err(Fault::new("not_automatic", format!("{id} is not mended by pgkeep"))
                .hint(why.trim())
                .exit(ExitCode::Usage)
                .into());
        }
        let (bundle, judgement) = self.judged(check).await?;
        let mut plan = Plan {
            id: id.to_owned(),
            title: check.title.clone(),
            class: check.fix.class,
            verdict: judgement.verdict,
            reason: judgement.reason.clone(),
            findings: found(&judgement),
            changes: Vec::new(),
            touched: Vec::new(),
            radius: Radius::default(),
            restart: false,
            notes: Vec::new(),
        };
        match judgement.verdict {
            Verdict::Pass | Verdict::NotApplicable => return Ok(plan),
            Verdict::Fail => {}
            Verdict::CannotTell | Verdict::Provider => {
                let cure = judgement.gaps.iter().find_map(|(_, gap)| gap.cure.clone());
                let fault = Fault::new("cannot_tell", format!("whether {id} fails cannot be told"))
                    .detail(judgement.reason.clone());
                return Err(cure.into_iter().fold(fault, Fault::hint).into());
            }
        }
        let now = now_ticks(self.clock);
        plan.changes = plan::changes(self.library, check, &bundle, self.profile, &judgement, now)?;
        if plan.changes.is_empty() {
            let why = check.fix.why.clone().unwrap_or_else(|| judgement.reason.clone());
            return Err(Fault::new("no_fix", format!("what {id} found is not mended by pgkeep"))
                .detail(judgement.reason)
                .hint(why.trim())
                .into());
        }
        (self.progress)("trying the fix");
        self.try_out(&mut plan).await?;
        Ok(plan)
    }

    /// Reads the evidence of a check and judges it.
    pub(super) async fn judged(&self, check: &Check) -> Result<(Bundle, Judgement)> {
        let checks = [check];
        let request = Request {
            checks: &checks,
            declared: self.declared,
            asked: self.asked,
            sources: self.sources,
            tables: &[],
        };
        let bundle =
            collect(self.target, self.library, &request, self.clock, self.progress).await?;
        let now = now_ticks(self.clock);
        let judgement = judge(self.library, check, &bundle, self.profile, now)?;
        Ok((bundle, judgement))
    }

    async fn try_out(&self, plan: &mut Plan) -> Result<()> {
        let connection = self.target.connect(None).await?;
        let no_way_back = |change: &&Change| matches!(change, Change::Statement { undo: None, .. });
        if let Some(change) = plan.changes.iter().find(no_way_back) {
            return Err(Fault::new("no_way_back", "a part of the fix could not be taken back")
                .detail(change.what())
                .hint("do it by hand, after a backup; `pgkeep baseline show` has the statement")
                .into());
        }
        for change in &mut plan.changes {
            if let Change::Setting { name, from, restart, .. } = change {
                let known = settings::known(&connection, name).await?;
                (*from, *restart) = (known.now, known.restart || *restart);
                plan.restart |= *restart;
            }
        }
        let own = database(&connection).await?;
        let statements = statements(&plan.changes, false);
        let mut logins = None;
        if !statements.is_empty() {
            let hold = Hold::open(self.target, &own, &statements).await?;
            hold.run(&own, &statements).await?;
            plan.touched = hold.touched().await?;
            hold.roll_back().await?;
        }
        let edits = edits(&plan.changes);
        let mut radius = Radius::default();
        if radius::may_refuse(&plan.touched, &plan.changes) {
            let known = self.logins(&connection, &mut radius).await?;
            let logins = &logins.insert(known).0;
            radius.join(radius::by_settings(logins, &plan.changes));
            if !statements.is_empty() {
                let hold = Hold::open(self.target, &own, &statements).await?;
                let before = hold.may(logins).await?;
                hold.run(&own, &statements).await?;
                radius.refused.extend(radius::refused(logins, &before, &hold.may(logins).await?));
                hold.roll_back().await?;
            }
        }
        if let (Some((logins, bundle)), false) = (&logins, edits.is_empty()) {
            radius.join(doors::by_lines(&connection, bundle, &edits, logins).await?);
        }
        plan.radius = radius;
        self.look_at_files(&connection, plan).await
    }

    /// Who signs in: sessions that are open now, and the log as far as it can be read. Beside it
    /// the tables that decide who is let in.
    async fn logins(
        &self,
        connection: &pg::Connection,
        radius: &mut Radius,
    ) -> Result<(Vec<Login>, Bundle)> {
        let tables = [&doors::TABLES[..], &radius::TABLES[..]].concat();
        let request = Request {
            checks: &[],
            declared: self.declared,
            asked: &[],
            sources: self.sources,
            tables: &tables,
        };
        let bundle =
            collect(self.target, self.library, &request, self.clock, self.progress).await?;
        let mut logins = radius::sessions(connection).await?;
        radius.window = radius::of_log(&bundle, &mut logins);
        radius.seen = logins.len();
        Ok((logins, bundle))
    }

    /// Says what becomes of texts, without writing any.
    async fn look_at_files(&self, connection: &pg::Connection, plan: &mut Plan) -> Result<()> {
        for (path, text) in self.hba_texts(connection, &plan.changes).await? {
            let diff = pg::diff(&String::from_utf8_lossy(&text.0), &text.1);
            plan.notes.extend(diff.into_iter().map(|line| format!("{path}: {line}")));
        }
        for change in &mut plan.changes {
            if let Change::File { path, text: Some(text), diff, .. } = change {
                let old = files::look(&self.host(path)?)?.map(|(_, bytes)| bytes);
                let old = String::from_utf8_lossy(&old.unwrap_or_default()).into_owned();
                *diff = pg::diff(&old, text);
            }
        }
        Ok(())
    }

    /// Where a file of the host is.
    pub(super) fn host(&self, path: &str) -> Result<std::path::PathBuf> {
        let host = self.sources.host.ok_or_else(|| {
            Fault::new("no_host", "the fix changes a file of the host, which is not named")
                .detail(path)
                .hint("run it on the server's host, as root or as its account, with --pgdata")
                .exit(ExitCode::Usage)
        })?;
        Ok(host.path(path))
    }

    /// The files of `pg_hba.conf` that would be changed: each with its bytes and its new text.
    pub(super) async fn hba_texts(
        &self,
        connection: &pg::Connection,
        changes: &[Change],
    ) -> Result<Vec<(String, (Vec<u8>, String))>> {
        let edits = edits(changes);
        let mut all = Vec::new();
        let mut names: Vec<&str> = edits.iter().map(|edit| edit.file.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        for name in names {
            let path = if name == "pg_hba.conf" {
                let sql = "select current_setting('hba_file')";
                connection.query_one("ask where pg_hba.conf is", sql, &[]).await?.get(0)
            } else {
                name.to_owned()
            };
            let found = files::look(&self.host(&path)?)?;
            let (_, bytes) = found.ok_or_else(|| Fault::new("no_file", format!("no {path}")))?;
            let text = std::str::from_utf8(&bytes)
                .map_err(|_| Fault::new("odd_file", format!("{path} is no UTF-8")))?;
            let here: Vec<&Edit> = edits.iter().filter(|edit| edit.file == name).copied().collect();
            let new = hba::edited(text, &here)?;
            all.push((path, (bytes, new)));
        }
        Ok(all)
    }
}

/// The lines of `pg_hba.conf` among changes.
fn edits(changes: &[Change]) -> Vec<&Edit> {
    let mut all = Vec::new();
    for change in changes {
        if let Change::Hba(edit) = change {
            all.push(edit);
        }
    }
    all
}

/// What a judgement found, by names.
pub(super) fn found(judgement: &Judgement) -> Vec<String> {
    let database = judgement.failed.position(crate::evidence::DATABASE);
    let items = judgement.items().into_iter().zip(&judgement.failed.rows);
    let name = |(item, row): (String, &kql::engine::Row)| match database
        .map(|at| row[at].to_text().to_string())
        .filter(|d| !d.is_empty())
    {
        Some(database) => format!("{item} in {database}"),
        None => item,
    };
    let mut names: Vec<String> = items.map(name).collect();
    names.sort();
    names
}

pub(super) async fn database(connection: &pg::Connection) -> Result<String> {
    let sql = "select current_database()::text";
    Ok(connection.query_one("ask for the database", sql, &[]).await?.get(0))
}
