//! Debug mode and what waits at locks, queues and channels: a wait that is made and dropped is told of, one that is
//! awaited is not, ready at once or not.

use std::sync::{Arc, Mutex};

use bowerbird::runtime::{Unhandled, UnhandledKind};
use bowerbird::sync::{
    AutoResetEvent, Barrier, CapacityLimiter, Condition, Event, Lock, Notify, OnceCell, Queue,
    RwLock, Semaphore, broadcast, mpmc, mpsc, oneshot, watch,
};
use bowerbird::{Runner, join, yield_now};
use bowerbird_tests::WORKER_COUNTS;

type Heard = Arc<Mutex<Vec<Unhandled>>>;

fn everywhere<F: Future>(program: impl Fn(Heard) -> F) {
    for workers in WORKER_COUNTS {
        let heard = Heard::default();
        let log = heard.clone();
        let runner = Runner::builder().worker_threads(workers).debug(true);
        let runner = runner.exception_handler(move |unhandled| {
            if unhandled.kind != UnhandledKind::Slow {
                log.lock().unwrap().push(unhandled.clone());
            }
        });
        runner.build().unwrap().run(program(heard)).unwrap();
    }
}

#[track_caller]
fn assert_silent(heard: &Heard) {
    let heard = heard.lock().unwrap();
    assert!(heard.is_empty(), "{}", heard[0]);
}

#[test]
fn what_is_awaited_is_not_told_of() {
    everywhere(async |heard| {
        let lock = Arc::new(Lock::new(0));
        drop(lock.lock().await);
        drop(lock.lock_owned().await);
        let held = lock.lock().await;
        join((async { drop(lock.lock().await) }, async {
            yield_now().await;
            drop(held);
        }))
        .await;
        assert_silent(&heard);

        let rwlock = Arc::new(RwLock::new(0));
        drop(rwlock.read().await);
        drop(rwlock.write().await);
        drop(rwlock.upgradable_read().await);
        drop(rwlock.read_owned().await);
        drop(rwlock.write_owned().await);
        assert_silent(&heard);

        let semaphore = Semaphore::new(1);
        drop(semaphore.acquire().await);
        let limiter = CapacityLimiter::new(1);
        drop(limiter.acquire().await);
        assert_silent(&heard);

        let (event, auto, notify) = (Event::new(), AutoResetEvent::new(), Notify::new());
        join((event.wait(), auto.wait(), notify.notified(), async {
            yield_now().await;
            event.set();
            auto.set();
            notify.notify_one();
        }))
        .await;
        auto.set();
        notify.notify_one();
        join((event.wait(), auto.wait(), notify.notified())).await;
        assert_silent(&heard);

        let condition = Condition::new();
        let mut guard = lock.lock().await;
        condition.wait_for(&mut guard, |_| true).await;
        join((condition.wait(&mut guard), async {
            let guard = lock.lock().await;
            condition.notify(&guard, 1);
        }))
        .await;
        drop(guard);
        let barrier = Barrier::new(2);
        let _indexes = join((barrier.wait(), barrier.wait())).await;
        let cell = OnceCell::new();
        assert_eq!(cell.get_or_init(async || 1).await, &1);
        assert_eq!((cell.get_or_init(async || 2).await, cell.wait().await), (&1, &1));
        assert_silent(&heard);
    });
}

#[test]
fn values_that_are_awaited_are_not_told_of() {
    everywhere(async |heard| {
        let queue = Queue::new(1);
        queue.put(1).await.unwrap();
        let (put, got) = join((queue.put(2), queue.get())).await;
        assert!(put.is_ok() && got == Ok(1));
        drop(queue.get_guard().await);
        queue.task_done();
        queue.join().await;
        assert_silent(&heard);

        let (sender, mut receiver) = mpsc::channel(1);
        sender.send(1).await.unwrap();
        let (sent, received) = join((sender.send(2), receiver.recv())).await;
        assert!(sent.is_ok() && received == Ok(1));
        let mut values = Vec::new();
        assert_eq!(receiver.recv_many(&mut values, 9).await, 1);
        sender.reserve().await.unwrap().send(3);
        drop(receiver);
        sender.closed().await;
        let (sender, receiver) = mpmc::channel(1);
        sender.send(1).await.unwrap();
        assert_eq!(receiver.recv().await, Ok(1));
        assert_silent(&heard);

        let (sender, mut receiver) = watch::channel(1);
        let (changed, _) = join((receiver.changed(), async { sender.send(2) })).await;
        changed.unwrap();
        assert_eq!(*receiver.wait_for(|value| *value == 2).await.unwrap(), 2);
        drop(receiver);
        sender.closed().await;
        let (sender, mut receiver) = broadcast::channel(1);
        sender.send(1).unwrap();
        assert_eq!(receiver.recv().await, Ok(1));
        drop(receiver);
        sender.closed().await;
        let (sender, receiver) = oneshot::channel();
        sender.send(1).unwrap();
        assert_eq!(receiver.await, Ok(1));
        assert_silent(&heard);
    });
}

#[test]
fn what_is_never_awaited_is_told_of() {
    everywhere(async |heard| {
        let (lock, rwlock) = (Lock::new(0), RwLock::new(0));
        let (semaphore, barrier, queue) = (Semaphore::new(1), Barrier::new(2), Queue::new(1));
        let (event, auto) = (Event::new(), AutoResetEvent::new());
        let (sender, mut receiver) = mpsc::channel::<u8>(1);
        drop(lock.lock());
        drop(rwlock.read());
        drop(semaphore.acquire());
        drop(barrier.wait());
        drop(queue.put(1));
        drop(queue.get());
        drop(event.wait());
        drop(auto.wait());
        drop(sender.send(1));
        drop(receiver.recv());
        let calls = [
            "Lock::lock()",
            "RwLock::read()",
            "Semaphore::acquire()",
            "Barrier::wait()",
            "Queue::put()",
            "Queue::get()",
            "Event::wait()",
            "AutoResetEvent::wait()",
            "Sender::send()",
            "Receiver::recv()",
        ];
        let told: Vec<_> = heard.lock().unwrap().iter().map(Unhandled::to_string).collect();
        assert_eq!(told.len(), calls.len(), "{told:?}");
        for (told, call) in told.iter().zip(calls) {
            assert!(told.contains(&format!("{call} was never awaited")), "{told}");
        }
    });
}

#[test]
fn what_is_taken_apart_is_not_told_of() {
    everywhere(async |heard| {
        let (sender, _receiver) = mpsc::channel(1);
        assert_eq!(sender.send(1).into_value(), Some(1));
        assert_eq!(sender.send_many([1, 2]).into_unsent().map(Iterator::count), Some(2));
        let queue = Queue::new(1);
        assert_eq!(queue.put(1).into_item(), Some(1));
        drop(queue.stream());
        assert_silent(&heard);

        drop(queue.get_guard());
        let told = std::mem::take(&mut *heard.lock().unwrap());
        assert_eq!(told.len(), 1);
        assert_eq!(told[0].message, "Queue::get_guard() was never awaited");
    });
}
