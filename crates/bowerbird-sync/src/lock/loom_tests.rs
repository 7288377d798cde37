use std::pin::Pin;
use std::task::{Context, Waker};

use bowerbird_base::sync::cell::UnsafeCell;
use bowerbird_base::sync::{Arc, thread};
use loom::future::block_on;

use super::{Lock, LockGuard};

/// Loom sees two threads in the value at once, or one that does not see what the other did.
type Watched = Lock<UnsafeCell<u32>>;

fn touch(guard: &LockGuard<'_, UnsafeCell<u32>>) {
    guard.with_mut(|_| ());
}

fn is_ready<F: Future + Unpin>(future: &mut F) -> bool {
    Pin::new(future).poll(&mut Context::from_waker(Waker::noop())).is_ready()
}

#[test]
fn holders_exclude_each_other() {
    loom::model(|| {
        let lock: Arc<Watched> = Arc::new(Lock::new(UnsafeCell::new(0)));
        let threads: Vec<_> = (0..2)
            .map(|_| {
                let lock = lock.clone();
                thread::spawn(move || touch(&block_on(lock.lock())))
            })
            .collect();
        if let Some(guard) = lock.try_lock() {
            touch(&guard);
        }
        for thread in threads {
            thread.join().unwrap();
        }
        assert!(!lock.is_locked());
    });
}

/// A wait that is dropped while the lock is handed to it hands it on.
#[test]
fn dropped_wait_races_with_the_hand_over() {
    loom::model(|| {
        let lock: Arc<Watched> = Arc::new(Lock::new(UnsafeCell::new(0)));
        let guard = lock.try_lock().unwrap();
        let mut given_up = lock.lock();
        assert!(!is_ready(&mut given_up));
        let other = {
            let lock = lock.clone();
            thread::spawn(move || touch(&block_on(lock.lock())))
        };
        touch(&guard);
        drop(guard);
        drop(given_up);
        other.join().unwrap();
        assert_eq!((lock.is_locked(), lock.statistics().tasks_waiting), (false, 0));
    });
}

/// The same on the other side: it is unlocked in one thread and given up in another.
#[test]
fn unlock_races_with_a_dropped_wait() {
    loom::model(|| {
        let lock: std::sync::Arc<Watched> = std::sync::Arc::new(Lock::new(UnsafeCell::new(0)));
        let guard = lock.try_lock_owned().unwrap();
        let (mut given_up, mut kept) = (lock.lock(), lock.lock());
        assert!(!is_ready(&mut given_up) && !is_ready(&mut kept));
        let holder = thread::spawn(move || {
            guard.with_mut(|_| ());
            drop(guard);
        });
        drop(given_up);
        touch(&block_on(kept));
        holder.join().unwrap();
        assert!(!lock.is_locked());
    });
}
