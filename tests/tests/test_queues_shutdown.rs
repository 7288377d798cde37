//! The end of queues, and counting what is done: the mixins of CPython's `test_queues.py`, for all three queues, and
//! tasks that are cancelled in the middle (see tests/cpython/test_queues.md).

use std::sync::{Arc, Mutex};

use bowerbird::stream::StreamExt;
use bowerbird::sync::queue::{GetNowaitError, Order, PutNowaitError};
use bowerbird::sync::{LifoQueue, PriorityQueue, Queue, QueueShutDown};
use bowerbird::{spawn, yield_now};
use bowerbird_tests::{catch, everywhere, on_workers, turns};

const SHUT: QueueShutDown = QueueShutDown(());

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
    assert!(caught.file.ends_with("test_queues_shutdown.rs"), "{}", caught.file);
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
