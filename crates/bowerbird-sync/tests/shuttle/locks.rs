//! Locks and semaphores.

use bowerbird_base::sync::{Arc, thread};
use bowerbird_sync::{Lock, Semaphore};
use shuttle::future::block_on;
use shuttle::rand::{Rng, thread_rng};

use super::{check, give_up};

/// A lock that is handed to a wait that is given up goes on to the next.
#[test]
fn lock_and_waits_that_are_given_up() {
    check(|| {
        let lock = Arc::new(Lock::new(0));
        let threads: Vec<_> = (0..3)
            .map(|_| {
                let lock = lock.clone();
                thread::spawn(move || {
                    for _ in 0..3 {
                        if thread_rng().gen_bool(0.4) {
                            drop(give_up(lock.lock()));
                        } else {
                            let mut guard = block_on(lock.lock());
                            let before = *guard;
                            thread::yield_now();
                            *guard = before + 1;
                        }
                        *block_on(lock.lock()) += 0;
                    }
                })
            })
            .collect();
        for thread in threads {
            thread.join().unwrap();
        }
        let statistics = lock.statistics();
        assert!(!statistics.is_locked && statistics.tasks_waiting == 0);
    });
}

/// Permits that are split, merged and given up by threads are all back in the end, and never too many out.
#[test]
fn permits_of_two_semaphores_come_back() {
    check(|| {
        let pair = Arc::new((Semaphore::new(2), Semaphore::new(3)));
        let out = Arc::new(Lock::new(0));
        let threads: Vec<_> = (0..3)
            .map(|_| {
                let (pair, out) = (pair.clone(), out.clone());
                thread::spawn(move || {
                    drop(give_up(pair.0.acquire_many(2)));
                    let one = block_on(pair.0.acquire()).unwrap();
                    let mut many = block_on(pair.1.acquire_many(2)).unwrap();
                    let split = many.split(1);
                    *block_on(out.lock()) += 1;
                    assert!(*block_on(out.lock()) <= 1, "two of three permits each");
                    *block_on(out.lock()) -= 1;
                    drop((split, one, many));
                })
            })
            .collect();
        for thread in threads {
            thread.join().unwrap();
        }
        assert_eq!((pair.0.available_permits(), pair.1.available_permits()), (2, 3));
    });
}
