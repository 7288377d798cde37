use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use bowerbird_base::poll_context::{self, Request};

use super::{Receiver, RecvError, TryRecvError, channel};
use crate::test_wakers::Count;

/// A value that counts its drops.
struct Counted(Rc<Cell<usize>>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.set(self.0.get() + 1);
    }
}

fn poll<T>(receiver: &mut Receiver<T>, waker: &Waker) -> Poll<Result<T, RecvError>> {
    Pin::new(receiver).poll(&mut Context::from_waker(waker))
}

fn message(panic: &(dyn std::any::Any + Send)) -> &str {
    panic.downcast_ref::<String>().map_or("", String::as_str)
}

#[test]
fn value_sent_before_the_poll_touches_no_waker() {
    let (sender, mut receiver) = channel();
    let (count, waker) = Count::pair();
    sender.send(1).unwrap();
    assert_eq!(poll(&mut receiver, &waker), Poll::Ready(Ok(1)));
    assert_eq!((count.wakes(), Arc::strong_count(&count)), (0, 2));
}

#[test]
fn suspended_receiver_is_woken_once_with_its_last_waker() {
    let (sender, mut receiver) = channel();
    let ((first, first_waker), (last, last_waker)) = (Count::pair(), Count::pair());
    for waker in [&first_waker, &last_waker, &last_waker] {
        assert!(poll(&mut receiver, waker).is_pending());
    }
    assert_eq!((Arc::strong_count(&first), Arc::strong_count(&last)), (2, 3));
    sender.send(1).unwrap();
    assert_eq!((first.wakes(), last.wakes()), (0, 1));
    assert_eq!(poll(&mut receiver, &last_waker), Poll::Ready(Ok(1)));
    assert_eq!(Arc::strong_count(&last), 2);
}

#[test]
fn dropped_sender_ends_the_wait() {
    let (sender, mut receiver) = channel::<u8>();
    let (count, waker) = Count::pair();
    assert!(poll(&mut receiver, &waker).is_pending());
    drop(sender);
    assert_eq!(count.wakes(), 1);
    assert_eq!(poll(&mut receiver, &waker), Poll::Ready(Err(RecvError(()))));
}

/// Every order of: poll, close, send or hang up, receive or not, drop. Each value is dropped exactly once.
#[test]
fn value_is_dropped_once_in_every_order() {
    for case in 0..64 {
        let has = |bit: u32| case & (1 << bit) != 0;
        let (count, waker) = Count::pair();
        let drops = Rc::new(Cell::new(0));
        let (sender, receiver) = channel();
        let mut receiver = Some(receiver);
        if has(0) {
            assert!(poll(receiver.as_mut().unwrap(), &waker).is_pending());
        }
        if has(1) {
            receiver.as_mut().unwrap().close();
        }
        if has(2) {
            receiver = None;
        }
        let is_open = !has(1) && !has(2);
        if has(3) {
            assert_eq!(sender.send(Counted(drops.clone())).is_ok(), is_open, "case {case}");
        } else {
            drop(sender);
        }
        if has(4) {
            if let Some(receiver) = &mut receiver {
                assert_eq!(receiver.try_recv().is_ok(), is_open && has(3), "case {case}");
            }
        }
        if has(5) {
            if let Some(receiver) = &mut receiver {
                receiver.close();
            }
        }
        drop(receiver);
        drop(waker);
        assert_eq!(drops.get(), usize::from(has(3)), "case {case}");
        assert_eq!(Arc::strong_count(&count), 1, "case {case}: a waker was leaked");
        assert_eq!(count.wakes(), usize::from(has(0) && is_open), "case {case}");
    }
}

#[test]
fn close_keeps_what_was_sent_before() {
    let (sender, mut receiver) = channel();
    sender.send(1).unwrap();
    receiver.close();
    assert_eq!(receiver.try_recv(), Ok(1));
}

#[test]
fn poll_after_close_ends_at_once() {
    let (sender, mut receiver) = channel::<u8>();
    receiver.close();
    assert_eq!(poll(&mut receiver, Waker::noop()), Poll::Ready(Err(RecvError(()))));
    assert_eq!(receiver.try_recv(), Err(TryRecvError::Closed));
    assert!(sender.is_closed());
}

#[test]
fn suspended_receiver_that_is_dropped_leaves_no_waker() {
    let (sender, mut receiver) = channel::<u8>();
    let (count, waker) = Count::pair();
    assert!(poll(&mut receiver, &waker).is_pending());
    drop(receiver);
    assert_eq!((Arc::strong_count(&count), count.wakes()), (2, 0));
    assert_eq!(sender.send(1), Err(1));
}

#[test]
fn closed_is_woken_by_close_and_by_drop() {
    for by_drop in [false, true] {
        let (mut sender, mut receiver) = channel::<u8>();
        let (count, waker) = Count::pair();
        let mut cx = Context::from_waker(&waker);
        let mut closed = pin!(sender.closed());
        assert!(closed.as_mut().poll(&mut cx).is_pending());
        assert!(closed.as_mut().poll(&mut cx).is_pending());
        let _kept = if by_drop {
            drop(receiver);
            None
        } else {
            receiver.close();
            Some(receiver)
        };
        assert_eq!(count.wakes(), 1);
        assert!(closed.as_mut().poll(&mut cx).is_ready());
    }
}

#[test]
fn closed_that_is_dropped_leaves_no_waker() {
    let (mut sender, receiver) = channel();
    let (count, waker) = Count::pair();
    {
        let mut closed = pin!(sender.closed());
        assert!(closed.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        assert_eq!(Arc::strong_count(&count), 3);
    }
    assert_eq!(Arc::strong_count(&count), 2);
    sender.send(1).unwrap();
    assert_eq!(receiver.blocking_recv(), Ok(1));
    assert_eq!(count.wakes(), 0);
}

#[test]
fn sender_that_polled_closed_gives_its_waker_back_when_it_sends() {
    let (mut sender, mut receiver) = channel();
    let (count, waker) = Count::pair();
    assert!(sender.poll_closed(&mut Context::from_waker(&waker)).is_pending());
    sender.send(1).unwrap();
    assert_eq!((Arc::strong_count(&count), count.wakes()), (2, 0));
    assert_eq!(receiver.try_recv(), Ok(1));
}

#[test]
fn offered_cancellation_goes_before_the_value() {
    let (sender, mut receiver) = channel();
    let (count, waker) = Count::pair();
    assert!(poll(&mut receiver, &waker).is_pending());
    sender.send(1).unwrap();
    poll_context::offer(Request::of_task(None));
    assert!(poll(&mut receiver, &waker).is_pending());
    assert_eq!(count.wakes(), 2, "one by the send, one to be polled again");
    assert!(poll_context::take_request().is_some());
    assert_eq!(poll(&mut receiver, &waker), Poll::Ready(Ok(1)));
}

#[test]
fn offered_cancellation_does_not_hide_a_value_from_the_first_poll() {
    let (sender, mut receiver) = channel();
    sender.send(1).unwrap();
    poll_context::offer(Request::of_task(None));
    assert_eq!(poll(&mut receiver, Waker::noop()), Poll::Ready(Ok(1)));
    assert!(poll_context::take_request().is_some());
}

#[test]
fn ready_receiver_yields_when_the_budget_is_used_up() {
    let (_count, waker) = Count::pair();
    let (sender, mut receiver) = channel();
    sender.send(1).unwrap();
    poll_context::begin(waker.data());
    poll_context::consume_budget(poll_context::BUDGET);
    assert!(poll(&mut receiver, &waker).is_pending());
    assert!(poll_context::end().yielded);
    assert_eq!(poll(&mut receiver, &waker), Poll::Ready(Ok(1)));
}

#[test]
fn suspended_receiver_says_what_it_waits_for() {
    poll_context::set_tracked(true);
    let (mut sender, mut receiver) = channel::<u8>();
    let line = line!() - 1;
    assert!(poll(&mut receiver, Waker::noop()).is_pending());
    let wait = poll_context::take_wait().unwrap();
    assert_eq!((wait.kind, wait.location.unwrap().line()), ("oneshot", line));
    assert!(
        Pin::new(&mut sender.closed()).poll(&mut Context::from_waker(Waker::noop())).is_pending()
    );
    let other = poll_context::take_wait().unwrap();
    assert_eq!(
        (other.kind, other.object),
        ("oneshot.closed", wait.object),
        "both wait at one object"
    );
    poll_context::set_tracked(false);
}

#[test]
fn end_and_value_can_be_asked_for() {
    let (sender, mut receiver) = channel::<u8>();
    assert!(receiver.is_empty() && !receiver.is_terminated());
    drop(sender);
    assert!(receiver.is_empty() && !receiver.is_terminated());
    assert!(poll(&mut receiver, Waker::noop()).is_ready());
    assert!(receiver.is_empty() && receiver.is_terminated());
}

#[test]
fn poll_after_the_end_panics_and_names_the_fix() {
    let (sender, mut receiver) = channel();
    sender.send(1).unwrap();
    assert!(poll(&mut receiver, Waker::noop()).is_ready());
    let panic = catch_unwind(AssertUnwindSafe(|| poll(&mut receiver, Waker::noop()))).unwrap_err();
    assert!(message(&*panic).contains("await it once"), "{}", message(&*panic));
}

#[test]
fn blocking_recv_inside_a_task_panics_and_names_the_fix() {
    let (_count, waker) = Count::pair();
    let (_sender, receiver) = channel::<u8>();
    poll_context::begin(waker.data());
    let panic = catch_unwind(AssertUnwindSafe(|| receiver.blocking_recv())).unwrap_err();
    poll_context::end();
    let message = message(&*panic);
    assert!(
        message.contains("blocking_recv()") && message.contains("await the receiver"),
        "{message}"
    );
    assert!(message.contains(file!()), "{message}");
}

#[test]
fn blocking_recv_waits_for_another_thread() {
    let (sender, receiver) = channel();
    let receiving = std::thread::spawn(move || receiver.blocking_recv());
    sender.send(1).unwrap();
    assert_eq!(receiving.join().unwrap(), Ok(1));
}

/// A waker that panics when it is woken.
struct Panics;

impl Wake for Panics {
    fn wake(self: Arc<Self>) {
        panic!("waker");
    }
}

#[test]
fn panic_of_a_waker_loses_no_value() {
    let (sender, mut receiver) = channel();
    let waker = Waker::from(Arc::new(Panics));
    assert!(poll(&mut receiver, &waker).is_pending());
    assert_eq!(sender.send(Box::new(1)), Ok(()));
    assert_eq!(poll(&mut receiver, Waker::noop()), Poll::Ready(Ok(Box::new(1))));
}

#[test]
fn panic_of_a_senders_waker_leaves_the_channel_closed() {
    let (mut sender, receiver) = channel();
    let waker = Waker::from(Arc::new(Panics));
    assert!(sender.poll_closed(&mut Context::from_waker(&waker)).is_pending());
    drop(receiver);
    assert_eq!(sender.send(Box::new(1)), Err(Box::new(1)));
}

#[test]
fn halves_cross_threads_when_the_value_may() {
    fn is_send_and_sync<T: Send + Sync>(_: &T) {}
    let (sender, receiver) = channel::<Cell<u8>>();
    is_send_and_sync(&sender);
    is_send_and_sync(&receiver);
}
