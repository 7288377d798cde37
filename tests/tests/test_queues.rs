//! Queues, after CPython's `test_queues.py` (see tests/cpython/test_queues.md).

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bowerbird::stream::StreamExt;
use bowerbird::sync::queue::{GetNowaitError, Order, PutNowaitError};
use bowerbird::sync::{LifoQueue, PriorityQueue, Queue};
use bowerbird::{create_task, sleep, spawn, task_group, timeout, yield_now};
use bowerbird_tests::{everywhere, on_workers, paused, turns, until};

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
