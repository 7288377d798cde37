//! What a group knows of its children: the ledger that the group, its children and its handles share.
//!
//! ```text
//!                 entered                    the first failure, cancel(),
//!   NOT ENTERED ----------> OPEN ----------- the body's error, a request ----> SHUTTING DOWN
//!                             |                                                     |
//!                             |  the body and all children have ended               |
//!                             '------------------> FINISHED <-----------------------'
//! ```
//! Each child holds the countdown from before it is spawned until its future is gone, each spawn that goes on
//! holds it, and the group itself until its body has ended. Whoever lets go of it last wakes the group, which
//! then ends when every task in its list is done, for a task may have cleanups to run after its future is
//! gone. Nobody gets hold of a countdown that has come to its end: such a group is finished. Tasks are
//! cancelled, and handles dropped, outside of the lock.
//!
//! # Ordering arguments
//! - `[ORD-1]` The flag that the group takes no more children: Relaxed. Its future is woken after the flag is
//!   set, and the wake-up orders them; a spawn that misses it is told by the ledger, under the lock.

use std::panic::Location;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock, Weak};
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
    is_closed: AtomicBool,
    countdown: OnceLock<Weak<Countdown>>,
    ledger: Mutex<Ledger>,
}

/// Held by whatever keeps a group from ending.
pub(super) struct Countdown {
    members: Arc<Members>,
    is_limited: bool,
    /// The group itself lets go of it last, and sees that.
    is_seen: bool,
}

impl Drop for Countdown {
    fn drop(&mut self) {
        self.members.ledger.lock().has_ended = true;
        if !self.is_seen {
            self.members.awaiter.wake();
        }
    }
}

pub(super) struct Ledger {
    pub(super) name: Option<Arc<str>>,
    pub(super) policy: Policy,
    pub(super) turns: Turns,
    state: GroupState,
    /// `cancel` was called.
    is_cancelled: bool,
    /// The group's own hold of the countdown, until its body has ended.
    own: Option<Arc<Countdown>>,
    /// The countdown has come to its end.
    has_ended: bool,
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
            own: None,
            has_ended: false,
            tasks: Vec::new(),
            sweep_at: SWEEP_AT_LEAST,
            failures: Vec::new(),
        };
        Arc::new(Self {
            awaiter: WakerSlot::new(),
            location,
            is_closed: AtomicBool::new(false),
            countdown: OnceLock::new(),
            ledger: Mutex::new(ledger),
        })
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
        let holds = self.countdown.get().map_or(0, Weak::strong_count);
        let ledger = self.ledger.lock();
        let own = usize::from(ledger.own.is_some());
        (holds.saturating_sub(own), ledger.failures.len(), ledger.state)
    }

    pub(super) fn is_shutting_down(&self) -> bool {
        self.is_closed.load(Ordering::Relaxed) // [ORD-1]
    }

    /// The group is entered; one that was cancelled before shuts down at once.
    pub(super) fn enter(self: &Arc<Self>) {
        let mut ledger = self.ledger.lock();
        let is_limited = ledger.turns.is_limited();
        let own = Arc::new(Countdown { members: self.clone(), is_limited, is_seen: false });
        // A group is entered once: `run` takes it by value.
        let _is_first = self.countdown.set(Arc::downgrade(&own));
        ledger.own = Some(own);
        ledger.state = GroupState::Open;
        if ledger.is_cancelled {
            ledger.state = GroupState::ShuttingDown;
            self.is_closed.store(true, Ordering::Relaxed); // [ORD-1]
        }
    }

    // -----------------------------------------------------------------------------------------------
    // A child comes and goes
    // -----------------------------------------------------------------------------------------------

    /// Counts a child that is about to be spawned, or refuses it.
    #[inline]
    pub(super) fn join(&self) -> Result<Membership, GroupClosed> {
        let countdown = match self.countdown.get().map(Weak::upgrade) {
            Some(Some(countdown)) => countdown,
            Some(None) => return Err(self.closed(GroupState::Finished)),
            None => return Err(self.closed(GroupState::NotEntered)),
        };
        if self.is_shutting_down() {
            return Err(self.closed(GroupState::ShuttingDown));
        }
        let turn =
            if countdown.is_limited { self.ledger.lock().turns.take() } else { Turn::unlimited() };
        Ok(Membership { countdown, turn })
    }

    #[cold]
    fn closed(&self, state: GroupState) -> GroupClosed {
        GroupClosed::new(state, self.name())
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
            self.shut_down(&mut ledger)
        };
        self.cancel_all(&others);
    }

    /// Cancels all children, and lets no more in.
    pub(super) fn abort(&self) {
        let tasks = self.shut_down(&mut self.ledger.lock());
        self.cancel_all(&tasks);
    }

    /// `Group::cancel`.
    pub(super) fn cancel(&self) {
        let tasks = {
            let mut ledger = self.ledger.lock();
            ledger.is_cancelled = true;
            self.shut_down(&mut ledger)
        };
        self.cancel_all(&tasks);
    }

    /// Gives the tasks to cancel if the group was open.
    fn shut_down(&self, ledger: &mut Ledger) -> Vec<TaskHandle> {
        if ledger.state != GroupState::Open {
            return Vec::new();
        }
        ledger.state = GroupState::ShuttingDown;
        self.is_closed.store(true, Ordering::Relaxed); // [ORD-1]
        ledger.tasks.clone()
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
        let own = self.ledger.lock().own.take();
        if let Some(mut last) = own.and_then(Arc::into_inner) {
            last.is_seen = true;
        }
        loop {
            if let Some(last) = wait {
                std::task::ready!(std::pin::Pin::new(last).poll(cx));
                *wait = None;
            }
            let ended;
            let left = {
                let mut ledger = self.ledger.lock();
                if !ledger.has_ended {
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
    countdown: Arc<Countdown>,
    turn: Turn,
}

impl Membership {
    pub(super) fn members(&self) -> &Members {
        &self.countdown.members
    }

    /// A second hold, for the time that the spawn takes: see `Members::add`.
    #[inline]
    pub(super) fn hold(&self) -> Arc<Countdown> {
        self.countdown.clone()
    }

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
        let old = self.countdown.members.ledger.lock().turns.wait(&mut self.turn, fresh);
        drop(old);
        if self.turn.has_come() { Poll::Ready(()) } else { Poll::Pending }
    }
}

impl Drop for Membership {
    #[inline]
    fn drop(&mut self) {
        if self.countdown.is_limited {
            let next = self.members().ledger.lock().turns.give_back(&self.turn);
            drop(next.unused);
            if let Some(waker) = next.woken {
                waker.wake();
            }
        }
    }
}
