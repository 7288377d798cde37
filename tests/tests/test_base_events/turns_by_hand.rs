//! Turns for guests, and the loop of a runner.

use std::thread;
use std::time::Duration;

use bowerbird::{EventLoop, LoopHandle, Runner};
use bowerbird_tests::{Journal, catch, turns};

use super::{SECOND, note, paused_loop};

#[test]
fn turn_does_what_is_ready_and_no_more() {
    let journal = Journal::new();
    let mut event_loop = EventLoop::new().unwrap();
    let (handle, first, next) =
        (event_loop.handle(), note(&journal, "first"), note(&journal, "next turn"));
    event_loop.call_soon(move || {
        first();
        handle.call_soon(next);
    });
    event_loop.turn(Some(Duration::ZERO)).unwrap();
    journal.expect(&["first"]);
    event_loop.turn(None).unwrap();
    journal.expect(&["first", "next turn"]);
    event_loop.turn(Some(Duration::ZERO)).unwrap();
}

#[test]
fn turn_waits_for_a_timer_and_calls_it() {
    let journal = Journal::new();
    let mut event_loop = paused_loop();
    let started = event_loop.time();
    event_loop.call_later(5 * SECOND, note(&journal, "timer"));
    event_loop.turn(Some(SECOND)).unwrap();
    journal.expect(&[]);
    assert_eq!(event_loop.time() - started, SECOND);
    let mut rounds = 0;
    while journal.lines().is_empty() {
        event_loop.turn(None).unwrap();
        rounds += 1;
    }
    assert!(rounds <= 3, "{rounds} turns");
    assert_eq!(event_loop.time() - started, 5 * SECOND);
}

#[test]
fn turn_is_ended_by_another_thread() {
    let mut event_loop = EventLoop::new().unwrap();
    let journal = Journal::new();
    let (handle, noted) = (event_loop.handle(), note(&journal, "from outside"));
    let thread = thread::spawn(move || {
        while !handle.is_running() {
            thread::yield_now();
        }
        handle.call_soon_threadsafe(noted).unwrap();
    });
    while journal.lines().is_empty() {
        event_loop.turn(None).unwrap();
    }
    thread.join().unwrap();
}

#[test]
fn tasks_make_progress_by_turns() {
    let mut event_loop = paused_loop();
    let task = event_loop.create_task(async {
        bowerbird::sleep(SECOND).await;
        turns(3).await;
        "done"
    });
    for _ in 0..20 {
        event_loop.turn(Some(SECOND)).unwrap();
    }
    assert_eq!(event_loop.run_until_complete(task).unwrap().unwrap(), "done");
}

#[test]
fn current_loop_is_the_runtimes_and_there_is_none_outside() {
    assert!(LoopHandle::try_current().is_none());
    let caught = catch(LoopHandle::current);
    assert!(caught.message.contains("LoopHandle::current() was called outside"), "{caught:?}");
    let mut runner = Runner::new().unwrap();
    let first = runner.run(async { LoopHandle::current() }).unwrap();
    let second = runner.run(async { LoopHandle::current() }).unwrap();
    assert_eq!(first, second);
    let mut event_loop = EventLoop::new().unwrap();
    let inside = event_loop.run_until_complete(async { LoopHandle::current() }).unwrap();
    assert_eq!(inside, event_loop.handle());
    assert_ne!(inside, first);
}
