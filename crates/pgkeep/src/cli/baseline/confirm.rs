//! A fix that is taken back unless somebody confirms it in time.

use std::time::Duration;

use base::{Clock as _, Fault, SystemClock};
use baseline::fix::{FixRecord, Fixer, Keep as _};

use crate::cli::output::say;
use crate::fixes::Fixes;

/// How often the record is looked at.
const LOOK: Duration = Duration::from_millis(300);

/// Waits for `baseline confirm`; where that does not come in time, or the command is interrupted,
/// the fix is taken back. Answers whether it stays.
pub(super) async fn wait(
    fixer: &Fixer<'_>,
    fixes: &Fixes,
    record: &mut FixRecord,
    seconds: u32,
) -> Result<bool, Fault> {
    let end = SystemClock.now() + Duration::from_secs(u64::from(seconds));
    record.confirm_by = Some(end.to_string());
    fixes.save(record)?;
    say(&format!("it is taken back in {seconds} s, or when this is interrupted, unless"));
    say(&format!("  pgkeep baseline confirm {}", record.fix_id));
    say("is run meanwhile; that signs in anew");
    let interrupted = tokio::signal::ctrl_c();
    tokio::pin!(interrupted);
    loop {
        tokio::select! {
            _ = &mut interrupted => break,
            () = tokio::time::sleep(LOOK) => {}
        }
        let now = fixes.read(&record.fix_id)?;
        if now.confirmed_at.is_some() {
            *record = now;
            return Ok(true);
        }
        if SystemClock.now() >= end {
            break;
        }
    }
    say("nobody confirmed it: it is taken back");
    fixer.undo(record).await.map_err(|error| error.fault())?;
    Ok(false)
}
