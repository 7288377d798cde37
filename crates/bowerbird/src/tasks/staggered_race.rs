//! `staggered_race`: attempts that begin one after the other, until one succeeds.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bowerbird_base::call_site::CallSite;
use bowerbird_base::poll_context::{self, Delivery};
use bowerbird_timer::Sleep;
use bowerbird_timer::part::sleep;
use pin_project_lite::pin_project;

use super::contest::{Contest, Skipped};
use crate::run::outside_a_runtime;
use crate::scope::{Sited, scoped};

/// Starts the first attempt, then the next whenever `delay` is over or the last one has failed; gives the first
/// success.
///
/// asyncio: `staggered.staggered_race`, which `create_connection` uses ("happy eyeballs", RFC 8305). The futures
/// are taken from the iterator when their turn comes, so an iterator that makes them lazily makes no more than it
/// needs. With `Duration::MAX` the next one starts only when one has failed. The others are dropped at the first
/// success, and their cleanups are run before it is given. All run in this task, and may borrow.
///
/// # Cancel safety
/// The attempts are dropped half-way.
///
/// # Errors
/// If all have failed: their errors, in the order in which they were started. None, if there were no attempts.
///
/// # Panics
/// Outside a runtime.
///
/// # Examples
/// ```
/// use bowerbird::{sleep, staggered_race};
/// use std::time::Duration;
///
/// async fn connect(address: &str) -> Result<&str, String> {
///     match address {
///         "silent" => sleep(Duration::from_secs(60)).await,
///         "closed" => return Err("refused".to_owned()),
///         _ => {}
///     }
///     Ok(address)
/// }
///
/// bowerbird::run(async {
///     let attempts = ["closed", "silent", "open"].into_iter().map(connect);
///     let (index, connection) = staggered_race(attempts, Duration::from_millis(5)).await.unwrap();
///     assert_eq!((index, connection), (2, "open"));
/// });
/// ```
#[track_caller]
pub fn staggered_race<I, F, T, E>(futures: I, delay: Duration) -> StaggeredRace<I::IntoIter, F, E>
where
    I: IntoIterator<Item = F>,
    F: Future<Output = Result<T, E>>,
{
    if !bowerbird_timer::is_inside() {
        outside_a_runtime("staggered_race");
    }
    StaggeredRace {
        inner: scoped(
            CallSite::new("staggered_race"),
            Staggered {
                futures: Some(futures.into_iter()),
                contest: Contest::new(Vec::new(), Skipped::default(), true),
                errors: Vec::new(),
                delay,
                pause: None,
            },
        ),
    }
}

pin_project! {
    /// The future of [`staggered_race`].
    #[must_use = "futures do nothing unless awaited"]
    pub struct StaggeredRace<I, F, E>
    where
        Staggered<I, F, E>: Future,
    {
        #[pin]
        inner: Sited<Staggered<I, F, E>>,
    }
}

impl<I, F, E> Future for StaggeredRace<I, F, E>
where
    Staggered<I, F, E>: Future,
{
    type Output = <Staggered<I, F, E> as Future>::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.project().inner.poll(cx)
    }
}

impl<I, F, E> fmt::Debug for StaggeredRace<I, F, E>
where
    Staggered<I, F, E>: Future,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StaggeredRace").finish_non_exhaustive()
    }
}

/// A staggered race without its scope.
#[derive(Debug)]
pub struct Staggered<I, F, E> {
    /// Gone when it has given its last.
    futures: Option<I>,
    contest: Contest<Vec<Pin<Box<F>>>>,
    /// With the places of those that failed.
    errors: Vec<(usize, E)>,
    delay: Duration,
    /// Until the next one starts.
    pause: Option<Sleep>,
}

impl<I, F, E> Unpin for Staggered<I, F, E> {}

impl<I: Iterator<Item = F>, F, E> Staggered<I, F, E> {
    /// Starts the next attempt; returns `false` if there is none.
    fn start_next(&mut self) -> bool {
        let next = self.futures.as_mut().and_then(Iterator::next);
        match next {
            Some(future) => {
                self.contest.branches.push(Box::pin(future));
                self.pause = Some(sleep(self.delay));
                true
            }
            None => {
                (self.futures, self.pause) = (None, None);
                false
            }
        }
    }
}

impl<I, F, T, E> Future for Staggered<I, F, E>
where
    I: Iterator<Item = F>,
    F: Future<Output = Result<T, E>>,
{
    type Output = Result<(usize, T), Vec<E>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        loop {
            let failed_before = this.errors.len();
            let errors = &mut this.errors;
            let polled = Pin::new(&mut this.contest).poll(cx, |(index, result)| match result {
                Ok(value) => Some((index, value)),
                Err(error) => {
                    errors.push((index, error));
                    None
                }
            });
            let is_due = match polled {
                Poll::Ready(Some(success)) => return Poll::Ready(Ok(success)),
                Poll::Ready(None) => true,
                // It unwinds, or is about to: nothing new begins.
                Poll::Pending if this.contest.is_unwinding() || has_raised() => {
                    return Poll::Pending;
                }
                Poll::Pending => {
                    let mut pause = this.pause.as_mut();
                    this.errors.len() > failed_before
                        || pause.as_mut().is_some_and(|pause| pause.poll_elapsed(cx).is_ready())
                }
            };
            if is_due && this.start_next() {
                continue;
            }
            if polled.is_pending() {
                return Poll::Pending;
            }
            let mut errors = std::mem::take(&mut this.errors);
            errors.sort_by_key(|(index, _)| *index);
            return Poll::Ready(Err(errors.into_iter().map(|(_, error)| error).collect()));
        }
    }
}

fn has_raised() -> bool {
    poll_context::delivery() != Delivery::None
}
