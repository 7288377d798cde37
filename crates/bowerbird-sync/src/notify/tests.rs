use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Wake, Waker};

use bowerbird_base::poll_context::{self, Request};

use super::Notify;
use crate::AutoResetEvent;
use crate::test_wakers::{PANICS, Woken, is_ready, is_ready_with};

#[test]
fn one_notification_is_stored_and_no_more() {
    let notify = Notify::new();
    notify.notify_one();
    notify.notify_last();
    assert!(notify.statistics().is_stored);
    assert!(is_ready(&mut notify.notified()));
    assert!(!is_ready(&mut notify.notified()));
}

#[test]
fn waits_are_woken_first_come_first_served_or_from_the_end() {
    let (notify, woken) = (Notify::new(), Woken::default());
    let mut waits: Vec<_> = (0..4).map(|_| notify.notified()).collect();
    for (number, wait) in waits.iter_mut().enumerate() {
        assert!(!is_ready_with(wait, &woken.waker(number)));
    }
    notify.notify_one();
    notify.notify_last();
    notify.notify_one();
    assert_eq!(woken.take(), [0, 3, 1]);
    assert_eq!(notify.statistics().tasks_waiting, 1);
    assert!(!is_ready(&mut waits[2]) && is_ready(&mut waits[3]));
}

#[test]
fn notify_waiters_wakes_who_was_made_before_it_and_stores_nothing() {
    let (notify, woken) = (Arc::new(Notify::new()), Woken::default());
    let (mut polled, mut unpolled) = (notify.notified(), notify.notified());
    let mut owned = notify.clone().notified_owned();
    assert!(!is_ready_with(&mut polled, &woken.waker(1)));
    notify.notify_waiters();
    assert_eq!(woken.take(), [1]);
    assert!(!is_ready(&mut notify.notified()));
    assert!(is_ready(&mut polled) && is_ready(&mut unpolled) && is_ready(&mut owned));
    // A stored one stays.
    notify.notify_one();
    notify.notify_waiters();
    assert!(is_ready(&mut notify.notified()));
}

#[test]
fn dropped_wait_hands_its_notification_to_the_next() {
    let (notify, woken) = (Notify::new(), Woken::default());
    let (mut first, mut second) = (notify.notified(), notify.notified());
    assert!(!is_ready_with(&mut first, &woken.waker(1)));
    assert!(!is_ready_with(&mut second, &woken.waker(2)));
    notify.notify_one();
    drop(first);
    assert_eq!(woken.take(), [1, 2]);
    drop(second);
    assert!(is_ready(&mut notify.notified()));
}

#[test]
fn wait_that_was_told_of_all_hands_nothing_on() {
    let notify = Notify::new();
    let mut wait = notify.notified();
    assert!(!is_ready(&mut wait));
    notify.notify_waiters();
    drop(wait);
    assert!(!notify.statistics().is_stored);
}

/// A waker whose drop gives a notification: nothing is locked then.
#[test]
fn waker_that_notifies_when_it_is_dropped_does_not_deadlock() {
    struct NotifyOnDrop(Arc<Notify>);
    impl Wake for NotifyOnDrop {
        fn wake(self: Arc<Self>) {}
    }
    impl Drop for NotifyOnDrop {
        fn drop(&mut self) {
            self.0.notify_waiters();
            self.0.notify_one();
        }
    }
    let notify = Arc::new(Notify::new());
    let waker = || Waker::from(Arc::new(NotifyOnDrop(notify.clone())));
    let mut wait = notify.notified();
    assert!(!is_ready_with(&mut wait, &waker()));
    // Replacing the waker drops the first, which ends this wait.
    is_ready_with(&mut wait, &waker());
    drop(wait);
    let mut wait = notify.notified();
    notify.signal.take();
    assert!(!is_ready_with(&mut wait, &waker()));
    notify.notify_one();
    drop(wait);
    assert!(notify.statistics().is_stored);
}

#[test]
fn panic_of_a_waker_keeps_nobody_asleep() {
    let (notify, woken) = (Notify::new(), Woken::default());
    let mut waits: Vec<_> = (0..3).map(|_| notify.notified()).collect();
    for (wait, number) in waits.iter_mut().zip([0, PANICS, 2]) {
        assert!(!is_ready_with(wait, &woken.waker(number)));
    }
    notify.notify_waiters();
    assert_eq!(woken.take(), [0, PANICS, 2]);
    assert!(waits.iter_mut().all(is_ready));
}

#[test]
fn enabled_wait_is_in_the_list_before_its_first_poll() {
    let notify = Notify::new();
    let (mut early, mut late) = (notify.notified(), notify.notified());
    assert!(!early.enable());
    assert!(!is_ready(&mut late));
    notify.notify_one();
    assert!(!is_ready(&mut late));
    assert!(is_ready(&mut early));
    // Not enabled: the notification is for whoever polls first.
    let unpolled = notify.notified();
    notify.notify_one();
    assert!(is_ready(&mut late));
    notify.notify_one();
    drop(unpolled);
    assert!(is_ready(&mut notify.notified()));
}

#[test]
fn enable_takes_what_is_stored_and_may_be_called_again() {
    let notify = Notify::new();
    notify.notify_one();
    let mut wait = pin!(notify.notified());
    assert!(wait.as_mut().enable() && wait.as_mut().enable());
    assert!(!notify.statistics().is_stored);
    assert!(is_ready(&mut wait) && is_ready(&mut wait));
    let mut wait = notify.notified();
    assert!(!is_ready(&mut wait) && !wait.enable());
    notify.notify_one();
    assert!(wait.enable());
}

#[test]
fn enabled_wait_is_woken_by_the_waker_of_its_last_poll() {
    let (notify, woken) = (Notify::new(), Woken::default());
    let mut wait = notify.notified();
    assert!(!wait.enable());
    assert!(!is_ready_with(&mut wait, &woken.waker(1)));
    assert!(!is_ready_with(&mut wait, &woken.waker(2)));
    notify.notify_one();
    assert_eq!(woken.take(), [2]);
}

#[test]
fn offered_cancellation_goes_before_a_notification() {
    let notify = Notify::new();
    let (mut wait, mut next) = (notify.notified(), notify.notified());
    assert!(!is_ready(&mut wait) && !is_ready(&mut next));
    notify.notify_one();
    poll_context::offer(Request::of_task(None));
    assert!(!is_ready(&mut wait));
    drop(wait);
    assert!(poll_context::take_request().is_some());
    assert!(is_ready(&mut next));
}

#[test]
fn auto_reset_event_lets_one_through_for_each_set() {
    let (event, woken) = (AutoResetEvent::default(), Woken::default());
    let mut waits: Vec<_> = (0..3).map(|_| event.wait()).collect();
    for (number, wait) in waits.iter_mut().enumerate() {
        assert!(!is_ready_with(wait, &woken.waker(number)));
    }
    event.set();
    event.set();
    assert_eq!(woken.take(), [0, 1]);
    assert!(is_ready(&mut waits[0]) && is_ready(&mut waits[1]) && !is_ready(&mut waits[2]));
    assert_eq!((event.statistics().tasks_waiting, event.is_set()), (1, false));
    event.set();
    drop(waits);
    // Nobody went through by the last one.
    assert!(event.statistics().is_set && event.try_wait() && !event.try_wait());
    assert!(!event.clear());
}

#[test]
fn auto_reset_event_that_is_set_again_stays_one() {
    let event = AutoResetEvent::new();
    let mut wait = event.wait();
    assert!(!is_ready(&mut wait));
    event.set();
    event.set();
    drop(wait);
    assert!(event.try_wait() && !event.try_wait());
}

#[test]
fn waits_debug_and_move() {
    fn assert_moves<T: Send + Sync + Unpin>(_: &T) {}
    let notify = Arc::new(Notify::new());
    let (wait, owned) = (notify.notified(), notify.clone().notified_owned());
    let auto = AutoResetEvent::new();
    assert_moves(&wait);
    assert_moves(&owned);
    assert_moves(&auto.wait());
    let text = format!("{notify:?} {wait:?} {owned:?} {auto:?} {:?}", auto.wait());
    assert!(text.contains("tests.rs") && text.contains("is_stored: false"), "{text}");
    let mut cx = Context::from_waker(Waker::noop());
    assert!(Pin::new(&mut { owned }).poll(&mut cx).is_pending());
}

#[test]
fn enable_leaves_the_waker_of_a_wait_that_was_polled() {
    let (notify, woken) = (Arc::new(Notify::new()), Woken::default());
    let (mut wait, mut owned) = (notify.notified(), notify.clone().notified_owned());
    assert!(!is_ready_with(&mut wait, &woken.waker(1)));
    assert!(!is_ready_with(&mut owned, &woken.waker(2)));
    assert!(!wait.enable() && !owned.enable());
    notify.notify_one();
    notify.notify_one();
    assert_eq!(woken.take(), [1, 2]);
    assert!(wait.enable() && is_ready(&mut owned));
    assert!(is_ready(&mut wait));
}
