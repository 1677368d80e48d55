//! Signals to a serving process: asked once it unmounts when nobody is inside, asked twice it
//! disappears from the tree at once and ends with its last user.

use std::sync::Arc;
use std::time::Duration;

use base::Fault;
use cryptfs::fuse::Unmounter;
use rustix::io::Errno;
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::events::{Lines, Note};

/// How often a busy mount is tried again.
const RETRY: Duration = Duration::from_millis(100);

/// Watches for SIGTERM and SIGINT on a thread of its own.
pub(super) fn on_signal(unmounter: Unmounter, lines: Arc<Lines>) -> Result<(), Fault> {
    let failed =
        |error: &std::io::Error| Fault::from_error("signals", "could not watch for signals", error);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| failed(&error))?;
    let signals = {
        let _context = runtime.enter();
        let stream = |kind| signal(kind).map_err(|error| failed(&error));
        [stream(SignalKind::terminate())?, stream(SignalKind::interrupt())?]
    };
    std::thread::Builder::new()
        .name("signals".to_owned())
        .spawn(move || runtime.block_on(watch(signals, &unmounter, &lines)))
        .map_err(|error| failed(&error))?;
    Ok(())
}

async fn watch([mut term, mut int]: [Signal; 2], unmounter: &Unmounter, lines: &Lines) {
    let mut n_asked = 0_u32;
    let mut told = false;
    loop {
        let is_waiting = n_asked > 0;
        tokio::select! {
            _ = term.recv() => n_asked += 1,
            _ = int.recv() => n_asked += 1,
            () = tokio::time::sleep(RETRY), if is_waiting => {}
        }
        match unmounter.unmount(n_asked > 1) {
            Ok(()) => return,
            Err(error) if Errno::from_io_error(&error) == Some(Errno::BUSY) => {
                if !std::mem::replace(&mut told, true) {
                    let message = "the mount is in use; it ends when its last user leaves";
                    lines.note(&Note::Busy { message });
                }
            }
            Err(error) => {
                // Somebody else was faster, or nothing can be done: the mount's end decides.
                tracing::warn!(%error, "could not unmount");
                return;
            }
        }
    }
}
