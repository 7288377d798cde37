//! The tree of tokens: who is cancelled with whom.
//!
//! A parent holds its children and a child its parent, as long as both have handles. A node whose last
//! handle goes leaves the tree at once, and its children become its parent's: a long-lived parent keeps
//! nothing of the children that it has had, and a chain of children does not grow.
//!
//! Locks are taken from the ancestor to the descendant. A cancellation holds the lock of the node that it
//! begins with until everything below is cancelled, and each node remembers that one: so whoever calls
//! `cancel` waits until all of it is done, whoever else is at it. That node stays in its parent's list until
//! then, so that a cancellation of an ancestor meets it there and waits, too. No lock is held while wakers are
//! called, dropped or cloned.
//!
//! A node whose parent is cancelled and which still names it as its parent is about to be visited by that
//! cancellation, which holds it in its list: it is left alone.
//!
//! # Ordering arguments
//! - `[ORD-1]` The flag is set with Release, under the node's lock, and read with Acquire: who sees it sees
//!   what the canceller did before. Whoever misses it looks again under the lock before it waits.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::task::Waker;

use bowerbird_base::sync::Mutex;
use bowerbird_base::sync::atomic::{AtomicBool, Ordering};
use bowerbird_base::wake_all::wake_all;

use crate::slots::Slots;

/// One token of the tree.
pub(super) struct Node {
    is_cancelled: AtomicBool,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The parent, and the place among its children.
    parent: Option<(Arc<Node>, usize)>,
    children: Slots<Arc<Node>>,
    /// In the order of their arrival.
    waiters: BTreeMap<u64, Waker>,
    next_waiter: u64,
    /// The node whose cancellation came here.
    cancelled_from: Option<Arc<Node>>,
}

impl Node {
    /// Makes the root of a tree.
    pub(super) fn root() -> Arc<Self> {
        Self::new(false, State::default())
    }

    fn new(is_cancelled: bool, state: State) -> Arc<Self> {
        Arc::new(Self { is_cancelled: AtomicBool::new(is_cancelled), state: Mutex::new(state) })
    }

    /// Makes a child; that of a cancelled node is cancelled, and in no tree.
    pub(super) fn child(self: &Arc<Self>) -> Arc<Self> {
        let mut state = self.state.lock();
        if self.is_cancelled() {
            return Self::new(true, State::default());
        }
        let parent = Some((self.clone(), state.children.next_place()));
        let child = Self::new(false, State { parent, ..State::default() });
        state.children.insert(child.clone());
        child
    }

    pub(super) fn is_cancelled(&self) -> bool {
        // [ORD-1]
        self.is_cancelled.load(Ordering::Acquire)
    }

    /// Cancels the node and everything below it, and wakes who waits.
    pub(super) fn cancel(self: &Arc<Self>) {
        if self.is_cancelled() {
            return self.wait_for_canceller();
        }
        let mut waiters = Vec::new();
        let mut visited = Vec::new();
        let mut state = self.state.lock();
        if self.is_cancelled() {
            drop(state);
            return self.wait_for_canceller();
        }
        self.finish(&mut state, &mut visited, &mut waiters);
        let mut next = 0;
        while let Some(node) = visited.get(next).cloned() {
            next += 1;
            let mut state = node.state.lock();
            state.parent = None;
            if node.is_cancelled() {
                // By another thread, which has found all that is below.
                continue;
            }
            state.cancelled_from = Some(self.clone());
            node.finish(&mut state, &mut visited, &mut waiters);
        }
        drop(state);
        self.leave_parent();
        wake_all(waiters);
    }

    /// The node is cancelled, but perhaps not yet everything below it: the locks wait for that.
    #[cold]
    fn wait_for_canceller(&self) {
        let from = self.state.lock().cancelled_from.clone();
        if let Some(from) = from {
            drop(from.state.lock());
        }
    }

    /// Marks this node, and moves its children and waiters to the lists.
    fn finish(&self, state: &mut State, children: &mut Vec<Arc<Self>>, waiters: &mut Vec<Waker>) {
        // [ORD-1]
        self.is_cancelled.store(true, Ordering::Release);
        children.extend(state.children.take_all());
        waiters.extend(std::mem::take(&mut state.waiters).into_values());
    }

    /// The last handle is gone: the node leaves the tree, its children become its parent's.
    pub(super) fn leave(self: &Arc<Self>) {
        loop {
            if self.is_cancelled() {
                return;
            }
            let Some((parent, _)) = self.state.lock().parent.clone() else {
                return self.leave_as_root();
            };
            let mut parent_state = parent.state.lock();
            let mut state = self.state.lock();
            let Some(place) = state.place_below(&parent) else { continue };
            if parent.is_cancelled() {
                return;
            }
            state.parent = None;
            let itself = parent_state.children.remove(place);
            for child in state.children.take_all() {
                let place = parent_state.children.next_place();
                child.state.lock().parent = Some((parent.clone(), place));
                parent_state.children.insert(child);
            }
            drop((state, parent_state));
            drop(itself);
            return;
        }
    }

    /// Nobody can cancel the root any more: each of its children is one now.
    fn leave_as_root(&self) {
        let mut state = self.state.lock();
        let children = state.children.take_all();
        for child in &children {
            child.state.lock().parent = None;
        }
        drop(state);
    }

    /// The node is cancelled, and all below it: it leaves its parent's list.
    fn leave_parent(self: &Arc<Self>) {
        loop {
            let Some((parent, _)) = self.state.lock().parent.clone() else { return };
            let mut parent_state = parent.state.lock();
            let mut state = self.state.lock();
            let Some(place) = state.place_below(&parent) else { continue };
            state.parent = None;
            if !parent.is_cancelled() {
                parent_state.children.remove(place);
            }
            return;
        }
    }

    /// Waits for the cancellation: registers a waker at `place`, or at a place that it gives. Returns whether
    /// the node is cancelled.
    pub(super) fn register(&self, place: &mut Option<u64>, waker: &Waker) -> bool {
        {
            let state = self.state.lock();
            if self.is_cancelled() {
                return true;
            }
            let stored = place.and_then(|place| state.waiters.get(&place));
            if stored.is_some_and(|stored| stored.will_wake(waker)) {
                return false;
            }
        }
        let mut fresh = Some(waker.clone());
        let mut state = self.state.lock();
        if self.is_cancelled() {
            drop(state);
            return true;
        }
        match place.and_then(|place| state.waiters.get_mut(&place)) {
            // What was stored is dropped with `fresh`, after the lock.
            Some(stored) => fresh = fresh.map(|fresh| std::mem::replace(stored, fresh)),
            None => {
                let number = state.next_waiter;
                state.next_waiter += 1;
                state.waiters.extend(fresh.take().map(|fresh| (number, fresh)));
                *place = Some(number);
            }
        }
        drop(state);
        drop(fresh);
        false
    }

    /// Takes a waker away again.
    pub(super) fn unregister(&self, place: u64) {
        let mut state = self.state.lock();
        // A cancellation has taken them all.
        let waker = if self.is_cancelled() { None } else { state.waiters.remove(&place) };
        drop(state);
        drop(waker);
    }

    #[cfg(test)]
    pub(super) fn sizes(&self) -> (usize, usize, usize) {
        let state = self.state.lock();
        (state.children.len(), state.children.capacity(), state.waiters.len())
    }
}

impl State {
    /// The place among the children of `parent`, if that is still the parent.
    fn place_below(&self, parent: &Arc<Node>) -> Option<usize> {
        match &self.parent {
            Some((own, place)) if Arc::ptr_eq(own, parent) => Some(*place),
            _ => None,
        }
    }
}
