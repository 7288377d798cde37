use std::cell::Cell;
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Wake, Waker};

use bowerbird_base::cancel_safe::CancelSafe;
use bowerbird_base::poll_context::{self, Request};

use super::{
    Lock, LockGuard, LockOwned, LockWait, MappedLockGuard, OwnedLockGuard, OwnedMappedLockGuard,
};

use crate::test_wakers::{PANICS, Woken, is_ready_with, poll, ready};

fn is_send<T: Send>() {}
fn is_sync<T: Sync>() {}
fn is_cancel_safe<T: CancelSafe>() {}

#[test]
fn guards_are_send_if_the_value_is() {
    // A cell may move to another thread, and may not be shared.
    is_send::<Lock<Cell<u8>>>();
    is_sync::<Lock<Cell<u8>>>();
    is_send::<LockGuard<'static, Cell<u8>>>();
    is_send::<MappedLockGuard<'static, Cell<u8>>>();
    is_send::<OwnedLockGuard<Cell<u8>>>();
    is_send::<OwnedMappedLockGuard<Cell<u8>, Cell<u8>>>();
    is_sync::<LockGuard<'static, u8>>();
    is_sync::<OwnedMappedLockGuard<u8, u8>>();
    is_send::<LockWait<'static, Cell<u8>>>();
    is_send::<LockOwned<Cell<u8>>>();
    is_cancel_safe::<LockWait<'static, u8>>();
    is_cancel_safe::<LockOwned<u8>>();
}

#[test]
fn guard_reaches_the_value_and_unlocks() {
    static LOCK: Lock<u32> = Lock::new(1);
    let mut guard = ready(&mut LOCK.lock());
    *guard += 1;
    assert!(LOCK.is_locked() && LOCK.try_lock().is_none() && poll(&mut LOCK.lock()).is_pending());
    assert_eq!(format!("{guard} {guard:?}"), "2 2");
    drop(guard);
    assert_eq!(LOCK.try_lock().as_deref(), Some(&2));
}

#[test]
fn lock_of_an_unsized_value() {
    let lock: Arc<Lock<[u8]>> = Arc::new(Lock::new([1, 2, 3]));
    lock.try_lock().unwrap()[1] = 5;
    let last = OwnedLockGuard::map(lock.try_lock_owned().unwrap(), |list| &mut list[1..]);
    assert_eq!(*last, [5, 3]);
    assert!(lock.is_locked());
}

#[test]
fn waits_are_served_in_order_and_nobody_passes_by() {
    let lock = Arc::new(Lock::new(()));
    let woken = Woken::default();
    let guard = lock.try_lock_owned().unwrap();
    let mut waits: VecDeque<_> = (0..5).map(|_| lock.lock_owned()).collect();
    for (number, wait) in waits.iter_mut().enumerate() {
        assert!(!is_ready_with(wait, &woken.waker(number)));
    }
    assert_eq!(lock.statistics().tasks_waiting, 5);
    drop(guard);
    // Handed over: nobody comes between, not even who does not wait.
    assert!(lock.is_locked() && lock.try_lock().is_none() && poll(&mut lock.lock()).is_pending());
    for number in 0..5 {
        assert_eq!(woken.take(), [number]);
        assert_eq!(lock.statistics().tasks_waiting, 4 - number);
        drop(ready(&mut waits.pop_front().unwrap()));
    }
    assert!(!lock.is_locked());
}

#[test]
fn dropped_wait_hands_the_lock_on() {
    let lock = Lock::new(());
    let guard = lock.try_lock();
    let (mut first, mut second, mut third) = (lock.lock(), lock.lock(), lock.lock());
    assert!(poll(&mut first).is_pending() && poll(&mut second).is_pending());
    assert!(poll(&mut third).is_pending());
    drop(second);
    drop(guard);
    drop(first);
    let guard = ready(&mut third);
    assert_eq!(lock.statistics().tasks_waiting, 0);
    drop(guard);
    assert!(!lock.is_locked());
}

#[test]
fn owned_guard_keeps_the_value_alive() {
    struct Counts(Arc<AtomicUsize>);
    impl Drop for Counts {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
    let drops = Arc::new(AtomicUsize::new(0));
    let lock = Arc::new(Lock::new((Counts(drops.clone()), 1)));
    let guard = ready(&mut lock.lock_owned());
    drop(lock);
    let part = OwnedLockGuard::map(guard, |value| &mut value.1);
    assert_eq!((*part, drops.load(Ordering::Relaxed)), (1, 0));
    drop(part);
    assert_eq!(drops.load(Ordering::Relaxed), 1);
}

#[test]
fn mapped_guards_lead_to_their_parts() {
    let lock = Arc::new(Lock::new(((1, 2), [3, 4])));
    let pair = LockGuard::map(lock.try_lock().unwrap(), |value| &mut value.0);
    let mut second = MappedLockGuard::map(pair, |pair| &mut pair.1);
    *second = 7;
    assert!(lock.is_locked());
    drop(second);
    let list = OwnedLockGuard::map(lock.try_lock_owned().unwrap(), |value| &mut value.1);
    let list = OwnedMappedLockGuard::try_map(list, |list| list.get_mut(2)).unwrap_err();
    *OwnedMappedLockGuard::try_map(list, |list| list.get_mut(1)).unwrap() = 8;
    let guard = lock.try_lock().unwrap();
    let guard = LockGuard::try_map(guard, |_| None::<&mut u8>).unwrap_err();
    assert_eq!(*guard, ((1, 7), [3, 8]));
}

#[test]
fn panic_in_a_map_unlocks() {
    let lock = Arc::new(Lock::new(1));
    let map = || LockGuard::map(lock.try_lock().unwrap(), |_: &mut i32| -> &mut i32 { panic!() });
    assert!(catch_unwind(AssertUnwindSafe(map)).is_err());
    let map = || {
        let guard = lock.try_lock_owned().unwrap();
        OwnedLockGuard::try_map(guard, |_| -> Option<&mut i32> { panic!() })
    };
    assert!(catch_unwind(AssertUnwindSafe(map)).is_err());
    assert_eq!(lock.try_lock().as_deref(), Some(&1));
}

#[test]
fn panic_under_the_lock_does_not_poison_it() {
    let lock = Lock::new(1);
    let section = AssertUnwindSafe(|| {
        let mut guard = lock.try_lock().unwrap();
        *guard = 2;
        panic!("under the lock");
    });
    assert!(catch_unwind(section).is_err());
    assert_eq!(lock.try_lock().as_deref(), Some(&2));
}

/// Nothing is locked while a waker is woken, cloned or dropped: each may use the lock that it waits for.
#[test]
fn waker_that_uses_the_lock_does_not_deadlock() {
    struct Uses(Arc<Lock<()>>, AtomicUsize);
    impl Uses {
        fn use_it(&self) {
            assert!(self.0.try_lock().is_none());
            self.1.fetch_add(self.0.statistics().tasks_waiting + 1, Ordering::Relaxed);
        }
    }
    impl Wake for Uses {
        fn wake(self: Arc<Self>) {
            self.use_it();
        }
    }
    impl Drop for Uses {
        fn drop(&mut self) {
            self.use_it();
        }
    }
    let lock = Arc::new(Lock::new(()));
    let guard = lock.try_lock();
    let (mut wait, mut other) = (lock.lock(), lock.lock());
    for _ in 0..2 {
        let waker = Waker::from(Arc::new(Uses(lock.clone(), AtomicUsize::new(0))));
        for wait in [&mut wait, &mut other] {
            assert!(Pin::new(wait).poll(&mut Context::from_waker(&waker)).is_pending());
        }
    }
    drop(other);
    drop(guard);
    drop(ready(&mut wait));
}

#[test]
fn offered_cancellation_goes_before_the_lock() {
    let lock = Lock::new(());
    let guard = lock.try_lock();
    let mut wait = lock.lock();
    assert!(poll(&mut wait).is_pending());
    drop(guard);
    poll_context::offer(Request::of_task(None));
    assert!(poll(&mut wait).is_pending());
    // A first poll looks at readiness first; the lock is with who was cancelled.
    assert!(poll(&mut lock.lock()).is_pending());
    assert!(poll_context::take_request().is_some());
    drop(wait);
    poll_context::offer(Request::of_task(None));
    drop(ready(&mut lock.lock()));
    assert!(poll_context::take_request().is_some());
}

#[test]
fn wait_is_noted_with_its_place() {
    let lock = Lock::new(());
    let _guard = lock.try_lock();
    let before = poll_context::set_tracked(true);
    let (line, mut wait) = (line!(), lock.lock());
    assert!(poll(&mut wait).is_pending());
    let noted = poll_context::take_wait().unwrap();
    poll_context::set_tracked(before);
    let object = std::ptr::from_ref(&lock).cast::<()>().addr() as u64;
    assert_eq!((noted.kind, noted.object), ("lock", object));
    assert_eq!(noted.location.unwrap().line(), line);
}

#[test]
fn debug_shows_how_things_stand_and_changes_nothing() {
    let lock = Lock::new(());
    assert_eq!(format!("{lock:?}"), "Lock { is_locked: false, tasks_waiting: 0, .. }");
    let guard = lock.try_lock();
    let mut wait = lock.lock();
    assert!(poll(&mut wait).is_pending());
    assert_eq!(format!("{lock:?}"), "Lock { is_locked: true, tasks_waiting: 1, .. }");
    assert!(format!("{wait:?}").contains("is_waiting: true"));
    drop(guard);
    assert_eq!(format!("{lock:?}"), "Lock { is_locked: true, tasks_waiting: 0, .. }");
}

#[test]
fn blocking_lock_waits_for_its_turn() {
    let lock = Arc::new(Lock::new(0));
    let guard = lock.blocking_lock();
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let lock = lock.clone();
            std::thread::spawn(move || *lock.blocking_lock_owned() += 1)
        })
        .collect();
    drop(guard);
    for thread in threads {
        thread.join().unwrap();
    }
    assert_eq!(*lock.blocking_lock(), 4);
}

#[test]
fn unlocked_guard_says_what_happened() {
    let lock = Lock::new(1);
    let mut guard = lock.try_lock().unwrap();
    LockGuard::unlock(&mut guard);
    assert!(!lock.is_locked());
    let panic = catch_unwind(AssertUnwindSafe(|| *guard)).unwrap_err();
    assert!(panic.downcast_ref::<&str>().unwrap().contains("Condition::wait()"));
    guard = ready(&mut LockGuard::lock(&guard).lock_from(std::panic::Location::caller()));
    assert_eq!(*guard, 1);
    LockGuard::unlock(&mut guard);
    let _other = lock.try_lock().unwrap();
    // Nothing is given back twice.
    drop(guard);
    assert!(lock.is_locked());
}

#[test]
fn wait_polled_after_its_end_panics() {
    let lock = Lock::new(1);
    let mut wait = lock.lock();
    drop(ready(&mut wait));
    assert!(catch_unwind(AssertUnwindSafe(|| poll(&mut wait).is_ready())).is_err());
    assert!(!lock.is_locked());
}

/// A guard that is dropped while its thread unwinds wakes the next, whose waker panics too: that one is told, and
/// the process lives.
#[test]
fn waker_that_panics_during_a_panic_does_not_end_the_process() {
    let (lock, woken) = (Lock::new(()), Woken::default());
    let mut wait = lock.try_lock().map(|guard| {
        let mut wait = lock.lock();
        assert!(!is_ready_with(&mut wait, &woken.waker(PANICS)));
        let panic = catch_unwind(AssertUnwindSafe(|| {
            let _guard = guard;
            panic!("the holder");
        }));
        assert_eq!(panic.unwrap_err().downcast_ref(), Some(&"the holder"));
        wait
    });
    assert_eq!(woken.take(), [PANICS]);
    drop(ready(wait.as_mut().unwrap()));
}
