use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use bowerbird_base::poll_context::{self, Request};

use super::*;
use crate::test_wakers::{poll, ready};

#[test]
fn guards_are_send_if_the_value_may_be_shared() {
    fn check<T: Send + Sync>() {}
    fn is_send<T: Send>() {}
    check::<RwLock<u8>>();
    check::<RwLockReadGuard<'static, u8>>();
    check::<RwLockUpgradableReadGuard<'static, u8>>();
    check::<RwLockWriteGuard<'static, u8>>();
    check::<OwnedMappedRwLockReadGuard<u8, u8>>();
    check::<OwnedMappedRwLockWriteGuard<u8, u8>>();
    check::<RwLockUpgradeOwned<u8>>();
    check::<RwLockRead<'static, u8>>();
    // A cell may move, but a lock of one may not be shared.
    is_send::<RwLock<Cell<u8>>>();
}

/// Says of a type whether it is `Send`: the method of the type goes before that of the trait.
struct Probe<T>(std::marker::PhantomData<T>);

trait IsNotSend {
    fn is_send(&self) -> bool {
        false
    }
}

impl<T> IsNotSend for Probe<T> {}

impl<T: Send> Probe<T> {
    fn is_send(&self) -> bool {
        true
    }
}

macro_rules! is_send {
    ($type:ty) => {
        Probe::<$type>(std::marker::PhantomData).is_send()
    };
}

#[test]
fn guards_of_a_cell_stay_in_their_thread() {
    // Who writes a cell elsewhere could downgrade there, and both threads would reach it at once.
    assert!(!is_send!(RwLockWriteGuard<'static, Cell<u8>>));
    assert!(!is_send!(MappedRwLockWriteGuard<'static, Cell<u8>>));
    assert!(!is_send!(OwnedRwLockWriteGuard<Cell<u8>>));
    assert!(!is_send!(RwLockUpgradableReadGuard<'static, Cell<u8>>));
    assert!(!is_send!(RwLockUpgrade<'static, Cell<u8>>));
    assert!(!is_send!(RwLockReadGuard<'static, Cell<u8>>));
    assert!(!is_send!(RwLockWrite<'static, Cell<u8>>));
    // Of a lock there is one guard at a time.
    assert!(is_send!(crate::LockGuard<'static, Cell<u8>>));
    assert!(is_send!(RwLockWriteGuard<'static, u8>));
}

#[test]
fn many_read_or_one_writes() {
    static LOCK: RwLock<u32> = RwLock::new(1);
    let readers = (LOCK.try_read().unwrap(), ready(&mut LOCK.read()));
    assert!(LOCK.try_write().is_none() && *readers.0 + *readers.1 == 2);
    assert_eq!((LOCK.statistics().readers, LOCK.statistics().has_writer), (2, false));
    drop(readers);
    let mut writer = LOCK.try_write().unwrap();
    *writer += 1;
    assert!(LOCK.try_read().is_none() && LOCK.try_upgradable_read().is_none());
    assert!(LOCK.statistics().has_writer && LOCK.statistics().readers == 0);
    assert_eq!(format!("{writer} {writer:?}"), "2 2");
}

#[test]
fn reader_behind_a_writer_waits() {
    let lock = RwLock::new(0);
    let first = lock.try_read().unwrap();
    let (mut write, mut read, mut other) = (lock.write(), lock.read(), lock.read());
    assert!(poll(&mut write).is_pending() && poll(&mut read).is_pending());
    assert!(poll(&mut other).is_pending() && lock.try_read().is_none());
    drop(first);
    *ready(&mut write) = 5;
    // Those behind it read together.
    let both = (ready(&mut read), ready(&mut other));
    assert_eq!((*both.0, *both.1), (5, 5));
}

#[test]
fn dropped_writer_lets_the_readers_behind_it_in() {
    let lock = RwLock::new(0);
    let _first = lock.try_read();
    let (mut write, mut read) = (lock.write(), lock.read());
    assert!(poll(&mut write).is_pending() && poll(&mut read).is_pending());
    drop(write);
    assert_eq!(*ready(&mut read), 0);
}

#[test]
fn one_upgradable_beside_readers_and_no_writer() {
    let lock = RwLock::new(0);
    let reader = lock.try_read();
    let guard = lock.try_upgradable_read().unwrap();
    let other = lock.try_read();
    assert!(lock.try_upgradable_read().is_none() && lock.try_write().is_none());
    let statistics = lock.statistics();
    assert_eq!((statistics.readers, statistics.has_upgradable_reader), (3, true));
    let guard = RwLockUpgradableReadGuard::try_upgrade(guard).unwrap_err();
    drop((reader, other));
    let mut guard = RwLockUpgradableReadGuard::try_upgrade(guard).unwrap();
    *guard = 1;
    assert!(lock.try_read().is_none());
}

#[test]
fn upgrade_goes_before_all_who_wait() {
    let lock = RwLock::new(0);
    let reader = lock.try_read();
    let guard = lock.try_upgradable_read().unwrap();
    let (mut write, mut read) = (lock.write(), lock.read());
    assert!(poll(&mut write).is_pending() && poll(&mut read).is_pending());
    let mut upgrade = RwLockUpgradableReadGuard::upgrade(guard);
    assert!(poll(&mut upgrade).is_pending() && lock.try_read().is_none());
    drop(reader);
    assert!(poll(&mut write).is_pending());
    *ready(&mut upgrade) = 1;
    let mut guard = ready(&mut write);
    assert_eq!(*guard, 1);
    *guard = 2;
    drop(guard);
    assert_eq!(*ready(&mut read), 2);
}

#[test]
fn try_upgrade_goes_before_all_who_wait() {
    let lock = RwLock::new(0);
    let guard = lock.try_upgradable_read().unwrap();
    let mut write = lock.write();
    assert!(poll(&mut write).is_pending());
    let guard = RwLockUpgradableReadGuard::try_upgrade(guard).unwrap();
    assert!(poll(&mut write).is_pending());
    drop(guard);
    drop(ready(&mut write));
}

#[test]
fn dropped_upgrade_unlocks_and_lets_the_others_in() {
    let lock = RwLock::new(0);
    let reader = lock.try_read();
    let mut upgrade = RwLockUpgradableReadGuard::upgrade(lock.try_upgradable_read().unwrap());
    let (mut read, mut upgradable) = (lock.read(), lock.upgradable_read());
    assert!(poll(&mut upgrade).is_pending() && poll(&mut read).is_pending());
    assert!(poll(&mut upgradable).is_pending());
    drop(upgrade);
    drop((ready(&mut read), ready(&mut upgradable), reader));
    // Dropped when the rest was handed to it already.
    let reader = lock.try_read();
    let mut upgrade = RwLockUpgradableReadGuard::upgrade(lock.try_upgradable_read().unwrap());
    assert!(poll(&mut upgrade).is_pending());
    drop(reader);
    assert!(lock.statistics().has_writer);
    drop(upgrade);
    assert!(!lock.is_locked());
}

#[test]
fn downgrades_let_the_others_in_at_once() {
    let lock = Arc::new(RwLock::new(0));
    let mut writer = lock.try_write().unwrap();
    let (mut read, mut upgradable, mut write) = (lock.read(), lock.upgradable_read(), lock.write());
    assert!(poll(&mut read).is_pending() && poll(&mut upgradable).is_pending());
    assert!(poll(&mut write).is_pending());
    *writer = 1;
    let own = RwLockWriteGuard::downgrade_to_upgradable(writer);
    assert_eq!((*own, *ready(&mut read)), (1, 1));
    assert!(poll(&mut upgradable).is_pending());
    let own = RwLockUpgradableReadGuard::downgrade(own);
    assert_eq!((*own, *ready(&mut upgradable)), (1, 1));
    drop(own);
    drop(ready(&mut write));
    let own = OwnedRwLockWriteGuard::downgrade(lock.try_write_owned().unwrap());
    assert!(lock.try_read().is_some() && *own == 1);
}

#[test]
fn mapped_guards_lead_to_their_parts_and_keep_the_lock() {
    let lock = Arc::new(RwLock::new((1, [2, 3])));
    let list = RwLockWriteGuard::map(lock.try_write().unwrap(), |pair| &mut pair.1);
    *MappedRwLockWriteGuard::map(list, |list| &mut list[0]) = 7;
    let list = RwLockReadGuard::map(lock.try_read().unwrap(), |pair| &pair.1);
    let list = MappedRwLockReadGuard::try_map(list, |list| list.get(5)).unwrap_err();
    assert_eq!((*list, lock.try_write().is_none()), ([7, 3], true));
    drop(list);
    let list = OwnedRwLockWriteGuard::map(lock.try_write_owned().unwrap(), |pair| &mut pair.1);
    *OwnedMappedRwLockWriteGuard::try_map(list, |list| list.get_mut(1)).unwrap() = 8;
    let list = OwnedRwLockReadGuard::map(lock.try_read_owned().unwrap(), |pair| &pair.1);
    drop(lock);
    assert_eq!(*OwnedMappedRwLockReadGuard::map(list, |list| &list[1]), 8);
}

#[test]
fn panics_unlock() {
    let lock = RwLock::new(1);
    let panics = |call: &dyn Fn()| catch_unwind(AssertUnwindSafe(call)).unwrap_err();
    panics(&|| drop(RwLockReadGuard::map(lock.try_read().unwrap(), |_| -> &u8 { panic!() })));
    panics(&|| drop(RwLockWriteGuard::map(lock.try_write().unwrap(), |_| -> &mut u8 { panic!() })));
    panics(&|| {
        let _guard = lock.try_upgradable_read();
        panic!();
    });
    assert!(!lock.is_locked());
}

#[test]
fn offered_cancellation_goes_before_the_lock() {
    let lock = RwLock::new(());
    let reader = lock.try_read();
    let mut upgrade = RwLockUpgradableReadGuard::upgrade(lock.try_upgradable_read().unwrap());
    let mut write = lock.write();
    assert!(poll(&mut upgrade).is_pending() && poll(&mut write).is_pending());
    drop(reader);
    poll_context::offer(Request::of_task(None));
    assert!(poll(&mut upgrade).is_pending());
    drop(upgrade);
    assert!(poll(&mut write).is_pending());
    assert!(poll_context::take_request().is_some());
    drop(ready(&mut write));
}

#[test]
fn waits_are_noted_with_the_address_of_the_lock() {
    let lock = RwLock::new(());
    let _reader = lock.try_read();
    let guard = lock.try_upgradable_read().unwrap();
    let before = poll_context::set_tracked(true);
    assert!(poll(&mut lock.write()).is_pending());
    assert!(poll(&mut RwLockUpgradableReadGuard::upgrade(guard)).is_pending());
    let waits = poll_context::take_waits();
    poll_context::set_tracked(before);
    let object = std::ptr::from_ref(&lock).addr() as u64;
    let noted: Vec<_> = waits.iter().map(|wait| (wait.kind, wait.object)).collect();
    assert_eq!(noted, [("rwlock.write", object), ("rwlock.upgrade", object)]);
}

#[test]
fn blocking_forms_wait_for_their_turn() {
    let lock = Arc::new(RwLock::new(0));
    let reader = lock.blocking_read();
    let writer = {
        let lock = lock.clone();
        std::thread::spawn(move || *lock.blocking_write() += 1)
    };
    drop(reader);
    writer.join().unwrap();
    assert_eq!(*lock.blocking_upgradable_read(), 1);
}

#[test]
fn debug_shows_how_things_stand() {
    let lock = RwLock::new(1);
    let _guard = lock.try_read();
    let text = "RwLock { readers: 1, has_writer: false, tasks_waiting: 0, .. }";
    assert_eq!(format!("{lock:?}"), text);
    assert!(format!("{:?}", lock.write()).starts_with("RwLockWrite(Wait"));
}
