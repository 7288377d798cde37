//! `wait`: some or all of several tasks, without taking, cancelling or judging them.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bowerbird_base::call_site::CallSite;
use bowerbird_base::poll_context;
use bowerbird_core::{Task, TaskHandle, WaitDone, note_tasks};
use bowerbird_timer::Sleep;
use bowerbird_timer::part::sleep;

use super::ready_set::ReadySet;
use crate::CancelSafe;
use crate::run::outside_a_runtime;

/// When [`wait`] returns.
///
/// asyncio: `FIRST_COMPLETED`, `FIRST_EXCEPTION`, `ALL_COMPLETED`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum ReturnWhen {
    /// When a task has ended, whatever its end.
    FirstCompleted,
    /// When a task has panicked, or all have ended. A cancellation is no exception, as in asyncio. An `Err`
    /// that a task returned is a value here, since `wait` does not look at outputs.
    FirstException,
    /// When all have ended.
    #[default]
    AllCompleted,
}

/// Waits for several tasks and gives those that have ended and those that have not: `(done, pending)`.
///
/// asyncio: `wait`. Takes tasks or handles, by reference or by value, and gives the same things back, in
/// their order: from `&tasks` come references, from `tasks` the tasks, to be awaited for their outputs or
/// waited for again. It cancels nothing and raises nothing, also when the time of [`Wait::timeout`] is over or
/// when whoever waits is cancelled. An `Err` in an output does not count as an exception.
///
/// # Cancel safety
/// Nothing is lost if the tasks were passed by reference. Tasks that were passed by value run on without a
/// handle.
///
/// # Panics
/// If there are no tasks, as in asyncio.
///
/// # Examples
/// ```
/// use bowerbird::{ReturnWhen, spawn, wait};
///
/// bowerbird::run(async {
///     let tasks = vec![spawn(std::future::pending()), spawn(async { 2 })];
///     let (done, pending) = wait(tasks, ReturnWhen::FirstCompleted).await;
///     for task in done {
///         assert_eq!(task.await.unwrap(), 2);
///     }
///     pending.iter().for_each(|task| {
///         task.cancel();
///     });
///     let (done, _) = wait(&pending, ReturnWhen::AllCompleted).await;
///     assert!(done[0].cancelled());
/// });
/// ```
#[track_caller]
pub fn wait<I>(tasks: I, return_when: ReturnWhen) -> Wait<I::Item>
where
    I: IntoIterator,
    I::Item: AsRef<TaskHandle>,
{
    let items: Vec<_> = tasks.into_iter().collect();
    if items.is_empty() {
        panic!("wait() was given no tasks, so nothing could ever end; ask is_empty() before");
    }
    Wait {
        items,
        ends: ReadySet::new(),
        return_when,
        sleep: None,
        stage: Stage::Fresh,
        site: CallSite::new("wait"),
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Fresh,
    Waiting,
    /// The time is over, and what is ready has one more turn: a task that ends in it is done.
    LastTurn,
    Done,
}

/// The future of [`wait`].
#[must_use = "futures do nothing unless awaited"]
pub struct Wait<H> {
    items: Vec<H>,
    ends: ReadySet<WaitDone>,
    return_when: ReturnWhen,
    sleep: Option<Sleep>,
    stage: Stage,
    site: CallSite,
}

impl<H> Unpin for Wait<H> {}

impl<T> CancelSafe for Wait<&T> {}
impl<T> CancelSafe for Wait<&mut T> {}
impl CancelSafe for Wait<TaskHandle> {}

impl<H> Wait<H> {
    /// Returns after `duration`, counted from this call, with what has ended by then.
    ///
    /// asyncio: `wait(.., timeout=)`. It is no error, and nothing is cancelled. What is ready when the
    /// time is over runs once before it returns; so with no time at all, each task has one turn.
    ///
    /// # Panics
    /// Outside a runtime.
    ///
    /// # Examples
    /// ```
    /// use bowerbird::{ReturnWhen, spawn, wait};
    /// use std::time::Duration;
    ///
    /// bowerbird::run(async {
    ///     let tasks = [spawn(async {}), spawn(std::future::pending())];
    ///     let (done, pending) =
    ///         wait(&tasks, ReturnWhen::AllCompleted).timeout(Duration::from_millis(5)).await;
    ///     assert_eq!((done.len(), pending.len()), (1, 1));
    ///     assert!(!pending[0].done());
    /// });
    /// ```
    #[track_caller]
    pub fn timeout(mut self, duration: Duration) -> Self {
        if !bowerbird_timer::is_inside() {
            outside_a_runtime("timeout");
        }
        self.sleep = Some(sleep(duration));
        self
    }
}

impl<H: AsRef<TaskHandle>> Wait<H> {
    fn begin(&mut self) {
        for item in &self.items {
            self.ends.add(item.as_ref().wait());
        }
    }

    /// Takes in which tasks have ended, and returns whether that is enough.
    fn poll_ends(&mut self, cx: &mut Context<'_>) -> bool {
        loop {
            match self.ends.poll_next(cx) {
                Poll::Ready(Some((place, ()))) => {
                    let is_enough = match self.return_when {
                        ReturnWhen::FirstCompleted => true,
                        ReturnWhen::FirstException => self.items[place].as_ref().panicked(),
                        ReturnWhen::AllCompleted => false,
                    };
                    if is_enough {
                        return true;
                    }
                }
                Poll::Ready(None) => return true,
                Poll::Pending => return false,
            }
        }
    }

    fn is_time_over(&mut self, cx: &mut Context<'_>) -> bool {
        let Some(sleep) = &mut self.sleep else { return false };
        sleep.poll_due(cx).is_ready()
    }
}

impl<H: AsRef<TaskHandle>> Future for Wait<H> {
    type Output = (Vec<H>, Vec<H>);

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.stage {
            Stage::Fresh => {
                self.site.polled();
                self.begin();
                self.stage = Stage::Waiting;
            }
            Stage::Waiting | Stage::LastTurn if poll_context::is_offered() => {
                poll_context::yield_now(cx);
                return Poll::Pending;
            }
            Stage::Waiting | Stage::LastTurn => {}
            Stage::Done => panic!("a wait() was polled after its end"),
        }
        let Poll::Ready(proceed) = poll_context::poll_proceed(cx) else { return Poll::Pending };
        let was_last = self.stage == Stage::LastTurn;
        if !self.poll_ends(cx) && !was_last {
            if self.is_time_over(cx) {
                self.stage = Stage::LastTurn;
                poll_context::yield_now(cx);
            }
            let left = u64::try_from(self.ends.len()).unwrap_or(u64::MAX);
            poll_context::note_wait("wait", left, Some(self.site.location()));
            note_tasks(self.site.location(), self.items.iter().map(AsRef::as_ref));
            return Poll::Pending;
        }
        proceed.made_progress();
        self.stage = Stage::Done;
        let items = std::mem::take(&mut self.items);
        Poll::Ready(items.into_iter().partition(|item| item.as_ref().done()))
    }
}

impl<H> fmt::Debug for Wait<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wait")
            .field("tasks", &self.items.len())
            .field("return_when", &self.return_when)
            .finish_non_exhaustive()
    }
}

/// A wait for tasks is as mobile as the tasks.
const _: () = {
    const fn is_sendable<T: Send + Sync>() {}
    is_sendable::<Wait<Task<()>>>();
};
