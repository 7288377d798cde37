//! A flag that many may wait for.
//!
//! The word holds the flag and the number of times it was set. A waiter remembers the number it saw when
//! it began to wait; another number means that the event was set since, even if it was cleared again at
//! once. So `set` wakes everybody who waited before it, as in asyncio, and owes nothing to who comes after.
//!
//! # Ordering arguments
//! - `[ORD-1]` The word is written under the lock, with Release, and read without it, with Acquire: what
//!   the setter did before `set` is seen by whoever sees the flag or the new number. Weaker: the waiter
//!   goes on and sees old data (loom tests `who_sees_the_flag_sees_what_came_before_it`,
//!   `who_sees_the_turn_sees_what_came_before_it`).

use std::collections::BTreeMap;
use std::fmt;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use bowerbird_base::cancel_safe::CancelSafe;
use bowerbird_base::poll_context;
use bowerbird_base::sync::Mutex;
use bowerbird_base::sync::atomic::{AtomicUsize, Ordering};
use bowerbird_base::wake_all::wake_all;

const SET: usize = 1;
/// One `set` in the word.
const TURN: usize = 2;

/// A flag that is set by one and waited for by many.
///
/// asyncio: `asyncio.Event`. This one may be set from any thread.
///
/// # Examples
/// ```
/// use bowerbird::sync::Event;
/// use std::sync::Arc;
///
/// bowerbird::run(async {
///     let event = Arc::new(Event::new());
///     let waiter = bowerbird::spawn({
///         let event = event.clone();
///         async move {
///             event.wait().await;
///             "go"
///         }
///     });
///     event.set();
///     assert_eq!(waiter.await.unwrap(), "go");
/// });
/// ```
pub struct Event {
    /// A copy of the word under the lock.
    word: AtomicUsize,
    waiters: Mutex<Waiters>,
}

/// Who waits, in the order of arrival.
#[derive(Default)]
struct Waiters {
    /// The word itself; the atomic one is its copy for who looks without the lock.
    word: usize,
    wakers: BTreeMap<u64, Waker>,
    next_key: u64,
}

impl Event {
    /// Makes an event that is not set.
    ///
    /// # Examples
    /// ```
    /// let event = bowerbird::sync::Event::new();
    /// assert!(!event.is_set());
    /// ```
    pub fn new() -> Self {
        Self { word: AtomicUsize::new(0), waiters: Mutex::new(Waiters::default()) }
    }

    /// Sets the event and wakes all who wait, in the order of their arrival.
    ///
    /// asyncio: `Event.set`. Setting it twice does nothing, there as here.
    ///
    /// # Panics
    /// With the first panic of a waker, after all have been woken.
    ///
    /// # Examples
    /// ```
    /// bowerbird::run(async {
    ///     let event = bowerbird::sync::Event::new();
    ///     let (waiters, ()) = bowerbird::join((
    ///         async { bowerbird::join((event.wait(), event.wait())).await },
    ///         async { event.set() },
    ///     )).await;
    ///     assert_eq!(waiters, ((), ()));
    /// });
    /// ```
    pub fn set(&self) {
        let woken = {
            let mut waiters = self.waiters.lock();
            if waiters.word & SET != 0 {
                return;
            }
            waiters.word = waiters.word.wrapping_add(TURN) | SET;
            // [ORD-1]
            self.word.store(waiters.word, Ordering::Release);
            std::mem::take(&mut waiters.wakers)
        };
        wake_all(woken.into_values());
    }

    /// Clears the event: later waits wait for the next [`set`](Self::set).
    ///
    /// asyncio: `Event.clear`. Who waited when it was set still goes on, there as here.
    ///
    /// # Examples
    /// ```
    /// bowerbird::run(async {
    ///     let event = bowerbird::sync::Event::new();
    ///     event.set();
    ///     event.clear();
    ///     let wait = bowerbird::timeout(std::time::Duration::from_millis(5), event.wait());
    ///     assert!(wait.await.is_err());
    /// });
    /// ```
    pub fn clear(&self) {
        let mut waiters = self.waiters.lock();
        waiters.word &= !SET;
        // [ORD-1]
        self.word.store(waiters.word, Ordering::Release);
    }

    /// Returns whether the event is set.
    ///
    /// asyncio: `Event.is_set`.
    ///
    /// # Examples
    /// ```
    /// let event = bowerbird::sync::Event::new();
    /// event.set();
    /// assert!(event.is_set());
    /// ```
    pub fn is_set(&self) -> bool {
        self.look() & SET != 0
    }

    /// The one look at the word outside the lock.
    fn look(&self) -> usize {
        // [ORD-1]
        self.word.load(Ordering::Acquire)
    }

    /// Waits until the event is set.
    ///
    /// asyncio: `Event.wait`, which returns `True`. Ready at once, without a suspension, when it is set.
    ///
    /// # Cancel safety
    /// Nothing is lost, and a wait that is dropped leaves no entry behind.
    ///
    /// # Examples
    /// ```
    /// bowerbird::run(async {
    ///     let event = std::sync::Arc::new(bowerbird::sync::Event::new());
    ///     let setter = event.clone();
    ///     let thread = std::thread::spawn(move || setter.set());
    ///     event.wait().await;
    ///     assert!(event.is_set());
    ///     thread.join().unwrap();
    /// });
    /// ```
    #[track_caller]
    pub fn wait(&self) -> EventWait<'_> {
        EventWait { event: self, began: None, location: Location::caller() }
    }
}

impl Default for Event {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Event").field("is_set", &self.is_set()).finish_non_exhaustive()
    }
}

/// Waits until an [`Event`] is set, see [`Event::wait`].
#[must_use = "futures do nothing unless awaited"]
pub struct EventWait<'a> {
    event: &'a Event,
    /// Set by the first poll that found the event unset.
    began: Option<Began>,
    location: &'static Location<'static>,
}

#[derive(Clone, Copy)]
struct Began {
    key: u64,
    word: usize,
}

impl EventWait<'_> {
    /// Returns whether the event is set, or was since this wait began.
    fn is_over(&self, word: usize) -> bool {
        word & SET != 0 || self.began.is_some_and(|began| began.word != word)
    }

    /// Puts the waker into the list, or in place of this wait's last one. `false`: the event was set.
    fn register(&mut self, waker: &Waker) -> bool {
        // An entry that is still there was not woken; comparing runs nobody's code.
        if let Some(began) = self.began {
            let waiters = self.event.waiters.lock();
            if waiters.wakers.get(&began.key).is_some_and(|stored| stored.will_wake(waker)) {
                return true;
            }
        }
        // Cloned before the lock; what is left of both is dropped after it.
        let mut waker = Some(waker.clone());
        let mut _old = None;
        let mut waiters = self.event.waiters.lock();
        let word = waiters.word;
        if self.is_over(word) {
            drop(waiters);
            return false;
        }
        let key = match self.began {
            Some(began) => began.key,
            None => {
                let key = waiters.next_key;
                waiters.next_key += 1;
                key
            }
        };
        if let Some(waker) = waker.take() {
            _old = waiters.wakers.insert(key, waker);
        }
        drop(waiters);
        self.began = Some(Began { key, word });
        true
    }
}

impl Future for EventWait<'_> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.began.is_some() && poll_context::is_offered() {
            poll_context::yield_now(cx);
            return Poll::Pending;
        }
        if !self.is_over(self.event.look()) && self.register(cx.waker()) {
            poll_context::note_wait(
                "event",
                std::ptr::from_ref(self.event).addr() as u64,
                Some(self.location),
            );
            return Poll::Pending;
        }
        let proceed = std::task::ready!(poll_context::poll_proceed(cx));
        proceed.made_progress();
        Poll::Ready(())
    }
}

impl Drop for EventWait<'_> {
    fn drop(&mut self) {
        let Some(began) = self.began else { return };
        if !self.is_over(self.event.look()) {
            let _waker = self.event.waiters.lock().wakers.remove(&began.key);
        }
    }
}

impl CancelSafe for EventWait<'_> {}

impl fmt::Debug for EventWait<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventWait").field("location", &self.location).finish_non_exhaustive()
    }
}

bowerbird_base::model_or_real! {
    {
        #[cfg(test)]
        mod loom_tests;
    }
    {
        #[cfg(test)]
        mod tests;
    }
}
