//! A number of tokens that may be changed at any time, and who has borrowed them.
//!
//! All of it stands under one lock: who borrows leaves its name, so there is no way past the lock that a word of
//! its own could open.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::panic::Location;
use std::sync::Arc;
use std::task::{Context, Poll};

use bowerbird_base::ledger::{Line, Spot};
use bowerbird_base::sync::Mutex;

use crate::block_on::block_on;
use crate::wait_list::{Called, Key, WaitList, lock_renewed};

mod token;

pub use token::{AcquireToken, AcquireTokenOwned, CapacityToken, OwnedCapacityToken};

/// What its waits and tokens are called in the call graph.
const KIND: &str = "capacity_limiter";

/// A number of tokens, of which each user borrows one, and which may be made more or fewer at any time.
///
/// asyncio: no counterpart. trio: `CapacityLimiter`; there a task that borrows a second token gets an error, here a
/// token is a value, and [`statistics`](Self::statistics) shows who has how many.
///
/// A [`Semaphore`](crate::Semaphore) has permits that anybody may add, and does not know who has them; this one is
/// for a limit that is set from outside (so many downloads, so many connections to a database) and looked at while
/// it is at work. First come, first served.
///
/// # Examples
/// ```
/// use bowerbird::sync::CapacityLimiter;
///
/// bowerbird::run(async {
///     let downloads = CapacityLimiter::new(2);
///     let _one = downloads.acquire_on_behalf_of("index.html").await;
///     let _other = downloads.acquire_on_behalf_of("logo.png").await;
///     assert!(downloads.try_acquire().is_none());
///     downloads.set_total_tokens(3);
///     assert!(downloads.try_acquire().is_some());
///     assert_eq!(downloads.statistics().borrowers[1].name.as_deref(), Some("logo.png"));
/// });
/// ```
pub struct CapacityLimiter {
    state: Mutex<State>,
}

struct State {
    total: usize,
    next_id: u64,
    /// Who has a token, by the token's number, so in the order in which they got it.
    borrowers: BTreeMap<u64, Borrower>,
    waits: WaitList<Waiting>,
}

struct Waiting {
    /// `None` when it has been served.
    borrower: Option<Borrower>,
    /// The token that it was handed.
    token: u64,
    line: Line,
}

impl State {
    fn take(&mut self, borrower: Borrower) -> u64 {
        let id = self.next_id;
        self.next_id += 1;
        self.borrowers.insert(id, borrower);
        id
    }

    fn may_take(&self) -> bool {
        self.waits.is_empty() && self.borrowers.len() < self.total
    }

    /// Hands free tokens to those who wait, in their order.
    fn serve(&mut self) -> Called {
        let mut called = Called::default();
        while self.borrowers.len() < self.total {
            let Some((waker, waiting)) = self.waits.call_front() else { break };
            called.push(waker);
            if let Some(borrower) = waiting.borrower.take() {
                waiting.line.hand();
                waiting.token = self.next_id;
                self.next_id += 1;
                self.borrowers.insert(waiting.token, borrower);
            }
        }
        called
    }
}

impl CapacityLimiter {
    bowerbird_base::const_fn! {
        /// Makes a limiter with so many tokens; `usize::MAX` is no limit.
        ///
        /// trio: `CapacityLimiter(total_tokens)`, where `math.inf` is no limit.
        ///
        /// # Examples
        /// ```
        /// use bowerbird::sync::CapacityLimiter;
        ///
        /// static DOWNLOADS: CapacityLimiter = CapacityLimiter::new(4);
        /// assert_eq!(DOWNLOADS.available_tokens(), 4);
        /// ```
        pub fn new(total_tokens: usize) -> Self {
            Self {
                state: Mutex::new(State {
                    total: total_tokens,
                    next_id: 0,
                    borrowers: BTreeMap::new(),
                    waits: WaitList::new(),
                }),
            }
        }
    }

    /// Waits for a token.
    ///
    /// asyncio: no counterpart. trio: `CapacityLimiter.acquire`. Ready at once, without a suspension, when a token
    /// is free and nobody waits.
    ///
    /// # Cancel safety
    /// A wait that is dropped leaves the queue; a token that it was handed goes to the next. Who calls again goes
    /// behind those who wait.
    ///
    /// # Examples
    /// ```
    /// bowerbird::run(async {
    ///     let limiter = bowerbird::sync::CapacityLimiter::new(1);
    ///     let token = limiter.acquire().await;
    ///     assert_eq!(limiter.borrowed_tokens(), 1);
    ///     drop(token);
    ///     assert_eq!(limiter.borrowed_tokens(), 0);
    /// });
    /// ```
    #[track_caller]
    pub fn acquire(&self) -> AcquireToken<'_> {
        AcquireToken::new(self, Borrower::here(None))
    }

    /// Waits for a token, and says for whom.
    ///
    /// asyncio: no counterpart. trio: `CapacityLimiter.acquire_on_behalf_of`; there any object is a borrower, here
    /// a name.
    ///
    /// # Cancel safety
    /// As [`acquire`](Self::acquire).
    ///
    /// # Examples
    /// ```
    /// bowerbird::run(async {
    ///     let limiter = bowerbird::sync::CapacityLimiter::new(1);
    ///     let _token = limiter.acquire_on_behalf_of(format!("user {}", 7)).await;
    ///     assert_eq!(limiter.statistics().borrowers[0].name.as_deref(), Some("user 7"));
    /// });
    /// ```
    #[track_caller]
    pub fn acquire_on_behalf_of(&self, borrower: impl Into<Cow<'static, str>>) -> AcquireToken<'_> {
        AcquireToken::new(self, Borrower::here(Some(borrower.into())))
    }

    /// Waits for a token that borrows nothing of the program.
    ///
    /// asyncio: no counterpart. trio: as [`acquire`](Self::acquire).
    ///
    /// # Cancel safety
    /// As [`acquire`](Self::acquire).
    ///
    /// # Examples
    /// ```
    /// bowerbird::run(async {
    ///     let limiter = std::sync::Arc::new(bowerbird::sync::CapacityLimiter::new(1));
    ///     let token = limiter.acquire_owned().await;
    ///     bowerbird::spawn(async move { drop(token) }).await.unwrap();
    ///     assert_eq!(limiter.borrowed_tokens(), 0);
    /// });
    /// ```
    #[track_caller]
    pub fn acquire_owned(self: &Arc<Self>) -> AcquireTokenOwned {
        AcquireTokenOwned::new(Arc::clone(self), Borrower::here(None))
    }

    /// Waits for a token that borrows nothing of the program, and says for whom.
    ///
    /// asyncio: no counterpart. trio: as [`acquire_on_behalf_of`](Self::acquire_on_behalf_of).
    ///
    /// # Cancel safety
    /// As [`acquire`](Self::acquire).
    ///
    /// # Examples
    /// ```
    /// bowerbird::run(async {
    ///     let limiter = std::sync::Arc::new(bowerbird::sync::CapacityLimiter::new(1));
    ///     let token = limiter.acquire_owned_on_behalf_of("a download").await;
    ///     assert_eq!(limiter.available_tokens(), 0);
    /// #   drop(token);
    /// });
    /// ```
    #[track_caller]
    pub fn acquire_owned_on_behalf_of(
        self: &Arc<Self>,
        borrower: impl Into<Cow<'static, str>>,
    ) -> AcquireTokenOwned {
        AcquireTokenOwned::new(Arc::clone(self), Borrower::here(Some(borrower.into())))
    }

    /// Takes a token, if one is free and nobody waits.
    ///
    /// asyncio: no counterpart. trio: `CapacityLimiter.acquire_nowait`.
    ///
    /// # Examples
    /// ```
    /// let limiter = bowerbird::sync::CapacityLimiter::new(1);
    /// let token = limiter.try_acquire();
    /// assert!(token.is_some() && limiter.try_acquire().is_none());
    /// ```
    #[track_caller]
    pub fn try_acquire(&self) -> Option<CapacityToken<'_>> {
        let borrower = Borrower::here(None);
        let spot = self.spot(&borrower);
        Some(CapacityToken::new(self, self.try_take(borrower).ok()?, spot.hold()))
    }

    /// Takes a token, if one is free and nobody waits, and says for whom.
    ///
    /// asyncio: no counterpart. trio: `CapacityLimiter.acquire_on_behalf_of_nowait`.
    ///
    /// # Examples
    /// ```
    /// let limiter = bowerbird::sync::CapacityLimiter::new(1);
    /// let token = limiter.try_acquire_on_behalf_of("a download");
    /// assert_eq!(limiter.statistics().borrowers[0].name.as_deref(), Some("a download"));
    /// # drop(token);
    /// ```
    #[track_caller]
    pub fn try_acquire_on_behalf_of(
        &self,
        borrower: impl Into<Cow<'static, str>>,
    ) -> Option<CapacityToken<'_>> {
        let borrower = Borrower::here(Some(borrower.into()));
        let spot = self.spot(&borrower);
        Some(CapacityToken::new(self, self.try_take(borrower).ok()?, spot.hold()))
    }

    /// Blocks this thread until it has a token. For threads that run no task.
    ///
    /// asyncio: no counterpart.
    ///
    /// # Panics
    /// Inside a task.
    ///
    /// # Examples
    /// ```
    /// let limiter = bowerbird::sync::CapacityLimiter::new(1);
    /// let token = limiter.blocking_acquire();
    /// assert_eq!(limiter.available_tokens(), 0);
    /// # drop(token);
    /// ```
    #[track_caller]
    pub fn blocking_acquire(&self) -> CapacityToken<'_> {
        block_on(self.acquire(), "CapacityLimiter::blocking_acquire()", "await `acquire()` there")
    }

    /// Returns how many tokens there are, free and borrowed.
    ///
    /// asyncio: no counterpart. trio: `CapacityLimiter.total_tokens`.
    ///
    /// # Examples
    /// ```
    /// assert_eq!(bowerbird::sync::CapacityLimiter::new(3).total_tokens(), 3);
    /// ```
    pub fn total_tokens(&self) -> usize {
        self.state.lock().total
    }

    /// Makes the tokens so many. Who waits gets the new ones; where they become fewer than are borrowed, nobody gets
    /// one until enough have been given back.
    ///
    /// asyncio: no counterpart. trio: assignment to `CapacityLimiter.total_tokens`.
    ///
    /// # Examples
    /// ```
    /// let limiter = bowerbird::sync::CapacityLimiter::new(2);
    /// let tokens = (limiter.try_acquire(), limiter.try_acquire());
    /// limiter.set_total_tokens(1);
    /// drop(tokens.0);
    /// assert!(limiter.try_acquire().is_none());
    /// # drop(tokens.1);
    /// ```
    pub fn set_total_tokens(&self, total_tokens: usize) {
        let mut state = self.state.lock();
        state.total = total_tokens;
        let called = state.serve();
        drop(state);
        called.wake();
    }

    /// Returns how many tokens are borrowed.
    ///
    /// asyncio: no counterpart. trio: `CapacityLimiter.borrowed_tokens`.
    ///
    /// # Examples
    /// ```
    /// let limiter = bowerbird::sync::CapacityLimiter::new(3);
    /// let token = limiter.try_acquire();
    /// assert_eq!(limiter.borrowed_tokens(), 1);
    /// # drop(token);
    /// ```
    pub fn borrowed_tokens(&self) -> usize {
        self.state.lock().borrowers.len()
    }

    /// Returns how many tokens are free; 0 where more are borrowed than there are now.
    ///
    /// asyncio: no counterpart. trio: `CapacityLimiter.available_tokens`, which is then below zero.
    ///
    /// # Examples
    /// ```
    /// assert_eq!(bowerbird::sync::CapacityLimiter::new(3).available_tokens(), 3);
    /// ```
    pub fn available_tokens(&self) -> usize {
        let state = self.state.lock();
        state.total.saturating_sub(state.borrowers.len())
    }

    /// Says how things stand: who has a token, for one.
    ///
    /// asyncio: no counterpart. trio: `CapacityLimiter.statistics`.
    ///
    /// # Examples
    /// ```
    /// let limiter = bowerbird::sync::CapacityLimiter::new(3);
    /// let token = limiter.try_acquire();
    /// assert_eq!(limiter.statistics().borrowers.len(), 1);
    /// # drop(token);
    /// ```
    pub fn statistics(&self) -> CapacityLimiterStatistics {
        let state = self.state.lock();
        CapacityLimiterStatistics {
            total_tokens: state.total,
            borrowed_tokens: state.borrowers.len(),
            borrowers: state.borrowers.values().cloned().collect(),
            tasks_waiting: state.waits.len(),
        }
    }

    fn spot(&self, borrower: &Borrower) -> Spot {
        let object = std::ptr::from_ref(self).addr() as u64;
        Spot { kind: KIND, object, location: borrower.location }
    }

    fn try_take(&self, borrower: Borrower) -> Result<u64, Borrower> {
        let mut state = self.state.lock();
        if state.may_take() { Ok(state.take(borrower)) } else { Err(borrower) }
    }

    /// One poll of a wait, whose name is in `borrower` until it is in the list, and which has its `key` from then
    /// on until it is ready.
    fn poll_take(
        &self,
        key: &mut Option<Key>,
        borrower: &mut Option<Borrower>,
        cx: &mut Context<'_>,
    ) -> Poll<u64> {
        if key.is_some() {
            return self.poll_again(key, cx);
        }
        let Some(own) = borrower.take() else {
            panic!("a wait for a token was polled after it was ready")
        };
        match self.try_take(own) {
            Ok(token) => Poll::Ready(token),
            Err(own) => self.join_list(key, own, cx),
        }
    }

    fn join_list(
        &self,
        key: &mut Option<Key>,
        borrower: Borrower,
        cx: &mut Context<'_>,
    ) -> Poll<u64> {
        let line = self.spot(&borrower).wait();
        // Cloned before the lock and dropped after it.
        let waker = cx.waker().clone();
        let mut state = self.state.lock();
        if state.may_take() {
            let token = state.take(borrower);
            drop(state);
            return Poll::Ready(token);
        }
        let waiting = Waiting { borrower: Some(borrower), token: 0, line };
        *key = Some(state.waits.push_back(waker, waiting));
        Poll::Pending
    }

    fn poll_again(&self, key: &mut Option<Key>, cx: &mut Context<'_>) -> Poll<u64> {
        let Some(own) = &*key else { unreachable!("only who waits is polled again") };
        let (_old, mut state) =
            lock_renewed(&self.state, |state| &mut state.waits, own, cx.waker());
        let is_called = state.waits.is_called(own);
        let removed = if is_called { key.take().map(|own| state.waits.remove(own)) } else { None };
        drop(state);
        match removed {
            Some(removed) => Poll::Ready(removed.data.token),
            None => Poll::Pending,
        }
    }

    /// Gives up a wait: a token that it was handed goes to the next.
    fn leave(&self, key: Key) {
        let mut state = self.state.lock();
        let left = state.waits.remove(key);
        let was_called = left.was_called();
        let borrower = if was_called { state.borrowers.remove(&left.data.token) } else { None };
        let called = state.serve();
        drop(state);
        // Before the waker goes, whose destructor may panic.
        called.wake();
        drop((left, borrower));
    }

    /// Gives a token back.
    fn give_back(&self, token: u64) {
        let mut state = self.state.lock();
        let borrower = state.borrowers.remove(&token);
        let called = state.serve();
        drop(state);
        drop(borrower);
        called.wake();
    }
}

/// Never blocks.
impl fmt::Debug for CapacityLimiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = f.debug_struct("CapacityLimiter");
        if let Some(state) = self.state.try_lock() {
            text.field("total_tokens", &state.total)
                .field("borrowed_tokens", &state.borrowers.len())
                .field("tasks_waiting", &state.waits.len());
        }
        text.finish_non_exhaustive()
    }
}

/// Who has a token of a [`CapacityLimiter`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Borrower {
    /// The name given to [`CapacityLimiter::acquire_on_behalf_of`].
    pub name: Option<Cow<'static, str>>,
    /// Where the user's code asked for the token.
    pub location: &'static Location<'static>,
}

impl Borrower {
    #[track_caller]
    fn here(name: Option<Cow<'static, str>>) -> Self {
        Self { name, location: Location::caller() }
    }
}

/// How things stood at a [`CapacityLimiter`], see [`CapacityLimiter::statistics`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CapacityLimiterStatistics {
    /// How many tokens there were.
    pub total_tokens: usize,
    /// How many were borrowed.
    pub borrowed_tokens: usize,
    /// Who had them, in the order in which they got them.
    pub borrowers: Vec<Borrower>,
    /// How many waited for one.
    pub tasks_waiting: usize,
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
