//! One rule in each primitive: a waker that panics when it is woken disturbs nobody.
//!
//! Three waits, of which the second has such a waker. Whoever is called to wake them ends as always, and all three are
//! woken; what the second was handed is its own still.

use std::sync::Arc;

use bowerbird_sync::{
    AutoResetEvent, Barrier, CapacityLimiter, Condition, Event, Lock, Notify, OnceCell, Queue,
    RwLock, Semaphore, broadcast, mpmc, mpsc, oneshot, watch,
};

use super::harness::{Id, Waits};

/// Waits that are suspended; the second one's waker panics.
struct Suspended<T> {
    waits: Waits<T>,
    ids: Vec<Id>,
}

impl<T> Suspended<T> {
    fn new<W: Future<Output = T> + 'static>(all: impl IntoIterator<Item = W>) -> Self {
        let mut waits = Waits::new();
        let ids: Vec<Id> = all.into_iter().map(|wait| waits.add(wait)).collect();
        waits.panics_when_woken(ids[1.min(ids.len() - 1)]);
        for id in &ids {
            assert!(waits.poll(*id, true).is_none());
        }
        Self { waits, ids }
    }

    fn of_three<W: Future<Output = T> + 'static>(wait: impl Fn() -> W) -> Self {
        Self::new((0..3).map(|_| wait()))
    }

    /// All were woken, in their order, and each is ready.
    fn end(mut self) -> Vec<T> {
        assert_eq!(self.waits.woken(), self.ids);
        self.ids.iter().map(|id| self.waits.poll(*id, true).unwrap()).collect()
    }

    /// The first was woken, whose waker panics; it is dropped, and then the others are woken in turn, each as the one
    /// before it ends.
    fn one_by_one(mut self, first: usize) {
        let mut ids = self.ids[first..].to_vec();
        let dropped = ids.remove(0);
        assert_eq!(self.waits.woken(), [dropped]);
        self.waits.drop(dropped);
        for id in ids {
            assert_eq!(self.waits.woken(), [id]);
            assert!(self.waits.poll(id, true).is_some());
        }
    }
}

#[test]
fn lock() {
    let lock = Arc::new(Lock::new(()));
    let guard = lock.try_lock();
    let mut all = Suspended::of_three(|| lock.lock_owned());
    let first = all.ids[0];
    all.waits.drop(first);
    drop(guard);
    all.one_by_one(1);
    assert!(!lock.is_locked());
}

#[test]
fn rwlock() {
    let lock = Arc::new(RwLock::new(()));
    let guard = lock.try_write();
    let all = Suspended::of_three(|| lock.read_owned());
    drop(guard);
    assert_eq!(all.end().len(), 3);
    // Also where one that writes lets others in.
    let guard = lock.try_write_owned().unwrap();
    let all = Suspended::of_three(|| lock.read_owned());
    let guard = bowerbird_sync::OwnedRwLockWriteGuard::downgrade(guard);
    drop((all.end(), guard));
    assert!(!lock.is_locked());
}

#[test]
fn semaphore() {
    let semaphore = Arc::new(Semaphore::new(0));
    let all = Suspended::of_three(|| semaphore.acquire_owned());
    semaphore.add_permits(3);
    assert!(all.end().iter().all(Result::is_ok));
    assert_eq!(semaphore.available_permits(), 3);
    let permits = semaphore.try_acquire_many(3);
    let all = Suspended::of_three(|| semaphore.acquire_owned());
    semaphore.close();
    assert!(all.end().iter().all(Result::is_err));
    drop(permits);
    assert_eq!(semaphore.available_permits(), 3);
}

#[test]
fn capacity_limiter() {
    let limiter = Arc::new(CapacityLimiter::new(0));
    let all = Suspended::of_three(|| limiter.acquire_owned());
    limiter.set_total_tokens(3);
    assert_eq!(all.end().len(), 3);
    assert_eq!(limiter.borrowed_tokens(), 0);
}

#[test]
fn event() {
    let event = Arc::new(Event::new());
    let wait = || {
        let event = Arc::clone(&event);
        async move { event.wait().await }
    };
    let all = Suspended::of_three(wait);
    event.set();
    all.end();
    // So many that they are taken out in another way.
    event.clear();
    let all = Suspended::new((0..200).map(|_| wait()));
    event.set();
    all.end();
}

#[test]
fn auto_reset_event() {
    let event = Arc::new(AutoResetEvent::new());
    let mut all = Suspended::of_three(|| {
        let event = Arc::clone(&event);
        async move {
            event.wait().await;
            event.set();
        }
    });
    let first = all.ids[0];
    all.waits.drop(first);
    event.set();
    all.one_by_one(1);
    assert!(event.is_set());
}

#[test]
fn notify() {
    let notify = Arc::new(Notify::new());
    let all = Suspended::of_three(|| Arc::clone(&notify).notified_owned());
    notify.notify_waiters();
    all.end();
    let all = Suspended::of_three(|| Arc::clone(&notify).notified_owned());
    (0..3).for_each(|_| notify.notify_one());
    all.end();
}

#[test]
fn condition() {
    let (lock, condition) = (Arc::new(Lock::new(())), Arc::new(Condition::new()));
    let mut all = Suspended::of_three(|| {
        let (lock, condition) = (Arc::clone(&lock), Arc::clone(&condition));
        async move { condition.wait(&mut lock.lock_owned().await).await }
    });
    condition.notify_all(&lock.try_lock().unwrap());
    assert_eq!(all.waits.woken(), all.ids);
    // Each goes on with the lock, and without it at its end.
    for id in all.ids {
        assert!(all.waits.poll(id, true).is_some());
    }
    assert!(!lock.is_locked());
}

#[test]
fn barrier() {
    let barrier = Arc::new(Barrier::new(4));
    let wait = || {
        let barrier = Arc::clone(&barrier);
        async move { barrier.wait().await.ok() }
    };
    let all = Suspended::of_three(wait);
    // Who completes the group has its index.
    let mut last = Waits::new();
    let id = last.add(wait());
    assert_eq!(last.poll(id, true), Some(Some(3)));
    assert_eq!(all.end(), [Some(0), Some(1), Some(2)]);
    for break_up in [Barrier::reset, Barrier::abort] {
        let all = Suspended::of_three(wait);
        break_up(&barrier);
        assert_eq!(all.end(), [None; 3]);
    }
}

#[test]
fn once_cell() {
    let cell = Arc::new(OnceCell::new());
    let mut maker = Waits::new();
    let make = |is_first: bool| {
        let cell = Arc::clone(&cell);
        async move {
            let make = || async move {
                if is_first {
                    bowerbird_sync::Notify::new().notified().await
                }
            };
            *cell.get_or_init(make).await
        }
    };
    let id = maker.add(make(true));
    assert!(maker.poll(id, true).is_none());
    let all = Suspended::of_three(|| {
        let cell = Arc::clone(&cell);
        async move { *cell.wait().await }
    });
    let makers = Suspended::new([make(false), make(false)]);
    // The first goes away: the next makes the value, and wakes the one behind it, and all who wait for the value.
    maker.drop(id);
    let Suspended { waits: mut others, ids } = makers;
    assert_eq!(others.woken(), ids[..1]);
    assert!(others.poll(ids[0], true).is_some());
    assert_eq!(others.woken(), ids[1..]);
    assert!(others.poll(ids[1], true).is_some());
    all.end();
}

#[test]
fn queue() {
    let queue = Arc::new(Queue::new(3));
    let get = || {
        let queue = Arc::clone(&queue);
        async move { queue.get().await.ok() }
    };
    let all = Suspended::of_three(get);
    (0..3).for_each(|item| queue.put_nowait(item).unwrap());
    assert_eq!(all.end(), [Some(0), Some(1), Some(2)]);
    (0..3).for_each(|item| queue.put_nowait(item).unwrap());
    let all = Suspended::of_three(|| {
        let queue = Arc::clone(&queue);
        async move { queue.put(7).await.is_ok() }
    });
    assert_eq!([(); 3].map(|()| queue.get_nowait().unwrap()), [0, 1, 2]);
    assert_eq!(all.end(), [true; 3]);
    let all = Suspended::of_three(|| {
        let queue = Arc::clone(&queue);
        async move { queue.join().await }
    });
    (0..9).for_each(|_| queue.task_done());
    all.end();
    while queue.get_nowait().is_ok() {}
    let all = Suspended::of_three(get);
    queue.shutdown(true);
    assert_eq!(all.end(), [None; 3]);
}

#[test]
fn mpmc_channel() {
    let (sender, receiver) = mpmc::channel(3);
    let recv = || {
        let receiver = receiver.clone();
        async move { receiver.recv().await.ok() }
    };
    let all = Suspended::of_three(recv);
    (0..3).for_each(|value| sender.try_send(value).unwrap());
    assert_eq!(all.end(), [Some(0), Some(1), Some(2)]);
    let all = Suspended::of_three(|| {
        let sender = sender.clone();
        async move { sender.closed().await }
    });
    let receives = Suspended::of_three(recv);
    sender.close();
    all.end();
    assert_eq!(receives.end(), [None; 3]);
}

#[test]
fn mpsc_channel() {
    let (sender, mut receiver) = mpsc::channel(3);
    (0..3).for_each(|value| sender.try_send(value).unwrap());
    let all = Suspended::of_three(|| {
        let sender = sender.clone();
        async move { sender.send(7).await.is_ok() }
    });
    // What is received is not lost to the panic of the waker that it wakes.
    assert_eq!([(); 3].map(|()| receiver.try_recv().unwrap()), [0, 1, 2]);
    assert_eq!(all.end(), [true; 3]);
}

#[test]
fn oneshot_channel() {
    let (sender, receiver) = oneshot::channel();
    let all = Suspended::new([receiver]);
    assert_eq!(sender.send(7), Ok(()));
    assert_eq!(all.end(), [Ok(7)]);
    let (mut sender, receiver) = oneshot::channel::<()>();
    let all = Suspended::new([async move { sender.closed().await }]);
    drop(receiver);
    all.end();
}

#[test]
fn watch_channel() {
    let (sender, receiver) = watch::channel(0);
    let all = Suspended::of_three(|| {
        let mut receiver = receiver.clone();
        async move { receiver.changed().await.is_ok() }
    });
    sender.send(1).unwrap();
    assert_eq!(all.end(), [true; 3]);
    let sender = Arc::new(sender);
    let all = Suspended::of_three(|| {
        let sender = Arc::clone(&sender);
        async move { sender.closed().await }
    });
    drop(receiver);
    all.end();
}

#[test]
fn broadcast_channel() {
    let (sender, receiver) = broadcast::channel(2);
    let all = Suspended::of_three(|| {
        let mut receiver = receiver.resubscribe();
        async move { receiver.recv().await.ok() }
    });
    assert_eq!(sender.send(7), Ok(4));
    assert_eq!(all.end(), [Some(7); 3]);
    let sender = Arc::new(sender);
    let all = Suspended::of_three(|| {
        let sender = Arc::clone(&sender);
        async move { sender.closed().await }
    });
    drop(receiver);
    all.end();
}
