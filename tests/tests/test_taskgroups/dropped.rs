//! Groups that are dropped half-way.

use std::future::{pending, poll_fn};
use std::sync::{Arc, Mutex};
use std::task::Poll;

use bowerbird::{
    Runner, all_tasks, cancel_scope, defer, gather, race, sleep, spawn, spawn_blocking, task_group,
    time, timeout,
};
use bowerbird_tests::{Counted, everywhere, paused, turns, until};

use super::{MS, ValueError};

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
