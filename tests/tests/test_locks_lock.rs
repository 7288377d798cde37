//! CPython's `LockTests`, and what a lock promises in tasks. The map: tests/cpython/test_locks.md.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bowerbird::sync::guards::RwLockUpgradableReadGuard;
use bowerbird::sync::{Lock, LockGuard, OwnedLockGuard, RwLock};
use bowerbird::{Task, create_task, sleep, spawn, timeout, yield_now};
use bowerbird_tests::{Journal, everywhere, on_workers, paused, turns};

/// What a task that has locked leaves behind: its number, and the guard that another one drops.
type Held = Arc<Mutex<(Vec<u32>, Option<OwnedLockGuard<()>>)>>;

fn locks(lock: &Arc<Lock<()>>, number: u32, held: &Held) -> Task<()> {
    let (lock, held) = (lock.clone(), held.clone());
    create_task(async move {
        let guard = lock.lock_owned().await;
        let mut held = held.lock().unwrap();
        held.0.push(number);
        held.1 = Some(guard);
    })
}

fn release(held: &Held) {
    let guard = held.lock().unwrap().1.take();
    drop(guard.expect("somebody has locked"));
}

#[test]
fn test_repr() {
    let lock = Lock::new(());
    assert!(format!("{lock:?}").contains("is_locked: false"));
    let _guard = lock.try_lock();
    assert!(format!("{lock:?}").contains("is_locked: true"));
}

#[test]
fn test_acquire() {
    on_workers(1, async {
        let (lock, held) = (Arc::new(Lock::new(())), Held::default());
        held.lock().unwrap().1 = Some(lock.lock_owned().await);
        let tasks = [locks(&lock, 1, &held), locks(&lock, 2, &held)];
        turns(2).await;
        assert_eq!(held.lock().unwrap().0, []);
        release(&held);
        turns(2).await;
        assert_eq!(held.lock().unwrap().0, [1]);
        let third = locks(&lock, 3, &held);
        release(&held);
        turns(2).await;
        assert_eq!(held.lock().unwrap().0, [1, 2]);
        release(&held);
        turns(2).await;
        assert_eq!(held.lock().unwrap().0, [1, 2, 3]);
        for task in tasks {
            task.await.unwrap();
        }
        third.await.unwrap();
    });
}

#[test]
fn test_acquire_cancel() {
    everywhere(|| async {
        let lock = Arc::new(Lock::new(()));
        let guard = lock.lock().await;
        let task = spawn({
            let lock = lock.clone();
            async move { drop(lock.lock().await) }
        });
        bowerbird_tests::until(|| lock.statistics().tasks_waiting == 1).await;
        task.cancel();
        assert!(task.await.unwrap_err().is_cancelled());
        assert_eq!(lock.statistics().tasks_waiting, 0);
        drop(guard);
        assert!(!lock.is_locked());
    });
}

/// One has the lock and two wait; the first of these is cancelled in the turn of the release.
#[test]
fn test_cancel_race() {
    on_workers(1, async {
        let lock = Arc::new(Lock::new(()));
        let guard = lock.lock().await;
        let waits = || {
            let lock = lock.clone();
            create_task(async move { drop(lock.lock().await) })
        };
        let (first, second) = (waits(), waits());
        turns(1).await;
        assert_eq!(lock.statistics().tasks_waiting, 2);
        drop(guard);
        first.cancel();
        second.await.unwrap();
        assert!(first.await.unwrap_err().is_cancelled());
        assert!(!lock.is_locked());
    });
}

/// The lock is released after the cancel, and goes to one task only.
#[test]
fn test_cancel_release_race() {
    on_workers(1, async {
        let (lock, held) = (Arc::new(Lock::new(())), Held::default());
        let guard = lock.lock().await;
        let tasks = [1, 2, 3].map(|number| locks(&lock, number, &held));
        turns(1).await;
        tasks[0].cancel();
        drop(guard);
        turns(3).await;
        assert_eq!(held.lock().unwrap().0, [2]);
        assert!(tasks[0].cancelled() && tasks[1].done() && !tasks[2].done());
        tasks[2].cancel();
        turns(2).await;
        assert!(tasks[2].cancelled());
        release(&held);
        assert!(!lock.is_locked());
    });
}

#[test]
fn test_finished_waiter_cancelled() {
    on_workers(1, async {
        let (lock, held) = (Arc::new(Lock::new(())), Held::default());
        let guard = lock.lock().await;
        let first = locks(&lock, 1, &held);
        turns(1).await;
        let second = locks(&lock, 2, &held);
        first.cancel();
        drop(guard);
        turns(2).await;
        assert!(lock.is_locked() && first.cancelled());
        second.await.unwrap();
        assert_eq!(held.lock().unwrap().0, [2]);
    });
}

#[test]
fn test_release_no_waiters() {
    on_workers(1, async {
        let lock = Lock::new(());
        let guard = lock.lock().await;
        assert!(lock.is_locked());
        drop(guard);
        assert!(!lock.is_locked());
    });
}

#[test]
fn guard_is_held_across_awaits_on_any_worker() {
    everywhere(|| async {
        let lock = Arc::new(Lock::new(0));
        let tasks: Vec<_> = (0..8)
            .map(|_| {
                let lock = lock.clone();
                spawn(async move {
                    for _ in 0..50 {
                        let mut guard = lock.lock().await;
                        let before = *guard;
                        yield_now().await;
                        *guard = before + 1;
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        assert_eq!(*lock.lock().await, 400);
    });
}

/// A timeout that comes while the lock is handed over: whichever of the two it is, the lock is not lost.
#[test]
fn timeout_in_the_turn_of_the_hand_over_loses_no_lock() {
    paused(async {
        let lock = Arc::new(Lock::new(()));
        for _ in 0..20 {
            let holder = spawn({
                let lock = lock.clone();
                async move {
                    let _guard = lock.lock().await;
                    sleep(Duration::from_millis(10)).await;
                }
            });
            turns(2).await;
            drop(timeout(Duration::from_millis(10), lock.lock()).await);
            holder.await.unwrap();
            assert!(!lock.is_locked());
        }
    });
}

/// Counts itself out, also where its task is cancelled.
struct Inside<'a>(LockGuard<'a, u32>);

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        *self.0 -= 1;
    }
}

/// Waiters and holders cancelled at random places: the lock is free at the end, and was never held twice.
#[test]
fn cancelled_tasks_lose_no_lock() {
    everywhere(|| async {
        let lock = Arc::new(Lock::new(0_u32));
        let tasks: Vec<_> = (0..100)
            .map(|number| {
                let lock = lock.clone();
                spawn(async move {
                    turns(number % 7).await;
                    let mut inside = Inside(lock.lock().await);
                    *inside.0 += 1;
                    assert_eq!(*inside.0, 1);
                    turns(number % 3).await;
                })
            })
            .collect();
        for (number, task) in tasks.iter().enumerate() {
            if number % 2 == 0 {
                turns(number % 5).await;
                task.cancel();
            }
        }
        let mut cancelled = 0;
        for task in tasks {
            match task.await {
                Ok(()) => {}
                Err(error) if error.is_cancelled() => cancelled += 1,
                Err(error) => panic!("{error}"),
            }
        }
        assert!(cancelled <= 50 && !lock.is_locked());
    });
}

#[test]
fn blocking_lock_in_a_task_panics_and_names_the_fix() {
    on_workers(1, async {
        let lock = Arc::new(Lock::new(()));
        let task = spawn(async move { drop(lock.blocking_lock()) });
        let text = task.await.unwrap_err().to_string();
        assert!(text.contains("Lock::blocking_lock()") && text.contains("lock()"), "{text}");
        assert!(text.contains("test_locks_lock.rs"), "{text}");
    });
}

/// Readers read together, the writer is not passed by, and who upgrades has seen the last value.
#[test]
fn rwlock_is_fair_among_tasks() {
    paused(async {
        let (lock, journal) = (Arc::new(RwLock::new(0)), Journal::new());
        let reads = |name: &'static str| {
            let (lock, journal) = (lock.clone(), journal.clone());
            spawn(async move {
                let guard = lock.read().await;
                journal.note(format!("{name} {}", *guard));
                sleep(Duration::from_millis(1)).await;
            })
        };
        let first = [reads("a"), reads("b")];
        turns(2).await;
        let writer = spawn({
            let (lock, journal) = (lock.clone(), journal.clone());
            async move {
                *lock.write().await += 1;
                journal.note("written");
            }
        });
        turns(2).await;
        let later = reads("c");
        turns(2).await;
        let upgraded = spawn({
            let lock = lock.clone();
            async move {
                let guard = lock.upgradable_read().await;
                let seen = *guard;
                *RwLockUpgradableReadGuard::upgrade(guard).await += 10;
                seen
            }
        });
        for task in first.into_iter().chain([writer, later]) {
            task.await.unwrap();
        }
        assert_eq!(upgraded.await.unwrap(), 1);
        journal.expect(&["a 0", "b 0", "written", "c 1"]);
        assert_eq!(*lock.read().await, 11);
    });
}
