//! `Group::cancel`.

use std::future::pending;

use bowerbird::groups::{GroupCancelled, GroupState};
use bowerbird::{
    TaskGroup, catch_cancel, current_task, defer, spawn, spawn_blocking, task_group, yield_now,
};
use bowerbird_tests::{Counted, everywhere, turns, until};

use super::{MyExc, texts};

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
