//! CPython's `test_tasks.py`: `wait` and `as_completed`. (`gather`, `cancel` and `sleep` stand in files of their own.)
//!
//! The names are CPython's where the test is CPython's; `tests/cpython/test_tasks.md` maps them all.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use bowerbird::sync::{Event, oneshot};
use bowerbird::{ReturnWhen, Task, as_completed, sleep, spawn, time, wait, yield_now};
use bowerbird_tests::{Counted, catch, everywhere, on_workers, paused, turns, until};

const MS: Duration = Duration::from_millis(1);

fn nap(ms: u32) -> Task<u32> {
    spawn(async move {
        sleep(ms * MS).await;
        ms
    })
}

#[test]
fn test_wait() {
    paused(async {
        let start = time::now();
        let tasks = [nap(150), nap(100)];
        let (done, pending) = wait(&tasks, ReturnWhen::AllCompleted).await;
        assert_eq!((done.len(), pending.len()), (2, 0));
        assert_eq!(time::now() - start, 150 * MS);
        // Again takes no time.
        let (done, _) = wait(&tasks, ReturnWhen::AllCompleted).await;
        assert_eq!(done.len(), 2);
        assert_eq!(time::now() - start, 150 * MS);
        let [a, b] = tasks;
        assert_eq!((a.await.unwrap(), b.await.unwrap()), (150, 100));
    });
}

#[test]
fn test_wait_really_done() {
    on_workers(1, async {
        let a = spawn(yield_now());
        let b = spawn(async {
            yield_now().await;
            yield_now().await;
        });
        let (done, pending) = wait([b, a], ReturnWhen::FirstCompleted).await;
        assert!(!done.is_empty() && done.iter().all(|task| task.done()));
        assert!(pending.iter().all(|task| !task.done()));
    });
}

#[test]
fn test_wait_errors() {
    let caught = catch(|| wait(Vec::<Task<()>>::new(), ReturnWhen::AllCompleted));
    assert!(caught.message.contains("no tasks"), "{}", caught.message);
    assert_eq!(caught.file, file!());
}

#[test]
fn test_wait_first_completed() {
    paused(async {
        let start = time::now();
        let (a, b) = (nap(10_000), nap(100));
        let handle = a.handle();
        let (done, pending) = wait([b, a], ReturnWhen::FirstCompleted).await;
        assert_eq!(time::now() - start, 100 * MS);
        assert_eq!((done.len(), pending.len()), (1, 1));
        assert!(!handle.done());
        assert_eq!(done.into_iter().next().unwrap().await.unwrap(), 100);
        // The rest is waited for with what the first wait gave.
        let (done, pending) = wait(pending, ReturnWhen::FirstCompleted).await;
        assert_eq!((done.len(), pending.len()), (1, 0));
    });
}

#[test]
fn test_wait_first_exception() {
    paused(async {
        let a = nap(10_000);
        let b = spawn(async { panic!("err") });
        let handles = [b.handle(), a.handle()];
        let (done, pending) = wait(&handles, ReturnWhen::FirstException).await;
        assert_eq!((done, pending), (vec![&handles[0]], vec![&handles[1]]));
        assert!(b.await.map(|(): ()| ()).unwrap_err().is_panic());
    });
}

#[test]
fn test_wait_first_exception_in_wait() {
    paused(async {
        let start = time::now();
        let a = nap(10_000);
        let b = spawn(async {
            sleep(10 * MS).await;
            panic!("err")
        });
        let c = nap(5);
        let handles = [b.handle(), a.handle(), c.handle()];
        let (done, pending) = wait(&handles, ReturnWhen::FirstException).await;
        assert_eq!(done, [&handles[0], &handles[2]]);
        assert_eq!(pending, [&handles[1]]);
        assert_eq!(time::now() - start, 10 * MS);
        assert!(b.await.map(|(): ()| ()).unwrap_err().is_panic());
    });
}

#[test]
fn cancelled_task_is_no_exception_for_first_exception() {
    everywhere(|| async {
        let event = Arc::new(Event::new());
        let waited = event.clone();
        let tasks = [spawn(pending::<()>()), spawn(async move { waited.wait().await })];
        tasks[0].cancel();
        let first = wait(&tasks, ReturnWhen::FirstException).timeout(5 * MS);
        let (done, left) = first.await;
        assert_eq!((done.len(), left.len()), (1, 1));
        assert!(done[0].cancelled());
        event.set();
        let (done, left) = wait(&tasks, ReturnWhen::FirstException).await;
        assert_eq!((done.len(), left.len()), (2, 0));
    });
}

#[test]
fn test_wait_with_exception() {
    paused(async {
        let a = spawn(async { sleep(100 * MS).await });
        let b = spawn(async {
            sleep(150 * MS).await;
            panic!("really")
        });
        for _ in 0..2 {
            let (done, pending) = wait([&b, &a], ReturnWhen::AllCompleted).await;
            assert_eq!((done.len(), pending.len()), (2, 0));
            assert_eq!(done.iter().filter(|task| task.panicked()).count(), 1);
        }
        assert_eq!(b.await.unwrap_err().message(), Some("really"));
    });
}

#[test]
fn test_wait_with_timeout() {
    paused(async {
        let start = time::now();
        let (a, b) = (nap(100), nap(150));
        let (done, pending) = wait([&b, &a], ReturnWhen::AllCompleted).timeout(110 * MS).await;
        assert_eq!((done[0].id(), pending[0].id()), (a.id(), b.id()));
        assert_eq!(time::now() - start, 110 * MS);
        assert!(!b.done() && b.cancelling() == 0);
    });
}

#[test]
fn test_wait_concurrent_complete() {
    paused(async {
        let (a, b) = (nap(100), nap(150));
        let (done, pending) = wait([&b, &a], ReturnWhen::AllCompleted).timeout(100 * MS).await;
        assert_eq!((done.len(), pending.len()), (1, 1));
        assert_eq!((done[0].id(), pending[0].id()), (a.id(), b.id()));
    });
}

#[test]
fn timeout_of_zero_lets_what_is_ready_run_once() {
    on_workers(1, async {
        let tasks = [spawn(async { 1 }), spawn(pending())];
        let (done, pending) = wait(&tasks, ReturnWhen::AllCompleted).timeout(Duration::ZERO).await;
        assert_eq!((done.len(), pending.len()), (1, 1));
    });
}

#[test]
fn test_wait_does_not_shield_cancel() {
    everywhere(|| async {
        let (release, released) = oneshot::channel();
        let inner = Arc::new(spawn(released));
        let waited = inner.clone();
        let begun = Counted::new();
        let count = begun.clone();
        let outer = spawn(async move {
            count.add();
            wait([&*waited], ReturnWhen::AllCompleted).await;
            unreachable!("it is cancelled");
        });
        until(|| begun.get() == 1).await;
        turns(3).await;
        outer.cancel();
        assert!(outer.await.unwrap_err().is_cancelled());
        assert!(!inner.done() && inner.cancelling() == 0);
        release.send(1).unwrap();
        assert_eq!(Arc::into_inner(inner).unwrap().await.unwrap(), Ok(1));
    });
}

#[test]
fn offered_cancel_beats_a_task_that_ends_in_the_same_turn() {
    on_workers(1, async {
        for way in 0..2 {
            let (release, released) = oneshot::channel();
            let inner = spawn(released);
            let handle = inner.handle();
            let went_on = Counted::new();
            let count = went_on.clone();
            let outer = spawn(async move {
                if way == 0 {
                    wait([&handle], ReturnWhen::AllCompleted).await;
                } else {
                    as_completed([inner]).next().await;
                }
                count.add();
            });
            turns(3).await;
            release.send(1).unwrap();
            outer.cancel();
            assert!(outer.await.unwrap_err().is_cancelled());
            assert_eq!(went_on.get(), 0);
        }
    });
}

#[test]
fn wait_that_is_dropped_is_forgotten_by_its_tasks() {
    everywhere(|| async {
        let (release, released) = oneshot::channel();
        let task = spawn(released);
        for _ in 0..100 {
            let _over = wait([&task], ReturnWhen::FirstCompleted).timeout(Duration::ZERO).await;
        }
        release.send(()).unwrap();
        let (done, _) = wait([&task], ReturnWhen::FirstCompleted).await;
        assert_eq!(done.len(), 1);
    });
}

#[test]
fn many_tasks_are_waited_for() {
    everywhere(|| async {
        let tasks: Vec<_> = (0..3_000_u64)
            .map(|n| {
                spawn(async move {
                    for _ in 0..n % 4 {
                        yield_now().await;
                    }
                })
            })
            .collect();
        let (done, pending) = wait(&tasks, ReturnWhen::AllCompleted).await;
        assert_eq!((done.len(), pending.len()), (3_000, 0));
    });
}

#[test]
fn test_as_completed() {
    paused(async {
        let start = time::now();
        let mut ends = as_completed([nap(20), nap(150), nap(10)]);
        assert_eq!(ends.remaining(), 3);
        let mut order = Vec::new();
        while let Some((index, result)) = ends.next().await {
            order.push((index, result.unwrap()));
        }
        assert_eq!(order, [(2, 10), (0, 20), (1, 150)]);
        assert_eq!(time::now() - start, 150 * MS);
        assert_eq!(ends.remaining(), 0);
    });
}

#[test]
fn tasks_that_have_ended_before_come_first_in_their_order() {
    everywhere(|| async {
        let (release, released) = oneshot::channel();
        let late = spawn(async move {
            released.await.unwrap();
            0
        });
        let early = [spawn(async { 1 }), spawn(async { 2 })];
        until(|| early.iter().all(|task| task.done())).await;
        let mut ends = as_completed([late].into_iter().chain(early));
        release.send(()).unwrap();
        for expected in [(1, 1), (2, 2), (0, 0)] {
            let (index, result) = ends.next().await.unwrap();
            assert_eq!((index, result.unwrap()), expected);
        }
        assert!(ends.next().await.is_none());
    });
}

#[test]
fn test_as_completed_with_timeout() {
    paused(async {
        let start = time::now();
        let mut ends = as_completed([nap(100), nap(150)]).timeout(120 * MS);
        let (index, result) = ends.next().await.unwrap().unwrap();
        assert_eq!((index, result.unwrap()), (0, 100));
        assert!(ends.next().await.unwrap().is_err());
        assert_eq!(time::now() - start, 120 * MS);
        assert!(ends.next().await.is_none());
        // The rest is not cancelled.
        let (index, task) = ends.into_pending().pop().unwrap();
        assert_eq!((index, task.await.unwrap()), (1, 150));
    });
}

#[test]
fn test_as_completed_with_unused_timeout() {
    paused(async {
        let mut ends = as_completed([nap(10)]).timeout(1_000 * MS);
        assert!(ends.next().await.unwrap().is_ok());
        assert!(ends.next().await.is_none());
    });
}

#[test]
fn what_has_ended_comes_before_the_timeout() {
    paused(async {
        let mut ends = as_completed([nap(10), nap(500)]).timeout(50 * MS);
        sleep(100 * MS).await;
        assert!(ends.next().await.unwrap().is_ok());
        assert!(ends.next().await.unwrap().is_err());
    });
}

#[test]
fn test_as_completed_empty() {
    everywhere(|| async {
        let mut none = as_completed(Vec::<Task<()>>::new());
        assert!(none.next().await.is_none());
    });
}

#[test]
fn ends_without_a_value_are_results() {
    everywhere(|| async {
        let cancelled = spawn(pending::<()>());
        cancelled.cancel_with("gone");
        let mut ends = as_completed([cancelled, spawn(async { panic!("boom") })]);
        let mut messages = Vec::new();
        while let Some((index, result)) = ends.next().await {
            messages.push((index, result.unwrap_err().message().unwrap().to_owned()));
        }
        messages.sort();
        assert_eq!(messages, [(0, "gone".to_owned()), (1, "boom".to_owned())]);
    });
}

#[test]
fn cancelled_awaiter_leaves_the_tasks_alone() {
    everywhere(|| async {
        let (release, released) = oneshot::channel();
        let task = spawn(released);
        let handle = task.handle();
        let outer = spawn(async move {
            as_completed([task]).next().await;
            unreachable!("it is cancelled");
        });
        turns(5).await;
        outer.cancel();
        assert!(outer.await.unwrap_err().is_cancelled());
        assert!(!handle.done() && handle.cancelling() == 0);
        release.send(()).unwrap();
        handle.wait().await;
        assert!(!handle.cancelled());
    });
}

#[test]
fn next_that_is_dropped_loses_nothing() {
    paused(async {
        let mut ends = as_completed([nap(10), nap(20)]);
        assert!(bowerbird::timeout(5 * MS, ends.next()).await.is_err());
        assert_eq!(ends.next().await.unwrap().1.unwrap(), 10);
        assert_eq!(ends.next().await.unwrap().1.unwrap(), 20);
    });
}

#[test]
fn many_tasks_come_each_once() {
    everywhere(|| async {
        let mut ends = as_completed((0..3_000_usize).map(|n| {
            spawn(async move {
                for _ in 0..n % 5 {
                    yield_now().await;
                }
                n
            })
        }));
        let mut seen = vec![false; 3_000];
        while let Some((index, result)) = ends.next().await {
            assert_eq!(result.unwrap(), index);
            assert!(!std::mem::replace(&mut seen[index], true));
        }
        assert!(seen.into_iter().all(|it| it));
    });
}

#[test]
fn test_wait_duplicate_coroutines() {
    everywhere(|| async {
        let (c, spam) = (spawn(async { "test" }), spawn(async { "spam" }));
        let (done, pending) = wait([&c, &c, &spam], ReturnWhen::AllCompleted).await;
        assert_eq!((done.len(), pending.len()), (3, 0));
        assert_eq!((c.await.unwrap(), spam.await.unwrap()), ("test", "spam"));
    });
}

#[test]
fn test_wait_generator() {
    everywhere(|| async {
        let tasks = (0..10).map(|n| spawn(async move { n }));
        let (done, pending) = wait(tasks, ReturnWhen::AllCompleted).await;
        assert_eq!((done.len(), pending.len()), (10, 0));
        for (n, task) in done.into_iter().enumerate() {
            assert_eq!(task.await.unwrap(), n);
        }
    });
}

#[test]
fn test_as_completed_resume_iterator() {
    everywhere(|| async {
        let mut ends = as_completed((0..4).map(|n| spawn(async move { n })));
        let mut collected = Vec::new();
        while let Some((_, result)) = ends.next().await {
            collected.push(result.unwrap());
            if collected.len() == 2 {
                break;
            }
        }
        assert_eq!(ends.remaining(), 2);
        while let Some((_, result)) = ends.next().await {
            collected.push(result.unwrap());
        }
        collected.sort();
        assert_eq!(collected, [0, 1, 2, 3]);
    });
}
