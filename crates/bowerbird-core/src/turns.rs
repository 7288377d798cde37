//! A main future in turns: for a thread that has a loop of its own, which must go on.
//!
//! The thread takes the first seat for one turn at a time. Between two turns the seat is empty, and a helper
//! thread may wait for work there:
//!
//! ```text
//!   begin_turns ----> empty --- 1 turn ----> occupied --- Ready: something is ready still ---> empty
//!                      |  ^                     |
//!                      |  '- 2 wait_for_work <--+-------- Idle: nothing is
//!                      |                        '-------- Ended: main and what it left have ended
//!                      '- 3 shut_down, by any thread
//! ```
//! Who calls these takes turns too: 1 is never called during 2 or 3. Nothing breaks if it is, but a wake-up may
//! then go to the wrong one of the two.
//!
//! Beside main stands the **keeper**, a hidden local task. It waits for main's end, then sweeps. As long as it
//! lives, the first seat belongs to this thread, and cannot be given away by `block_in_place`.
//!
//! A wake-up between two turns comes from outside: it goes to the inbox of the seat and unparks its parker, on
//! which the helper sleeps, in the driver. What the helper finds there (events, deadlines) it turns into such
//! wake-ups. So it looks at nothing but the inbox.

use std::future::Future;
use std::marker::PhantomData;
use std::panic::Location;
use std::sync::Arc;

use crate::current;
use crate::report::{AbortOnUnwind, caught, drop_caught};
use crate::runtime::{Entered, Runtime};
use crate::shutdown::sweep;
use crate::spawn::{SpawnOptions, spawn_hidden_local, spawn_local};
use crate::task::handle::TaskHandle;
use crate::task::join::Task;
use crate::unhandled::UnhandledKind;
use crate::variables::{self, Context};
use crate::worker::Occupant;

/// What a turn leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turned {
    /// Something is ready: it wants another turn.
    Ready,
    /// Nothing is ready: somebody should wait for work.
    Idle,
    /// Main has ended, and every task that it left. Now the runtime may be shut down, on any thread.
    Ended,
}

/// A main future that is run in turns, on the thread that began it.
///
/// Dropping it before it has ended leaves its tasks to the end of the runtime.
#[derive(Debug)]
pub struct Turns {
    runtime: Arc<Runtime>,
    keeper: Task<()>,
    _not_send: PhantomData<*const ()>,
}

impl Runtime {
    /// Makes a future the main future of a run in turns; it is polled in the first turn.
    ///
    /// # Panics
    /// As [`run`](Self::run).
    #[track_caller]
    pub fn begin_turns<F>(self: &Arc<Self>, future: F) -> (Turns, Task<F::Output>)
    where
        F: Future + 'static,
        F::Output: 'static,
    {
        let location = Location::caller();
        assert_outside("begin_turns");
        let (keeper, main) = self.in_first_seat(|seat| {
            let occupant = Occupant::new(self, seat, self.rights_of(0));
            current::occupy(Some(&occupant), || {
                let main = match spawn_local(future, &SpawnOptions::default(), location) {
                    Ok(main) => main,
                    Err(error) => error.panic("begin_turns"),
                };
                (spawn_hidden_local(&occupant, keep(main.handle()), location), main)
            })
        });
        self.reporter.set_main(Some(main.handle()));
        (Turns { runtime: self.clone(), keeper, _not_send: PhantomData }, main)
    }

    /// Blocks this thread, outside of the runtime, until a turn has something to do, or until `is_over` says so
    /// after [`wake_worker(0)`](Self::wake_worker) was called. What becomes due or ready meanwhile is woken here.
    pub fn wait_for_work(self: &Arc<Self>, is_over: impl Fn() -> bool) {
        let _entered = Entered::new(self, None);
        let seat = &self.seats[0];
        while !seat.inbox.has_items() && !is_over() {
            let message = "the driver, or a waker that it woke, panicked";
            caught(UnhandledKind::Runtime, message, || self.driver.park(0, &seat.parker));
        }
    }
}

impl Turns {
    /// Makes one turn: events and deadlines, then the tasks that are ready by then.
    ///
    /// # Panics
    /// Inside a task.
    #[track_caller]
    pub fn turn(&mut self) -> Turned {
        assert_outside("turn");
        if self.keeper.done() {
            return Turned::Ended;
        }
        let runtime = &self.runtime;
        let is_ready = runtime.in_first_seat(|seat| {
            let occupant = Occupant::new(runtime, seat, runtime.rights_of(0));
            let abort = AbortOnUnwind;
            let is_ready = current::occupy(Some(&occupant), || {
                seat.set_parked(false);
                let outside = variables::replace_current(Context::new());
                let is_ready = occupant.run_turn();
                occupant.leave_seat();
                let inside = variables::replace_current(outside);
                drop_caught(inside, "the destructor of a context variable panicked");
                seat.set_parked(true);
                is_ready
            });
            std::mem::forget(abort);
            is_ready
        });
        match is_ready {
            _ if self.keeper.done() => Turned::Ended,
            true => Turned::Ready,
            false => Turned::Idle,
        }
    }
}

impl Drop for Turns {
    fn drop(&mut self) {
        // The end of the runtime sweeps, and two sweeps would wait for each other.
        self.keeper.cancel();
        self.runtime.reporter.set_main(None);
    }
}

#[track_caller]
fn assert_outside(call: &str) {
    assert!(!current::is_occupant(), "{call}() was called inside a task; await the future instead");
}

/// Waits for the end of main, and then for that of what it has left: the end of a run, but on the thread of the
/// turns and without blocking it.
async fn keep(main: TaskHandle) {
    main.wait().await;
    drop(main);
    let Some(runtime) = current::runtime() else { return };
    runtime.reporter.set_main(None);
    runtime.shutdown_request.tell();
    sweep(&runtime, |_| true).await;
}
