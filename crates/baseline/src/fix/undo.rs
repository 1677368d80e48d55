//! The way back.

use base::{ExitCode, Fault};

use super::hold::{Hold, statements};
use super::plan::Change;
use super::record::{FixRecord, FixState, Proof};
use super::trial::database;
use super::{Fixer, files, settings};
use crate::error::Result;

/// What came back.
pub(super) struct Back {
    /// Whether all of it is as it was, to the byte
    pub(super) exact: bool,
    /// What was compared
    pub(super) seen: Vec<String>,
    /// Settings that wait for a start
    pub(super) waiting: Vec<String>,
}

impl Fixer<'_> {
    /// Takes a fix back, and proves that.
    ///
    /// # Errors
    /// Somebody changed something of it since, which the error names; or it cannot be taken back,
    /// and then nothing of it is.
    pub async fn undo(&self, record: &mut FixRecord) -> Result<()> {
        // What failed was taken back when it did.
        if matches!(record.state, FixState::Undone | FixState::Failed) {
            return Ok(());
        }
        let connection = self.target.connect(None).await?;
        (self.progress)("looking for what changed since");
        let newer = self.changed_since(&connection, record).await?;
        if !newer.is_empty() {
            return Err(Fault::new("changed_since", format!("{} cannot be undone", record.fix_id))
                .detail(format!("changed since it was made: {}", newer.join(", ")))
                .hint("undo what came later first, or change it by hand")
                .exit(ExitCode::Conflict)
                .into());
        }
        (self.progress)("taking the fix back");
        let back = self.bring_back(&connection, record).await?;
        let at = self.clock.now().to_string();
        record.state = FixState::Undone;
        record.undone_at = Some(at.clone());
        (self.progress)("looking at it again");
        let (verdict, reason) = if back.waiting.is_empty() {
            let judgement = self.judged_as(record).await?;
            (Some(judgement.verdict), judgement.reason)
        } else {
            (None, format!("{} waits for a start of the server", back.waiting.join(", ")))
        };
        let (exact, seen) = (Some(back.exact), back.seen);
        record.undo_proof = Some(Proof { at, verdict, reason, left: Vec::new(), seen, exact });
        Ok(self.keep.save(record)?)
    }

    /// What is neither as the fix left it nor as it was before.
    async fn changed_since(
        &self,
        connection: &pg::Connection,
        record: &FixRecord,
    ) -> Result<Vec<String>> {
        let mut all = Vec::new();
        if let Some(conf) = &record.conf {
            all.extend(settings::changed_since(&settings::auto_conf(connection).await?, conf));
        }
        for file in &record.files {
            let is_before = files::differs(file, file.before.as_ref())?.is_none();
            if file.after.is_some() && !is_before {
                all.extend(files::differs(file, file.after.as_ref())?);
            }
        }
        let statements = statements(&record.changes, true);
        if !statements.is_empty() {
            let own = database(connection).await?;
            let hold = Hold::open(self.target, &own, &statements).await?;
            all.extend(hold.changed_since(&record.touched));
            hold.roll_back().await?;
        }
        Ok(all)
    }

    /// Brings back settings, files and what statements touched; proves each.
    pub(super) async fn bring_back(
        &self,
        connection: &pg::Connection,
        record: &FixRecord,
    ) -> Result<Back> {
        let mut back = Back { exact: true, seen: Vec::new(), waiting: Vec::new() };
        let mut names = Vec::new();
        if let Some(conf) = &record.conf {
            let is_same = settings::back(connection, conf).await?;
            names.extend(conf.old.iter().map(|(name, _)| name.clone()));
            back.exact &= is_same;
            back.seen.push(if is_same {
                "postgresql.auto.conf is as it was, to the byte".to_owned()
            } else {
                "the settings are as they were; others were changed meanwhile".to_owned()
            });
        }
        for file in record.files.iter().rev() {
            files::undo(file)?;
            if let Some(differs) = files::differs(file, file.before.as_ref())? {
                return Err(Fault::new("undo_failed", "a file is not as it was")
                    .detail(differs)
                    .into());
            }
            back.seen.push(format!("{} is as it was, to the byte", file.path.display()));
        }
        let is_hba = |change: &Change| matches!(change, Change::Hba(_));
        if !names.is_empty() || record.changes.iter().any(is_hba) || !record.files.is_empty() {
            back.waiting = settings::take_up(connection, &names).await?;
        }
        let statements = statements(&record.changes, true);
        // A fix that failed before its statements were committed has touched nothing.
        if !statements.is_empty() && !record.touched.is_empty() {
            let own = database(connection).await?;
            let hold = Hold::open(self.target, &own, &statements).await?;
            let n = record.touched.len();
            let seen = format!("{n} objects are as they were, to the byte");
            if hold.is_back(&record.touched) {
                hold.roll_back().await?;
                back.seen.push(seen);
                return Ok(back);
            }
            hold.run(&own, &statements).await?;
            hold.put_back_lists(&record.touched).await?;
            let left = hold.left(&record.touched).await?;
            if !left.is_empty() {
                hold.roll_back().await?;
                return Err(Fault::new("undo_failed", "not all of it would be as it was")
                    .detail(format!("{}; so nothing was taken back", left.join(", ")))
                    .into());
            }
            hold.commit().await?;
            back.seen.push(seen);
        }
        Ok(back)
    }
}
