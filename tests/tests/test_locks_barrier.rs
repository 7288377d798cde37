//! CPython's `test_locks.py`: `Barrier`.
//!
//! `tests/cpython/test_locks.md` maps all of it.

use std::sync::Arc;

use bowerbird::sync::{Barrier, BarrierState};
use bowerbird::{Task, gather_iter, spawn};
use bowerbird_tests::{Counted, everywhere, on_workers, until};

const N: usize = 5;

fn barrier(parties: usize) -> Arc<Barrier> {
    Arc::new(Barrier::new(parties))
}

fn state(barrier: &Barrier) -> BarrierState {
    barrier.statistics().state
}

/// Runs `count` tasks and gives what they give.
async fn gather_tasks<F, Fut, T>(count: usize, task: F) -> Vec<T>
where
    F: Fn() -> Fut,
    Fut: Future<Output = T> + Send + 'static,
    T: Send + 'static,
{
    gather_iter((0..count).map(|_| task()).collect::<Vec<_>>()).await
}

/// What tasks give, all of which end well.
async fn outputs<T: Send + 'static>(tasks: impl IntoIterator<Item = Task<T>>) -> Vec<T> {
    gather_iter(tasks).await.into_iter().map(Result::unwrap).collect()
}

fn assert_filling(barrier: &Barrier) {
    assert_eq!(barrier.n_waiting(), 0);
    assert_eq!(state(barrier), BarrierState::Filling);
    assert!(!barrier.is_broken());
}

#[test]
fn test_repr() {
    on_workers(1, async {
        let barrier = barrier(N);
        assert!(format!("{barrier:?}").contains("Filling"));
        let wait = || {
            let barrier = barrier.clone();
            spawn(async move { barrier.wait().await })
        };
        let mut tasks = vec![wait(), wait()];
        until(|| barrier.n_waiting() == 2).await;
        assert!(format!("{barrier:?}").contains("tasks_inside: 2"));
        // What asyncio's loop does in a turn, by hand: the last comes, and nobody has left.
        let mut waits: Vec<_> = (0..N - 3).map(|_| barrier.wait()).collect();
        for wait in &mut waits {
            assert!(!is_ready(wait));
        }
        assert!(is_ready(&mut barrier.wait()));
        assert!(format!("{barrier:?}").contains("Draining"));
        barrier.reset();
        assert!(format!("{barrier:?}").contains("Resetting"));
        tasks.push(wait());
        barrier.abort();
        assert!(format!("{barrier:?}").contains("Broken"));
        assert!(barrier.is_broken());
        drop(waits);
        for task in tasks {
            assert!(task.await.unwrap().is_err());
        }
    });
}

fn is_ready<F: Future + Unpin>(future: &mut F) -> bool {
    let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
    std::pin::Pin::new(future).poll(&mut cx).is_ready()
}

#[test]
fn test_context_manager() {
    everywhere(|| async {
        let barrier = barrier(3);
        let mut results = gather_tasks(3, || {
            let barrier = barrier.clone();
            async move { barrier.wait().await.unwrap() }
        })
        .await;
        results.sort_unstable();
        assert_eq!(results, [0, 1, 2]);
        assert_filling(&barrier);
    });
}

#[test]
fn test_filling_one_task() {
    everywhere(|| async {
        let barrier = barrier(1);
        // Twice: test_filling_one_task_twice.
        assert_eq!(barrier.wait().await, Ok(0));
        assert_eq!(barrier.wait().await, Ok(0));
        assert_filling(&barrier);
    });
}

#[test]
fn test_filling_task_by_task() {
    everywhere(|| async {
        let barrier = barrier(3);
        let wait = || {
            let barrier = barrier.clone();
            spawn(async move { barrier.wait().await.unwrap() })
        };
        let first = wait();
        until(|| barrier.n_waiting() == 1).await;
        let second = wait();
        until(|| barrier.n_waiting() == 2).await;
        assert_eq!(state(&barrier), BarrierState::Filling);
        assert_eq!(outputs([first, second, wait()]).await, [0, 1, 2]);
        assert_filling(&barrier);
    });
}

#[test]
fn test_filling_tasks_wait_twice() {
    everywhere(|| async {
        let (barrier, results) = (barrier(N), Counted::new());
        gather_tasks(N, || {
            let (barrier, results) = (barrier.clone(), results.clone());
            async move {
                barrier.wait().await.unwrap();
                results.add();
                barrier.wait().await.unwrap();
                assert_eq!(results.get(), N);
            }
        })
        .await;
        assert_filling(&barrier);
    });
}

#[test]
fn test_filling_tasks_check_return_value() {
    everywhere(|| async {
        let barrier = barrier(N);
        let mut results = gather_tasks(N, || {
            let barrier = barrier.clone();
            async move {
                barrier.wait().await.unwrap();
                barrier.wait().await.unwrap()
            }
        })
        .await;
        results.sort_unstable();
        assert_eq!(results, (0..N).collect::<Vec<_>>());
    });
}

#[test]
fn test_draining_state() {
    on_workers(1, async {
        let barrier = barrier(N);
        let states = Arc::new(std::sync::Mutex::new(Vec::new()));
        gather_tasks(N, || {
            let (barrier, states) = (barrier.clone(), states.clone());
            async move {
                barrier.wait().await.unwrap();
                states.lock().unwrap().push(state(&barrier));
            }
        })
        .await;
        let states = states.lock().unwrap();
        assert_eq!(states[N - 1], BarrierState::Filling);
        assert!(states[..N - 1].iter().all(|state| *state == BarrierState::Draining));
    });
}

#[test]
fn test_blocking_tasks_while_draining() {
    everywhere(|| async {
        const REWAIT: usize = 2;
        let (barrier, others, first) = (barrier(N), barrier(N - REWAIT), Counted::new());
        gather_tasks(N, || {
            let (barrier, others, first) = (barrier.clone(), others.clone(), first.clone());
            async move {
                let index = barrier.wait().await.unwrap();
                if index >= REWAIT {
                    others.wait().await.unwrap();
                    first.add();
                }
                barrier.wait().await.unwrap();
                assert_eq!(first.get(), N - REWAIT);
            }
        })
        .await;
    });
}

#[test]
fn test_filling_tasks_cancel_one() {
    everywhere(|| async {
        let (barrier, results) = (barrier(3), Counted::new());
        let wait = || {
            let (barrier, results) = (barrier.clone(), results.clone());
            spawn(async move {
                let index = barrier.wait().await.unwrap();
                results.add();
                index
            })
        };
        let first = wait();
        until(|| barrier.n_waiting() == 1).await;
        let second = wait();
        until(|| barrier.n_waiting() == 2).await;
        first.cancel();
        assert!(first.await.unwrap_err().is_cancelled());
        assert_eq!(barrier.n_waiting(), 1);
        let third = wait();
        until(|| barrier.n_waiting() == 2).await;
        // asyncio gives the index 1 twice here.
        assert_eq!(outputs([second, third, wait()]).await, [0, 1, 2]);
        assert_eq!(results.get(), 3);
        assert_filling(&barrier);
    });
}

#[test]
fn test_reset_barrier() {
    let barrier = Barrier::new(1);
    barrier.reset();
    assert_filling(&barrier);
}

#[test]
fn test_reset_barrier_while_tasks_waiting() {
    everywhere(|| async {
        let barrier = barrier(N);
        let tasks: Vec<_> = (0..N - 1)
            .map(|_| {
                let barrier = barrier.clone();
                spawn(async move { barrier.wait().await })
            })
            .collect();
        until(|| barrier.n_waiting() == N - 1).await;
        barrier.reset();
        let results = outputs(tasks).await;
        assert!(results.iter().all(Result::is_err));
        assert_filling(&barrier);
    });
}

#[test]
fn test_reset_barrier_when_tasks_half_draining() {
    on_workers(1, async {
        let (barrier, broken) = (barrier(N), Counted::new());
        gather_tasks(N, || {
            let (barrier, broken) = (barrier.clone(), broken.clone());
            async move {
                match barrier.wait().await {
                    Err(_) => broken.add(),
                    Ok(_) if barrier.statistics().tasks_inside == N / 2 => barrier.reset(),
                    Ok(_) => {}
                }
            }
        })
        .await;
        assert_eq!(broken.get(), N / 2);
        assert_filling(&barrier);
    });
}

#[test]
fn test_reset_barrier_when_tasks_half_draining_half_blocking() {
    on_workers(1, async {
        let (barrier, count) = (barrier(N), Counted::new());
        let (inside, blocked) = (Counted::new(), Counted::new());
        gather_tasks(N, || {
            let (barrier, count) = (barrier.clone(), count.clone());
            let (inside, blocked) = (inside.clone(), blocked.clone());
            async move {
                if barrier.wait().await.is_err() {
                    inside.add();
                    barrier.wait().await.unwrap();
                    return;
                }
                count.add();
                if count.get() > N / 2 {
                    barrier.reset();
                    barrier.wait().await.unwrap();
                } else if barrier.wait().await.is_err() {
                    blocked.add();
                }
            }
        })
        .await;
        assert_eq!((inside.get(), blocked.get()), (N / 2, 0));
        assert_filling(&barrier);
    });
}

#[test]
fn test_reset_barrier_while_tasks_waiting_and_waiting_again() {
    everywhere(|| async {
        let (barrier, broken) = (barrier(N), Counted::new());
        let tasks: Vec<_> = (0..N - 1)
            .map(|_| {
                let (barrier, broken) = (barrier.clone(), broken.clone());
                spawn(async move {
                    assert!(barrier.wait().await.is_err());
                    broken.add();
                    barrier.wait().await.unwrap();
                })
            })
            .collect();
        until(|| barrier.n_waiting() == N - 1).await;
        barrier.reset();
        barrier.wait().await.unwrap();
        outputs(tasks).await;
        assert_eq!(broken.get(), N - 1);
        assert_filling(&barrier);
    });
}

#[test]
fn test_reset_barrier_while_tasks_draining() {
    on_workers(1, async {
        let (barrier, count) = (barrier(N), Counted::new());
        gather_tasks(N, || {
            let (barrier, count) = (barrier.clone(), count.clone());
            async move {
                barrier.wait().await.unwrap();
                count.add();
                if count.get() == N {
                    // The last that leaves: those who wait again were blocked, and nobody is inside.
                    barrier.reset();
                }
                barrier.wait().await.unwrap();
                barrier.wait().await.unwrap();
            }
        })
        .await;
        assert_filling(&barrier);
    });
}

#[test]
fn test_abort_barrier() {
    let barrier = Barrier::new(1);
    barrier.abort();
    assert_eq!(barrier.n_waiting(), 0);
    assert!(barrier.is_broken());
}

#[test]
fn test_abort_barrier_when_tasks_half_draining_half_blocking() {
    on_workers(1, async {
        let (barrier, count) = (barrier(N), Counted::new());
        let (inside, blocked) = (Counted::new(), Counted::new());
        gather_tasks(N, || {
            let (barrier, count) = (barrier.clone(), count.clone());
            let (inside, blocked) = (inside.clone(), blocked.clone());
            async move {
                if barrier.wait().await.is_err() {
                    inside.add();
                    return;
                }
                count.add();
                if count.get() > N / 2 {
                    barrier.abort();
                } else if barrier.wait().await.is_err() {
                    blocked.add();
                }
            }
        })
        .await;
        assert!(barrier.is_broken());
        assert_eq!((inside.get(), blocked.get()), (N / 2, N - N / 2 - 1));
        assert_eq!(barrier.n_waiting(), 0);
    });
}

#[test]
fn test_abort_barrier_when_exception() {
    everywhere(|| async {
        let (barrier, broken) = (barrier(N), Counted::new());
        gather_tasks(N, || {
            let (barrier, broken) = (barrier.clone(), broken.clone());
            async move {
                let first = barrier.wait().await;
                if first == Ok(N / 2) {
                    // It fails before the second wait, which the others would wait in for ever. Some may not have
                    // left the first.
                    barrier.abort();
                } else if first.is_err() || barrier.wait().await.is_err() {
                    broken.add();
                }
            }
        })
        .await;
        assert!(barrier.is_broken());
        assert_eq!((broken.get(), barrier.n_waiting()), (N - 1, 0));
    });
}

#[test]
fn test_abort_barrier_when_exception_then_resetting() {
    everywhere(|| async {
        let (first, second, broken) = (barrier(N), barrier(N), Counted::new());
        gather_tasks(N, || {
            let (first, second, broken) = (first.clone(), second.clone(), broken.clone());
            async move {
                let index = first.wait().await;
                if index == Ok(N / 2) {
                    first.abort();
                } else if index.is_err() || first.wait().await.is_err() {
                    broken.add();
                }
                // Everybody has left the first when it is reset, and nobody enters before.
                if second.wait().await.unwrap() == N / 2 {
                    first.reset();
                }
                second.wait().await.unwrap();
                first.wait().await.unwrap();
            }
        })
        .await;
        assert_eq!(broken.get(), N - 1);
        assert_filling(&first);
    });
}

/// More tasks than parties, round after round: nobody stays behind.
#[test]
fn groups_form_as_long_as_there_are_enough() {
    everywhere(|| async {
        let barrier = barrier(3);
        let passed = Counted::new();
        let tasks: Vec<_> = (0..7)
            .map(|_| {
                let (barrier, passed) = (barrier.clone(), passed.clone());
                spawn(async move {
                    while barrier.wait().await.is_ok() {
                        passed.add();
                    }
                })
            })
            .collect();
        until(|| passed.get() >= 300).await;
        barrier.abort();
        outputs(tasks).await;
        assert!(barrier.is_broken());
    });
}
