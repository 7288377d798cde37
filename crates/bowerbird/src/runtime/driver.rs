//! What a worker parks on: the one file where core, io and timer meet.
//!
//! A worker that would sleep claims a poller that nobody waits on and waits there, else on its own parker.
//! Its wait ends at its own wheel's next deadline. Whoever waits on poller 0 also looks after the shared
//! wheel, where sleeps stand that were registered outside of workers; an insertion there that is earlier
//! than all others ends that wait. While nobody waits on poller 0, at least one worker is awake, and looks
//! at the shared wheel in its turns; a worker that is stuck is served by the rescue thread.
//!
//! The only worker of a runtime without any source sleeps on its own parker, which is woken faster than a
//! poller. A registration, or an earlier insertion into the shared wheel, wakes it to look again.
//!
//! # Ordering arguments
//! - `[ORD-1]` The worker says that it sleeps plainly and then looks at the sources and the shared wheel
//!   under their locks; whoever adds one does so under the same lock and then reads the flag. If the
//!   addition came after the look, the lock orders the flag before it; Relaxed is enough.

use std::any::Any;
use std::cell::RefCell;
use std::io;
use std::sync::{Arc, Once, OnceLock, Weak};
use std::time::Duration;

use bowerbird_base::clock::Clock;
use bowerbird_base::sync::static_atomic::{AtomicBool, Ordering};
use bowerbird_core::{Park, Parker, Unhandled, UnhandledKind, call_exception_handler};
use bowerbird_io::IoDriver;
use bowerbird_timer::{Timers, park_timeout};

use crate::cleanup::GRACE;
use crate::event_loop::LoopState;

/// How often a paused clock asks whether blocking work still goes on, in real time.
const LOOK_AGAIN: Duration = Duration::from_millis(1);

/// The driver of a runtime.
pub(crate) struct Driver {
    io: Arc<IoDriver>,
    timers: Arc<Timers>,
    plain: Arc<PlainSleep>,
    event_loop: Arc<LoopState>,
    has_one_worker: bool,
    cleanup_grace: Duration,
    told_of_error: Once,
}

/// The sleep of an only worker on its own parker.
#[derive(Default)]
struct PlainSleep {
    is_going_on: AtomicBool,
    runtime: OnceLock<Weak<bowerbird_core::Runtime>>,
}

impl PlainSleep {
    /// Something changed that the sleeper has to look at.
    fn disturb(&self) {
        // [ORD-1]
        if !self.is_going_on.load(Ordering::Relaxed) {
            return;
        }
        if let Some(runtime) = self.runtime.get().and_then(Weak::upgrade) {
            runtime.wake_worker(0);
        }
    }
}

thread_local! {
    static CURRENT: RefCell<Option<Arc<Driver>>> = const { RefCell::new(None) };
}

/// Sets the driver of this thread and gives the one before.
pub(crate) fn enter(driver: Option<Arc<Driver>>) -> Option<Arc<Driver>> {
    CURRENT.with(|current| std::mem::replace(&mut *current.borrow_mut(), driver))
}

/// The driver of this thread's runtime, if it belongs to one.
pub(crate) fn try_current() -> Option<Arc<Driver>> {
    CURRENT.try_with(|current| current.borrow().clone()).ok().flatten()
}

/// The driver of this thread's runtime.
#[track_caller]
pub(crate) fn expect_current(call: &str) -> Arc<Driver> {
    let current = CURRENT.with(|current| current.borrow().clone());
    // No closure: it would not point at the caller.
    match current {
        Some(driver) => driver,
        None => crate::run::outside_a_runtime(call),
    }
}

/// How long cleanups may take in this thread's runtime.
pub(crate) fn cleanup_grace() -> Duration {
    CURRENT.with(|current| current.borrow().as_ref().map_or(GRACE, |driver| driver.cleanup_grace))
}

impl Driver {
    pub(crate) fn new(
        workers: usize,
        pollers: usize,
        clock: Arc<Clock>,
        cleanup_grace: Duration,
    ) -> io::Result<Arc<Self>> {
        let io = IoDriver::new(pollers)?;
        let event_loop = LoopState::new(
            clock.clone(),
            #[cfg(unix)]
            io.clone(),
        );
        let timers = Timers::new(workers, clock);
        let plain = Arc::<PlainSleep>::default();
        let (waiter, sleeper) = (Arc::downgrade(&io), plain.clone());
        timers.set_on_earlier(Box::new(move || {
            if let Some(io) = waiter.upgrade() {
                io.notify(0);
            }
            sleeper.disturb();
        }));
        let sleeper = plain.clone();
        io.set_on_register(Box::new(move || sleeper.disturb()));
        let (has_one_worker, told_of_error) = (workers == 1, Once::new());
        let driver =
            Self { io, timers, plain, event_loop, has_one_worker, cleanup_grace, told_of_error };
        Ok(Arc::new(driver))
    }

    /// Says whose driver this is.
    pub(crate) fn set_runtime(&self, runtime: &Arc<bowerbird_core::Runtime>) {
        self.plain.runtime.set(Arc::downgrade(runtime)).expect("a driver has one runtime");
        self.event_loop.set_runtime(runtime);
    }

    /// The loop of the runtime, for callbacks.
    pub(crate) fn event_loop(&self) -> &Arc<LoopState> {
        &self.event_loop
    }

    pub(crate) fn timers(&self) -> &Arc<Timers> {
        &self.timers
    }

    pub(crate) fn io(&self) -> &Arc<IoDriver> {
        &self.io
    }

    /// Fires what is due on every wheel.
    pub(crate) fn fire_all(&self) {
        let now = self.timers.clock().now();
        (0..=self.timers.shared_index()).for_each(|wheel| {
            self.timers.fire(wheel, now);
        });
    }

    /// Fires what is due on a worker's wheel and on the shared one.
    fn fire(&self, worker: usize) {
        let wheels = [worker, self.timers.shared_index()];
        // A load first: the lock of the shared wheel is not for every turn of every worker.
        let has_deadline = |&wheel: &usize| {
            self.timers.may_have_deadline(wheel) && self.timers.next_deadline(wheel).is_some()
        };
        if !wheels.iter().any(has_deadline) {
            return;
        }
        let now = self.timers.clock().now();
        for wheel in wheels {
            if self.timers.is_due(wheel, now) {
                self.timers.fire(wheel, now);
            }
        }
    }

    /// How long a worker may wait: to the next deadline of its wheel, and of the shared one if it looks
    /// after that. On a paused clock deadlines end no wait; but one worker has not jumped to them only
    /// because blocking work goes on, of whose end nobody tells it, so it looks again after a while.
    fn timeout(&self, worker: usize, has_shared: bool) -> Option<Duration> {
        let own = self.timers.next_deadline(worker);
        let shared =
            if has_shared { self.timers.next_deadline(self.timers.shared_index()) } else { None };
        let next = own.into_iter().chain(shared).min()?;
        let clock = self.timers.clock();
        let wait = park_timeout(clock.now(), next);
        if wait.is_zero() || !clock.is_paused() {
            return Some(wait);
        }
        self.has_one_worker.then_some(LOOK_AGAIN)
    }

    /// With one worker and a paused clock, moves time to the next deadline if nothing else can happen.
    /// Returns whether something is to be done now.
    fn jump(&self, parker: &Parker) -> bool {
        let clock = self.timers.clock();
        if !self.has_one_worker || !clock.is_paused() {
            return false;
        }
        let is_blocking = self.plain.runtime.get().and_then(Weak::upgrade).is_some_and(|runtime| {
            let (threads, idle, queued) = bowerbird_core::Handle::new(&runtime).blocking_figures();
            threads > idle || queued > 0
        });
        // Asked after that: blocking work wakes who waits for it, and then ends.
        if parker.take_notified() {
            return true;
        }
        let wheels = [0, self.timers.shared_index()];
        let next = wheels.into_iter().filter_map(|wheel| self.timers.next_deadline(wheel)).min();
        match next {
            Some(next) if !is_blocking => {
                clock.advance(next.saturating_duration_since(clock.now()));
                self.fire_all();
                true
            }
            _ => false,
        }
    }

    /// Sleeps without a poller if there is no source; `false` if there is one.
    fn sleep_plainly(&self, parker: &Parker) -> bool {
        self.plain.is_going_on.store(true, Ordering::Relaxed); // [ORD-1]
        let has_no_source = self.io.source_count() == 0;
        if has_no_source {
            parker.park(self.timeout(0, true));
        }
        self.plain.is_going_on.store(false, Ordering::Relaxed); // [ORD-1]
        has_no_source
    }

    /// Harvests a poller; a failing system call must not end a worker, and is told once.
    fn drain(&self, poller: usize) -> usize {
        match self.io.drain(poller) {
            Ok(turn) => turn.woken_count,
            Err(error) => {
                self.tell(error);
                0
            }
        }
    }

    #[cold]
    fn tell(&self, error: io::Error) {
        self.told_of_error.call_once(|| {
            let message = "a poller of the runtime failed; what it watches may be heard of no more";
            let unhandled = Unhandled::new(UnhandledKind::Runtime, message);
            call_exception_handler(&unhandled.with_source(Arc::new(error)));
        });
    }
}

impl Park for Driver {
    fn park(&self, worker: usize, parker: &Parker) {
        let pollers = self.io.poller_count();
        if self.has_one_worker && self.timers.clock().is_paused() {
            // Who was woken here is on this worker's own queue, and nobody would end a sleep for that.
            let events: usize = (0..pollers).map(|poller| self.drain(poller)).sum();
            if events > 0 || self.jump(parker) {
                return;
            }
        }
        if self.has_one_worker && self.sleep_plainly(parker) {
            self.fire(worker);
            return;
        }
        match (0..pollers).find(|&poller| self.io.try_claim(poller)) {
            Some(poller) => {
                let mut is_claimed = true;
                parker.park_on(poller, || {
                    // The claim stands, so an earlier insertion into the shared wheel ends this wait.
                    is_claimed = false;
                    let timeout = self.timeout(worker, poller == 0);
                    if let Err(error) = self.io.wait(poller, timeout) {
                        self.tell(error);
                        // Nothing sensible is left to do but not to spin.
                        std::thread::sleep(Duration::from_millis(1));
                    }
                });
                if is_claimed {
                    self.io.release(poller);
                }
            }
            None => parker.park(self.timeout(worker, false)),
        }
        self.fire(worker);
    }

    fn turn(&self, worker: usize) {
        (0..self.io.poller_count()).for_each(|poller| {
            self.drain(poller);
        });
        self.fire(worker);
    }

    fn turn_before_sleep(&self, worker: usize) {
        // A poller that nobody waits on is looked at by the wait itself.
        (0..self.io.poller_count()).filter(|&poller| self.io.is_claimed(poller)).for_each(
            |poller| {
                self.drain(poller);
            },
        );
        self.fire(worker);
    }

    fn notify(&self, source: usize) {
        self.io.notify(source);
    }

    fn rescue(&self, worker: usize) -> bool {
        self.fire(worker);
        let mut needs_waiter = false;
        for poller in 0..self.io.poller_count() {
            if !self.io.is_claimed(poller) {
                needs_waiter = true;
                self.drain(poller);
            }
        }
        needs_waiter
    }

    fn enter(self: Arc<Self>, worker: Option<usize>) -> Box<dyn Any> {
        super::enter::enter(self, worker)
    }

    fn shut_down(&self) {
        self.event_loop.close();
        self.io.shut_down();
        self.timers.shut_down();
    }
}
