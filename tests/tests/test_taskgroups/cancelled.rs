//! Groups that are cancelled from outside.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use bowerbird::sync::{Event, oneshot};
use bowerbird::{
    BoxError, ExceptionGroup, Task, catch_cancel, current_task, sleep, spawn, spawn_blocking,
    task_group, timeout, yield_now,
};
use bowerbird_tests::{Counted, Journal, everywhere, paused, turns, until};

use super::{MS, MyExc, ValueError, crash_after, texts};

/// A group of five children that wait for ever, in a task; the guards tell of children and body.
fn five_that_wait(body_waits: bool) -> (Task<Result<(), ExceptionGroup>>, Counted, Counted) {
    let (begun, dropped) = (Counted::new(), Counted::new());
    let (count, guards) = (begun.clone(), dropped.clone());
    let task = spawn(async move {
        task_group(async |g| {
            for _ in 0..5 {
                let (count, guard) = (count.clone(), guards.guard());
                g.spawn(async move {
                    let _guard = guard;
                    count.add();
                    pending::<()>().await;
                });
            }
            if body_waits {
                let _guard = guards.guard();
                pending::<()>().await;
            }
            Ok(())
        })
        .await
    });
    (task, begun, dropped)
}

#[test]
fn test_cancellation() {
    everywhere(|| async {
        let (task, begun, dropped) = five_that_wait(false);
        until(|| begun.get() == 5).await;
        assert!(!task.done());
        task.cancel_with("test");
        let error = task.await.unwrap_err();
        assert_eq!(error.message(), Some("test"));
        assert_eq!(dropped.get(), 5);
    });
}

#[test]
fn test_taskgroup_07() {
    everywhere(|| async {
        let (task, begun, dropped) = five_that_wait(true);
        until(|| begun.get() == 5).await;
        task.cancel();
        assert!(task.await.unwrap_err().is_cancelled());
        assert_eq!(dropped.get(), 6);
    });
}

#[test]
fn test_cancellation_in_body() {
    // Python's test_cancellation_in_body, taskgroup_08 before: in the turn in which the children crash.
    everywhere(|| async {
        let task = spawn(async {
            task_group(async |g| {
                for _ in 0..5 {
                    g.spawn(crash_after(Duration::from_secs(3600)));
                }
                pending::<()>().await;
                Ok(())
            })
            .await
        });
        turns(3).await;
        assert!(!task.done());
        task.cancel_with("test");
        assert_eq!(task.await.unwrap_err().message(), Some("test"));
    });
}

#[test]
fn test_taskgroup_11() {
    nested_groups_are_cancelled_from_outside(false);
}

#[test]
fn test_taskgroup_12() {
    nested_groups_are_cancelled_from_outside(true);
}

fn nested_groups_are_cancelled_from_outside(outer_has_a_child: bool) {
    everywhere(|| async move {
        let (begun, dropped) = (Counted::new(), Counted::new());
        let (count, guards) = (begun.clone(), dropped.clone());
        let waiting = move || {
            let (count, guard) = (count.clone(), guards.guard());
            async move {
                let _guard = guard;
                count.add();
                pending::<()>().await;
            }
        };
        let task = spawn(task_group(async move |g1| {
            if outer_has_a_child {
                g1.spawn(waiting());
            }
            task_group(async move |g2| {
                for _ in 0..5 {
                    g2.spawn(waiting());
                }
                pending::<Result<(), BoxError>>().await
            })
            .await?;
            Ok(())
        }));
        let count = 5 + usize::from(outer_has_a_child);
        until(|| begun.get() == count).await;
        task.cancel_with("both");
        assert_eq!(task.await.unwrap_err().message(), Some("both"));
        assert_eq!(dropped.get(), count);
    });
}

#[test]
fn test_taskgroup_15() {
    // The body answers the cancellation with a wait, in which a child fails: the error wins.
    paused(async {
        let journal = Journal::new();
        let inner = journal.clone();
        let task = spawn(async move {
            let ended = task_group(async |g| {
                g.spawn(crash_after(300 * MS));
                if let Err(cancelled) = catch_cancel(sleep(10_000 * MS)).await {
                    let _interrupted = inner.on_drop("the wait in the handler is cut off");
                    sleep(500 * MS).await;
                    cancelled.resume::<()>().await;
                }
                Ok(())
            })
            .await;
            inner.note(texts(&ended.unwrap_err()).join(" "));
            yield_now().await;
            inner.note("the request is lost");
        });
        sleep(100 * MS).await;
        assert!(!task.done());
        task.cancel();
        assert!(task.await.unwrap_err().is_cancelled());
        journal.expect(&["the wait in the handler is cut off", "ZeroDivision"]);
    });
}

#[test]
fn test_taskgroup_16() {
    // The same in a task that another one awaits: the request is forwarded to it.
    paused(async {
        let journal = Journal::new();
        let inner = journal.clone();
        let task = spawn(async move {
            let nested = spawn(async move {
                let ended = task_group(async |g| {
                    g.spawn(crash_after(300 * MS));
                    if let Err(cancelled) = catch_cancel(sleep(10_000 * MS)).await {
                        sleep(500 * MS).await;
                        cancelled.resume::<()>().await;
                    }
                    Ok(())
                })
                .await;
                inner.note(texts(&ended.unwrap_err()).join(" "));
            });
            nested.await
        });
        sleep(100 * MS).await;
        task.cancel();
        assert!(task.await.unwrap_err().is_cancelled());
        journal.expect(&["ZeroDivision"]);
    });
}

#[test]
fn test_taskgroup_17() {
    everywhere(|| async {
        let seen = Counted::new();
        let guard = seen.guard();
        let task = spawn(task_group(async move |_| {
            let _guard = guard;
            pending::<()>().await;
            Ok(())
        }));
        turns(3).await;
        assert!(!task.done());
        task.cancel();
        assert!(task.await.unwrap_err().is_cancelled());
        assert_eq!(seen.get(), 1);
    });
}

#[test]
fn test_taskgroup_18() {
    // The body turns the cancellation into an error: the group gives it, and the task is cancelled after.
    everywhere(|| async {
        let journal = Journal::new();
        let inner = journal.clone();
        let task = spawn(async move {
            let ended = task_group(async |_| match catch_cancel(pending::<()>()).await {
                Ok(()) => Ok(()),
                Err(_) => Err(MyExc.into()),
            })
            .await;
            inner.note(texts(&ended.unwrap_err()).join(" "));
            assert_eq!(current_task().unwrap().cancelling(), 1);
            yield_now().await;
            inner.note("the request is lost");
        });
        turns(3).await;
        task.cancel();
        assert!(task.await.unwrap_err().is_cancelled());
        journal.expect(&["MyExc"]);
    });
}

#[test]
fn test_taskgroup_22() {
    everywhere(|| async {
        let task = spawn(task_group(async |g| {
            g.spawn(pending::<()>());
            g.spawn(pending::<()>());
            Ok(())
        }));
        turns(3).await;
        task.cancel();
        assert!(task.await.unwrap_err().is_cancelled());
    });
}

#[test]
fn test_error_and_cancel() {
    everywhere(|| async {
        let journal = Journal::new();
        let (inner, begun) = (journal.clone(), Arc::new(Event::new()));
        let set = begun.clone();
        let task = spawn(async move {
            let raising = async move {
                set.set();
                catch_cancel(pending::<()>()).await.map_err(|_| MyExc)
            };
            let ended = task_group(async |g| {
                g.spawn(raising);
                pending::<()>().await;
                Ok(())
            })
            .await;
            inner.note(texts(&ended.unwrap_err()).join(" "));
            assert_eq!(current_task().unwrap().cancelling(), 1);
            yield_now().await;
            inner.note("not reached");
        });
        begun.wait().await;
        assert_eq!(task.cancelling(), 0);
        task.cancel();
        assert_eq!(task.cancelling(), 1);
        assert!(task.await.unwrap_err().is_cancelled());
        journal.expect(&["MyExc"]);
    });
}

#[test]
fn outer_cancel_while_waiting_aborts_the_children_and_waits_for_the_slowest() {
    everywhere(|| async {
        let (release, blocked) = std::sync::mpsc::channel::<()>();
        let begun = Counted::new();
        let count = begun.clone();
        let task = spawn(task_group(async move |g| {
            g.spawn(async move {
                let closure = move || {
                    count.add();
                    blocked.recv().unwrap();
                };
                spawn_blocking(closure).await.unwrap();
            });
            g.spawn(pending::<()>());
            Ok(())
        }));
        until(|| begun.get() == 1).await;
        task.cancel_with("outer");
        turns(10).await;
        assert!(!task.done(), "a child still runs");
        release.send(()).unwrap();
        assert_eq!(task.await.unwrap_err().message(), Some("outer"));
    });
}

#[test]
fn test_timeout_taskgroup() {
    // CPython's test_timeouts.py: the errors of the children pass through the timeout's request.
    paused(async {
        let journal = Journal::new();
        let inner = journal.clone();
        let limited = timeout(50 * MS, async {
            let ended = task_group(async |g| {
                for _ in 0..2 {
                    g.spawn(async {
                        catch_cancel(sleep(500 * MS)).await.map_err(|_| ValueError(1))
                    });
                }
                Ok(())
            })
            .await;
            inner.note(texts(&ended.unwrap_err()).join(" "));
            yield_now().await;
            inner.note("not reached");
        });
        assert!(limited.await.is_err());
        journal.expect(&["ValueError(1) ValueError(1)"]);
    });
}

#[test]
fn outer_timeout_goes_through_a_group() {
    paused(async {
        let dropped = Counted::new();
        let guard = dropped.guard();
        let group = task_group(async move |g| {
            g.spawn(async move {
                let _guard = guard;
                pending::<()>().await;
            });
            Ok(())
        });
        assert!(timeout(10 * MS, group).await.is_err());
        assert_eq!(dropped.get(), 1);
        sleep(MS).await;
        assert_eq!(current_task().unwrap().cancelling(), 0);
    });
}

#[test]
fn body_that_catches_the_outer_request_leaves_the_children_running() {
    everywhere(|| async {
        let ended = Counted::new();
        let count = ended.clone();
        let (release, released) = oneshot::channel::<()>();
        let task = spawn(async move {
            let value = task_group(async |g| {
                g.spawn(async move {
                    released.await.unwrap();
                    count.add();
                });
                assert!(catch_cancel(pending::<()>()).await.is_err());
                current_task().unwrap().uncancel();
                Ok("went on")
            })
            .await;
            yield_now().await;
            value
        });
        turns(3).await;
        task.cancel();
        turns(5).await;
        assert_eq!(ended.get(), 0);
        release.send(()).unwrap();
        assert_eq!(task.await.unwrap().unwrap(), "went on");
        assert_eq!(ended.get(), 1);
    });
}

#[test]
fn request_that_the_body_took_back_is_not_offered_again() {
    everywhere(|| async {
        let task = spawn(async move {
            let ended = task_group(async |g| {
                assert!(catch_cancel(pending::<()>()).await.is_err());
                current_task().unwrap().uncancel();
                g.spawn(async { Err::<(), _>(MyExc) });
                pending::<()>().await;
                Ok(())
            })
            .await;
            yield_now().await;
            texts(&ended.unwrap_err())
        });
        turns(3).await;
        task.cancel();
        assert_eq!(task.await.unwrap(), ["MyExc"]);
    });
}

#[test]
fn second_request_while_the_children_end_is_merged() {
    everywhere(|| async {
        let (release, blocked) = std::sync::mpsc::channel::<()>();
        let begun = Counted::new();
        let count = begun.clone();
        let task = spawn(task_group(async move |g| {
            let closure = move || {
                count.add();
                blocked.recv().unwrap();
            };
            g.spawn(async move { spawn_blocking(closure).await });
            Ok(())
        }));
        until(|| begun.get() == 1).await;
        for message in ["first", "second"] {
            task.cancel_with(message);
            turns(3).await;
        }
        assert!(!task.done());
        release.send(()).unwrap();
        assert!(task.await.unwrap_err().is_cancelled());
    });
}
