//! Errors of body and children.

use std::future::pending;
use std::sync::{Arc, Mutex};

use bowerbird::groups::ChildTask;
use bowerbird::runtime::Handle;
use bowerbird::{
    Task, TaskError, catch_cancel, current_task, gather, sleep, spawn, task_group, yield_now,
};
use bowerbird_tests::{Counted, everywhere, paused, turns, until};

use super::{MS, MyExc, ValueError, ZeroDivision, after, crash_after, texts};

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
