//! The end of a runtime: leftovers are cancelled and awaited, then everything is taken down.
//!
//! 1. Main has ended. [`sweep`]: every task is asked to end, and those asked are awaited; what they
//!    spawned meanwhile (a cleanup may need tasks of its own) is swept in the next round.
//! 2. The blocking pool takes no more; queued work is dropped and reported; running work is awaited for a
//!    while, then reported by name and left behind. Then the cleanups that such work left to the workers
//!    are awaited, as long.
//! 3. The workers stop and are joined. What a foreign thread queued in between is ended unpolled.
//! 4. The driver is shut down. The seats go with the last reference to the runtime, when no foreign thread
//!    is in their counters any more.
//!
//! # Ordering arguments
//! - `[ORD-1]` The count of swept tasks: AcqRel, so that whoever sees it at zero has seen the ends.
//!   A task that is asked again is not counted again: else the end waits for ever (loom
//!   `swept_task_is_counted_once`).

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use std::thread;
use std::time::Duration;

use bowerbird_base::clock::system_now;
use bowerbird_base::poll_context;
use bowerbird_base::sync::Mutex;
use bowerbird_base::sync::atomic::{AtomicUsize, Ordering};
use bowerbird_base::waker_slot::WakerSlot;

use crate::block_on::FirstSeat;
use crate::current;
use crate::handle::polled_task;
use crate::report::{drop_unhandled, report_text};
use crate::runtime::{Entered, Runtime, Threads};
use crate::task::handle::TaskHandle;
use crate::task::state::{self, Wake};
use crate::unhandled::{Unhandled, UnhandledKind};
use crate::wake::schedule_after;
use crate::worker::Occupant;

/// The tasks that a sweep has asked to end and that have not ended.
pub(crate) struct Sweep {
    live_count: AtomicUsize,
    waker: WakerSlot,
    /// Held by the thread that ends the runtime.
    ending: Mutex<()>,
}

impl Sweep {
    pub(crate) fn new() -> Self {
        Self { live_count: AtomicUsize::new(0), waker: WakerSlot::new(), ending: Mutex::new(()) }
    }

    /// A swept task has ended.
    pub(crate) fn task_ended(&self) {
        // [ORD-1]
        if self.live_count.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.waker.wake();
        }
    }

    /// Counts a task and, if `cancels` says so, asks it to end; a hidden one is only waited for. Returns whether it is new to the
    /// sweep.
    fn ask(&self, task: &TaskHandle, cancels: bool) -> bool {
        let header = task.header_ref();
        // [ORD-1] Counted before the mark, so that its end finds itself counted.
        self.live_count.fetch_add(1, Ordering::AcqRel);
        let before = header.state.set(state::SWEPT);
        if before.is_done() || before.is_swept() {
            // Its end did not see the mark, or an earlier round has counted it.
            self.task_ended();
            return false;
        }
        if cancels && !before.is_hidden() {
            schedule_after(task.header(), || match header.state.cancel() {
                Some(wake) => ((), wake),
                None => ((), Wake::Nothing),
            });
        }
        true
    }

    /// Waits until every swept task has ended.
    async fn wait(&self) {
        poll_fn(|cx| {
            if poll_context::is_offered() {
                // The sweep is given up, and the slot may be another one's already.
                poll_context::yield_now(cx);
                return Poll::Pending;
            }
            self.waker.register(cx.waker());
            // [ORD-1]
            if self.live_count.load(Ordering::Acquire) == 0 {
                Poll::Ready(())
            } else {
                Poll::Pending
            }
        })
        .await;
    }
}

/// After so many rounds the tasks that keep spawning others are not waited for any more.
const MOST_ROUNDS: usize = 1_000;

/// Cancels and awaits every task that it concerns, but the one that calls it. It runs as a main future of the runtime.
pub(crate) async fn sweep(runtime: &Runtime, concerns: impl Fn(&TaskHandle) -> bool) {
    let me = polled_task();
    for _ in 0..MOST_ROUNDS {
        let mut found = false;
        runtime.for_each_task(|task| {
            if me.as_ref() != Some(&task) && concerns(&task) {
                found |= runtime.sweep.ask(&task, true);
            }
        });
        // Also where nobody is new: a sweep that was given up may have asked those that are left.
        runtime.sweep.wait().await;
        if !found {
            return;
        }
    }
    report_text(
        UnhandledKind::Shutdown,
        "tasks went on spawning others at the end of the runtime, and were left behind",
    );
}

/// Awaits the cleanups that closures of the blocking pool left behind; the workers run them. Called when the
/// pool is idle: what stands in its list then has nothing else to do.
async fn wait_for_blocking_cleanups(runtime: &Runtime) {
    runtime.blocking_seat.list.for_each(|task| {
        if !task.done() {
            runtime.sweep.ask(&task, false);
        }
    });
    runtime.sweep.wait().await;
}

/// How long the end of a runtime may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Patience {
    /// Until every task has ended; blocking calls as long as the settings say.
    Complete,
    /// So long; what has not ended then is reported and left behind.
    Timeout(Duration),
}

/// What awaits the ends of tasks.
type Sweeping<'a> = Pin<Box<dyn Future<Output = ()> + 'a>>;

impl Runtime {
    /// Ends the runtime: see the module docs. Called once, by a thread outside of it, or on it when its
    /// last handle is dropped inside: then nobody can wait, and the threads end by themselves.
    pub fn shut_down(self: &Arc<Self>, patience: Patience) {
        if self.is_stopped() {
            return;
        }
        let deadline = match patience {
            Patience::Complete => None,
            Patience::Timeout(timeout) => system_now().checked_add(timeout),
        };
        if current::is_occupant() || current::runtime().is_some_and(|now| Arc::ptr_eq(&now, self)) {
            // This thread may be one of those that must end first.
            self.shut_down_in_background();
            return;
        }
        // One thread ends the runtime; the others wait for it.
        let _ending = self.sweep.ending.lock();
        if self.is_stopped() {
            return;
        }
        self.shutdown_request.tell();
        let mut is_swept = self.sweep_until(deadline, |runtime| Box::pin(sweep(runtime, |_| true)));
        let limit =
            deadline.or_else(|| system_now().checked_add(self.config.blocking_shutdown_timeout));
        self.close_pools();
        // Lookups that go on are left behind, so this is short.
        self.lookups.wait_until_idle(self, limit);
        let is_idle = self.blocking.wait_until_idle(self, limit);
        if is_swept && is_idle && self.blocking_seat.list.len() > 0 {
            is_swept = self.sweep_until(limit, |it| Box::pin(wait_for_blocking_cleanups(it)));
        }
        self.stop();
        let threads = self.take_threads();
        if is_swept {
            threads.into_iter().for_each(|thread| self.join_thread(thread));
            if is_idle {
                self.blocking.wait_for_helpers();
            }
            self.end_late_comers();
            self.wait_for_foreign_wakes();
            self.driver.shut_down();
        }
        if !is_swept || !is_idle || self.has_unfinished() {
            self.leave_behind();
        }
    }

    fn close_pools(self: &Arc<Self>) {
        self.blocking.close(self);
        self.lookups.close(self);
    }

    fn join_thread(&self, thread: thread::JoinHandle<()>) {
        if let Err(payload) = thread.join() {
            let unhandled =
                Unhandled::new(UnhandledKind::Runtime, "a thread of the runtime panicked")
                    .with_panic(payload);
            self.reporter.report(&unhandled);
            drop_unhandled(unhandled);
        }
    }

    /// Ends what came after the sweep: the workers are gone, so it is polled here, to be cancelled. What does
    /// not end at that is left behind.
    fn end_late_comers(self: &Arc<Self>) {
        const ROUNDS: usize = 100;
        let _entered = Entered::new(self, None);
        for _ in 0..ROUNDS {
            let mut found = false;
            self.for_each_task(|task| {
                // A local one is its thread's, which has ended it or has left it.
                if !task.is_local() {
                    found = true;
                    if !task.is_hidden() {
                        task.cancel();
                    }
                }
            });
            self.end_queued();
            for (index, seat) in self.seats.iter().enumerate() {
                if seat.occupancy.enter() {
                    let occupant = Occupant::new(self, seat, self.rights_of(index));
                    current::occupy(Some(&occupant), || occupant.end_own_tasks(false));
                    seat.occupancy.close();
                }
            }
            if !found {
                return;
            }
        }
    }

    /// Whether a task has not ended. One that is just being unlinked has.
    fn has_unfinished(&self) -> bool {
        let mut found = false;
        self.for_each_task(|_| found = true);
        self.blocking_seat.list.for_each(|task| found |= !task.done());
        found
    }

    /// Ends the runtime on a thread of its own, and does not wait for it.
    pub fn shut_down_in_background(self: &Arc<Self>) {
        let runtime = self.clone();
        let builder = thread::Builder::new().name("bowerbird-shutdown".into());
        if let Err(error) = builder.spawn(move || runtime.shut_down(Patience::Complete)) {
            self.close_pools();
            self.stop();
            let message = "a runtime could not be ended in the background, and was left behind";
            let unhandled = Unhandled::new(UnhandledKind::Shutdown, message);
            self.reporter.report(&unhandled.with_source(Arc::new(error)));
            self.leave_behind();
        }
    }

    /// Sweeps, as a main future of the runtime or, with a limit, on a thread that can be left behind. Local
    /// tasks that `run` left on this thread are ended first, without a limit. Returns whether all have ended.
    fn sweep_until(
        self: &Arc<Self>,
        deadline: Option<std::time::Instant>,
        sweep_all: impl Fn(&Runtime) -> Sweeping<'_> + Send + 'static,
    ) -> bool {
        let Some(deadline) = deadline else {
            return self.block_on_any_seat(sweep_all(self));
        };
        let is_bound = matches!(self.first_seat(), FirstSeat::Free(Some(_)));
        if is_bound && !self.block_on_any_seat(sweep(self, TaskHandle::is_local)) {
            return false;
        }
        let (sender, receiver) = std::sync::mpsc::channel();
        let runtime = self.clone();
        let thread = thread::Builder::new().name("bowerbird-shutdown".into()).spawn(move || {
            let is_swept = runtime.block_on_any_seat(sweep_all(&runtime));
            let _nobody_waits_any_more = sender.send(is_swept);
        });
        let left = deadline.saturating_duration_since(system_now());
        thread.is_ok() && receiver.recv_timeout(left).unwrap_or(false)
    }

    /// Reports what has not ended and keeps its memory for ever, since somebody may still wake it.
    fn leave_behind(self: &Arc<Self>) {
        // So that this runtime's handler hears it.
        let _entered = Entered::new(self, None);
        let tell = |task: TaskHandle| {
            let bits = task.header_ref().state.load();
            if bits.is_done() || bits.is_main() && !bits.is_swept() {
                return; // the sweep itself
            }
            let message = "a task was destroyed but it is pending: it had not ended when its runtime did, and was \
                           left behind";
            let unhandled = Unhandled::new(UnhandledKind::DestroyedPending, message);
            self.reporter.report(&unhandled.with_task(&task));
        };
        self.for_each_task(tell);
        // What a thread of the pool is busy with was reported when its time was over.
        self.blocking_seat.list.for_each(|task| {
            if task.header_ref().state.load().is_future_gone() {
                tell(task);
            }
        });
        std::mem::forget(self.clone());
    }

    /// Polls a future to its end as a main future, on whatever seat this thread can get. `false` if that of
    /// `run` is bound to another thread by the local tasks that were left there.
    fn block_on_any_seat(self: &Arc<Self>, future: impl Future<Output = ()>) -> bool {
        let future = pin!(future);
        let ended = match (self.flavour(), self.first_seat()) {
            (Threads::All, _) | (Threads::AllButFirst, FirstSeat::Taken) => {
                self.block_on_hidden(future)
            }
            (_, FirstSeat::Free(Some(thread))) if thread != thread::current().id() => return false,
            (Threads::AllButFirst, FirstSeat::Free(_)) => self.run_hidden(future),
        };
        let is_ok = ended.is_ok();
        if let Err(error) = ended {
            let unhandled =
                Unhandled::new(UnhandledKind::Shutdown, "the end of the runtime was disturbed");
            self.reporter.report(&unhandled.with_source(Arc::new(error)));
        }
        is_ok
    }
}

#[cfg(test)]
mod tests;
