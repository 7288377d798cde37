//! `DelayQueue`: values that come out when their time has come.
//!
//! The values stand at fixed places, and a sorted map leads from (deadline, order of insertion) to them. One
//! [`Sleep`] waits for the first deadline. It is moved whenever that changes, so a task that waits need not
//! poll; where there is no deadline to move it to, or was none, the task is woken.

use std::collections::BTreeMap;
use std::fmt;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use bowerbird_base::clock::far_future;
use bowerbird_base::poll_context;
use bowerbird_timer::part::sleep_until;
use bowerbird_timer::{Sleep, now};
use futures_core::Stream;

use crate::CancelSafe;
use crate::run::outside_a_runtime;
use crate::slots::Slots;

/// A queue whose values come out when their deadlines have passed, the earliest first.
///
/// asyncio: no counterpart; many `loop.call_later`, each with its `TimerHandle`. Equal deadlines come out in
/// the order of their insertion. All operations take a time that grows with the logarithm of the number of
/// values, and one timer serves them all: of the runtime in which it is first awaited, where it then stays. The
/// time of a `Duration` runs from the call.
///
/// # Examples
/// ```
/// use bowerbird::time::DelayQueue;
/// use std::time::Duration;
/// bowerbird::run(async {
///     let mut sessions = DelayQueue::new();
///     let ann = sessions.insert("ann", Duration::from_millis(5));
///     sessions.insert("bob", Duration::from_millis(10));
///     sessions.reset(&ann, Duration::from_millis(20)); // ann was active
///     let mut expired = Vec::new();
///     while let Some(session) = sessions.next().await {
///         expired.push(session.into_inner());
///     }
///     assert_eq!(expired, ["bob", "ann"]);
/// });
/// ```
pub struct DelayQueue<T> {
    entries: Slots<Entry<T>>,
    /// The places by deadline, then by the order of insertion.
    order: BTreeMap<(Instant, u64), usize>,
    next_number: u64,
    /// Made at the first wait, since the queue may be made outside of the runtime.
    sleep: Option<Sleep>,
    /// A deadline that has passed: so has every earlier one.
    passed: Option<Instant>,
    waiter: Waiter,
    location: &'static Location<'static>,
}

struct Entry<T> {
    value: T,
    /// Tells it from others at the same place.
    stamp: u64,
    /// Where it stands in the order.
    rank: (Instant, u64),
}

/// The task that has polled the queue in vain.
enum Waiter {
    None,
    /// The queue was empty.
    ForValue(Waker),
    /// The sleep has its waker, too.
    ForDeadline(Waker),
}

/// Knows one value of a [`DelayQueue`].
///
/// It is good until the value has left the queue; later it is of no value, not of another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct DelayKey {
    place: usize,
    stamp: u64,
}

/// A value that has left a [`DelayQueue`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expired<T> {
    value: T,
    deadline: Instant,
    key: DelayKey,
}

impl<T> Unpin for DelayQueue<T> {}

impl<T> DelayQueue<T> {
    /// Makes an empty queue.
    #[track_caller]
    pub fn new() -> Self {
        Self {
            entries: Slots::new(),
            order: BTreeMap::new(),
            next_number: 0,
            sleep: None,
            passed: None,
            waiter: Waiter::None,
            location: Location::caller(),
        }
    }

    /// Makes an empty queue with room for so many values.
    #[track_caller]
    pub fn with_capacity(count: usize) -> Self {
        Self { entries: Slots::with_capacity(count), ..Self::new() }
    }

    /// Puts a value in that comes out after `delay`.
    ///
    /// asyncio: `loop.call_later`.
    pub fn insert(&mut self, value: T, delay: Duration) -> DelayKey {
        self.insert_at(value, far_future(now(), delay))
    }

    /// Puts a value in that comes out at `deadline`; at once if that has passed.
    ///
    /// asyncio: `loop.call_at`.
    ///
    /// # Examples
    /// ```
    /// use bowerbird::time::{DelayQueue, now};
    /// bowerbird::run(async {
    ///     let mut queue = DelayQueue::new();
    ///     let key = queue.insert_at("due", now());
    ///     assert_eq!(queue.next().await.unwrap().key(), key);
    /// });
    /// ```
    pub fn insert_at(&mut self, value: T, deadline: Instant) -> DelayKey {
        let stamp = self.number();
        let rank = (deadline, stamp);
        let place = self.entries.insert(Entry { value, stamp, rank });
        self.order.insert(rank, place);
        self.first_changed();
        DelayKey { place, stamp }
    }

    /// Takes a value out before its time; `None` if it has left already.
    ///
    /// asyncio: `TimerHandle.cancel`.
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    /// let mut queue = bowerbird::time::DelayQueue::new();
    /// let key = queue.insert("soon", Duration::from_secs(1));
    /// assert_eq!(queue.remove(&key).unwrap().into_inner(), "soon");
    /// assert!(queue.remove(&key).is_none());
    /// ```
    pub fn remove(&mut self, key: &DelayKey) -> Option<Expired<T>> {
        self.entry(key)?;
        let removed = self.take_out(key.place);
        self.first_changed();
        removed
    }

    /// Lets a value come out after `delay` from now; returns `false` if it has left already.
    ///
    /// asyncio: `Timeout.reschedule`.
    pub fn reset(&mut self, key: &DelayKey, delay: Duration) -> bool {
        self.reset_at(key, far_future(now(), delay))
    }

    /// Lets a value come out at `deadline`; returns `false` if it has left already.
    ///
    /// asyncio: `Timeout.reschedule`.
    ///
    /// # Examples
    /// ```
    /// use bowerbird::time::{DelayQueue, now};
    /// bowerbird::run(async {
    ///     let mut queue = DelayQueue::new();
    ///     let key = queue.insert("later", std::time::Duration::MAX);
    ///     assert!(queue.reset_at(&key, now()));
    ///     assert_eq!(queue.next().await.unwrap().into_inner(), "later");
    ///     assert!(!queue.reset_at(&key, now()));
    /// });
    /// ```
    pub fn reset_at(&mut self, key: &DelayKey, deadline: Instant) -> bool {
        let rank = (deadline, self.number());
        let entry = self.entries.get_mut(key.place).filter(|entry| entry.stamp == key.stamp);
        let Some(entry) = entry else { return false };
        let before = std::mem::replace(&mut entry.rank, rank);
        self.order.remove(&before);
        self.order.insert(rank, key.place);
        self.first_changed();
        true
    }

    /// Waits for the next value whose deadline has passed; `None` if the queue is empty.
    ///
    /// # Cancel safety
    /// Nothing is lost: the value stays in the queue.
    ///
    /// # Panics
    /// Outside a runtime.
    #[allow(clippy::should_implement_trait, reason = "the word of streams; it gives a future")]
    pub fn next(&mut self) -> NextExpired<'_, T> {
        NextExpired { queue: self }
    }

    /// Waits for the next value, in the form of a poll.
    ///
    /// After `Ready(None)`, too, the task is woken when a value is put in. Only the last task that polled is
    /// woken.
    ///
    /// # Panics
    /// Outside a runtime.
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    /// bowerbird::run(async {
    ///     let mut queue = bowerbird::time::DelayQueue::new();
    ///     queue.insert(1, Duration::from_millis(5));
    ///     let expired = std::future::poll_fn(|cx| queue.poll_expired(cx)).await;
    ///     assert_eq!(expired.unwrap().into_inner(), 1);
    /// });
    /// ```
    #[track_caller]
    pub fn poll_expired(&mut self, cx: &mut Context<'_>) -> Poll<Option<Expired<T>>> {
        if matches!(self.waiter, Waiter::ForDeadline(_)) && poll_context::is_offered() {
            poll_context::yield_now(cx);
            return Poll::Pending;
        }
        let Poll::Ready(proceed) = poll_context::poll_proceed(cx) else { return Poll::Pending };
        let Some((&(deadline, _), &place)) = self.order.first_key_value() else {
            self.waiter = Waiter::ForValue(cx.waker().clone());
            return Poll::Ready(None);
        };
        if self.passed.is_none_or(|passed| deadline > passed) {
            if self.poll_sleep(deadline, cx).is_pending() {
                self.waiter = Waiter::ForDeadline(cx.waker().clone());
                poll_context::note_wait("delay queue", 0, Some(self.location));
                return Poll::Pending;
            }
            self.passed = Some(deadline);
        } else {
            // The sleep counts its own.
            proceed.made_progress();
        }
        self.waiter = Waiter::None;
        Poll::Ready(self.take_out(place))
    }

    #[track_caller]
    fn poll_sleep(&mut self, deadline: Instant, cx: &mut Context<'_>) -> Poll<()> {
        let sleep = match &mut self.sleep {
            Some(sleep) => sleep,
            None if !bowerbird_timer::is_inside() => outside_a_runtime("DelayQueue::poll_expired"),
            None => self.sleep.insert(sleep_until(deadline)),
        };
        if sleep.deadline() != deadline {
            sleep.reset(deadline);
        }
        sleep.poll_elapsed(cx)
    }

    /// The first deadline may be another one: whoever waits is woken then.
    fn first_changed(&mut self) {
        let first = self.order.first_key_value().map(|(&(deadline, _), _)| deadline);
        match (&mut self.waiter, &mut self.sleep, first) {
            (Waiter::None, ..) | (Waiter::ForValue(_), _, None) => return,
            (Waiter::ForDeadline(_), Some(sleep), Some(deadline)) => {
                if sleep.deadline() != deadline {
                    sleep.reset(deadline);
                }
                return;
            }
            _ => {}
        }
        match std::mem::replace(&mut self.waiter, Waiter::None) {
            Waiter::ForValue(waker) | Waiter::ForDeadline(waker) => waker.wake(),
            Waiter::None => {}
        }
    }

    fn take_out(&mut self, place: usize) -> Option<Expired<T>> {
        let Entry { value, stamp, rank } = self.entries.remove(place)?;
        self.order.remove(&rank);
        Some(Expired { value, deadline: rank.0, key: DelayKey { place, stamp } })
    }

    fn number(&mut self) -> u64 {
        self.next_number += 1;
        self.next_number
    }

    fn entry(&self, key: &DelayKey) -> Option<&Entry<T>> {
        self.entries.get(key.place).filter(|entry| entry.stamp == key.stamp)
    }

    /// Returns the value of a key, if it is in the queue.
    pub fn get(&self, key: &DelayKey) -> Option<&T> {
        self.entry(key).map(|entry| &entry.value)
    }

    /// Returns the value of a key, to be changed, if it is in the queue.
    pub fn get_mut(&mut self, key: &DelayKey) -> Option<&mut T> {
        let entry = self.entries.get_mut(key.place).filter(|entry| entry.stamp == key.stamp);
        entry.map(|entry| &mut entry.value)
    }

    /// Returns when a value comes out, if it is in the queue.
    ///
    /// asyncio: `TimerHandle.when`.
    pub fn deadline(&self, key: &DelayKey) -> Option<Instant> {
        self.entry(key).map(|entry| entry.rank.0)
    }

    /// Returns the key of the value that comes out next, whether or not it is due.
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    /// let mut queue = bowerbird::time::DelayQueue::new();
    /// let late = queue.insert("late", Duration::from_secs(2));
    /// let early = queue.insert("early", Duration::from_secs(1));
    /// assert_eq!(queue.peek(), Some(early));
    /// assert_eq!((queue.get(&late), queue.len()), (Some(&"late"), 2));
    /// ```
    pub fn peek(&self) -> Option<DelayKey> {
        let (_, &place) = self.order.first_key_value()?;
        self.entries.get(place).map(|entry| DelayKey { place, stamp: entry.stamp })
    }

    /// Takes all values out, and drops them.
    pub fn clear(&mut self) {
        let values = self.entries.take_all();
        self.order.clear();
        self.first_changed();
        drop(values);
    }

    /// Returns how many values are in the queue, due ones included.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Returns whether the queue is empty.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns how many values find room without another allocation for them.
    pub fn capacity(&self) -> usize {
        self.entries.capacity()
    }

    /// Makes room for so many more values.
    pub fn reserve(&mut self, additional: usize) {
        self.entries.reserve(additional);
    }
}

impl<T> Default for DelayQueue<T> {
    #[track_caller]
    fn default() -> Self {
        Self::new()
    }
}

impl<T> Stream for DelayQueue<T> {
    type Item = Expired<T>;

    #[track_caller]
    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Expired<T>>> {
        self.get_mut().poll_expired(cx)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.len(), None)
    }
}

impl<T> fmt::Debug for DelayQueue<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let first = self.order.first_key_value().map(|(&(deadline, _), _)| deadline);
        f.debug_struct("DelayQueue")
            .field("len", &self.len())
            .field("first", &first)
            .finish_non_exhaustive()
    }
}

impl<T> Expired<T> {
    /// Returns the value.
    pub fn get_ref(&self) -> &T {
        &self.value
    }

    /// Returns the value, to be changed.
    pub fn get_mut(&mut self) -> &mut T {
        &mut self.value
    }

    /// Gives the value.
    pub fn into_inner(self) -> T {
        self.value
    }

    /// Returns the deadline that it had.
    pub fn deadline(&self) -> Instant {
        self.deadline
    }

    /// Returns the key that it had.
    pub fn key(&self) -> DelayKey {
        self.key
    }
}

/// The future of [`DelayQueue::next`].
#[derive(Debug)]
#[must_use = "futures do nothing unless awaited"]
pub struct NextExpired<'a, T> {
    queue: &'a mut DelayQueue<T>,
}

impl<T> CancelSafe for NextExpired<'_, T> {}

impl<T> Future for NextExpired<'_, T> {
    type Output = Option<Expired<T>>;

    #[track_caller]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.queue.poll_expired(cx)
    }
}
