use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use bowerbird_base::poll_context::{self, Delivery, Request};

use super::Condition;
use crate::test_wakers::{Woken, is_ready, is_ready_with};
use crate::{Lock, LockGuard, OwnedLockGuard};

fn request(message: &str, origin: u64) -> Request {
    Request { origin, ..Request::of_task(Some(message.into())) }
}

/// What unwinds after a poll, if anything does.
fn unwinding() -> Option<String> {
    match poll_context::take_request() {
        Some((request, Delivery::Unwinding)) => request.message.map(|message| message.to_string()),
        Some(other) => panic!("{other:?}"),
        None => None,
    }
}

fn message_of<R>(panics: impl FnOnce() -> R) -> String {
    let Err(payload) = catch_unwind(AssertUnwindSafe(panics)) else { panic!("no panic") };
    match payload.downcast::<String>() {
        Ok(text) => *text,
        Err(payload) => payload.downcast::<&str>().unwrap().to_string(),
    }
}

/// Polls `wait` until it is suspended without its lock.
fn suspend<F: Future + Unpin>(wait: &mut F, lock: &Lock<u32>) {
    assert!(!is_ready(wait));
    assert!(!lock.is_locked());
}

#[test]
fn wait_unlocks_and_ends_with_the_lock() {
    let (lock, changed, woken) = (Lock::new(0), Condition::new(), Woken::default());
    let mut guard = lock.blocking_lock();
    let mut wait = changed.wait(&mut guard);
    assert!(!is_ready_with(&mut wait, &woken.waker(1)));
    assert!(!is_ready_with(&mut wait, &woken.waker(2)));
    let mut other = lock.try_lock().unwrap();
    *other = 5;
    changed.notify(&other, 1);
    assert_eq!(woken.take(), [2]);
    assert!(!is_ready_with(&mut wait, &woken.waker(3)));
    drop(other);
    assert_eq!(woken.take(), [3]);
    assert!(lock.is_locked());
    assert!(is_ready(&mut wait));
    drop(wait);
    assert_eq!(*guard, 5);
    drop(guard);
    assert!(!lock.is_locked() && changed.waits.lock().list.is_unused());
}

#[test]
fn notify_wakes_so_many_first_come_first_served() {
    let (lock, changed, woken) = (Lock::new(0), Condition::default(), Woken::default());
    let mut guards: Vec<Option<LockGuard<'_, u32>>> = Vec::new();
    guards.resize_with(4, || None);
    let mut waits = Vec::new();
    for (number, place) in guards.iter_mut().enumerate() {
        let guard = place.insert(lock.try_lock().unwrap());
        let mut wait = changed.wait(guard);
        assert!(!is_ready_with(&mut wait, &woken.waker(number)));
        waits.push(wait);
    }
    assert_eq!(changed.statistics().tasks_waiting, 4);
    let guard = lock.try_lock().unwrap();
    changed.notify(&guard, 0);
    assert!(woken.take().is_empty());
    changed.notify(&guard, 2);
    assert_eq!(woken.take(), [0, 1]);
    changed.notify_all(&guard);
    changed.notify_all(&guard);
    assert_eq!(woken.take(), [2, 3]);
    drop(guard);
    assert!(is_ready(&mut waits[0]) && !is_ready(&mut waits[1]));
}

#[test]
fn wait_for_looks_first_and_after_each_notification() {
    let (lock, changed) = (Lock::new(2), Condition::new());
    let (mut guard, mut looks) = (lock.blocking_lock(), 0);
    assert!(is_ready(&mut changed.wait_for(&mut guard, |value| *value == 2)));
    let mut wait = changed.wait_for(&mut guard, |value| {
        looks += 1;
        *value == 4
    });
    suspend(&mut wait, &lock);
    for value in [3, 4] {
        let mut other = lock.try_lock().unwrap();
        *other = value;
        changed.notify(&other, 1);
        drop(other);
        assert_eq!(is_ready(&mut wait), value == 4);
    }
    drop(wait);
    assert_eq!((*guard, looks), (4, 3));
}

#[test]
fn cancelled_wait_takes_the_lock_back_before_it_raises() {
    let (lock, changed) = (Lock::new(0), Condition::new());
    let mut guard = lock.blocking_lock();
    let mut wait = changed.wait(&mut guard);
    suspend(&mut wait, &lock);
    let other = lock.try_lock().unwrap();
    poll_context::offer(request("first", 7));
    assert!(!is_ready(&mut wait));
    // It was answered by somebody inside, and further ones are kept.
    assert_eq!(unwinding(), None);
    poll_context::offer(request("outer", 3));
    assert!(!is_ready(&mut wait));
    assert_eq!(unwinding(), None);
    poll_context::offer(request("inner", 9));
    assert!(!is_ready(&mut wait));
    assert_eq!((unwinding(), changed.statistics().tasks_waiting), (None, 0));
    drop(other);
    assert!(!is_ready(&mut wait));
    assert_eq!(unwinding().as_deref(), Some("outer"));
    // It raises again at each poll, as a scope does, and does not let go of the lock.
    assert!(!is_ready(&mut wait));
    assert_eq!(unwinding().as_deref(), Some("outer"));
    drop(wait);
    assert!(lock.is_locked());
    *guard += 1;
}

#[test]
fn cancelled_wait_raises_in_the_same_poll_if_the_lock_is_free() {
    let (lock, changed) = (Lock::new(0), Condition::new());
    let mut guard = lock.blocking_lock();
    let mut wait = changed.wait_for(&mut guard, |_| false);
    suspend(&mut wait, &lock);
    poll_context::offer(request("now", 0));
    assert!(!is_ready(&mut wait));
    assert_eq!(unwinding().as_deref(), Some("now"));
    drop(wait);
    *guard += 1;
}

#[test]
fn request_that_is_there_at_the_first_poll_unwinds_past_a_wait_with_its_lock() {
    let (lock, changed) = (Lock::new(0), Condition::new());
    let mut guard = lock.blocking_lock();
    let mut wait = changed.wait(&mut guard);
    poll_context::offer(request("early", 0));
    assert!(!is_ready(&mut wait));
    assert!(lock.is_locked());
    assert_eq!(poll_context::take_request().unwrap().0.message.as_deref(), Some("early"));
    drop(wait);
    *guard += 1;
}

#[test]
fn request_that_unwinds_beside_it_is_no_offer() {
    let (lock, changed) = (Lock::new(0), Condition::new());
    let mut guard = lock.blocking_lock();
    let mut wait = changed.wait(&mut guard);
    suspend(&mut wait, &lock);
    poll_context::raise(request("sibling's", 0));
    assert!(!is_ready(&mut wait));
    assert_eq!(unwinding().as_deref(), Some("sibling's"));
    assert_eq!(changed.statistics().tasks_waiting, 1);
}

/// Notified and then cancelled, waiting to be notified or for the lock: the next gets the notification.
#[test]
fn cancelled_wait_hands_its_notification_on() {
    for is_locking in [false, true] {
        let (lock, changed, woken) = (Lock::new(0), Condition::new(), Woken::default());
        let (mut one, mut two) = (lock.blocking_lock(), None);
        let mut first = changed.wait(&mut one);
        suspend(&mut first, &lock);
        let mut second = changed.wait(two.insert(lock.try_lock().unwrap()));
        assert!(!is_ready_with(&mut second, &woken.waker(2)));
        let other = lock.try_lock().unwrap();
        changed.notify(&other, 1);
        if is_locking {
            assert!(!is_ready(&mut first));
        }
        assert!(woken.take().is_empty());
        poll_context::offer(request("cancelled", 0));
        assert!(!is_ready(&mut first));
        assert_eq!((unwinding(), woken.take()), (None, vec![2]));
        drop(other);
        assert!(!is_ready(&mut first));
        assert_eq!(unwinding().as_deref(), Some("cancelled"));
        drop(first);
        drop(one);
        assert!(is_ready(&mut second));
    }
}

#[test]
fn wait_that_ended_with_the_lock_owes_nothing() {
    let (lock, changed) = (Lock::new(0), Condition::new());
    let (mut one, mut two) = (lock.blocking_lock(), None);
    let mut first = changed.wait(&mut one);
    suspend(&mut first, &lock);
    let mut second = changed.wait(two.insert(lock.try_lock().unwrap()));
    suspend(&mut second, &lock);
    changed.notify(&lock.try_lock().unwrap(), 1);
    assert!(is_ready(&mut first));
    drop(first);
    assert_eq!(changed.statistics().tasks_waiting, 1);
}

#[test]
fn dropped_wait_leaves_a_guard_that_knows_it_and_hands_its_notification_on() {
    for polls_after_notify in 0..2 {
        let (lock, changed, woken) = (Lock::new(0), Condition::new(), Woken::default());
        let (mut one, mut two) = (lock.blocking_lock(), None);
        let mut first = changed.wait(&mut one);
        suspend(&mut first, &lock);
        let mut second = changed.wait(two.insert(lock.try_lock().unwrap()));
        assert!(!is_ready_with(&mut second, &woken.waker(2)));
        let other = lock.try_lock().unwrap();
        changed.notify(&other, 1);
        for _ in 0..polls_after_notify {
            assert!(!is_ready(&mut first));
        }
        drop(first);
        assert_eq!(woken.take(), [2]);
        drop(other);
        assert!(!lock.is_locked());
        let text = message_of(|| *one += 1);
        assert!(text.contains("call lock() again"), "{text}");
        let text = message_of(|| drop(changed.wait(&mut one)));
        assert!(text.contains("call lock() again"), "{text}");
        let text = message_of(|| changed.notify_all(&one));
        assert!(text.contains("call lock() again"), "{text}");
        // Putting another one in its place is what it says.
        one = lock.try_lock().unwrap();
        *one += 1;
        drop(one);
        assert!(is_ready(&mut second));
        drop(second);
        assert!(changed.waits.lock().list.is_unused());
    }
}

/// The lock was handed to the wait already.
#[test]
fn dropped_wait_gives_back_the_lock_it_was_handed() {
    let (lock, changed) = (Lock::new(0), Condition::new());
    let mut guard = lock.blocking_lock();
    let mut wait = changed.wait(&mut guard);
    suspend(&mut wait, &lock);
    let other = lock.try_lock().unwrap();
    changed.notify(&other, 1);
    assert!(!is_ready(&mut wait));
    drop(other);
    assert!(lock.is_locked());
    drop(wait);
    assert!(!lock.is_locked());
}

#[test]
fn forgotten_wait_leaves_a_guard_that_knows_it() {
    let (lock, changed) = (Lock::new(0), Condition::new());
    let mut guard = lock.blocking_lock();
    let mut wait = changed.wait(&mut guard);
    suspend(&mut wait, &lock);
    std::mem::forget(wait);
    assert!(message_of(|| *guard += 1).contains("call lock() again"));
}

#[test]
fn guard_of_another_lock_is_refused_while_somebody_waits() {
    let (lock, other, changed) = (Lock::new(0), Lock::new(0), Condition::new());
    changed.notify_all(&other.blocking_lock());
    let mut guard = lock.blocking_lock();
    let mut wait = changed.wait(&mut guard);
    suspend(&mut wait, &lock);
    let text = message_of(|| changed.notify_all(&other.blocking_lock()));
    assert!(text.contains("Condition::notify() at") && text.contains("one condition"), "{text}");
    let mut strange = other.blocking_lock();
    let text = message_of(|| is_ready(&mut changed.wait(&mut strange)));
    assert!(text.contains("Condition::wait() at") && text.contains("tests.rs"), "{text}");
    *strange += 1;
    drop(wait);
    assert!(!is_ready(&mut changed.wait(&mut strange)));
}

#[test]
fn panic_of_a_predicate_leaves_the_lock_with_the_guard() {
    let (lock, changed) = (Lock::new(0), Condition::new());
    let mut guard = lock.blocking_lock();
    let mut wait = changed.wait_for(&mut guard, |value| {
        assert_eq!(*value, 0, "the predicate");
        false
    });
    suspend(&mut wait, &lock);
    *lock.try_lock().unwrap() = 1;
    changed.notify_all(&lock.try_lock().unwrap());
    assert!(message_of(|| is_ready(&mut wait)).contains("the predicate"));
    drop(wait);
    assert_eq!(*guard, 1);
}

#[test]
fn threads_wait_for_each_other() {
    let (lock, changed) = (Lock::new(0), Condition::new());
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut guard = lock.blocking_lock();
            changed.blocking_wait_for(&mut guard, |value| *value == 1);
            *guard = 2;
            changed.notify_all(&guard);
        });
        let mut guard = lock.blocking_lock();
        *guard = 1;
        changed.notify_all(&guard);
        while *guard != 2 {
            changed.blocking_wait(&mut guard);
        }
    });
}

#[test]
fn wait_polled_after_its_end_panics_and_says_where() {
    let (lock, changed) = (Lock::new(0), Condition::new());
    let mut guard = lock.blocking_lock();
    let mut wait = changed.wait(&mut guard);
    suspend(&mut wait, &lock);
    changed.notify_all(&lock.try_lock().unwrap());
    assert!(is_ready(&mut wait));
    let text = message_of(|| is_ready(&mut wait));
    assert!(text.contains("tests.rs") && text.contains("after it was ready"), "{text}");
}

#[test]
fn waits_move_and_debug() {
    fn assert_send<T: Send + Unpin>(_: &T) {}
    let (lock, changed) = (Lock::new(0), Condition::new());
    let mut guard = lock.blocking_lock();
    let wait = changed.wait(&mut guard);
    assert_send(&wait);
    assert!(format!("{changed:?} {wait:?}").contains("tests.rs"));
    drop(wait);
    let unmovable = std::marker::PhantomPinned;
    let predicate = move |_: &mut u32| {
        let _captured = &unmovable;
        true
    };
    let mut wait = pin!(changed.wait_for(&mut guard, predicate));
    assert!(format!("{wait:?}").contains("tests.rs"));
    let mut cx = Context::from_waker(Waker::noop());
    assert_eq!(Pin::new(&mut wait).poll(&mut cx), Poll::Ready(()));
}

#[test]
fn owned_guard_is_unlocked_and_locked_again() {
    let (lock, changed, woken) = (Arc::new(Lock::new(0)), Condition::new(), Woken::default());
    let mut guard = lock.try_lock_owned().unwrap();
    let mut wait = changed.wait_for(&mut guard, |value| *value == 2);
    for value in 1..3 {
        assert!(!is_ready_with(&mut wait, &woken.waker(0)));
        let mut other = lock.try_lock_owned().unwrap();
        *other = value;
        changed.notify(&other, 1);
        assert_eq!(woken.take(), [0]);
    }
    assert!(is_ready(&mut wait));
    drop(wait);
    assert_eq!((*guard, lock.is_locked()), (2, true));
    drop(guard);
    assert!(!lock.is_locked() && changed.waits.lock().list.is_unused());
    assert_eq!(Arc::strong_count(&lock), 1);
}

#[test]
fn owned_guard_of_a_wait_that_was_dropped_knows_its_lock_and_has_it_not() {
    let (lock, changed) = (Arc::new(Lock::new(0)), Condition::new());
    let mut guard = lock.try_lock_owned().unwrap();
    suspend(&mut changed.wait(&mut guard), &lock);
    assert!(message_of(|| *guard).contains("call lock() again"));
    assert!(message_of(|| changed.notify_all(&guard)).contains("call lock() again"));
    assert!(Arc::ptr_eq(OwnedLockGuard::lock(&guard), &lock));
    assert!(Arc::ptr_eq(&OwnedLockGuard::into_lock(guard), &lock));
    let mut guard = lock.try_lock_owned().unwrap();
    suspend(&mut changed.wait(&mut guard), &lock);
    assert!(message_of(|| OwnedLockGuard::map(guard, |value| value)).contains("call lock() again"));
}

/// One lock, two conditions: each wakes those who wait for its change, with guards of both kinds.
#[test]
fn conditions_of_one_lock_are_apart() {
    let (lock, woken) = (Arc::new(Lock::new(0)), Woken::default());
    let (filled, emptied) = (Condition::new(), Condition::new());
    let mut guard = lock.blocking_lock();
    let mut get = filled.wait(&mut guard);
    assert!(!is_ready_with(&mut get, &woken.waker(1)));
    let mut guard = lock.try_lock_owned().unwrap();
    let mut put = emptied.wait(&mut guard);
    assert!(!is_ready_with(&mut put, &woken.waker(2)));
    emptied.notify_all(&lock.try_lock().unwrap());
    assert_eq!(woken.take(), [2]);
    filled.notify_all(&lock.try_lock_owned().unwrap());
    assert_eq!(woken.take(), [1]);
    // The lock goes from one to the other.
    assert!(is_ready(&mut put));
    assert!(!is_ready_with(&mut get, &woken.waker(3)));
    drop(put);
    drop(guard);
    assert_eq!(woken.take(), [3]);
    assert!(is_ready(&mut get));
}
