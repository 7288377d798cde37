use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use bowerbird_base::sync::atomic::{AtomicUsize, Ordering};
use bowerbird_base::sync::cell::UnsafeCell;
use bowerbird_base::sync::{Arc, thread};
use loom::future::block_on;

use super::{RecvError, channel};

/// A value whose leak loom reports and whose second drop shows.
struct Counted(Arc<AtomicUsize>);

impl Drop for Counted {
    fn drop(&mut self) {
        assert_eq!(self.0.fetch_add(1, Ordering::Relaxed), 0, "dropped twice");
    }
}

fn counted() -> (Counted, Arc<AtomicUsize>) {
    let drops = Arc::new(AtomicUsize::new(0));
    (Counted(drops.clone()), drops)
}

/// A waker of its own that is woken by nobody's loom primitive but counted.
fn waker() -> (Waker, Arc<AtomicUsize>) {
    struct Count(Arc<AtomicUsize>);
    impl std::task::Wake for Count {
        fn wake(self: std::sync::Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
    let wakes = Arc::new(AtomicUsize::new(0));
    (Waker::from(std::sync::Arc::new(Count(wakes.clone()))), wakes)
}

/// `[ORD-4]`: who sees that nobody receives any more sees what the receiver's side did before it left.
#[test]
fn sender_sees_what_came_before_the_drop_of_the_receiver() {
    loom::model(|| {
        let (sender, receiver) = channel::<()>();
        let told = Arc::new(UnsafeCell::new(0));
        let looking = {
            let told = told.clone();
            thread::spawn(move || {
                if sender.is_closed() {
                    told.with(|_| ());
                }
            })
        };
        told.with_mut(|_| ());
        drop(receiver);
        looking.join().unwrap();
    });
}

/// `[ORD-1]`, `[ORD-2]`: the value arrives whole, and the wake is not lost.
#[test]
fn send_races_with_poll() {
    loom::model(|| {
        let (sender, receiver) = channel();
        let sending = thread::spawn(move || sender.send(Box::new(7)).is_ok());
        assert_eq!(block_on(receiver), Ok(Box::new(7)));
        assert!(sending.join().unwrap());
    });
}

/// `[ORD-3]`: the block is freed once, the value dropped once, whoever comes last.
#[test]
fn send_races_with_receiver_drop() {
    loom::model(|| {
        let (sender, receiver) = channel();
        let (value, drops) = counted();
        let sending = thread::spawn(move || drop(sender.send(value)));
        drop(receiver);
        sending.join().unwrap();
        assert_eq!(drops.load(Ordering::Relaxed), 1);
    });
}

/// The same with a receiver that was suspended.
#[test]
fn send_races_with_drop_of_a_suspended_receiver() {
    loom::model(|| {
        let (sender, mut receiver) = channel();
        let (value, drops) = counted();
        let (waker, _wakes) = waker();
        assert!(Pin::new(&mut receiver).poll(&mut Context::from_waker(&waker)).is_pending());
        let sending = thread::spawn(move || drop(sender.send(value)));
        drop(receiver);
        sending.join().unwrap();
        assert_eq!(drops.load(Ordering::Relaxed), 1);
    });
}

/// `[ORD-3]`: neither side frees the block while the other is in it.
#[test]
fn both_sides_drop() {
    loom::model(|| {
        let (sender, mut receiver) = channel::<Arc<AtomicUsize>>();
        let (waker, _wakes) = waker();
        assert!(Pin::new(&mut receiver).poll(&mut Context::from_waker(&waker)).is_pending());
        let other = thread::spawn(move || drop(sender));
        drop(receiver);
        other.join().unwrap();
    });
}

#[test]
fn sender_drop_races_with_poll() {
    loom::model(|| {
        let (sender, receiver) = channel::<u8>();
        let other = thread::spawn(move || drop(sender));
        assert_eq!(block_on(receiver), Err(RecvError(())));
        other.join().unwrap();
    });
}

/// The sender and the receiver agree on who has the value.
#[test]
fn close_races_with_send() {
    loom::model(|| {
        let (sender, mut receiver) = channel();
        let (value, drops) = counted();
        let sending = thread::spawn(move || sender.send(value).is_ok());
        receiver.close();
        let received = receiver.try_recv().is_ok();
        assert_eq!(sending.join().unwrap(), received);
        assert_eq!(drops.load(Ordering::Relaxed), 1);
    });
}

/// `[ORD-2]`, from the other side: the sender that waits for the close is woken.
#[test]
fn close_races_with_poll_closed() {
    loom::model(|| {
        let (mut sender, mut receiver) = channel::<u8>();
        let closing = thread::spawn(move || {
            receiver.close();
            receiver
        });
        block_on(sender.closed());
        assert_eq!(sender.send(1), Err(1));
        drop(closing.join().unwrap());
    });
}

#[test]
fn receiver_drop_races_with_poll_closed() {
    loom::model(|| {
        let (mut sender, receiver) = channel::<u8>();
        let other = thread::spawn(move || drop(receiver));
        block_on(sender.closed());
        other.join().unwrap();
    });
}

/// `[ORD-2]`: taking back a waker and handing over another one never meets the sender in the cell, and
/// the last waker is woken unless the poll saw the value.
#[test]
fn repoll_with_another_waker_races_with_send() {
    loom::model(|| {
        let (sender, mut receiver) = channel();
        let ((first, _), (second, wakes)) = (waker(), waker());
        assert!(Pin::new(&mut receiver).poll(&mut Context::from_waker(&first)).is_pending());
        let sending = thread::spawn(move || sender.send(3).unwrap());
        match Pin::new(&mut receiver).poll(&mut Context::from_waker(&second)) {
            Poll::Ready(value) => assert_eq!(value, Ok(3)),
            Poll::Pending => {
                sending.join().unwrap();
                assert_eq!(wakes.load(Ordering::Relaxed), 1);
                assert_eq!(receiver.try_recv(), Ok(3));
                return;
            }
        }
        sending.join().unwrap();
    });
}

/// A wait that is given up takes its waker back, or leaves it to the close that came first.
#[test]
fn dropped_closed_races_with_close() {
    loom::model(|| {
        let (mut sender, receiver) = channel::<u8>();
        let (waker, _wakes) = waker();
        let mut closed = Box::pin(sender.closed());
        assert!(closed.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        let other = thread::spawn(move || drop(receiver));
        drop(closed);
        other.join().unwrap();
        drop(sender);
    });
}
