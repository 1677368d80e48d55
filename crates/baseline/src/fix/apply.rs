//! The way there: a fix is made, and proved.

use base::{ExitCode, Fault};

use super::files::{self, FileRecord, Wanted};
use super::hold::{Hold, statements};
use super::plan::Change;
use super::record::{FORMAT, FixRecord, FixState, Proof};
use super::trial::{Plan, database, found};
use super::{Fixer, settings};
use crate::check::FixClass;
use crate::error::{Error, Result};
use crate::judge::Verdict;

impl Fixer<'_> {
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
            profile: self.profile,
            asked: self.asked.to_vec(),
            declared: self.declared.clone(),
            radius: plan.radius.clone(),
            confirm_by: None,
            confirmed_at: None,
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
            if let Err(error) = settings::set(connection, &plan.changes, &conf).await {
                // What was set is taken back already; then there is nothing left to bring back.
                let now = super::Kept::of(&settings::auto_conf(connection).await?);
                record.conf = record.conf.take().filter(|conf| conf.before != now);
                return Err(error);
            }
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
        let judgement = self.judged_as(record).await?;
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

    /// Confirms a fix through a connection that is made for it.
    ///
    /// # Errors
    /// The server does not let it in, or nothing waits for a confirmation.
    pub async fn confirm(&self, record: &mut FixRecord) -> Result<()> {
        let waits = record.confirm_by.is_some() && record.confirmed_at.is_none();
        if !waits || !matches!(record.state, FixState::Applied | FixState::NeedsRestart) {
            let message = format!("{} does not wait for a confirmation", record.fix_id);
            return Err(Fault::new("not_waiting", message).exit(ExitCode::Conflict).into());
        }
        let connection = self.target.connect(None).await?;
        database(&connection).await?;
        record.confirmed_at = Some(self.clock.now().to_string());
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
        match self.bring_back(connection, record).await {
            Ok(_) => {
                record.state = FixState::Failed;
                record.undone_at = Some(self.clock.now().to_string());
                match self.keep.save(record) {
                    Ok(()) => error,
                    Err(fault) => fault.into(),
                }
            }
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

/// Lines of `pg_hba.conf` on disk that PostgreSQL cannot read.
async fn hba_errors(connection: &pg::Connection) -> Result<Vec<String>> {
    let sql = "select 'line ' || line_number || ': ' || error from pg_hba_file_rules \
               where error is not null and type is null order by 1";
    let rows = connection.query("ask what PostgreSQL says of pg_hba.conf", sql, &[]).await?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}
