//! The texts that checks read.

use super::parse::{kernel_version, size, swap_areas};
use super::{Check, Verdict, text};

#[test]
fn reads_swap_areas() {
    let text =
        "Filename\tType\tSize\tUsed\tPriority\n/dev/sda2 partition 1 0 -2\n/swap file 1 0 -3\n";
    assert_eq!(swap_areas(text), ["/dev/sda2", "/swap"]);
    assert!(swap_areas("Filename\tType\n").is_empty());
    assert!(swap_areas("").is_empty());
}

#[test]
fn reads_kernel_versions() {
    assert_eq!(kernel_version("6.1.0-18-amd64\n"), Some((6, 1)));
    assert_eq!(kernel_version("5.10-rc1"), Some((5, 10)));
    assert_eq!(kernel_version("next"), None);
}

#[test]
fn sizes_are_for_persons() {
    assert_eq!(size(5 << 30), "5 GiB");
    assert_eq!(size((1 << 20) + 1), "1 MiB");
    assert_eq!(size(12), "12 bytes");
}

#[test]
fn a_check_shows_its_cure() {
    let check = Check::fail("swap", "bad", "do this");
    let shown = text(std::slice::from_ref(&check));
    assert!(shown.starts_with("✗ swap"), "{shown}");
    assert!(shown.contains("→ do this"), "{shown}");
    let json = serde_json::to_value(Check::cannot_tell("clock", "x")).unwrap();
    assert_eq!(json["verdict"], "cannot-tell");
    assert_eq!(check.verdict, Verdict::Fail);
}
