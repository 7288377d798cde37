//! Where streams begin: `iter`, `once`, `empty`, `interval`.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bowerbird_base::poll_context;
use bowerbird_timer::Interval;
use futures_core::Stream;

/// Makes a stream of an iterator's values.
///
/// They are always ready; each takes one of the task's [budget](crate::tasks::coop).
///
/// # Examples
/// ```
/// use bowerbird::stream::{self, StreamExt};
/// bowerbird::run(async {
///     assert_eq!(stream::iter(vec!["a", "b"]).next().await, Some("a"));
/// });
/// ```
pub fn iter<I: IntoIterator>(values: I) -> Iter<I::IntoIter> {
    Iter { values: values.into_iter() }
}

/// The stream of [`iter`].
#[derive(Debug, Clone)]
#[must_use = "streams do nothing unless polled"]
pub struct Iter<I> {
    values: I,
}

impl<I> Unpin for Iter<I> {}

impl<I: Iterator> Stream for Iter<I> {
    type Item = I::Item;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<I::Item>> {
        let Poll::Ready(proceed) = poll_context::poll_proceed(cx) else { return Poll::Pending };
        proceed.made_progress();
        Poll::Ready(self.values.next())
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.values.size_hint()
    }
}

/// Makes a stream of one value.
///
/// # Examples
/// ```
/// use bowerbird::stream::{self, StreamExt};
/// bowerbird::run(async {
///     assert_eq!(stream::once(1).collect::<Vec<_>>().await, [1]);
/// });
/// ```
pub fn once<T>(value: T) -> Once<T> {
    iter(Some(value))
}

/// The stream of [`once`].
pub type Once<T> = Iter<std::option::IntoIter<T>>;

/// Makes a stream that has ended.
///
/// # Examples
/// ```
/// use bowerbird::stream::{self, StreamExt};
/// bowerbird::run(async {
///     assert_eq!(stream::empty::<u32>().next().await, None);
/// });
/// ```
pub fn empty<T>() -> Empty<T> {
    iter(std::iter::empty())
}

/// The stream of [`empty`].
pub type Empty<T> = Iter<std::iter::Empty<T>>;

/// Makes a stream of ticks, the first at once, which never ends.
///
/// asyncio: no counterpart. [`crate::interval()`] as a stream; an [`Interval`] that is there already becomes
/// one by [`IntervalStream::from`].
///
/// # Panics
/// If `period` is zero, or outside a runtime; at the call.
///
/// # Examples
/// ```
/// use bowerbird::stream::{self, StreamExt};
/// use std::time::Duration;
/// bowerbird::run(async {
///     let ticks: Vec<_> = stream::interval(Duration::from_millis(1)).take(3).collect().await;
///     assert_eq!(ticks[2] - ticks[0], Duration::from_millis(2));
/// });
/// ```
#[track_caller]
pub fn interval(period: Duration) -> IntervalStream {
    IntervalStream { interval: bowerbird_timer::interval(period) }
}

/// The ticks of an [`Interval`] as a stream; see [`interval`].
#[must_use = "streams do nothing unless polled"]
pub struct IntervalStream {
    interval: Interval,
}

impl IntervalStream {
    /// Gives the interval back.
    pub fn into_inner(self) -> Interval {
        self.interval
    }
}

impl From<Interval> for IntervalStream {
    fn from(interval: Interval) -> Self {
        Self { interval }
    }
}

impl Stream for IntervalStream {
    type Item = Instant;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Instant>> {
        self.interval.poll_tick(cx).map(Some)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (usize::MAX, None)
    }
}

impl fmt::Debug for IntervalStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.interval.fmt(f)
    }
}
