//! What the strand does with its callbacks, ticket by ticket.

use std::panic::Location;
use std::sync::{Arc, Mutex};

use super::Strand;
use crate::event_loop::callback::{Call, CallbackHandle};

/// A strand whose callbacks write their names down.
#[derive(Clone)]
struct Rig {
    strand: Arc<Strand>,
    lines: Arc<Mutex<Vec<&'static str>>>,
}

impl Rig {
    fn new() -> Self {
        Self { strand: Arc::new(Strand::new()), lines: Arc::default() }
    }

    fn push(&self, name: &'static str) -> CallbackHandle {
        self.push_with(name, || ())
    }

    fn push_with(
        &self,
        name: &'static str,
        then: impl FnOnce() + Send + 'static,
    ) -> CallbackHandle {
        let lines = self.lines.clone();
        let callback = Box::new(move || {
            lines.lock().unwrap().push(name);
            then();
        });
        let call = Call::new(callback, Location::caller());
        assert!(self.strand.push(call.clone()).is_ok());
        CallbackHandle(call)
    }

    /// Polls so many tickets, and gives what was called.
    fn run(&self, tickets: usize) -> Vec<&'static str> {
        for _ in 0..tickets {
            assert_eq!(self.strand.run_ticket(), 0);
        }
        std::mem::take(&mut self.lines.lock().unwrap())
    }
}

#[test]
fn ticket_calls_one_callback_the_oldest() {
    let rig = Rig::new();
    for name in ["a", "b", "c"] {
        rig.push(name);
    }
    assert_eq!(rig.run(1), ["a"]);
    assert_eq!(rig.run(2), ["b", "c"]);
    assert!(rig.run(1).is_empty());
}

#[test]
fn cancelled_callback_uses_up_its_ticket_uncalled() {
    let rig = Rig::new();
    let handle = rig.push("a");
    rig.push("b");
    handle.cancel();
    assert!(handle.cancelled());
    assert!(rig.run(1).is_empty());
    assert_eq!(rig.run(1), ["b"]);
}

#[test]
fn ticket_during_a_callback_leaves_its_turn_to_the_one_that_runs() {
    let rig = Rig::new();
    let (inner, lines) = (rig.clone(), rig.lines.clone());
    rig.push_with("a", move || {
        assert_eq!(inner.strand.run_ticket(), 0);
        assert_eq!(*lines.lock().unwrap(), ["a"], "b is not called inside a");
    });
    rig.push("b");
    rig.push("c");
    assert_eq!(rig.run(1), ["a", "b"]);
    assert_eq!(rig.run(1), ["c"]);
}

#[test]
fn ticket_gives_way_after_many_owed_ones_and_none_is_lost() {
    let rig = Rig::new();
    let inner = rig.clone();
    rig.push_with("first", move || {
        for _ in 0..100 {
            assert_eq!(inner.strand.run_ticket(), 0);
        }
    });
    for _ in 0..100 {
        rig.push("more");
    }
    let called_before = |rig: &Rig| rig.lines.lock().unwrap().len();
    let left = rig.strand.run_ticket();
    assert!(left > 0 && called_before(&rig) + left == 101, "{left} left");
    assert_eq!(rig.run(left).len(), 101);
}

#[test]
fn stop_in_a_callback_finishes_the_batch_and_puts_off_what_it_adds() {
    let rig = Rig::new();
    let inner = rig.clone();
    rig.push_with("a", move || {
        inner.push("added before the stop");
        inner.strand.stop();
        inner.push("added after the stop");
    });
    rig.push("b");
    assert_eq!(rig.run(1), ["a"]);
    assert!(!rig.strand.has_stopped());
    assert_eq!(rig.run(1), ["b"]);
    assert!(rig.strand.has_stopped());
    assert!(rig.run(2).is_empty());
    assert_eq!(rig.strand.end_run(), 2);
    assert_eq!(rig.run(2), ["added before the stop", "added after the stop"]);
}

#[test]
fn stop_before_a_run_lets_what_is_queued_be_called() {
    let rig = Rig::new();
    let inner = rig.clone();
    rig.push_with("a", move || drop(inner.push("next run")));
    rig.strand.stop();
    assert_eq!(rig.run(2), ["a"]);
    assert_eq!(rig.strand.end_run(), 1);
    assert_eq!(rig.run(1), ["next run"]);
}

#[test]
fn widened_batch_takes_in_what_was_put_off_before_the_run() {
    let rig = Rig::new();
    rig.strand.stop();
    rig.push("came after the stop");
    assert!(rig.run(1).is_empty());
    let tickets = rig.strand.widen_batch();
    assert!(!rig.strand.has_stopped());
    assert_eq!(rig.run(tickets), ["came after the stop"]);
    assert!(rig.strand.has_stopped());
    assert_eq!(rig.strand.end_run(), 0);
}

#[test]
fn closed_strand_drops_its_callbacks_and_takes_no_more() {
    let rig = Rig::new();
    let owned = Arc::new(());
    let held = owned.clone();
    rig.push_with("a", move || drop(held));
    rig.strand.close();
    assert_eq!(Arc::strong_count(&owned), 1);
    let call = Call::new(Box::new(|| ()), Location::caller());
    assert!(rig.strand.push(call).is_err());
    assert!(rig.run(1).is_empty());
}
