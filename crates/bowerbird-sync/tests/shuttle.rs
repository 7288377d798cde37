//! Primitives put together, in random schedules: `cargo xtask shuttle`.
//!
//! loom explores each primitive alone, in `src/*/loom_tests.rs`; what several do together is beyond it. An
//! ordinary build compiles this file and does not run it.

use std::collections::HashSet;
use std::pin::pin;
use std::sync::Mutex as StdMutex;
use std::task::{Context, Waker};

use bowerbird_base::sync::{Arc, IS_MODEL, thread};
use bowerbird_sync::{Lock, Queue, Semaphore, oneshot};
use shuttle::future::block_on;
use shuttle::rand::{Rng, thread_rng};

/// Random schedules of one program. More with `SHUTTLE_ITERATIONS`.
fn check(program: impl Fn() + Send + Sync + 'static) {
    assert!(IS_MODEL, "an ordinary build has nothing to schedule: run `cargo xtask shuttle`");
    let iterations = std::env::var("SHUTTLE_ITERATIONS").ok().and_then(|count| count.parse().ok());
    shuttle::check_random(program, iterations.unwrap_or(20_000));
}

/// Polls a wait once and gives it up.
fn give_up<F: Future>(wait: F) -> bool {
    pin!(wait).poll(&mut Context::from_waker(Waker::noop())).is_ready()
}

/// Each item is got once, also beside waits that are given up, and `join` returns after the last `task_done`.
#[test]
fn queue_with_producers_consumers_and_deserters() {
    check(|| {
        let queue = Arc::new(Queue::new(2));
        let got = Arc::new(StdMutex::new(Vec::new()));
        let producers: Vec<_> = (0..2)
            .map(|producer| {
                let queue = queue.clone();
                thread::spawn(move || {
                    for item in 0..3 {
                        block_on(queue.put(producer * 10 + item)).unwrap();
                    }
                })
            })
            .collect();
        let consumers: Vec<_> = (0..2)
            .map(|_| {
                let (queue, got) = (queue.clone(), got.clone());
                thread::spawn(move || {
                    loop {
                        if thread_rng().gen_bool(0.3) {
                            // Given up: what it was handed stays in the queue.
                            let mut wait = pin!(queue.get());
                            let polled =
                                wait.as_mut().poll(&mut Context::from_waker(Waker::noop()));
                            if let std::task::Poll::Ready(Ok(item)) = polled {
                                got.lock().unwrap().push(item);
                                queue.task_done();
                            }
                            continue;
                        }
                        let Ok(item) = block_on(queue.get()) else { return };
                        got.lock().unwrap().push(item);
                        queue.task_done();
                    }
                })
            })
            .collect();
        for producer in producers {
            producer.join().unwrap();
        }
        block_on(queue.join());
        queue.shutdown(false);
        for consumer in consumers {
            consumer.join().unwrap();
        }
        let got = got.lock().unwrap();
        assert_eq!(got.len(), 6);
        assert_eq!(got.iter().collect::<HashSet<_>>().len(), 6);
    });
}

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
                            give_up(lock.lock());
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
                    give_up(pair.0.acquire_many(2));
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

/// A request and its answer over two one-value channels, with a worker that may go away.
#[test]
fn request_and_answer_with_a_worker_that_may_go_away() {
    check(|| {
        let queue = Arc::new(Queue::new(1));
        let worker = {
            let queue = queue.clone();
            thread::spawn(move || {
                for _ in 0..2 {
                    let Ok((number, answer)) = block_on(queue.get()) else { return };
                    let answer: oneshot::Sender<u32> = answer;
                    if thread_rng().gen_bool(0.8) {
                        let _asker_is_there = answer.send(number * 2);
                    }
                }
                queue.shutdown(true);
            })
        };
        for number in 0..3 {
            let (answer, answered) = oneshot::channel();
            if block_on(queue.put((number, answer))).is_err() {
                break;
            }
            if let Ok(answer) = block_on(answered) {
                assert_eq!(answer, number * 2);
            }
        }
        queue.shutdown(true);
        worker.join().unwrap();
    });
}
