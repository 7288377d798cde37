//! `cancel_scope`, `catch_cancel`, `shield`: rule by rule of the protocol.

use std::future::pending;
use std::time::Duration;

use bowerbird::{
    CancelScope, Runner, cancel_scope, catch_cancel, current_task, defer, join, race, shield,
    sleep, spawn, timeout, yield_now,
};
use bowerbird_tests::{Counted, Journal, everywhere, paused, turns, until};

const MS: Duration = Duration::from_millis(1);
const LONG: Duration = Duration::from_secs(3_600);
/// What would hang ends after so long, by the real clock.
const BOUND: Duration = Duration::from_secs(20);

#[test]
fn scope_cancelled_by_its_body_ends_at_the_next_suspension() {
    everywhere(|| async {
        let journal = Journal::new();
        let seen = journal.clone();
        let cut = cancel_scope(async move |scope| {
            scope.cancel();
            seen.note("runs to the next await");
            yield_now().await;
            seen.note("never");
        });
        assert_eq!(cut.await, None);
        journal.expect(&["runs to the next await"]);
    });
}

#[test]
fn scope_whose_body_ends_in_the_turn_of_the_cancel_has_its_value() {
    everywhere(|| async {
        let value = cancel_scope(async |scope| {
            scope.cancel();
            1
        });
        assert_eq!(value.await, Some(1));
    });
}

#[test]
fn scope_cancelled_before_its_entry_ends_at_the_first_suspension() {
    everywhere(|| async {
        let scope = CancelScope::new();
        scope.cancel();
        assert_eq!(scope.run(async { 1 }).await, Some(1));
        let scope = CancelScope::new();
        scope.cancel();
        assert_eq!(scope.run(pending::<()>()).await, None);
    });
}

#[test]
fn body_that_catches_the_scopes_request_goes_on_until_the_next_one() {
    everywhere(|| async {
        let scope = CancelScope::new();
        let (handle, caught) = (scope.clone(), Counted::new());
        let count = caught.clone();
        let task = spawn(async move {
            scope
                .run(async move {
                    assert!(catch_cancel(pending::<()>()).await.is_err());
                    count.add();
                    pending::<()>().await
                })
                .await
        });
        yield_now().await;
        handle.cancel();
        until(|| caught.get() == 1).await;
        handle.cancel();
        assert_eq!(task.await.unwrap(), None);
    });
}

#[test]
fn outer_scope_passes_through_the_inner_one() {
    everywhere(|| async {
        let outer = CancelScope::new();
        let inner = CancelScope::new();
        let (cancel, inside) = (outer.clone(), inner.clone());
        let task =
            spawn(async move { outer.run(async move { inside.run(pending::<()>()).await }).await });
        yield_now().await;
        cancel.cancel();
        assert_eq!(task.await.unwrap(), None);
        assert!(!inner.cancelled_caught());
        assert!(cancel.cancelled_caught());
    });
}

#[test]
fn shielded_scope_delivers_the_request_at_its_end() {
    everywhere(|| async {
        let journal = Journal::new();
        let seen = journal.clone();
        let (open, gate) = bowerbird::sync::oneshot::channel::<()>();
        let task = spawn(async move {
            let value = cancel_scope(async |scope| {
                scope.set_shield(true);
                gate.await.unwrap();
                seen.note("shielded");
                1
            });
            assert_eq!(value.await, Some(1));
            seen.note("the value was given");
            yield_now().await;
            seen.note("never");
        });
        yield_now().await;
        task.cancel_with("stop");
        yield_now().await;
        open.send(()).unwrap();
        assert_eq!(task.await.unwrap_err().message(), Some("stop"));
        journal.expect(&["shielded", "the value was given"]);
    });
}

#[test]
fn request_kept_by_a_shield_is_delivered_when_it_is_taken_away() {
    everywhere(|| async {
        let scope = CancelScope::new();
        let handle = scope.clone();
        scope.set_shield(true);
        let task = spawn(async move { scope.run(pending::<()>()).await });
        yield_now().await;
        task.cancel();
        yield_now().await;
        yield_now().await;
        assert!(!task.done());
        handle.set_shield(false);
        assert!(task.await.unwrap_err().is_cancelled());
    });
}

#[test]
fn shielded_scope_still_has_its_own_deadline() {
    paused(async {
        let task = spawn(async {
            let scope = CancelScope::with_deadline(bowerbird::time::now() + MS);
            scope.set_shield(true);
            scope.run(pending::<()>()).await
        });
        yield_now().await;
        task.cancel();
        // The scope's own result first, and then the request that it had kept: nothing suspends any more.
        assert!(task.await.unwrap_err().is_cancelled());
    });
}

#[test]
fn catch_gives_the_message_and_resume_passes_it_on() {
    everywhere(|| async {
        let task = spawn(async {
            let caught = catch_cancel(pending::<()>()).await.unwrap_err();
            assert_eq!(caught.message(), Some("why"));
            assert_eq!(caught.to_string(), "cancelled: why");
            yield_now().await;
            caught.resume::<()>().await;
        });
        yield_now().await;
        task.cancel_with("why");
        assert_eq!(task.await.unwrap_err().message(), Some("why"));
    });
}

#[test]
fn caught_cancel_lets_the_task_end_with_a_value() {
    everywhere(|| async {
        let task = spawn(async {
            let caught = catch_cancel(pending::<()>()).await.is_err();
            yield_now().await;
            (caught, current_task().unwrap().cancelling())
        });
        yield_now().await;
        task.cancel();
        assert_eq!(task.await.unwrap(), (true, 1));
    });
}

#[test]
fn innermost_catcher_wins_and_the_outer_one_sees_nothing() {
    everywhere(|| async {
        let task = spawn(catch_cancel(catch_cancel(pending::<()>())));
        yield_now().await;
        task.cancel();
        assert!(task.await.unwrap().unwrap().is_err());
    });
}

#[test]
fn both_catchers_in_one_join_see_the_request() {
    everywhere(|| async {
        let task = spawn(join((catch_cancel(pending::<()>()), catch_cancel(pending::<()>()))));
        yield_now().await;
        task.cancel();
        let (first, second) = task.await.unwrap();
        assert!(first.is_err() && second.is_err());
    });
}

#[test]
fn catcher_beside_a_future_that_unwinds_gets_it_too() {
    everywhere(|| async {
        let journal = Journal::new();
        let seen = journal.clone();
        let task = spawn(async move {
            let catcher = async {
                catch_cancel(pending::<()>()).await.unwrap_err();
                seen.note("caught");
                yield_now().await;
                seen.note("and went on");
            };
            join((pending::<()>(), catcher)).await
        });
        yield_now().await;
        task.cancel();
        assert!(task.await.unwrap_err().is_cancelled());
        journal.expect(&["caught", "and went on"]);
    });
}

#[test]
fn request_during_a_cleanup_is_merged_with_the_one_that_unwinds() {
    everywhere(|| async {
        let (open, gate) = bowerbird::sync::oneshot::channel::<()>();
        let begun = Counted::new();
        let count = begun.clone();
        let task = spawn(timeout(LONG, async move {
            let _cleanup = defer(async move {
                count.add();
                gate.await.unwrap();
            });
            pending::<()>().await
        }));
        yield_now().await;
        task.cancel_with("first");
        until(|| begun.get() == 1).await;
        task.cancel_with("second");
        yield_now().await;
        assert!(!task.done());
        open.send(()).unwrap();
        assert_eq!(task.await.unwrap_err().message(), Some("first"));
    });
}

#[test]
fn request_during_the_cleanup_of_a_value_is_delivered_after_it() {
    everywhere(|| async {
        let (open, gate) = bowerbird::sync::oneshot::channel::<()>();
        let (begun, given) = (Counted::new(), Counted::new());
        let (count, after) = (begun.clone(), given.clone());
        let task = spawn(async move {
            let inner = async move {
                let _cleanup = defer(async move {
                    count.add();
                    gate.await.unwrap();
                });
                1
            };
            assert_eq!(timeout(LONG, inner).await, Ok(1));
            after.add();
            turns(100).await;
        });
        until(|| begun.get() == 1).await;
        task.cancel();
        yield_now().await;
        assert!(!task.done());
        open.send(()).unwrap();
        assert!(task.await.unwrap_err().is_cancelled());
        assert_eq!(given.get(), 1);
    });
}

#[test]
fn shielded_task_runs_on_when_its_awaiter_is_cancelled() {
    everywhere(|| async {
        let (open, gate) = bowerbird::sync::oneshot::channel::<()>();
        let inner = spawn(async move { gate.await.unwrap() });
        let handle = inner.handle();
        let awaiter = spawn(shield(inner));
        yield_now().await;
        awaiter.cancel();
        assert!(awaiter.await.unwrap_err().is_cancelled());
        assert!(!handle.done());
        open.send(()).unwrap();
        handle.wait().await;
        assert!(!handle.cancelled() && !handle.panicked());
    });
}

#[test]
fn cancelled_inner_task_is_an_error_of_the_shield() {
    everywhere(|| async {
        let inner = spawn(sleep(LONG));
        let handle = inner.handle();
        let awaiter = spawn(shield(inner));
        yield_now().await;
        handle.cancel();
        assert!(awaiter.await.unwrap().unwrap_err().is_cancelled());
    });
}

#[test]
fn shielded_result_is_given() {
    everywhere(|| async { assert_eq!(shield(spawn(async { 1 })).await.unwrap(), 1) });
}

#[test]
fn scopes_work_in_the_main_future() {
    let mut runner = Runner::builder().worker_threads(1).build().unwrap();
    let cut = runner.run(async {
        let cut = timeout(MS, catch_cancel(pending::<()>())).await;
        let inner = cut.unwrap();
        inner.is_err()
    });
    assert!(cut.unwrap());
}

#[test]
fn request_kept_by_a_shield_in_a_join_is_delivered_after_the_join() {
    everywhere(|| async {
        let (open, gate) = bowerbird::sync::oneshot::channel::<()>();
        let task = spawn(async move {
            let scope = CancelScope::new();
            scope.set_shield(true);
            let shielded = scope.run(async { gate.await.unwrap() });
            let caught = catch_cancel(pending::<()>());
            let (first, second) = join((shielded, caught)).await;
            assert!(first.is_some() && second.is_err());
            yield_now().await;
            unreachable!("the request was lost");
        });
        yield_now().await;
        task.cancel();
        yield_now().await;
        open.send(()).unwrap();
        assert!(task.await.unwrap_err().is_cancelled());
    });
}

#[test]
fn shield_set_by_the_body_keeps_out_the_request_that_is_about() {
    everywhere(|| async {
        let journal = Journal::new();
        let seen = journal.clone();
        let task = spawn(async move {
            current_task().unwrap().cancel();
            let shielded = || {
                cancel_scope(async |scope| {
                    scope.set_shield(true);
                    yield_now().await;
                    yield_now().await;
                })
            };
            // The first keeps the request and offers it again in the turn in which the second is entered.
            shielded().await.unwrap();
            seen.note("first");
            shielded().await.unwrap();
            seen.note("second");
            yield_now().await;
            seen.note("never");
        });
        assert!(task.await.unwrap_err().is_cancelled());
        journal.expect(&["first", "second"]);
    });
}

#[test]
fn task_awaited_with_a_request_about_is_cancelled_and_not_detached() {
    everywhere(|| async {
        let inner = spawn(pending::<()>());
        let handle = inner.handle();
        let (open, gate) = bowerbird::sync::oneshot::channel::<()>();
        let outer = spawn(async move {
            cancel_scope(async |scope| {
                scope.set_shield(true);
                gate.await.unwrap();
            })
            .await;
            // The request is about when this task is awaited for the first time.
            inner.await.unwrap();
        });
        yield_now().await;
        outer.cancel();
        yield_now().await;
        open.send(()).unwrap();
        timeout(BOUND, outer.wait()).await.expect("the inner task is not cancelled");
        assert!(outer.await.unwrap_err().is_cancelled());
        assert!(handle.cancelled());
    });
}

#[test]
fn request_taken_back_does_not_hide_an_outer_timeout() {
    paused(async {
        let task = spawn(timeout(10 * MS, async {
            let inner = timeout(20 * MS, async {
                assert!(catch_cancel(pending::<()>()).await.is_err());
                current_task().unwrap().uncancel();
                assert!(catch_cancel(pending::<()>()).await.is_err());
                pending::<()>().await
            });
            let _never = inner.await;
            "the inner timeout took the outer one's request for its own"
        }));
        yield_now().await;
        task.cancel();
        assert!(task.await.unwrap().is_err());
    });
}

#[test]
fn timeout_kept_by_a_shield_does_not_hide_the_cancel_of_the_task() {
    paused(async {
        let task = spawn(async {
            let shielded = cancel_scope(async |scope| {
                scope.set_shield(true);
                sleep(10 * MS).await;
            });
            // Its time is over first, and then the task is cancelled; the shield can keep one of the two.
            let _cut = timeout(MS, shielded).await;
            pending::<()>().await
        });
        sleep(5 * MS).await;
        task.cancel();
        assert!(timeout(LONG, task).await.unwrap().unwrap_err().is_cancelled());
    });
}

#[test]
fn inner_timeout_kept_by_a_shield_does_not_hide_the_outer_one() {
    paused(async {
        let outer = timeout(2 * MS, async {
            let shielded = cancel_scope(async |scope| {
                scope.set_shield(true);
                sleep(10 * MS).await;
            });
            let _cut = timeout(MS, shielded).await;
            pending::<()>().await
        });
        assert!(timeout(LONG, outer).await.unwrap().is_err());
    });
}

#[test]
fn request_older_than_the_timeout_is_not_taken_for_the_timeouts() {
    // A shield keeps the request, and delivers it inside a timeout that begins later, and whose time is over
    // while it cleans up.
    paused(async {
        let task = spawn(async {
            let shielded = cancel_scope(async |scope| {
                scope.set_shield(true);
                sleep(10 * MS).await;
            });
            shielded.await;
            let late = timeout(MS, async {
                let inner = timeout(LONG, async {
                    let _cleanup = defer(async { sleep(10 * MS).await });
                    pending::<()>().await
                });
                inner.await
            });
            let _cut = late.await;
            pending::<()>().await
        });
        sleep(5 * MS).await;
        task.cancel();
        assert!(timeout(LONG, task).await.unwrap().unwrap_err().is_cancelled());
    });
}

#[test]
fn one_of_two_requests_taken_back_leaves_the_other_to_count() {
    paused(async {
        let task = spawn(timeout(10 * MS, async {
            assert!(catch_cancel(pending::<()>()).await.is_err());
            assert_eq!(current_task().unwrap().uncancel(), 1);
            pending::<()>().await
        }));
        yield_now().await;
        task.cancel();
        task.cancel();
        assert!(task.await.unwrap_err().is_cancelled());
    });
}

#[test]
fn request_taken_back_while_a_shield_keeps_it_does_not_count() {
    paused(async {
        let task = spawn(async {
            let shielded = cancel_scope(async |scope| {
                scope.set_shield(true);
                sleep(10 * MS).await;
                current_task().unwrap().uncancel();
            });
            shielded.await;
            // What the shield kept is offered here, but is nobody's any more: the timeout's own way goes on.
            let cut = timeout(MS, async {
                let _caught = catch_cancel(pending::<()>()).await;
                pending::<()>().await
            });
            cut.await.is_err()
        });
        sleep(5 * MS).await;
        task.cancel();
        assert!(timeout(LONG, task).await.unwrap().unwrap());
    });
}

/// Calls `uncancel` as soon as a request comes.
async fn takes_back() {
    assert!(catch_cancel(pending::<()>()).await.is_err());
    current_task().unwrap().uncancel();
}

#[test]
fn request_taken_back_by_an_earlier_branch_is_not_left_by_a_race_behind_it() {
    paused(async {
        let task = spawn(async {
            let behind = async {
                // The second branch is not asked: the request would stay offered if it still counted.
                race((catch_cancel(pending::<()>()), catch_cancel(pending::<()>()))).await;
                turns(3).await;
            };
            join((takes_back(), behind)).await;
        });
        yield_now().await;
        task.cancel();
        task.await.unwrap();
    });
}

#[test]
fn request_taken_back_by_an_earlier_branch_is_not_left_by_a_join_behind_it() {
    paused(async {
        let (open, gate) = bowerbird::sync::oneshot::channel::<()>();
        let task = spawn(async move {
            let behind = async {
                let shielded = cancel_scope(async |scope| {
                    scope.set_shield(true);
                    gate.await.unwrap();
                });
                join((shielded, catch_cancel(pending::<()>()))).await.0.unwrap();
                turns(3).await;
            };
            join((takes_back(), behind)).await;
        });
        yield_now().await;
        task.cancel();
        yield_now().await;
        open.send(()).unwrap();
        task.await.unwrap();
    });
}

#[test]
fn one_of_two_requests_taken_back_by_an_earlier_branch_is_not_left_by_a_race_that_begins_then() {
    paused(async {
        let task = spawn(async {
            // A first request is caught and stays counted; the second one is about when the join begins.
            assert!(catch_cancel(pending::<()>()).await.is_err());
            current_task().unwrap().cancel();
            let shielded = cancel_scope(async |scope| {
                scope.set_shield(true);
                yield_now().await;
            });
            shielded.await.unwrap();
            let behind = async {
                race((catch_cancel(pending::<()>()), catch_cancel(pending::<()>()))).await;
                turns(3).await;
            };
            join((takes_back(), behind)).await;
        });
        yield_now().await;
        task.cancel();
        task.await.unwrap();
    });
}

#[test]
fn request_taken_back_by_an_earlier_branch_does_not_count_in_a_timeout_behind_it() {
    paused(async {
        let task = spawn(async {
            // A first request is caught and stays counted.
            assert!(catch_cancel(pending::<()>()).await.is_err());
            let limited = timeout(10 * MS, async {
                assert!(catch_cancel(pending::<()>()).await.is_err());
                pending::<()>().await
            });
            join((takes_back(), limited)).await.1.is_err()
        });
        yield_now().await;
        task.cancel();
        sleep(5 * MS).await;
        task.cancel();
        assert!(task.await.unwrap());
    });
}
