//! The rescue thread: serves what a worker in a long poll does not.
//!
//! While any worker is awake, it looks now and then whether a worker's poll number stands still. If so, it takes the task from that worker's slot, fires its deadlines, harvests the events that
//! nobody waits for, and wakes a sleeper for what is queued there. It sleeps without a timeout once all
//! workers have slept for a while, and is not there at all with one worker, who has nobody to be rescued
//! by.
//!
//! It looks every two milliseconds where it finds long polls, and each time that it finds none it waits twice as
//! long, up to eight (Go's `sysmon` paces itself in the same way, up to ten). A look costs little itself,
//! but it runs somewhere: with a look every two milliseconds the 99th percentile of `wake_latency` with two
//! workers was 85 us, with none 33.
//!
//! # Ordering arguments
//! - `[ORD-1]` The rescue thread says that it sleeps and then asks, by a read-modify-write on the word of
//!   the idle protocol, whether all workers do; a worker that wakes up changes that word by a
//!   read-modify-write and then asks whether the rescue thread sleeps. One of the two changes comes first,
//!   so either the thread sees the worker or the worker sees the thread; those changes carry the flag, which is
//!   Relaxed itself. Weaker (a load of the word, the flag after the question, a worker that does not ask):
//!   a worker in a long poll that nobody rescues (loom `rescue_thread_sees_who_is_awake`).

use std::time::Duration;

use bowerbird_base::sync::atomic::{AtomicBool, Ordering};
use bowerbird_base::sync::{Condvar, Mutex};

use crate::idle::Idle;
use crate::report::caught;
use crate::runtime::Runtime;
use crate::unhandled::UnhandledKind;

/// How long a poll may take before its worker's other work is done by others, where that happens often.
const SHORTEST_PERIOD: Duration = Duration::from_millis(2);
/// The same where it does not.
const LONGEST_PERIOD: Duration = Duration::from_millis(8);
/// When all workers were seen asleep for so long, the thread sleeps too.
const QUIET: Duration = Duration::from_millis(50);

/// The rescue thread's own state.
pub(crate) struct Rescue {
    is_asleep: AtomicBool,
    state: Mutex<RescueState>,
    changed: Condvar,
}

#[derive(Default)]
struct RescueState {
    is_woken: bool,
    is_stopped: bool,
}

impl Rescue {
    pub(crate) fn new() -> Self {
        Self {
            is_asleep: AtomicBool::new(false),
            state: Mutex::new(RescueState::default()),
            changed: Condvar::new(),
        }
    }

    /// A worker has just left its sleep, by a change of the idle word.
    #[inline]
    pub(crate) fn worker_woke(&self) {
        // [ORD-1]
        if self.is_asleep.load(Ordering::Relaxed) {
            self.wake();
        }
    }

    /// Says that the rescue thread sleeps, and then asks whether it may.
    pub(crate) fn may_sleep(&self, idle: &Idle) -> bool {
        // [ORD-1]
        self.is_asleep.store(true, Ordering::Relaxed);
        idle.all_sleep()
    }

    #[cold]
    fn wake(&self) {
        self.is_asleep.store(false, Ordering::Relaxed); // [ORD-1] a second worker need not wake it too
        self.state.lock().is_woken = true;
        self.changed.notify_one();
    }

    pub(crate) fn stop(&self) {
        self.state.lock().is_stopped = true;
        self.changed.notify_one();
    }

    /// Waits one period, or, asleep, until a worker wakes up. Returns whether to go on.
    fn wait(&self, period: Option<Duration>) -> bool {
        let mut state = self.state.lock();
        if !state.is_stopped && !state.is_woken {
            match period {
                Some(period) => {
                    self.changed.wait_for(&mut state, period);
                }
                None => self.changed.wait(&mut state),
            }
        }
        state.is_woken = false;
        !state.is_stopped
    }
}

impl Runtime {
    /// The loop of the rescue thread.
    pub(crate) fn watch(self: std::sync::Arc<Self>) {
        let _entered = crate::runtime::Entered::new(&self, None);
        let mut seen: Vec<u64> = self.seats.iter().map(|seat| seat.polls()).collect();
        let (mut period, mut quiet) = (SHORTEST_PERIOD, Duration::ZERO);
        loop {
            quiet = if self.idle.all_sleep() { quiet + period } else { Duration::ZERO };
            let go_on = if quiet > QUIET {
                period = SHORTEST_PERIOD;
                self.sleep_until_a_worker_wakes()
            } else {
                self.rescue.wait(Some(period))
            };
            if !go_on {
                return;
            }
            let mut rescued = false;
            for (index, seat) in self.seats.iter().enumerate() {
                let polls = seat.polls();
                if std::mem::replace(&mut seen[index], polls) == polls && !seat.is_parked() {
                    self.rescue_seat(index);
                    rescued = true;
                }
            }
            period = if rescued { SHORTEST_PERIOD } else { LONGEST_PERIOD.min(period * 2) };
        }
    }

    fn sleep_until_a_worker_wakes(&self) -> bool {
        let may_sleep = self.rescue.may_sleep(&self.idle);
        let go_on = self.rescue.wait(if may_sleep { None } else { Some(SHORTEST_PERIOD) });
        self.rescue.is_asleep.store(false, Ordering::Relaxed); // [ORD-1]
        go_on
    }

    /// A poll of this worker lasts.
    fn rescue_seat(&self, index: usize) {
        let seat = &self.seats[index];
        if let Some(task) = seat.slot.take() {
            self.injector.push(task);
        }
        let needs_waiter =
            caught(UnhandledKind::Runtime, "the driver, or a waker that it woke, panicked", || {
                self.driver.rescue(index)
            });
        let (lifo, fifo) = &self.thieves[index];
        if needs_waiter == Some(true)
            || !self.injector.is_empty()
            || !lifo.is_empty()
            || !fifo.is_empty()
        {
            if let Some(worker) = self.idle.notify() {
                self.unpark(worker);
            }
        }
    }
}

#[cfg(test)]
mod tests;
