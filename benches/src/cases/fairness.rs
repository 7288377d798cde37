//! How long a task that is ready waits for its turn.
//!
//! # Ordering arguments
//! - `[ORD-1]` Relaxed: a count of polls; what a task wrote is not learnt from it.

use std::future::poll_fn;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Poll, Waker};

use crate::runtimes::Runtime;

const YIELDING: usize = 500;
/// Two tasks each, which wake each other.
const PAIRS: usize = 250;
/// After so many polls it is over.
const POLLS: u64 = 1_000_000;
/// The last letter.
const OVER: u64 = u64::MAX;

/// How many polls there have been, of all tasks.
#[derive(Clone, Default)]
struct Polls(Arc<AtomicU64>);

impl Polls {
    fn now(&self) -> u64 {
        // [ORD-1]
        self.0.load(Ordering::Relaxed)
    }

    /// Counts this poll, of a task that was ready when `then` had been counted: how many came between.
    fn one(&self, then: u64) -> u64 {
        // [ORD-1]
        self.0.fetch_add(1, Ordering::Relaxed).saturating_sub(then)
    }

    fn is_over(&self) -> bool {
        self.now() >= POLLS
    }
}

/// Half of 1,000 tasks yield again and again, the others wake each other in pairs: the most polls of others that any of
/// them was ready for before its own came.
pub async fn longest_wait<R: Runtime>() -> u64 {
    let polls = Polls::default();
    let mut tasks = Vec::with_capacity(YIELDING + 2 * PAIRS);
    for _ in 0..YIELDING {
        tasks.push(R::spawn(yield_again::<R>(polls.clone())));
    }
    for _ in 0..PAIRS {
        let boxes = [Arc::<Letterbox>::default(), Arc::default()];
        let [here, there] = boxes.clone();
        tasks.push(R::spawn(ping(polls.clone(), here, there)));
        let [there, here] = boxes;
        tasks.push(R::spawn(pong(polls.clone(), here, there)));
    }
    let mut longest = 0;
    for task in tasks {
        longest = longest.max(task.await);
    }
    longest
}

async fn yield_again<R: Runtime>(polls: Polls) -> u64 {
    let mut longest = 0;
    while !polls.is_over() {
        let then = polls.now();
        R::yield_now().await;
        longest = longest.max(polls.one(then));
    }
    longest
}

/// The one of a pair that says when it is over.
async fn ping(polls: Polls, here: Arc<Letterbox>, there: Arc<Letterbox>) -> u64 {
    let mut longest = 0;
    while !polls.is_over() {
        there.put(polls.now());
        longest = longest.max(polls.one(here.take().await));
    }
    there.put(OVER);
    longest
}

async fn pong(polls: Polls, here: Arc<Letterbox>, there: Arc<Letterbox>) -> u64 {
    let mut longest = 0;
    loop {
        match here.take().await {
            OVER => return longest,
            then => longest = longest.max(polls.one(then)),
        }
        there.put(polls.now());
    }
}

/// Room for one number, and who waits for it.
#[derive(Default)]
struct Letterbox(Mutex<(Option<u64>, Option<Waker>)>);

impl Letterbox {
    fn put(&self, letter: u64) {
        let mut inside = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        inside.0 = Some(letter);
        let waker = inside.1.take();
        drop(inside);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    async fn take(&self) -> u64 {
        poll_fn(|cx| {
            let mut inside = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(letter) = inside.0.take() {
                return Poll::Ready(letter);
            }
            inside.1 = Some(cx.waker().clone());
            Poll::Pending
        })
        .await
    }
}
