use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use bowerbird_base::ledger::Spot;
use bowerbird_base::sync::cell::UnsafeCell;
use bowerbird_base::sync::{Arc, thread};
use loom::future::block_on;

use super::{Closed, Permits};
use crate::wait_list::Key;

#[track_caller]
fn spot() -> Spot {
    Spot { kind: "permit", object: 0, location: Location::caller() }
}

struct Take<'a>(&'a Permits, usize, Option<Key>);

impl Future for Take<'_> {
    type Output = Result<(), Closed>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Take(permits, count, key) = &mut *self;
        permits.poll_take(key, *count, spot(), cx)
    }
}

impl Drop for Take<'_> {
    fn drop(&mut self) {
        if let Some(key) = self.2.take() {
            self.0.leave(key);
        }
    }
}

/// `[ORD-1]`. No wait, so that no lock helps.
#[test]
fn holder_sees_what_the_one_before_did() {
    loom::model(|| {
        let shared = Arc::new((Permits::new(1), UnsafeCell::new(0)));
        let other = {
            let shared = shared.clone();
            thread::spawn(move || {
                if shared.0.try_take(1).is_ok() {
                    shared.1.with_mut(|_| ());
                    shared.0.give(1);
                }
            })
        };
        if shared.0.try_take(1).is_ok() {
            shared.1.with_mut(|_| ());
            shared.0.give(1);
        }
        other.join().unwrap();
        assert_eq!(shared.0.free(), 1);
    });
}

/// `[ORD-1]`: who takes a permit away for good sees what its last holder did.
#[test]
fn who_takes_permits_away_sees_what_the_one_before_did() {
    loom::model(|| {
        let shared = Arc::new((Permits::new(0), UnsafeCell::new(0)));
        let other = {
            let shared = shared.clone();
            thread::spawn(move || {
                if shared.0.take_up_to(1) == 1 {
                    shared.1.with(|_| ());
                }
            })
        };
        shared.1.with_mut(|_| ());
        shared.0.give(1);
        other.join().unwrap();
    });
}

/// A wait that comes while the permit is given back is served.
#[test]
fn give_races_with_a_wait() {
    loom::model(|| {
        let shared = Arc::new((Permits::new(0), UnsafeCell::new(0)));
        let giver = {
            let shared = shared.clone();
            thread::spawn(move || {
                shared.1.with_mut(|_| ());
                shared.0.give(1);
            })
        };
        block_on(Take(&shared.0, 1, None)).unwrap();
        shared.1.with_mut(|_| ());
        giver.join().unwrap();
        assert!(!shared.0.is_waited_for() && shared.0.free() == 0);
    });
}

/// A wait dropped while it is served gives on what it got: the other waiter gets it, once.
#[test]
fn dropped_wait_races_with_give() {
    loom::model(|| {
        let permits = Arc::new(Permits::new(0));
        let mut given_up = Take(&permits, 1, None);
        let mut cx = Context::from_waker(Waker::noop());
        assert!(Pin::new(&mut given_up).poll(&mut cx).is_pending());
        let giver = {
            let permits = permits.clone();
            thread::spawn(move || permits.give(1))
        };
        drop(given_up);
        block_on(Take(&permits, 1, None)).unwrap();
        giver.join().unwrap();
        assert_eq!((permits.free(), permits.waits.lock().is_unused()), (0, true));
    });
}

/// Two givers, and one that wants both permits.
#[test]
fn permits_of_two_givers_come_together() {
    loom::model(|| {
        let permits = Arc::new(Permits::new(0));
        let givers: Vec<_> = (0..2)
            .map(|_| {
                let permits = permits.clone();
                thread::spawn(move || permits.give(1))
            })
            .collect();
        block_on(Take(&permits, 2, None)).unwrap();
        for giver in givers {
            giver.join().unwrap();
        }
        assert_eq!(permits.free(), 0);
    });
}

/// Closing while a permit is given back and one waits: it gets the permit or the refusal, and nothing is lost.
#[test]
fn close_races_with_give_and_wait() {
    loom::model(|| {
        let permits = Arc::new(Permits::new(0));
        let giver = {
            let permits = permits.clone();
            thread::spawn(move || permits.give(1))
        };
        let closer = {
            let permits = permits.clone();
            thread::spawn(move || permits.close())
        };
        let served = block_on(Take(&permits, 1, None)).is_ok();
        giver.join().unwrap();
        closer.join().unwrap();
        assert_eq!((permits.free(), permits.is_waited_for()), (usize::from(!served), false));
    });
}

/// A taker that does not wait, beside a hand-over: never two holders.
#[test]
fn try_take_races_with_a_hand_over() {
    loom::model(|| {
        let permits = Arc::new(Permits::new(0));
        let mut wait = Take(&permits, 1, None);
        let mut cx = Context::from_waker(Waker::noop());
        assert!(Pin::new(&mut wait).poll(&mut cx).is_pending());
        let giver = {
            let permits = permits.clone();
            thread::spawn(move || permits.give(1))
        };
        let barged = permits.try_take(1).is_ok();
        giver.join().unwrap();
        assert!(!barged);
        assert_eq!(Pin::new(&mut wait).poll(&mut cx), Poll::Ready(Ok(())));
    });
}

/// `[ORD-1]`: who gives on what it was handed gives it as any other does, though it did not look.
#[test]
fn holder_sees_what_a_dropped_wait_did() {
    loom::model(|| {
        let shared = Arc::new((Permits::new(0), UnsafeCell::new(0)));
        let mut wait = Take(&shared.0, 1, None);
        let mut cx = Context::from_waker(Waker::noop());
        assert!(Pin::new(&mut wait).poll(&mut cx).is_pending());
        let taker = {
            let shared = shared.clone();
            thread::spawn(move || {
                if shared.0.try_take(1).is_ok() {
                    shared.1.with(|_| ());
                }
            })
        };
        shared.0.give(1);
        shared.1.with_mut(|_| ());
        drop(wait);
        taker.join().unwrap();
    });
}

/// `[ORD-3]`: a permit given beside the list goes to a taker by way of a hand-over's store.
#[test]
fn holder_sees_a_giver_from_before_the_hand_over() {
    loom::model(|| {
        let shared = Arc::new((Permits::new(0), UnsafeCell::new(0)));
        let mut wait = Take(&shared.0, 2, None);
        let mut cx = Context::from_waker(Waker::noop());
        let giver = {
            let shared = shared.clone();
            thread::spawn(move || {
                shared.1.with_mut(|_| ());
                shared.0.give(1);
            })
        };
        // It waits for two and finds one at most; it goes, and what is there stays in the word.
        assert!(Pin::new(&mut wait).poll(&mut cx).is_pending());
        let taker = {
            let shared = shared.clone();
            thread::spawn(move || {
                if shared.0.try_take(1).is_ok() {
                    shared.1.with_mut(|_| ());
                }
            })
        };
        drop(wait);
        taker.join().unwrap();
        giver.join().unwrap();
    });
}
