use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use bowerbird_base::sync::atomic::{AtomicUsize, Ordering};
use bowerbird_base::sync::{Arc, thread};
use loom::future::block_on;

use super::{RecvError, SendError, TryRecvError};
use crate::{mpmc, mpsc};

/// Polls once with a waker that wakes nobody.
fn poll_once<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    Pin::new(future).poll(&mut Context::from_waker(Waker::noop()))
}

#[test]
fn last_sender_dropped_while_receiving_ends_the_receive() {
    loom::model(|| {
        let (sender, mut receiver) = mpsc::channel(1);
        let other = sender.clone();
        let threads = [
            thread::spawn(move || assert_eq!(sender.try_send(1), Ok(()))),
            thread::spawn(move || drop(other)),
        ];
        assert_eq!(block_on(receiver.recv()), Ok(1));
        assert_eq!(block_on(receiver.recv()), Err(RecvError(())));
        threads.into_iter().for_each(|thread| thread.join().unwrap());
    });
}

/// The value goes to the one that is left, however the drop and the send meet.
#[test]
fn receive_dropped_while_a_value_comes_gives_it_on() {
    loom::model(|| {
        let (sender, receiver) = mpmc::channel(2);
        let mut given_up = receiver.recv();
        assert!(poll_once(&mut given_up).is_pending());
        let other = receiver.clone();
        let threads = [
            thread::spawn(move || sender.try_send(1).unwrap()),
            thread::spawn(move || assert_eq!(block_on(other.recv()), Ok(1))),
        ];
        drop(given_up);
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        assert_eq!(receiver.try_recv(), Err(TryRecvError::Closed));
    });
}

/// The slot goes to the one that is left, however the drop and the receive meet.
#[test]
fn send_dropped_while_a_slot_gets_free_gives_it_on() {
    loom::model(|| {
        let (sender, mut receiver) = mpsc::channel(1);
        sender.try_send(1).unwrap();
        let mut given_up = sender.send(2);
        assert!(poll_once(&mut given_up).is_pending());
        let other = sender.clone();
        let thread = thread::spawn(move || block_on(other.send(3)));
        let receiving = thread::spawn(move || {
            assert_eq!(block_on(receiver.recv()), Ok(1));
            assert_eq!(block_on(receiver.recv()), Ok(3));
        });
        drop(given_up);
        assert_eq!(thread.join().unwrap(), Ok(()));
        receiving.join().unwrap();
    });
}

/// Either the send is refused, or its value is received.
#[test]
fn close_while_a_send_waits_refuses_it_or_lets_it_through() {
    loom::model(|| {
        let (sender, mut receiver) = mpsc::channel(1);
        sender.try_send(1).unwrap();
        let sending = thread::spawn(move || block_on(sender.send(2)));
        assert_eq!(receiver.try_recv(), Ok(1));
        receiver.close();
        let received = block_on(receiver.recv());
        match sending.join().unwrap() {
            Ok(()) => assert_eq!(received, Ok(2)),
            Err(SendError(value)) => assert_eq!((value, received), (2, Err(RecvError(())))),
        }
    });
}

/// The receiver goes while a permit is out and a value comes: nothing is dropped twice or kept.
#[test]
fn receiver_dropped_while_values_come_drops_each_once() {
    loom::model(|| {
        struct Counted(Arc<AtomicUsize>);
        impl Drop for Counted {
            fn drop(&mut self) {
                // [ORD-1] Relaxed: read after the threads have ended.
                self.0.fetch_add(1, Ordering::Relaxed);
            }
        }
        let (sender, receiver) = mpsc::channel(2);
        let dropped = Arc::new(AtomicUsize::new(0));
        let value = || Counted(dropped.clone());
        let (first, second) = (value(), value());
        let sending = thread::spawn(move || {
            if let Ok(permit) = sender.try_reserve() {
                permit.send(first);
            }
            drop(sender.try_send(second));
        });
        drop(receiver);
        sending.join().unwrap();
        // [ORD-1]
        assert_eq!(dropped.load(Ordering::Relaxed), 2);
    });
}

/// A wait changes its waker while it is called.
#[test]
fn wait_that_is_moved_to_another_task_is_woken_there() {
    loom::model(|| {
        let (sender, mut receiver) = mpsc::channel(1);
        let mut receive = receiver.recv();
        assert!(poll_once(&mut receive).is_pending());
        let sending = thread::spawn(move || {
            sender.try_send(1).unwrap();
            let mut send = sender.send(2);
            if poll_once(&mut send).is_pending() {
                assert_eq!(block_on(send), Ok(()));
            }
        });
        assert_eq!(block_on(receive), Ok(1));
        assert_eq!(block_on(receiver.recv()), Ok(2));
        sending.join().unwrap();
    });
}

#[test]
fn without_a_buffer_both_ends_meet() {
    loom::model(|| {
        let (sender, mut receiver) = mpsc::channel(0);
        let sending = thread::spawn(move || {
            assert_eq!(block_on(sender.send(1)), Ok(()));
            assert_eq!(block_on(sender.send(2)), Ok(()));
        });
        assert_eq!(block_on(receiver.recv()), Ok(1));
        assert_eq!(block_on(receiver.recv()), Ok(2));
        assert_eq!(block_on(receiver.recv()), Err(RecvError(())));
        sending.join().unwrap();
    });
}

#[test]
fn closed_is_told_when_the_receiver_goes() {
    loom::model(|| {
        let (sender, receiver) = mpsc::channel::<u8>(1);
        let dropping = thread::spawn(move || drop(receiver));
        block_on(sender.closed());
        assert!(sender.is_closed());
        dropping.join().unwrap();
    });
}

#[test]
fn weak_sender_is_upgraded_or_the_channel_is_closed() {
    loom::model(|| {
        let (sender, mut receiver) = mpsc::channel(1);
        let weak = sender.downgrade();
        let upgrading = thread::spawn(move || match weak.upgrade() {
            Some(sender) => sender.try_send(1).is_ok(),
            None => false,
        });
        drop(sender);
        let received = block_on(receiver.recv());
        assert_eq!(received.is_ok(), upgrading.join().unwrap());
    });
}

/// The last slot that was reserved goes while the channel is closed: whoever is later tells the receiver.
#[test]
fn permit_dropped_while_closing_ends_the_receive() {
    loom::model(|| {
        let (sender, mut receiver) = mpsc::channel::<u8>(1);
        let permit = sender.clone().try_reserve_owned().unwrap();
        let threads =
            [thread::spawn(move || drop(permit.release())), thread::spawn(move || sender.close())];
        assert_eq!(block_on(receiver.recv()), Err(RecvError(())));
        threads.into_iter().for_each(|thread| thread.join().unwrap());
    });
}

/// What was promised to the one that waits is not for the one that comes later, quick as it is.
#[test]
fn newcomer_does_not_take_what_was_promised() {
    loom::model(|| {
        let (sender, receiver) = mpmc::channel(2);
        let mut first = receiver.recv();
        assert!(poll_once(&mut first).is_pending());
        let other = receiver.clone();
        let thread = thread::spawn(move || {
            sender.try_send(1).unwrap();
            assert!(poll_once(&mut other.recv()).is_pending());
            sender
        });
        assert_eq!(block_on(first), Ok(1));
        thread.join().unwrap();
    });
}
