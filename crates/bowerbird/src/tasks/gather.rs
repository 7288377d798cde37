//! `gather`: several futures as tasks, and all their outputs.
//!
//! The children share one counter and one waker: a child that ends counts down, the last one wakes the
//! awaiter. A child that ends without a value wakes it at once.
//!
//! # Ordering arguments
//! - `[ORD-1]` Flags that say "look again": Relaxed, for the awaiter is woken after they are set, and the
//!   wake-up orders them; the children's outputs are ordered by their own states.

use std::panic::Location;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use bowerbird_base::call_site::CallSite;
use bowerbird_base::poll_context::{self, Request};
use bowerbird_base::waker_slot::WakerSlot;
use bowerbird_core::{Forwarded, TaskError, forward_request, note_tasks, waits_for_current};

use crate::cleanup::leave_wait;
use crate::run::outside_a_runtime;

mod children;

use children::Spawner;
pub use children::{FallibleSet, GatherSet, Gatherable};

/// Spawns several futures, waits for all, and gives their outputs in the order of the arguments.
///
/// asyncio: `gather`. Takes a tuple of up to twelve futures, an array, or a `Vec`; [`gather_iter`] takes an
/// iterator. The futures are tasks from the call on. A child's panic goes on in the awaiter at once, and a
/// child that was cancelled cancels the awaiter, while the siblings run on;
/// [`return_exceptions`](Gather::return_exceptions) gives a `Result` for each instead. An `Err` that a child
/// returns is an output like any other; see [`first_error`](Gather::first_error) and [`try_gather`].
///
/// A [`Task`](crate::Task) may be among them. It is a future of a `Result`, which is its output here: that it was
/// cancelled or has panicked is then a value, also without `return_exceptions`.
///
/// Whoever awaits it and is cancelled cancels the children, waits for their end, and unwinds. Dropped after
/// its first poll, it cancels the children, and the task that drops it does not end before they have.
///
/// # Cancel safety
/// Dropping it loses the outputs.
///
/// # Panics
/// Outside a runtime.
///
/// # Examples
/// ```
/// bowerbird::run(async {
///     let (a, b) = bowerbird::gather((async { 1 }, async { "two" })).await;
///     assert_eq!((a, b), (1, "two"));
///
///     let squares = bowerbird::gather((0..4).map(|n| async move { n * n }).collect::<Vec<_>>()).await;
///     assert_eq!(squares, [0, 1, 4, 9]);
/// });
/// ```
#[track_caller]
pub fn gather<G: Gatherable>(futures: G) -> Gather<G::Set> {
    Gather::new(futures, "gather")
}

/// Spawns the futures of an iterator, waits for all, and gives their outputs in order; see [`gather`].
///
/// asyncio: `gather(*iterable)`.
///
/// # Panics
/// Outside a runtime.
///
/// # Examples
/// ```
/// bowerbird::run(async {
///     let lengths = bowerbird::gather_iter(["a", "bc"].into_iter().map(|s| async move { s.len() })).await;
///     assert_eq!(lengths, [1, 2]);
/// });
/// ```
#[track_caller]
pub fn gather_iter<I>(futures: I) -> Gather<<Vec<I::Item> as Gatherable>::Set>
where
    I: IntoIterator,
    Vec<I::Item>: Gatherable,
{
    Gather::new(futures.into_iter().collect::<Vec<_>>(), "gather_iter")
}

/// Spawns several fallible futures and gives their values, or the first error; then the others are
/// cancelled.
///
/// asyncio: no counterpart; a `TaskGroup` that fails comes close. [`Gather::first_error`] lets the siblings
/// run on, as `gather` does.
///
/// # Cancel safety
/// As [`gather`].
///
/// # Errors
/// The first error, in the order of time.
///
/// # Panics
/// Outside a runtime.
///
/// # Examples
/// ```
/// bowerbird::run(async {
///     let all: Result<(i32, i32), String> =
///         bowerbird::try_gather((async { Ok(1) }, async { Err("no".to_owned()) })).await;
///     assert_eq!(all, Err("no".to_owned()));
/// });
/// ```
#[track_caller]
pub fn try_gather<G>(futures: G) -> TryGather<G::Set>
where
    G: Gatherable,
    G::Set: FallibleSet,
{
    TryGather(Gather::new(futures, "try_gather").first_error())
}

// ---------------------------------------------------------------------------------------------------
// The common part
// ---------------------------------------------------------------------------------------------------

/// What the children and the awaiter share.
struct Gathered {
    awaiter: WakerSlot,
    all_ended: AtomicBool,
    has_failed: AtomicBool,
    /// Each end is to be told, for an `Err` may be among the outputs.
    tells_each: AtomicBool,
}

/// Held by each child as its join waker; the last one that goes tells the awaiter.
struct Countdown(Arc<Gathered>);

impl Wake for Countdown {
    /// A child has ended.
    fn wake(self: Arc<Self>) {
        // [ORD-1]
        if self.0.tells_each.load(Ordering::Relaxed) {
            self.0.awaiter.wake();
        }
    }

    /// A child has ended without a value.
    fn wake_by_ref(self: &Arc<Self>) {
        self.0.has_failed.store(true, Ordering::Relaxed); // [ORD-1]
        self.0.awaiter.wake();
    }
}

impl Drop for Countdown {
    fn drop(&mut self) {
        self.0.all_ended.store(true, Ordering::Relaxed); // [ORD-1]
        self.0.awaiter.wake();
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Fresh,
    Waiting,
    /// A request is passed on, at each poll again.
    Passed,
    Done,
}

/// The future of [`gather`].
#[must_use = "the tasks run, but their outputs are lost; await it"]
pub struct Gather<S: GatherSet> {
    set: Option<S>,
    shared: Arc<Gathered>,
    stage: Stage,
    request: Option<Box<Request>>,
    site: CallSite,
}

impl<S: GatherSet> Unpin for Gather<S> {}

impl<S: GatherSet> Gather<S> {
    #[track_caller]
    fn new<G: Gatherable<Set = S>>(futures: G, call: &'static str) -> Self {
        let location = Location::caller();
        if bowerbird_core::Handle::try_current().is_none() {
            outside_a_runtime(call);
        }
        let shared = Arc::new(Gathered {
            awaiter: WakerSlot::new(),
            all_ended: AtomicBool::new(false),
            has_failed: AtomicBool::new(false),
            tells_each: AtomicBool::new(false),
        });
        let countdown = Waker::from(Arc::new(Countdown(shared.clone())));
        let set = futures.spawn_all(&Spawner { countdown, location });
        Self {
            set: Some(set),
            shared,
            stage: Stage::Fresh,
            request: None,
            site: CallSite::at(call, location),
        }
    }

    /// Gives a `Result` for each child: its output, its panic, its cancellation; waits for all.
    ///
    /// asyncio: `return_exceptions=True`.
    ///
    /// # Examples
    /// ```
    /// bowerbird::run(async {
    ///     let (good, bad) = bowerbird::gather((async { 1 }, async { panic!("bad") })).return_exceptions().await;
    ///     assert_eq!(good.unwrap(), 1);
    ///     assert_eq!(bad.map(|(): ()| ()).unwrap_err().message(), Some("bad"));
    /// });
    /// ```
    pub fn return_exceptions(self) -> GatherResults<S> {
        GatherResults(self)
    }

    /// Gives the values, or the first `Err` at once, while the siblings run on.
    ///
    /// asyncio: `gather` of coroutines that raise.
    ///
    /// # Examples
    /// ```
    /// bowerbird::run(async {
    ///     let all: Result<Vec<i32>, &str> =
    ///         bowerbird::gather(vec![std::future::ready(Ok(1)), std::future::ready(Err("no"))]).first_error().await;
    ///     assert_eq!(all, Err("no"));
    /// });
    /// ```
    pub fn first_error(self) -> FirstError<S>
    where
        S: FallibleSet,
    {
        self.shared.tells_each.store(true, Ordering::Relaxed); // [ORD-1] before the first poll looks
        FirstError(self)
    }

    fn set(&mut self) -> &mut S {
        self.set.as_mut().expect("the gather was polled after its end")
    }

    /// What the three flavours have in common: requests, and the end of all children.
    fn poll_ended(&mut self, cx: &mut Context<'_>) -> Poll<S> {
        let is_fresh = self.stage == Stage::Fresh;
        self.site.polled();
        let stage = self.stage;
        match stage {
            Stage::Passed => return self.pass_on(cx),
            Stage::Waiting if poll_context::is_offered() && !self.forward() => {
                poll_context::yield_now(cx);
                return Poll::Pending;
            }
            Stage::Waiting | Stage::Fresh => {}
            Stage::Done => panic!("the gather was polled after its end"),
        }
        self.stage = Stage::Waiting;
        self.shared.awaiter.register(cx.waker());
        // [ORD-1]
        if self.shared.all_ended.load(Ordering::Relaxed) {
            if self.request.is_some() {
                return self.pass_on(cx);
            }
            self.stage = Stage::Done;
            return Poll::Ready(self.set.take().expect("it is taken once"));
        }
        // Readiness was looked at first; a request that is about already is the children's all the same.
        if is_fresh && poll_context::is_offered() && !self.forward() {
            poll_context::yield_now(cx);
        }
        poll_context::note_wait("gather", 0, Some(self.site.location()));
        self.note_children();
        Poll::Pending
    }

    /// For the call graph.
    #[inline]
    fn note_children(&mut self) {
        let location = self.site.location();
        if poll_context::is_tracked() {
            self.set().for_each(&mut |task| note_tasks(location, [task]));
        }
    }

    /// Once offered, a gather cancels its children, waits for all, and unwinds. `false`: it unwinds at once, for a
    /// child's end waits for this task's; the request is left where it is.
    #[cold]
    fn forward(&mut self) -> bool {
        let Some((request, _)) = poll_context::take_request() else { return true };
        let mut is_circular = false;
        self.set().for_each(&mut |task| {
            is_circular |= forward_request(&request, task) == Forwarded::Circular;
        });
        if is_circular {
            poll_context::offer(request);
            return false;
        }
        let mut outermost = self.request.take().map(|request| *request);
        request.merge_into(&mut outermost);
        self.request = outermost.map(Box::new);
        true
    }

    #[cold]
    fn pass_on<O>(&mut self, cx: &mut Context<'_>) -> Poll<O> {
        self.stage = Stage::Passed;
        if let Some(request) = &self.request {
            poll_context::raise(Request::clone(request));
        }
        poll_context::yield_now(cx);
        Poll::Pending
    }

    /// A child's error: its panic goes on here, its cancellation cancels the awaiter.
    fn fail<O>(&mut self, error: TaskError, cx: &mut Context<'_>) -> Poll<O> {
        match TaskError::try_into_panic(error) {
            Ok(payload) => {
                self.stage = Stage::Done;
                std::panic::resume_unwind(payload)
            }
            Err(error) => {
                let message = error.cancel_message();
                self.request = Some(Box::new(Request::of_task(message)));
                self.pass_on(cx)
            }
        }
    }

    /// The first child that ended without a value, if nobody asked for all results.
    fn poll_failure(&mut self) -> Option<TaskError> {
        // [ORD-1]
        if self.request.is_some() || !self.shared.has_failed.swap(false, Ordering::Relaxed) {
            return None;
        }
        self.set.as_mut()?.take_failure()
    }
}

impl<S: GatherSet> Future for Gather<S> {
    type Output = S::Outputs;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<S::Outputs> {
        let ended = self.poll_ended(cx);
        if let Poll::Ready(set) = ended {
            return match set.outputs() {
                Ok(outputs) => Poll::Ready(outputs),
                Err(error) => self.fail(error, cx),
            };
        }
        match self.poll_failure() {
            Some(error) => self.fail(error, cx),
            None => Poll::Pending,
        }
    }
}

impl<S: GatherSet> Drop for Gather<S> {
    fn drop(&mut self) {
        if self.stage != Stage::Waiting {
            return;
        }
        let mut left = Vec::new();
        if let Some(set) = &mut self.set {
            set.for_each(&mut |task| {
                if !waits_for_current(task) && task.cancel() {
                    left.push(task.clone());
                }
            });
        }
        leave_wait(left, self.site.location());
    }
}

impl<S: GatherSet> std::fmt::Debug for Gather<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Gather").field("spawned_at", self.site.location()).finish_non_exhaustive()
    }
}

/// The future of [`Gather::return_exceptions`].
#[derive(Debug)]
#[must_use = "the tasks run, but their outputs are lost; await it"]
pub struct GatherResults<S: GatherSet>(Gather<S>);

impl<S: GatherSet> Future for GatherResults<S> {
    type Output = S::Results;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<S::Results> {
        self.0.poll_ended(cx).map(S::results)
    }
}

/// The future of [`Gather::first_error`].
#[derive(Debug)]
#[must_use = "the tasks run, but their outputs are lost; await it"]
pub struct FirstError<S: FallibleSet>(Gather<S>);

impl<S: FallibleSet> Future for FirstError<S> {
    type Output = Result<S::Values, S::Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let gather = &mut self.0;
        match gather.poll_ended(cx) {
            Poll::Ready(mut set) => {
                if let Some(error) = set.take_error() {
                    return Poll::Ready(Err(error));
                }
                match set.values() {
                    Ok(values) => Poll::Ready(Ok(values)),
                    Err(error) => gather.fail(error, cx),
                }
            }
            Poll::Pending => {
                if let Some(error) = gather.poll_failure() {
                    return gather.fail(error, cx);
                }
                match gather
                    .set
                    .as_mut()
                    .filter(|_| gather.request.is_none())
                    .and_then(FallibleSet::take_error)
                {
                    Some(error) => {
                        // asyncio's rule: the siblings run on.
                        gather.stage = Stage::Done;
                        Poll::Ready(Err(error))
                    }
                    None => Poll::Pending,
                }
            }
        }
    }
}

/// The future of [`try_gather`].
#[derive(Debug)]
#[must_use = "the tasks run, but their outputs are lost; await it"]
pub struct TryGather<S: FallibleSet>(FirstError<S>);

impl<S: FallibleSet> Future for TryGather<S> {
    type Output = Result<S::Values, S::Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let polled = Pin::new(&mut self.0).poll(cx);
        if let (Poll::Ready(Err(_)), Some(set)) = (&polled, &mut self.0.0.set) {
            set.for_each(&mut |task| {
                task.cancel();
            });
        }
        polled
    }
}
