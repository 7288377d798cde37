//! Debug mode, for crates that know no runtime: whether it is on, and where what it has seen is told.
//!
//! The executor says which runtimes are in debug mode and once for the process who hears; crates below it
//! (timers, descriptors, channels, sockets) ask [`is_on`] and [`report`]:
//!
//! ```
//! # use bowerbird_base::debug::{self, Warning, WarningKind};
//! # let location = std::panic::Location::caller();
//! # let looks_wrong = || false;
//! if debug::is_on() && looks_wrong() {
//!     debug::report(Warning::new(WarningKind::NeverUsed, "a thing was never closed").at(location));
//! }
//! ```
//!
//! Ask [`is_on`] first, and only where something is about to be made, dropped, or waited for: it is one load
//! and one branch. Keep what is behind it out of line. A report goes to the exception handler of the thread's
//! runtime, with the task that is polled, if that runtime is in debug mode; to standard error on a thread
//! without a runtime; nowhere from a runtime that is not in debug mode, while another one is. It may be made
//! in a destructor, but not under a lock: the handler is the user's.
//!
//! Futures that want to be told of when nobody polled them hold a [`CallSite`](crate::call_site::CallSite).
//!
//! # Ordering arguments
//! - `[ORD-1]` How many runtimes are in debug mode: Relaxed. It says whether to look, and guards nothing; who
//!   switches it on in one thread and makes things in another is told of those made a moment later.

use std::cell::Cell;
use std::panic::Location;
use std::sync::OnceLock;

use crate::const_thread_local;
use crate::sync::static_atomic::{AtomicUsize, Ordering};

/// How many runtimes of the process are in debug mode.
static COUNT: AtomicUsize = AtomicUsize::new(0);

static LISTENER: OnceLock<Listener> = OnceLock::new();

const_thread_local! {
    /// How many [`Quiet`]s this thread holds.
    static QUIET: Cell<u32> = Cell::new(0);
}

/// Hears of what debug mode has seen.
pub type Listener = fn(Warning);

/// Returns whether a runtime of this process is in debug mode: one load.
#[inline]
pub fn is_on() -> bool {
    COUNT.load(Ordering::Relaxed) != 0 // [ORD-1]
}

/// What kind of thing debug mode has seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum WarningKind {
    /// Something was made and never awaited, or never closed.
    NeverUsed,
    /// A task may wait for what a future of its own holds that it does not poll.
    Futurelock,
}

/// What debug mode tells.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Warning {
    /// What kind of thing it is.
    pub kind: WarningKind,
    /// What was seen, in words.
    pub text: String,
    /// Where the user's code made what it is about, if that is known.
    pub location: Option<&'static Location<'static>>,
}

impl Warning {
    /// Makes a warning without a place.
    pub fn new(kind: WarningKind, text: impl Into<String>) -> Self {
        Self { kind, text: text.into(), location: None }
    }

    /// Says where the user's code made what it is about.
    #[must_use]
    pub fn at(mut self, location: &'static Location<'static>) -> Self {
        self.location = Some(location);
        self
    }
}

/// Tells of something that debug mode has seen. Nothing is told while the thread is [`quiet`], or panics.
#[cold]
pub fn report(warning: Warning) {
    if is_quiet() || std::thread::panicking() {
        return;
    }
    if let Some(listener) = LISTENER.get() {
        listener(warning);
    }
}

/// Tells that a future was dropped before its first poll: the one that the function of that name made.
///
/// asyncio: "coroutine ... was never awaited".
#[cold]
pub fn report_never_awaited(call: &str, location: &'static Location<'static>) {
    let text = format!("{call}() was never awaited");
    report(Warning::new(WarningKind::NeverUsed, text).at(location));
}

/// As long as this lives, its thread tells nothing.
#[derive(Debug)]
#[must_use = "it is quiet as long as this lives"]
pub struct Quiet {
    is_counted: bool,
}

/// Lets this thread tell nothing for a time: for the drop of futures that were given up half-way, whose code
/// had no chance to await what it holds, or to close it. One load, when debug mode is off.
#[inline]
pub fn quiet() -> Quiet {
    let is_counted = is_on();
    if is_counted {
        add_quiet(1);
    }
    Quiet { is_counted }
}

/// Calls `f` while this thread is [`quiet`].
#[inline]
pub fn quietly<R>(f: impl FnOnce() -> R) -> R {
    if is_on() { counted_quietly(f) } else { f() }
}

#[cold]
fn counted_quietly<R>(f: impl FnOnce() -> R) -> R {
    let _quiet = quiet();
    f()
}

impl Drop for Quiet {
    #[inline]
    fn drop(&mut self) {
        if self.is_counted {
            add_quiet(-1);
        }
    }
}

#[cold]
fn add_quiet(change: i32) {
    QUIET.with(|count| count.set(count.get().wrapping_add_signed(change)));
}

/// Returns whether this thread tells nothing at the moment.
fn is_quiet() -> bool {
    QUIET.with(Cell::get) > 0
}

// ---------------------------------------------------------------------------------------------------
// The executor's side
// ---------------------------------------------------------------------------------------------------

/// A runtime goes into debug mode.
pub fn runtime_entered() {
    COUNT.fetch_add(1, Ordering::Relaxed); // [ORD-1]
}

/// A runtime leaves debug mode, or ends in it. If this overtakes its own entry, debug mode seems on for a
/// moment.
pub fn runtime_left() {
    COUNT.fetch_sub(1, Ordering::Relaxed); // [ORD-1]
}

/// Says who hears; the first to say so stays.
pub fn set_listener(listener: Listener) {
    // Every runtime of the process says the same.
    let _is_set_already = LISTENER.set(listener);
}

#[cfg(test)]
pub(crate) mod tests;
