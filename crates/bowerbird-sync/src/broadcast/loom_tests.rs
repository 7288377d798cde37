use std::pin::Pin;
use std::task::{Context, Waker};

use bowerbird_base::sync::{Arc, thread};
use loom::future::block_on;

use super::{RecvError, channel};

fn is_pending<F: Future + Unpin>(future: &mut F) -> bool {
    Pin::new(future).poll(&mut Context::from_waker(Waker::noop())).is_pending()
}

/// All that is sent reaches both receivers, or is told as missed; then the end.
#[test]
fn two_receivers_account_for_all_values() {
    loom::model(|| {
        let (sender, first) = channel(1);
        let second = sender.subscribe();
        let sending = thread::spawn(move || {
            sender.send(1).unwrap();
            sender.send(2).unwrap();
        });
        let receive = |mut receiver: super::Receiver<u64>| {
            let (mut got, mut missed, mut last) = (0, 0, 0);
            loop {
                match block_on(receiver.recv()) {
                    Ok(value) => {
                        assert!(value > last);
                        (got, last) = (got + 1, value);
                    }
                    Err(RecvError::Lagged(count)) => missed += count,
                    Err(RecvError::Closed) => return assert_eq!(got + missed, 2),
                }
            }
        };
        let other = thread::spawn(move || receive(second));
        receive(first);
        other.join().unwrap();
        sending.join().unwrap();
    });
}

/// The last sender is dropped while a receiver waits, and another one comes from a weak sender.
#[test]
fn last_sender_dropped_while_receiving() {
    loom::model(|| {
        let (sender, mut receiver) = channel::<u8>(1);
        let weak = sender.downgrade();
        let dropping = thread::spawn(move || drop(sender));
        let upgrading =
            thread::spawn(move || weak.upgrade().is_some_and(|again| again.send(7).is_ok()));
        let first = block_on(receiver.recv());
        if first == Ok(7) {
            assert_eq!(block_on(receiver.recv()), Err(RecvError::Closed));
        }
        dropping.join().unwrap();
        assert_eq!(upgrading.join().unwrap(), first == Ok(7));
    });
}

/// A value is sent while one of two receivers is dropped: it is freed once, and the other one gets it.
#[test]
fn send_races_with_the_drop_of_a_receiver() {
    loom::model(|| {
        let (sender, given_up) = channel(2);
        let mut receiver = sender.subscribe();
        let value = std::sync::Arc::new(1);
        let sending = {
            let value = value.clone();
            thread::spawn(move || {
                let count = sender.send(value).unwrap();
                assert!(count == 1 || count == 2);
                sender
            })
        };
        drop(given_up);
        assert_eq!(*block_on(receiver.recv()).unwrap(), 1);
        let sender = sending.join().unwrap();
        assert!(sender.is_empty());
        assert_eq!(std::sync::Arc::strong_count(&value), 1);
    });
}

/// A recv that is dropped while it is woken has received nothing.
#[test]
fn recv_dropped_while_it_is_woken() {
    loom::model(|| {
        let (sender, mut receiver) = channel(1);
        let mut given_up = receiver.recv();
        assert!(is_pending(&mut given_up));
        let sending = thread::spawn(move || sender.send(1).unwrap());
        drop(given_up);
        assert_eq!(block_on(receiver.recv()), Ok(1));
        assert_eq!(sending.join().unwrap(), 1);
    });
}

/// The last receiver is dropped while a sender waits for that.
#[test]
fn closed_races_with_the_drop_of_the_last_receiver() {
    loom::model(|| {
        let (sender, receiver) = channel::<u8>(1);
        let sender = Arc::new(sender);
        let dropping = thread::spawn(move || drop(receiver));
        let mut given_up = sender.closed();
        let _may_be_over = is_pending(&mut given_up);
        drop(given_up);
        block_on(sender.closed());
        dropping.join().unwrap();
        assert!(sender.send(1).is_err());
    });
}
