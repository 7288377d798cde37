use std::pin::Pin;
use std::task::{Context, Waker};

use bowerbird_base::sync::{Arc, thread};
use loom::future::block_on;

use super::Barrier;

/// Both get through, with different indexes.
#[test]
fn group_meets() {
    loom::model(|| {
        let barrier = Arc::new(Barrier::new(2));
        let other = {
            let barrier = barrier.clone();
            thread::spawn(move || block_on(barrier.wait()).unwrap())
        };
        let own = block_on(barrier.wait()).unwrap();
        assert_eq!(own + other.join().unwrap(), 1);
        assert!(barrier.cycle.lock().is_unused());
    });
}

/// The one that is blocked behind the group before is woken when it is out.
#[test]
fn next_group_waits_for_the_last_to_be_gone() {
    loom::model(|| {
        let barrier = Arc::new(Barrier::new(2));
        let other = {
            let barrier = barrier.clone();
            thread::spawn(move || {
                block_on(barrier.wait()).unwrap();
                block_on(barrier.wait()).unwrap();
            })
        };
        block_on(barrier.wait()).unwrap();
        block_on(barrier.wait()).unwrap();
        other.join().unwrap();
        assert!(barrier.cycle.lock().is_unused());
    });
}

/// A wait that is dropped while the group completes was in it, or the other one goes on waiting.
#[test]
fn dropped_wait_races_with_the_last_to_come() {
    loom::model(|| {
        let barrier = Arc::new(Barrier::new(2));
        let mut given_up = barrier.wait();
        assert!(Pin::new(&mut given_up).poll(&mut Context::from_waker(Waker::noop())).is_pending());
        let other = {
            let barrier = barrier.clone();
            thread::spawn(move || {
                let mut wait = barrier.wait();
                let polled = Pin::new(&mut wait).poll(&mut Context::from_waker(Waker::noop()));
                let was_counted = polled.is_ready();
                drop(wait);
                was_counted
            })
        };
        drop(given_up);
        let _was_counted = other.join().unwrap();
        assert!(barrier.cycle.lock().is_unused());
        assert_eq!(barrier.n_waiting(), 0);
    });
}

/// Who waits when the barrier is broken is told, and so is who comes.
#[test]
fn abort_races_with_a_wait() {
    loom::model(|| {
        let barrier = Arc::new(Barrier::new(2));
        let other = {
            let barrier = barrier.clone();
            thread::spawn(move || barrier.abort())
        };
        assert!(block_on(barrier.wait()).is_err());
        other.join().unwrap();
        assert!(barrier.cycle.lock().is_unused() && barrier.is_broken());
    });
}
