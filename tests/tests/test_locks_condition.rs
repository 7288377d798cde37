//! CPython's `test_locks.py`: `Condition`.
//!
//! `tests/cpython/test_locks.md` maps all of it. Where a task there keeps the lock that it never releases, here its
//! guard goes with it.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use bowerbird::sync::{Condition, Lock};
use bowerbird::{Task, catch_cancel, gather_iter, spawn, timeout, yield_now};
use bowerbird_tests::{Journal, everywhere, on_workers, paused, turns, until};

const MS: Duration = Duration::from_millis(1);

/// What tasks give, all of which end well.
async fn outputs<T: Send + 'static>(tasks: impl IntoIterator<Item = Task<T>>) -> Vec<T> {
    gather_iter(tasks).await.into_iter().map(Result::unwrap).collect()
}

/// A number, its lock, and the condition for its changes.
#[derive(Default)]
struct Shared {
    lock: Lock<i32>,
    changed: Condition,
}

impl Shared {
    fn new() -> Arc<Self> {
        Arc::default()
    }

    async fn waiting(&self, count: usize) {
        until(|| self.changed.statistics().tasks_waiting == count).await;
    }
}

/// A task that waits once and notes its name.
fn waiter(shared: &Arc<Shared>, journal: &Journal, name: &'static str) -> Task<()> {
    let (shared, journal) = (shared.clone(), journal.clone());
    spawn(async move {
        let mut guard = shared.lock.lock().await;
        shared.changed.wait(&mut guard).await;
        assert!(shared.lock.is_locked());
        journal.note(name);
    })
}

#[test]
fn test_wait() {
    on_workers(1, async {
        let (shared, journal) = (Shared::new(), Journal::new());
        let tasks = ["1", "2", "3"].map(|name| waiter(&shared, &journal, name));
        shared.waiting(3).await;
        assert!(!shared.lock.is_locked());
        let guard = shared.lock.lock().await;
        shared.changed.notify(&guard, 1);
        turns(3).await;
        journal.expect(&[]);
        drop(guard);
        turns(3).await;
        journal.expect(&["1"]);
        let guard = shared.lock.lock().await;
        shared.changed.notify(&guard, 2);
        turns(3).await;
        journal.expect(&["1"]);
        drop(guard);
        outputs(tasks).await;
        journal.expect(&["1", "2", "3"]);
    });
}

#[test]
fn test_wait_cancel() {
    everywhere(|| async {
        let shared = Shared::new();
        let task = {
            let shared = shared.clone();
            spawn(async move {
                let mut guard = shared.lock.lock().await;
                assert!(catch_cancel(shared.changed.wait(&mut guard)).await.is_err());
                assert_eq!(shared.changed.statistics().tasks_waiting, 0);
                assert!(shared.lock.is_locked());
                *guard += 1;
            })
        };
        shared.waiting(1).await;
        task.cancel();
        task.await.unwrap();
        assert_eq!(*shared.lock.lock().await, 1);
    });
}

#[test]
fn test_wait_cancel_contested() {
    everywhere(|| async {
        let shared = Shared::new();
        let task = {
            let shared = shared.clone();
            spawn(async move {
                let mut guard = shared.lock.lock().await;
                let waited = catch_cancel(shared.changed.wait(&mut guard)).await;
                assert!(shared.lock.is_locked());
                *guard += 1;
                waited.is_err()
            })
        };
        shared.waiting(1).await;
        let guard = shared.lock.lock().await;
        shared.changed.notify(&guard, 1);
        task.cancel();
        drop(guard);
        assert!(task.await.unwrap());
        assert_eq!(*shared.lock.lock().await, 1);
    });
}

#[test]
fn test_wait_cancel_after_notify() {
    everywhere(|| async {
        let (shared, journal) = (Shared::new(), Journal::new());
        let task = waiter(&shared, &journal, "never");
        shared.waiting(1).await;
        let guard = shared.lock.lock().await;
        shared.changed.notify(&guard, 1);
        // It waits for the lock.
        until(|| shared.lock.statistics().tasks_waiting == 1).await;
        task.cancel();
        turns(5).await;
        assert!(!task.done());
        drop(guard);
        assert!(task.await.unwrap_err().is_cancelled());
        journal.expect(&[]);
        assert!(!shared.lock.is_locked());
    });
}

#[test]
fn test_wait_for() {
    everywhere(|| async {
        let (shared, journal) = (Shared::new(), Journal::new());
        let task = {
            let (shared, journal) = (shared.clone(), journal.clone());
            spawn(async move {
                let mut guard = shared.lock.lock().await;
                shared.changed.wait_for(&mut guard, |number| *number == 1).await;
                journal.note("1");
            })
        };
        shared.waiting(1).await;
        shared.changed.notify(&shared.lock.lock().await, 1);
        turns(5).await;
        shared.waiting(1).await;
        journal.expect(&[]);
        let mut guard = shared.lock.lock().await;
        *guard = 1;
        shared.changed.notify(&guard, 1);
        drop(guard);
        task.await.unwrap();
        journal.expect(&["1"]);
    });
}

#[test]
fn test_wait_for_unacquired() {
    on_workers(1, async {
        let shared = Shared::new();
        let mut guard = shared.lock.lock().await;
        // A predicate that is true at once suspends nobody.
        shared.changed.wait_for(&mut guard, |_| true).await;
        assert!(shared.lock.is_locked());
    });
}

#[test]
fn test_notify() {
    on_workers(1, async {
        let (shared, journal) = (Shared::new(), Journal::new());
        let tasks = ["1", "2", "3"].map(|name| waiter(&shared, &journal, name));
        shared.waiting(3).await;
        shared.changed.notify(&shared.lock.lock().await, 1);
        turns(3).await;
        journal.expect(&["1"]);
        let guard = shared.lock.lock().await;
        shared.changed.notify(&guard, 1);
        shared.changed.notify(&guard, 2_048);
        drop(guard);
        outputs(tasks).await;
        journal.expect(&["1", "2", "3"]);
    });
}

#[test]
fn test_notify_all() {
    on_workers(1, async {
        let (shared, journal) = (Shared::new(), Journal::new());
        let tasks = ["1", "2"].map(|name| waiter(&shared, &journal, name));
        shared.waiting(2).await;
        shared.changed.notify_all(&shared.lock.lock().await);
        outputs(tasks).await;
        journal.expect(&["1", "2"]);
    });
}

#[test]
fn test_repr() {
    on_workers(1, async {
        let (shared, journal) = (Shared::new(), Journal::new());
        assert!(format!("{:?}", shared.changed).contains("tasks_waiting: 0"));
        let _tasks = ["1", "2"].map(|name| waiter(&shared, &journal, name));
        shared.waiting(2).await;
        assert!(format!("{:?}", shared.changed).contains("tasks_waiting: 2"));
    });
}

/// Two conditions of one lock: a buffer that is full and empty in turn.
#[test]
fn test_explicit_lock() {
    #[derive(Default)]
    struct Buffer {
        items: Lock<VecDeque<u32>>,
        not_empty: Condition,
        not_full: Condition,
    }
    everywhere(|| async {
        let buffer = Arc::new(Buffer::default());
        let put = |from: u32| {
            let buffer = buffer.clone();
            spawn(async move {
                for item in from..from + 200 {
                    let mut items = buffer.items.lock().await;
                    buffer.not_full.wait_for(&mut items, |items| items.len() < 3).await;
                    items.push_back(item);
                    buffer.not_empty.notify(&items, 1);
                }
                0
            })
        };
        let get = || {
            let buffer = buffer.clone();
            spawn(async move {
                let mut sum = 0;
                for _ in 0..200 {
                    let mut items = buffer.items.lock().await;
                    buffer.not_empty.wait_for(&mut items, |items| !items.is_empty()).await;
                    sum += items.pop_front().unwrap();
                    buffer.not_full.notify(&items, 1);
                }
                sum
            })
        };
        let sums = outputs([put(0), put(200), put(400), get(), get(), get()]).await;
        assert_eq!(sums.iter().sum::<u32>(), (0..600).sum());
    });
}

#[test]
fn test_timeout_in_block() {
    paused(async {
        let shared = Shared::new();
        let mut guard = shared.lock.lock().await;
        assert!(timeout(500 * MS, shared.changed.wait(&mut guard)).await.is_err());
        assert!(shared.lock.is_locked());
        *guard += 1;
    });
}

/// A task that waits for ever, catches what it is cancelled with, and raises it again under the lock.
fn reraises(shared: &Arc<Shared>) -> Task<()> {
    let shared = shared.clone();
    spawn(async move {
        let mut guard = shared.lock.lock().await;
        let wait = shared.changed.wait_for(&mut guard, |_| false);
        let cancelled = catch_cancel(wait).await.unwrap_err();
        assert_eq!(cancelled.message(), Some("foo"));
        assert!(shared.lock.is_locked());
        *guard += 1;
        cancelled.resume().await
    })
}

#[test]
fn test_cancelled_error_wakeup() {
    everywhere(|| async {
        let shared = Shared::new();
        let task = reraises(&shared);
        shared.waiting(1).await;
        task.cancel_with("foo");
        assert_eq!(task.await.unwrap_err().message(), Some("foo"));
        assert_eq!(*shared.lock.lock().await, 1);
    });
}

#[test]
fn test_cancelled_error_re_aquire() {
    everywhere(|| async {
        let shared = Shared::new();
        let task = reraises(&shared);
        shared.waiting(1).await;
        let guard = shared.lock.lock().await;
        shared.changed.notify(&guard, 1);
        until(|| shared.lock.statistics().tasks_waiting == 1).await;
        task.cancel_with("foo");
        drop(guard);
        assert_eq!(task.await.unwrap_err().message(), Some("foo"));
        assert_eq!(*shared.lock.lock().await, 1);
    });
}

/// A task that takes one at a time, until the number is below 0.
fn consumer(shared: &Arc<Shared>) -> Task<()> {
    let shared = shared.clone();
    spawn(async move {
        let mut number = shared.lock.lock().await;
        loop {
            shared.changed.wait_for(&mut number, |number| *number != 0).await;
            if *number < 0 {
                return;
            }
            *number -= 1;
            // The producer waits for it.
            shared.changed.notify_all(&number);
        }
    })
}

/// The notification goes to one that is cancelled, as it is woken or as it waits for the lock.
async fn cancelled_consumer(turns_before_cancel: usize) {
    let shared = Shared::new();
    let (first, second) = (consumer(&shared), consumer(&shared));
    shared.waiting(2).await;
    let mut number = shared.lock.lock().await;
    *number += 1;
    shared.changed.notify(&number, 1);
    turns(turns_before_cancel).await;
    first.cancel();
    let wait = shared.changed.wait_for(&mut number, |number| *number == 0);
    assert!(timeout(10 * MS, wait).await.is_ok());
    *number = -1;
    shared.changed.notify_all(&number);
    drop(number);
    second.await.unwrap();
    assert!(first.await.unwrap_err().is_cancelled());
}

#[test]
fn test_cancelled_wakeup() {
    paused(cancelled_consumer(0));
}

#[test]
fn test_cancelled_wakeup_relock() {
    paused(cancelled_consumer(1));
}

/// Waits that are cancelled at random lose neither the lock nor a notification.
#[test]
fn cancelled_waits_leave_the_rest_in_order() {
    everywhere(|| async {
        let shared = Shared::new();
        let tasks: Vec<_> = (0..40).map(|_| consumer(&shared)).collect();
        shared.waiting(40).await;
        for (count, task) in tasks.iter().enumerate().take(30) {
            let mut number = shared.lock.lock().await;
            *number += 1;
            shared.changed.notify(&number, 1);
            drop(number);
            if count % 2 == 0 {
                task.cancel();
            }
            yield_now().await;
        }
        let mut number = shared.lock.lock().await;
        shared.changed.wait_for(&mut number, |number| *number == 0).await;
        *number = -1;
        shared.changed.notify_all(&number);
        drop(number);
        for (count, task) in tasks.into_iter().enumerate() {
            assert_eq!(task.await.is_err(), count < 30 && count % 2 == 0, "{count}");
        }
    });
}
