//! The way there: plan, try, make, prove.

use base::{ExitCode, Fault};
use serde::Serialize;

use super::files::{self, FileRecord, Wanted};
use super::hold::{Hold, statements};
use super::plan::{self, Change, Edit};
use super::radius::{self, Login, Radius};
use super::record::{FORMAT, FixRecord, FixState, Proof};
use super::state::Touched;
use super::{Fixer, doors, hba, settings};
use crate::assess::now_ticks;
use crate::bundle::Bundle;
use crate::check::{Check, FixClass};
use crate::collect::{Request, collect};
use crate::error::{Error, Result};
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
        let logins = radius::logins(&connection).await?;
        let mut radius = radius::by_settings(&logins, &plan.changes);
        radius.window = "sessions that are open now".to_owned();
        radius.seen = logins.len();
        let own = database(&connection).await?;
        let statements = statements(&plan.changes, false);
        if !statements.is_empty() {
            let hold = Hold::open(self.target, &own, &statements).await?;
            let before = hold.may(&logins).await?;
            hold.run(&own, &statements).await?;
            plan.touched = hold.touched().await?;
            radius.refused.extend(radius::refused(&logins, &before, &hold.may(&logins).await?));
            hold.roll_back().await?;
        }
        let edits = edits(&plan.changes);
        if !edits.is_empty() {
            let request = Request {
                checks: &[],
                declared: self.declared,
                asked: &[],
                sources: self.sources,
                tables: &doors::TABLES,
            };
            let bundle =
                collect(self.target, self.library, &request, self.clock, self.progress).await?;
            let by_lines = doors::by_lines(&connection, &bundle, &edits, &logins).await?;
            radius.refused.extend(by_lines.refused);
            radius.unsure.extend(by_lines.unsure);
        }
        plan.radius = radius;
        self.look_at_files(&connection, plan).await
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
    async fn hba_texts(
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

    /// Makes a fix that was planned, and proves it. What does not work is taken back.
    ///
    /// # Errors
    /// It could not be made, or did not help; then nothing of it is left, or the record says so.
    pub async fn apply(&self, plan: &Plan, made_by: &str) -> Result<FixRecord> {
        let connection = self.target.connect(None).await?;
        let own = database(&connection).await?;
        let at = self.clock.now();
        let stamp =
            at.to_string().chars().filter(char::is_ascii_digit).take(17).collect::<String>();
        let mut record = FixRecord {
            format: FORMAT,
            fix_id: format!("{}-{stamp}", plan.id),
            id: plan.id.clone(),
            title: plan.title.clone(),
            server: self.target.label(),
            made_by: made_by.to_owned(),
            state: FixState::Applying,
            applied_at: at.to_string(),
            undone_at: None,
            changes: plan.changes.clone(),
            touched: Vec::new(),
            conf: None,
            files: Vec::new(),
            findings: plan.findings.clone(),
            radius: plan.radius.clone(),
            proof: None,
            undo_proof: None,
        };
        if plan.changes.iter().any(|change| matches!(change, Change::Setting { .. })) {
            let text = settings::auto_conf(&connection).await?;
            record.conf = settings::kept(&text, &plan.changes);
        }
        (self.progress)("making the changes");
        self.make_statements(&own, plan, &mut record).await?;
        let made = self.make_rest(&connection, plan, &mut record).await;
        let waiting = match made {
            Ok(waiting) => waiting,
            Err(error) => return Err(self.take_back(&connection, &mut record, error).await),
        };
        record.state = if waiting.is_empty() { FixState::Applied } else { FixState::NeedsRestart };
        self.keep.save(&record)?;
        (self.progress)("looking at it from outside");
        let proof = match self.proof(plan, &waiting).await {
            Ok(proof) => proof,
            Err(error) => return Err(self.take_back(&connection, &mut record, error).await),
        };
        record.proof = Some(proof);
        self.keep.save(&record)?;
        Ok(record)
    }

    /// Statements, in transactions that last only once the record is kept.
    async fn make_statements(&self, own: &str, plan: &Plan, record: &mut FixRecord) -> Result<()> {
        let statements = statements(&plan.changes, false);
        if statements.is_empty() {
            self.keep.save(record)?;
            return Ok(());
        }
        let hold = Hold::open(self.target, own, &statements).await?;
        hold.run(own, &statements).await?;
        record.touched = hold.touched().await?;
        self.keep.save(record)?;
        hold.commit().await
    }

    /// Files and settings; answers the settings that wait for a start.
    async fn make_rest(
        &self,
        connection: &pg::Connection,
        plan: &Plan,
        record: &mut FixRecord,
    ) -> Result<Vec<String>> {
        let hba = self.hba_texts(connection, &plan.changes).await?;
        let errors = if hba.is_empty() { 0 } else { hba_errors(connection).await?.len() };
        for (path, (_, text)) in &hba {
            let wanted = Wanted { text: Some(text), ..Wanted::default() };
            self.make_file(path, &wanted, record)?;
        }
        if !hba.is_empty() {
            // PostgreSQL reads the file as it is on disk: before anything is taken up.
            let found = hba_errors(connection).await?;
            if found.len() > errors {
                return Err(Fault::new("fix_failed", "PostgreSQL does not take the changed file")
                    .detail(found.join("; "))
                    .into());
            }
        }
        for change in &plan.changes {
            let Change::File { path, mode, owner, group, text, .. } = change else { continue };
            let mode = mode.as_ref().map(|mode| u32::from_str_radix(mode, 8));
            let wanted = Wanted {
                text: text.as_deref(),
                mode: mode.transpose().map_err(|_| Fault::new("internal", "a mode is no mode"))?,
                owner: owner.as_deref().map(|o| files::number("/etc/passwd", o)).transpose()?,
                group: group.as_deref().map(|g| files::number("/etc/group", g)).transpose()?,
            };
            self.make_file(path, &wanted, record)?;
        }
        let mut names: Vec<String> = Vec::new();
        if let Some(conf) = record.conf.clone() {
            settings::set(connection, &plan.changes, &conf).await?;
            let after = super::Kept::of(&settings::auto_conf(connection).await?);
            names.extend(conf.old.iter().map(|(name, _)| name.clone()));
            record.conf = Some(super::ConfRecord { after: Some(after), ..conf });
            self.keep.save(record)?;
        }
        let touches_server =
            !names.is_empty() || !hba.is_empty() || plan.class == FixClass::AutoReload;
        if !touches_server {
            return Ok(Vec::new());
        }
        settings::take_up(connection, &names).await
    }

    fn make_file(&self, path: &str, wanted: &Wanted<'_>, record: &mut FixRecord) -> Result<()> {
        let mut file: FileRecord = files::record(&self.host(path)?, wanted)?;
        record.files.push(file.clone());
        self.keep.save(record)?;
        let changed = files::change(&mut file, wanted);
        if let Some(last) = record.files.last_mut() {
            *last = file;
        }
        changed?;
        self.keep.save(record)?;
        Ok(())
    }

    /// Asks the check again, through new connections.
    async fn proof(&self, plan: &Plan, waiting: &[String]) -> Result<Proof> {
        let at = self.clock.now().to_string();
        if !waiting.is_empty() {
            self.target.connect(None).await?;
            let reason = format!("{} waits for a start of the server", waiting.join(", "));
            let seen = vec!["a new connection is let in".to_owned()];
            let (verdict, left, exact) = (None, Vec::new(), None);
            return Ok(Proof { at, verdict, reason, left, seen, exact });
        }
        let check = self.library.check(&plan.id)?;
        let (_, judgement) = self.judged(check).await?;
        let left = found(&judgement);
        let is_new = |item: &&String| !plan.findings.contains(item);
        let is_less = left.len() < plan.findings.len() && !left.iter().any(|item| is_new(&item));
        if judgement.verdict == Verdict::Fail && !is_less {
            let message = format!("{} still fails, so the fix was taken back", plan.id);
            return Err(Fault::new("not_proved", message)
                .detail(judgement.reason)
                .exit(ExitCode::Gate)
                .into());
        }
        let seen = vec!["a new connection is let in".to_owned()];
        let (verdict, reason) = (Some(judgement.verdict), judgement.reason);
        Ok(Proof { at, verdict, reason, left, seen, exact: None })
    }

    /// Proves a fix that waited for a start of the server.
    ///
    /// # Errors
    /// The server cannot be read.
    pub async fn prove(&self, record: &mut FixRecord) -> Result<()> {
        let check = self.library.check(&record.id)?;
        let (_, judgement) = self.judged(check).await?;
        let at = self.clock.now().to_string();
        let left = found(&judgement);
        let is_less = left.len() < record.findings.len();
        if record.state == FixState::NeedsRestart && (judgement.verdict != Verdict::Fail || is_less)
        {
            record.state = FixState::Applied;
        }
        let seen = vec!["a new connection is let in".to_owned()];
        let (verdict, reason) = (Some(judgement.verdict), judgement.reason);
        record.proof = Some(Proof { at, verdict, reason, left, seen, exact: None });
        Ok(self.keep.save(record)?)
    }

    /// Takes a fix back that does not work, through the connection that is still open.
    async fn take_back(
        &self,
        connection: &pg::Connection,
        record: &mut FixRecord,
        error: Error,
    ) -> Error {
        (self.progress)("taking the fix back");
        record.state = FixState::Failed;
        match self.bring_back(connection, record).await {
            Ok(_) => match self.keep.save(record) {
                Ok(()) => error,
                Err(fault) => fault.into(),
            },
            Err(undo) => {
                let (fault, undo) = (error.fault(), undo.fault());
                let detail = fault.detail.unwrap_or_default();
                let undo = format!("{} {}", undo.message, undo.detail.unwrap_or_default());
                Fault::new(&fault.code, fault.message)
                    .detail(format!("{detail}; and it could not be taken back: {undo}"))
                    .hint(format!("`pgkeep baseline undo {}` tries that again", record.fix_id))
                    .exit(fault.exit)
                    .into()
            }
        }
    }
}

/// The lines of `pg_hba.conf` among changes.
fn edits(changes: &[Change]) -> Vec<&Edit> {
    let edit = |change| match change {
        &Change::Hba(ref edit) => Some(edit),
        _ => None,
    };
    changes.iter().filter_map(edit).collect()
}

/// What a judgement found, by names.
fn found(judgement: &Judgement) -> Vec<String> {
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

/// Lines of `pg_hba.conf` on disk that PostgreSQL cannot read.
async fn hba_errors(connection: &pg::Connection) -> Result<Vec<String>> {
    let sql = "select 'line ' || line_number || ': ' || error from pg_hba_file_rules \
               where error is not null and type is null order by 1";
    let rows = connection.query("ask what PostgreSQL says of pg_hba.conf", sql, &[]).await?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

/// The logins of a plan, for those who ask.
impl Plan {
    /// Who would be refused.
    pub fn refused(&self) -> impl Iterator<Item = &Login> {
        self.radius.refused.iter().map(|(login, _)| login)
    }
}
