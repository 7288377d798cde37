use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use bowerbird_base::poll_context::{self, Request};
use futures_core::Stream;

use super::{RecvError, Sender, channel};
use crate::test_wakers::{Count, poll_with as poll};

const CLOSED: RecvError = RecvError(());

#[test]
fn receivers_see_the_last_value_once() {
    let (sender, mut receiver) = channel(0);
    let mut clone = receiver.clone();
    assert!(poll(&mut receiver.changed(), Waker::noop()).is_pending());
    for value in 1..5 {
        sender.send(value).unwrap();
    }
    for receiver in [&mut receiver, &mut clone] {
        assert!(receiver.borrow().has_changed());
        assert_eq!(poll(&mut receiver.changed(), Waker::noop()), Poll::Ready(Ok(())));
        assert_eq!(*receiver.borrow(), 4);
        assert!(poll(&mut receiver.changed(), Waker::noop()).is_pending());
    }
    assert_eq!(sender.statistics().waiting, 0);
}

#[test]
fn all_waits_are_woken_once_and_keep_no_waker() {
    let (sender, mut one) = channel(0);
    let mut two = sender.subscribe();
    let count = Arc::new(Count::default());
    let waker = Waker::from(count.clone());
    let (mut first, mut second) = (one.changed(), two.changed());
    for _ in 0..2 {
        assert!(poll(&mut first, &waker).is_pending() && poll(&mut second, &waker).is_pending());
    }
    assert_eq!((sender.statistics().waiting, Arc::strong_count(&count)), (2, 4));
    sender.send(1).unwrap();
    sender.send(2).unwrap();
    assert_eq!((count.wakes(), Arc::strong_count(&count)), (2, 2));
    assert_eq!(poll(&mut first, &waker), Poll::Ready(Ok(())));
    drop(second);
    assert_eq!(two.has_changed(), Ok(true), "a wait that was dropped has seen nothing");
}

#[test]
fn send_without_receivers_stores_nothing() {
    let (sender, receiver) = channel(0);
    drop(receiver);
    assert_eq!(sender.send(1).unwrap_err().0, 1);
    assert_eq!(*sender.borrow(), 0);
    assert_eq!(sender.send_replace(2), 0);
    assert_eq!(*sender.borrow(), 2);
    assert_eq!(sender.subscribe().has_changed(), Ok(false));
}

#[test]
fn change_that_is_none_wakes_nobody() {
    let (sender, mut receiver) = channel(0);
    let count = Arc::new(Count::default());
    let waker = Waker::from(count.clone());
    let mut changed = receiver.changed();
    assert!(poll(&mut changed, &waker).is_pending());
    assert!(!sender.send_if_modified(|_| false));
    let panic = AssertUnwindSafe(|| sender.send_modify(|_| panic!("in the closure")));
    assert!(catch_unwind(panic).is_err());
    assert_eq!(count.wakes(), 0);
    assert!(poll(&mut changed, &waker).is_pending());
    sender.send_modify(|value| *value += 1);
    assert_eq!((count.wakes(), *sender.borrow()), (1, 1));
}

#[test]
fn marks_move_what_was_seen() {
    let (sender, mut receiver) = channel(0);
    receiver.mark_changed();
    assert_eq!(receiver.has_changed(), Ok(true));
    assert_eq!(poll(&mut receiver.changed(), Waker::noop()), Poll::Ready(Ok(())));
    let count = Arc::new(Count::default());
    let waker = Waker::from(count.clone());
    sender.send(1).unwrap();
    receiver.mark_unchanged();
    assert!(poll(&mut receiver.changed(), &waker).is_pending());
}

#[test]
fn end_comes_after_the_last_value() {
    let (sender, mut receiver) = channel(0);
    let other = sender.clone();
    assert_eq!((sender.sender_count(), sender.receiver_count()), (2, 1));
    let count = Arc::new(Count::default());
    let waker = Waker::from(count.clone());
    let mut changed = receiver.changed();
    assert!(poll(&mut changed, &waker).is_pending());
    drop(other);
    assert_eq!(count.wakes(), 0);
    sender.send(1).unwrap();
    drop(sender);
    assert_eq!(poll(&mut changed, &waker), Poll::Ready(Ok(())));
    drop(changed);
    assert_eq!(poll(&mut receiver.changed(), &waker), Poll::Ready(Err(CLOSED)));
    assert_eq!((receiver.has_changed(), receiver.is_closed()), (Err(CLOSED), true));
    assert_eq!(*receiver.borrow(), 1);
    let found = poll(&mut receiver.wait_for(|value| *value == 1), &waker);
    assert!(found.ready_and(|found| found.is_ok_and(|value| *value == 1)));
    let refused = poll(&mut receiver.wait_for(|value| *value == 2), &waker);
    assert!(refused.ready_and(|refused| refused.is_err()));
}

trait ReadyAnd<T> {
    fn ready_and(self, holds: impl FnOnce(T) -> bool) -> bool;
}

impl<T> ReadyAnd<T> for Poll<T> {
    fn ready_and(self, holds: impl FnOnce(T) -> bool) -> bool {
        match self {
            Poll::Ready(value) => holds(value),
            Poll::Pending => false,
        }
    }
}

#[test]
fn wait_for_looks_at_each_value_that_it_meets_once() {
    let (sender, mut receiver) = channel(0);
    let mut looked = Vec::new();
    let mut wait = receiver.wait_for(|value| {
        looked.push(*value);
        *value == 3
    });
    for value in 1..4 {
        assert!(poll(&mut wait, Waker::noop()).is_pending());
        assert!(poll(&mut wait, Waker::noop()).is_pending());
        sender.send(value).unwrap();
    }
    match poll(&mut wait, Waker::noop()) {
        Poll::Ready(Ok(value)) => assert!(*value == 3 && value.has_changed()),
        other => panic!("{other:?}"),
    }
    let again = catch_unwind(AssertUnwindSafe(|| poll(&mut wait, Waker::noop()).is_ready()));
    let panic = again.unwrap_err();
    assert!(panic.downcast_ref::<String>().unwrap().contains("polled again"));
    drop(wait);
    assert_eq!(looked, [0, 1, 2, 3]);
    let here = poll(&mut receiver.wait_for(|value| *value == 3), Waker::noop());
    assert!(here.ready_and(|here| here.is_ok_and(|value| !value.has_changed())));
}

/// tokio had this locked for ever.
#[test]
fn panic_of_a_predicate_leaves_the_channel_usable() {
    let (sender, mut receiver) = channel(0);
    let mut wait = receiver.wait_for(|_| panic!("in the closure"));
    assert!(
        catch_unwind(AssertUnwindSafe(|| poll(&mut wait, Waker::noop()).is_pending())).is_err()
    );
    drop(wait);
    sender.send(1).unwrap();
    assert_eq!(*receiver.borrow(), 1);
}

#[test]
fn closed_waits_for_the_last_receiver() {
    let (sender, one) = channel(0);
    let two = one.clone();
    let count = Arc::new(Count::default());
    let waker = Waker::from(count.clone());
    let (mut closed, mut given_up) = (sender.closed(), sender.closed());
    assert!(poll(&mut closed, &waker).is_pending() && poll(&mut given_up, &waker).is_pending());
    drop(given_up);
    drop(one);
    assert!(!sender.is_closed());
    drop(two);
    assert_eq!(count.wakes(), 1);
    assert!(poll(&mut closed, &waker).is_ready());
    assert_eq!(Arc::strong_count(&count), 2);
}

#[test]
fn streams_give_the_value_of_now_or_only_changes() {
    let next = |stream: &mut super::WatchStream<u8>| {
        Pin::new(stream).poll_next(&mut Context::from_waker(Waker::noop()))
    };
    let (sender, receiver) = channel(1);
    let (mut all, mut changes) = (receiver.clone().into_stream(), receiver.into_changes());
    assert_eq!(next(&mut all), Poll::Ready(Some(1)));
    assert!(next(&mut all).is_pending() && next(&mut changes).is_pending());
    sender.send(2).unwrap();
    sender.send(3).unwrap();
    assert_eq!((next(&mut all), next(&mut changes)), (Poll::Ready(Some(3)), Poll::Ready(Some(3))));
    assert!(next(&mut all).is_pending());
    drop(changes);
    assert_eq!(sender.statistics().waiting, 1);
    drop(sender);
    assert_eq!((next(&mut all), next(&mut all)), (Poll::Ready(None), Poll::Ready(None)));
}

#[test]
fn offered_cancellation_goes_before_the_change() {
    let (sender, mut receiver) = channel(0);
    let mut changed = receiver.changed();
    assert!(poll(&mut changed, Waker::noop()).is_pending());
    sender.send(1).unwrap();
    poll_context::offer(Request::of_task(None));
    assert!(poll(&mut changed, Waker::noop()).is_pending());
    assert!(poll_context::take_request().is_some());
    drop(changed);
    assert_eq!(receiver.has_changed(), Ok(true));
}

#[test]
fn waits_say_what_they_wait_for() {
    poll_context::set_tracked(true);
    let (sender, mut receiver) = channel(0);
    let kind = || poll_context::take_wait().unwrap().kind;
    assert!(poll(&mut receiver.changed(), Waker::noop()).is_pending());
    assert_eq!(kind(), "watch.changed");
    assert!(poll(&mut receiver.wait_for(|_| false), Waker::noop()).is_pending());
    assert_eq!(kind(), "watch.wait_for");
    assert!(poll(&mut sender.closed(), Waker::noop()).is_pending());
    assert_eq!(kind(), "watch.closed");
    poll_context::set_tracked(false);
}

/// Values that are replaced are dropped when nothing is locked.
#[test]
fn replaced_value_may_use_the_channel_when_it_is_dropped() {
    struct Looks(Option<Sender<Looks>>);
    impl Drop for Looks {
        fn drop(&mut self) {
            if let Some(sender) = &self.0 {
                assert!(sender.borrow().0.is_none());
            }
        }
    }
    let (sender, receiver) = channel(Looks(None));
    sender.send_modify(|value| *value = Looks(Some(sender.clone())));
    assert!(sender.send(Looks(None)).is_ok());
    assert!(receiver.borrow().0.is_none());
}

#[test]
fn sides_cross_threads_when_the_value_may() {
    fn is_send_and_sync<T: Send + Sync>(_: &T) {}
    let (sender, mut receiver) = channel(1);
    is_send_and_sync(&sender);
    is_send_and_sync(&sender.closed());
    is_send_and_sync(&receiver.changed());
    is_send_and_sync(&receiver.wait_for(|_| true));
    is_send_and_sync(&receiver.into_stream());
}

#[test]
fn debug_never_blocks() {
    let (sender, receiver) = channel(0);
    sender.send_modify(|_| {
        assert_eq!(format!("{sender:?}"), "Sender { senders: 1, receivers: 1, .. }");
        assert_eq!(format!("{receiver:?}"), "Receiver { has_changed: Ok(false), .. }");
    });
}
