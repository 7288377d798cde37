//! Timers.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use bowerbird::{EventLoop, LoopHandle, sleep, spawn, time};
use bowerbird_tests::{
    Counted, Journal, WORKER_COUNTS, everywhere, on_workers, paused, turns, until,
};

use super::{SECOND, note, paused_loop, stop};

#[test]
fn test_call_later() {
    let mut event_loop = paused_loop();
    let started = event_loop.time();
    event_loop.call_later(10 * SECOND, stop(&event_loop));
    event_loop.run_forever().unwrap();
    assert_eq!(event_loop.time() - started, 10 * SECOND);
}

#[test]
fn test_time_and_call_at() {
    let mut event_loop = EventLoop::new().unwrap();
    let when = event_loop.time() + Duration::from_millis(5);
    event_loop.call_at(when, stop(&event_loop));
    event_loop.run_forever().unwrap();
    assert!(event_loop.time() >= when);
}

/// asyncio does not promise the order of equal times.
#[test]
fn timers_are_called_by_time_and_then_in_the_order_in_which_they_were_given() {
    let journal = Journal::new();
    let mut event_loop = paused_loop();
    let start = event_loop.time();
    for (seconds, line) in [(3, "3a"), (1, "1a"), (2, "2a"), (1, "1b"), (3, "3b"), (1, "1c")] {
        event_loop.call_at(start + seconds * SECOND, note(&journal, line));
    }
    event_loop.call_later(4 * SECOND, stop(&event_loop));
    event_loop.run_forever().unwrap();
    journal.expect(&["1a", "1b", "1c", "2a", "3a", "3b"]);
}

/// `test_call_later_negative_delays`: what has passed is called soon, the oldest first.
#[test]
fn test_call_later_negative_delays() {
    let journal = Journal::new();
    let mut event_loop = paused_loop();
    sleep_in(&mut event_loop, 10 * SECOND);
    let now = event_loop.time();
    event_loop.call_at(now - SECOND, note(&journal, "a"));
    event_loop.call_at(now - 2 * SECOND, note(&journal, "b"));
    event_loop.call_at(now, stop(&event_loop));
    event_loop.run_forever().unwrap();
    journal.expect(&["b", "a"]);
    assert_eq!(event_loop.time(), now);
}

fn sleep_in(event_loop: &mut EventLoop, duration: Duration) {
    event_loop.run_until_complete(async move { bowerbird::sleep(duration).await }).unwrap();
}

#[test]
fn earlier_timer_given_while_the_loop_sleeps_is_called_first() {
    let mut event_loop = EventLoop::new().unwrap();
    let journal = Journal::new();
    let (handle, stopper) = (event_loop.handle(), event_loop.handle());
    event_loop.call_later(Duration::from_secs(3_600), note(&journal, "an hour"));
    let noted = note(&journal, "soon");
    let thread = thread::spawn(move || {
        while !handle.is_running() {
            thread::yield_now();
        }
        handle.call_later(Duration::from_millis(1), move || {
            noted();
            stopper.stop();
        });
    });
    event_loop.run_forever().unwrap();
    thread.join().unwrap();
    journal.expect(&["soon"]);
}

#[test]
fn test_timer() {
    let journal = Journal::new();
    let mut event_loop = paused_loop();
    let when = event_loop.time() + SECOND;
    let timer = event_loop.call_at(when, note(&journal, "cancelled"));
    assert_eq!(timer.when(), when);
    assert!(!timer.cancelled());
    timer.cancel();
    assert!(timer.cancelled());
    assert!(format!("{timer:?}").starts_with("<TimerHandle cancelled when="));
    event_loop.call_at(when, stop(&event_loop));
    event_loop.run_forever().unwrap();
    journal.expect(&[]);
}

/// Cancelled timers do not stay for an hour.
#[test]
fn test_run_once_cancelled_event_cleanup() {
    let mut event_loop = paused_loop();
    let held = Arc::new(());
    for round in 0..10_000 {
        let counted = held.clone();
        let timer = event_loop.call_later(3_600 * SECOND, move || drop(counted));
        if round % 10 != 0 {
            timer.cancel();
        }
    }
    assert_eq!(Arc::strong_count(&held), 1_001, "a cancelled callback is dropped at once");
    sleep_in(&mut event_loop, 3_601 * SECOND);
    assert_eq!(Arc::strong_count(&held), 1);
}

#[test]
fn timers_are_called_on_every_number_of_workers() {
    everywhere(|| async {
        let called = Counted::new();
        for number in 0..200_u64 {
            let called = called.clone();
            let delay = Duration::from_micros(number * 37 % 1_000);
            LoopHandle::current().call_later(delay, move || called.add());
        }
        until(|| called.get() == 200).await;
    });
}

#[test]
fn timers_left_at_the_end_of_run_are_dropped_uncalled() {
    for workers in WORKER_COUNTS {
        let journal = Journal::new();
        let guard = journal.on_drop("dropped");
        let handle = on_workers(workers, async {
            LoopHandle::current().call_later(3_600 * SECOND, move || drop(guard));
            turns(5).await;
            LoopHandle::current()
        });
        journal.expect(&["dropped"]);
        assert!(handle.is_closed() && !handle.is_running());
        assert!(handle.call_soon_threadsafe(|| ()).is_err());
    }
}

/// As in asyncio: the callbacks that are due come in the turn of the timers, tasks in the next one.
#[test]
fn callbacks_that_are_due_come_before_sleeps_that_end_later() {
    let journal = Journal::new();
    let (first, last) = (journal.clone(), journal.clone());
    paused(async move {
        LoopHandle::current().call_later(2 * SECOND, move || first.note("callback"));
        let task = spawn(async move {
            sleep(3 * SECOND).await;
            last.note("sleep");
        });
        turns(5).await;
        time::advance(4 * SECOND).await;
        task.await.unwrap();
        turns(5).await;
    });
    journal.expect(&["callback", "sleep"]);
}
