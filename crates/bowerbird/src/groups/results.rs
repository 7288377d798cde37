//! The results of children as they come.

use std::collections::VecDeque;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bowerbird_base::cancel_safe::CancelSafe;
use bowerbird_base::poll_context;
use bowerbird_base::sync::Mutex;
use bowerbird_base::waker_slot::WakerSlot;
use bowerbird_core::{SpawnOptions, TaskError, TaskHandle};
use futures_core::Stream;
use pin_project_lite::pin_project;

use super::child::{ChildOutput, failure_of_this_task, poll_caught};
use super::members::Members;
use super::{BoxError, ExceptionGroup, Group, TaskFailure};

impl Group {
    /// Makes an empty set of children whose results come in the order of their ends.
    ///
    /// asyncio: `as_completed`, `gather(.., return_exceptions=True)`, by what is called on it.
    ///
    /// # Examples
    /// ```
    /// use bowerbird::{sleep, task_group};
    /// use std::time::Duration;
    ///
    /// let order = bowerbird::run(task_group(async |group| {
    ///     let mut pages = group.results();
    ///     for delay in [30, 10, 20] {
    ///         pages.spawn(async move {
    ///             sleep(Duration::from_millis(delay)).await;
    ///             Ok::<_, std::io::Error>(delay)
    ///         });
    ///     }
    ///     let mut order = vec![];
    ///     while let Some(page) = pages.next().await {
    ///         order.push(page?);
    ///     }
    ///     Ok(order)
    /// }));
    /// assert_eq!(order.unwrap(), [10, 20, 30]);
    /// ```
    pub fn results<T>(&self) -> Results<T> {
        let line = Line {
            state: Mutex::new(State { ended: VecDeque::new(), running: 0, reader: Reader::Reads }),
            waker: WakerSlot::new(),
        };
        Results { group: self.clone(), line: Arc::new(line), tasks: Vec::new() }
    }
}

/// Children of a group whose results come in the order of their ends.
///
/// asyncio: `as_completed`. Whether one has failed is the reader's to decide: its `Err`, its panic or its
/// cancellation is an item, and fails the group only if the body passes it on with `?`, or drops the set with
/// errors that nobody has taken.
///
/// | wanted | call |
/// |---|---|
/// | one after the other, as they come | [`next`](Self::next), or the `Stream` that it is |
/// | all, the failed ones too | [`all`](Self::all) |
/// | the first that succeeds; the others are cancelled | [`first_ok`](Self::first_ok) |
#[must_use = "the children run, but their results are lost; take them with next(), all() or first_ok()"]
pub struct Results<T> {
    group: Group,
    line: Arc<Line<T>>,
    tasks: Vec<TaskHandle>,
}

impl<T: Send + 'static> Results<T> {
    /// Spawns a child of the group whose result comes here.
    ///
    /// asyncio: `TaskGroup.create_task`. In a group that is shutting down, the result is that the child was
    /// cancelled.
    ///
    /// # Panics
    /// As [`Group::spawn`].
    #[track_caller]
    pub fn spawn<F>(&mut self, future: F) -> TaskHandle
    where
        F: Future<Output: ChildOutput<Value = T> + Send + 'static> + Send + 'static,
    {
        self.spawn_reporting(future, ChildOutput::into_result)
    }

    /// Spawns a child that cannot fail, but by a panic.
    ///
    /// # Panics
    /// As [`Group::spawn`].
    #[track_caller]
    pub fn spawn_value<F>(&mut self, future: F) -> TaskHandle
    where
        F: Future<Output = T> + Send + 'static,
    {
        self.spawn_reporting(future, Ok)
    }

    #[track_caller]
    fn spawn_reporting<F>(
        &mut self,
        future: F,
        into_result: fn(F::Output) -> Result<T, BoxError>,
    ) -> TaskHandle
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        let report = Report::new(self.line.clone(), self.group.0.clone());
        let future = Reporting { future, into_result, report };
        let child = self.group.spawn_or_refuse(future, Ok, &SpawnOptions::default());
        if self.tasks.len() == self.tasks.capacity() {
            self.tasks.retain(|task| !task.done());
        }
        self.tasks.push(child.handle());
        child.handle()
    }

    /// Gives all results, in the order of their ends: of those that have failed, too.
    ///
    /// asyncio: `gather(.., return_exceptions=True)`, which keeps the order of the arguments.
    ///
    /// # Cancel safety
    /// The results that came are lost.
    ///
    /// # Examples
    /// ```
    /// use bowerbird::task_group;
    ///
    /// let good = bowerbird::run(task_group(async |group| {
    ///     let mut results = group.results();
    ///     for text in ["1", "x", "3"] {
    ///         results.spawn(async move { text.parse::<u32>() });
    ///     }
    ///     Ok(results.all().await.into_iter().flatten().sum::<u32>())
    /// }));
    /// assert_eq!(good.unwrap(), 4);
    /// ```
    pub async fn all(mut self) -> Vec<Result<T, TaskFailure>> {
        let mut results = Vec::new();
        while let Some(result) = self.next().await {
            results.push(result);
        }
        results
    }

    /// Gives the value of the first child that succeeds, and cancels the others.
    ///
    /// asyncio: `wait(.., return_when=FIRST_COMPLETED)` in a loop, and `staggered_race`. The group waits for
    /// those that were cancelled.
    ///
    /// # Cancel safety
    /// The children run on.
    ///
    /// # Errors
    /// All errors, if none succeeds.
    ///
    /// # Examples
    /// ```
    /// use bowerbird::task_group;
    ///
    /// let fastest = bowerbird::run(task_group(async |group| {
    ///     let mut mirrors = group.results();
    ///     mirrors.spawn(async { Err("down") });
    ///     mirrors.spawn(async { Ok::<_, &str>("up") });
    ///     Ok(mirrors.first_ok().await?)
    /// }));
    /// assert_eq!(fastest.unwrap(), "up");
    /// ```
    pub async fn first_ok(mut self) -> Result<T, ExceptionGroup> {
        let mut failures = Vec::new();
        while let Some(result) = self.next().await {
            match result {
                Ok(value) => {
                    self.line.state.lock().reader = Reader::Discards;
                    for task in &self.tasks {
                        task.cancel();
                    }
                    return Ok(value);
                }
                Err(failure) => failures.push(failure),
            }
        }
        if failures.is_empty() {
            failures.push(TaskFailure::new("no child was spawned"));
        }
        Err(ExceptionGroup::of("no child has succeeded".into(), failures))
    }
}

impl<T> Results<T> {
    /// Waits for the next child that ends, and gives its result; `None` when no child is left.
    ///
    /// asyncio: `async for task in as_completed(..)`.
    ///
    /// # Cancel safety
    /// Nothing is lost.
    #[expect(clippy::should_implement_trait, reason = "the word of futures' streams")]
    pub fn next(&mut self) -> NextResult<'_, T> {
        NextResult { results: self, is_suspended: false }
    }

    /// Returns how many children have not ended.
    pub fn running(&self) -> usize {
        self.line.state.lock().running
    }

    fn poll_result(&self, cx: &mut Context<'_>) -> Poll<Option<Result<T, TaskFailure>>> {
        let Poll::Ready(proceed) = poll_context::poll_proceed(cx) else { return Poll::Pending };
        self.line.waker.register(cx.waker());
        let mut state = self.line.state.lock();
        match state.ended.pop_front() {
            None if state.running > 0 => {
                drop(state);
                poll_context::note_wait("results of a task group", 0, Some(self.group.0.location));
                Poll::Pending
            }
            next => {
                drop(state);
                proceed.made_progress();
                Poll::Ready(next)
            }
        }
    }
}

/// Errors that nobody has taken are the group's.
impl<T> Drop for Results<T> {
    fn drop(&mut self) {
        let (left, is_discarded) = {
            let mut state = self.line.state.lock();
            let is_discarded = state.reader == Reader::Discards;
            if !is_discarded {
                state.reader = Reader::Gone;
            }
            (std::mem::take(&mut state.ended), is_discarded)
        };
        for failure in left.into_iter().filter_map(Result::err) {
            if !is_discarded {
                pass_on(&self.group.0, failure);
            }
        }
    }
}

fn pass_on(members: &Members, failure: TaskFailure) {
    let is_cancelled =
        failure.error().downcast_ref::<TaskError>().is_some_and(TaskError::is_cancelled);
    if !is_cancelled {
        members.fail(failure);
    }
}

impl<T> Stream for Results<T> {
    type Item = Result<T, TaskFailure>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll_result(cx)
    }
}

impl<T> Unpin for Results<T> {}

impl<T> fmt::Debug for Results<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Results").field("running", &self.running()).finish_non_exhaustive()
    }
}

/// The future of [`Results::next`].
#[derive(Debug)]
#[must_use = "futures do nothing unless awaited"]
pub struct NextResult<'a, T> {
    results: &'a mut Results<T>,
    is_suspended: bool,
}

impl<T> CancelSafe for NextResult<'_, T> {}

impl<T> Future for NextResult<'_, T> {
    type Output = Option<Result<T, TaskFailure>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if self.is_suspended && poll_context::is_offered() {
            poll_context::yield_now(cx);
            return Poll::Pending;
        }
        let polled = self.results.poll_result(cx);
        self.is_suspended = polled.is_pending();
        polled
    }
}

// ---------------------------------------------------------------------------------------------------
// The children's side
// ---------------------------------------------------------------------------------------------------

/// Where the results wait for their reader.
struct Line<T> {
    state: Mutex<State<T>>,
    waker: WakerSlot,
}

struct State<T> {
    ended: VecDeque<Result<T, TaskFailure>>,
    running: usize,
    reader: Reader,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reader {
    Reads,
    /// The set was dropped: errors are the group's.
    Gone,
    /// One has succeeded, and the others do not matter.
    Discards,
}

/// Sends the result of one child, once; if it is dropped before, the child was cancelled.
struct Report<T> {
    line: Option<Arc<Line<T>>>,
    members: Arc<Members>,
    has_begun: bool,
}

impl<T> Report<T> {
    fn new(line: Arc<Line<T>>, members: Arc<Members>) -> Self {
        line.state.lock().running += 1;
        Self { line: Some(line), members, has_begun: false }
    }

    fn send(&mut self, result: Result<T, TaskFailure>) {
        let Some(line) = self.line.take() else { return };
        let unread = {
            let mut state = line.state.lock();
            state.running -= 1;
            if state.reader == Reader::Reads {
                state.ended.push_back(result);
                None
            } else {
                Some((state.reader, result))
            }
        };
        line.waker.wake();
        if let Some((Reader::Gone, Err(failure))) = unread {
            pass_on(&self.members, failure);
        }
    }
}

impl<T> Drop for Report<T> {
    fn drop(&mut self) {
        if self.line.is_none() {
            return;
        }
        let error = TaskError::cancelled(None).into();
        // One that never began may be dropped by its spawner.
        let failure =
            if self.has_begun { failure_of_this_task(error) } else { TaskFailure::new(error) };
        self.send(Err(failure));
    }
}

pin_project! {
    /// A child that reports its result.
    struct Reporting<F: Future, T> {
        #[pin]
        future: F,
        into_result: fn(F::Output) -> Result<T, BoxError>,
        report: Report<T>,
    }
}

impl<F: Future, T> Future for Reporting<F, T> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.project();
        this.report.has_begun = true;
        let result = std::task::ready!(poll_caught(this.future, *this.into_result, cx));
        this.report.send(result.map_err(failure_of_this_task));
        Poll::Ready(())
    }
}
