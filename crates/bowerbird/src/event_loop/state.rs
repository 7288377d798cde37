//! What belongs to the loop of one runtime: its strand, its timed callbacks, its runs.

use std::panic::Location;
use std::sync::{Arc, OnceLock, Weak};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Instant;

use bowerbird_base::clock::Clock;
use bowerbird_base::sync::Mutex;
use bowerbird_core::Runtime;
#[cfg(unix)]
use bowerbird_io::IoDriver;
use bowerbird_timer::part::sleep_until;

use super::callback::{Call, Callback};
#[cfg(unix)]
use super::descriptors::Descriptors;
use super::executor::Executors;
use super::running::Runs;
#[cfg(all(unix, feature = "signal"))]
use super::signals::Signals;
use super::strand::{Closed, Strand};
use super::timers::Waiting;

/// The loop of a runtime.
///
/// It knows its runtime weakly: callbacks hold handles of the loop, and the loop holds callbacks.
pub(crate) struct LoopState {
    runtime: OnceLock<Weak<Runtime>>,
    clock: Arc<Clock>,
    pub(crate) strand: Strand,
    waiting: Waiting,
    pub(super) executors: Arc<Executors>,
    #[cfg(unix)]
    pub(super) io: Arc<IoDriver>,
    #[cfg(unix)]
    pub(super) descriptors: Descriptors,
    #[cfg(all(unix, feature = "signal"))]
    pub(super) signals: Signals,
    pub(super) runs: Mutex<Runs>,
    timer_waker: OnceLock<Waker>,
}

impl LoopState {
    pub(crate) fn new(clock: Arc<Clock>, #[cfg(unix)] io: Arc<IoDriver>) -> Arc<Self> {
        Arc::new(Self {
            runtime: OnceLock::new(),
            clock,
            strand: Strand::new(),
            waiting: Waiting::new(),
            executors: Executors::new(),
            #[cfg(unix)]
            io,
            #[cfg(unix)]
            descriptors: Descriptors::default(),
            #[cfg(all(unix, feature = "signal"))]
            signals: Signals::default(),
            runs: Mutex::new(Runs::default()),
            timer_waker: OnceLock::new(),
        })
    }

    /// Says whose loop this is.
    pub(crate) fn set_runtime(&self, runtime: &Arc<Runtime>) {
        self.runtime.set(Arc::downgrade(runtime)).expect("a loop has one runtime");
    }

    /// The runtime, unless it is gone.
    pub(crate) fn runtime(&self) -> Option<Arc<Runtime>> {
        self.runtime.get().and_then(Weak::upgrade)
    }

    pub(crate) fn now(&self) -> Instant {
        self.clock.now()
    }

    // ----- callbacks -------------------------------------------------------------------------------

    /// Queues a callback.
    pub(crate) fn call_soon(
        self: &Arc<Self>,
        callback: Callback,
        location: &'static Location<'static>,
    ) -> Result<Arc<Call>, Closed> {
        let call = Call::new(callback, location);
        self.strand.push(call.clone())?;
        if self.spawn_tickets(1, location) { Ok(call) } else { Err(Closed(call)) }
    }

    /// Spawns tickets; `false` if the runtime has ended.
    pub(crate) fn spawn_tickets(
        self: &Arc<Self>,
        count: usize,
        location: &'static Location<'static>,
    ) -> bool {
        let Some(runtime) = self.runtime() else { return false };
        (0..count).all(|_| {
            let state = self.clone();
            let ticket = async move {
                let more = state.strand.run_ticket();
                state.spawn_tickets(more, location);
            };
            runtime.spawn_hidden(ticket, location)
        })
    }

    /// Queues a callback at a time.
    pub(crate) fn call_at(
        self: &Arc<Self>,
        when: Instant,
        callback: Callback,
        location: &'static Location<'static>,
    ) -> Result<Arc<Call>, Closed> {
        let call = Call::new(callback, location);
        if self.is_closed() {
            return Err(Closed(call));
        }
        if self.waiting.add(when, call.clone()) {
            self.queue_timer_step();
        }
        Ok(call)
    }

    fn queue_timer_step(self: &Arc<Self>) {
        let state = self.clone();
        // A closed loop calls nothing any more.
        let _closed = self.call_soon(Box::new(move || state.timer_step()), Location::caller());
    }

    /// Moves what is due to the queue.
    pub(super) fn queue_due(self: &Arc<Self>) {
        let count = self.waiting.move_due(self.now(), &self.strand);
        let _ended = self.spawn_tickets(count, Location::caller());
    }

    /// Moves what is due to the queue, and sets the entry in the wheel to the earliest of the rest.
    fn timer_step(self: &Arc<Self>) {
        self.count_step();
        loop {
            self.waiting.step_begins();
            self.queue_due();
            let Some((when, sleep)) = self.waiting.to_arm() else { return };
            let mut sleep = match sleep {
                Some(mut sleep) => {
                    sleep.reset(when);
                    sleep
                }
                None => sleep_until(when),
            };
            let waker = self
                .timer_waker
                .get_or_init(|| Waker::from(Arc::new(TimerFired(Arc::downgrade(self)))));
            let polled = sleep.poll_elapsed(&mut Context::from_waker(waker));
            self.waiting.armed(sleep);
            match polled {
                Poll::Pending => return,
                // It has passed meanwhile.
                Poll::Ready(()) => {
                    let _this_is_the_step = self.waiting.fired();
                }
            }
        }
    }

    // ----- the end ---------------------------------------------------------------------------------

    pub(crate) fn is_closed(&self) -> bool {
        self.strand.is_closed()
    }

    /// Drops what is queued and takes no more.
    pub(crate) fn close(&self) {
        self.strand.close();
        self.waiting.clear();
        self.executors.close();
        #[cfg(unix)]
        self.descriptors.clear();
        #[cfg(all(unix, feature = "signal"))]
        self.signals.clear();
    }
}

/// Wakes the loop when its entry in the wheel fires.
struct TimerFired(Weak<LoopState>);

impl Wake for TimerFired {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if let Some(state) = self.0.upgrade() {
            let needs_step = state.waiting.fired();
            // Now, not in the step: what is due is called before the tasks whose sleeps end later than that.
            state.queue_due();
            if needs_step {
                state.queue_timer_step();
            }
        }
    }
}
