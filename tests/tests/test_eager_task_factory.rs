//! Eager tasks, after CPython's `test_eager_task_factory.py` (see tests/cpython/test_tasks.md). There a loop's
//! factory makes all tasks eager; here a task is by itself.

use std::future::pending;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use bowerbird::future::promise;
use bowerbird::runtime::Handle;
use bowerbird::{
    BoxError, Task, all_tasks, current_task, gather_iter, sleep, spawn_eager, staggered_race,
    task_group_send, time,
};
use bowerbird_tests::{everywhere, paused};

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn test_await_future_during_eager_step() {
    everywhere(|| async {
        let (sets, future) = promise();
        let task = spawn_eager(async move { sets.set_result("my message").unwrap() });
        assert!(task.done());
        assert_eq!(future.await.unwrap(), "my message");
    });
}

#[test]
fn test_cancellation_after_eager_completion() {
    everywhere(|| async {
        let task = spawn_eager(async { "finished without blocking" });
        assert!(!task.cancel(), "a finished task cannot be cancelled");
        assert!(!task.cancelled());
        assert_eq!(task.await.unwrap(), "finished without blocking");
    });
}

#[test]
fn test_cancellation_after_eager_step_blocks() {
    everywhere(|| async {
        let task = spawn_eager(async { sleep(1_000 * SECOND).await });
        assert!(task.cancel_with("cancellation message"));
        assert!(task.cancelling() > 0);
        let error = task.await.unwrap_err();
        assert!(error.is_cancelled());
        assert_eq!(error.message(), Some("cancellation message"));
    });
}

/// The running task is the same one before and after it waits.
#[test]
fn test_current_task() {
    paused(async {
        let (told, heard) = promise();
        let task = spawn_eager(async move {
            let own = current_task().unwrap();
            told.set_result(own.clone()).unwrap();
            sleep(SECOND).await;
            current_task().unwrap() == own
        });
        assert_eq!(heard.await.unwrap(), task.handle());
        assert!(task.await.unwrap());
    });
}

#[test]
fn test_all_tasks_with_eager_completion() {
    everywhere(|| async {
        let task = spawn_eager(async { all_tasks() });
        assert!(!all_tasks().contains(&task.handle()));
        let handle = task.handle();
        assert!(task.await.unwrap().contains(&handle));
    });
}

#[test]
fn test_all_tasks_with_blocking() {
    everywhere(|| async {
        let (go_on, gone_on) = promise::<()>();
        let task = spawn_eager(async move {
            let all = all_tasks();
            gone_on.await.unwrap();
            all
        });
        let handle = task.handle();
        assert!(all_tasks().contains(&handle));
        go_on.set_result(()).unwrap();
        assert!(task.await.unwrap().contains(&handle));
        assert!(!all_tasks().contains(&handle));
    });
}

/// Of `test_free_threading.py`.
#[test]
fn test_all_tasks_from_other_thread_includes_eager_tasks() {
    everywhere(|| async {
        let eager = Task::builder().name("EAGER").eager(true).spawn(pending::<()>());
        let normal = Task::builder().name("NORMAL").spawn(pending::<()>());
        let runtime = Handle::current();
        let there = std::thread::spawn(move || runtime.all_tasks()).join().unwrap();
        for task in [eager, normal] {
            assert!(there.contains(&task.handle()));
            task.cancel();
        }
    });
}

/// The attempts are tasks there and futures here; made of eager tasks they do the same.
#[test]
fn test_staggered_race_with_eager_tasks() {
    paused(async {
        let attempts = (0..3).map(|index| async move {
            let task = spawn_eager(async move {
                match index {
                    0 => pending().await,
                    1 => {
                        sleep(SECOND).await;
                        Ok("sleep1")
                    }
                    _ => Err("no good"),
                }
            });
            task.await.unwrap()
        });
        let won = staggered_race(attempts, SECOND / 4).await;
        assert_eq!(won, Ok((1, "sleep1")));
    });
}

#[test]
fn test_staggered_race_with_eager_tasks_no_delay() {
    paused(async {
        let start = time::now();
        let attempts = (0..3).map(|index| async move {
            let task = spawn_eager(async move {
                if index == 0 {
                    return Err("no good");
                }
                sleep(SECOND * u32::from(index == 1)).await;
                Ok(index)
            });
            task.await.unwrap()
        });
        // The second starts when the first has failed, and the third never.
        assert_eq!(staggered_race(attempts, Duration::MAX).await, Ok((1, 1)));
        assert_eq!(time::now() - start, SECOND);
    });
}

/// Eager tasks that spawn eager tasks, a hundred deep.
#[test]
fn test_awaitables_chain() {
    fn chain(depth: u32) -> Pin<Box<dyn Future<Output = u32> + Send>> {
        Box::pin(async move {
            match depth {
                0 => 0,
                _ => 1 + spawn_eager(chain(depth - 1)).await.unwrap(),
            }
        })
    }
    everywhere(|| async {
        let task = spawn_eager(chain(100));
        assert!(task.done(), "nobody had to wait");
        assert_eq!(task.await.unwrap(), 100);
    });
}

/// Trees of width 5 and depth 4: groups in children, gathers in children; 781 nodes each.
#[test]
fn test_recursive_taskgroups() {
    fn tree(depth: u32) -> Pin<Box<dyn Future<Output = Result<u32, BoxError>> + Send>> {
        Box::pin(async move {
            if depth == 0 {
                return Ok(1);
            }
            let sum = Arc::new(AtomicU32::new(1));
            let children = task_group_send(|group| {
                let sum = sum.clone();
                Box::pin(async move {
                    for _ in 0..5 {
                        let sum = sum.clone();
                        group.spawn(async move {
                            sum.fetch_add(tree(depth - 1).await?, Ordering::Relaxed);
                            Ok::<_, BoxError>(())
                        });
                    }
                    Ok(())
                })
            });
            children.await?;
            Ok(sum.load(Ordering::Relaxed))
        })
    }
    everywhere(|| async { assert_eq!(tree(4).await.unwrap(), 781) });
}

#[test]
fn test_recursive_gather() {
    fn tree(depth: u32) -> Pin<Box<dyn Future<Output = u32> + Send>> {
        Box::pin(async move {
            if depth == 0 {
                return 1;
            }
            1 + gather_iter((0..5).map(|_| tree(depth - 1))).await.iter().sum::<u32>()
        })
    }
    everywhere(|| async { assert_eq!(tree(4).await, 781) });
}
