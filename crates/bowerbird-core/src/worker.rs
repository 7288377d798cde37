//! The loop: take a task, poll it, obey; look at events now and then; search, sleep.
//!
//! # One worker
//! A plain FIFO: a turn is I/O, due deadlines in their order, then what stands in the queue. Events and
//! deadlines are looked at when the queue is empty, and every [`EVENT_INTERVAL`] tasks.
//!
//! # Several workers
//! | where | what | who else takes from it |
//! |---|---|---|
//! | slot | what the running task spawned or woke last | the rescue thread, when a poll lasts |
//! | lifo | what the slot gave up, newest first | thieves take the oldest |
//! | fifo | what yielded, what events and deadlines woke | thieves |
//! | queue | local tasks | nobody |
//! | ready main | the main future of worker 0 or of a guest | nobody |
//! | injector | what threads outside spawned or woke | every worker |
//!
//! Nothing starves: the slot gives up its place after [`SLOT_BUDGET`] tasks in a row; every eighth task
//! comes from the fifo if it can, every second from the local queue; and every [`OLD_INTERVAL`]th looks in
//! turn at the injector, the fifo, the local queue and the **old** end of the lifo. So of n tasks that are
//! ready none waits for more than 4 x `OLD_INTERVAL` x n polls of its worker. Main is looked at between
//! any two tasks, but never twice in a row while something else is ready.

use std::cell::Cell;
use std::sync::Arc;

use crate::current;
use crate::poll::{self, AfterPoll};
use crate::queue::until_answered;
use crate::report::{AbortOnUnwind, call_hook, caught};
use crate::runtime::{Entered, Runtime};
use crate::seat::{Core, Seat};
use crate::spawn;
use crate::task::Runnable;
use crate::unhandled::UnhandledKind;

/// Events and deadlines are looked at every so many tasks (Tokio's figure).
const EVENT_INTERVAL: u32 = 61;
/// The old ends are looked at every so many tasks.
const OLD_INTERVAL: u32 = 31;
/// How many tasks in a row may come from the slot.
const SLOT_BUDGET: u32 = 16;

/// What a thread may do in the seat that it occupies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rights {
    /// The only worker of its runtime.
    OnlyWorker,
    /// A worker among several, with its index.
    Worker(usize),
    /// Polls its own main future and local tasks and nothing else.
    Guest,
}

/// A thread in a seat.
pub(crate) struct Occupant<'a> {
    pub(crate) runtime: &'a Arc<Runtime>,
    pub(crate) seat: &'a Seat,
    pub(crate) rights: Rights,
    /// The main future has ended.
    pub(crate) is_main_done: Cell<bool>,
    last_was_main: Cell<bool>,
    /// Set when the seat went to another thread in the middle of a poll: this thread is one outside then.
    seatless: Cell<Option<Entered>>,
    has_seat: Cell<bool>,
}

/// When the loop ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Until {
    /// The main future is done.
    MainDone,
    /// No local task lives in the seat.
    NoLocalTasks,
    /// The runtime stops; on the way the seat is lent to whoever asks.
    Stopped,
}

impl<'a> Occupant<'a> {
    pub(crate) fn new(runtime: &'a Arc<Runtime>, seat: &'a Seat, rights: Rights) -> Self {
        Self {
            runtime,
            seat,
            rights,
            is_main_done: Cell::new(false),
            last_was_main: Cell::new(false),
            seatless: Cell::new(None),
            has_seat: Cell::new(true),
        }
    }

    /// Runs tasks on this thread until the condition holds, or until the seat has gone to another thread.
    pub(crate) fn occupy_until(&self, until: Until) {
        let abort = AbortOnUnwind;
        // It is taken already if it comes from a thread in `block_in_place`.
        let _was_vacant = self.seat.occupancy.enter();
        self.seat.set_parked(false);
        self.runtime.worker_came();
        current::occupy(Some(self), || {
            self.run(until);
            if self.has_seat.get() {
                self.end_own_tasks(true);
                self.seat.set_parked(true);
                self.seat.occupancy.close();
            }
        });
        self.runtime.idle.worker_left();
        std::mem::forget(abort);
        drop(self.seatless.take());
    }

    /// The seat has gone to another thread: for the rest of this poll this thread is one outside.
    pub(crate) fn lose_seat(&self, seatless: Entered) {
        self.has_seat.set(false);
        self.seatless.set(Some(seatless));
        current::leave_seat();
    }

    #[inline]
    pub(crate) fn core(&self) -> &Core {
        // SAFETY: an occupant exists on the thread that occupies the seat, and only there.
        unsafe { self.seat.core() }
    }

    /// The index at which the driver knows this worker.
    fn index(&self) -> Option<usize> {
        match self.rights {
            Rights::OnlyWorker => Some(0),
            Rights::Worker(index) => Some(index),
            Rights::Guest => None,
        }
    }

    /// Runs tasks until the condition holds.
    pub(crate) fn run(&self, until: Until) {
        while !self.is_over(until) {
            match self.next_task() {
                Some(task) => {
                    self.poll(task);
                    if !self.has_seat.get() {
                        return;
                    }
                }
                None => self.rest(),
            }
        }
    }

    /// Looks at events and deadlines, polls what is ready by then, and returns whether something is ready still.
    pub(crate) fn run_turn(&self) -> bool {
        // What it announces is seen below.
        self.seat.parker.take_notified();
        self.turn();
        if self.seat.inbox.has_items() {
            self.empty_inbox();
        }
        let most_polls = match self.rights {
            Rights::OnlyWorker => self.core().queue.borrow().len(),
            Rights::Worker(_) | Rights::Guest => EVENT_INTERVAL as usize,
        };
        for _ in 0..most_polls {
            let Some(task) = self.next_task() else { break };
            self.poll(task);
            if !self.has_seat.get() {
                return false;
            }
        }
        self.has_own_work()
    }

    /// Polls a task, and puts it where it wants to be.
    #[inline]
    fn poll(&self, task: Runnable) {
        self.seat.count_poll();
        let after = poll::poll(task);
        if !self.has_seat.get() {
            return self.requeue_without_seat(after);
        }
        match after {
            AfterPoll::Nothing => {}
            AfterPoll::Yielded(task) => self.schedule_yielded(task),
            AfterPoll::Woken(task) => self.schedule_requeued(task),
        }
    }

    /// The runtime has stopped: ends what is queued here, and, if this is their thread, the local tasks. What
    /// does not end is left behind.
    pub(crate) fn end_own_tasks(&self, with_local: bool) {
        const ROUNDS: usize = 100;
        for _ in 0..ROUNDS {
            if with_local && self.core().local_count.get() > 0 {
                self.seat.list.for_each(|task| {
                    if task.is_local() {
                        task.cancel();
                    }
                });
            }
            let mut found = false;
            while let Some(task) = self.any_own_task() {
                if with_local || !task.header().state.load().is_local() {
                    found = true;
                    spawn::end_unpolled(task, &self.runtime.reporter);
                }
            }
            if !found {
                return;
            }
        }
    }

    fn any_own_task(&self) -> Option<Runnable> {
        if self.seat.inbox.has_items() {
            self.empty_inbox();
        }
        let core = self.core();
        let task = core.ready_main.take().or_else(|| core.queue.borrow_mut().pop_front());
        task.or_else(|| self.seat.slot.take())
            .or_else(|| core.lifo.pop())
            .or_else(|| core.fifo.pop())
    }

    /// Whether the thread has its seat still; see `block_in_place`.
    pub(crate) fn has_seat(&self) -> bool {
        self.has_seat.get()
    }

    /// The last poll of a thread that has lost its seat.
    #[cold]
    pub(crate) fn requeue_without_seat(&self, after: AfterPoll) {
        if let AfterPoll::Yielded(task) | AfterPoll::Woken(task) = after {
            self.runtime.schedule_from_outside(task, self.seat.number);
        }
    }

    #[inline]
    fn is_over(&self, until: Until) -> bool {
        match until {
            Until::MainDone | Until::NoLocalTasks => {
                if self.seat.occupancy.is_asked() {
                    self.lend_seat();
                }
                if until == Until::MainDone {
                    self.is_main_done.get()
                } else {
                    self.core().local_count.get() == 0
                }
            }
            Until::Stopped => {
                if self.seat.occupancy.is_asked() {
                    self.lend_seat();
                }
                self.runtime.is_stopped()
            }
        }
    }

    /// Somebody asked for the seat; it is refused while local tasks live here.
    #[cold]
    fn lend_seat(&self) {
        self.seat.occupancy.answer(self.core().local_count.get() == 0);
    }

    /// The thread leaves the seat empty: what only it could take goes where others find it.
    pub(crate) fn leave_seat(&self) {
        if matches!(self.rights, Rights::Worker(_)) {
            if self.core().is_searching.get() {
                self.end_search();
            }
            if let Some(task) = self.seat.slot.take() {
                self.core().fifo.push(task);
                self.wake_another(self.runtime.idle.notify());
            }
        }
    }

    /// Inlined into the loop of each kind of occupant: as a call it cost 4 % of a spawn and await.
    #[inline(always)]
    fn next_task(&self) -> Option<Runnable> {
        let core = self.core();
        let tick = core.tick.get().wrapping_add(1);
        core.tick.set(tick);
        if tick % EVENT_INTERVAL == 0 {
            self.turn();
        }
        if self.seat.inbox.has_items() {
            self.empty_inbox();
        }
        match self.rights {
            Rights::OnlyWorker => core.queue.borrow_mut().pop_front(),
            Rights::Guest => self.next_of_guest(core),
            Rights::Worker(_) => {
                let task = self.next_of_several(core, tick)?;
                if core.is_searching.get() {
                    self.end_search();
                }
                Some(task)
            }
        }
    }

    /// Main and the local tasks; main never twice in a row while one of those is ready.
    fn next_of_guest(&self, core: &Core) -> Option<Runnable> {
        if self.last_was_main.replace(false) {
            if let Some(task) = core.queue.borrow_mut().pop_front() {
                return Some(task);
            }
        }
        let main = core.ready_main.take();
        self.last_was_main.set(main.is_some());
        main.or_else(|| core.queue.borrow_mut().pop_front())
    }

    #[inline]
    fn next_of_several(&self, core: &Core, tick: u32) -> Option<Runnable> {
        let was_main = self.last_was_main.replace(false);
        let mut main = core.ready_main.take();
        if !was_main && main.is_some() {
            self.last_was_main.set(true);
            return main;
        }
        let task = self.next_but_main(core, tick);
        if task.is_none() {
            return main;
        }
        core.ready_main.set(main.take());
        task
    }

    #[inline]
    fn next_but_main(&self, core: &Core, tick: u32) -> Option<Runnable> {
        if tick % OLD_INTERVAL == 0 {
            if let Some(task) = self.next_old(core, tick / OLD_INTERVAL) {
                return Some(task);
            }
        }
        if let Some(task) = self.seat.slot.take() {
            let streak = core.slot_streak.get() + 1;
            if streak <= SLOT_BUDGET {
                core.slot_streak.set(streak);
                return Some(task);
            }
            core.fifo.push(task);
        }
        core.slot_streak.set(0);
        let first = match tick % 8 {
            0 | 2 | 4 | 6 => core.queue.borrow_mut().pop_front(),
            1 => core.fifo.pop(),
            _ => None,
        };
        if first.is_some() {
            return first;
        }
        let task = core.lifo.pop().or_else(|| core.fifo.pop());
        task.or_else(|| core.queue.borrow_mut().pop_front())
    }

    /// What may have waited for long, from another place each time.
    #[cold]
    fn next_old(&self, core: &Core, round: u32) -> Option<Runnable> {
        (0..4).find_map(|step| match (round + step) % 4 {
            0 => until_answered(|| self.runtime.injector.steal()),
            1 => core.fifo.pop(),
            2 => core.queue.borrow_mut().pop_front(),
            _ => until_answered(|| self.runtime.thieves_of(self.seat).0.steal()),
        })
    }

    /// Takes what other threads made ready for this one.
    #[cold]
    fn empty_inbox(&self) {
        // The buffer is kept, so that neither side allocates each time.
        let mut tasks = self.core().inbox_buffer.take();
        self.seat.inbox.take(&mut tasks);
        for task in tasks.drain(..) {
            self.queue_local(task);
        }
        self.core().inbox_buffer.set(tasks);
    }

    /// A local task, or any if this is the only worker.
    #[inline]
    pub(crate) fn queue_local(&self, task: Runnable) {
        if self.rights != Rights::OnlyWorker && task.header().state.load().is_main() {
            self.core().ready_main.set(Some(task));
        } else {
            self.core().queue.borrow_mut().push_back(task);
        }
    }

    /// A local task of this seat has ended.
    pub(crate) fn local_task_ended(&self, is_main: bool) {
        let count = &self.core().local_count;
        count.set(count.get() - 1);
        if is_main {
            self.is_main_done.set(true);
        }
    }

    // -----------------------------------------------------------------------------------------------
    // Events, search, sleep
    // -----------------------------------------------------------------------------------------------

    /// Looks at events and deadlines without blocking.
    #[cold]
    fn turn(&self) {
        if let Some(index) = self.index() {
            self.dispatch(|| self.runtime.driver.turn(index));
        }
    }

    /// Turns events and deadlines into queued tasks; a second worker is woken for what would take one long.
    fn dispatch(&self, turn: impl FnOnce()) {
        struct Over<'a>(&'a Core);
        impl Drop for Over<'_> {
            fn drop(&mut self) {
                self.0.is_dispatching.set(false);
            }
        }
        let core = self.core();
        core.batch_cost.end(core.tick.get());
        core.is_dispatching.set(true);
        let over = Over(core);
        caught(UnhandledKind::Runtime, "the driver, or a waker that it woke, panicked", turn);
        drop(over);
        let count = core.dispatched_count.replace(0);
        if core.batch_cost.begin(count, core.tick.get()) && matches!(self.rights, Rights::Worker(_))
        {
            self.wake_another(self.runtime.idle.notify_hint());
        }
    }

    /// Wakes a worker that the idle protocol has claimed.
    #[inline]
    pub(crate) fn wake_another(&self, worker: Option<usize>) {
        if let Some(worker) = worker {
            self.runtime.unpark(worker);
        }
    }

    /// Nothing is ready here: searches, and sleeps if there is nothing anywhere.
    #[cold]
    fn rest(&self) {
        match self.rights {
            Rights::OnlyWorker => self.sleep(0),
            Rights::Guest => {
                self.seat.set_parked(true);
                self.seat.parker.park(None);
                self.seat.set_parked(false);
            }
            Rights::Worker(index) => {
                if let Some(task) = self.search(index) {
                    self.core().fifo.push(task);
                    return;
                }
                self.dispatch(|| self.runtime.driver.turn_before_sleep(index));
                if self.has_own_work() {
                    return;
                }
                self.announce_and_sleep(index);
            }
        }
    }

    /// Looks into the injector and the other workers' deques.
    fn search(&self, index: usize) -> Option<Runnable> {
        let core = self.core();
        if let Some(task) = until_answered(|| self.runtime.injector.steal_batch_and_pop(&core.fifo))
        {
            return Some(task);
        }
        if !core.is_searching.get() && !self.runtime.idle.try_search() {
            return None;
        }
        core.is_searching.set(true);
        let count = self.runtime.seats.len();
        let start = core.rng.below(count as u32) as usize;
        (start..start + count)
            .map(|victim| victim % count)
            .filter(|&victim| victim != index)
            .find_map(|victim| {
                let (lifo, fifo) = &self.runtime.thieves[victim];
                until_answered(|| lifo.steal_batch_and_pop(&core.lifo))
                    .or_else(|| until_answered(|| fifo.steal_batch_and_pop(&core.fifo)))
            })
    }

    /// A searcher found work. If it was the last one, and more is queued, another worker searches in its
    /// place; what is queued after this look finds no searcher and wakes a worker itself.
    #[cold]
    fn end_search(&self) {
        self.core().is_searching.set(false);
        if self.runtime.idle.end_search() && self.runtime.has_work_anywhere() {
            self.wake_another(self.runtime.idle.notify());
        }
    }

    fn has_own_work(&self) -> bool {
        let core = self.core();
        let has_main = core.ready_main.take().map(|main| core.ready_main.set(Some(main))).is_some();
        has_main
            || !self.seat.slot.is_empty()
            || !core.lifo.is_empty()
            || !core.fifo.is_empty()
            || !core.queue.borrow().is_empty()
            || self.seat.inbox.has_items()
    }

    /// The sleeper's side of the idle protocol (IDLE.md): announce, scan once more, sleep.
    fn announce_and_sleep(&self, index: usize) {
        let core = self.core();
        let idle = &self.runtime.idle;
        idle.announce_sleep(index, core.is_searching.replace(false));
        // The stop flag is read before the scan: what was queued before the stop is not left behind.
        let must_not_sleep = self.runtime.is_stopped() || self.runtime.has_work_anywhere();
        if !must_not_sleep {
            self.sleep(index);
        }
        let mut is_searching = idle.end_sleep(index);
        if must_not_sleep && !is_searching {
            idle.must_search();
            is_searching = true;
        }
        core.is_searching.set(is_searching);
        // Also if it did not sleep: the rescue thread may have seen it announced.
        self.runtime.rescue.worker_woke();
    }

    fn sleep(&self, index: usize) {
        let config = &self.runtime.config;
        call_hook(config.on_thread_park.as_ref());
        // The hook is the user's, and may have made tasks ready here.
        if config.on_thread_park.is_none() || !self.has_own_work() {
            self.seat.set_parked(true);
            self.dispatch(|| self.runtime.driver.park(index, &self.seat.parker));
            self.seat.set_parked(false);
        }
        call_hook(config.on_thread_unpark.as_ref());
    }
}
