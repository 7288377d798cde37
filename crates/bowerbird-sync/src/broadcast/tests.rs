use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};

use bowerbird_base::poll_context::{self, Request};
use futures_core::Stream;

use super::{Lagged, RecvError, SendError, Sender, TryRecvError, channel};
use crate::test_wakers::{Count, poll_with as poll};

#[test]
fn every_receiver_gets_every_value() {
    let (sender, mut one) = channel(4);
    let mut two = sender.subscribe();
    assert_eq!((sender.send(1), sender.send(2)), (Ok(2), Ok(2)));
    assert_eq!((one.try_recv(), one.try_recv()), (Ok(1), Ok(2)));
    assert_eq!((sender.len(), one.len(), two.len()), (2, 0, 2));
    assert_eq!((two.try_recv(), two.try_recv()), (Ok(1), Ok(2)));
    assert_eq!((two.try_recv(), sender.is_empty()), (Err(TryRecvError::Empty), true));
}

#[test]
fn suspended_receivers_are_woken_once_and_keep_no_waker() {
    let (sender, mut one) = channel(4);
    let mut two = sender.subscribe();
    let count = Arc::new(Count::default());
    let waker = Waker::from(count.clone());
    let (mut first, mut second) = (one.recv(), two.recv());
    assert!(poll(&mut first, &waker).is_pending() && poll(&mut second, &waker).is_pending());
    assert!(poll(&mut second, &waker).is_pending());
    assert_eq!((sender.statistics().waiting, Arc::strong_count(&count)), (2, 4));
    sender.send(1).unwrap();
    sender.send(2).unwrap();
    assert_eq!((count.wakes(), Arc::strong_count(&count)), (2, 2));
    assert_eq!(poll(&mut first, &waker), Poll::Ready(Ok(1)));
    drop(second);
    assert_eq!(two.try_recv(), Ok(1), "a recv that was dropped has received nothing");
}

#[test]
fn slow_receiver_is_told_and_goes_on_with_the_oldest() {
    let (sender, mut receiver) = channel(3);
    for number in 0..10 {
        sender.send(number).unwrap();
    }
    assert_eq!((receiver.len(), sender.len()), (10, 3));
    assert_eq!(receiver.try_recv(), Err(TryRecvError::Lagged(7)));
    assert_eq!((0..3).map(|_| receiver.try_recv().unwrap()).collect::<Vec<_>>(), [7, 8, 9]);
}

#[test]
fn send_without_receivers_gives_the_value_back() {
    let (sender, receiver) = channel(1);
    drop(receiver);
    assert_eq!(sender.send(1), Err(SendError(1)));
    let mut receiver = sender.subscribe();
    assert_eq!((sender.send(2), receiver.try_recv()), (Ok(1), Ok(2)));
}

/// A value counts its drops, and tells whether the channel could be used then.
struct Value(Arc<AtomicUsize>, Option<Sender<Value>>);

impl Clone for Value {
    fn clone(&self) -> Self {
        // Nothing is locked while values are cloned.
        let _len = self.1.as_ref().map(Sender::len);
        Self(self.0.clone(), None)
    }
}

impl Drop for Value {
    fn drop(&mut self) {
        let _len = self.1.as_ref().map(Sender::len);
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn values_are_freed_when_nobody_wants_them_and_may_use_the_channel() {
    let drops = Arc::new(AtomicUsize::new(0));
    let (sender, mut one) = channel(2);
    let two = sender.subscribe();
    let send = || sender.send(Value(drops.clone(), Some(sender.clone()))).unwrap();
    let dropped = || drops.swap(0, Ordering::Relaxed);
    send();
    drop(one.try_recv().unwrap());
    assert_eq!(dropped(), 1, "a clone");
    send();
    send();
    assert_eq!(dropped(), 1, "the oldest was pushed out");
    drop(two);
    assert_eq!(dropped(), 0);
    drop((one.try_recv().unwrap(), one.try_recv().unwrap()));
    assert_eq!(dropped(), 2, "the last receiver gets the values themselves");
    send();
    drop(one);
    assert_eq!((dropped(), sender.len()), (1, 0));
}

#[test]
fn end_comes_after_the_last_value() {
    let (sender, mut receiver) = channel(2);
    let other = sender.clone();
    let weak = sender.downgrade();
    assert_eq!((sender.strong_count(), receiver.sender_weak_count()), (2, 1));
    let count = Arc::new(Count::default());
    let waker = Waker::from(count.clone());
    let mut recv = receiver.recv();
    assert!(poll(&mut recv, &waker).is_pending());
    drop(sender);
    assert_eq!(count.wakes(), 0);
    other.send(1).unwrap();
    drop(other);
    assert!(weak.upgrade().is_none());
    assert_eq!(poll(&mut recv, &waker), Poll::Ready(Ok(1)));
    drop(recv);
    assert_eq!(poll(&mut receiver.recv(), &waker), Poll::Ready(Err(RecvError::Closed)));
    let (sender, mut receiver) = channel::<u8>(2);
    let mut recv = receiver.recv();
    assert!(poll(&mut recv, &waker).is_pending());
    drop(sender);
    assert_eq!(count.wakes(), 2);
    assert_eq!(poll(&mut recv, &waker), Poll::Ready(Err(RecvError::Closed)));
}

#[test]
fn closed_waits_for_the_last_receiver() {
    let (sender, one) = channel::<u8>(2);
    let two = one.resubscribe();
    let count = Arc::new(Count::default());
    let waker = Waker::from(count.clone());
    let (mut closed, mut given_up) = (sender.closed(), sender.closed());
    assert!(poll(&mut closed, &waker).is_pending() && poll(&mut given_up, &waker).is_pending());
    drop(given_up);
    drop(one);
    assert_eq!(count.wakes(), 0);
    drop(two);
    assert_eq!(count.wakes(), 1);
    assert!(poll(&mut closed, &waker).is_ready());
    assert_eq!(Arc::strong_count(&count), 2);
}

#[test]
fn stream_gives_values_and_losses_and_ends() {
    let (sender, receiver) = channel(1);
    let mut stream = receiver.into_stream();
    let mut next = || Pin::new(&mut stream).poll_next(&mut Context::from_waker(Waker::noop()));
    assert!(next().is_pending());
    sender.send(1).unwrap();
    sender.send(2).unwrap();
    assert_eq!(next(), Poll::Ready(Some(Err(Lagged(1)))));
    assert_eq!(next(), Poll::Ready(Some(Ok(2))));
    assert!(next().is_pending());
    drop(sender);
    assert_eq!((next(), next()), (Poll::Ready(None), Poll::Ready(None)));
    let (sender, receiver) = channel::<u8>(1);
    let mut stream = receiver.into_stream();
    assert!(Pin::new(&mut stream).poll_next(&mut Context::from_waker(Waker::noop())).is_pending());
    drop(stream);
    let now = sender.statistics();
    assert_eq!((now.waiting, now.receivers), (0, 0));
}

#[test]
fn offered_cancellation_goes_before_the_value() {
    let (sender, mut receiver) = channel(1);
    let mut recv = receiver.recv();
    assert!(poll(&mut recv, Waker::noop()).is_pending());
    sender.send(1).unwrap();
    poll_context::offer(Request::of_task(None));
    assert!(poll(&mut recv, Waker::noop()).is_pending());
    assert!(poll_context::take_request().is_some());
    drop(recv);
    assert_eq!(receiver.try_recv(), Ok(1));
}

#[test]
fn waits_say_what_they_wait_for() {
    poll_context::set_tracked(true);
    let (sender, mut receiver) = channel::<u8>(1);
    assert!(poll(&mut receiver.recv(), Waker::noop()).is_pending());
    assert_eq!(poll_context::take_wait().unwrap().kind, "broadcast.recv");
    assert!(poll(&mut sender.closed(), Waker::noop()).is_pending());
    assert_eq!(poll_context::take_wait().unwrap().kind, "broadcast.closed");
    poll_context::set_tracked(false);
}

#[test]
fn capacity_of_zero_is_refused() {
    let panic = catch_unwind(AssertUnwindSafe(|| channel::<u8>(0))).unwrap_err();
    let message = panic.downcast_ref::<&str>().unwrap();
    assert!(message.contains("capacity of 0") && message.contains("at least 1"), "{message}");
}

#[test]
fn sides_cross_threads_when_the_value_may() {
    fn is_send_and_sync<T: Send + Sync>(_: &T) {}
    let (sender, mut receiver) = channel::<u8>(1);
    is_send_and_sync(&sender);
    is_send_and_sync(&sender.downgrade());
    is_send_and_sync(&sender.closed());
    is_send_and_sync(&receiver.recv());
    is_send_and_sync(&receiver.into_stream());
}

#[test]
fn debug_never_blocks() {
    let (sender, receiver) = channel::<u8>(3);
    let expected = "{ len: 0, capacity: 3, senders: 1, receivers: 1, .. }";
    assert_eq!(format!("{sender:?}{receiver:?}"), format!("Sender {expected}Receiver {expected}"));
}
