//! Queues, after CPython's `test_queues.py` (see tests/cpython/test_queues.md).

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bowerbird::stream::StreamExt;
use bowerbird::sync::queue::{GetNowaitError, Order, PutNowaitError};
use bowerbird::sync::{LifoQueue, PriorityQueue, Queue, QueueShutDown};
use bowerbird::{create_task, sleep, spawn, task_group, timeout, yield_now};
use bowerbird_tests::{catch, everywhere, on_workers, paused, turns, until};

const SHUT: QueueShutDown = QueueShutDown(());

// ----- QueueBasicTests -------------------------------------------------------------------------------

#[test]
fn test_repr() {
    on_workers(1, async {
        let queue = Arc::new(Queue::new(0));
        assert!(format!("{queue:?}").starts_with("Queue { maxsize: 0"));
        let getter = spawn({
            let queue = queue.clone();
            async move { queue.get().await }
        });
        yield_now().await;
        assert!(format!("{queue:?}").contains("getters: 1"));
        queue.put_nowait(0).unwrap();
        assert_eq!(getter.await.unwrap(), Ok(0));

        let queue = Arc::new(Queue::new(1));
        queue.put_nowait(1).unwrap();
        let putter = spawn({
            let queue = queue.clone();
            async move { queue.put(2).await }
        });
        yield_now().await;
        assert!(format!("{queue:?}").contains("putters: 1"));
        queue.get_nowait().unwrap();
        putter.await.unwrap().unwrap();
        assert!(format!("{queue:?}").contains("qsize: 1"));
    });
}

#[test]
fn test_empty() {
    on_workers(1, async {
        let queue = Queue::new(0);
        assert!(queue.empty());
        queue.put(1).await.unwrap();
        assert!(!queue.empty());
        assert_eq!(queue.get().await, Ok(1));
        assert!(queue.empty());
    });
}

#[test]
fn test_full() {
    on_workers(1, async {
        assert!(!Queue::<u8>::new(0).full());
        let queue = Queue::new(1);
        queue.put(1).await.unwrap();
        assert!(queue.full());
    });
}

async fn order<O: Order<u8>>(queue: &Queue<u8, O>) -> Vec<u8> {
    for item in [1, 3, 2] {
        queue.put(item).await.unwrap();
    }
    queue.shutdown(false);
    queue.stream().collect().await
}

#[test]
fn test_order() {
    on_workers(1, async {
        assert_eq!(order(&Queue::new(0)).await, [1, 3, 2]);
        assert_eq!(order(&LifoQueue::new(0)).await, [2, 3, 1]);
        assert_eq!(order(&PriorityQueue::new(0)).await, [1, 2, 3]);
    });
}

#[test]
fn test_maxsize() {
    on_workers(1, async {
        let queue = Arc::new(Queue::new(2));
        assert_eq!(queue.maxsize(), 2);
        let have_been_put = Arc::new(Mutex::new(Vec::new()));
        let putter = create_task({
            let (queue, have_been_put) = (queue.clone(), have_been_put.clone());
            async move {
                for item in 0..3 {
                    queue.put(item).await.unwrap();
                    have_been_put.lock().unwrap().push(item);
                }
            }
        });
        turns(2).await;
        assert_eq!(*have_been_put.lock().unwrap(), [0, 1]);
        assert_eq!(queue.get().await, Ok(0));
        yield_now().await;
        assert_eq!(*have_been_put.lock().unwrap(), [0, 1, 2]);
        assert_eq!((queue.get().await, queue.get().await), (Ok(1), Ok(2)));
        assert!(putter.done());
    });
}

// ----- QueueGetTests ---------------------------------------------------------------------------------

#[test]
fn test_blocking_get() {
    on_workers(1, async {
        let queue = Queue::new(0);
        queue.put_nowait(1).unwrap();
        assert_eq!(queue.get().await, Ok(1));
    });
}

/// test_get_with_putters, test_get_with_waiting_putters
#[test]
fn test_get_with_waiting_putters() {
    everywhere(|| async {
        let queue = Arc::new(Queue::new(1));
        for item in ["a", "b"] {
            let queue = queue.clone();
            drop(spawn(async move { queue.put(item).await.unwrap() }));
        }
        let mut got = [queue.get().await.unwrap(), queue.get().await.unwrap()];
        got.sort_unstable();
        assert_eq!(got, ["a", "b"]);
    });
}

#[test]
fn test_blocking_get_wait() {
    paused(async {
        let queue = Arc::new(Queue::new(0));
        let getter = spawn({
            let queue = queue.clone();
            async move { queue.get().await }
        });
        yield_now().await;
        assert!(!getter.done());
        sleep(Duration::from_millis(10)).await;
        queue.put_nowait(1).unwrap();
        assert_eq!(getter.await.unwrap(), Ok(1));
    });
}

/// test_nonblocking_get, test_nonblocking_get_exception
#[test]
fn test_nonblocking_get() {
    let queue = Queue::new(0);
    queue.put_nowait(1).unwrap();
    assert_eq!(queue.get_nowait(), Ok(1));
    assert_eq!(queue.get_nowait(), Err(GetNowaitError::QueueEmpty));
}

#[test]
fn test_get_cancelled_race() {
    on_workers(1, async {
        let queue = Arc::new(Queue::new(0));
        let get = || {
            let queue = queue.clone();
            spawn(async move { queue.get().await })
        };
        let (first, second) = (get(), get());
        yield_now().await;
        first.cancel();
        yield_now().await;
        assert!(first.done());
        queue.put("a").await.unwrap();
        assert_eq!(second.await.unwrap(), Ok("a"));
    });
}

#[test]
fn test_why_are_getters_waiting() {
    everywhere(|| async {
        let queue = Arc::new(Queue::new(1));
        let producer = spawn({
            let queue = queue.clone();
            async move {
                for item in 0..5 {
                    queue.put(item).await.unwrap();
                }
            }
        });
        for item in 0..5 {
            assert_eq!(queue.get().await, Ok(item));
        }
        producer.await.unwrap();
    });
}

#[test]
fn test_cancelled_getters_not_being_held_in_self_getters() {
    paused(async {
        let queue = Queue::<u8>::new(5);
        timeout(Duration::from_millis(100), queue.get()).await.unwrap_err();
        assert_eq!(queue.statistics().getters, 0);
    });
}

// ----- QueuePutTests ---------------------------------------------------------------------------------

#[test]
fn test_blocking_put() {
    on_workers(1, async {
        let queue = Queue::new(0);
        queue.put(1).await.unwrap();
        assert_eq!(queue.get().await, Ok(1));
    });
}

#[test]
fn test_blocking_put_wait() {
    paused(async {
        let queue = Arc::new(Queue::new(1));
        let putter = spawn({
            let queue = queue.clone();
            async move {
                queue.put(1).await.unwrap();
                queue.put(2).await.unwrap();
            }
        });
        yield_now().await;
        assert!(!putter.done());
        sleep(Duration::from_millis(10)).await;
        queue.get_nowait().unwrap();
        putter.await.unwrap();
    });
}

#[test]
fn test_get_cancel_drop_one_pending_reader() {
    on_workers(1, async {
        let queue = Arc::new(Queue::new(0));
        let reader = spawn({
            let queue = queue.clone();
            async move { queue.get().await }
        });
        yield_now().await;
        queue.put_nowait(1).unwrap();
        queue.put_nowait(2).unwrap();
        reader.cancel();
        assert!(reader.await.unwrap_err().is_cancelled());
        assert_eq!(queue.get().await, Ok(1), "if it is 2, then 1 was dropped");
    });
}

#[test]
fn test_get_cancel_drop_many_pending_readers() {
    everywhere(|| async {
        let queue = Arc::new(Queue::new(0));
        let readers = [0; 3].map(|_| {
            let queue = queue.clone();
            spawn(async move { queue.get().await.unwrap() })
        });
        until(|| queue.statistics().getters == 3).await;
        let [first, second, third] = readers;
        first.cancel();
        queue.put_nowait(1).unwrap();
        queue.put_nowait(2).unwrap();
        assert!(first.await.unwrap_err().is_cancelled());
        let mut got = [second.await.unwrap(), third.await.unwrap()];
        got.sort_unstable();
        assert_eq!(got, [1, 2]);
    });
}

/// test_put_cancel_drop, test_cancelled_put_silence_value_error_exception
#[test]
fn test_put_cancel_drop() {
    on_workers(1, async {
        let queue = Arc::new(Queue::new(1));
        queue.put_nowait(1).unwrap();
        let writer = spawn({
            let queue = queue.clone();
            async move { queue.put(2).await.unwrap() }
        });
        yield_now().await;
        assert_eq!(queue.get_nowait(), Ok(1));
        writer.cancel();
        assert!(writer.await.unwrap_err().is_cancelled());
        queue.put(2).await.unwrap();
        assert_eq!((queue.get_nowait(), queue.qsize()), (Ok(2), 0));
    });
}

/// test_nonblocking_put, test_nonblocking_put_exception
#[test]
fn test_nonblocking_put() {
    let queue = Queue::new(1);
    queue.put_nowait(1).unwrap();
    assert_eq!(queue.put_nowait(2), Err(PutNowaitError::QueueFull(2)));
    assert_eq!(queue.get_nowait(), Ok(1));
}

#[test]
fn test_put_cancelled_race() {
    on_workers(1, async {
        let queue = Arc::new(Queue::new(1));
        let put = |item| {
            let queue = queue.clone();
            spawn(async move { queue.put(item).await.unwrap() })
        };
        let (a, b, c) = (put("a"), put("b"), put("X"));
        yield_now().await;
        assert!(a.done() && !b.done());
        c.cancel();
        yield_now().await;
        assert!(c.done());
        assert_eq!(queue.get_nowait(), Ok("a"));
        yield_now().await;
        assert_eq!(queue.get_nowait(), Ok("b"));
        b.await.unwrap();
    });
}

#[test]
fn test_put_with_waiting_getters() {
    on_workers(1, async {
        let queue = Arc::new(Queue::new(0));
        let getter = spawn({
            let queue = queue.clone();
            async move { queue.get().await }
        });
        yield_now().await;
        queue.put("a").await.unwrap();
        assert_eq!(getter.await.unwrap(), Ok("a"));
    });
}

#[test]
fn test_why_are_putters_waiting() {
    on_workers(1, async {
        let queue = Arc::new(Queue::new(2));
        task_group(async |group| {
            group.spawn({
                let queue = queue.clone();
                async move {
                    yield_now().await;
                    for _ in 0..queue.qsize() {
                        queue.get_nowait().unwrap();
                    }
                }
            });
            for item in 0..4 {
                let queue = queue.clone();
                group.spawn(async move { queue.put(item).await.unwrap() });
            }
            Ok(())
        })
        .await
        .unwrap();
        assert_eq!(queue.qsize(), 2);
    });
}

#[test]
fn test_cancelled_puts_not_being_held_in_self_putters() {
    on_workers(1, async {
        let queue = Arc::new(Queue::new(1));
        queue.put_nowait(1).unwrap();
        let putter = spawn({
            let queue = queue.clone();
            async move { queue.put(2).await }
        });
        yield_now().await;
        assert_eq!(queue.statistics().putters, 1);
        putter.cancel();
        assert!(putter.await.unwrap_err().is_cancelled());
        assert_eq!(queue.statistics().putters, 0);
    });
}

// ----- of all three queues ---------------------------------------------------------------------------

async fn refuses<O: Order<&'static str>>(queue: &Queue<&'static str, O>) {
    assert_eq!(queue.put("data").await, Err(QueueShutDown("data")));
    assert_eq!(queue.put_nowait("data"), Err(PutNowaitError::QueueShutDown("data")));
    assert_eq!(queue.get().await, Err(SHUT));
    assert_eq!(queue.get_nowait(), Err(GetNowaitError::QueueShutDown));
}

fn too_many(call: impl FnOnce()) {
    let caught = catch(call);
    assert!(caught.message.contains("too many times"), "{}", caught.message);
    assert!(caught.file.ends_with("test_queues.rs"), "{}", caught.file);
}

macro_rules! of_all_queues {
    ($($module:ident: $queue:ident),*) => {$(mod $module {
        use super::*;

        #[test]
        fn test_task_done_underflow() {
            too_many(|| $queue::<u8>::new(0).task_done());
        }

        #[test]
        fn test_task_done() {
            everywhere(|| async {
                let (queue, sum) = (Arc::new($queue::new(0)), Arc::new(Mutex::new(0)));
                for item in 0..100 {
                    queue.put_nowait(item).unwrap();
                }
                let workers = [0; 2].map(|_| {
                    let (queue, sum) = (queue.clone(), sum.clone());
                    spawn(async move {
                        while let Ok(item) = queue.get().await {
                            *sum.lock().unwrap() += item;
                            queue.task_done();
                        }
                    })
                });
                queue.join().await;
                assert_eq!(*sum.lock().unwrap(), (0..100).sum());
                queue.shutdown(false);
                for worker in workers {
                    worker.await.unwrap();
                }
            });
        }

        #[test]
        fn test_join_empty_queue() {
            on_workers(1, async {
                let queue = $queue::<u8>::new(0);
                queue.join().await;
                queue.join().await;
            });
        }

        #[test]
        fn test_format() {
            let queue = $queue::<u8>::new(0);
            let text = format!("{queue:?}");
            assert!(text.starts_with(concat!(stringify!($queue), " { maxsize: 0")), "{text}");
            queue.put_nowait(1).unwrap();
            assert!(format!("{queue:?}").contains("unfinished: 1"));
            queue.shutdown(false);
            assert!(format!("{queue:?}").contains("is_shut_down: true"));
        }

        #[test]
        fn test_shutdown_empty() {
            on_workers(1, async {
                let queue = Arc::new($queue::new(0));
                let get = spawn({
                    let queue = queue.clone();
                    async move { queue.get().await }
                });
                yield_now().await;
                queue.shutdown(false);
                assert_eq!(queue.qsize(), 0);
                queue.join().await;
                yield_now().await;
                assert!(get.done());
                assert_eq!(get.await.unwrap(), Err(SHUT));
                refuses(&queue).await;
            });
        }

        #[test]
        fn test_shutdown_nonempty() {
            on_workers(1, async {
                let queue = Arc::new($queue::new(1));
                queue.put_nowait("data").unwrap();
                let (join, put) = {
                    let (one, two) = (queue.clone(), queue.clone());
                    (spawn(async move { one.join().await }), spawn(async move { two.put("data2").await }))
                };
                yield_now().await;
                assert!(!put.done());
                queue.shutdown(false);
                assert_eq!(queue.qsize(), 1);
                yield_now().await;
                assert!(put.done());
                assert_eq!(put.await.unwrap(), Err(QueueShutDown("data2")));
                assert_eq!(queue.get().await, Ok("data"));
                yield_now().await;
                assert!(!join.done());
                refuses(&queue).await;
                queue.task_done();
                yield_now().await;
                assert!(join.done());
                too_many(|| queue.task_done());
            });
        }

        #[test]
        fn test_shutdown_immediate() {
            on_workers(1, async {
                let queue = Arc::new($queue::new(0));
                queue.put_nowait("data").unwrap();
                let join = spawn({
                    let queue = queue.clone();
                    async move { queue.join().await }
                });
                yield_now().await;
                queue.shutdown(true);
                assert_eq!(queue.qsize(), 0);
                yield_now().await;
                assert!(join.done());
                refuses(&queue).await;
                too_many(|| queue.task_done());
            });
        }

        #[test]
        fn test_shutdown_immediate_with_unfinished() {
            on_workers(1, async {
                let queue = Arc::new($queue::new(0));
                queue.put_nowait("data").unwrap();
                queue.put_nowait("data").unwrap();
                let join = spawn({
                    let queue = queue.clone();
                    async move { queue.join().await }
                });
                assert_eq!(queue.get().await, Ok("data"));
                queue.shutdown(true);
                assert_eq!(queue.qsize(), 0);
                yield_now().await;
                assert!(!join.done());
                refuses(&queue).await;
                queue.task_done();
                too_many(|| queue.task_done());
                yield_now().await;
                assert!(join.done());
            });
        }
    })*};
}

of_all_queues!(queue: Queue, lifo_queue: LifoQueue, priority_queue: PriorityQueue);

// ----- not in CPython's ------------------------------------------------------------------------------

/// Producers and consumers that are cancelled at random: nothing that was put is lost or doubled.
#[test]
fn cancelled_tasks_lose_and_double_nothing() {
    everywhere(|| async {
        let queue = Arc::new(Queue::new(3));
        let (put, got) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Mutex::new(Vec::new())));
        for round in 0..200_u32 {
            let putter = spawn({
                let (queue, put) = (queue.clone(), put.clone());
                async move {
                    for item in 0..4 {
                        queue.put(round * 4 + item).await.unwrap();
                        put.lock().unwrap().push(round * 4 + item);
                    }
                }
            });
            let getter = spawn({
                let (queue, got) = (queue.clone(), got.clone());
                async move {
                    for _ in 0..4 {
                        let item = queue.get().await.unwrap();
                        got.lock().unwrap().push(item);
                    }
                }
            });
            turns(round as usize % 5).await;
            let (first, second) = match round % 2 {
                0 => (&putter, &getter),
                _ => (&getter, &putter),
            };
            first.cancel();
            turns(round as usize % 3).await;
            second.cancel();
            putter.wait().await;
            getter.wait().await;
            while let Ok(item) = queue.get_nowait() {
                got.lock().unwrap().push(item);
            }
        }
        let (mut put, mut got) = (put.lock().unwrap().clone(), got.lock().unwrap().clone());
        put.sort_unstable();
        got.sort_unstable();
        assert_eq!(put, got);
        let end = queue.statistics();
        assert_eq!((end.getters, end.putters), (0, 0));
    });
}

/// Several producers, consumers and a shutdown: each item once, and those of one producer in its order.
#[test]
fn items_of_one_producer_come_in_its_order() {
    everywhere(|| async {
        let queue = Arc::new(Queue::new(5));
        let producers = [0, 1, 2].map(|number| {
            let queue = queue.clone();
            spawn(async move {
                for item in 0..500 {
                    queue.put((number, item)).await.unwrap();
                }
            })
        });
        let consumers = [0; 2].map(|_| {
            let queue = queue.clone();
            spawn(async move {
                let (mut last, mut count) = ([-1; 3], 0);
                let mut items = queue.stream();
                while let Some((number, item)) = items.next().await {
                    assert!(item > last[number], "{item} after {}", last[number]);
                    (last[number], count) = (item, count + 1);
                }
                count
            })
        });
        for producer in producers {
            producer.await.unwrap();
        }
        queue.shutdown(false);
        let [one, two] = consumers;
        assert_eq!(one.await.unwrap() + two.await.unwrap(), 1500);
    });
}
