use std::panic::Location;

use super::{Line, Spot, holders, poll_begins, poll_ended};
use crate::poll_context::set_tracked;

/// Each test has objects of its own, for the ledger is the process's.
#[track_caller]
fn spot(object: u64) -> Spot {
    Spot { kind: "lock", object, location: Location::caller() }
}

/// A tracked poll of a task.
fn poll<R>(task: u64, inside: impl FnOnce() -> R) -> (R, Vec<super::Futurelock>) {
    let mark = poll_begins(task);
    let before = set_tracked(true);
    let output = inside();
    set_tracked(before);
    (output, poll_ended(task, mark, true))
}

#[test]
fn holder_is_seen_as_long_as_it_holds() {
    let (line, _) = poll(7, || spot(1).hold());
    let seen = holders(1);
    assert_eq!((seen.len(), seen[0].task, seen[0].is_handed), (1, 7, false));
    assert_eq!(seen[0].location.file(), file!());
    drop(line);
    assert_eq!(holders(1), []);
}

#[test]
fn nothing_is_kept_of_a_poll_that_is_not_tracked() {
    let lines: [Line; 2] = [spot(2).hold(), spot(2).wait()];
    lines[1].hand();
    assert_eq!(holders(2), []);
}

#[test]
fn what_was_handed_over_and_not_looked_at_is_told_once_somebody_waits() {
    let (first, _) = poll(10, || spot(3).wait());
    // Handed over in the middle of a poll of its task: that one could not look.
    let ((), found) = poll(10, || first.hand());
    assert_eq!(found, []);
    assert!(holders(3)[0].is_handed);
    // Missed from here on, but nobody waits yet.
    assert_eq!(poll(10, || ()).1, []);
    let (_second, found) = poll(11, || spot(3).wait());
    assert_eq!((found.len(), found[0].task, found[0].waiting), (1, 10, 1));
    assert_eq!(poll(11, || ()).1, [], "once");
}

#[test]
fn task_that_was_polled_and_looked_is_left_alone() {
    let (first, _) = poll(20, || spot(4).wait());
    let (_second, _) = poll(21, || spot(4).wait());
    first.hand();
    assert_eq!(poll(21, || ()).1, [], "its own task was not polled yet");
    let (_hold, found) = poll(20, || {
        drop(first);
        spot(4).hold()
    });
    assert_eq!(found, []);
}

#[test]
fn task_that_comes_back_at_once_may_still_look() {
    let (first, _) = poll(30, || spot(5).wait());
    let (_second, _) = poll(31, || spot(5).wait());
    first.hand();
    let mark = poll_begins(30);
    assert_eq!(poll_ended(30, mark, false), []);
    assert_eq!(poll(30, || ()).1.len(), 1);
}
