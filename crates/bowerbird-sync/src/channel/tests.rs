use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};

use bowerbird_base::poll_context::{self, Request};
use futures_core::Stream;

use crate::{mpmc, mpsc};

use super::{RecvError, SendError, TryRecvError, TrySendError};

mod random;

/// Counts its wake-ups.
///
/// `[ORD-1]` Relaxed: one thread.
#[derive(Default)]
struct Wakes(AtomicUsize);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed); // [ORD-1]
    }
}

impl Wakes {
    fn count(&self) -> usize {
        self.0.load(Ordering::Relaxed) // [ORD-1]
    }
}

/// A future that is polled by hand, with what woke it.
struct Polled<F> {
    future: Pin<Box<F>>,
    wakes: Arc<Wakes>,
}

impl<F: Future> Polled<F> {
    /// Polls once.
    fn new(future: F) -> (Self, Poll<F::Output>) {
        let mut polled = Self { future: Box::pin(future), wakes: Arc::default() };
        let first = polled.poll();
        (polled, first)
    }

    /// Polls once, and expects to wait.
    fn pending(future: F) -> Self {
        let (polled, first) = Self::new(future);
        assert!(first.is_pending() && polled.wakes.count() == 0);
        polled
    }

    fn poll(&mut self) -> Poll<F::Output> {
        let waker = Waker::from(self.wakes.clone());
        self.future.as_mut().poll(&mut Context::from_waker(&waker))
    }

    fn was_woken(&self) -> bool {
        self.wakes.count() > 0
    }
}

fn now<F: Future>(future: F) -> F::Output {
    match Polled::new(future).1 {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("not ready"),
    }
}

// ---------------------------------------------------------------------------------------------------
// Sending
// ---------------------------------------------------------------------------------------------------

#[test]
fn full_channel_refuses_and_gives_the_value_back() {
    let (sender, mut receiver) = mpsc::channel(1);
    assert_eq!(sender.try_send(1), Ok(()));
    assert_eq!(sender.try_send(2), Err(TrySendError::Full(2)));
    assert_eq!(receiver.try_recv(), Ok(1));
    assert_eq!(sender.try_send(3), Ok(()));
    receiver.close();
    assert_eq!(sender.try_send(4), Err(TrySendError::Closed(4)));
    assert_eq!(now(sender.send(5)), Err(SendError(5)));
    assert_eq!((receiver.try_recv(), receiver.try_recv()), (Ok(3), Err(TryRecvError::Closed)));
}

#[test]
fn senders_get_slots_in_order_of_arrival_and_nobody_passes_them() {
    let (sender, mut receiver) = mpsc::channel(1);
    sender.try_send(0).unwrap();
    let mut waits: Vec<_> = (1..=3).map(|number| Polled::pending(sender.send(number))).collect();
    for expected in 0..3 {
        assert_eq!(receiver.try_recv(), Ok(expected));
        assert!(waits[0].was_woken() && !waits.iter().skip(1).any(Polled::was_woken));
        // The slot is taken, though its owner was not polled yet.
        assert_eq!(sender.try_send(9), Err(TrySendError::Full(9)));
        assert_eq!((sender.capacity(), sender.len()), (0, 0));
        assert_eq!(waits.remove(0).poll(), Poll::Ready(Ok(())));
    }
    assert_eq!(receiver.try_recv(), Ok(3));
}

/// A receive that need not wait has somebody to call all the same.
#[test]
fn receive_at_once_gives_its_slot_to_the_send_that_waits() {
    let (sender, mut receiver) = mpsc::channel(2);
    (1..=2).for_each(|number| sender.try_send(number).unwrap());
    let mut send = Polled::pending(sender.send(3));
    assert_eq!(now(receiver.recv()), Ok(1));
    assert!(send.was_woken());
    assert_eq!(sender.try_send(9), Err(TrySendError::Full(9)));
    assert_eq!(send.poll(), Poll::Ready(Ok(())));
    assert_eq!((now(receiver.recv()), now(receiver.recv())), (Ok(2), Ok(3)));
}

#[test]
fn dropped_send_has_not_sent_and_gives_its_slot_on() {
    let (sender, mut receiver) = mpsc::channel(1);
    sender.try_send(0).unwrap();
    let first = Polled::pending(sender.send(1));
    let never_called = Polled::pending(sender.send(2));
    let mut last = Polled::pending(sender.send(3));
    drop(never_called);
    assert_eq!(receiver.try_recv(), Ok(0));
    assert!(first.was_woken() && !last.was_woken());
    drop(first);
    assert!(last.was_woken());
    assert_eq!(last.poll(), Poll::Ready(Ok(())));
    assert_eq!(receiver.try_recv(), Ok(3));
    assert_eq!((sender.capacity(), sender.statistics().waiting_to_send), (1, 0));
}

#[test]
fn send_that_is_given_up_returns_its_value() {
    let (sender, _receiver) = mpsc::channel(1);
    let mut send = sender.send(String::from("a"));
    let mut cx = Context::from_waker(Waker::noop());
    assert!(Pin::new(&mut send).poll(&mut cx).is_ready());
    assert_eq!(send.into_value(), None);
    let mut send = sender.send(String::from("b"));
    assert!(Pin::new(&mut send).poll(&mut cx).is_pending());
    assert_eq!(send.into_value().as_deref(), Some("b"));
    assert_eq!(sender.statistics().waiting_to_send, 0);
}

#[test]
fn polling_a_finished_send_names_where_it_was_made() {
    let (sender, _receiver) = mpsc::channel(1);
    let (mut send, first) = Polled::new(sender.send(1));
    assert_eq!(first, Poll::Ready(Ok(())));
    let panic = catch_unwind(AssertUnwindSafe(|| send.poll())).unwrap_err();
    let text = panic.downcast_ref::<String>().unwrap();
    assert!(text.contains("the send made at ") && text.contains("tests.rs"), "{text}");
    assert_eq!(sender.len(), 1);
}

#[test]
fn many_values_go_in_as_slots_get_free() {
    let (sender, mut receiver) = mpsc::channel(3);
    let mut sending = Polled::pending(sender.send_many(0..100));
    let (mut received, mut polls) = (Vec::new(), 1);
    loop {
        assert!(now(receiver.recv_many(&mut received, 2)) > 0);
        polls += 1;
        if sending.poll().is_ready() {
            break;
        }
    }
    while let Ok(value) = receiver.try_recv() {
        received.push(value);
    }
    assert_eq!(received, (0..100).collect::<Vec<_>>());
    assert_eq!(polls, 50);
}

#[test]
fn many_values_that_cannot_be_sent_come_back_in_order() {
    let (sender, mut receiver) = mpsc::channel(3);
    let mut sending = Polled::pending(sender.send_many(0..100));
    assert_eq!(receiver.try_recv(), Ok(0));
    receiver.close();
    // It was given a slot before the close, and may use it.
    assert!(sending.was_woken() && sending.poll().is_ready());
    drop(sending);
    let unsent = now(sender.send_many(5..8)).unwrap_err().into_inner();
    assert_eq!(unsent.size_hint(), (3, Some(3)));
    assert!(unsent.eq(5..8));
    assert_eq!(std::iter::from_fn(|| receiver.try_recv().ok()).collect::<Vec<_>>(), [1, 2, 3]);
}

// ---------------------------------------------------------------------------------------------------
// Permits
// ---------------------------------------------------------------------------------------------------

#[test]
fn permit_keeps_its_slot_until_it_is_used_or_dropped() {
    let (sender, mut receiver) = mpsc::channel(2);
    let permit = now(sender.reserve()).unwrap();
    let owned = now(sender.clone().reserve_owned()).unwrap();
    assert!(owned.same_channel_as_sender(&sender));
    assert_eq!((sender.capacity(), sender.strong_count()), (0, 2));
    assert!(sender.try_reserve().unwrap_err().is_full());
    let mut wait = Polled::pending(sender.send(3));
    drop(permit);
    assert!(wait.was_woken());
    assert_eq!(wait.poll(), Poll::Ready(Ok(())));
    drop(owned.send(4));
    assert_eq!((receiver.try_recv(), receiver.try_recv()), (Ok(3), Ok(4)));
    assert_eq!((sender.capacity(), sender.strong_count()), (2, 1));
}

#[test]
fn who_wants_many_is_not_passed_by_who_wants_one() {
    let (sender, mut receiver) = mpsc::channel(3);
    sender.try_send(0).unwrap();
    sender.try_send(1).unwrap();
    let mut many = Polled::pending(sender.reserve_many(3));
    let one = Polled::pending(sender.reserve());
    assert_eq!(receiver.try_recv(), Ok(0));
    assert!(!many.was_woken() && !one.was_woken());
    assert_eq!(receiver.try_recv(), Ok(1));
    assert!(many.was_woken() && !one.was_woken());
    let Poll::Ready(Ok(mut permits)) = many.poll() else { panic!("three are free") };
    permits.next().unwrap().send(7);
    assert_eq!(permits.len(), 2);
    drop(permits);
    assert!(one.was_woken());
    drop(one);
    assert_eq!((receiver.try_recv(), sender.capacity()), (Ok(7), 3));
}

#[test]
fn one_that_gives_up_lets_those_behind_it_pass() {
    let (sender, _receiver) = mpsc::channel(2);
    sender.try_send(0).unwrap();
    let many = Polled::pending(sender.reserve_many(2));
    let mut one = Polled::pending(sender.reserve());
    drop(many);
    assert!(one.was_woken() && one.poll().is_ready());
}

#[test]
fn more_permits_than_there_can_be_are_refused_by_name() {
    let (sender, _receiver) = mpsc::channel::<u8>(2);
    let panic = catch_unwind(AssertUnwindSafe(|| drop(sender.reserve_many(3)))).unwrap_err();
    let text = panic.downcast_ref::<String>().unwrap();
    assert!(text.contains("reserve_many(3)") && text.contains("more than 2 slots"), "{text}");
}

// ---------------------------------------------------------------------------------------------------
// Receiving
// ---------------------------------------------------------------------------------------------------

#[test]
fn receivers_get_values_in_order_of_arrival_and_nobody_passes_them() {
    let (sender, receiver) = mpmc::channel(4);
    let mut waits: Vec<_> = (0..3).map(|_| Polled::pending(receiver.recv())).collect();
    for number in 0..2 {
        sender.try_send(number).unwrap();
        assert!(waits[number].was_woken() && !waits[number + 1].was_woken());
    }
    // Both values are promised.
    assert_eq!(receiver.try_recv(), Err(TryRecvError::Empty));
    let mut last = Polled::pending(receiver.recv());
    sender.try_send(2).unwrap();
    assert!(waits[2].was_woken() && !last.was_woken());
    for (number, wait) in waits.iter_mut().enumerate() {
        assert_eq!(wait.poll(), Poll::Ready(Ok(number)));
    }
    sender.try_send(3).unwrap();
    assert_eq!(last.poll(), Poll::Ready(Ok(3)));
}

#[test]
fn value_of_a_dropped_receive_goes_to_the_next() {
    #[derive(Debug, PartialEq)]
    struct NotClone(u8);
    let (sender, receiver) = mpmc::channel(4);
    let receiver = receiver.clone();
    let (first, mut second) = (Polled::pending(receiver.recv()), Polled::pending(receiver.recv()));
    sender.try_send(NotClone(1)).unwrap();
    assert!(first.was_woken() && !second.was_woken());
    drop(first);
    assert!(second.was_woken());
    assert_eq!(second.poll(), Poll::Ready(Ok(NotClone(1))));
}

#[test]
fn values_of_dropped_receives_keep_their_order() {
    for drops_last_first in [false, true] {
        let (sender, receiver) = mpmc::channel(4);
        let mut waits: Vec<_> = (0..3).map(|_| Polled::pending(receiver.recv())).collect();
        (0..3).for_each(|number| sender.try_send(number).unwrap());
        if drops_last_first {
            waits.reverse();
        }
        waits.clear();
        assert_eq!([(); 3].map(|()| receiver.try_recv()), [Ok(0), Ok(1), Ok(2)]);
    }
}

#[test]
fn values_are_received_many_at_a_time_and_give_their_slots_back() {
    let (sender, mut receiver) = mpsc::channel(4);
    (0..4).for_each(|number| sender.try_send(number).unwrap());
    let mut waits: Vec<_> = (4..7).map(|number| Polled::pending(sender.send(number))).collect();
    let mut values = Vec::new();
    assert_eq!(now(receiver.recv_many(&mut values, 0)), 0);
    assert_eq!(now(receiver.recv_many(&mut values, 3)), 3);
    assert!(waits.iter_mut().all(|wait| wait.was_woken() && wait.poll().is_ready()));
    assert_eq!(now(receiver.recv_many(&mut values, 100)), 4);
    assert_eq!(values, (0..7).collect::<Vec<_>>());
    drop(waits);
    drop(sender);
    assert_eq!(now(receiver.recv_many(&mut values, 100)), 0);
}

#[test]
fn poll_recv_and_recv_are_one_wait() {
    let (sender, mut receiver) = mpsc::channel(4);
    let mut cx = Context::from_waker(Waker::noop());
    assert!(receiver.poll_recv(&mut cx).is_pending());
    sender.try_send(1).unwrap();
    assert_eq!(now(receiver.recv()), Ok(1));
    assert!(receiver.poll_recv(&mut cx).is_pending());
    assert_eq!(receiver.try_recv(), Err(TryRecvError::Empty));
    assert_eq!(receiver.statistics().waiting_to_receive, 1);
    sender.try_send(2).unwrap();
    assert_eq!(receiver.try_recv(), Ok(2));
    assert!(receiver.poll_recv(&mut cx).is_pending());
    drop(Polled::pending(receiver.recv()));
    assert_eq!(receiver.statistics().waiting_to_receive, 0);
    sender.try_send(3).unwrap();
    assert_eq!(receiver.poll_recv(&mut cx), Poll::Ready(Ok(3)));
}

#[test]
fn stream_keeps_its_place_and_gives_it_on_when_dropped() {
    let (sender, receiver) = mpmc::channel(4);
    let mut cx = Context::from_waker(Waker::noop());
    let mut stream = receiver.clone().into_stream();
    assert!(Pin::new(&mut stream).poll_next(&mut cx).is_pending());
    let mut other = Polled::pending(receiver.recv());
    sender.try_send(1).unwrap();
    assert!(!other.was_woken());
    let receiver = stream.into_receiver();
    assert_eq!(other.poll(), Poll::Ready(Ok(1)));
    assert_eq!(receiver.receiver_count(), 2);
    sender.try_send(2).unwrap();
    drop(sender);
    let mut stream = receiver.clone().into_stream();
    assert_eq!(stream.size_hint(), (0, Some(1)));
    assert_eq!(Pin::new(&mut stream).poll_next(&mut cx), Poll::Ready(Some(2)));
    assert_eq!(Pin::new(&mut stream).poll_next(&mut cx), Poll::Ready(None));
}

#[test]
fn repolled_waits_wake_only_their_last_waker() {
    let (sender, receiver) = mpmc::channel(1);
    let mut wait = Polled::pending(receiver.recv());
    let old = std::mem::take(&mut wait.wakes);
    assert!(wait.poll().is_pending() && wait.poll().is_pending());
    sender.try_send(1).unwrap();
    assert_eq!((old.count(), wait.wakes.count()), (0, 1));
    assert_eq!(Arc::strong_count(&old), 1);
    drop(wait);
    let mut wait = Polled::pending(sender.send(2));
    let old = std::mem::take(&mut wait.wakes);
    assert!(wait.poll().is_pending());
    drop(receiver);
    assert_eq!((old.count(), wait.wakes.count()), (0, 1));
}

// ---------------------------------------------------------------------------------------------------
// The end
// ---------------------------------------------------------------------------------------------------

#[test]
fn last_sender_dropped_ends_all_receives_after_what_is_buffered() {
    let (sender, receiver) = mpmc::channel(4);
    let other = sender.clone();
    let mut waits: Vec<_> = (0..3).map(|_| Polled::pending(receiver.recv())).collect();
    other.try_send(1).unwrap();
    drop(other);
    drop(sender);
    // The value that is promised may still come back.
    assert!(!waits[1].was_woken() && receiver.is_closed());
    assert_eq!(receiver.try_recv(), Err(TryRecvError::Empty));
    assert_eq!(waits[0].poll(), Poll::Ready(Ok(1)));
    for wait in &mut waits[1..] {
        assert!(wait.was_woken());
        assert_eq!(wait.poll(), Poll::Ready(Err(RecvError(()))));
    }
    assert_eq!(receiver.try_recv(), Err(TryRecvError::Closed));
}

#[test]
fn close_gives_waiting_senders_their_values_back_and_lets_permits_send() {
    let (sender, mut receiver) = mpsc::channel(2);
    let permit = sender.try_reserve().unwrap();
    sender.try_send(1).unwrap();
    let mut refused = Polled::pending(sender.send(2));
    let mut closed = Polled::pending(sender.closed());
    receiver.close();
    assert!(refused.was_woken() && closed.was_woken() && closed.poll().is_ready());
    assert_eq!(refused.poll(), Poll::Ready(Err(SendError(2))));
    assert!(sender.try_reserve().unwrap_err().is_closed());
    assert!(now(sender.reserve()).is_err() && now(sender.clone().reserve_owned()).is_err());
    assert_eq!(now(receiver.recv()), Ok(1));
    assert_eq!(receiver.try_recv(), Err(TryRecvError::Empty));
    let mut last = Polled::pending(receiver.recv());
    permit.send(3);
    assert_eq!(last.poll(), Poll::Ready(Ok(3)));
    drop(last);
    assert_eq!(now(receiver.recv()), Err(RecvError(())));
}

#[test]
fn permit_dropped_after_the_close_ends_the_receives() {
    let (sender, receiver) = mpmc::channel::<u8>(2);
    let permit = sender.try_reserve().unwrap();
    let mut waits = [Polled::pending(receiver.recv()), Polled::pending(receiver.recv())];
    sender.close();
    assert!(!waits[0].was_woken());
    drop(permit);
    assert!(waits.iter_mut().all(|wait| wait.poll() == Poll::Ready(Err(RecvError(())))));
}

#[test]
fn slot_given_before_the_close_can_be_used_after_it() {
    let (sender, mut receiver) = mpsc::channel(1);
    sender.try_send(1).unwrap();
    let mut called = Polled::pending(sender.send(2));
    assert_eq!(receiver.try_recv(), Ok(1));
    receiver.close();
    assert_eq!(called.poll(), Poll::Ready(Ok(())));
    assert_eq!(receiver.try_recv(), Ok(2));
    assert_eq!(receiver.try_recv(), Err(TryRecvError::Closed));
}

#[test]
fn last_receiver_dropped_drops_what_is_buffered_and_refuses_the_rest() {
    let (value, (sender, receiver)) = (Rc::new(()), mpmc::channel(2));
    let other = receiver.clone();
    sender.try_send(value.clone()).unwrap();
    let permit = sender.try_reserve().unwrap();
    let mut refused = Polled::pending(sender.send(value.clone()));
    drop(receiver);
    assert!(!refused.was_woken() && Rc::strong_count(&value) == 3);
    drop(other);
    assert!(refused.was_woken());
    assert!(matches!(refused.poll(), Poll::Ready(Err(SendError(_)))));
    drop(refused);
    permit.send(value.clone());
    assert_eq!(Rc::strong_count(&value), 1);
    assert_eq!((sender.len(), sender.capacity()), (0, 2));
}

/// Nothing is locked while a value is dropped.
#[test]
fn value_that_uses_the_channel_when_it_is_dropped_does_not_deadlock() {
    struct Sends(mpsc::WeakUnboundedSender<Sends>, Rc<Cell<u32>>);
    impl Drop for Sends {
        fn drop(&mut self) {
            self.1.set(self.1.get() + 1);
            assert!(self.0.upgrade().is_some_and(|sender| sender.is_closed()));
        }
    }
    let (sender, receiver) = mpsc::unbounded_channel();
    let dropped = Rc::new(Cell::new(0));
    for _ in 0..3 {
        assert!(sender.send(Sends(sender.downgrade(), dropped.clone())).is_ok());
    }
    drop(receiver);
    assert_eq!(dropped.get(), 3);
}

/// Nothing is locked while a task is woken.
#[test]
fn waker_that_uses_the_channel_does_not_deadlock() {
    struct Receives(mpmc::Receiver<u8>, Mutex<Option<u8>>);
    impl Wake for Receives {
        fn wake(self: Arc<Self>) {
            self.0.statistics();
            *self.1.lock().unwrap() = self.0.try_recv().ok();
        }
    }
    let (sender, receiver) = mpmc::channel(2);
    let receives = Arc::new(Receives(receiver.clone(), Mutex::default()));
    let waker = Waker::from(receives.clone());
    let mut wait = Box::pin(receiver.recv());
    assert!(wait.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    sender.try_send(1).unwrap();
    assert_eq!(*receives.1.lock().unwrap(), None);
    assert_eq!(wait.as_mut().poll(&mut Context::from_waker(&waker)), Poll::Ready(Ok(1)));
}

struct Panics;

impl Wake for Panics {
    fn wake(self: Arc<Self>) {
        panic!("the panicking waker");
    }
}

#[test]
fn panic_of_a_waker_loses_no_value() {
    let (sender, receiver) = mpmc::channel(1);
    let waker = Waker::from(Arc::new(Panics));
    sender.try_send(1).unwrap();
    for value in 1..4 {
        let mut send = Box::pin(sender.send(value + 1));
        assert!(send.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        assert_eq!(receiver.try_recv(), Ok(value));
        assert!(send.as_mut().poll(&mut Context::from_waker(&waker)).is_ready());
    }
    assert_eq!(receiver.try_recv(), Ok(4));
}

#[test]
fn panic_of_a_waker_keeps_nobody_asleep() {
    let (sender, receiver) = mpmc::channel::<u8>(1);
    let mut before = Polled::pending(receiver.recv());
    let mut wait = Box::pin(receiver.recv());
    let waker = Waker::from(Arc::new(Panics));
    assert!(wait.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    let mut after = Polled::pending(receiver.recv());
    drop(sender);
    assert!(before.was_woken() && before.poll().is_ready());
    assert!(after.was_woken() && after.poll().is_ready());
}

// ---------------------------------------------------------------------------------------------------
// Capacity 0, weak senders, statistics, cancellation
// ---------------------------------------------------------------------------------------------------

#[test]
fn without_a_buffer_a_send_waits_for_a_receive() {
    let (sender, receiver) = mpmc::channel(0);
    assert_eq!(sender.try_send(0), Err(TrySendError::Full(0)));
    let mut send = Polled::pending(sender.send(1));
    let mut receive = Polled::pending(receiver.recv());
    assert!(send.was_woken() && !receive.was_woken());
    // The receiver that waits is spoken for.
    assert_eq!(sender.try_send(2), Err(TrySendError::Full(2)));
    assert_eq!(send.poll(), Poll::Ready(Ok(())));
    assert!(receive.was_woken());
    assert_eq!(sender.capacity(), 0);
    assert_eq!(receive.poll(), Poll::Ready(Ok(1)));
    let mut receive = Polled::pending(receiver.recv());
    assert_eq!(sender.capacity(), 1);
    assert_eq!(sender.try_send(3), Ok(()));
    assert_eq!(receive.poll(), Poll::Ready(Ok(3)));
}

#[test]
fn without_a_buffer_a_value_whose_receive_was_dropped_waits_for_the_next() {
    let (sender, receiver) = mpmc::channel(0);
    let receive = Polled::pending(receiver.recv());
    sender.try_send(1).unwrap();
    drop(receive);
    assert_eq!((sender.len(), sender.capacity()), (1, 0));
    assert_eq!(sender.try_send(2), Err(TrySendError::Full(2)));
    assert_eq!(receiver.try_recv(), Ok(1));
}

#[test]
fn weak_senders_do_not_keep_a_channel_open() {
    let (sender, receiver) = mpsc::channel::<u8>(1);
    let weak = sender.downgrade();
    let other = weak.clone().upgrade().unwrap();
    assert_eq!((weak.strong_count(), sender.weak_count()), (2, 1));
    assert_eq!((receiver.sender_strong_count(), receiver.sender_weak_count()), (2, 1));
    drop((sender, other));
    assert!(receiver.is_closed() && weak.upgrade().is_none());
    drop(weak);
    assert_eq!(receiver.sender_weak_count(), 0);
}

#[test]
fn statistics_tell_what_is_there_and_who_waits() {
    let (sender, receiver) = mpmc::channel(2);
    let _other = (sender.clone(), receiver.clone(), sender.downgrade());
    sender.try_send(1).unwrap();
    let _permit = sender.try_reserve().unwrap();
    let _wait = Polled::pending(sender.send(2));
    let statistics = receiver.statistics();
    assert_eq!(
        format!("{statistics:?}"),
        "ChannelStatistics { buffered: 1, capacity: Some(2), reserved: 1, senders: 2, weak_senders: 1, \
         receivers: 2, waiting_to_send: 1, waiting_to_receive: 0, is_closed: false }"
    );
    let text = format!("{sender:?} {receiver:?} {_permit:?} {:?}", sender.send(1));
    assert!(text.contains("buffered: 1") && text.contains("tests.rs"), "{text}");
    assert_eq!(mpsc::unbounded_channel::<u8>().0.statistics().capacity, None);
}

#[test]
fn offered_cancellation_goes_before_the_value_and_the_slot() {
    let (sender, receiver) = mpmc::channel(1);
    let (mut cancelled, mut next) =
        (Polled::pending(receiver.recv()), Polled::pending(receiver.recv()));
    sender.try_send(1).unwrap();
    poll_context::offer(Request::of_task(None));
    assert_eq!(cancelled.poll(), Poll::Pending);
    assert!(poll_context::take_request().is_some());
    drop(cancelled);
    assert_eq!(next.poll(), Poll::Ready(Ok(1)));

    sender.try_send(2).unwrap();
    let (mut cancelled, mut next) =
        (Polled::pending(sender.send(3)), Polled::pending(sender.send(4)));
    assert_eq!(receiver.try_recv(), Ok(2));
    poll_context::offer(Request::of_task(None));
    assert_eq!(cancelled.poll(), Poll::Pending);
    assert!(poll_context::take_request().is_some());
    drop(cancelled);
    assert_eq!(next.poll(), Poll::Ready(Ok(())));
    assert_eq!(receiver.try_recv(), Ok(4));
}
