//! What a group knows of its children: the ledger that the group, its children and its handles share.
//!
//! ```text
//!                 entered                    the first failure, cancel(),
//!   NOT ENTERED ----------> OPEN ----------- the body's error, a request ----> SHUTTING DOWN
//!                             |                                                     |
//!                             |  the body and all children have ended               |
//!                             '------------------> FINISHED <-----------------------'
//! ```
//! A child counts from before it is spawned until its future is gone; the group ends when the count is 0 and
//! every task in its list is done, for a task may have cleanups to run after its future is gone. Whoever
//! brings the count to 0 wakes the group. Tasks are cancelled, and handles dropped, outside of the lock.

use std::panic::Location;
use std::sync::Arc;
use std::task::{Context, Poll};

use bowerbird_base::poll_context;
use bowerbird_base::sync::Mutex;
use bowerbird_base::waker_slot::WakerSlot;
use bowerbird_core::{TaskError, TaskHandle, WaitDone, current_task, note_tasks};

use super::closed::{GroupClosed, GroupState};
use super::turns::{Turn, Turns};
use super::{Policy, TaskFailure};

/// The children of one group.
pub(super) struct Members {
    /// The future of the group: woken when it has to look.
    pub(super) awaiter: WakerSlot,
    pub(super) location: &'static Location<'static>,
    ledger: Mutex<Ledger>,
}

pub(super) struct Ledger {
    pub(super) name: Option<Arc<str>>,
    pub(super) policy: Policy,
    pub(super) turns: Turns,
    state: GroupState,
    /// `cancel` was called.
    is_cancelled: bool,
    /// Children whose futures are there, and spawns that go on.
    live: usize,
    /// The body has ended: whoever brings `live` to 0 wakes the group.
    is_awaited: bool,
    tasks: Vec<TaskHandle>,
    /// So many tasks make a look for those that have ended worthwhile.
    sweep_at: usize,
    failures: Vec<TaskFailure>,
}

/// Below this number of tasks nobody looks for those that have ended.
const SWEEP_AT_LEAST: usize = 64;

impl Members {
    pub(super) fn new(location: &'static Location<'static>) -> Arc<Self> {
        let ledger = Ledger {
            name: None,
            policy: Policy::FailFast,
            turns: Turns::default(),
            state: GroupState::NotEntered,
            is_cancelled: false,
            live: 0,
            is_awaited: false,
            tasks: Vec::new(),
            sweep_at: SWEEP_AT_LEAST,
            failures: Vec::new(),
        };
        Arc::new(Self { awaiter: WakerSlot::new(), location, ledger: Mutex::new(ledger) })
    }

    /// Changes the settings, before the group is entered.
    pub(super) fn set(&self, change: impl FnOnce(&mut Ledger)) {
        change(&mut self.ledger.lock());
    }

    pub(super) fn name(&self) -> Option<Arc<str>> {
        self.ledger.lock().name.clone()
    }

    pub(super) fn state(&self) -> GroupState {
        self.ledger.lock().state
    }

    /// How many children have not ended, how many errors there are, and the state.
    pub(super) fn figures(&self) -> (usize, usize, GroupState) {
        let ledger = self.ledger.lock();
        (ledger.live, ledger.failures.len(), ledger.state)
    }

    pub(super) fn is_shutting_down(&self) -> bool {
        self.state() == GroupState::ShuttingDown
    }

    /// The group is entered; one that was cancelled before shuts down at once.
    pub(super) fn enter(&self) {
        let mut ledger = self.ledger.lock();
        ledger.state =
            if ledger.is_cancelled { GroupState::ShuttingDown } else { GroupState::Open };
    }

    // -----------------------------------------------------------------------------------------------
    // A child comes and goes
    // -----------------------------------------------------------------------------------------------

    /// Counts a child that is about to be spawned, or refuses it.
    pub(super) fn join(self: &Arc<Self>) -> Result<Membership, GroupClosed> {
        let mut ledger = self.ledger.lock();
        if ledger.state != GroupState::Open {
            return Err(GroupClosed::new(ledger.state, ledger.name.clone()));
        }
        // One for the future, one for the spawn that goes on: see `add`.
        ledger.live += 2;
        let turn = ledger.turns.take();
        drop(ledger);
        Ok(Membership { members: self.clone(), turn })
    }

    /// Notes the task of a child that was counted by `join`. It may have ended already, and the group may
    /// have begun to shut down meanwhile.
    pub(super) fn add(&self, task: TaskHandle) {
        let mut ended = Vec::new();
        let late = {
            let mut ledger = self.ledger.lock();
            if ledger.tasks.len() >= ledger.sweep_at {
                ended = ledger.sweep();
            }
            let late = (ledger.state != GroupState::Open).then(|| task.clone());
            ledger.tasks.push(task);
            late
        };
        drop(ended);
        if let Some(task) = late {
            task.cancel();
        }
        self.count_down();
    }

    /// A spawn did not come about.
    pub(super) fn not_added(&self) {
        self.count_down();
    }

    fn count_down(&self) {
        let is_last = {
            let mut ledger = self.ledger.lock();
            ledger.live -= 1;
            ledger.is_awaited && ledger.live == 0
        };
        if is_last {
            self.awaiter.wake();
        }
    }

    /// A child has failed. The first failure shuts the group down, unless the policy is another.
    pub(super) fn fail(&self, failure: TaskFailure) {
        let is_consequence = is_consequence(&failure);
        let others = {
            let mut ledger = self.ledger.lock();
            if !(is_consequence && ledger.state == GroupState::ShuttingDown) {
                ledger.failures.push(failure);
            }
            if ledger.policy != Policy::FailFast {
                return;
            }
            ledger.shut_down()
        };
        self.cancel_all(&others);
    }

    /// Cancels all children, and lets no more in.
    pub(super) fn abort(&self) {
        let tasks = self.ledger.lock().shut_down();
        self.cancel_all(&tasks);
    }

    /// `Group::cancel`.
    pub(super) fn cancel(&self) {
        let tasks = {
            let mut ledger = self.ledger.lock();
            ledger.is_cancelled = true;
            ledger.shut_down()
        };
        self.cancel_all(&tasks);
    }

    /// For the call graph: whoever polls the group awaits its children, from the spawn on.
    #[inline]
    pub(super) fn note_tasks(&self) {
        if poll_context::is_tracked() {
            note_tasks(self.location, &self.ledger.lock().tasks);
        }
    }

    fn cancel_all(&self, tasks: &[TaskHandle]) {
        // The child whose failure this is ends by itself.
        let failing = current_task();
        for task in tasks {
            if failing.as_ref() != Some(task) {
                task.cancel();
            }
        }
        self.awaiter.wake();
    }

    // -----------------------------------------------------------------------------------------------
    // The end
    // -----------------------------------------------------------------------------------------------

    /// Waits until no child is left; then the group is finished. `wait` is kept between two polls.
    pub(super) fn poll_ended(&self, wait: &mut Option<WaitDone>, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            if let Some(last) = wait {
                std::task::ready!(std::pin::Pin::new(last).poll(cx));
                *wait = None;
            }
            let ended;
            let left = {
                let mut ledger = self.ledger.lock();
                ledger.is_awaited = true;
                if ledger.live > 0 {
                    return Poll::Pending;
                }
                ended = ledger.sweep();
                if ledger.tasks.is_empty() {
                    ledger.state = GroupState::Finished;
                }
                ledger.tasks.first().cloned()
            };
            drop(ended);
            match left {
                None => return Poll::Ready(()),
                // Its future is gone, and it has cleanups to run, or another worker is about to say so.
                Some(task) => *wait = Some(task.wait()),
            }
        }
    }

    /// Takes the errors that came so far.
    pub(super) fn take_failures(&self) -> Vec<TaskFailure> {
        std::mem::take(&mut self.ledger.lock().failures)
    }
}

impl Ledger {
    /// Gives the tasks to cancel if the group was open.
    fn shut_down(&mut self) -> Vec<TaskHandle> {
        if self.state != GroupState::Open {
            return Vec::new();
        }
        self.state = GroupState::ShuttingDown;
        self.tasks.clone()
    }

    /// Takes the tasks that have ended out of the list.
    fn sweep(&mut self) -> Vec<TaskHandle> {
        let (ended, left) = std::mem::take(&mut self.tasks).into_iter().partition(TaskHandle::done);
        self.tasks = left;
        self.sweep_at = SWEEP_AT_LEAST.max(2 * self.tasks.len());
        ended
    }
}

/// An error that only says that the group is shutting down: a sibling was awaited, and had been cancelled.
pub(super) fn is_consequence(failure: &TaskFailure) -> bool {
    let error = failure.error();
    error.downcast_ref::<TaskError>().is_some_and(TaskError::is_cancelled)
        || error.downcast_ref::<GroupClosed>().is_some_and(GroupClosed::is_shutting_down)
}

/// A child's place in its group, given up when it is dropped.
pub(super) struct Membership {
    pub(super) members: Arc<Members>,
    turn: Turn,
}

impl Membership {
    /// Waits until the group's limit lets the child run.
    #[inline]
    pub(super) fn poll_turn(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.turn.has_come() {
            return Poll::Ready(());
        }
        self.poll_waiting(cx)
    }

    #[cold]
    fn poll_waiting(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if poll_context::is_offered() {
            // Like a task that was never polled, the child ends unpolled: the request unwinds from here.
            return Poll::Pending;
        }
        let fresh = cx.waker().clone();
        let old = self.members.ledger.lock().turns.wait(&mut self.turn, fresh);
        drop(old);
        if self.turn.has_come() { Poll::Ready(()) } else { Poll::Pending }
    }
}

impl Drop for Membership {
    fn drop(&mut self) {
        let (next, is_last) = {
            let mut ledger = self.members.ledger.lock();
            ledger.live -= 1;
            (ledger.turns.give_back(&self.turn), ledger.is_awaited && ledger.live == 0)
        };
        drop(next.unused);
        if let Some(waker) = next.woken {
            waker.wake();
        }
        if is_last {
            self.members.awaiter.wake();
        }
    }
}
