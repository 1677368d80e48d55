//! Group commit: many threads hand in work, one of them does all that has gathered.
//!
//! A thread that comes while nobody works begins at once, so a lone caller pays no delay; those
//! who come meanwhile share the next round. There is no thread of its own.

use parking_lot::{Condvar, Mutex};

/// A queue whose items are worked off in rounds, in order.
pub(crate) struct Group<T> {
    state: Mutex<State<T>>,
    changed: Condvar,
}

struct State<T> {
    queue: Vec<T>,
    /// Ticket of the next item.
    next: u64,
    /// Every smaller ticket is done.
    done: u64,
    busy: bool,
    failed: bool,
}

impl<T> Group<T> {
    /// An empty queue.
    pub(crate) fn new() -> Self {
        let state = State { queue: Vec::new(), next: 0, done: 0, busy: false, failed: false };
        Self { state: Mutex::new(state), changed: Condvar::new() }
    }

    /// Puts an item at the end of the queue and returns its ticket.
    pub(crate) fn enqueue(&self, item: T) -> u64 {
        let mut state = self.state.lock();
        let ticket = state.next;
        state.next += 1;
        if !state.failed {
            state.queue.push(item);
        }
        ticket
    }

    /// Waits until the item of `ticket` is done, doing a round where nobody else does.
    ///
    /// `work` takes everything that is queued and says whether all of it succeeded. After a round
    /// that failed, or panicked, nothing more is taken.
    ///
    /// # Errors
    /// [`Failed`] when the item is not done and never will be.
    pub(crate) fn wait(&self, ticket: u64, work: impl Fn(Vec<T>) -> bool) -> Result<(), Failed> {
        let mut state = self.state.lock();
        loop {
            if ticket < state.done {
                return Ok(());
            }
            if state.failed {
                return Err(Failed);
            }
            if state.busy {
                self.changed.wait(&mut state);
                continue;
            }
            state.busy = true;
            let batch = std::mem::take(&mut state.queue);
            let end = state.next;
            drop(state);
            let mut round = Round { group: self, end, succeeded: false };
            round.succeeded = work(batch);
            drop(round);
            state = self.state.lock();
        }
    }

    /// Whether the item of `ticket` is done.
    pub(crate) fn is_done(&self, ticket: u64) -> bool {
        ticket < self.state.lock().done
    }

    /// Whether a round has failed.
    pub(crate) fn has_failed(&self) -> bool {
        self.state.lock().failed
    }
}

/// A round of work failed; nothing more is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Failed;

/// Ends a round, also when the work panics.
struct Round<'a, T> {
    group: &'a Group<T>,
    end: u64,
    succeeded: bool,
}

impl<T> Drop for Round<'_, T> {
    fn drop(&mut self) {
        let mut state = self.group.state.lock();
        state.busy = false;
        if self.succeeded {
            state.done = self.end;
        } else {
            state.failed = true;
            state.queue.clear();
        }
        drop(state);
        self.group.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn every_item_is_worked_once_and_in_fewer_rounds_than_items() {
        let (group, rounds, items) = (Group::new(), AtomicUsize::new(0), Mutex::new(Vec::new()));
        let gate = std::sync::Barrier::new(16);
        std::thread::scope(|scope| {
            for thread in 0..16 {
                let (group, rounds, items, gate) = (&group, &rounds, &items, &gate);
                scope.spawn(move || {
                    // All are queued before the first begins.
                    let ticket = group.enqueue(thread);
                    gate.wait();
                    group
                        .wait(ticket, |batch| {
                            rounds.fetch_add(1, Ordering::Relaxed);
                            items.lock().extend(batch);
                            true
                        })
                        .unwrap();
                });
            }
        });
        let mut items = items.into_inner();
        items.sort_unstable();
        assert_eq!(items, (0..16).collect::<Vec<_>>());
        assert_eq!(rounds.into_inner(), 1);
    }

    #[test]
    fn nothing_is_taken_after_a_failure() {
        let group = Group::new();
        let first = group.enqueue(1);
        assert_eq!(group.wait(first, |_| true), Ok(()));
        let second = group.enqueue(2);
        assert_eq!(group.wait(second, |_| false), Err(Failed));
        let third = group.enqueue(3);
        assert_eq!(group.wait(third, |_| panic!("because it was not to be called")), Err(Failed));
        assert_eq!(group.wait(first, |_| false), Ok(()), "what is done stays done");
    }

    #[test]
    fn a_panic_is_a_failure_for_all() {
        let group = Group::new();
        let ticket = group.enqueue(1);
        let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            group.wait(ticket, |_| panic!("broken"))
        }));
        assert!(caught.is_err());
        assert!(group.has_failed());
        assert_eq!(group.wait(ticket, |_| true), Err(Failed));
    }
}
