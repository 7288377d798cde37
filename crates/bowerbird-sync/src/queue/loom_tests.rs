use std::pin::Pin;
use std::task::{Context, Waker};

use bowerbird_base::sync::{Arc, thread};
use loom::future::block_on;

use super::Queue;

fn is_pending<F: Future + Unpin>(future: &mut F) -> bool {
    Pin::new(future).poll(&mut Context::from_waker(Waker::noop())).is_pending()
}

/// A get that comes while the item is put sees it, or is woken.
#[test]
fn get_races_with_put() {
    loom::model(|| {
        let queue = Arc::new(Queue::new(0));
        let putter = {
            let queue = queue.clone();
            thread::spawn(move || queue.put_nowait(1).unwrap())
        };
        assert_eq!(block_on(queue.get()), Ok(1));
        putter.join().unwrap();
        assert_eq!(queue.statistics().getters, 0);
    });
}

/// A get that is dropped while it is woken hands its turn on: the other one gets the item.
#[test]
fn get_dropped_while_it_is_woken() {
    loom::model(|| {
        let queue = Arc::new(Queue::new(0));
        let mut given_up = queue.get();
        assert!(is_pending(&mut given_up));
        let putter = {
            let queue = queue.clone();
            thread::spawn(move || queue.put_nowait(1).unwrap())
        };
        let other = {
            let queue = queue.clone();
            thread::spawn(move || assert_eq!(block_on(queue.get()), Ok(1)))
        };
        drop(given_up);
        putter.join().unwrap();
        other.join().unwrap();
    });
}

/// A put that is dropped while a place becomes free hands the place on, and has not put.
#[test]
fn put_dropped_while_it_is_woken() {
    loom::model(|| {
        let queue = Arc::new(Queue::new(1));
        queue.put_nowait(1).unwrap();
        let mut given_up = queue.put(2);
        assert!(is_pending(&mut given_up));
        let getter = {
            let queue = queue.clone();
            thread::spawn(move || assert_eq!(queue.get_nowait(), Ok(1)))
        };
        let other = {
            let queue = queue.clone();
            thread::spawn(move || block_on(queue.put(3)).unwrap())
        };
        drop(given_up);
        getter.join().unwrap();
        other.join().unwrap();
        assert_eq!(queue.get_nowait(), Ok(3));
        assert!(queue.empty());
    });
}

/// What a get that was woken is robbed of, it waits for again.
#[test]
fn get_nowait_races_with_one_that_was_woken() {
    loom::model(|| {
        let queue = Arc::new(Queue::new(0));
        let getter = {
            let queue = queue.clone();
            thread::spawn(move || block_on(queue.get()).unwrap())
        };
        queue.put_nowait(1).unwrap();
        if let Ok(stolen) = queue.get_nowait() {
            queue.put_nowait(stolen + 1).unwrap();
        }
        assert!(getter.join().unwrap() <= 2);
        assert!(queue.empty());
    });
}

/// Shut down while one waits to get and one to put: both end.
#[test]
fn shutdown_races_with_a_get_and_a_put() {
    loom::model(|| {
        let queue = Arc::new(Queue::new(1));
        queue.put_nowait(1).unwrap();
        let putter = {
            let queue = queue.clone();
            thread::spawn(move || block_on(queue.put(2)).is_ok())
        };
        let closer = {
            let queue = queue.clone();
            thread::spawn(move || queue.shutdown(false))
        };
        let mut count = 0;
        while block_on(queue.get()).is_ok() {
            count += 1;
        }
        assert_eq!(count, 1 + usize::from(putter.join().unwrap()));
        closer.join().unwrap();
    });
}

/// A join that comes while the last item is done is not left waiting.
#[test]
fn join_races_with_task_done() {
    loom::model(|| {
        let queue = Arc::new(Queue::new(0));
        queue.put_nowait(1).unwrap();
        let worker = {
            let queue = queue.clone();
            thread::spawn(move || {
                queue.get_nowait().unwrap();
                queue.task_done();
            })
        };
        block_on(queue.join());
        worker.join().unwrap();
        assert_eq!(queue.statistics().joiners, 0);
    });
}
