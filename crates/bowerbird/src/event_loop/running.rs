//! The main futures of a loop that is run by hand, and how they are told to end.
//!
//! `stop` marks the strand and wakes the main future, which goes behind what is queued. It ends when the batch
//! of callbacks is finished.

use std::panic::Location;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use bowerbird_base::clock::far_future;
use bowerbird_base::poll_context;
use bowerbird_core::Park;
use bowerbird_timer::Sleep;
use bowerbird_timer::part::sleep_until;
use pin_project_lite::pin_project;

use super::state::LoopState;
use crate::runtime::driver;

/// What a loop knows of its runs.
#[derive(Default)]
pub(crate) struct Runs {
    /// It is an `EventLoop`'s, and runs only at times.
    is_run_by_hand: bool,
    /// It is a guest in the loop of another framework, which runs until its main future has ended.
    is_guest: bool,
    is_running: bool,
    /// Of the main future.
    waker: Option<Waker>,
    /// A `turn` waits for the first event.
    is_turn_waiting: bool,
    /// How many steps the loop has made for itself, which are not what a `turn` waits for.
    step_count: u64,
}

impl LoopState {
    pub(crate) fn set_run_by_hand(&self) {
        self.runs.lock().is_run_by_hand = true;
    }

    pub(crate) fn is_running(&self) -> bool {
        let (is_run_by_hand, is_running) = {
            let runs = self.runs.lock();
            (runs.is_run_by_hand, runs.is_running)
        };
        if is_run_by_hand { is_running } else { !self.is_closed() }
    }

    /// Marks the loop as running until the guard is dropped.
    pub(crate) fn begin_run(self: &Arc<Self>) -> impl Drop + use<> {
        struct Run(Arc<LoopState>);
        impl Drop for Run {
            fn drop(&mut self) {
                let waker = {
                    let mut runs = self.0.runs.lock();
                    runs.is_running = false;
                    runs.is_turn_waiting = false;
                    runs.waker.take()
                };
                drop(waker);
                let deferred = self.0.strand.end_run();
                self.0.spawn_tickets(deferred, Location::caller());
            }
        }
        self.runs.lock().is_running = true;
        Run(self.clone())
    }

    pub(crate) fn set_guest(&self) {
        self.runs.lock().is_guest = true;
    }

    /// Whether the loop is a guest in the loop of another framework.
    pub(crate) fn is_guest(&self) -> bool {
        self.runs.lock().is_guest
    }

    /// Stops the run, or makes the next one a single turn; `false` if the loop is not run by hand.
    pub(crate) fn stop(&self) -> bool {
        {
            let runs = self.runs.lock();
            if !runs.is_run_by_hand || runs.is_guest {
                return false;
            }
        }
        // First: a main future that leaves its waker after the look below sees the mark.
        self.strand.stop();
        let waker = self.runs.lock().waker.take();
        if let Some(waker) = waker {
            waker.wake();
        }
        true
    }

    /// The loop has had a poll for itself.
    pub(super) fn count_step(&self) {
        self.runs.lock().step_count += 1;
    }

    /// A worker has slept, and events may have come.
    pub(crate) fn worker_woke(&self) {
        let waker = {
            let mut runs = self.runs.lock();
            if !runs.is_turn_waiting {
                return;
            }
            runs.is_turn_waiting = false;
            runs.waker.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    fn await_stop(&self, cx: &Context<'_>, is_turn: bool) {
        let fresh = Some(cx.waker().clone());
        let before = {
            let mut runs = self.runs.lock();
            runs.is_turn_waiting = is_turn;
            std::mem::replace(&mut runs.waker, fresh)
        };
        drop(before);
    }

    /// Looks at events and deadlines once, without waiting.
    fn look_at_events(self: &Arc<Self>) {
        const OWN_WORKER: usize = 0;
        if let Some(driver) = driver::try_current() {
            driver.turn(OWN_WORKER);
        }
        self.queue_due();
    }

    /// Polls for the end after `stop`: `None` if nobody has called it.
    fn poll_stopped(self: &Arc<Self>, cx: &mut Context<'_>) -> Option<Poll<()>> {
        if !self.strand.is_stopping() {
            return None;
        }
        if self.strand.has_stopped() {
            return Some(Poll::Ready(()));
        }
        // Tickets of the batch are still queued.
        poll_context::yield_now(cx);
        Some(Poll::Pending)
    }
}

/// Ends when the loop is stopped.
pub(super) struct RunForever {
    state: Arc<LoopState>,
    is_begun: bool,
    is_suspended: bool,
}

impl RunForever {
    pub(super) fn new(state: Arc<LoopState>) -> Self {
        Self { state, is_begun: false, is_suspended: false }
    }

    /// At the first poll of a loop that was stopped before it ran: one turn, in which tasks have theirs too.
    fn begin(&mut self, cx: &mut Context<'_>) -> bool {
        if std::mem::replace(&mut self.is_begun, true) || !self.state.strand.is_stopping() {
            return false;
        }
        self.state.look_at_events();
        // What this queued belongs to the last batch.
        let deferred = self.state.strand.widen_batch();
        self.state.spawn_tickets(deferred, Location::caller());
        poll_context::yield_now(cx);
        true
    }
}

impl Future for RunForever {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.is_suspended && poll_context::is_offered() {
            poll_context::yield_now(cx);
            return Poll::Pending;
        }
        self.is_suspended = true;
        if self.begin(cx) {
            return Poll::Pending;
        }
        // Before the look at the mark: who sets it afterwards finds the waker.
        self.state.await_stop(cx, false);
        let polled = self.state.poll_stopped(cx).unwrap_or(Poll::Pending);
        if polled.is_pending() {
            poll_context::note_wait("event loop", 0, None);
        }
        polled
    }
}

pin_project! {
    /// Ends when the future is done, or, with `None`, when the loop is stopped.
    pub(super) struct RunUntilComplete<F: Future> {
        forever: RunForever,
        #[pin]
        future: F,
    }
}

impl<F: Future> RunUntilComplete<F> {
    pub(super) fn new(state: Arc<LoopState>, future: F) -> Self {
        Self { forever: RunForever::new(state), future }
    }
}

impl<F: Future> Future for RunUntilComplete<F> {
    type Output = Option<F::Output>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let is_first_turn = this.forever.begin(cx);
        if let Poll::Ready(output) = this.future.poll(cx) {
            return Poll::Ready(Some(output));
        }
        if is_first_turn {
            return Poll::Pending;
        }
        this.forever.state.await_stop(cx, false);
        match this.forever.state.poll_stopped(cx) {
            Some(Poll::Ready(())) => Poll::Ready(None),
            Some(Poll::Pending) | None => Poll::Pending,
        }
    }
}

/// Ends after one turn.
pub(super) struct Turn {
    state: Arc<LoopState>,
    /// Until when it waits for something to do; `None` does not end by itself.
    deadline: Option<Instant>,
    sleep: Option<Sleep>,
    /// How many polls of tasks and callbacks had been begun before this turn.
    polls_before: u64,
    /// How many of those since then were this future's.
    own_polls: u64,
    stage: TurnStage,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum TurnStage {
    Fresh,
    /// What was ready has had its turn.
    Looking,
    /// Nothing was ready: waits for the first event.
    Waiting,
}

impl Turn {
    pub(super) fn new(state: Arc<LoopState>, timeout: Option<Duration>) -> Self {
        let deadline = timeout.map(|timeout| far_future(state.now(), timeout));
        let stage = TurnStage::Fresh;
        let mut turn = Self { state, deadline, sleep: None, polls_before: 0, own_polls: 0, stage };
        // Before the run: what is queued already is polled before this future.
        turn.polls_before = turn.poll_count();
        turn
    }

    fn poll_count(&self) -> u64 {
        let Some(runtime) = self.state.runtime() else { return 0 };
        let steps = self.state.runs.lock().step_count;
        bowerbird_core::Handle::new(&runtime).poll_count().saturating_sub(steps)
    }

    /// Goes behind everything that is ready.
    fn give_way(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.stage = TurnStage::Looking;
        poll_context::yield_now(cx);
        Poll::Pending
    }

    fn wait(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.stage = TurnStage::Waiting;
        self.state.await_stop(cx, true);
        if let Some(deadline) = self.deadline {
            let sleep = self.sleep.get_or_insert_with(|| sleep_until(deadline));
            if sleep.poll_elapsed(cx).is_ready() {
                return Poll::Ready(());
            }
        }
        if self.state.strand.is_stopping() {
            return Poll::Ready(());
        }
        poll_context::note_wait("event loop", 0, None);
        Poll::Pending
    }
}

impl Future for Turn {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.stage == TurnStage::Waiting && poll_context::is_offered() {
            poll_context::yield_now(cx);
            return Poll::Pending;
        }
        self.own_polls += 1;
        match self.stage {
            TurnStage::Fresh => {
                self.state.look_at_events();
                self.give_way(cx)
            }
            TurnStage::Looking if self.poll_count() > self.polls_before + self.own_polls => {
                Poll::Ready(())
            }
            TurnStage::Looking => self.wait(cx),
            TurnStage::Waiting => {
                self.state.queue_due();
                self.give_way(cx)
            }
        }
    }
}
