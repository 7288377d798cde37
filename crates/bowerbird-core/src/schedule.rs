//! A runnable task picks its queue.
//!
//! | who calls | from where | one worker | several workers |
//! |---|---|---|---|
//! | `schedule_spawned` | the running task | queue | slot; what stood there goes to the lifo, which may wake a sleeper |
//! | `schedule_woken` | the running task | queue | the same; local: queue or ready main; another thread's local: its inbox |
//! | `schedule_woken` | events, deadlines | queue | fifo, nobody is woken |
//! | `schedule_yielded` | after a poll | queue | fifo; local: queue |
//! | `schedule_requeued` | after a poll | queue | fifo; local: queue or ready main |
//! | `Runtime::schedule_from_outside` | any other thread | inbox | injector; local: inbox |

use std::sync::Arc;

use crate::owner::{self, OwnerNumber};
use crate::runtime::Runtime;
use crate::task::Runnable;
use crate::worker::{Occupant, Rights};

impl Occupant<'_> {
    /// Whether tasks of this owner belong to this runtime.
    #[inline]
    pub(crate) fn serves(&self, owner: OwnerNumber) -> bool {
        owner == self.seat.number || std::ptr::eq(owner::home_of(owner), Arc::as_ptr(self.runtime))
    }

    /// A task that the running task has spawned.
    #[inline]
    pub(crate) fn schedule_spawned(&self, task: Runnable) {
        match self.rights {
            Rights::OnlyWorker => self.core().queue.borrow_mut().push_back(task),
            Rights::Worker(_) => self.put_next(task),
            Rights::Guest => self.runtime.schedule_from_outside(task, self.seat.number),
        }
    }

    /// A task that was asleep.
    #[inline]
    pub(crate) fn schedule_woken(&self, task: Runnable, owner: OwnerNumber) {
        let core = self.core();
        if self.rights == Rights::OnlyWorker && owner == self.seat.number {
            core.queue.borrow_mut().push_back(task);
        } else if task.header().state.load().is_local() {
            if owner == self.seat.number {
                self.queue_local(task);
            } else {
                self.runtime.schedule_from_outside(task, owner);
            }
        } else {
            match self.rights {
                Rights::OnlyWorker => core.queue.borrow_mut().push_back(task),
                Rights::Guest => self.runtime.schedule_from_outside(task, owner),
                Rights::Worker(_) if core.is_dispatching.get() => {
                    core.dispatched_count.set(core.dispatched_count.get() + 1);
                    core.fifo.push(task);
                }
                Rights::Worker(_) => self.put_next(task),
            }
        }
    }

    /// A task that gave way to the others. Inlined into the loop: the call was a twentieth of a yield.
    #[inline(always)]
    pub(crate) fn schedule_yielded(&self, task: Runnable) {
        if matches!(self.rights, Rights::OnlyWorker | Rights::Guest)
            || task.header().state.load().is_local()
        {
            self.core().queue.borrow_mut().push_back(task);
        } else {
            self.core().fifo.push(task);
        }
    }

    /// A task that was woken while it was polled.
    #[inline]
    pub(crate) fn schedule_requeued(&self, task: Runnable) {
        if matches!(self.rights, Rights::OnlyWorker | Rights::Guest)
            || task.header().state.load().is_local()
        {
            self.queue_local(task);
        } else {
            self.core().fifo.push(task);
        }
    }

    /// Puts a task into the slot; the one that stood there may be taken by others.
    #[inline]
    fn put_next(&self, task: Runnable) {
        if let Some(before) = self.seat.slot.replace(task) {
            self.core().lifo.push(before);
            self.wake_another(self.runtime.idle.notify_hint());
        }
    }
}

impl Runtime {
    /// A task that a thread which does not occupy a seat of this runtime has made runnable.
    pub(crate) fn schedule_from_outside(&self, task: Runnable, owner: OwnerNumber) {
        if task.header().state.load().is_local() {
            // SAFETY: a seat with live local tasks is not dropped, and the task is not done; for a thread
            // outside, the guest counter keeps the runtime.
            let seat = unsafe { &*owner::seat_of(owner) };
            seat.inbox.put(task);
            self.unpark_seat(seat);
        } else if self.seats.len() == 1 {
            self.seats[0].inbox.put(task);
            self.unpark(0);
        } else {
            self.injector.push(task);
            if let Some(worker) = self.idle.notify() {
                self.unpark(worker);
            }
        }
    }
}
