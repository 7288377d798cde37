//! `SIGINT` and `SIGTERM` while a program's main future runs: for `run` of the umbrella crate.
//!
//! ```text
//!             1 begin: the default action is installed
//!   DEFAULT ------------------------------------------------------------------------> TAKEN
//!      ^                                                                               |  |
//!      |  2 drop, our handler is on top                                                |  | 2 drop, another
//!      '-------------------------------------------------------------------------------'  |   one calls ours
//!   BENEATH <-----------------------------------------------------------------------------'
//!      |  1 begin: ours is still called, nothing is to be installed
//!      '------------------------------------------------------------------------------> TAKEN
//! ```
//! The handler counts; up to a limit it rings a bell, and past it the process ends at once, whatever its
//! threads do. While somebody listens for the signal (`crate::signal`), the handler does nothing: the signal
//! is the listener's. So `signal` puts this handler beneath the one of signal-hook-registry ([`lay_beneath`]):
//! a `run` that comes later would find that one, and take it for somebody else's.
//!
//! # Ordering arguments
//! - `[ORD-1]` The bell's descriptor must not be closed while a handler, on any thread, is about to write to
//!   it. The handler counts itself in and then reads the bell; whoever ends the takeover takes the bell away
//!   and then waits until nobody is in. All four are SeqCst: a handler that still read the bell has counted
//!   itself in before the bell was taken away, so it is waited for. Weaker, or without the wait: the handler
//!   writes into whatever got the descriptor's number next (test
//!   `takeovers_in_a_storm_of_signals_write_to_no_other_descriptor`). A handler that interrupts the one who
//!   waits runs to its end first, so that is no deadlock.
//! - `[ORD-2]` What is set before the bell is there and read by a handler that has seen it: Relaxed, ordered
//!   by `[ORD-1]`'s bell. The count is only ever added to; who was rung for reads it after the descriptor,
//!   which the kernel orders.
//! - `[ORD-3]` The number of listeners: Relaxed. A delivery that comes while a listener is being made or
//!   dropped may go either way.

use std::io;
use std::thread;

use bowerbird_base::sync::Mutex;
use bowerbird_base::sync::static_atomic::{AtomicI32, AtomicU8, AtomicU32, AtomicUsize, Ordering};
use libc::c_int;

use crate::bell::{Bell, Ringer};
use crate::signal::SignalKind;

/// What the handler does about a signal that was taken over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reaction {
    /// Counts it and rings, or ends the process.
    Ring,
    /// Nothing.
    Nothing,
}

const OFF: u8 = 0;
const RING: u8 = 1;
const NOTHING: u8 = 2;
const NO_BELL: i32 = -1;

/// One of the two signals, as its handler sees it.
struct Slot {
    number: c_int,
    reaction: AtomicU8,
    listeners: AtomicUsize,
}

static SLOTS: [Slot; 2] = [Slot::new(libc::SIGINT), Slot::new(libc::SIGTERM)];
static BELL: AtomicI32 = AtomicI32::new(NO_BELL);
/// How many handlers are running.
static INSIDE: AtomicUsize = AtomicUsize::new(0);
/// How many deliveries there were, of both signals.
static COUNT: AtomicU32 = AtomicU32::new(0);
/// How many of them ring; the next one ends the process.
static LIMIT: AtomicU32 = AtomicU32::new(0);
/// The number of the first one.
static FIRST: AtomicI32 = AtomicI32::new(0);
static INSTALLED: Mutex<Installed> =
    Mutex::new(Installed { is_taken: false, is_ours: [false; SLOTS.len()] });

/// What has been done to the process's handlers.
struct Installed {
    /// A takeover goes on.
    is_taken: bool,
    /// Our handler is installed, or was and another one calls it.
    is_ours: [bool; SLOTS.len()],
}

impl Slot {
    const fn new(number: c_int) -> Self {
        Self { number, reaction: AtomicU8::new(OFF), listeners: AtomicUsize::new(0) }
    }

    fn of(kind: SignalKind) -> Option<&'static Self> {
        SLOTS.iter().find(|slot| slot.number == kind.as_raw())
    }
}

// ---------------------------------------------------------------------------------------------------
// The handler
// ---------------------------------------------------------------------------------------------------

/// Called by the system, at any point of any thread. Atomics, `write` and `_exit` are all it may use.
extern "C" fn on_signal(number: c_int) {
    INSIDE.fetch_add(1, Ordering::SeqCst); // [ORD-1]
    let bell = BELL.load(Ordering::SeqCst); // [ORD-1]
    let slot = SLOTS.iter().find(|slot| slot.number == number);
    if let Some(slot) = slot.filter(|_| bell != NO_BELL) {
        // [ORD-2]
        let is_wanted = slot.reaction.load(Ordering::Relaxed) == RING
            // [ORD-3]
            && slot.listeners.load(Ordering::Relaxed) == 0;
        if is_wanted {
            count_and_ring(number, bell);
        }
    }
    INSIDE.fetch_sub(1, Ordering::SeqCst); // [ORD-1]
}

fn count_and_ring(number: c_int, bell: i32) {
    let before = COUNT.fetch_add(1, Ordering::Relaxed); // [ORD-2]
    // [ORD-2]
    if before >= LIMIT.load(Ordering::Relaxed) {
        // SAFETY: `_exit` has no condition, and may be called in a handler.
        unsafe { libc::_exit(SignalKind::from_raw(number).exit_code()) }
    }
    // [ORD-2]
    let _later_ones_do_not_count =
        FIRST.compare_exchange(0, number, Ordering::Relaxed, Ordering::Relaxed);
    // SAFETY: the descriptor is open as long as this handler is counted in ([ORD-1]).
    let bell = unsafe { std::os::fd::BorrowedFd::borrow_raw(bell) };
    Ringer::ring_raw(bell);
}

// ---------------------------------------------------------------------------------------------------
// Taking over
// ---------------------------------------------------------------------------------------------------

/// The two signals are this one's until it is dropped.
#[derive(Debug)]
pub struct Takeover {
    /// Keeps the descriptor open for the handler.
    _ringer: Ringer,
}

impl Takeover {
    /// Returns whether this thread may take over: it is the main one, whose program's end the signals are, and
    /// no takeover goes on.
    pub fn is_possible() -> bool {
        is_main_thread() && !INSTALLED.lock().is_taken
    }

    /// Takes the signals that have a reaction, if their default action is installed: so many deliveries ring
    /// the bell, the next one ends the process with [`SignalKind::exit_code`]. `None` if there is nothing to
    /// take: another takeover goes on, or the signals have handlers already.
    ///
    /// # Errors
    /// What the system says.
    pub fn begin(
        bell: &Bell,
        limit: u32,
        interrupt: Option<Reaction>,
        terminate: Option<Reaction>,
    ) -> io::Result<Option<Self>> {
        let mut installed = INSTALLED.lock();
        if installed.is_taken {
            return Ok(None);
        }
        let mut has_any = false;
        for (index, wanted) in [interrupt, terminate].into_iter().enumerate() {
            let reaction = match wanted {
                Some(Reaction::Ring) if installed.lay(index)? => RING,
                Some(Reaction::Nothing) if installed.lay(index)? => NOTHING,
                _ => OFF,
            };
            has_any |= reaction != OFF;
            SLOTS[index].reaction.store(reaction, Ordering::Relaxed); // [ORD-2]
        }
        if !has_any {
            return Ok(None);
        }
        installed.is_taken = true;
        COUNT.store(0, Ordering::Relaxed); // [ORD-2]
        FIRST.store(0, Ordering::Relaxed); // [ORD-2]
        LIMIT.store(limit, Ordering::Relaxed); // [ORD-2]
        let ringer = bell.ringer();
        BELL.store(ringer.raw(), Ordering::SeqCst); // [ORD-1]
        Ok(Some(Self { _ringer: ringer }))
    }

    /// How many deliveries of both signals there were in this takeover, or the last one.
    pub fn count() -> u32 {
        COUNT.load(Ordering::Relaxed) // [ORD-2]
    }

    /// Which signal came first.
    pub fn first() -> Option<SignalKind> {
        let number = FIRST.load(Ordering::Relaxed); // [ORD-2]
        (number != 0).then_some(SignalKind::from_raw(number))
    }
}

impl Drop for Takeover {
    fn drop(&mut self) {
        let mut installed = INSTALLED.lock();
        BELL.store(NO_BELL, Ordering::SeqCst); // [ORD-1]
        // [ORD-1]
        while INSIDE.load(Ordering::SeqCst) != 0 {
            thread::yield_now();
        }
        for (index, slot) in SLOTS.iter().enumerate() {
            slot.reaction.store(OFF, Ordering::Relaxed); // [ORD-2]
            installed.restore(index);
        }
        installed.is_taken = false;
    }
}

/// Somebody listens for a signal, by a handler that is installed over ours.
#[derive(Debug)]
pub(crate) struct Listening(SignalKind);

/// Puts our handler beneath the one that a listener is about to install, where `run` finds it, and notes the
/// listener.
pub(crate) fn lay_beneath(kind: SignalKind) -> io::Result<Listening> {
    if let Some(index) = SLOTS.iter().position(|slot| slot.number == kind.as_raw()) {
        INSTALLED.lock().lay(index)?;
        SLOTS[index].listeners.fetch_add(1, Ordering::Relaxed); // [ORD-3]
    }
    Ok(Listening(kind))
}

impl Drop for Listening {
    fn drop(&mut self) {
        if let Some(slot) = Slot::of(self.0) {
            slot.listeners.fetch_sub(1, Ordering::Relaxed); // [ORD-3]
        }
    }
}

impl Installed {
    /// Installs our handler in place of the default action. Returns whether ours is called from now on, by
    /// the system or by the handler above it.
    fn lay(&mut self, index: usize) -> io::Result<bool> {
        let number = SLOTS[index].number;
        if current_handler(number)? == libc::SIG_DFL {
            set_handler(number, handler_address())?;
            self.is_ours[index] = true;
        }
        Ok(self.is_ours[index])
    }

    /// Puts the default action back, unless somebody has put a handler over ours.
    fn restore(&mut self, index: usize) {
        let number = SLOTS[index].number;
        let is_on_top = current_handler(number).is_ok_and(|now| now == handler_address());
        if self.is_ours[index] && is_on_top && set_handler(number, libc::SIG_DFL).is_ok() {
            self.is_ours[index] = false;
        }
    }
}

// ---------------------------------------------------------------------------------------------------
// The system
// ---------------------------------------------------------------------------------------------------

fn handler_address() -> libc::sighandler_t {
    let handler: extern "C" fn(c_int) = on_signal;
    handler as *const () as libc::sighandler_t
}

fn current_handler(number: c_int) -> io::Result<libc::sighandler_t> {
    sigaction(number, None)
}

fn set_handler(number: c_int, handler: libc::sighandler_t) -> io::Result<()> {
    sigaction(number, Some(handler)).map(drop)
}

/// Sets a handler, if one is given, and returns the one that was there.
fn sigaction(number: c_int, handler: Option<libc::sighandler_t>) -> io::Result<libc::sighandler_t> {
    // SAFETY: the type is plain data, for which zero is a value: no flag, an empty mask, the default action.
    let mut before: libc::sigaction = unsafe { std::mem::zeroed() };
    let mut new = before;
    // SAFETY: the mask is ours to write.
    unsafe { libc::sigemptyset(&raw mut new.sa_mask) };
    new.sa_flags = libc::SA_RESTART;
    new.sa_sigaction = handler.unwrap_or(libc::SIG_DFL);
    let pointer = if handler.is_some() { &raw const new } else { std::ptr::null() };
    // SAFETY: both pointers are null or to values that live through the call. A handler that is given is the
    // default action or `on_signal`, which does only what a handler may do.
    let result = unsafe { libc::sigaction(number, pointer, &raw mut before) };
    if result == 0 { Ok(before.sa_sigaction) } else { Err(io::Error::last_os_error()) }
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn is_main_thread() -> bool {
    rustix::thread::gettid() == rustix::process::getpid()
}

#[cfg(any(target_vendor = "apple", target_os = "freebsd"))]
fn is_main_thread() -> bool {
    // SAFETY: the call has no condition.
    unsafe { libc::pthread_main_np() == 1 }
}

/// Where the system does not say, the main thread is the one that std has named so.
#[cfg(not(any(
    target_os = "linux",
    target_os = "android",
    target_vendor = "apple",
    target_os = "freebsd"
)))]
fn is_main_thread() -> bool {
    thread::current().name() == Some("main")
}

#[cfg(test)]
mod tests;
