//! `TaskSet`: spawn, join as they end, cancel, detach, drop.

use std::future::{pending, ready};
use std::time::Duration;

use bowerbird::sync::oneshot;
use bowerbird::{TaskSet, catch_cancel, race, sleep, spawn, spawn_blocking, yield_now};
use bowerbird_tests::{Counted, everywhere, on_workers, paused, turns, until};

const MS: Duration = Duration::from_millis(1);

#[test]
fn results_come_as_the_tasks_end() {
    paused(async {
        let mut tasks: TaskSet<u32> = TaskSet::new();
        assert!(tasks.join_next().await.is_none());
        for ms in [30, 10, 20] {
            tasks.spawn(async move {
                sleep(ms * MS).await;
                ms
            });
        }
        assert_eq!(tasks.len(), 3);
        let mut order = Vec::new();
        while let Some(result) = tasks.join_next().await {
            order.push(result.unwrap());
            // Added meanwhile, and heard in its turn.
            if order.len() == 1 {
                tasks.spawn(async {
                    sleep(5 * MS).await;
                    5
                });
            }
        }
        assert_eq!(order, [10, 5, 20, 30]);
        assert!(tasks.is_empty());
    });
}

#[test]
fn try_join_next_does_not_wait() {
    on_workers(1, async {
        let mut tasks: TaskSet<i32> = (0..2).map(ready).collect();
        tasks.spawn(pending());
        assert!(tasks.try_join_next().is_none());
        turns(2).await;
        assert_eq!(tasks.try_join_next().unwrap().unwrap(), 0);
        assert_eq!(tasks.try_join_next().unwrap().unwrap(), 1);
        assert!(tasks.try_join_next().is_none());
        assert_eq!(tasks.len(), 1);
    });
}

#[test]
fn local_tasks_blocking_tasks_and_handles() {
    everywhere(|| async {
        let mut tasks = TaskSet::new();
        let name = std::rc::Rc::new(7);
        let local = tasks.spawn_local(async move { *name });
        let blocking = tasks.add(spawn_blocking(|| 8));
        let mut seen = Vec::new();
        while let Some((handle, result)) = tasks.join_next_with_handle().await {
            seen.push((handle == local, handle == blocking, result.unwrap()));
        }
        seen.sort();
        assert_eq!(seen, [(false, true, 8), (true, false, 7)]);
    });
}

#[test]
fn join_all_gives_every_end() {
    everywhere(|| async {
        let mut tasks = TaskSet::new();
        tasks.spawn(async { 1 });
        tasks.spawn(async { panic!("boom") });
        let results = tasks.join_all().await;
        assert_eq!(results.len(), 2);
        assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1);
    });
}

#[test]
fn shutdown_cancels_and_waits() {
    everywhere(|| async {
        let dropped = Counted::new();
        let mut tasks = TaskSet::new();
        for _ in 0..10 {
            let guard = dropped.guard();
            tasks.spawn(async move {
                let _guard = guard;
                pending::<()>().await;
            });
        }
        tasks.shutdown().await;
        assert_eq!((dropped.get(), tasks.len()), (10, 0));
    });
}

#[test]
fn detached_tasks_run_on() {
    everywhere(|| async {
        let ended = Counted::new();
        let mut tasks = TaskSet::new();
        for _ in 0..3 {
            let ended = ended.clone();
            tasks.spawn(async move {
                turns(5).await;
                ended.add();
            });
        }
        tasks.detach_all();
        assert!(tasks.is_empty());
        drop(tasks);
        until(|| ended.get() == 3).await;
    });
}

#[test]
fn dropped_set_cancels_its_tasks_and_they_end_before_whoever_dropped_it() {
    everywhere(|| async {
        // A closure that has begun cannot be cancelled: its task ends late.
        let (begun, (release, blocked)) = (Counted::new(), std::sync::mpsc::channel());
        let count = begun.clone();
        let slow = spawn_blocking(move || {
            count.add();
            blocked.recv().unwrap();
        });
        let slow_handle = slow.handle();
        until(|| begun.get() == 1).await;
        let outer = spawn(async move {
            let mut tasks = TaskSet::new();
            tasks.add(slow);
            yield_now().await;
            drop(tasks);
            "over"
        });
        until(|| slow_handle.cancelling() == 1).await;
        turns(20).await;
        assert!(!outer.done(), "a member has not ended");
        release.send(()).unwrap();
        assert_eq!(outer.await.unwrap(), "over");
        assert!(slow_handle.done());
    });
}

#[test]
fn cancelled_awaiter_takes_its_set_with_it() {
    everywhere(|| async {
        let dropped = Counted::new();
        let guard = dropped.guard();
        let outer = spawn(async move {
            let mut tasks = TaskSet::new();
            tasks.spawn(async move {
                let _guard = guard;
                pending::<()>().await;
            });
            tasks.join_next().await;
        });
        turns(5).await;
        outer.cancel();
        assert!(outer.await.unwrap_err().is_cancelled());
        assert_eq!(dropped.get(), 1);
    });
}

#[test]
fn places_are_used_again() {
    everywhere(|| async {
        let mut tasks = TaskSet::new();
        let mut sum = 0;
        for n in 0..1_000_u32 {
            tasks.spawn(async move { n });
            if n % 3 == 0 {
                sum += tasks.join_next().await.unwrap().unwrap();
            }
        }
        while let Some(result) = tasks.join_next().await {
            sum += result.unwrap();
        }
        assert_eq!(sum, 999 * 1_000 / 2);
    });
}

#[test]
fn request_of_whoever_fills_the_set_does_not_reach_its_tasks() {
    on_workers(1, async {
        let mut inner = spawn(pending::<()>());
        let handle = inner.handle();
        let outer = spawn(async move {
            // It was waited for once.
            race((&mut inner, yield_now())).biased().await;
            // The sibling leaves the request offered while this goes on.
            race((catch_cancel(pending::<()>()), pending::<()>())).await;
            let mut tasks = TaskSet::new();
            tasks.add(inner);
            assert!(tasks.try_join_next().is_none());
            tasks.detach_all();
            yield_now().await;
            unreachable!("it is cancelled");
        });
        turns(5).await;
        outer.cancel();
        assert!(outer.await.unwrap_err().is_cancelled());
        assert_eq!(handle.cancelling(), 0);
    });
}

#[test]
fn offered_cancel_beats_a_member_that_ends_in_the_same_turn() {
    on_workers(1, async {
        let (release, released) = oneshot::channel();
        let went_on = Counted::new();
        let count = went_on.clone();
        let outer = spawn(async move {
            let mut tasks = TaskSet::new();
            tasks.spawn(released);
            tasks.join_next().await;
            count.add();
        });
        turns(3).await;
        release.send(1).unwrap();
        outer.cancel();
        assert!(outer.await.unwrap_err().is_cancelled());
        assert_eq!(went_on.get(), 0);
    });
}
