//! The wait for a notification.
//!
//! ```text
//!   NEW --- in the list, unlocked ---> WAITING --- notified, or cancelled ---> LOCKING --- has the lock ---> DONE
//!                                                                                 '--- it was cancelled ---> RAISING
//! ```
//! A wait is a scope of its own in the protocol of cancellation: it takes a request that is offered to it out of the
//! cell and keeps it. So whoever stands around it sees that somebody inside answers, and goes on polling, until the wait
//! has its lock back and raises the request outwards; only then is it dropped. Requests that come in between are
//! merged with the first. Raised once, it raises again at each poll, as a scope does.
//!
//! Between `WAITING` and the lock the guard has no lock. It is the guard that knows it, and not this future, which may
//! be dropped or forgotten at any time.
//!
//! Who was notified *owes* a notification until it ends with the lock and without a request: cancelled or dropped, it
//! hands the notification on.

use std::fmt;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bowerbird_base::poll_context::{self, Request};

use super::{Condition, ConditionGuard, other_lock};
use crate::leaf::Leaf;
use crate::wait_list::{Key, lock_renewed};

/// Waits to be notified, see [`Condition::wait`].
#[must_use = "futures do nothing unless awaited"]
pub struct ConditionWait<'a, G: ConditionGuard> {
    condition: &'a Condition,
    guard: &'a mut G,
    stage: Stage<G>,
    /// The request that this wait took, to be raised with the lock.
    kept: Option<Request>,
    /// It was notified, and has neither gone on nor handed the notification on.
    owes: bool,
    leaf: Leaf,
}

enum Stage<G: ConditionGuard> {
    New,
    Waiting(Key),
    Locking(G::Wait),
    Raising,
    Done,
}

impl<'a, G: ConditionGuard> ConditionWait<'a, G> {
    #[track_caller]
    pub(super) fn new(condition: &'a Condition, guard: &'a mut G) -> Self {
        let (stage, leaf) = (Stage::New, Leaf::new());
        Self { condition, guard, stage, kept: None, owes: false, leaf }
    }

    fn location(&self) -> &'static Location<'static> {
        self.leaf.location()
    }

    /// Puts the wait into the list, and unlocks.
    fn begin(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if poll_context::is_offered() {
            // It unwinds past this wait, which has the lock and keeps it.
            poll_context::yield_now(cx);
            return Poll::Pending;
        }
        let Self { condition, guard, stage, leaf, .. } = self;
        let location = leaf.location();
        leaf.poll(cx, "condition", *condition, |cx| {
            let lock = guard.address();
            let waker = cx.waker().clone();
            let mut waits = condition.waits.lock();
            if !waits.list.is_empty() && waits.lock != lock {
                drop(waits);
                other_lock("wait()", location);
            }
            waits.lock = lock;
            *stage = Stage::Waiting(waits.list.push_back(waker, ()));
            drop(waits);
            guard.unlock();
            Poll::Pending
        })
    }

    /// Waits for the notification; a request that is offered ends the wait for it.
    fn poll_notified(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.keep_request();
        let Self { condition, stage, kept, leaf, .. } = self;
        let Stage::Waiting(own) = stage else { unreachable!("it is waiting") };
        if kept.is_none() {
            ready!(leaf.poll(cx, "condition", *condition, |cx| {
                let waits = &condition.waits;
                let (_old, waits) = lock_renewed(waits, |waits| &mut waits.list, own, cx.waker());
                if waits.list.is_called(own) { Poll::Ready(()) } else { Poll::Pending }
            }));
        }
        let locking = self.guard.relock(self.location());
        if let Stage::Waiting(key) = std::mem::replace(&mut self.stage, Stage::Locking(locking)) {
            self.owes = self.condition.leave(key);
        }
        Poll::Ready(())
    }

    /// Takes the lock back, whatever comes.
    fn poll_lock(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.keep_request();
        if self.kept.is_some() {
            self.hand_on();
        }
        let Stage::Locking(locking) = &mut self.stage else { unreachable!("it is locking") };
        *self.guard = ready!(Pin::new(locking).poll(cx));
        if self.kept.is_some() {
            self.stage = Stage::Raising;
            return self.raise(cx);
        }
        self.owes = false;
        self.stage = Stage::Done;
        Poll::Ready(())
    }

    fn raise(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if let Some(request) = &self.kept {
            poll_context::raise(request.clone());
        }
        poll_context::yield_now(cx);
        Poll::Pending
    }

    /// Takes a request that is offered out of the cell.
    fn keep_request(&mut self) {
        if !poll_context::is_offered() {
            return;
        }
        if let Some((request, _)) = poll_context::take_request() {
            request.merge_into(&mut self.kept);
        }
    }

    fn hand_on(&mut self) {
        if std::mem::take(&mut self.owes) {
            self.condition.hand_on();
        }
    }
}

impl<G: ConditionGuard> Future for ConditionWait<'_, G> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        if let Stage::Waiting(_) = this.stage {
            ready!(this.poll_notified(cx));
        }
        match this.stage {
            Stage::New => this.begin(cx),
            Stage::Waiting(_) | Stage::Locking(_) => this.poll_lock(cx),
            Stage::Raising => this.raise(cx),
            Stage::Done => {
                panic!("the Condition::wait() of {} was polled after it was ready", this.location())
            }
        }
    }
}

impl<G: ConditionGuard> Drop for ConditionWait<'_, G> {
    fn drop(&mut self) {
        if let Stage::Waiting(key) = std::mem::replace(&mut self.stage, Stage::Done) {
            self.owes = self.condition.leave(key);
        }
        self.hand_on();
    }
}

impl<G: ConditionGuard> fmt::Debug for ConditionWait<'_, G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConditionWait").field("location", &self.location()).finish_non_exhaustive()
    }
}

/// Waits until a predicate is true, see [`Condition::wait_for`].
#[must_use = "futures do nothing unless awaited"]
pub struct ConditionWaitFor<'a, G: ConditionGuard, P> {
    wait: ConditionWait<'a, G>,
    predicate: P,
}

impl<'a, G: ConditionGuard, P> ConditionWaitFor<'a, G, P> {
    pub(super) fn new(wait: ConditionWait<'a, G>, predicate: P) -> Self {
        Self { wait, predicate }
    }
}

impl<G: ConditionGuard, P: FnMut(&mut G::Target) -> bool> Future for ConditionWaitFor<'_, G, P> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let Self { wait, predicate } = &mut *self;
        loop {
            if let Stage::New = wait.stage {
                if predicate(&mut **wait.guard) {
                    wait.stage = Stage::Done;
                    return Poll::Ready(());
                }
            }
            ready!(Pin::new(&mut *wait).poll(cx));
            wait.stage = Stage::New;
        }
    }
}

impl<G: ConditionGuard, P> Unpin for ConditionWaitFor<'_, G, P> {}

impl<G: ConditionGuard, P> fmt::Debug for ConditionWaitFor<'_, G, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConditionWaitFor")
            .field("location", &self.wait.location())
            .finish_non_exhaustive()
    }
}
