//! `task_group`, after CPython's `Lib/test/test_asyncio/test_taskgroups.py`.
//!
//! `tests/cpython/test_taskgroups.md` lists every test of that file, with its name here or why it cannot exist.

use std::error::Error;
use std::fmt;
use std::future::{pending, poll_fn};
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::Duration;

use bowerbird::context::{ContextVar, copy_context};
use bowerbird::groups::{ChildTask, GroupCancelled, GroupClosed, GroupState};
use bowerbird::runtime::Handle;
use bowerbird::sync::{Event, oneshot};
use bowerbird::{
    BoxError, ExceptionGroup, Group, Runner, Task, TaskError, TaskGroup, all_tasks, cancel_scope,
    catch_cancel, current_task, defer, gather, race, sleep, spawn, spawn_blocking, task_group,
    task_group_send, time, timeout, yield_now,
};
use bowerbird_tests::{Counted, Journal, catch, everywhere, on_workers, paused, turns, until};

const MS: Duration = Duration::from_millis(1);

#[derive(Debug, PartialEq)]
struct ZeroDivision;

#[derive(Debug, PartialEq)]
struct MyExc;

#[derive(Debug, PartialEq)]
struct ValueError(u32);

macro_rules! errors {
    ($($name:ident)+) => {$(
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(self, f)
            }
        }
        impl Error for $name {}
    )+};
}

errors!(ZeroDivision MyExc ValueError);

/// The errors as text, groups as `[..]`.
fn texts(group: &ExceptionGroup) -> Vec<String> {
    let text = |failure: &bowerbird::groups::TaskFailure| match failure.as_group() {
        Some(group) => format!("[{}]", texts(group).join(" ")),
        None => failure.to_string(),
    };
    group.exceptions().iter().map(text).collect()
}

/// Fails after a time.
async fn crash_after(delay: Duration) -> Result<(), ZeroDivision> {
    sleep(delay).await;
    Err(ZeroDivision)
}

/// Gives a value after a time.
async fn after<T>(delay: Duration, value: T) -> T {
    sleep(delay).await;
    value
}

fn result<T>(task: ChildTask<T>) -> T {
    task.try_join().expect("the task has ended").expect("the task has a value")
}

// ---------------------------------------------------------------------------------------------------
// The exit waits for all children
// ---------------------------------------------------------------------------------------------------

#[test]
fn test_taskgroup_01() {
    paused(async {
        let (t1, t2) = task_group(async |g| {
            Ok((g.spawn_value(after(100 * MS, 42)), g.spawn_value(after(200 * MS, 11))))
        })
        .await
        .unwrap();
        assert_eq!((result(t1), result(t2)), (42, 11));
    });
}

#[test]
fn test_taskgroup_02() {
    paused(async {
        let (t1, t2) = task_group(async |g| {
            let t1 = g.spawn_value(after(100 * MS, 42));
            sleep(150 * MS).await;
            Ok((t1, g.spawn_value(after(200 * MS, 11))))
        })
        .await
        .unwrap();
        assert_eq!((result(t1), result(t2)), (42, 11));
    });
}

#[test]
fn test_taskgroup_03() {
    // A cancelled child is no error: the siblings go on.
    paused(async {
        let (t1, t2) = task_group(async |g| {
            let t1 = g.spawn_value(after(1000 * MS, 42));
            sleep(150 * MS).await;
            t1.cancel();
            Ok((t1, g.spawn_value(after(200 * MS, 11))))
        })
        .await
        .unwrap();
        assert!(t1.cancelled());
        assert_eq!(result(t2), 11);
    });
}

#[test]
fn test_taskgroup_04() {
    paused(async {
        let dropped = Counted::new();
        let guard = dropped.guard();
        let sibling: Arc<Mutex<Option<ChildTask<()>>>> = Arc::default();
        let kept = sibling.clone();
        let runner = spawn(async move {
            task_group(async |g| {
                g.spawn(crash_after(100 * MS));
                let t2 = g.spawn(async move {
                    let _guard = guard;
                    sleep(1000 * MS).await;
                });
                *kept.lock().unwrap() = Some(t2);
                Ok(())
            })
            .await
        });
        let error = runner.await.unwrap().unwrap_err();
        assert_eq!(texts(&error), ["ZeroDivision"]);
        assert_eq!(dropped.get(), 1);
        assert!(sibling.lock().unwrap().take().unwrap().cancelled());
    });
}

#[test]
fn test_cancel_children_on_child_error() {
    paused(async {
        let begun = bowerbird::time::now();
        let (child, body) = (Counted::new(), Counted::new());
        let (child_guard, body_guard) = (child.guard(), body.guard());
        let error = task_group(async |g| {
            for _ in 0..3 {
                g.spawn(crash_after(100 * MS));
            }
            g.spawn(async move {
                let _guard = child_guard;
                sleep(5000 * MS).await;
            });
            let _guard = body_guard;
            sleep(10_000 * MS).await;
            Ok(())
        })
        .await
        .unwrap_err();
        // Of the three that fail in the same turn, those that are cancelled first do not fail.
        assert!(texts(&error).iter().all(|text| text == "ZeroDivision"), "{error:#}");
        assert_eq!((child.get(), body.get()), (1, 1));
        assert_eq!(bowerbird::time::now() - begun, 100 * MS);
    });
}

#[test]
fn children_added_while_the_group_waits_are_waited_for_too() {
    everywhere(|| async {
        let ended = Counted::new();
        let count = ended.clone();
        task_group(async |g| {
            let inner = g.clone();
            g.spawn(async move {
                yield_now().await;
                for _ in 0..5 {
                    let count = count.clone();
                    inner.spawn(async move {
                        turns(3).await;
                        count.add();
                    });
                }
            });
            Ok(())
        })
        .await
        .unwrap();
        assert_eq!(ended.get(), 5);
    });
}

#[test]
fn group_of_no_children_gives_the_value_of_its_body() {
    everywhere(|| async {
        assert_eq!(task_group(async |_| Ok(7)).await.unwrap(), 7);
    });
}

#[test]
fn children_are_done_when_the_group_is() {
    for workers in [2, 4] {
        on_workers(workers, async {
            for _ in 0..2_000 {
                let tasks = task_group(async |g| Ok([(); 4].map(|()| g.spawn_value(async {}))))
                    .await
                    .unwrap();
                assert!(tasks.iter().all(|task| task.done()));
            }
            assert_eq!(all_tasks().len(), 1);
        });
    }
}

#[test]
fn thousands_of_children_all_end() {
    everywhere(|| async {
        let ended = Counted::new();
        task_group(async |g| {
            for n in 0..3_000 {
                let count = ended.clone();
                g.spawn(async move {
                    turns(n % 4).await;
                    count.add();
                });
            }
            Ok(())
        })
        .await
        .unwrap();
        assert_eq!(ended.get(), 3_000);
    });
}

// ---------------------------------------------------------------------------------------------------
// Cancelled from outside
// ---------------------------------------------------------------------------------------------------

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

// ---------------------------------------------------------------------------------------------------
// Errors of body and children
// ---------------------------------------------------------------------------------------------------

#[test]
fn test_taskgroup_09() {
    error_of_the_body_cancels_the_children(true);
}

#[test]
fn test_taskgroup_10() {
    error_of_the_body_cancels_the_children(false);
}

fn error_of_the_body_cancels_the_children(body_waits: bool) {
    paused(async move {
        let tasks: Arc<Mutex<Vec<ChildTask<u32>>>> = Arc::default();
        let kept = tasks.clone();
        let runner = task_group(async move |g| {
            let children = [after(1000 * MS, 42), after(2000 * MS, 11)];
            kept.lock().unwrap().extend(children.map(|child| g.spawn_value(child)));
            if body_waits {
                sleep(100 * MS).await;
            }
            Err::<(), _>(ZeroDivision.into())
        });
        assert_eq!(texts(&runner.await.unwrap_err()), ["ZeroDivision"]);
        assert!(tasks.lock().unwrap().iter().all(|task| task.cancelled()));
    });
}

#[test]
fn test_taskgroup_13() {
    // The outer group's child fails while the inner group runs: the inner one gives no error.
    paused(async {
        let error = task_group(async |g1| {
            g1.spawn(crash_after(100 * MS));
            task_group(async |g2| {
                g2.spawn(crash_after(10_000 * MS));
                Ok(())
            })
            .await?;
            Ok(())
        })
        .await
        .unwrap_err();
        assert_eq!(texts(&error), ["ZeroDivision"]);
    });
}

#[test]
fn test_taskgroup_14() {
    // The inner group fails: its errors are one error of the outer one.
    paused(async {
        let error = task_group(async |g1| {
            g1.spawn(crash_after(10_000 * MS));
            task_group(async |g2| {
                g2.spawn(crash_after(100 * MS));
                Ok(())
            })
            .await?;
            Ok(())
        })
        .await
        .unwrap_err();
        assert_eq!(texts(&error), ["[ZeroDivision]"]);
    });
}

#[test]
fn test_taskgroup_19() {
    // The error that the body answers the group's cancellation with is the last.
    paused(async {
        let error = task_group(async |g| {
            g.spawn(crash_after(100 * MS));
            match catch_cancel(sleep(10_000 * MS)).await {
                Ok(()) => Ok(()),
                Err(_) => Err(MyExc.into()),
            }
        })
        .await
        .unwrap_err();
        assert_eq!(texts(&error), ["ZeroDivision", "MyExc"]);
        assert_eq!(current_task().unwrap().cancelling(), 0);
        yield_now().await;
    });
}

#[test]
fn test_taskgroup_20() {
    // KeyboardInterrupt in the body: here a panic, which goes on in the awaiter. The children have ended
    // before the task has, and their errors reach the exception handler.
    everywhere(|| async {
        let heard: Arc<Mutex<Vec<String>>> = Arc::default();
        let lines = heard.clone();
        Handle::current().set_exception_handler(move |unhandled| {
            lines.lock().unwrap().push(unhandled.to_string());
        });
        let dropped = Counted::new();
        let guard = dropped.guard();
        let task = spawn(task_group(async move |g| {
            g.spawn(async move {
                let _guard = guard;
                pending::<()>().await;
            });
            g.spawn(async { Err::<(), _>(MyExc) });
            catch_cancel(pending::<()>()).await.unwrap_err();
            panic!("in the body");
            #[expect(unreachable_code, reason = "says the type")]
            Ok(())
        }));
        assert_eq!(task.await.unwrap_err().message(), Some("in the body"));
        assert_eq!(dropped.get(), 1);
        let heard = heard.lock().unwrap();
        assert!(
            heard.iter().any(|line| line.contains("never retrieved") && line.ends_with("MyExc")),
            "{heard:?}"
        );
    });
}

#[test]
fn test_taskgroup_20a() {
    // A panic of a child is an error of the group, with its payload.
    everywhere(|| async {
        let error = task_group(async |g| {
            g.spawn(async { std::panic::panic_any(7_u32) });
            match catch_cancel(pending::<()>()).await {
                Ok(()) => Ok(()),
                Err(_) => Err(MyExc.into()),
            }
        })
        .await
        .unwrap_err();
        assert_eq!(texts(&error), ["the task panicked", "MyExc"]);
        let panic = error.into_exceptions().remove(0).into_error().downcast::<TaskError>();
        assert_eq!(panic.unwrap().into_panic().downcast_ref(), Some(&7_u32));
    });
}

#[test]
fn test_taskgroup_context_manager_exit_raises() {
    paused(async {
        let error = task_group(async |g| {
            // The exit of what the body stands in fails, after the group has cancelled the body.
            g.spawn(async { Err::<(), _>(MyExc) });
            let waited = catch_cancel(sleep(1000 * MS)).await;
            waited.map_err(|_| MyExc)?;
            Ok(())
        })
        .await
        .unwrap_err();
        assert_eq!(current_task().unwrap().cancelling(), 0);
        assert_eq!(texts(&error), ["MyExc", "MyExc"]);
    });
}

#[test]
fn test_nested_groups_both_cancelled() {
    paused(async {
        let outer = task_group(async |outer| {
            let inner = task_group(async |inner| {
                inner.spawn(async { Err::<(), _>(MyExc) });
                outer.spawn(async { Err::<(), _>(ValueError(1)) });
                Ok(())
            })
            .await;
            assert_eq!(texts(&inner.unwrap_err()), ["MyExc"]);
            pending::<()>().await;
            Ok(())
        })
        .await;
        assert_eq!(texts(&outer.unwrap_err()), ["ValueError(1)"]);
        assert_eq!(current_task().unwrap().cancelling(), 0);
        yield_now().await;
    });
}

#[test]
fn test_cancelling_level_preserved() {
    everywhere(|| async {
        let ended = task_group(async |g| {
            g.spawn(async { Err::<(), _>(MyExc) });
            Ok(())
        });
        assert_eq!(texts(&ended.await.unwrap_err()), ["MyExc"]);
        assert_eq!(current_task().unwrap().cancelling(), 0);
    });
}

#[test]
fn test_cancellation_does_not_leak_out_of_tg() {
    everywhere(|| async {
        let ended = task_group(async |g| {
            g.spawn(async { Err::<(), _>(MyExc) });
            pending::<()>().await;
            Ok(())
        });
        assert_eq!(texts(&ended.await.unwrap_err()), ["MyExc"]);
        for _ in 0..3 {
            yield_now().await;
        }
    });
}

#[test]
fn errors_of_children_stand_in_the_order_of_their_failures() {
    paused(async {
        let error = task_group(async |g| {
            for n in [30, 10, 20] {
                // Each answers the cancellation, later than the one before.
                g.spawn(async move {
                    let _slept = catch_cancel(sleep(n * MS)).await;
                    sleep(100 * n * MS).await;
                    Err::<(), _>(ValueError(n))
                });
            }
            Ok(())
        })
        .await
        .unwrap_err();
        assert_eq!(texts(&error), ["ValueError(10)"]);
        let error = task_group(async |g| {
            for n in [30, 10, 20] {
                g.spawn(async move {
                    let answered = catch_cancel(sleep(n * MS)).await;
                    if answered.is_err() {
                        return Err::<(), _>(ValueError(1000 + n));
                    }
                    Err(ValueError(n))
                });
            }
            Ok(())
        })
        .await
        .unwrap_err();
        assert_eq!(texts(&error), ["ValueError(10)", "ValueError(1030)", "ValueError(1020)"]);
    });
}

#[test]
fn error_of_a_child_that_the_body_awaits_is_in_the_group_once() {
    everywhere(|| async {
        let error = task_group(async |g| {
            let child = g.spawn(async { Err::<u32, _>(MyExc) });
            let value = child.await?;
            Ok(value)
        })
        .await
        .unwrap_err();
        assert_eq!(texts(&error), ["MyExc"]);
        let error = task_group(async |g| {
            let child = g.spawn(async { Err::<u32, _>(MyExc) });
            let (value,) = gather((child,)).await;
            Ok(value?)
        })
        .await
        .unwrap_err();
        assert_eq!(texts(&error), ["MyExc"]);
        yield_now().await;
    });
}

#[test]
fn child_that_awaits_a_failed_sibling_adds_no_error() {
    everywhere(|| async {
        let error = task_group(async |g| {
            let failing = g.spawn(async { Err::<u32, _>(MyExc) });
            g.spawn(async move { failing.await.map(drop) });
            Ok(())
        })
        .await
        .unwrap_err();
        assert_eq!(texts(&error), ["MyExc"]);
    });
}

#[test]
fn handle_of_a_failed_child_says_that_it_failed() {
    everywhere(|| async {
        let kept: Arc<Mutex<Option<ChildTask<()>>>> = Arc::default();
        let place = kept.clone();
        let group = task_group(async move |g| {
            *place.lock().unwrap() = Some(g.spawn(async { Err::<(), _>(MyExc) }));
            Ok(())
        });
        assert!(group.await.is_err());
        let task = kept.lock().unwrap().take().unwrap();
        assert_eq!(task.await.unwrap_err().message(), Some("the task failed: MyExc"));
    });
}

#[test]
fn panic_of_a_childs_destructor_is_an_error_of_the_group() {
    struct PanicsOnDrop;
    impl Drop for PanicsOnDrop {
        fn drop(&mut self) {
            panic!("on drop");
        }
    }
    everywhere(|| async {
        let error = task_group(async |g| {
            let begun = Counted::new();
            let count = begun.clone();
            let task = g.spawn(async move {
                let _bad = PanicsOnDrop;
                count.add();
                pending::<()>().await;
            });
            until(|| begun.get() == 1).await;
            task.cancel();
            Ok(())
        })
        .await
        .unwrap_err();
        assert_eq!(texts(&error), ["the task panicked: on drop"]);
    });
}

#[test]
fn errors_know_the_task_and_its_spawn_site() {
    everywhere(|| async {
        let line = line!() + 2;
        let error = task_group(async |g| {
            g.spawn_with(Task::builder().name("reader"), async { Err::<(), _>(MyExc) });
            pending::<()>().await;
            Ok(())
        })
        .await
        .unwrap_err();
        let failure = &error.exceptions()[0];
        assert_eq!(failure.task_name(), Some("reader"));
        let site = failure.spawned_at().unwrap();
        assert_eq!((site.file(), site.line()), (file!(), line));
        let tree = format!("{error:#}");
        let task = format!("    | task `reader`, spawned at {site}\n    | MyExc\n");
        assert!(tree.contains(&task), "{tree}");
    });
}

#[test]
fn error_of_the_body_has_no_task() {
    everywhere(|| async {
        let error = task_group(async |_| Err::<(), _>("text will do".into())).await.unwrap_err();
        assert_eq!(texts(&error), ["text will do"]);
        assert_eq!(error.exceptions()[0].task_name(), None);
        assert_eq!(error.to_string(), "unhandled errors in a TaskGroup (1 sub-exception)");
    });
}

#[test]
fn request_that_the_body_raises_by_itself_is_passed_on() {
    everywhere(|| async {
        let dropped = Counted::new();
        let guard = dropped.guard();
        let task = spawn(async move {
            let caught = catch_cancel(pending::<()>()).await.unwrap_err();
            current_task().unwrap().uncancel();
            task_group(async |g| {
                g.spawn(async move {
                    let _guard = guard;
                    pending::<()>().await;
                });
                caught.resume::<()>().await;
                Ok(())
            })
            .await
        });
        turns(3).await;
        task.cancel_with("resumed");
        assert_eq!(task.await.unwrap_err().message(), Some("resumed"));
        assert_eq!(dropped.get(), 1);
    });
}

// ---------------------------------------------------------------------------------------------------
// Spawning
// ---------------------------------------------------------------------------------------------------

#[test]
fn test_taskgroup_23() {
    paused(async {
        task_group(async |g| {
            for count in 0..10 {
                sleep(100 * MS).await;
                g.spawn(sleep(300 * MS));
                if count == 5 {
                    assert!(g.len() < 5);
                }
            }
            sleep(1350 * MS).await;
            assert!(g.is_empty());
            Ok(())
        })
        .await
        .unwrap();
    });
}

#[test]
fn test_taskgroup_24() {
    paused(async {
        let begun = bowerbird::time::now();
        task_group(async |g| {
            let inner = g.clone();
            g.spawn(async move {
                sleep(100 * MS).await;
                inner.spawn(sleep(100 * MS));
                inner.spawn(sleep(200 * MS));
            });
            Ok(())
        })
        .await
        .unwrap();
        assert_eq!(bowerbird::time::now() - begun, 300 * MS);
    });
}

#[test]
fn test_taskgroup_25() {
    fn hydra(g: Group, heads: Counted) -> std::pin::Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(async move {
            heads.add();
            sleep(10 * MS).await;
            g.spawn(hydra(g.clone(), heads.clone()));
            g.spawn(hydra(g.clone(), heads.clone()));
        })
    }
    everywhere(|| async {
        let heads = Counted::new();
        let count = heads.clone();
        let error = task_group(async |g| {
            g.spawn(hydra(g.clone(), count.clone()));
            g.spawn(async move {
                while count.get() < 10 {
                    sleep(15 * MS).await;
                }
                Err::<(), _>(ZeroDivision)
            });
            Ok(())
        })
        .await
        .unwrap_err();
        assert_eq!(texts(&error), ["ZeroDivision"]);
        assert!(heads.get() >= 10);
        assert_eq!(all_tasks().len(), 1);
    });
}

#[test]
fn test_taskgroup_task_name() {
    everywhere(|| async {
        task_group(async |g| {
            let task = g.spawn_with(Task::builder().name("yolo"), async { yield_now().await });
            assert_eq!(&*task.name(), "yolo");
            Ok(())
        })
        .await
        .unwrap();
    });
}

#[test]
fn test_name() {
    everywhere(|| async {
        let name = task_group(async |g| {
            let named = Task::builder().name("example name");
            let task =
                g.spawn_with(named, async { Ok::<_, MyExc>(current_task().unwrap().name()) });
            Ok(task.await?)
        });
        assert_eq!(&*name.await.unwrap(), "example name");
    });
}

static VARIABLE: ContextVar<u32> = ContextVar::new("cvar");

#[test]
fn test_taskgroup_task_context() {
    everywhere(|| async {
        task_group(async |g| {
            let context = copy_context();
            let given = g.spawn_with(Task::builder().context(context.clone()), async {
                assert_eq!(VARIABLE.get(), None);
                drop(VARIABLE.set(1));
            });
            given.await?;
            assert_eq!(VARIABLE.get(), None);
            drop(VARIABLE.set(2));
            g.spawn(async { assert_eq!(VARIABLE.get(), Some(2)) });
            Ok(())
        })
        .await
        .unwrap();
    });
}

#[test]
fn test_taskgroup_no_create_task_after_failure() {
    everywhere(|| async {
        let seen = Counted::new();
        let count = seen.clone();
        let error = task_group(async |g| {
            let inner = g.clone();
            let begun = Arc::new(Event::new());
            let set = begun.clone();
            g.spawn(async move {
                set.set();
                assert!(catch_cancel(pending::<()>()).await.is_err());
                let refused = inner.try_spawn(async { Err::<(), _>(MyExc) }).unwrap_err();
                assert_eq!(refused.state(), GroupState::ShuttingDown);
                assert!(refused.to_string().contains("is shutting down"), "{refused}");
                count.add();
            });
            begun.wait().await;
            g.spawn(async { Err::<(), _>(ZeroDivision) });
            Ok(())
        })
        .await
        .unwrap_err();
        assert_eq!(texts(&error), ["ZeroDivision"]);
        assert_eq!(seen.get(), 1);
    });
}

#[test]
fn spawn_in_a_group_that_shuts_down_drops_the_future_unpolled_and_gives_a_cancelled_task() {
    everywhere(|| async {
        let dropped = Counted::new();
        let guard = dropped.guard();
        let late = task_group(async |g| {
            g.cancel();
            let late = g.spawn(async move {
                let _guard = guard;
                unreachable!("it is not polled");
            });
            assert_eq!(dropped.get(), 1);
            Ok(late)
        });
        let error = late.await.unwrap().await.unwrap_err();
        assert!(error.message().unwrap().contains("is shutting down"), "{error}");
    });
}

#[test]
fn test_taskgroup_finished() {
    everywhere(|| async {
        let dropped = Counted::new();
        let guard = dropped.guard();
        let group = task_group(async |g| Ok(g)).await.unwrap();
        let refused: GroupClosed = group.try_spawn(async move { drop(guard) }).unwrap_err();
        assert_eq!(refused.state(), GroupState::Finished);
        assert!(refused.to_string().contains("is finished"), "{refused}");
        assert_eq!(dropped.get(), 1, "the future is dropped");
        let line = line!() + 1;
        let caught = catch(|| drop(group.spawn(async {})));
        assert!(caught.message.contains("spawn() was called on a group"), "{caught:?}");
        assert!(caught.message.contains("is finished"), "{caught:?}");
        assert_eq!((&*caught.file, caught.line), (file!(), line));
    });
}

#[test]
fn test_taskgroup_not_entered() {
    everywhere(|| async {
        let group = TaskGroup::new().name("early");
        let handle = group.handle();
        let refused = handle.try_spawn(async {}).unwrap_err();
        assert_eq!(refused.state(), GroupState::NotEntered);
        let caught = catch(|| drop(handle.spawn(async {})));
        assert!(
            caught.message.contains("the TaskGroup `early` has not been entered"),
            "{caught:?}"
        );
        group.run(async |_| Ok(())).await.unwrap();
        assert_eq!(handle.state(), GroupState::Finished);
    });
}

#[test]
fn test_taskgroup_without_parent_task() {
    everywhere(|| async {
        let caught = catch(|| {
            let mut group = pin!(task_group(async |_| Ok(())));
            let outside = std::thread::spawn(|| ());
            outside.join().unwrap();
            // A thread of its own polls no task.
            std::thread::scope(|scope| {
                let polling = scope.spawn(|| {
                    let cx = &mut std::task::Context::from_waker(std::task::Waker::noop());
                    let caught = catch(|| group.as_mut().poll(cx));
                    caught.message
                });
                panic!("{}", polling.join().unwrap());
            });
        });
        assert!(caught.message.contains("was polled outside a task"), "{caught:?}");
    });
}

#[test]
fn test_cancels_task_if_created_during_creation() {
    // A child that is polled at once fails before its handle is in the list of the group.
    everywhere(|| async {
        let ran = Counted::new();
        let count = ran.clone();
        let error = task_group(async |g| {
            let inner = g.clone();
            g.spawn_with(Task::builder().eager(true), async move {
                let third = async { Err::<(), _>(MyExc) };
                inner.spawn_with(Task::builder().eager(true), third);
                assert!(catch_cancel(pending::<()>()).await.is_err());
                count.add();
            });
            Ok(())
        })
        .await
        .unwrap_err();
        assert_eq!(texts(&error), ["MyExc"]);
        assert_eq!(ran.get(), 1);
    });
}

#[test]
fn children_are_spawned_from_other_threads() {
    everywhere(|| async {
        let ended = Counted::new();
        task_group(async |g| {
            let threads: Vec<_> = (0..4)
                .map(|_| {
                    let (g, count, handle) = (g.clone(), ended.clone(), Handle::current());
                    std::thread::spawn(move || {
                        let _entered = handle.enter();
                        for _ in 0..100 {
                            let count = count.clone();
                            g.spawn(async move { count.add() });
                        }
                    })
                })
                .collect();
            threads.into_iter().for_each(|thread| thread.join().unwrap());
            Ok(())
        })
        .await
        .unwrap();
        assert_eq!(ended.get(), 400);
    });
}

#[test]
fn group_in_generic_code_is_send() {
    async fn generic<F, Fut>(body: F) -> Result<u32, ExceptionGroup>
    where
        F: FnOnce(Group) -> Fut + Send + 'static,
        Fut: Future<Output = Result<u32, BoxError>> + Send + 'static,
    {
        spawn(async move { task_group_send(body).await }).await.unwrap()
    }
    everywhere(|| async {
        let value = generic(|g| async move { Ok(g.spawn_value(async { 3 }).await?) });
        assert_eq!(value.await.unwrap(), 3);
    });
}

#[test]
fn body_may_borrow_from_its_surroundings() {
    everywhere(|| async {
        let text = String::from("borrowed");
        let mut seen = Vec::new();
        task_group(async |g| {
            seen.push(text.len());
            g.spawn(async {});
            Ok(())
        })
        .await
        .unwrap();
        assert_eq!(seen, [8]);
    });
}

// ---------------------------------------------------------------------------------------------------
// Group::cancel
// ---------------------------------------------------------------------------------------------------

#[test]
fn cancel_ends_children_and_body_without_an_error() {
    everywhere(|| async {
        let dropped = Counted::new();
        let guards = dropped.clone();
        let ended = task_group(async |g| {
            for _ in 0..3 {
                let guard = guards.guard();
                g.spawn(async move {
                    let _guard = guard;
                    pending::<()>().await;
                });
            }
            let canceller = g.clone();
            g.spawn(async move { canceller.cancel() });
            let _guard = guards.guard();
            pending::<()>().await;
            Ok(())
        })
        .until_cancelled();
        assert_eq!(ended.await.unwrap(), None);
        assert_eq!(dropped.get(), 4);
        assert_eq!(current_task().unwrap().cancelling(), 0);
        yield_now().await;
    });
}

#[test]
fn cancel_while_the_group_waits_keeps_the_value_of_the_body() {
    everywhere(|| async {
        let ended = task_group(async |g| {
            let canceller = g.clone();
            g.spawn(pending::<()>());
            g.spawn(async move {
                turns(5).await;
                canceller.cancel();
            });
            Ok("the value")
        });
        assert_eq!(ended.await.unwrap(), "the value");
    });
}

#[test]
fn cancel_before_the_group_is_entered_takes_effect_on_entry() {
    everywhere(|| async {
        let group = TaskGroup::new();
        group.handle().cancel();
        let begun = Counted::new();
        let count = begun.clone();
        let ended = group.run(async |_| {
            count.add();
            pending::<()>().await;
            unreachable!("the first suspension is cut off");
            #[expect(unreachable_code, reason = "says the type")]
            Ok(())
        });
        assert_eq!(ended.until_cancelled().await.unwrap(), None);
        assert_eq!(begun.get(), 1);
    });
}

#[test]
fn cancel_is_idempotent_and_does_nothing_after_the_end() {
    everywhere(|| async {
        let group = task_group(async |g| {
            g.spawn(pending::<()>());
            g.cancel();
            g.cancel();
            Ok(g)
        })
        .await
        .unwrap();
        group.cancel();
        assert_eq!(group.state(), GroupState::Finished);
        yield_now().await;
    });
}

#[test]
fn cancel_of_a_body_without_a_value_is_an_error_that_names_it() {
    everywhere(|| async {
        let error = task_group(async |g| {
            g.cancel();
            pending::<()>().await;
            Ok(())
        })
        .await
        .unwrap_err();
        assert_eq!(error.len(), 1);
        assert!(error.find::<GroupCancelled>().is_some());
    });
}

#[test]
fn errors_before_and_during_a_cancel_stay_errors() {
    everywhere(|| async {
        let error = task_group(async |g| {
            let begun = Counted::new();
            let count = begun.clone();
            g.spawn(async move {
                count.add();
                catch_cancel(pending::<()>()).await.map_err(|_| MyExc)
            });
            until(|| begun.get() == 1).await;
            g.cancel();
            Ok(())
        })
        .await
        .unwrap_err();
        assert_eq!(texts(&error), ["MyExc"]);
    });
}

#[test]
fn outer_request_after_the_groups_own_cancel_is_kept() {
    everywhere(|| async {
        let (release, blocked) = std::sync::mpsc::channel::<()>();
        let begun = Counted::new();
        let (count, closure_runs) = (begun.clone(), begun.clone());
        let task = spawn(task_group(async move |g| {
            let closure = move || {
                count.add();
                blocked.recv().unwrap();
            };
            g.spawn(async move { spawn_blocking(closure).await });
            let canceller = g.clone();
            g.spawn(async move {
                until(|| closure_runs.get() == 1).await;
                canceller.cancel();
            });
            Ok(())
        }));
        until(|| begun.get() == 1).await;
        turns(5).await;
        task.cancel_with("outer");
        turns(5).await;
        release.send(()).unwrap();
        assert_eq!(task.await.unwrap_err().message(), Some("outer"));
    });
}

#[test]
fn request_that_the_body_raises_after_a_cancel_ends_at_the_group() {
    everywhere(|| async {
        let task = spawn(async move {
            let caught = catch_cancel(pending::<()>()).await.unwrap_err();
            current_task().unwrap().uncancel();
            let ended = task_group(async |g| {
                g.cancel();
                caught.resume::<()>().await;
                Ok(())
            });
            let ended = ended.until_cancelled().await;
            yield_now().await;
            ended
        });
        turns(3).await;
        task.cancel();
        assert_eq!(task.await.unwrap().unwrap(), None);
    });
}

#[test]
fn group_waits_for_the_cleanups_of_its_cancelled_children() {
    everywhere(|| async {
        let (begun, cleaned) = (Counted::new(), Counted::new());
        let (count, clean) = (begun.clone(), cleaned.clone());
        task_group(async |g| {
            g.spawn(async move {
                let _cleanup = defer(async move {
                    turns(20).await;
                    clean.add();
                });
                count.add();
                pending::<()>().await;
            });
            until(|| begun.get() == 1).await;
            g.cancel();
            Ok(())
        })
        .await
        .unwrap();
        assert_eq!(cleaned.get(), 1);
    });
}

// ---------------------------------------------------------------------------------------------------
// Dropped half-way
// ---------------------------------------------------------------------------------------------------

#[test]
fn group_dropped_half_way_leaves_cancel_and_await_as_a_cleanup() {
    everywhere(|| async {
        let (release, blocked) = std::sync::mpsc::channel::<()>();
        let (begun, ended) = (Counted::new(), Counted::new());
        let (count, guard) = (begun.clone(), ended.guard());
        let task = spawn(async move {
            let mut group = Box::pin(task_group(async move |g| {
                g.spawn(async move {
                    let _guard = guard;
                    let closure = move || {
                        count.add();
                        blocked.recv().unwrap();
                    };
                    spawn_blocking(closure).await.unwrap();
                });
                pending::<()>().await;
                Ok(())
            }));
            poll_fn(|cx| {
                assert!(group.as_mut().poll(cx).is_pending());
                Poll::Ready(())
            })
            .await;
            until(|| begun.get() == 1).await;
            drop(group);
            "the value"
        });
        let blocked = turns(20);
        blocked.await;
        assert!(!task.done(), "the child still runs");
        release.send(()).unwrap();
        assert_eq!(task.await.unwrap(), "the value");
        assert_eq!(ended.get(), 1);
    });
}

#[test]
fn group_that_was_never_polled_is_dropped_without_a_trace() {
    everywhere(|| async {
        let dropped = Counted::new();
        let guard = dropped.guard();
        let group = task_group(async move |_| {
            drop(guard);
            Ok(())
        });
        drop(group);
        assert_eq!(dropped.get(), 1);
        assert_eq!(all_tasks().len(), 1);
    });
}

#[test]
fn request_that_is_about_when_a_group_begins_is_offered_again_after_its_errors() {
    paused(async {
        let task = spawn(async {
            let shielded = || {
                cancel_scope(async |scope| {
                    scope.set_shield(true);
                    sleep(10 * MS).await;
                })
            };
            shielded().await;
            let failed = task_group(async |group| {
                group.spawn(pending::<()>());
                shielded().await;
                Err::<(), _>(ValueError(1).into())
            });
            assert_eq!(failed.await.unwrap_err().exceptions().len(), 1);
            pending::<()>().await
        });
        sleep(MS).await;
        task.cancel();
        assert!(timeout(100 * MS, task).await.unwrap().unwrap_err().is_cancelled());
    });
}

#[test]
fn wait_for_the_children_of_a_dropped_group_has_no_deadline_of_its_own() {
    for is_gather in [false, true] {
        let reports = Arc::new(Mutex::new(Vec::new()));
        let heard = reports.clone();
        let mut runner = Runner::builder()
            .worker_threads(1)
            .start_paused(true)
            .cleanup_grace(10 * MS)
            .exception_handler(move |unhandled| heard.lock().unwrap().push(unhandled.to_string()))
            .build()
            .unwrap();
        let ended = Counted::new();
        let count = ended.clone();
        let stubborn = async move {
            // Left last, so it is the second cleanup: it is run when the first has overrun.
            let _told = defer(async move { count.add() });
            let _overruns = defer(pending::<()>());
            pending::<()>().await
        };
        let over = runner.run(async move {
            let start = time::now();
            let waits = async {
                if is_gather {
                    gather((stubborn,)).await;
                } else {
                    let group = task_group(async |group| {
                        group.spawn(stubborn);
                        pending::<()>().await;
                        Ok(())
                    });
                    group.await.unwrap();
                }
            };
            race((waits, sleep(MS))).await;
            (time::now() - start, ended.get())
        });
        assert_eq!(over.unwrap(), (11 * MS, 1), "the dropper ends after the child");
        let reports = reports.lock().unwrap();
        assert_eq!(reports.len(), 1, "{reports:?}");
        assert!(reports[0].contains("a deferred cleanup overran"), "{reports:?}");
    }
}
