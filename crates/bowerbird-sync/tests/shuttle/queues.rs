//! Queues, alone and with one-value channels.

use std::collections::HashSet;
use std::sync::Mutex as StdMutex;
use std::task::Poll;

use bowerbird_base::sync::{Arc, thread};
use bowerbird_sync::{PriorityQueue, Queue, oneshot};
use shuttle::future::block_on;
use shuttle::rand::{Rng, thread_rng};

use super::{check, give_up, sometimes};

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
                            if let Poll::Ready(Ok(item)) = give_up(queue.get()) {
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

/// A queue that is shut down at once while others put and get: who waits goes on, and what was put is either got or
/// thrown away with the rest, after which nothing is unfinished but what was got and not done.
#[test]
fn queue_shut_down_at_once_leaves_nobody_waiting() {
    check(|| {
        let queue = Arc::new(PriorityQueue::new(1));
        let putter = {
            let queue = queue.clone();
            thread::spawn(move || (0..3).filter(|item| block_on(queue.put(*item)).is_ok()).count())
        };
        let getters: Vec<_> = (0..2)
            .map(|_| {
                let queue = queue.clone();
                thread::spawn(move || {
                    let mut got = 0;
                    loop {
                        if sometimes() {
                            let _is_over = give_up(queue.join());
                        }
                        let Ok(item) = block_on(queue.get_guard()) else { return got };
                        got += 1;
                        drop(item);
                    }
                })
            })
            .collect();
        let joiner = {
            let queue = queue.clone();
            thread::spawn(move || block_on(queue.join()))
        };
        thread::yield_now();
        queue.shutdown(true);
        let put = putter.join().unwrap();
        let got: usize = getters.into_iter().map(|getter| getter.join().unwrap()).sum();
        joiner.join().unwrap();
        assert!(got <= put, "{got} of {put}");
        let now = queue.statistics();
        assert_eq!((now.qsize, now.unfinished), (0, 0));
        assert_eq!((now.getters, now.putters, now.joiners), (0, 0, 0));
    });
}
