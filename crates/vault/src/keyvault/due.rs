//! What comes due without being asked for: rotation by policy, purge after the retention time,
//! records of keys that are about to expire or have expired, keys of tokens.

use super::KeyVaults;
use super::call::Request;
use super::change::vault_of;
use super::model::{Principal, Refusal, Reply, RotationPolicy};
use super::rotation::{NOTIFY, ROTATE, action, shifted};
use super::state::{KeyRecord, KeyState};
use crate::core::Planned;

/// Near-expiry is recorded so long before where no policy says otherwise.
const NEAR_DEFAULT: &str = "P30D";

/// What was done, and what could not be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DueReport {
    /// Keys that got a new version.
    pub n_rotated: usize,
    /// Deleted keys whose retention time had ended.
    pub n_purged: usize,
    /// Records of keys that are about to expire or have expired.
    pub n_noted: usize,
    /// Whether the key that signs tokens was replaced.
    pub token_key_rotated: bool,
    /// What failed; the next run tries again.
    pub failures: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Task {
    Rotate,
    Purge,
    NoteNear,
    NoteExpired,
}

impl Task {
    fn operation(self) -> &'static str {
        match self {
            Self::Rotate => "KeyRotateIfDue",
            Self::Purge => "KeyPurge",
            Self::NoteNear => "KeyNearExpiryEventGridNotification",
            Self::NoteExpired => "KeyExpiredEventGridNotification",
        }
    }
}

impl KeyVaults {
    /// Does what is due now; a scheduler calls it every minute or so. Does nothing while sealed.
    pub fn run_due(&self) -> DueReport {
        let mut report = DueReport::default();
        let now = self.core.now();
        let mut tasks = Vec::new();
        if let Ok(world) = self.core.world() {
            for (vault, state) in &world.vaults {
                for (name, key) in &state.keys {
                    tasks.extend(
                        due(key, now).into_iter().map(|task| (vault.clone(), name.clone(), task)),
                    );
                }
            }
        }
        for (vault, name, task) in tasks {
            match self.run_task(&vault, &name, task, now) {
                Ok(false) => {}
                Ok(true) => match task {
                    Task::Rotate => report.n_rotated += 1,
                    Task::Purge => report.n_purged += 1,
                    Task::NoteNear | Task::NoteExpired => report.n_noted += 1,
                },
                Err(e) => report.failures.push(format!("{} {vault}/{name}: {e}", task.operation())),
            }
        }
        match self.rotate_token_key_if_due() {
            Ok(rotated) => report.token_key_rotated = rotated,
            Err(crate::Error::Sealed(_) | crate::Error::Uninitialized) => {}
            Err(e) => report.failures.push(format!("rotation of the token key: {e}")),
        }
        report
    }

    /// True when it was done; false when it was not due any more.
    fn run_task(&self, vault: &str, name: &str, task: Task, now: i64) -> Result<bool, Refusal> {
        let principal = Principal::Anonymous { why: String::new() };
        let request = Request { vault, principal: &principal, now };
        let key = if task == Task::Rotate { Some(self.successor(&request, name)?) } else { None };
        let _gate = self.core.gate.read();
        let _name = self.core.lock_name(&format!("key/{vault}/{name}"));
        let mut event = self.core.event(task.operation(), vault);
        event.claim.appid = Some("pgkeep".to_owned());
        event.caller_address = "scheduler".to_owned();
        event.id = format!("{}/keys/{name}", self.uri_of(vault));
        let planned = {
            let world = self.core.world()?;
            let state = vault_of(&world, &request)?;
            let still = state.keys.get(name).is_some_and(|key| due(key, now).contains(&task));
            if !still {
                return Ok(false);
            }
            drop(world);
            match (task, key) {
                (Task::Rotate, Some(mut key)) => {
                    key.managed = true;
                    self.rotate(&request, name, key)
                }
                (Task::Purge, _) => self.purge(&request, name),
                _ => self.noted(&request, name, task),
            }
        };
        if let Ok(Planned { answer: Reply::Key(bundle), .. }) = &planned
            && let Some(kid) = &bundle.key.kid
        {
            event.id.clone_from(kid);
        }
        self.core.finish(event, planned)?;
        Ok(true)
    }

    /// Remembers that the newest version was spoken of, so that it is done once.
    fn noted(
        &self,
        request: &Request<'_>,
        name: &str,
        task: Task,
    ) -> Result<Planned<Reply>, Refusal> {
        let world = self.core.world()?;
        let vault = vault_of(&world, request)?;
        let key = super::change::living(vault, name)?;
        let version = key.latest().map(|version| version.record.id.clone());
        let record = match task {
            Task::NoteExpired => KeyRecord { noted_expired: version, ..key.record.clone() },
            _ => KeyRecord { noted_near: version, ..key.record.clone() },
        };
        Ok(self.new_record(request, vault, name, record, Reply::Nothing))
    }
}

/// What is due for a key.
fn due(key: &KeyState, now: i64) -> Vec<Task> {
    if let Some(deletion) = key.record.deleted {
        return if now >= deletion.purge_at { vec![Task::Purge] } else { Vec::new() };
    }
    let Some(latest) = key.latest().map(|version| &version.record).filter(|v| v.enabled) else {
        return Vec::new();
    };
    let mut tasks = Vec::new();
    let policy = key.record.policy.as_ref();
    if policy.is_some_and(|policy| rotation_is_due(policy, latest.created, latest.exp, now)) {
        tasks.push(Task::Rotate);
    }
    let Some(exp) = latest.exp else { return tasks };
    let is = |noted: &Option<String>| noted.as_deref() == Some(latest.id.as_str());
    let before = policy
        .and_then(|policy| action(policy, NOTIFY)?.time_before_expiry.as_deref())
        .unwrap_or(NEAR_DEFAULT);
    if now >= exp {
        if !is(&key.record.noted_expired) {
            tasks.push(Task::NoteExpired);
        }
    } else if shifted(exp, before, true).is_some_and(|at| now >= at) && !is(&key.record.noted_near)
    {
        tasks.push(Task::NoteNear);
    }
    tasks
}

fn rotation_is_due(policy: &RotationPolicy, created: i64, exp: Option<i64>, now: i64) -> bool {
    let Some(trigger) = action(policy, ROTATE) else { return false };
    let after = trigger.time_after_create.as_deref();
    let before = trigger.time_before_expiry.as_deref();
    let at = match (after, before, exp) {
        (Some(duration), _, _) => shifted(created, duration, false),
        (None, Some(duration), Some(exp)) => shifted(exp, duration, true),
        _ => None,
    };
    at.is_some_and(|at| now >= at)
}
