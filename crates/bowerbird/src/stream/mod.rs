//! Streams: values that come one after the other.
//!
//! asyncio: asynchronous iterators and generators. A stream is whatever implements [`Stream`], the trait of
//! futures-core that all of Rust's libraries share; [`StreamExt`] gives it methods. They are few: those that
//! need time, and those that one reaches for daily. The crate `futures-util` has all others, for the same
//! streams.
//!
//! # Examples
//! ```
//! use bowerbird::stream::{self, StreamExt};
//! use std::time::Duration;
//! bowerbird::run(async {
//!     let mut ticks = stream::interval(Duration::from_millis(1)).take(3);
//!     let mut count = 0;
//!     while ticks.next().await.is_some() { // async for tick in ticks:
//!         count += 1;
//!     }
//!     assert_eq!(count, 3);
//! });
//! ```

mod adapt;
mod chunks_timeout;
mod collect;
mod merge;
mod sources;
mod stream_map;
mod throttle;
mod timeout;

pub use adapt::{Filter, Map, Next, Take};
pub use chunks_timeout::ChunksTimeout;
pub use collect::Collect;
pub use futures_core::Stream;
pub use merge::Merge;
pub use sources::{Empty, IntervalStream, Iter, Once, empty, interval, iter, once};
pub use stream_map::StreamMap;
pub use throttle::Throttle;
pub use timeout::Timeout;

use std::time::Duration;

/// Methods of every [`Stream`].
///
/// asyncio: what `async for` and asynchronous comprehensions do.
pub trait StreamExt: Stream {
    /// Waits for the next value; `None` when the stream has ended.
    ///
    /// asyncio: `anext(iterator, None)`.
    ///
    /// # Cancel safety
    /// Nothing is lost: the stream is only borrowed.
    ///
    /// # Examples
    /// ```
    /// use bowerbird::stream::{self, StreamExt};
    /// bowerbird::run(async {
    ///     let mut numbers = stream::iter([1, 2]);
    ///     assert_eq!((numbers.next().await, numbers.next().await), (Some(1), Some(2)));
    ///     assert_eq!(numbers.next().await, None);
    /// });
    /// ```
    fn next(&mut self) -> Next<'_, Self>
    where
        Self: Unpin,
    {
        Next::new(self)
    }

    /// Makes a stream of what `f` makes of each value.
    ///
    /// asyncio: `(f(value) async for value in stream)`.
    ///
    /// # Examples
    /// ```
    /// use bowerbird::stream::{self, StreamExt};
    /// bowerbird::run(async {
    ///     let squares: Vec<_> = stream::iter(1..4).map(|it| it * it).collect().await;
    ///     assert_eq!(squares, [1, 4, 9]);
    /// });
    /// ```
    fn map<T, F>(self, f: F) -> Map<Self, F>
    where
        F: FnMut(Self::Item) -> T,
        Self: Sized,
    {
        Map::new(self, f)
    }

    /// Makes a stream of the values for which `f` says so.
    ///
    /// asyncio: `(value async for value in stream if f(value))`.
    ///
    /// # Examples
    /// ```
    /// use bowerbird::stream::{self, StreamExt};
    /// bowerbird::run(async {
    ///     let even: Vec<_> = stream::iter(1..7).filter(|it| it % 2 == 0).collect().await;
    ///     assert_eq!(even, [2, 4, 6]);
    /// });
    /// ```
    fn filter<F>(self, f: F) -> Filter<Self, F>
    where
        F: FnMut(&Self::Item) -> bool,
        Self: Sized,
    {
        Filter::new(self, f)
    }

    /// Makes a stream of the first `count` values; the inner stream is not polled after them.
    ///
    /// # Examples
    /// ```
    /// use bowerbird::stream::{self, StreamExt};
    /// bowerbird::run(async {
    ///     let first: Vec<_> = stream::iter(1..).take(3).collect().await;
    ///     assert_eq!(first, [1, 2, 3]);
    /// });
    /// ```
    fn take(self, count: usize) -> Take<Self>
    where
        Self: Sized,
    {
        Take::new(self, count)
    }

    /// Waits for all values and puts them into a collection.
    ///
    /// asyncio: `[value async for value in stream]`.
    ///
    /// # Cancel safety
    /// The values that came so far are lost.
    ///
    /// # Examples
    /// ```
    /// use bowerbird::stream::{self, StreamExt};
    /// bowerbird::run(async {
    ///     let text: String = stream::iter(["bower", "bird"]).collect().await;
    ///     assert_eq!(text, "bowerbird");
    /// });
    /// ```
    fn collect<C>(self) -> Collect<Self, C>
    where
        C: Default + Extend<Self::Item>,
        Self: Sized,
    {
        Collect::new(self)
    }

    /// Makes a stream of the values of both, as they come, until both have ended.
    ///
    /// Neither can starve the other: the one that gave a value is asked last the next time.
    ///
    /// # Examples
    /// ```
    /// use bowerbird::stream::{self, StreamExt};
    /// bowerbird::run(async {
    ///     let both: Vec<_> = stream::iter([1, 2, 3]).merge(stream::iter([10])).collect().await;
    ///     assert_eq!(both, [1, 10, 2, 3]);
    /// });
    /// ```
    fn merge<S>(self, other: S) -> Merge<Self, S>
    where
        S: Stream<Item = Self::Item>,
        Self: Sized,
    {
        Merge::new(self, other)
    }

    /// Makes a stream that gives an error where the next value takes longer than `duration`.
    ///
    /// asyncio: `asyncio.timeout` around each `anext`. The time runs while somebody waits, so a consumer that
    /// is slow does not make the stream late. After an error it goes on: the value that was late comes when it
    /// comes, and no second error before it. Nothing is cancelled or dropped.
    ///
    /// # Panics
    /// Outside a runtime, when it is polled.
    ///
    /// # Examples
    /// ```
    /// use bowerbird::stream::{self, StreamExt};
    /// use std::time::Duration;
    /// bowerbird::run(async {
    ///     let slow = stream::interval(Duration::from_millis(40)).take(2);
    ///     let mut limited = Box::pin(slow.timeout(Duration::from_millis(5)));
    ///     assert!(limited.next().await.unwrap().is_ok());
    ///     assert!(limited.next().await.unwrap().is_err());
    ///     assert!(limited.next().await.unwrap().is_ok());
    ///     assert!(limited.next().await.is_none());
    /// });
    /// ```
    fn timeout(self, duration: Duration) -> Timeout<Self>
    where
        Self: Sized,
    {
        Timeout::new(self, duration)
    }

    /// Makes a stream whose values come at least `duration` apart.
    ///
    /// The inner stream is not asked for a value before it may be given.
    ///
    /// # Panics
    /// Outside a runtime, when it is polled.
    ///
    /// # Examples
    /// ```
    /// use bowerbird::stream::{self, StreamExt};
    /// use std::time::Duration;
    /// bowerbird::run(async {
    ///     let start = bowerbird::time::now();
    ///     let slow = stream::iter(0..3).throttle(Duration::from_millis(2));
    ///     assert_eq!(slow.collect::<Vec<_>>().await, [0, 1, 2]);
    ///     assert!(bowerbird::time::now() - start >= Duration::from_millis(4));
    /// });
    /// ```
    fn throttle(self, duration: Duration) -> Throttle<Self>
    where
        Self: Sized,
    {
        Throttle::new(self, duration)
    }

    /// Makes a stream of lists of up to `max_size` values, each given when it is full, when its first value
    /// has waited for `duration`, or at the end.
    ///
    /// # Panics
    /// If `max_size` is zero, at the call. Outside a runtime, when it is polled.
    ///
    /// # Examples
    /// ```
    /// use bowerbird::stream::{self, StreamExt};
    /// use std::time::Duration;
    /// bowerbird::run(async {
    ///     let batches = stream::iter(0..5).chunks_timeout(2, Duration::from_secs(1));
    ///     assert_eq!(batches.collect::<Vec<_>>().await, [vec![0, 1], vec![2, 3], vec![4]]);
    /// });
    /// ```
    #[track_caller]
    fn chunks_timeout(self, max_size: usize, duration: Duration) -> ChunksTimeout<Self>
    where
        Self: Sized,
    {
        assert!(
            max_size > 0,
            "chunks_timeout() was called with a size of 0, which no value fits into; pass at least 1"
        );
        ChunksTimeout::new(self, max_size, duration)
    }
}

impl<S: Stream + ?Sized> StreamExt for S {}
