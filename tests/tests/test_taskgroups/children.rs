//! The exit waits for all children.

use std::sync::{Arc, Mutex};

use bowerbird::groups::ChildTask;
use bowerbird::{all_tasks, sleep, spawn, task_group, yield_now};
use bowerbird_tests::{Counted, everywhere, on_workers, paused, turns};

use super::{MS, after, crash_after, result, texts};

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
