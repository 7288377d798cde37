//! The tasks of a seat: a linked list that owns a reference to each, behind a spin lock.
//!
//! A task is linked by whoever spawns it and unlinked by whoever completes it; `all_tasks`, shutdown and
//! the inspector walk the list. The sections under the lock are a few stores long (a walk takes at most
//! [`WALK_STEP`] references), so the lock is the spin lock of base, which a model replaces by a mutex.
//! Without it: a race on the links (loom `list_is_never_raced`).
//!
//! # Ordering arguments
//! - `[ORD-1]` The length is written under the lock and read without it, as a figure.

use std::panic::Location;
use std::ptr::{self, NonNull};

use bowerbird_base::sync::SpinLock;
use bowerbird_base::sync::atomic::{AtomicUsize, Ordering};

use crate::owner::OwnerNumber;
use crate::task::handle::TaskHandle;
use crate::task::header::{Header, TaskCell};
use crate::task::state::{HIDDEN, State};
use crate::wake::free;

/// How many references a walk takes while it holds the lock.
const WALK_STEP: usize = 64;

/// The list.
pub(crate) struct OwnedList {
    head: SpinLock<Head>,
    len: AtomicUsize,
}

/// The newest task; whoever holds this holds the lock, and with it all the links.
struct Head(*const Header);

// SAFETY: the links of the members are touched by the holder of the lock only, whatever its thread; headers
// are shared between threads by their own rules (state.rs, field access).
unsafe impl Send for Head {}

impl OwnedList {
    pub(crate) fn new() -> Self {
        Self { head: SpinLock::new(Head(ptr::null())), len: AtomicUsize::new(0) }
    }

    /// How many tasks are linked.
    pub(crate) fn len(&self) -> usize {
        // [ORD-1]
        self.len.load(Ordering::Relaxed)
    }

    /// Links a task at the head; the list's reference was counted when the task was made.
    #[inline]
    pub(crate) fn link(&self, task: NonNull<Header>) {
        let mut head = self.head.lock();
        head.link_behind(task, ptr::null());
        // [ORD-1]
        self.len.store(self.len.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
    }

    /// Unlinks a task; the list's reference goes over to the caller. Returns how many are left.
    #[inline]
    pub(crate) fn unlink(&self, task: NonNull<Header>) -> usize {
        let mut head = self.head.lock();
        head.unlink(task);
        // [ORD-1]
        let left = self.len.load(Ordering::Relaxed) - 1;
        // [ORD-1]
        self.len.store(left, Ordering::Relaxed);
        left
    }

    /// Calls `f`, without the lock, for every task that is linked during the whole walk, the newest first;
    /// those that come or go meanwhile may be seen or not.
    ///
    /// A marker stands in the list between the steps; each step takes references to at most 64 tasks.
    pub(crate) fn for_each(&self, mut f: impl FnMut(TaskHandle)) {
        let marker = Marker::new(self);
        loop {
            let (batch, is_end) = marker.step();
            batch.into_iter().for_each(&mut f);
            if is_end {
                return;
            }
        }
    }
}

impl Head {
    /// Links `task` behind `previous`, or at the head.
    #[inline]
    fn link_behind(&mut self, task: NonNull<Header>, previous: *const Header) {
        let next = match NonNull::new(previous.cast_mut()) {
            Some(previous) => {
                let (_, next) = links(previous);
                set_next(previous, task.as_ptr());
                next
            }
            None => std::mem::replace(&mut self.0, task.as_ptr()),
        };
        set_links(task, previous, next);
        if let Some(next) = NonNull::new(next.cast_mut()) {
            set_previous(next, task.as_ptr());
        }
    }

    /// Takes a task out.
    #[inline]
    fn unlink(&mut self, task: NonNull<Header>) {
        let (previous, next) = links(task);
        match NonNull::new(previous.cast_mut()) {
            Some(previous) => set_next(previous, next),
            None => self.0 = next,
        }
        if let Some(next) = NonNull::new(next.cast_mut()) {
            set_previous(next, previous);
        }
    }
}

/// The number of a cursor, which no task has.
const MARKER_ID: u64 = 0;

/// A cursor in the list: a task that is never queued.
struct Marker<'a> {
    list: &'a OwnedList,
    task: NonNull<Header>,
}

impl<'a> Marker<'a> {
    fn new(list: &'a OwnedList) -> Self {
        let state = State::new(HIDDEN);
        let task = TaskCell::allocate(
            std::future::ready(()),
            state,
            OwnerNumber(0),
            MARKER_ID,
            Location::caller(),
        );
        list.head.lock().link_behind(task, ptr::null());
        Self { list, task }
    }

    /// Takes references to the next tasks and moves behind them.
    fn step(&self) -> (Vec<TaskHandle>, bool) {
        let mut batch = Vec::with_capacity(WALK_STEP);
        let mut head = self.list.head.lock();
        let (_, mut next) = links(self.task);
        let mut last = ptr::null();
        for _ in 0..WALK_STEP {
            let Some(task) = NonNull::new(next.cast_mut()) else { break };
            if header(task).id().get() != MARKER_ID {
                batch.push(TaskHandle::retain(task));
            }
            (last, next) = (next, links(task).1);
        }
        if !last.is_null() {
            head.unlink(self.task);
            head.link_behind(self.task, last);
        }
        drop(head);
        (batch, next.is_null())
    }
}

impl Drop for Marker<'_> {
    fn drop(&mut self) {
        self.list.head.lock().unlink(self.task);
        free(self.task);
    }
}

fn header<'a>(task: NonNull<Header>) -> &'a Header {
    // SAFETY: a linked task is alive by the list's reference, and one that is being linked, unlinked or
    // walked from by the caller's; the borrow does not outlive the section under the lock.
    unsafe { task.as_ref() }
}

fn links(task: NonNull<Header>) -> (*const Header, *const Header) {
    header(task).links.with(|links| {
        // SAFETY: the caller holds the lock of the list.
        let links = unsafe { &*links };
        (links.previous, links.next)
    })
}

fn set_links(task: NonNull<Header>, previous: *const Header, next: *const Header) {
    header(task).links.with_mut(|links| {
        // SAFETY: the caller holds the lock of the list.
        let links = unsafe { &mut *links };
        links.previous = previous;
        links.next = next;
    });
}

fn set_previous(task: NonNull<Header>, previous: *const Header) {
    let (_, next) = links(task);
    set_links(task, previous, next);
}

fn set_next(task: NonNull<Header>, next: *const Header) {
    let (previous, _) = links(task);
    set_links(task, previous, next);
}

#[cfg(test)]
mod tests;
