//! CPython's `test_waitfor.py`; `tests/cpython/test_tasks.md` maps every test of it.

use std::future::{pending, ready};
use std::time::Duration;

use bowerbird::sync::oneshot;
use bowerbird::{
    Task, catch_cancel, shield, sleep, spawn, spawn_blocking, spawn_local, time, wait_for,
};
use bowerbird_tests::{Counted, everywhere, on_workers, paused, turns, until};

const MS: Duration = Duration::from_millis(1);
const LONG: Duration = Duration::from_secs(3_600);

/// A task that ends when `release` is sent to, and cannot be cancelled before.
fn stubborn(begun: &Counted) -> (std::sync::mpsc::Sender<()>, Task<i32>) {
    let (release, blocked) = std::sync::mpsc::channel::<()>();
    let begun = begun.clone();
    let task = spawn_blocking(move || {
        begun.add();
        blocked.recv().unwrap();
        42
    });
    (release, task)
}

#[test]
fn test_asyncio_wait_for_cancelled() {
    everywhere(|| async {
        let begun = Counted::new();
        let (release, slow) = stubborn(&begun);
        let handle = slow.handle();
        let outer = spawn(async move { wait_for(slow, LONG).await.map(drop) });
        until(|| begun.get() == 1).await;
        turns(3).await;
        outer.cancel();
        turns(20).await;
        assert!(!outer.done(), "the task has not ended");
        release.send(()).unwrap();
        let _either = outer.await;
        assert!(handle.done());
    });
}

#[test]
fn test_asyncio_wait_for_timeout() {
    everywhere(|| async {
        let begun = Counted::new();
        let (release, slow) = stubborn(&begun);
        let handle = slow.handle();
        until(|| begun.get() == 1).await;
        let outer = spawn(wait_for(slow, MS));
        until(|| handle.cancelling() == 1).await;
        assert!(!outer.done());
        release.send(()).unwrap();
        let _either = outer.await.unwrap();
        assert!(handle.done());
    });
}

#[test]
fn test_wait_for_timeout_less_then_0_or_0_future_done() {
    everywhere(|| async {
        assert_eq!(wait_for(ready("done"), Duration::ZERO).await, Ok("done"));
        let task = spawn(async { "done" });
        until(|| task.done()).await;
        assert_eq!(wait_for(task, Duration::ZERO).await.unwrap().unwrap(), "done");
    });
}

#[test]
fn test_wait_for_timeout_less_then_0_or_0() {
    everywhere(|| async {
        let (running, count) = (Counted::new(), Counted::new());
        let (guard, begun) = (running.guard(), count.clone());
        let mut task = spawn(async move {
            let _guard = guard;
            begun.add();
            pending::<()>().await;
        });
        until(|| count.get() == 1).await;
        assert!(wait_for(&mut task, Duration::ZERO).await.is_err());
        assert!(task.cancelled());
        assert_eq!(running.get(), 1);
    });
}

#[test]
fn test_wait_for() {
    paused(async {
        let start = time::now();
        let running = Counted::new();
        let guard = running.guard();
        let task = spawn(async move {
            let _guard = guard;
            sleep(10_000 * MS).await;
        });
        let handle = task.handle();
        assert!(wait_for(task, 100 * MS).await.is_err());
        assert!(handle.cancelled());
        assert_eq!((time::now() - start, running.get()), (100 * MS, 1));
    });
}

#[test]
fn test_wait_for_blocking() {
    everywhere(|| async {
        assert_eq!(wait_for(async { "done" }, Duration::MAX).await, Ok("done"));
    });
}

#[test]
fn test_wait_for_race_condition() {
    paused(async {
        let (sender, receiver) = oneshot::channel();
        let sending = spawn_local(async move {
            sleep(100 * MS).await;
            sender.send("ok").unwrap();
        });
        assert_eq!(wait_for(receiver, 200 * MS).await, Ok(Ok("ok")));
        sending.await.unwrap();
    });
}

#[test]
fn test_wait_for_waits_for_task_cancellation() {
    everywhere(|| async {
        for limit in [Duration::ZERO, MS] {
            let done = Counted::new();
            let guard = done.guard();
            let inner = spawn(async move {
                let _guard = guard;
                pending::<()>().await;
            });
            let begun = Counted::new();
            let (count, handle) = (begun.clone(), inner.handle());
            let task = spawn(async move {
                count.add();
                inner.await.unwrap();
            });
            until(|| begun.get() == 1).await;
            turns(3).await;
            assert!(wait_for(task, limit).await.is_err());
            assert!(handle.cancelled());
            assert_eq!(done.get(), 1);
        }
    });
}

#[test]
fn test_wait_for_reraises_exception_during_cancellation() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("foo");
        }
    }
    everywhere(|| async {
        let begun = Counted::new();
        let count = begun.clone();
        let inner = spawn(async move {
            let _bomb = Bomb;
            count.add();
            pending::<()>().await;
        });
        until(|| begun.get() == 1).await;
        let result = wait_for(inner, MS).await.expect("the task's end is the result");
        assert_eq!(result.unwrap_err().message(), Some("foo"));
    });
}

#[test]
fn test_cancel_wait_for() {
    everywhere(|| async {
        for limit in [Duration::MAX, 60_000 * MS] {
            let task = spawn(pending::<()>());
            let handle = task.handle();
            let outer = spawn(wait_for(task, limit));
            turns(3).await;
            outer.cancel();
            assert!(outer.await.unwrap_err().is_cancelled());
            // Not only the wait: the task too.
            until(|| handle.cancelled()).await;
        }
    });
}

#[test]
fn test_wait_for_issue86296() {
    on_workers(1, async {
        let reached = Counted::new();
        let count = reached.clone();
        let task = spawn(async move {
            wait_for(async {}, LONG).await.unwrap();
            sleep(LONG).await;
            count.add();
        });
        turns(2).await;
        assert!(!task.done());
        task.cancel();
        assert!(task.await.unwrap_err().is_cancelled());
        assert_eq!(reached.get(), 0);
    });
}

/// Takes a request, then gives a value after some turns.
async fn answers(turns_before: usize) -> i32 {
    let taken = catch_cancel(pending::<()>()).await;
    assert!(taken.is_err());
    turns(turns_before).await;
    42
}

#[test]
fn test_wait_for_cancellation_race_condition() {
    everywhere(|| async {
        assert_eq!(wait_for(answers(0), MS).await, Ok(42));
    });
}

#[test]
fn test_wait_for_cancel_suppressed() {
    everywhere(|| async {
        let task = spawn(answers(5));
        assert_eq!(wait_for(task, MS).await.unwrap().unwrap(), 42);
    });
}

#[test]
fn test_wait_for_self_cancellation() {
    on_workers(1, async {
        let inner = spawn(async {
            let first = answers(0).await;
            assert!(catch_cancel(pending::<()>()).await.is_err());
            first
        });
        let handle = inner.handle();
        let outer = spawn(wait_for(inner, MS));
        // The time is over, and the inner task holds the request up.
        until(|| handle.cancelling() == 1).await;
        turns(3).await;
        assert!(!outer.done());
        // So the request of the outer task is handed on, and answered.
        outer.cancel();
        until(|| handle.done()).await;
        assert!(!handle.cancelled() && handle.cancelling() == 2);
        assert_eq!(outer.await.unwrap().unwrap().unwrap(), 42);
    });
}

// ----- WaitForShieldTests -----------------------------------------------------------------------------

#[test]
fn test_zero_timeout() {
    paused(async {
        let task = spawn(async {
            sleep(MS).await;
            "done"
        });
        let handle = task.handle();
        assert!(wait_for(shield(task), Duration::ZERO).await.is_err());
        // It runs in the background.
        assert!(!handle.done() && handle.cancelling() == 0);
        handle.wait().await;
        assert!(!handle.cancelled());
    });
}

#[test]
fn test_none_timeout() {
    paused(async {
        let task = spawn(async {
            sleep(LONG).await;
            "done"
        });
        assert_eq!(wait_for(shield(task), Duration::MAX).await.unwrap().unwrap(), "done");
    });
}

#[test]
fn test_shielded_timeout() {
    paused(async {
        let shared = spawn(async {
            sleep(100 * MS).await;
            "done"
        })
        .shared();
        // Whoever wants the value afterwards keeps a shared task.
        let waiter = spawn(shared.clone());
        assert!(wait_for(shield(waiter), 10 * MS).await.is_err());
        assert!(!shared.done() && shared.cancelling() == 0);
        assert_eq!(shared.await.unwrap(), "done");
    });
}
