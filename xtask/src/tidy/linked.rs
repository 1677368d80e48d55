//! One cryptographic library: nothing that ships may link a second one.

use std::path::Path;

use super::Finding;
use crate::failure::Outcome;
use crate::gen_files::licences::SHIPPED_TARGET;
use crate::proc;

/// Packages that bring a cryptographic library of their own into the binary.
const SECOND_LIBRARIES: &[&str] =
    &["ring", "openssl", "openssl-sys", "native-tls", "boring-sys", "mbedtls", "wolfssl-sys"];

pub(super) fn check(root: &Path) -> Outcome<Vec<Finding>> {
    let words = [
        "tree",
        "--locked",
        "--package",
        "pgkeep",
        "--all-features",
        "--edges",
        "normal",
        "--target",
        SHIPPED_TARGET,
        "--prefix",
        "depth",
        "--format",
        " {p}",
    ];
    Ok(judge(&proc::capture(&mut proc::cargo(root, &words))?))
}

/// Reads `cargo tree --prefix depth` and names each second library with who brings it: one way to
/// it, since cargo shows what a package brings at its first place only.
fn judge(tree: &str) -> Vec<Finding> {
    let mut found: Vec<Finding> = Vec::new();
    let mut stack: Vec<&str> = Vec::new();
    for line in tree.lines() {
        let mut words = line.split_whitespace();
        let Some(depth) = words.next().and_then(|word| word.parse::<usize>().ok()) else {
            continue;
        };
        let Some(name) = words.next() else { continue };
        stack.truncate(depth);
        stack.push(name);
        if SECOND_LIBRARIES.contains(&name) {
            let what = format!("{name} is linked, through {}", stack.join(" → "));
            if !found.iter().any(|known| known.what == what) {
                found.push(Finding::new("Cargo.lock", 0, what));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::judge;

    #[test]
    fn names_the_way_to_a_second_library() {
        let tree = "0 pgkeep v0.1.0\n1 pg v0.1.0\n2 ring v0.17.14\n1 rustls v0.23.0\n";
        assert_eq!(judge(tree)[0].what, "ring is linked, through pgkeep → pg → ring");
    }

    #[test]
    fn one_library_is_fine() {
        assert!(judge("0 pgkeep v0.1.0\n1 aws-lc-rs v1.19.0\n2 aws-lc-sys v0.47.0\n").is_empty());
    }
}
