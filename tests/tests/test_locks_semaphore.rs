//! CPython's `SemaphoreTests`, and what semaphores promise in tasks. The map: tests/cpython/test_locks.md.
//!
//! A permit that a task keeps is forgotten, and `release` adds one: Python's two calls.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bowerbird::sync::{BoundedSemaphore, CapacityLimiter, Semaphore};
use bowerbird::{Task, create_task, join, sleep, spawn, timeout, yield_now};
use bowerbird_tests::{Journal, everywhere, on_workers, paused, turns};

type Numbers = Arc<Mutex<Vec<u32>>>;

fn acquires(semaphore: &Arc<Semaphore>, number: u32, result: &Numbers) -> Task<()> {
    let (semaphore, result) = (semaphore.clone(), result.clone());
    create_task(async move {
        semaphore.acquire().await.unwrap().forget();
        result.lock().unwrap().push(number);
    })
}

async fn acquire(semaphore: &Semaphore) {
    semaphore.acquire().await.unwrap().forget();
}

fn release(semaphore: &Semaphore) {
    semaphore.add_permits(1);
}

#[test]
fn test_initial_value_zero() {
    assert!(Semaphore::new(0).is_locked());
}

#[test]
fn test_repr() {
    on_workers(1, async {
        let semaphore = Arc::new(Semaphore::default());
        assert!(format!("{semaphore:?}").contains("available_permits: 1"));
        acquire(&semaphore).await;
        let waiters = [1, 2].map(|number| acquires(&semaphore, number, &Numbers::default()));
        turns(2).await;
        assert!(format!("{semaphore:?}").contains("tasks_waiting: 2"));
        drop(waiters.map(Task::cancel_on_drop));
    });
}

#[test]
fn test_acquire() {
    on_workers(1, async {
        let (semaphore, result) = (Arc::new(Semaphore::new(3)), Numbers::default());
        acquire(&semaphore).await;
        acquire(&semaphore).await;
        assert!(!semaphore.is_locked());
        let [one, two, three] = [1, 2, 3].map(|number| acquires(&semaphore, number, &result));
        turns(1).await;
        assert_eq!(*result.lock().unwrap(), [1]);
        assert!(semaphore.is_locked() && semaphore.statistics().tasks_waiting == 2);
        let four = acquires(&semaphore, 4, &result);
        release(&semaphore);
        release(&semaphore);
        assert_eq!(semaphore.available_permits(), 0);
        turns(2).await;
        assert_eq!(*result.lock().unwrap(), [1, 2, 3]);
        assert!(semaphore.is_locked() && semaphore.statistics().tasks_waiting == 1);
        assert!(one.done() && two.done() && three.done() && !four.done());
        release(&semaphore);
        four.await.unwrap();
    });
}

#[test]
fn test_acquire_cancel() {
    on_workers(1, async {
        let semaphore = Arc::new(Semaphore::default());
        acquire(&semaphore).await;
        let task = acquires(&semaphore, 1, &Numbers::default());
        turns(1).await;
        task.cancel();
        assert!(task.await.unwrap_err().is_cancelled());
        assert_eq!(semaphore.statistics().tasks_waiting, 0);
    });
}

#[test]
fn test_acquire_cancel_before_awoken() {
    on_workers(1, async {
        let (semaphore, result) = (Arc::new(Semaphore::new(0)), Numbers::default());
        let tasks = [1, 2, 3, 4].map(|number| acquires(&semaphore, number, &result));
        turns(1).await;
        tasks[0].cancel();
        tasks[1].cancel();
        release(&semaphore);
        turns(4).await;
        assert!(tasks[2].done() && !tasks[3].done());
        assert_eq!(*result.lock().unwrap(), [3]);
        tasks[3].cancel();
    });
}

#[test]
fn test_acquire_hang() {
    on_workers(1, async {
        let semaphore = Arc::new(Semaphore::new(0));
        let [one, two] = [1, 2].map(|number| acquires(&semaphore, number, &Numbers::default()));
        turns(1).await;
        one.cancel();
        release(&semaphore);
        turns(4).await;
        assert!(semaphore.is_locked() && two.done());
    });
}

#[test]
fn test_acquire_no_hang() {
    on_workers(1, async {
        let semaphore = Arc::new(Semaphore::new(1));
        let second = Arc::new(Mutex::new(None::<Task<()>>));
        let first = create_task({
            let (semaphore, second) = (semaphore.clone(), second.clone());
            async move {
                let permit = semaphore.acquire().await.unwrap();
                yield_now().await;
                drop(permit);
                second.lock().unwrap().as_ref().unwrap().cancel();
            }
        });
        *second.lock().unwrap() = Some(create_task({
            let semaphore = semaphore.clone();
            async move {
                let _permit = semaphore.acquire().await.unwrap();
                unreachable!("it is cancelled in the turn in which it is served");
            }
        }));
        first.await.unwrap();
        let second = second.lock().unwrap().take().unwrap();
        assert!(second.await.unwrap_err().is_cancelled());
        drop(timeout(Duration::from_secs(10), semaphore.acquire()).await.unwrap().unwrap());
    });
}

#[test]
fn test_release_not_acquired() {
    let error = BoundedSemaphore::default().release().unwrap_err();
    assert!(error.to_string().contains("each of its 1 permits"), "{error}");
}

#[test]
fn test_release_no_waiters() {
    on_workers(1, async {
        let semaphore = Semaphore::default();
        acquire(&semaphore).await;
        assert!(semaphore.is_locked());
        release(&semaphore);
        assert!(!semaphore.is_locked());
    });
}

#[test]
fn test_acquire_fifo_order() {
    paused(async {
        let (semaphore, journal) = (Arc::new(Semaphore::new(1)), Journal::new());
        let tasks = ["c1", "c2", "c3"].map(|tag| {
            let (semaphore, journal) = (semaphore.clone(), journal.clone());
            spawn(async move {
                for round in [1, 2] {
                    acquire(&semaphore).await;
                    journal.note(format!("{tag}_{round}"));
                    sleep(Duration::from_millis(10)).await;
                    release(&semaphore);
                }
            })
        });
        for task in tasks {
            task.await.unwrap();
        }
        journal.expect(&["c1_1", "c2_1", "c3_1", "c1_2", "c2_2", "c3_2"]);
    });
}

/// The third task was handed a permit of its own, so the second need not wait for its turn: what is free, and
/// nobody waits for, is taken at once.
#[test]
fn test_acquire_fifo_order_2() {
    on_workers(1, async {
        let (semaphore, result) = (Arc::new(Semaphore::new(1)), Numbers::default());
        let first = acquires(&semaphore, 1, &result);
        let second = create_task({
            let (semaphore, result) = (semaphore.clone(), result.clone());
            async move {
                acquire(&semaphore).await;
                result.lock().unwrap().push(2);
                release(&semaphore);
                acquire(&semaphore).await;
                result.lock().unwrap().push(4);
            }
        });
        let third = acquires(&semaphore, 3, &result);
        turns(1).await;
        release(&semaphore);
        release(&semaphore);
        for task in [first, second, third] {
            task.await.unwrap();
        }
        assert_eq!(*result.lock().unwrap(), [1, 2, 4, 3]);
    });
}

#[test]
fn test_acquire_fifo_order_3() {
    on_workers(1, async {
        let (semaphore, result) = (Arc::new(Semaphore::new(0)), Numbers::default());
        let [one, two, three] = [1, 2, 3].map(|number| acquires(&semaphore, number, &result));
        turns(1).await;
        one.cancel();
        turns(2).await;
        release(&semaphore);
        release(&semaphore);
        assert!(one.await.is_err());
        two.await.unwrap();
        three.await.unwrap();
        assert_eq!(*result.lock().unwrap(), [2, 3]);
    });
}

/// Permits that come together wake all whom they serve.
#[test]
fn test_acquire_fifo_order_4() {
    on_workers(1, async {
        let (semaphore, result) = (Arc::new(Semaphore::new(0)), Numbers::default());
        let tasks = [1, 2, 3].map(|number| acquires(&semaphore, number, &result));
        turns(1).await;
        semaphore.add_permits(3);
        turns(2).await;
        assert_eq!(*result.lock().unwrap(), [1, 2, 3]);
        assert!(tasks.iter().all(|task| task.done()));
    });
}

/// Permits of tasks that are cancelled at random places come back.
#[test]
fn cancelled_tasks_lose_no_permit() {
    everywhere(|| async {
        let semaphore = Arc::new(Semaphore::new(4));
        let tasks: Vec<_> = (0..100)
            .map(|number| {
                let semaphore = semaphore.clone();
                spawn(async move {
                    turns(number % 5).await;
                    let _permit = semaphore.acquire_many(1 + number % 4).await.unwrap();
                    turns(number % 3).await;
                })
            })
            .collect();
        for (number, task) in tasks.iter().enumerate().filter(|(number, _)| number % 3 == 0) {
            turns(number % 4).await;
            task.cancel();
        }
        for task in tasks {
            drop(task.await);
        }
        assert_eq!((semaphore.available_permits(), semaphore.is_locked()), (4, false));
    });
}

/// A limit that is lowered and raised while tasks are at work is kept in every turn.
#[test]
fn capacity_limiter_is_resized_at_work() {
    everywhere(|| async {
        let limiter = Arc::new(CapacityLimiter::new(2));
        let work = async {
            let tasks: Vec<_> = (0..60)
                .map(|number| {
                    let limiter = limiter.clone();
                    spawn(async move {
                        let _token = limiter.acquire_on_behalf_of(format!("task {number}")).await;
                        assert!(limiter.borrowed_tokens() <= 5);
                        turns(3).await;
                    })
                })
                .collect();
            for task in tasks {
                task.await.unwrap();
            }
        };
        let resize = async {
            for total in [5, 1, 0, 3, 2] {
                turns(10).await;
                limiter.set_total_tokens(total);
            }
        };
        join((work, resize)).await;
        assert_eq!((limiter.borrowed_tokens(), limiter.available_tokens()), (0, 2));
    });
}
