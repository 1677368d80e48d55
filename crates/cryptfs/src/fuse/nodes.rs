//! The inodes that the kernel knows, and which of them hold a descriptor now.
//!
//! The kernel may remember far more inodes than a process may have descriptors. A node that is
//! neither open nor without a name can give its handle back; [`Nodes::handle`] opens it again
//! through its last known place. Nothing here touches a file: the caller passes the opener.

use std::collections::{HashMap, VecDeque};
use std::ffi::{OsStr, OsString};

use parking_lot::Mutex;
use rustix::io::Errno;

use super::class::Class;

/// The number by which the kernel knows the root.
pub(super) const ROOT: u64 = 1;

/// Folders within folders: more than any path has (`PATH_MAX` / 2).
const MAX_DEPTH: u32 = 2048;
/// How often a reopening that lost a race with a rename is tried again.
const MAX_TRIES: u32 = 8;
/// How many nodes one call looks at for an idle one, so that many open files cost little.
const MAX_LOOKS: usize = 256;

/// Where a node can be found: a name in a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// The folder's inode.
    pub(super) parent: u64,
    /// The name in it.
    pub(super) name: OsString,
}

impl Place {
    pub(super) fn new(parent: u64, name: &OsStr) -> Self {
        Self { parent, name: name.to_owned() }
    }
}

/// What the caller opens again: handle of the folder, its class, name, expected inode.
pub(super) type Opener<'a, H> = &'a dyn Fn(&H, Class, &OsStr, u64) -> Result<H, Errno>;

/// All known nodes. `H` is a handle: cloned out for use, so that giving it back never hurts.
#[derive(Debug)]
pub(super) struct Nodes<H> {
    table: Mutex<Table<H>>,
    /// Above so many held handles idle ones are given back.
    budget: usize,
}

#[derive(Debug)]
struct Table<H> {
    nodes: HashMap<u64, Node<H>>,
    /// Nodes with a handle in the order in which they are looked at (a clock).
    clock: VecDeque<u64>,
    n_handles: usize,
}

#[derive(Debug)]
struct Node<H> {
    /// Replies in which the kernel learnt of it, less those it has forgotten.
    n_lookups: u64,
    /// Nodes whose place is in this folder; keeps the folder known as long as they need it.
    n_children: u64,
    /// Opens and operations under way that must not lose the handle.
    n_pins: u64,
    place: Option<Place>,
    class: Class,
    handle: Option<H>,
    /// Could not be opened again, because its mode forbids it to this process.
    fixed: bool,
    used: bool,
    in_clock: bool,
}

impl<H: Clone> Nodes<H> {
    /// A table that knows only the root, whose handle is kept for good.
    pub(super) fn new(root: H, budget: usize) -> Self {
        let mut node = Node::new(None, Class::Plain);
        node.n_lookups = 1;
        node.n_pins = 1;
        node.handle = Some(root);
        let table =
            Table { nodes: HashMap::from([(ROOT, node)]), clock: VecDeque::new(), n_handles: 1 };
        Self { table: Mutex::new(table), budget: budget.max(1) }
    }

    /// The kernel is about to learn of `ino` at `place`: counts one lookup.
    pub(super) fn found(&self, ino: u64, place: Place, class: Class, handle: H, fixed: bool) {
        let mut table = self.table.lock();
        table.nodes.entry(ino).or_insert_with(|| Node::new(None, class));
        table.set_place(ino, Some(place));
        let node = table.nodes.get_mut(&ino).expect("because it was just put there");
        node.n_lookups += 1;
        node.class = class;
        node.fixed = fixed;
        table.set_handle(ino, handle);
        let dropped = table.shrink(self.budget);
        drop(table);
        drop(dropped);
    }

    /// The kernel has forgotten `n` lookups of `ino`.
    pub(super) fn forget(&self, ino: u64, n: u64) {
        let mut table = self.table.lock();
        if let Some(node) = table.nodes.get_mut(&ino) {
            node.n_lookups = node.n_lookups.saturating_sub(n);
        }
        let dropped = table.remove_unused(ino);
        drop(table);
        drop(dropped);
    }

    /// The handle, if it is held now.
    pub(super) fn present(&self, ino: u64) -> Option<H> {
        let mut table = self.table.lock();
        let node = table.nodes.get_mut(&ino)?;
        node.used = true;
        node.handle.clone()
    }

    /// The handle; opened again if it was given back. `ESTALE` for what is not known.
    pub(super) fn handle(&self, ino: u64, open: Opener<'_, H>) -> Result<H, Errno> {
        self.handle_below(ino, open, MAX_DEPTH)
    }

    fn handle_below(&self, ino: u64, open: Opener<'_, H>, depth: u32) -> Result<H, Errno> {
        let depth = depth.checked_sub(1).ok_or(Errno::LOOP)?;
        let mut answer = Err(Errno::STALE);
        for _ in 0..MAX_TRIES {
            if let Some(handle) = self.present(ino) {
                return Ok(handle);
            }
            let Some(place) = self.place(ino) else { return Err(Errno::STALE) };
            let parent = self.handle_below(place.parent, open, depth)?;
            answer = open(&parent, self.class(place.parent), &place.name, ino);
            match &answer {
                Ok(handle) => {
                    self.restore(ino, handle.clone());
                    return answer;
                }
                Err(Errno::NOENT | Errno::STALE) => {}
                Err(_) => return answer,
            }
        }
        answer
    }

    fn restore(&self, ino: u64, handle: H) {
        let mut table = self.table.lock();
        let dropped = if table.nodes.contains_key(&ino) {
            table.set_handle(ino, handle);
            table.shrink(self.budget)
        } else {
            Vec::new()
        };
        drop(table);
        drop(dropped);
    }

    /// Keeps the handle of `ino` until [`Nodes::unpin`]; false when it is not known.
    pub(super) fn pin(&self, ino: u64) -> bool {
        self.table.lock().nodes.get_mut(&ino).map(|node| node.n_pins += 1).is_some()
    }

    /// The counterpart of [`Nodes::pin`].
    pub(super) fn unpin(&self, ino: u64) {
        let mut table = self.table.lock();
        if let Some(node) = table.nodes.get_mut(&ino) {
            node.n_pins = node.n_pins.saturating_sub(1);
        }
        let dropped = table.remove_unused(ino);
        drop(table);
        drop(dropped);
    }

    /// Gives the handle of a node back that nobody uses, so that the next use opens it anew.
    pub(super) fn give_back(&self, ino: u64) {
        let mut table = self.table.lock();
        let dropped = match table.nodes.get(&ino) {
            Some(node) if node.n_pins == 0 && node.place.is_some() => table.take_handle(ino),
            _ => None,
        };
        drop(table);
        drop(dropped);
    }

    /// Says whether the node's mode still lets this process open it again.
    pub(super) fn set_fixed(&self, ino: u64, fixed: bool) {
        if let Some(node) = self.table.lock().nodes.get_mut(&ino) {
            node.fixed = fixed;
        }
    }

    /// Where the node was last seen.
    pub(super) fn place(&self, ino: u64) -> Option<Place> {
        self.table.lock().nodes.get(&ino)?.place.clone()
    }

    /// The class of a folder; plain for what is not known.
    pub(super) fn class(&self, ino: u64) -> Class {
        self.table.lock().nodes.get(&ino).map_or(Class::Plain, |node| node.class)
    }

    /// The node got a new name (or one more).
    pub(super) fn moved(&self, ino: u64, to: Place, class: Class) {
        let mut table = self.table.lock();
        let dropped = table.set_place(ino, Some(to));
        if let Some(node) = table.nodes.get_mut(&ino) {
            node.class = class;
        }
        drop(table);
        drop(dropped);
    }

    /// The name `from` is gone. If it was the one known, the node keeps its handle from now on.
    pub(super) fn unnamed(&self, ino: u64, from: &Place) {
        let mut table = self.table.lock();
        let is_known = table.nodes.get(&ino).is_some_and(|n| n.place.as_ref() == Some(from));
        let dropped = if is_known { table.set_place(ino, None) } else { Vec::new() };
        drop(table);
        drop(dropped);
    }

    /// Handles held now.
    #[cfg(test)]
    fn n_handles(&self) -> usize {
        self.table.lock().n_handles
    }

    #[cfg(test)]
    fn len(&self) -> usize {
        self.table.lock().nodes.len()
    }
}

impl<H> Node<H> {
    fn new(place: Option<Place>, class: Class) -> Self {
        Self {
            n_lookups: 0,
            n_children: 0,
            n_pins: 0,
            place,
            class,
            handle: None,
            fixed: false,
            used: true,
            in_clock: false,
        }
    }

    fn can_be_reopened(&self) -> bool {
        self.n_pins == 0 && !self.fixed && self.place.is_some()
    }
}

/// Handles are returned, not dropped, so that closing them happens outside the lock.
impl<H> Table<H> {
    fn set_handle(&mut self, ino: u64, handle: H) {
        let Some(node) = self.nodes.get_mut(&ino) else { return };
        node.used = true;
        if node.handle.is_none() {
            node.handle = Some(handle);
            self.n_handles += 1;
        }
        if !node.in_clock {
            node.in_clock = true;
            self.clock.push_back(ino);
        }
    }

    fn take_handle(&mut self, ino: u64) -> Option<H> {
        let handle = self.nodes.get_mut(&ino)?.handle.take()?;
        self.n_handles -= 1;
        Some(handle)
    }

    fn set_place(&mut self, ino: u64, place: Option<Place>) -> Vec<H> {
        let Some(node) = self.nodes.get_mut(&ino) else { return Vec::new() };
        let new = place.as_ref().map(|place| place.parent);
        let old = std::mem::replace(&mut node.place, place).map(|place| place.parent);
        if new == old {
            return Vec::new();
        }
        if let Some(parent) = new.and_then(|parent| self.nodes.get_mut(&parent)) {
            parent.n_children += 1;
        }
        old.map_or_else(Vec::new, |old| self.orphan(old))
    }

    /// One node less has its place in `parent`.
    fn orphan(&mut self, parent: u64) -> Vec<H> {
        if let Some(node) = self.nodes.get_mut(&parent) {
            node.n_children = node.n_children.saturating_sub(1);
        }
        self.remove_unused(parent)
    }

    /// Removes `ino`, and then the folders that were known only for its sake.
    fn remove_unused(&mut self, ino: u64) -> Vec<H> {
        let mut dropped = Vec::new();
        let mut next = Some(ino);
        while let Some(ino) = next.take() {
            let Some(node) = self.nodes.get(&ino) else { break };
            if node.n_lookups > 0 || node.n_children > 0 || node.n_pins > 0 {
                break;
            }
            dropped.extend(self.take_handle(ino));
            let place = self.nodes.remove(&ino).and_then(|node| node.place);
            next = place.map(|place| place.parent);
            if let Some(parent) = next.and_then(|parent| self.nodes.get_mut(&parent)) {
                parent.n_children = parent.n_children.saturating_sub(1);
            }
        }
        // Stale entries of the clock would add up where inodes come and go under the budget.
        if self.clock.len() > 2 * self.n_handles + 64 {
            let nodes = &self.nodes;
            let mut seen = std::collections::HashSet::new();
            self.clock.retain(|ino| nodes.contains_key(ino) && seen.insert(*ino));
        }
        dropped
    }

    /// Takes handles from idle nodes until there are no more than `budget`.
    fn shrink(&mut self, budget: usize) -> Vec<H> {
        let mut dropped = Vec::new();
        let mut n_looks = MAX_LOOKS.min(2 * self.clock.len());
        while self.n_handles > budget && n_looks > 0 {
            n_looks -= 1;
            let Some(ino) = self.clock.pop_front() else { break };
            let Some(node) = self.nodes.get_mut(&ino) else { continue };
            if node.handle.is_none() {
                node.in_clock = false;
            } else if node.used || !node.can_be_reopened() {
                node.used = false;
                self.clock.push_back(ino);
            } else {
                node.in_clock = false;
                dropped.extend(self.take_handle(ino));
            }
        }
        dropped
    }
}

#[cfg(test)]
mod tests;
