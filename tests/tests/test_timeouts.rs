//! Timeouts, named as in CPython's `test_asyncio/test_timeouts.py`; `tests/cpython/test_timeouts.md` has the
//! whole list.

use std::future::pending;
use std::time::Duration;

use bowerbird::{
    CancelScope, TaskError, cancel_scope, catch_cancel, current_effective_deadline, current_task,
    defer, fail_after, fail_at, move_on_after, move_on_at, sleep, spawn, time, timeout, timeout_at,
    yield_now,
};
use bowerbird_tests::{Journal, catch, everywhere, paused};

const MS: Duration = Duration::from_millis(1);
const LONG: Duration = Duration::from_secs(3_600);

#[test]
fn test_timeout_basic() {
    paused(async {
        let start = time::now();
        let cut = fail_after(10 * MS, async |scope| {
            assert_eq!(scope.deadline(), Some(start + 10 * MS));
            sleep(LONG).await;
        });
        assert!(cut.await.is_err());
        assert_eq!(time::now() - start, 10 * MS);
    });
}

#[test]
fn test_timeout_at_basic() {
    paused(async {
        let deadline = time::now() + 10 * MS;
        let scope = CancelScope::with_deadline(deadline);
        assert_eq!(scope.run(sleep(LONG)).await, None);
        assert!(scope.expired() && scope.cancel_called() && scope.cancelled_caught());
        assert_eq!(scope.deadline(), Some(deadline));
        assert_eq!(time::now(), deadline);
    });
}

#[test]
fn test_timeout_at_expired() {
    paused(async {
        let past = time::now();
        sleep(MS).await;
        assert!(fail_at(past, async |_| sleep(10 * MS).await).await.is_err());
        assert!(move_on_at(past, async |_| sleep(10 * MS).await).await.is_none());
        assert_eq!(time::now() - past, MS);
    });
}

#[test]
fn test_nested_timeouts() {
    paused(async {
        let (inner, outer) = (
            CancelScope::with_deadline(time::now() + MS),
            CancelScope::with_deadline(time::now() + MS),
        );
        let nested = inner.clone();
        let cut = outer.run(async move {
            let cut = nested.run(pending::<()>()).await;
            // Both deadlines have passed; the outer one's request beats what comes next.
            yield_now().await;
            cut
        });
        assert_eq!(cut.await, None);
        assert!(outer.expired() && outer.cancelled_caught());
    });
}

#[test]
fn inner_timeout_leaves_the_outer_one_running() {
    paused(async {
        let outer = fail_after(LONG, async |outer| {
            let inner = fail_after(MS, async |_| pending::<()>().await).await;
            assert!(inner.is_err() && !outer.expired());
            "went on"
        });
        assert_eq!(outer.await, Ok("went on"));
    });
}

#[test]
fn outer_timeout_cuts_the_inner_one() {
    paused(async {
        let inner = CancelScope::with_deadline(time::now() + LONG);
        let nested = inner.clone();
        let outer = fail_after(MS, async move |_| nested.run(pending::<()>()).await);
        assert!(outer.await.is_err());
        assert!(!inner.expired() && !inner.cancelled_caught());
    });
}

#[test]
fn test_waiter_cancelled() {
    paused(async {
        let journal = Journal::new();
        let seen = journal.clone();
        let inside = fail_after(10 * MS, async move |_| {
            let caught = catch_cancel(sleep(LONG)).await.unwrap_err();
            seen.note("cancelled");
            caught.resume::<()>().await
        });
        assert!(inside.await.is_err());
        journal.expect(&["cancelled"]);
    });
}

#[test]
fn test_timeout_not_called() {
    paused(async {
        let start = time::now();
        let scope = CancelScope::with_deadline(start + LONG);
        assert_eq!(scope.run(sleep(10 * MS)).await, Some(()));
        assert!(!scope.expired() && !scope.cancel_called());
        assert_eq!(scope.deadline(), Some(start + LONG));
    });
}

#[test]
fn test_timeout_disabled() {
    paused(async {
        let scope = CancelScope::new();
        assert_eq!(scope.run(sleep(10 * MS)).await, Some(()));
        assert!(!scope.expired() && scope.deadline().is_none());
    });
}

#[test]
fn test_timeout_zero() {
    everywhere(|| async {
        assert!(fail_after(Duration::ZERO, async |_| sleep(LONG).await).await.is_err());
        assert!(timeout(Duration::ZERO, sleep(LONG)).await.is_err());
    });
}

#[test]
fn test_timeout_zero_sleep_zero() {
    everywhere(|| async {
        assert!(fail_after(Duration::ZERO, async |_| sleep(Duration::ZERO).await).await.is_err());
    });
}

#[test]
fn test_timeout_in_the_past_sleep_zero() {
    everywhere(|| async {
        let past = time::now();
        sleep(MS).await;
        assert!(timeout_at(past, sleep(Duration::ZERO)).await.is_err());
    });
}

#[test]
fn test_foreign_exception_passed() {
    everywhere(|| async {
        let scope = CancelScope::with_deadline(time::now() + LONG);
        let error = scope.run(async { Err::<(), _>("key error") }).await;
        assert_eq!(error, Some(Err("key error")));
        assert!(!scope.expired());
        let task = spawn(timeout(LONG, async { panic!("key error") }));
        assert_eq!(task.await.map(|_: Result<(), _>| ()).unwrap_err().message(), Some("key error"));
    });
}

#[test]
fn test_foreign_cancel_doesnt_timeout_if_not_expired() {
    everywhere(|| async {
        let scope = CancelScope::with_deadline(time::now() + LONG);
        let handle = scope.clone();
        let task = spawn(async move { scope.run(pending::<()>()).await });
        yield_now().await;
        task.cancel();
        assert!(task.await.unwrap_err().is_cancelled());
        assert!(!handle.expired() && !handle.cancelled_caught());
    });
}

#[test]
fn test_outer_task_is_not_cancelled() {
    everywhere(|| async {
        let outer = spawn(async {
            let cut = timeout(MS, sleep(LONG)).await;
            (cut.is_err(), current_task().unwrap().cancelling())
        });
        assert_eq!(outer.await.unwrap(), (true, 0));
    });
}

#[test]
fn test_nested_timeouts_concurrent() {
    paused(async {
        let both = bowerbird::join((
            timeout(MS, async { timeout(2 * MS, pending::<()>()).await }),
            timeout(2 * MS, async { timeout(MS, pending::<()>()).await }),
        ));
        let (first, second) = both.await;
        assert!(first.is_err());
        assert!(second.unwrap().is_err());
    });
}

#[test]
fn test_nested_timeouts_loop_busy() {
    // Both deadlines pass during one long poll: the inner one's result is given, and the outer one cuts what
    // follows.
    everywhere(|| async {
        let nested = timeout(2 * MS, async {
            let inner = timeout(MS, async {
                std::thread::sleep(5 * MS);
                pending::<()>().await
            });
            assert!(inner.await.is_err());
            sleep(LONG).await
        });
        assert!(nested.await.is_err());
    });
}

#[test]
fn test_reschedule() {
    paused(async {
        let start = time::now();
        let scope = CancelScope::with_deadline(start + MS);
        let inside = scope.clone();
        let cut = scope.run(async move {
            inside.reschedule(start + 20 * MS);
            assert_eq!(inside.deadline(), Some(start + 20 * MS));
            sleep(10 * MS).await;
            assert!(!inside.expired());
            inside.reschedule(None);
            sleep(100 * MS).await;
            inside.reschedule(start + 111 * MS);
            sleep(LONG).await;
        });
        assert_eq!(cut.await, None);
        assert_eq!(time::now() - start, 111 * MS);
        assert!(scope.expired());
    });
}

#[test]
fn deadline_moved_from_another_task_holds() {
    everywhere(|| async {
        let scope = CancelScope::new();
        let handle = scope.clone();
        let task = spawn(async move { scope.run(pending::<()>()).await });
        yield_now().await;
        handle.reschedule(time::now());
        assert_eq!(task.await.unwrap(), None);
    });
}

#[test]
fn test_cancel_in_timeout_after_cancellation() {
    everywhere(|| async {
        let task = spawn(async {
            assert!(catch_cancel(pending::<()>()).await.is_err());
            let _cut = timeout(LONG, async {
                current_task().unwrap().cancel();
                sleep(LONG).await
            })
            .await;
        });
        yield_now().await;
        task.cancel();
        assert!(task.await.unwrap_err().is_cancelled());
    });
}

#[test]
fn cancel_made_by_the_handler_is_not_the_timeouts() {
    // cancel() from inside the handler of the first one is not taken for the timeout's.
    everywhere(|| async {
        let task = spawn(async {
            let this = current_task().unwrap();
            let body = async {
                let caught = catch_cancel(pending::<()>()).await.unwrap_err();
                this.cancel();
                caught.resume::<()>().await
            };
            let _cut = timeout(MS, body).await;
        });
        assert!(task.await.unwrap_err().is_cancelled());
    });
}

#[test]
fn test_timeout_after_cancellation() {
    // A request that was caught still counts: a timeout that began before it lets it through; one that
    // begins after it is its own.
    everywhere(|| async {
        let task = spawn(async {
            let caught = catch_cancel(pending::<()>()).await;
            assert!(caught.is_err());
            let cut = timeout(MS, pending::<()>()).await;
            (cut.is_err(), current_task().unwrap().cancelling())
        });
        yield_now().await;
        task.cancel();
        assert_eq!(task.await.unwrap(), (true, 1));
    });
}

#[test]
fn request_taken_back_leaves_the_timeout_its_own() {
    paused(async {
        let task = spawn(timeout(10 * MS, async {
            assert!(catch_cancel(pending::<()>()).await.is_err());
            assert_eq!(current_task().unwrap().uncancel(), 0);
            pending::<()>().await
        }));
        yield_now().await;
        task.cancel();
        assert!(task.await.unwrap().is_err());
    });
}

#[test]
fn request_kept_goes_through_the_timeout() {
    paused(async {
        let task = spawn(timeout(10 * MS, async {
            assert!(catch_cancel(pending::<()>()).await.is_err());
            pending::<()>().await
        }));
        yield_now().await;
        task.cancel_with("kept");
        let error: TaskError = task.await.unwrap_err();
        assert_eq!(error.message(), Some("kept"));
    });
}

#[test]
fn test_timeout_double_enter() {
    paused(async {
        let scope = CancelScope::new();
        scope.run(async {}).await;
        let error = catch(|| drop(scope.run(async {})));
        assert!(error.message.contains("entered twice"), "{}", error.message);
    });
}

#[test]
fn retry_loop_does_not_swallow_a_cancel() {
    everywhere(|| async {
        let task = spawn(async {
            loop {
                if timeout(MS, pending::<()>()).await.is_ok() {
                    break;
                }
            }
        });
        sleep(3 * MS).await;
        task.cancel();
        assert!(task.await.unwrap_err().is_cancelled());
    });
}

#[test]
fn effective_deadline_is_the_earliest_around() {
    paused(async {
        let start = time::now();
        assert_eq!(current_effective_deadline(), None);
        move_on_after(10 * MS, async |scope| {
            assert_eq!(current_effective_deadline(), Some(start + 10 * MS));
            timeout(20 * MS, async {
                assert_eq!(current_effective_deadline(), Some(start + 10 * MS))
            })
            .await
            .unwrap();
            timeout(5 * MS, async {
                assert_eq!(current_effective_deadline(), Some(start + 5 * MS))
            })
            .await
            .unwrap();
            let child = spawn(async { current_effective_deadline() }).await.unwrap();
            assert_eq!(child, Some(start + 10 * MS));
            let blocking = bowerbird::to_thread(current_effective_deadline).await;
            assert_eq!(blocking, Some(start + 10 * MS));
            cancel_scope(async |inner| {
                inner.set_shield(true);
                yield_now().await;
                assert_eq!(current_effective_deadline(), None);
            })
            .await;
            scope.reschedule(None);
            yield_now().await;
            assert_eq!(current_effective_deadline(), None);
        })
        .await
        .unwrap();
        assert_eq!(current_effective_deadline(), None);
    });
}

/// What a `finally` raises while the timeout unwinds is a panic of a destructor here, and wins over the timeout.
#[test]
fn test_foreign_exception_on_timeout() {
    struct Finally;
    impl Drop for Finally {
        fn drop(&mut self) {
            panic!("1/0");
        }
    }
    paused(async {
        let crash = async {
            let _finally = Finally;
            sleep(LONG).await;
        };
        let task = spawn(timeout(10 * MS, crash));
        assert_eq!(task.await.unwrap_err().message(), Some("1/0"));
    });
}

/// A `finally` that awaits is a cleanup, and may have a timeout of its own.
#[test]
fn test_nested_timeout_in_finally() {
    paused(async {
        let (start, journal) = (time::now(), Journal::new());
        let inner = journal.clone();
        let body = async {
            let _finally = defer(async move {
                let cut = timeout(10 * MS, pending::<()>()).await;
                inner.note(if cut.is_err() { "inner timeout" } else { "none" });
            });
            sleep(LONG).await;
        };
        assert!(timeout(10 * MS, body).await.is_err());
        journal.expect(&["inner timeout"]);
        assert_eq!(time::now() - start, 20 * MS, "the timeout waits for the cleanup");
    });
}

/// The deadline of a scope whose request was caught inside is past changing for that request alone: the body
/// goes on, and the scope holds it to the new deadline.
#[test]
fn test_timeout_expiring() {
    paused(async {
        let start = time::now();
        let scope = fail_after(10 * MS, async |scope| {
            assert!(catch_cancel(pending::<()>()).await.is_err());
            assert!(scope.expired());
            scope.reschedule(start + 30 * MS);
            sleep(LONG).await;
        });
        assert!(scope.await.is_err());
        assert_eq!(time::now() - start, 30 * MS);
    });
}
