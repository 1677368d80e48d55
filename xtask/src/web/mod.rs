//! The portal's build: packages from the lock file, then `npm run build` where sources changed.
//!
//! The packages lie below cargo's target folder, so that a fresh clone finds them again; the tree
//! has a link to them. The build goes to `web/dist`, which the crate `portal` embeds.

mod inputs;
mod node;

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::failure::{Doing, Failure, Outcome};
use crate::packages::Modules;
use crate::{proc, repo, say};

/// Inside `web/dist`, written last: what the portal there was built from.
const MARK: &str = ".built-from";

/// Builds the portal where it can be built. Without Node.js the binary serves a page that says
/// how, so this only says aloud what is missing.
pub(crate) fn build_if_possible() -> Outcome {
    let Some(why) = why_not() else { return build() };
    say::note(&format!("THE PORTAL IS NOT BUILT: {why}"));
    let stale = if folder().join("dist/index.html").is_file() {
        "the binary gets the portal that was built last, which may be older than its API"
    } else {
        "the binary works and serves a page that says how to build it; do not distribute it"
    };
    say::note(stale);
    Ok(())
}

/// Builds the portal, types checked first, unless it was built from these very sources.
pub(crate) fn build() -> Outcome {
    let from = inputs::hash(&folder(), &repo::root())?;
    let mark = folder().join("dist").join(MARK);
    if std::fs::read_to_string(&mark).is_ok_and(|made_from| made_from == from) {
        say::note("the portal is up to date");
        return Ok(());
    }
    say::step("building the portal");
    npm_run("build")?;
    std::fs::write(&mark, from).doing(|| format!("write \"{}\"", mark.display()))
}

/// Builds the portal and runs its unit tests.
pub(crate) fn check() -> Outcome {
    if let Some(why) = why_not() {
        return Err(Failure::gate("the portal was not tested").detail(why));
    }
    build()?;
    npm_run("test")
}

/// A command for Node.js with the packages of the browser tests; its folder is `web/e2e`.
pub(crate) fn browser_tests(words: &[&str]) -> Outcome<Command> {
    let folder = folder().join("e2e");
    link_modules("portal-e2e", &folder)?;
    let mut command = Command::new(node::program()?);
    command.args(words).current_dir(folder);
    Ok(command)
}

fn folder() -> PathBuf {
    repo::root().join("web")
}

/// Why there is nothing to build, or nothing to build with.
fn why_not() -> Option<String> {
    if !folder().join("package-lock.json").is_file() {
        return Some("this tree has no portal in web/".to_owned());
    }
    node::program().err().map(|failure| failure.message)
}

fn npm_run(script: &str) -> Outcome {
    link_modules("portal", &folder())?;
    let npm = node::npm()?;
    proc::run(Command::new(npm).args(["run", "--silent", script]).current_dir(folder()))
        .map_err(|failure| Failure::gate(format!("npm run {script}: {}", failure.message)))
}

/// Installs the packages of `into`, if its lock changed, and makes its `node_modules` a link to
/// them. A folder of that name, made by hand, is used as it is.
fn link_modules(name: &str, into: &Path) -> Outcome {
    let link = into.join("node_modules");
    let is_by_hand = std::fs::symlink_metadata(&link).is_ok_and(|found| found.is_dir());
    if is_by_hand {
        say::note(&format!("using \"{}\" as you installed it", link.display()));
        return Ok(());
    }
    let installed = Modules::make(name, into)?.path().join("node_modules");
    if std::fs::read_link(&link).is_ok_and(|to| to == installed) {
        return Ok(());
    }
    match std::fs::remove_file(&link) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(error).doing(|| format!("remove \"{}\"", link.display()));
        }
        _ => {}
    }
    std::os::unix::fs::symlink(&installed, &link).doing(|| format!("link \"{}\"", link.display()))
}
