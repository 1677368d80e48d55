//! What a process that holds keys and serves write-back does to itself before it starts.

use rustix::mm::MlockAllFlags;
use rustix::process::{DumpableBehavior, Resource, Rlimit};

/// No core dumps, no debugger, as many descriptors as allowed, and, where permitted, kept alive
/// and resident under memory pressure: the kernel needs this process to write pages back.
///
/// What is not permitted is logged; only an unprotected memory would be a reason to stop, and
/// those two settings need no privilege.
pub(super) fn harden() -> std::io::Result<()> {
    let none = Rlimit { current: Some(0), maximum: Some(0) };
    rustix::process::setrlimit(Resource::Core, none)?;

    let limit = rustix::process::getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    note("descriptor limit", rustix::process::setrlimit(Resource::Nofile, raised));
    note("out-of-memory score", std::fs::write("/proc/self/oom_score_adj", "-900"));
    note("I/O flusher", rustix::process::configure_io_flusher_behavior(true));
    // A small limit would make later allocations fail.
    let is_unlimited = rustix::process::getrlimit(Resource::Memlock).current.is_none();
    if is_unlimited || rustix::process::geteuid().is_root() {
        // Pages once touched stay; buffers that nobody uses cost nothing.
        let flags = MlockAllFlags::CURRENT | MlockAllFlags::FUTURE | MlockAllFlags::ONFAULT;
        note("memory lock", rustix::mm::mlockall(flags));
    }

    // Last: afterwards files under /proc/self belong to root.
    rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable)?;
    Ok(())
}

fn note<E: std::fmt::Display>(setting: &str, answer: Result<(), E>) {
    if let Err(error) = answer {
        tracing::info!(setting, %error, "not permitted");
    }
}
