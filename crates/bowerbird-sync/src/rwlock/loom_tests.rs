use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Waker};

use bowerbird_base::sync::cell::UnsafeCell;
use bowerbird_base::sync::thread;
use loom::future::block_on;

use super::{RwLock, RwLockUpgradableReadGuard, RwLockWriteGuard};

/// Loom sees a writer beside somebody else, or one that does not see what another did.
#[derive(Default)]
struct Watched(UnsafeCell<u32>);

impl Watched {
    fn read(&self) {
        self.0.with(|_| ());
    }

    fn write(&self) {
        self.0.with_mut(|_| ());
    }
}

fn is_ready<F: Future + Unpin>(future: &mut F) -> bool {
    Pin::new(future).poll(&mut Context::from_waker(Waker::noop())).is_ready()
}

#[test]
fn writer_excludes_readers() {
    loom::model(|| {
        let lock: Arc<RwLock<Watched>> = Arc::default();
        let writer = {
            let lock = lock.clone();
            thread::spawn(move || block_on(lock.write()).write())
        };
        let reader = {
            let lock = lock.clone();
            thread::spawn(move || block_on(lock.read()).read())
        };
        if let Some(guard) = lock.try_read() {
            guard.read();
        }
        writer.join().unwrap();
        reader.join().unwrap();
        assert!(!lock.is_locked());
    });
}

/// An upgrade beside a reader that goes and a writer that comes: what was read is still so when it writes.
#[test]
fn nobody_writes_between_read_and_upgrade() {
    loom::model(|| {
        let lock: Arc<RwLock<(Watched, std::sync::atomic::AtomicU32)>> = Arc::default();
        let reader = lock.try_read_owned().unwrap();
        let guard = lock.try_upgradable_read().unwrap();
        let reading = thread::spawn(move || {
            reader.0.read();
            drop(reader);
        });
        let writer = {
            let lock = lock.clone();
            thread::spawn(move || {
                let mut guard = block_on(lock.write());
                guard.0.write();
                *guard.1.get_mut() += 1;
            })
        };
        let before = guard.1.load(std::sync::atomic::Ordering::Relaxed);
        let mut guard = block_on(RwLockUpgradableReadGuard::upgrade(guard));
        guard.0.write();
        assert_eq!(*guard.1.get_mut(), before);
        drop(guard);
        reading.join().unwrap();
        writer.join().unwrap();
        assert!(!lock.is_locked());
    });
}

/// An upgrade that is dropped while the last reader hands it the rest.
#[test]
fn dropped_upgrade_races_with_the_last_reader() {
    loom::model(|| {
        let lock: Arc<RwLock<Watched>> = Arc::default();
        let reader = lock.try_read_owned().unwrap();
        let mut upgrade = RwLockUpgradableReadGuard::upgrade(lock.try_upgradable_read().unwrap());
        assert!(!is_ready(&mut upgrade));
        let reading = thread::spawn(move || {
            reader.read();
            drop(reader);
        });
        drop(upgrade);
        block_on(lock.write()).write();
        reading.join().unwrap();
        assert!(!lock.is_locked());
    });
}

/// A downgrade beside a reader that waits and one that comes.
#[test]
fn downgrade_lets_readers_in_and_shows_what_was_written() {
    loom::model(|| {
        let lock: Arc<RwLock<Watched>> = Arc::default();
        let guard = lock.try_write().unwrap();
        let reader = {
            let lock = lock.clone();
            thread::spawn(move || block_on(lock.read()).read())
        };
        guard.write();
        let guard = RwLockWriteGuard::downgrade(guard);
        guard.read();
        reader.join().unwrap();
        drop(guard);
        assert!(!lock.is_locked());
    });
}
