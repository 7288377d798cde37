use std::pin::Pin;
use std::task::{Context, Waker};

use bowerbird_base::sync::cell::UnsafeCell;
use bowerbird_base::sync::{Arc, thread};
use loom::future::block_on;

use super::channel;

fn is_pending<F: Future + Unpin>(future: &mut F) -> bool {
    Pin::new(future).poll(&mut Context::from_waker(Waker::noop())).is_pending()
}

/// `[ORD-1]`. The look stands alone: no lock helps.
#[test]
fn who_sees_the_change_sees_what_came_before_it() {
    loom::model(|| {
        let (sender, receiver) = channel(());
        let cell = Arc::new(UnsafeCell::new(0));
        let sending = {
            let cell = cell.clone();
            thread::spawn(move || {
                cell.with_mut(|_| ());
                sender.send_replace(());
                sender
            })
        };
        if receiver.has_changed() == Ok(true) {
            cell.with(|_| ());
        }
        drop(sending.join().unwrap());
    });
}

/// `[ORD-1]`: the same of the end.
#[test]
fn who_sees_the_end_sees_what_came_before_it() {
    loom::model(|| {
        let (sender, receiver) = channel(());
        let cell = Arc::new(UnsafeCell::new(0));
        let ending = {
            let cell = cell.clone();
            thread::spawn(move || {
                cell.with_mut(|_| ());
                drop(sender);
            })
        };
        if receiver.is_closed() {
            cell.with(|_| ());
        }
        ending.join().unwrap();
    });
}

/// `[ORD-3]`: of all senders, not of the last one alone.
#[test]
fn who_sees_the_end_sees_what_all_senders_did() {
    loom::model(|| {
        let (sender, receiver) = channel(());
        let other = sender.clone();
        let cell = Arc::new(UnsafeCell::new(0));
        let ending = {
            let cell = cell.clone();
            thread::spawn(move || {
                cell.with_mut(|_| ());
                drop(sender);
            })
        };
        let other = thread::spawn(move || drop(other));
        if receiver.is_closed() {
            cell.with(|_| ());
        }
        ending.join().unwrap();
        other.join().unwrap();
    });
}

/// `[ORD-3]`: the same of receivers.
#[test]
fn who_sees_nobody_sees_what_all_receivers_did() {
    loom::model(|| {
        let (sender, receiver) = channel(());
        let other = receiver.clone();
        let cell = Arc::new(UnsafeCell::new(0));
        let ending = {
            let cell = cell.clone();
            thread::spawn(move || {
                cell.with_mut(|_| ());
                drop(receiver);
            })
        };
        let other = thread::spawn(move || drop(other));
        if sender.is_closed() {
            cell.with(|_| ());
        }
        ending.join().unwrap();
        other.join().unwrap();
    });
}

/// `[ORD-2]`. A wait that comes while the value is sent sees it, or is woken.
#[test]
fn send_races_with_a_wait() {
    loom::model(|| {
        let (sender, mut receiver) = channel(0);
        let sending = thread::spawn(move || {
            sender.send(1).unwrap();
            sender
        });
        block_on(receiver.changed()).unwrap();
        assert_eq!(*receiver.borrow(), 1);
        drop(sending.join().unwrap());
    });
}

/// Two senders: the last value is seen, values never go back, and the end comes after them (`[ORD-3]`).
#[test]
fn last_sender_dropped_while_receiving() {
    loom::model(|| {
        let (sender, mut receiver) = channel(0);
        let other = sender.clone();
        let raise = |sender: super::Sender<u32>, to: u32| {
            sender.send_if_modified(|value| {
                let is_more = *value < to;
                *value = to.max(*value);
                is_more
            });
        };
        let one = thread::spawn(move || raise(sender, 1));
        let two = thread::spawn(move || raise(other, 2));
        let mut last = 0;
        while block_on(receiver.changed()).is_ok() {
            let now = *receiver.borrow_and_update();
            assert!(now >= last);
            last = now;
        }
        assert_eq!((last, *receiver.borrow()), (2, 2));
        one.join().unwrap();
        two.join().unwrap();
    });
}

/// A wait that is dropped while it is woken has seen nothing.
#[test]
fn wait_dropped_while_it_is_woken() {
    loom::model(|| {
        let (sender, mut receiver) = channel(0);
        let mut given_up = receiver.changed();
        assert!(is_pending(&mut given_up));
        let sending = thread::spawn(move || {
            sender.send(1).unwrap();
            sender
        });
        drop(given_up);
        assert_eq!(*block_on(receiver.wait_for(|value| *value == 1)).unwrap(), 1);
        assert_eq!(sending.join().unwrap().statistics().waiting, 0);
    });
}

/// `[ORD-2]`. The last receiver is dropped while a sender waits for that, and another while one subscribes.
#[test]
fn closed_races_with_the_drop_of_the_last_receiver() {
    loom::model(|| {
        let (sender, receiver) = channel(0);
        let other = receiver.clone();
        let dropping = thread::spawn(move || drop(receiver));
        let also = thread::spawn(move || drop(other));
        block_on(sender.closed());
        dropping.join().unwrap();
        also.join().unwrap();
        assert!(sender.send(1).is_err());
    });
}
