//! The node table against an opener that only counts.

use std::cell::Cell;

use super::{Class, Errno, Nodes, OsStr, Place, ROOT};

fn place(parent: u64, name: &str) -> Place {
    Place::new(parent, OsStr::new(name))
}

fn add(nodes: &Nodes<u64>, ino: u64, parent: u64) {
    nodes.found(ino, place(parent, &ino.to_string()), Class::Plain, ino, false);
}

#[test]
fn forgotten_when_the_kernel_says_so() {
    let nodes = Nodes::new(ROOT, 100);
    add(&nodes, 10, ROOT);
    add(&nodes, 10, ROOT);
    nodes.forget(10, 1);
    assert_eq!(nodes.present(10), Some(10));
    nodes.forget(10, 1);
    assert_eq!(nodes.present(10), None);
    assert_eq!((nodes.len(), nodes.n_handles()), (1, 1));
    nodes.forget(10, 1);
    nodes.forget(ROOT, 1);
    assert_eq!(nodes.present(ROOT), Some(ROOT));
}

#[test]
fn a_folder_stays_known_for_its_children() {
    let nodes = Nodes::new(ROOT, 100);
    add(&nodes, 10, ROOT);
    add(&nodes, 11, 10);
    add(&nodes, 12, 11);
    nodes.forget(10, 1);
    nodes.forget(11, 1);
    assert_eq!(nodes.len(), 4);
    nodes.forget(12, 1);
    assert_eq!((nodes.len(), nodes.n_handles()), (1, 1));
}

#[test]
fn idle_handles_are_given_back_and_opened_again() {
    let nodes = Nodes::new(ROOT, 8);
    for ino in 10..110 {
        add(&nodes, ino, ROOT);
    }
    assert!(nodes.n_handles() <= 8);
    let n_opened = Cell::new(0);
    let open = |parent: &u64, _: Class, name: &OsStr, ino: u64| {
        assert_eq!((*parent, name), (ROOT, OsStr::new(&ino.to_string())));
        n_opened.set(n_opened.get() + 1);
        Ok(ino)
    };
    for ino in 10..110 {
        assert_eq!(nodes.handle(ino, &open), Ok(ino));
    }
    assert!(n_opened.get() >= 92 && nodes.n_handles() <= 8);
}

#[test]
fn a_path_of_folders_is_opened_again_from_the_root() {
    let nodes = Nodes::new(ROOT, 1);
    add(&nodes, 10, ROOT);
    add(&nodes, 11, 10);
    add(&nodes, 12, 11);
    let open = |_: &u64, _: Class, _: &OsStr, ino: u64| Ok(ino);
    assert_eq!(nodes.handle(12, &open), Ok(12));
    assert_eq!(nodes.handle(99, &open), Err(Errno::STALE));
}

#[test]
fn what_cannot_be_found_again_keeps_its_handle() {
    let nodes = Nodes::new(ROOT, 1);
    let open = |_: &u64, _: Class, _: &OsStr, ino: u64| Ok(ino);
    add(&nodes, 10, ROOT);
    assert!(nodes.pin(10));
    assert_eq!(nodes.handle(10, &open), Ok(10));
    add(&nodes, 11, ROOT);
    nodes.found(12, place(ROOT, "fixed"), Class::Plain, 12, true);
    for ino in 100..120 {
        add(&nodes, ino, ROOT);
    }
    assert_eq!((nodes.present(10), nodes.present(12)), (Some(10), Some(12)));
    assert_eq!(nodes.present(11), None);

    // Unlinked: no name any more, so the handle stays until the kernel forgets it.
    nodes.unnamed(10, &place(ROOT, "10"));
    nodes.unpin(10);
    for ino in 200..220 {
        add(&nodes, ino, ROOT);
    }
    assert_eq!(nodes.present(10), Some(10));
    nodes.forget(10, 1);
    assert_eq!(nodes.present(10), None);
}

#[test]
fn another_name_makes_it_ordinary_again() {
    let nodes = Nodes::new(ROOT, 1);
    add(&nodes, 10, ROOT);
    nodes.unnamed(10, &place(ROOT, "other"));
    assert_eq!(nodes.place(10), Some(place(ROOT, "10")));
    nodes.unnamed(10, &place(ROOT, "10"));
    assert_eq!(nodes.place(10), None);
    nodes.moved(10, place(ROOT, "link"), Class::Plain);
    assert_eq!(nodes.place(10), Some(place(ROOT, "link")));
}

#[test]
fn a_rename_under_way_does_not_look_like_a_loss() {
    let nodes = Nodes::new(ROOT, 1);
    add(&nodes, 10, ROOT);
    add(&nodes, 11, ROOT);
    nodes.give_back(10);
    let open = |_: &u64, _: Class, name: &OsStr, ino: u64| {
        if name == OsStr::new("new") {
            return Ok(ino);
        }
        nodes.moved(10, place(ROOT, "new"), Class::Plain);
        Err(Errno::NOENT)
    };
    assert_eq!(nodes.handle(10, &open), Ok(10));
    let gone = |_: &u64, _: Class, _: &OsStr, _: u64| Err(Errno::NOENT);
    nodes.give_back(10);
    assert_eq!(nodes.handle(10, &gone), Err(Errno::NOENT));
}
