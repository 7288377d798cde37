//! The one source of time.
//!
//! A [`Clock`] reads the monotonic clock of the system, or, paused, a time of its own that moves only
//! when it is told to. Nothing else in the workspace calls `Instant::now`, so a test that pauses the
//! clock has paused all of it, and a simulation can put its own time here.
//!
//! # Ordering arguments
//! - `[ORD-1]` The flag is Relaxed: whoever must see a pause synchronises with the pauser by other means
//!   (the same thread, or a wake-up), and the state itself is behind a lock.

use std::time::{Duration, Instant};

use crate::sync::static_atomic::{AtomicBool, Ordering};
use parking_lot::Mutex;

/// The clock of a runtime, shared by its timers and its users.
#[derive(Debug)]
pub struct Clock {
    /// Set while the clock does not follow the system's, or has been shifted against it.
    is_virtual: AtomicBool,
    state: Mutex<State>,
}

#[derive(Debug, Clone, Copy)]
struct State {
    /// What the clock shows at `since`, or all the time while it is paused.
    shown: Instant,
    /// The system's time at which `shown` was set; `None` while paused.
    since: Option<Instant>,
}

impl Default for Clock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock {
    /// Makes a clock that shows the system's monotonic time.
    pub fn new() -> Self {
        let now = Instant::now();
        Self {
            is_virtual: AtomicBool::new(false),
            state: Mutex::new(State { shown: now, since: Some(now) }),
        }
    }

    /// Shows the time.
    #[inline]
    pub fn now(&self) -> Instant {
        // [ORD-1] Relaxed: whoever must see a pause synchronises with the pauser by other means (the
        // same thread, or a wake-up), and the state itself is behind a lock.
        if self.is_virtual.load(Ordering::Relaxed) { self.virtual_now() } else { Instant::now() }
    }

    #[cold]
    fn virtual_now(&self) -> Instant {
        let state = *self.state.lock();
        match state.since {
            None => state.shown,
            Some(since) => state.shown + Instant::now().saturating_duration_since(since),
        }
    }

    /// Stops the clock at the time it shows. Stopping it twice does nothing.
    pub fn pause(&self) {
        let now = self.now();
        let mut state = self.state.lock();
        if state.since.is_some() {
            *state = State { shown: now, since: None };
        }
        // [ORD-1]
        self.is_virtual.store(true, Ordering::Relaxed);
    }

    /// Lets a paused clock run on from the time it shows.
    pub fn resume(&self) {
        let mut state = self.state.lock();
        if state.since.is_none() {
            state.since = Some(Instant::now());
        }
    }

    /// Returns whether the clock is paused.
    pub fn is_paused(&self) -> bool {
        // [ORD-1]
        self.is_virtual.load(Ordering::Relaxed) && self.state.lock().since.is_none()
    }

    /// Moves a paused clock forward; a running one is left alone and `false` returned.
    ///
    /// A step past the end of what an `Instant` can show stops at the largest time that it can.
    pub fn advance(&self, step: Duration) -> bool {
        let mut state = self.state.lock();
        if state.since.is_some() {
            return false;
        }
        state.shown = far_future(state.shown, step);
        true
    }
}

/// The system's monotonic time, for limits that must pass even while a runtime's clock is paused.
pub fn system_now() -> Instant {
    Instant::now()
}

/// Adds a duration to an instant; what lies beyond the representable is some 30 years away.
///
/// `Instant + Duration::MAX` panics; a deadline that will not be reached in the life of the process is
/// the same as one in 30 years.
pub fn far_future(from: Instant, step: Duration) -> Instant {
    const YEARS_30: Duration = Duration::from_secs(30 * 365 * 24 * 60 * 60);
    from.checked_add(step).or_else(|| from.checked_add(YEARS_30)).unwrap_or(from)
}

#[cfg(test)]
mod tests;
