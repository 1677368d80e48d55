//! Progress on standard error: a spinner on a terminal once it takes over a second, else lines.

use std::io::IsTerminal as _;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::output::say;

/// What takes less time shows nothing on a terminal.
const QUIET: Duration = Duration::from_secs(1);

/// Shows the steps of one command.
#[derive(Clone)]
pub(crate) struct Steps {
    shown: Arc<Shown>,
}

enum Shown {
    Lines { last: Mutex<String> },
    Spinner { bar: ProgressBar, started: Instant },
}

impl Steps {
    /// Begins; nothing is shown yet.
    pub(crate) fn new() -> Self {
        let shown = if std::io::stderr().is_terminal() {
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
            bar.set_style(
                ProgressStyle::with_template("{spinner} {msg} ({elapsed})")
                    .unwrap_or_else(|_| ProgressStyle::default_spinner()),
            );
            Shown::Spinner { bar, started: Instant::now() }
        } else {
            Shown::Lines { last: Mutex::default() }
        };
        Self { shown: Arc::new(shown) }
    }

    /// Shows one step.
    pub(crate) fn say(&self, message: &str) {
        match &*self.shown {
            Shown::Lines { last } => {
                let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
                if *last != message {
                    say(message);
                    message.clone_into(&mut last);
                }
            }
            Shown::Spinner { bar, started } => {
                if bar.is_hidden() && started.elapsed() > QUIET {
                    bar.set_draw_target(ProgressDrawTarget::stderr());
                    bar.enable_steady_tick(Duration::from_millis(100));
                }
                bar.set_message(message.to_owned());
            }
        }
    }

    /// Takes a spinner away.
    pub(crate) fn done(&self) {
        if let Shown::Spinner { bar, .. } = &*self.shown {
            bar.finish_and_clear();
        }
    }
}
