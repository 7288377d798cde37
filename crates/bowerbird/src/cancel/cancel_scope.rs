//! `cancel_scope`: a region with a deadline and a shield that may be changed while it runs.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bowerbird_base::call_site::CallSite;
use bowerbird_base::poll_context::{self, Request};
use bowerbird_base::sync::Mutex;
use bowerbird_base::waker_slot::WakerSlot;
use bowerbird_timer::Sleep;
use bowerbird_timer::part::sleep_until;
use pin_project_lite::pin_project;

use super::with_deadline;
use crate::run::outside_a_runtime;
use crate::scope::{Scope, offer_again};
use crate::tasks::timeout::TimeoutError;

/// A region of a task that can be cancelled by itself.
///
/// trio: `CancelScope`. asyncio: the object of `async with timeout(..)`, with `when`, `reschedule` and
/// `expired`. It is a handle: clones of it may be sent anywhere, also before the region is entered. A scope
/// is entered once, by [`run`](Self::run) or [`cancel_scope`].
///
/// The request is offered once for each call of [`cancel`](Self::cancel) and each deadline: a body that
/// catches it goes on until the next one.
///
/// # Examples
/// ```
/// use bowerbird::{CancelScope, spawn, yield_now};
/// use std::future::pending;
///
/// bowerbird::run(async {
///     let scope = CancelScope::new();
///     let outside = scope.clone();
///     let task = spawn(async move { scope.run(pending::<()>()).await });
///     yield_now().await;
///     outside.cancel();
///     assert_eq!(task.await.unwrap(), None);
///     assert!(outside.cancelled_caught());
/// });
/// ```
#[derive(Clone)]
pub struct CancelScope(Arc<Shared>);

struct Shared {
    state: Mutex<State>,
    /// The task in the region.
    occupant: WakerSlot,
}

#[derive(Debug, Clone, Default)]
struct State {
    deadline: Option<Instant>,
    is_shielded: bool,
    /// Calls of `cancel`.
    cancel_count: u32,
    is_entered: bool,
    is_expired: bool,
    is_caught: bool,
    /// The address of the task that is in the region at the moment, in a poll.
    polled_by: usize,
    /// The request that was about when the region shielded itself in the middle of a poll.
    withheld: Option<Request>,
}

impl CancelScope {
    /// Makes a scope without a deadline.
    pub fn new() -> Self {
        Self(Arc::new(Shared { state: Mutex::new(State::default()), occupant: WakerSlot::new() }))
    }

    /// Makes a scope with a deadline.
    pub fn with_deadline(deadline: Instant) -> Self {
        let scope = Self::new();
        scope.0.state.lock().deadline = Some(deadline);
        scope
    }

    /// Runs a future in this scope: `None` if the scope cut it off.
    ///
    /// # Cancel safety
    /// As the future's own.
    ///
    /// # Panics
    /// If the scope was entered before; outside a runtime, if it has a deadline when it is polled.
    #[track_caller]
    pub fn run<F: Future>(&self, future: F) -> CancelScopeRun<F> {
        self.run_for("CancelScope::run", future)
    }

    #[track_caller]
    fn run_for<F: Future>(&self, call: &'static str, future: F) -> CancelScopeRun<F> {
        let was_entered = std::mem::replace(&mut self.0.state.lock().is_entered, true);
        assert!(
            !was_entered,
            "a cancel scope was entered twice; make a new one with CancelScope::new()"
        );
        CancelScopeRun {
            scope: Scope::new(future),
            handle: self.clone(),
            sleep: None,
            seen_cancels: 0,
            site: CallSite::new(call),
        }
    }

    /// Cancels what runs in the region, or will.
    pub fn cancel(&self) {
        self.change(|state| state.cancel_count = state.cancel_count.saturating_add(1));
    }

    /// Returns whether [`cancel`](Self::cancel) was called or the deadline has passed.
    pub fn cancel_called(&self) -> bool {
        let state = self.0.state.lock();
        state.cancel_count > 0 || state.is_expired
    }

    /// Returns whether the region was cut off.
    pub fn cancelled_caught(&self) -> bool {
        self.0.state.lock().is_caught
    }

    /// Returns whether the deadline has passed while the region ran.
    ///
    /// asyncio: `Timeout.expired`.
    pub fn expired(&self) -> bool {
        self.0.state.lock().is_expired
    }

    /// Returns the deadline.
    ///
    /// asyncio: `Timeout.when`.
    pub fn deadline(&self) -> Option<Instant> {
        self.0.state.lock().deadline
    }

    /// Moves the deadline, or takes it away.
    ///
    /// asyncio: `Timeout.reschedule`; there it may not be called before the region is entered, or after the
    /// deadline has passed. Here a deadline that has passed and was not caught is past changing; else the new
    /// one holds.
    pub fn reschedule(&self, deadline: impl Into<Option<Instant>>) {
        let deadline = deadline.into();
        self.change(|state| state.deadline = deadline);
    }

    /// Returns whether the region is shielded.
    pub fn is_shielded(&self) -> bool {
        self.0.state.lock().is_shielded
    }

    /// Keeps requests from outside away from the region, or lets them in again. This scope's own `cancel` and
    /// deadline hold all the same. A request that came meanwhile is delivered when the shield is taken away,
    /// or when the region has ended.
    pub fn set_shield(&self, is_shielded: bool) {
        self.change(|state| {
            state.is_shielded = is_shielded;
            let task = poll_context::current_task().addr();
            let is_inside = state.polled_by == task && task != 0;
            if is_shielded && is_inside && poll_context::is_offered() {
                state.withheld = poll_context::take_request().map(|(request, _)| request);
            }
        });
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.0.state.lock());
        self.0.occupant.wake();
    }

    fn state(&self) -> State {
        self.0.state.lock().clone()
    }
}

impl Default for CancelScope {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for CancelScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.state();
        f.debug_struct("CancelScope")
            .field("deadline", &state.deadline)
            .field("is_shielded", &state.is_shielded)
            .field("cancel_called", &(state.cancel_count > 0 || state.is_expired))
            .finish_non_exhaustive()
    }
}

pin_project! {
    /// The future of [`CancelScope::run`].
    #[must_use = "futures do nothing unless awaited"]
    pub struct CancelScopeRun<F: Future> {
        #[pin]
        scope: Scope<F>,
        handle: CancelScope,
        sleep: Option<Sleep>,
        seen_cancels: u32,
        site: CallSite,
    }
}

impl<F: Future> Future for CancelScopeRun<F> {
    type Output = Option<F::Output>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        this.site.polled();
        this.handle.0.occupant.register(cx.waker());
        let state = {
            let mut state = this.handle.0.state.lock();
            state.polled_by = poll_context::current_task().addr();
            state.clone()
        };
        if state.cancel_count > *this.seen_cancels
            || state.deadline != this.sleep.as_ref().map(Sleep::deadline)
        {
            this.scope.as_mut().rearm();
        }
        let (handle, sleep, seen_cancels) = (&*this.handle, this.sleep, this.seen_cancels);
        let is_due = |cx: &mut Context<'_>| {
            // Read again: the body may have changed it.
            let state = handle.state();
            let is_called = state.cancel_count > *seen_cancels;
            *seen_cancels = state.cancel_count;
            poll_deadline(sleep, state.deadline, handle, cx) || is_called
        };
        let mut scope = this.scope;
        let polled = with_deadline(state.deadline, state.is_shielded, || {
            scope.as_mut().poll_shielded(cx, state.is_shielded, is_due)
        });
        let mut state = handle.0.state.lock();
        state.polled_by = 0;
        state.is_caught |= matches!(polled, Poll::Ready(Err(_)));
        let withheld = state.withheld.take();
        drop(state);
        match withheld {
            Some(request) if polled.is_pending() => scope.keep(request),
            Some(request) => offer_again(request),
            None => {}
        }
        polled.map(Result::ok)
    }
}

/// Moves the timer to the deadline, and returns whether it has passed.
fn poll_deadline(
    sleep: &mut Option<Sleep>,
    deadline: Option<Instant>,
    handle: &CancelScope,
    cx: &mut Context<'_>,
) -> bool {
    let Some(deadline) = deadline else {
        *sleep = None;
        return false;
    };
    match sleep {
        Some(sleep) if sleep.deadline() == deadline => {}
        Some(sleep) => sleep.reset(deadline),
        None => *sleep = Some(new_sleep(deadline)),
    }
    let is_over = sleep.as_mut().is_some_and(|sleep| sleep.poll_due(cx).is_ready());
    if is_over {
        handle.0.state.lock().is_expired = true;
    }
    is_over
}

fn new_sleep(deadline: Instant) -> Sleep {
    if !bowerbird_timer::is_inside() {
        outside_a_runtime("a cancel scope with a deadline");
    }
    sleep_until(deadline)
}

impl<F: Future> fmt::Debug for CancelScopeRun<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CancelScopeRun").field("scope", &self.handle).finish_non_exhaustive()
    }
}

/// Runs `body` in a scope that it can cancel, give a deadline and shield: `None` if the scope cut it off.
///
/// trio: `with CancelScope() as scope`. See [`CancelScope`].
///
/// # Cancel safety
/// As the body's own.
///
/// # Examples
/// ```
/// use bowerbird::{cancel_scope, time};
/// use std::time::Duration;
///
/// bowerbird::run(async {
///     let cut = cancel_scope(async |scope| {
///         scope.reschedule(time::now() + Duration::from_millis(5));
///         std::future::pending::<()>().await;
///     });
///     assert_eq!(cut.await, None);
///     assert_eq!(cancel_scope(async |_| 1).await, Some(1));
/// });
/// ```
#[track_caller]
pub fn cancel_scope<B, T>(body: B) -> impl Future<Output = Option<T>>
where
    B: AsyncFnOnce(CancelScope) -> T,
{
    enter("cancel_scope", CancelScope::new(), body)
}

/// Runs `body` for at most `duration`: `None` if it took longer.
///
/// trio: `move_on_after`. The body gets the scope, and may move the deadline.
///
/// # Cancel safety
/// As the body's own.
///
/// # Panics
/// Outside a runtime.
///
/// # Examples
/// ```
/// use bowerbird::{move_on_after, sleep};
/// use std::time::Duration;
///
/// bowerbird::run(async {
///     let slow = move_on_after(Duration::from_millis(5), async |_| sleep(Duration::from_secs(60)).await);
///     assert_eq!(slow.await, None);
/// });
/// ```
#[track_caller]
pub fn move_on_after<B, T>(duration: Duration, body: B) -> impl Future<Output = Option<T>>
where
    B: AsyncFnOnce(CancelScope) -> T,
{
    enter("move_on_after", scope_for(duration, "move_on_after"), body)
}

/// Runs `body` until `deadline`: `None` if it took longer.
///
/// trio: `move_on_at`.
///
/// # Cancel safety
/// As the body's own.
///
/// # Examples
/// ```
/// use bowerbird::{move_on_at, time};
/// bowerbird::run(async {
///     assert_eq!(move_on_at(time::now(), async |_| std::future::pending::<()>().await).await, None);
/// });
/// ```
#[track_caller]
pub fn move_on_at<B, T>(deadline: Instant, body: B) -> impl Future<Output = Option<T>>
where
    B: AsyncFnOnce(CancelScope) -> T,
{
    enter("move_on_at", CancelScope::with_deadline(deadline), body)
}

/// Runs `body` for at most `duration`; the body gets the scope, and may move the deadline.
///
/// asyncio: `async with timeout(delay) as scope`, with `scope.reschedule(when)`. trio: `fail_after`. For a
/// future whose limit stands, [`timeout`](crate::timeout) is shorter.
///
/// # Cancel safety
/// As the body's own.
///
/// # Errors
/// [`TimeoutError`] if the scope cut the body off.
///
/// # Panics
/// Outside a runtime.
///
/// # Examples
/// ```
/// use bowerbird::{fail_after, sleep, time};
/// use std::time::Duration;
///
/// bowerbird::run(async {
///     let answer = fail_after(Duration::from_millis(1), async |scope| {
///         // The first byte is there: the rest may take longer.
///         scope.reschedule(time::now() + Duration::from_secs(60));
///         sleep(Duration::from_millis(5)).await;
///         "answer"
///     });
///     assert_eq!(answer.await, Ok("answer"));
/// });
/// ```
#[track_caller]
pub fn fail_after<B, T>(
    duration: Duration,
    body: B,
) -> impl Future<Output = Result<T, TimeoutError>>
where
    B: AsyncFnOnce(CancelScope) -> T,
{
    let body = enter("fail_after", scope_for(duration, "fail_after"), body);
    async { body.await.ok_or(TimeoutError::new()) }
}

/// Runs `body` until `deadline`; see [`fail_after`].
///
/// asyncio: `async with timeout_at(when) as scope`. trio: `fail_at`.
///
/// # Cancel safety
/// As the body's own.
///
/// # Errors
/// [`TimeoutError`] if the scope cut the body off.
///
/// # Examples
/// ```
/// use bowerbird::{fail_at, time};
/// bowerbird::run(async {
///     assert!(fail_at(time::now(), async |_| std::future::pending::<()>().await).await.is_err());
/// });
/// ```
#[track_caller]
pub fn fail_at<B, T>(deadline: Instant, body: B) -> impl Future<Output = Result<T, TimeoutError>>
where
    B: AsyncFnOnce(CancelScope) -> T,
{
    let body = enter("fail_at", CancelScope::with_deadline(deadline), body);
    async { body.await.ok_or(TimeoutError::new()) }
}

#[track_caller]
fn enter<B, T>(call: &'static str, scope: CancelScope, body: B) -> impl Future<Output = Option<T>>
where
    B: AsyncFnOnce(CancelScope) -> T,
{
    let body = body(scope.clone());
    scope.run_for(call, body)
}

/// A scope that ends `duration` from now; one that is too long has no deadline.
#[track_caller]
fn scope_for(duration: Duration, call: &str) -> CancelScope {
    if !bowerbird_timer::is_inside() {
        outside_a_runtime(call);
    }
    match bowerbird_timer::now().checked_add(duration) {
        Some(deadline) => CancelScope::with_deadline(deadline),
        None => CancelScope::new(),
    }
}
