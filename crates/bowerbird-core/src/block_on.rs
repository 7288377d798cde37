//! A thread that waits for a future, and works meanwhile.
//!
//! `run` takes seat 0, which has no thread of its own. `Runtime::block_on` takes the seat of an idle
//! worker if there is one (seat.rs, occupancy), else it brings a seat of its own, on which it polls its own
//! future and local tasks and nothing else.

use std::future::Future;
use std::panic::Location;
use std::sync::Arc;
use std::thread::{self, ThreadId};

use bowerbird_base::poll_context;

use crate::blocking;
use crate::current;
use crate::report::{AbortOnUnwind, caught, drop_caught};
use crate::runtime::{Entered, Runtime, Threads};
use crate::seat::Seat;
use crate::spawn::spawn_main;
use crate::task::error::TaskError;
use crate::task::handle::TaskHandle;
use crate::task::state::HIDDEN;
use crate::unhandled::UnhandledKind;
use crate::variables::{self, Context};
use crate::worker::{Occupant, Rights, Until};

/// Seat 0 of a runtime in which the thread that calls `run` is worker 0.
#[derive(Debug, Clone, Copy)]
pub(crate) enum FirstSeat {
    /// Nobody is in `run`; local tasks may bind the next `run` to a thread.
    Free(Option<ThreadId>),
    /// A thread is in `run`.
    Taken,
}

/// What `run` adds to waiting for a future.
struct AsRun<'a> {
    /// The context that main runs in; without it a copy of the thread's.
    context: Option<&'a mut Context>,
    begun: &'a mut dyn FnMut(&TaskHandle),
}

/// A future that becomes a main task.
pub(crate) struct NewMain<F> {
    pub(crate) future: F,
    /// Bits of its state.
    pub(crate) flags: u64,
    pub(crate) location: &'static Location<'static>,
}

/// Why a thread cannot wait for a future.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InsideRuntime;

/// Returns an error if this thread is polling a task: waiting here would keep its worker from working.
///
/// # Errors
/// If it does.
pub fn check_may_block() -> Result<(), InsideRuntime> {
    if current::is_occupant() { Err(InsideRuntime) } else { Ok(()) }
}

impl Runtime {
    /// Polls a future to its end on seat 0, as a worker: what `run` does.
    ///
    /// # Errors
    /// If it was cancelled or has panicked.
    ///
    /// # Panics
    /// If this thread polls tasks; see [`check_may_block`]. If the runtime has a thread for seat 0, another
    /// thread is in `run`, or an earlier `run` left local tasks behind on another thread.
    #[track_caller]
    pub fn run<F: Future>(self: &Arc<Self>, future: F) -> Result<F::Output, TaskError> {
        self.run_main(future, None, |_| {})
    }

    /// The same. With a context, the main future runs in that one itself: what it sets is there afterwards.
    /// `begun` is called with the main future's handle, before that is polled.
    ///
    /// # Errors
    /// As for [`run`](Self::run).
    ///
    /// # Panics
    /// As [`run`](Self::run).
    #[track_caller]
    pub fn run_main<F: Future>(
        self: &Arc<Self>,
        future: F,
        context: Option<&mut Context>,
        mut begun: impl FnMut(&TaskHandle),
    ) -> Result<F::Output, TaskError> {
        self.run_on_first_seat(future, AsRun { context, begun: &mut begun }, 0)
    }

    /// [`run`](Self::run) and [`block_on`](Self::block_on) for a future of the runtime's own, which nobody sees
    /// and no sweep cancels.
    pub(crate) fn run_hidden<F: Future>(
        self: &Arc<Self>,
        future: F,
    ) -> Result<F::Output, TaskError> {
        self.run_on_first_seat(future, AsRun { context: None, begun: &mut |_| {} }, HIDDEN)
    }

    pub(crate) fn block_on_hidden<F: Future>(
        self: &Arc<Self>,
        future: F,
    ) -> Result<F::Output, TaskError> {
        self.block_on_some_seat(future, HIDDEN)
    }

    #[track_caller]
    fn run_on_first_seat<F: Future>(
        self: &Arc<Self>,
        future: F,
        as_run: AsRun<'_>,
        flags: u64,
    ) -> Result<F::Output, TaskError> {
        let location = Location::caller();
        assert!(
            !current::is_occupant(),
            "run() was called inside a task; await the future instead"
        );
        let main = NewMain { future, flags, location };
        self.in_first_seat(|seat| self.occupied(seat, self.rights_of(0), main, Some(as_run)))
    }

    /// Calls `f` while this thread has the first seat.
    #[track_caller]
    pub(crate) fn in_first_seat<R>(self: &Arc<Self>, f: impl FnOnce(&Seat) -> R) -> R {
        let _first_seat = self.take_first_seat();
        let seat = &self.seats[0];
        let is_vacant = seat.occupancy.enter();
        debug_assert!(is_vacant, "the first seat was taken above");
        let _entered = Entered::new(self, Some(0));
        self.worker_came();
        let output = f(seat);
        self.idle.worker_left();
        seat.occupancy.close();
        output
    }

    /// Polls a future to its end on this thread while the runtime's own threads work.
    ///
    /// # Errors
    /// If it was cancelled or has panicked.
    ///
    /// # Panics
    /// If this thread polls tasks; see [`check_may_block`].
    #[track_caller]
    pub fn block_on<F: Future>(self: &Arc<Self>, future: F) -> Result<F::Output, TaskError> {
        self.block_on_some_seat(future, 0)
    }

    #[track_caller]
    fn block_on_some_seat<F: Future>(
        self: &Arc<Self>,
        future: F,
        flags: u64,
    ) -> Result<F::Output, TaskError> {
        let main = NewMain { future, flags, location: Location::caller() };
        assert!(
            !current::is_occupant(),
            "block_on() was called inside a task; await the future instead"
        );
        match self.borrow_seat() {
            Some(index) => {
                struct GiveBack<'a>(&'a Seat);
                impl Drop for GiveBack<'_> {
                    fn drop(&mut self) {
                        self.0.occupancy.give_back();
                    }
                }
                let seat = &self.seats[index];
                let _give_back = GiveBack(seat);
                let _entered = Entered::new(self, Some(index));
                self.occupied(seat, self.rights_of(index), main, None)
            }
            None => {
                let _entered = Entered::new(self, None);
                let seat = Arc::new(Seat::new(0));
                seat.enlist(Arc::as_ptr(self), false);
                self.guests.lock().push(seat.clone());
                let output = self.occupied(&seat, Rights::Guest, main, None);
                self.guests.lock().retain(|other| !Arc::ptr_eq(other, &seat));
                output
            }
        }
    }

    /// Occupies the seat, runs until the future is done, and, unless it is `run`'s own seat, until no
    /// local task is left there.
    ///
    /// The future may borrow from the caller's stack, so no panic may leave this function before its end.
    fn occupied<F: Future>(
        self: &Arc<Self>,
        seat: &Seat,
        rights: Rights,
        main: NewMain<F>,
        as_run: Option<AsRun<'_>>,
    ) -> Result<F::Output, TaskError> {
        let occupant = Occupant::new(self, seat, rights);
        let abort = AbortOnUnwind;
        let output = current::occupy(Some(&occupant), || {
            seat.set_parked(false);
            let given = as_run.as_ref().and_then(|run| run.context.as_deref().map(Context::share));
            let main = spawn_main(&occupant, main, given);
            // Tasks without a context of their own do not run in this thread's.
            let outside = variables::replace_current(Context::new());
            match as_run {
                Some(run) => {
                    self.reporter.set_main(Some(main.handle()));
                    caught(UnhandledKind::Hook, "what run() calls first panicked", || {
                        (run.begun)(&main);
                    });
                    occupant.run(Until::MainDone);
                    self.reporter.set_main(None);
                    occupant.leave_seat();
                    if let Some(context) = run.context {
                        let before = std::mem::replace(context, main.own_context());
                        drop_caught(before, "the destructor of a context variable panicked");
                    }
                }
                None => {
                    occupant.run(Until::MainDone);
                    occupant.end_local_tasks();
                }
            }
            let inside = variables::replace_current(outside);
            drop_caught(inside, "the destructor of a context variable panicked");
            seat.set_parked(true);
            main.try_join().unwrap_or_else(|main| unreachable!("{main:?} is done"))
        });
        std::mem::forget(abort);
        output
    }

    /// Who has seat 0.
    pub(crate) fn first_seat(&self) -> FirstSeat {
        *self.first_seat.lock()
    }

    /// Seat 0 has one occupant at a time, and as long as local tasks live there, the same thread.
    #[track_caller]
    fn take_first_seat(&self) -> impl Drop {
        struct Leave<'a>(&'a Runtime);
        impl Drop for Leave<'_> {
            fn drop(&mut self) {
                // SAFETY: this thread occupies the seat until the state below is given back.
                let has_local_tasks = unsafe { self.0.seats[0].core() }.local_count.get() > 0;
                let thread = has_local_tasks.then(|| thread::current().id());
                *self.0.first_seat.lock() = FirstSeat::Free(thread);
            }
        }
        assert!(
            self.flavour() == Threads::AllButFirst,
            "run() needs a runtime whose first seat has no thread"
        );
        let mut state = self.first_seat.lock();
        let FirstSeat::Free(bound_to) = *state else {
            drop(state);
            panic!(
                "run() was called while another thread is in it; spawn on the runtime's handle instead"
            );
        };
        if bound_to.is_some_and(|thread| thread != thread::current().id()) {
            drop(state);
            panic!("run() was called on another thread than before while local tasks live there");
        }
        *state = FirstSeat::Taken;
        drop(state);
        Leave(self)
    }

    /// Gets the seat of a worker that sleeps.
    fn borrow_seat(&self) -> Option<usize> {
        let index = if self.seats.len() == 1 {
            (self.flavour() == Threads::All && self.seats[0].is_parked()).then_some(0)
        } else {
            self.idle.claim_any()
        }?;
        let occupancy = &self.seats[index].occupancy;
        let question = occupancy.ask();
        self.unpark(index);
        question.is_some_and(|question| occupancy.wait_for_answer(question)).then_some(index)
    }
}

impl Occupant<'_> {
    /// The thread is about to leave the seat: its local tasks are cancelled and awaited.
    fn end_local_tasks(&self) {
        while self.core().local_count.get() > 0 {
            self.seat.list.for_each(|task| {
                if task.is_local() {
                    task.cancel();
                }
            });
            self.run(Until::NoLocalTasks);
        }
    }
}

/// Runs a blocking closure on this thread, and lets another thread take over this worker meanwhile.
///
/// The seat goes to a thread of the blocking pool for good: this thread polls its task to the next
/// suspension without it, and then becomes a thread of the pool, or ends. So nobody waits for anybody.
///
/// With one worker, or while local tasks live on this one (the main future is one), nobody can take over,
/// and the closure is just called. Outside a worker too.
pub fn block_in_place<R>(f: impl FnOnce() -> R) -> R {
    let is_seatless =
        current::with_occupant(|occupant| occupant.is_some_and(Occupant::give_seat_away));
    if !is_seatless && !current::is_occupant() {
        return f();
    }
    // The closure may block on other futures, so the poll that goes on here is set aside.
    let _outer = poll_context::set_aside();
    current::occupy(None, f)
}

impl Occupant<'_> {
    /// Gives the seat to another thread; `false` if it stays here.
    fn give_seat_away(&self) -> bool {
        let Rights::Worker(index) = self.rights else { return false };
        if poll_context::current_task().is_null() {
            // No task is being polled: a destructor or a waker of the user's called, from the middle of the
            // worker's own work, which goes on with the seat.
            return false;
        }
        if self.core().local_count.get() > 0 {
            // What others may take is put where they find it at once.
            if let Some(task) = self.seat.slot.take() {
                self.runtime.injector.push(task);
            }
            self.wake_another(self.runtime.idle.notify());
            return false;
        }
        let runtime = self.runtime.clone();
        let is_started = blocking::run_helper(self.runtime, move || {
            let seat = &runtime.seats[index];
            let _entered = Entered::new(&runtime, Some(index));
            let occupant = Occupant::new(&runtime, seat, Rights::Worker(index));
            occupant.occupy_until(Until::Stopped);
        });
        if is_started {
            self.lose_seat(Entered::new(self.runtime, None));
        }
        is_started
    }
}
