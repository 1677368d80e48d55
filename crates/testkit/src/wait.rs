//! Waiting for a condition instead of for a time.

use std::time::Duration;

use tokio::time::Instant;

const POLL: Duration = Duration::from_millis(20);

/// Asks `condition` again and again until it answers something; panics after `deadline`.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// let answer = testkit::eventually(std::time::Duration::from_secs(1), || async { Some(42) });
/// assert_eq!(answer.await, 42);
/// # });
/// ```
#[track_caller]
pub fn eventually<T, F, A>(deadline: Duration, mut condition: F) -> impl Future<Output = T>
where
    F: FnMut() -> A,
    A: Future<Output = Option<T>>,
{
    let caller = std::panic::Location::caller();
    async move {
        let until = Instant::now() + deadline;
        loop {
            if let Some(answer) = condition().await {
                return answer;
            }
            assert!(Instant::now() < until, "{caller}: did not come true within {deadline:?}");
            tokio::time::sleep(POLL).await;
        }
    }
}
