//! `select!`: what the macro's code calls.

use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use super::contest::{Branches, Contest, Skipped};
use crate::CancelSafe;
use crate::scope::{Scoped, scoped_here};
use crate::tasks::Timeout;

/// Waits for several futures in this task, and runs the code of the first that ends.
///
/// asyncio: no counterpart; `wait(.., FIRST_COMPLETED)` over tasks and a `cancel` for the rest.
///
/// ```text
/// select! {
///     biased;                                        // optional
///     pattern = future => handler,                   // any number of branches, up to 64
///     pattern = future, if condition => { handler }  // no comma is needed behind a block
///     else => handler,                               // optional, last
/// }
/// ```
/// 1. The conditions and the futures of all branches are evaluated, in their order. A branch whose condition does
///    not hold is disabled: its future is made but not polled.
/// 2. The futures are polled in this task, from a random one on ([`Builder::seed`](crate::runtime::Builder::seed)), or in
///    their order with `biased;`. One whose output does not match its pattern disables its branch.
/// 3. The first output that matches wins. The other futures are dropped, **and the cleanups that they leave
///    behind are run to their end**. Then the handler runs, which may use what the futures had borrowed, and
///    `break`, `return`, `?` and `.await`.
/// 4. If all branches are disabled, `else` runs; without one it panics.
///
/// Whoever awaits it and is cancelled: every branch is asked, as in [`race`](crate::race).
///
/// # Cancel safety
/// Losers are dropped, so a branch takes by value only what loses nothing then: types that are
/// [`CancelSafe`]. That are the leaves of this library (`sleep`, `read`, `accept`, ..), `&mut future` and
/// `&mut task`, which survive, functions marked `#[cancel_safe] async fn`, and what [`lossy`](crate::lossy) wraps.
/// Anything else does not compile.
///
/// # From `tokio::select!`
/// | `tokio::select!` | here |
/// |---|---|
/// | patterns, `, if`, `else`, `biased;`, up to 64 branches | the same |
/// | any future by value; its documentation says whether it is cancel safe | `CancelSafe` by value, else `&mut future`, `#[cancel_safe]` or [`lossy`](crate::lossy) |
/// | the losers are dropped | and their cleanups run before the handler |
/// | a random start, repeatable by `rng_seed` (unstable) | a random start, repeatable by [`Builder::seed`](crate::runtime::Builder::seed) |
/// | an aborted task drops all of it | the futures are offered the request, and may answer |
///
/// # Examples
/// ```
/// use bowerbird::{select, sleep, spawn};
/// use std::time::Duration;
///
/// bowerbird::run(async {
///     let mut work = spawn(async { "done" });
///     let mut ticks = 0;
///     let result = loop {
///         select! {
///             result = &mut work => break result.unwrap(),
///             () = sleep(Duration::from_millis(100)), if ticks < 3 => ticks += 1,
///         }
///     };
///     assert_eq!(result, "done");
/// });
/// ```
/// What may lose something is refused:
/// ```compile_fail
/// # async fn read_frame() -> Vec<u8> { Vec::new() }
/// bowerbird::run(async {
///     bowerbird::select! {
///         frame = read_frame() => drop(frame), // dropping `impl Future` half-way may lose data
///         () = bowerbird::yield_now() => {}
///     }
/// });
/// ```
#[cfg(feature = "macros")]
#[macro_export]
macro_rules! select {
    ($($tokens:tt)*) => { $crate::__private::select_branches! { @ $crate; $($tokens)* } };
}

/// What a branch takes: by value only what loses nothing.
///
/// With the two bounds at [`branch`] itself the compiler would propose `&mut` before a temporary, and leave out
/// the advice of [`CancelSafe`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a branch of `select!`: dropping it half-way may lose data",
    label = "this branch would be dropped when another one wins",
    note = "pass `&mut future` so that it survives, mark the function `#[cancel_safe] async fn` if it keeps \
            nothing across an await, or wrap it in `lossy(future)` to accept the loss"
)]
pub trait Selectable: Future {}

impl<F: Future + CancelSafe> Selectable for F {}

/// Takes the future of a branch.
#[must_use]
pub fn branch<F: Selectable>(future: F) -> F {
    future
}

/// What loses nothing when it is dropped loses nothing with a limit either.
impl<F: Future + CancelSafe> CancelSafe for Timeout<F> {}

/// Makes the future of a `select!`. The branches of `disabled` are not polled, and `judge` gives the outputs
/// back that match.
pub fn select<B, J>(branches: B, disabled: u64, is_biased: bool, judge: J) -> Select<B, J>
where
    B: Branches,
    J: FnMut(B::Output) -> Option<B::Output>,
{
    let contest = Contest::new(branches, Skipped::from_mask(disabled), is_biased);
    Select { inner: scoped_here(Selecting { contest, judge }) }
}

pin_project! {
    /// The future of a `select!`; `None`: all branches are disabled.
    #[must_use = "futures do nothing unless awaited"]
    pub struct Select<B: Branches, J>
    where
        J: FnMut(B::Output) -> Option<B::Output>,
    {
        #[pin]
        inner: Scoped<Selecting<B, J>>,
    }
}

impl<B: Branches, J> Future for Select<B, J>
where
    J: FnMut(B::Output) -> Option<B::Output>,
{
    type Output = Option<B::Output>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.project().inner.poll(cx)
    }
}

pin_project! {
    /// A selection without its scope.
    struct Selecting<B, J> {
        #[pin]
        contest: Contest<B>,
        judge: J,
    }
}

impl<B: Branches, J> Future for Selecting<B, J>
where
    J: FnMut(B::Output) -> Option<B::Output>,
{
    type Output = Option<B::Output>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        this.contest.poll(cx, this.judge)
    }
}
