//! Servers that are assessed by themselves, once a day from an hour on.

use std::sync::Arc;
use std::time::Duration;

use api::access::store::{AccessStore as _, Act};
use api::plane::model::BaselineSchedule;
use base::{Clock as _, Fault, ServerName, SystemClock};
use jiff::{SignedDuration, Timestamp};
use tokio::time::MissedTickBehavior;

use super::beside::{HOUR, Schedule};
use super::made::{self, Wish};
use crate::plane::Plane;

/// How often is looked who is due.
const PERIOD: Duration = Duration::from_secs(20);
/// After a failure it is tried again.
const AGAIN: SignedDuration = SignedDuration::from_hours(1);
/// Who asks.
const BY: &str = "schedule";

impl Schedule {
    /// When the server is due next. One that was missed is due at once.
    pub(super) fn next_run_at(&self) -> Option<Timestamp> {
        if !self.enabled {
            return None;
        }
        let tried = self.last_run_at.filter(|last| *last > self.set_at);
        let hour = next_hour(tried.unwrap_or(self.set_at), self.hour);
        match (tried, &self.last_failure) {
            (Some(tried), Some(_)) => Some(hour.min(tried + AGAIN)),
            _ => Some(hour),
        }
    }

    /// As it is told.
    pub(super) fn told(schedule: Option<Self>) -> BaselineSchedule {
        let Some(schedule) = schedule else {
            return BaselineSchedule { hour: HOUR, ..BaselineSchedule::default() };
        };
        BaselineSchedule {
            enabled: schedule.enabled,
            hour: schedule.hour,
            next_run_at: schedule.next_run_at(),
            last_run_at: schedule.last_run_at,
            last_failure: schedule.last_failure,
        }
    }
}

/// The first begin of this hour of a day, in UTC, after a moment.
fn next_hour(after: Timestamp, hour: u8) -> Timestamp {
    const HOUR_S: i64 = 3600;
    const DAY_S: i64 = 24 * HOUR_S;
    let midnight = after.as_second().div_euclid(DAY_S) * DAY_S;
    let today = midnight + i64::from(hour) * HOUR_S;
    let next = if today > after.as_second() { today } else { today + DAY_S };
    Timestamp::from_second(next).unwrap_or(Timestamp::MAX)
}

/// Runs for ever.
pub(in crate::plane) async fn run(plane: Arc<Plane>) {
    let mut period = tokio::time::interval(PERIOD);
    period.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        period.tick().await;
        if let Err(fault) = round(&plane, SystemClock.now()).await {
            tracing::error!(fault.message, fault.detail, "could not look who is to be assessed");
        }
    }
}

/// Assesses who is due, one after the other.
async fn round(plane: &Arc<Plane>, now: Timestamp) -> Result<(), Fault> {
    for (name, schedule) in plane.saved.schedules()? {
        if schedule.next_run_at().is_none_or(|due| due > now) {
            continue;
        }
        let made = made::make(plane, &name, BY, Wish::all(), &|_: &str| {}).await;
        let ended = SystemClock.now();
        note(plane, &name, ended, made.is_ok());
        let failure = made.err().inspect(|fault| {
            tracing::warn!(server = %name, fault.message, fault.detail, "could not be assessed");
        });
        let failure = failure.map(|fault| fault.message);
        plane.saved.note_run(&name, ended, failure.as_deref())?;
    }
    Ok(())
}

/// What was done stands in the activity log, whoever asked for it.
fn note(plane: &Plane, name: &ServerName, at: Timestamp, worked: bool) {
    let act = Act {
        at,
        principal: BY.to_owned(),
        kind: None,
        operation: "assessment_create".to_owned(),
        target: format!("/api/v1/servers/{name}/baseline/assessments"),
        status: if worked { 202 } else { 500 },
        request_id: String::new(),
    };
    if let Err(fault) = plane.saved.note_act(&act) {
        tracing::error!(fault.message, fault.detail, "could not note what was done");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn once_a_day_from_the_hour_on() {
        let mut schedule = Schedule {
            enabled: true,
            hour: 3,
            set_at: at("2026-11-28T12:00:00Z"),
            last_run_at: None,
            last_failure: None,
        };
        assert_eq!(schedule.next_run_at(), Some(at("2026-11-29T03:00:00Z")));
        schedule.set_at = at("2026-11-28T02:59:59Z");
        assert_eq!(schedule.next_run_at(), Some(at("2026-11-28T03:00:00Z")));
        // A run that came late does not push the next one.
        schedule.last_run_at = Some(at("2026-11-28T09:30:00Z"));
        assert_eq!(schedule.next_run_at(), Some(at("2026-11-29T03:00:00Z")));
        // A failure is tried again in an hour, but not past the next day's turn.
        schedule.last_failure = Some("the server is Stopped".to_owned());
        assert_eq!(schedule.next_run_at(), Some(at("2026-11-28T10:30:00Z")));
        schedule.last_run_at = Some(at("2026-11-29T02:30:00Z"));
        assert_eq!(schedule.next_run_at(), Some(at("2026-11-29T03:00:00Z")));
        // What was tried before the schedule was set again does not count.
        schedule.set_at = at("2026-11-29T04:00:00Z");
        assert_eq!(schedule.next_run_at(), Some(at("2026-11-30T03:00:00Z")));
        schedule.enabled = false;
        assert_eq!(schedule.next_run_at(), None);
    }

    #[test]
    fn the_hour_is_that_of_utc_and_midnight_counts() {
        assert_eq!(next_hour(at("2026-11-28T00:00:00Z"), 0), at("2026-11-29T00:00:00Z"));
        assert_eq!(next_hour(at("2026-11-28T23:59:59Z"), 0), at("2026-11-29T00:00:00Z"));
        assert_eq!(next_hour(at("2026-11-28T22:00:00Z"), 23), at("2026-11-28T23:00:00Z"));
    }
}
