//! Node.js, if it is there and new enough for the portal's build.

use std::path::PathBuf;
use std::process::Command;

use crate::failure::{Failure, Outcome};
use crate::proc;

/// The program, or what is wrong with it.
pub(super) fn program() -> Outcome<PathBuf> {
    let hint = "Node.js 20.19 or later with npm; `cargo xtask deps` installs Debian's";
    let node = proc::find("node")
        .ok_or_else(|| Failure::new("there is no Node.js on this machine").hint(hint))?;
    let version = proc::capture(Command::new(&node).arg("--version"))?;
    if !is_enough(&version) {
        let version = version.trim();
        let message = format!("Node.js {version} is too old for the portal's build (20.19)");
        return Err(Failure::new(message).hint(hint));
    }
    npm().map(|_| node)
}

/// npm, which comes with it.
pub(super) fn npm() -> Outcome<PathBuf> {
    proc::find("npm").ok_or_else(|| {
        Failure::new("there is no npm on this machine").hint("`cargo xtask deps` installs it")
    })
}

/// What the portal's bundler asks for: 20.19, or 22.12 and later.
fn is_enough(version: &str) -> bool {
    let mut numbers = version.trim().trim_start_matches('v').split('.').map(str::parse::<u32>);
    let (Some(Ok(major)), Some(Ok(minor))) = (numbers.next(), numbers.next()) else {
        return false;
    };
    match major {
        20 => minor >= 19,
        22 => minor >= 12,
        other => other > 22,
    }
}

#[cfg(test)]
mod tests {
    use super::is_enough;

    #[test]
    fn judges_versions() {
        for good in ["v20.19.0", "v20.20.2\n", "v22.12.1", "v23.0.0", "v24.1.0"] {
            assert!(is_enough(good), "{good}");
        }
        for bad in ["v18.20.4", "v20.18.9", "v21.7.0", "v22.11.0", "", "node"] {
            assert!(!is_enough(bad), "{bad}");
        }
    }
}
