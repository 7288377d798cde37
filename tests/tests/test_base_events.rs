//! The event loop, after CPython's `test_base_events.py` (see tests/cpython/test_events.md).

use std::future::pending;
use std::sync::Arc;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use bowerbird::context::ContextVar;
use bowerbird::future::promise;
use bowerbird::runtime::{Unhandled, UnhandledKind};
use bowerbird::{EventLoop, LoopHandle, RunError, Runner, current_task, spawn, yield_now};
use bowerbird_tests::{
    Counted, Journal, WORKER_COUNTS, catch, everywhere, on_workers, turns, until,
};

const SECOND: Duration = Duration::from_secs(1);

/// A loop whose clock moves by itself to what is due next.
fn paused_loop() -> EventLoop {
    EventLoop::builder().start_paused(true).build().unwrap()
}

fn note(journal: &Journal, line: &'static str) -> impl FnOnce() + Send + use<> {
    let journal = journal.clone();
    move || journal.note(line)
}

fn stop(event_loop: &EventLoop) -> impl FnOnce() + Send + use<> {
    let handle = event_loop.handle();
    move || handle.stop()
}

// ----- run, stop, close -------------------------------------------------------------------------------

#[test]
fn test_close() {
    let mut event_loop = EventLoop::new().unwrap();
    assert!(!event_loop.is_closed() && !event_loop.is_running());
    event_loop.close();
    assert!(event_loop.is_closed());
    // It is idempotent.
    event_loop.close();
    assert!(event_loop.is_closed());
    assert!(matches!(event_loop.run_forever(), Err(RunError::Closed)));
    assert!(matches!(event_loop.run_until_complete(async {}), Err(RunError::Closed)));
    assert!(matches!(event_loop.turn(None), Err(RunError::Closed)));
    assert!(event_loop.call_soon_threadsafe(|| ()).is_err());
    for call in ["call_soon", "call_later", "create_task"] {
        let caught = catch(|| match call {
            "call_soon" => drop(event_loop.call_soon(|| ())),
            "call_later" => drop(event_loop.call_later(SECOND, || ())),
            _ => drop(event_loop.create_task(async {})),
        });
        assert!(caught.message.starts_with(&format!("{call}() was called on a closed")));
        assert!(caught.file.ends_with("test_base_events.rs"), "{caught:?}");
    }
}

#[test]
fn closing_cancels_tasks_and_drops_callbacks_uncalled() {
    let journal = Journal::new();
    let mut event_loop = EventLoop::new().unwrap();
    let task = event_loop.create_task(pending::<()>());
    let guard = journal.on_drop("timer dropped");
    event_loop.call_later(SECOND, move || drop(guard));
    let keeps_its_loop = event_loop.handle();
    event_loop.call_later(SECOND, move || drop(keeps_its_loop));
    event_loop.run_until_complete(turns(2)).unwrap();
    event_loop.close();
    assert!(task.cancelled());
    journal.expect(&["timer dropped"]);
}

#[test]
fn is_running_is_true_inside_and_false_between_runs() {
    let mut event_loop = EventLoop::new().unwrap();
    let handle = event_loop.handle();
    assert!(!handle.is_running());
    assert!(event_loop.run_until_complete(async { LoopHandle::current().is_running() }).unwrap());
    assert!(!handle.is_running());
    bowerbird::run(async { assert!(LoopHandle::current().is_running()) });
}

#[test]
fn test_run_until_complete() {
    let mut event_loop = EventLoop::new().unwrap();
    let borrowed = String::from("borrowed");
    assert_eq!(event_loop.run_until_complete(async { borrowed.len() }).unwrap(), 8);
    let task = event_loop.create_task(async { 7 });
    assert_eq!(event_loop.run_until_complete(task).unwrap().unwrap(), 7);
}

#[test]
fn test_run_until_complete_stopped() {
    let journal = Journal::new();
    let mut event_loop = EventLoop::new().unwrap();
    let handle = event_loop.handle();
    let guard = journal.on_drop("dropped");
    let result = event_loop.run_until_complete(async move {
        let _guard = guard;
        handle.stop();
        pending::<()>().await;
    });
    assert!(matches!(result, Err(RunError::Stopped)));
    journal.expect(&["dropped"]);
}

#[test]
fn task_of_a_stopped_run_goes_on_in_the_next() {
    let mut event_loop = EventLoop::new().unwrap();
    let handle = event_loop.handle();
    let mut task = event_loop.create_task(async move {
        handle.stop();
        turns(3).await;
        "went on"
    });
    assert!(matches!(event_loop.run_until_complete(&mut task), Err(RunError::Stopped)));
    assert_eq!(event_loop.run_until_complete(&mut task).unwrap().unwrap(), "went on");
}

#[test]
fn cancelled_main_is_an_error() {
    let mut event_loop = EventLoop::new().unwrap();
    let result = event_loop.run_until_complete(async {
        current_task().unwrap().cancel_with("enough");
        pending::<()>().await
    });
    assert!(matches!(result, Err(RunError::Cancelled(Some(message))) if message == "enough"));
    // Also of a run that waits for `stop`.
    event_loop.call_soon(|| {
        bowerbird::all_tasks()[0].cancel();
    });
    assert!(matches!(event_loop.run_forever(), Err(RunError::Cancelled(None))));
}

/// `stop` before the run: one turn of what is ready, then the end.
#[test]
fn test_run_forever_pre_stopped() {
    let journal = Journal::new();
    let mut event_loop = EventLoop::new().unwrap();
    event_loop.stop();
    event_loop.run_forever().unwrap();

    let (inner, next) = (event_loop.handle(), note(&journal, "next run"));
    let first = note(&journal, "first");
    event_loop.call_soon(move || {
        first();
        inner.call_soon(next);
    });
    event_loop.stop();
    event_loop.run_forever().unwrap();
    journal.expect(&["first"]);
    event_loop.stop();
    event_loop.run_forever().unwrap();
    journal.expect(&["first", "next run"]);
}

#[test]
fn pre_stopped_run_sees_what_is_due_and_gives_tasks_a_turn() {
    let journal = Journal::new();
    let mut event_loop = paused_loop();
    event_loop.call_at(event_loop.time(), note(&journal, "due"));
    event_loop.call_later(SECOND, note(&journal, "later"));
    let noted = journal.clone();
    drop(event_loop.create_task(async move { noted.note("task") }));
    event_loop.stop();
    event_loop.run_forever().unwrap();
    let mut lines = journal.lines();
    lines.sort();
    assert_eq!(lines, ["due", "task"]);
}

/// `stop` during a run: the batch is finished, and what it adds waits for the next run.
#[test]
fn test_single_selecter_event_callback_after_stopping() {
    let journal = Journal::new();
    let mut event_loop = EventLoop::new().unwrap();
    let handle = event_loop.handle();
    let (first, added) = (note(&journal, "first"), note(&journal, "added"));
    event_loop.call_soon(move || {
        first();
        handle.call_soon(added);
        handle.stop();
    });
    event_loop.call_soon(note(&journal, "second"));
    event_loop.run_forever().unwrap();
    journal.expect(&["first", "second"]);
    event_loop.run_until_complete(turns(2)).unwrap();
    journal.expect(&["first", "second", "added"]);
}

#[test]
fn stop_from_another_thread_ends_a_sleeping_loop() {
    for workers in WORKER_COUNTS {
        let mut event_loop = EventLoop::builder().worker_threads(workers).build().unwrap();
        let handle = event_loop.handle();
        let stopper = thread::spawn(move || {
            while !handle.is_running() {
                thread::yield_now();
            }
            handle.stop();
        });
        event_loop.run_forever().unwrap();
        stopper.join().unwrap();
    }
}

/// With several workers callbacks are called, and may stop the loop, between runs too.
#[test]
fn stop_by_a_worker_before_the_run_makes_it_one_turn() {
    let mut event_loop = EventLoop::builder().worker_threads(2).build().unwrap();
    let (journal, handle) = (Journal::new(), event_loop.handle());
    let (sender, receiver) = mpsc::channel();
    let put_off = note(&journal, "put off, and called in the run");
    event_loop.call_soon(move || {
        handle.stop();
        handle.call_soon(put_off);
        sender.send(()).unwrap();
    });
    receiver.recv().unwrap();
    event_loop.run_forever().unwrap();
    journal.expect(&["put off, and called in the run"]);
}

#[test]
fn stop_of_a_loop_that_is_not_run_by_hand_is_refused() {
    on_workers(1, async {
        let caught = catch(|| LoopHandle::current().stop());
        assert!(caught.message.starts_with("stop() was called on the loop of a runtime"));
        assert!(caught.file.ends_with("test_base_events.rs"));
    });
}

/// `RunningLoopTests.test_running_loop_within_a_loop`.
#[test]
fn test_running_loop_within_a_loop() {
    let mut event_loop = EventLoop::new().unwrap();
    event_loop
        .run_until_complete(async {
            let mut inner = EventLoop::new().unwrap();
            let caught = catch(|| inner.run_forever());
            assert!(caught.message.contains("inside a task"), "{caught:?}");
        })
        .unwrap();
}

#[test]
fn panic_of_the_main_future_goes_on_and_the_loop_may_run_again() {
    let mut event_loop = EventLoop::new().unwrap();
    let caught = catch(|| event_loop.run_until_complete(async { panic!("main") }));
    assert_eq!(caught.message, "main");
    event_loop.call_soon(stop(&event_loop));
    event_loop.run_forever().unwrap();
}

// ----- callbacks --------------------------------------------------------------------------------------

#[test]
fn test_call_soon() {
    everywhere(|| async {
        let (sender, receiver) = mpsc::channel();
        let event_loop = LoopHandle::current();
        for number in 0..1_000 {
            let sender = sender.clone();
            event_loop.call_soon(move || sender.send(number).unwrap());
        }
        let mut called = Vec::new();
        until(|| {
            called.extend(receiver.try_iter());
            called.len() == 1_000
        })
        .await;
        assert!(called.is_sorted(), "{called:?}");
    });
}

#[test]
fn callbacks_take_turns_with_tasks_in_one_queue() {
    let journal = Journal::new();
    on_workers(1, async {
        let event_loop = LoopHandle::current();
        event_loop.call_soon(note(&journal, "a"));
        let noted = journal.clone();
        drop(spawn(async move { noted.note("task") }));
        event_loop.call_soon(note(&journal, "b"));
        journal.note("never inline");
        yield_now().await;
    });
    journal.expect(&["never inline", "a", "task", "b"]);
}

#[test]
fn callbacks_of_one_loop_never_run_at_the_same_time() {
    on_workers(4, async {
        let (busy, called) = (Arc::new(std::sync::Mutex::new(())), Counted::new());
        let tasks: Vec<_> = (0..8)
            .map(|_| {
                let (busy, called) = (busy.clone(), called.clone());
                spawn(async move {
                    for _ in 0..200 {
                        let (busy, called) = (busy.clone(), called.clone());
                        LoopHandle::current().call_soon(move || {
                            let _alone = busy.try_lock().expect("one at a time");
                            thread::yield_now();
                            called.add();
                        });
                        yield_now().await;
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        until(|| called.get() == 1_600).await;
    });
}

#[test]
fn callbacks_of_one_thread_keep_their_order_among_those_of_others() {
    for workers in WORKER_COUNTS {
        let mut event_loop = EventLoop::builder().worker_threads(workers).build().unwrap();
        let (sender, receiver) = mpsc::channel();
        let threads: Vec<_> = (0..4)
            .map(|thread| {
                let (handle, sender) = (event_loop.handle(), sender.clone());
                thread::spawn(move || {
                    for number in 0..250 {
                        let sender = sender.clone();
                        let callback = move || sender.send((thread, number)).unwrap();
                        handle.call_soon_threadsafe(callback).unwrap();
                    }
                })
            })
            .collect();
        let mut called = Vec::new();
        let all_called = until(|| {
            called.extend(receiver.try_iter());
            called.len() == 1_000
        });
        event_loop.run_until_complete(all_called).unwrap();
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        for thread in 0..4 {
            assert!(called.iter().filter(|call| call.0 == thread).is_sorted());
        }
    }
}

#[test]
fn test_call_soon_threadsafe() {
    let mut event_loop = EventLoop::new().unwrap();
    let (handle, stopper) = (event_loop.handle(), event_loop.handle());
    let journal = Journal::new();
    let noted = journal.clone();
    // The loop sleeps until the other thread wakes it.
    event_loop.call_soon(move || {
        drop(thread::spawn(move || {
            let inner = noted.clone();
            handle.call_soon_threadsafe(move || inner.note("called")).unwrap();
            handle.call_soon_threadsafe(move || stopper.stop()).unwrap();
        }));
    });
    event_loop.run_forever().unwrap();
    journal.expect(&["called"]);
}

#[test]
fn callback_given_before_the_run_waits_for_it() {
    let journal = Journal::new();
    let mut event_loop = EventLoop::new().unwrap();
    event_loop.call_soon(note(&journal, "called"));
    thread::yield_now();
    journal.expect(&[]);
    event_loop.run_until_complete(turns(1)).unwrap();
    journal.expect(&["called"]);
}

#[test]
fn test_handle() {
    let journal = Journal::new();
    let mut event_loop = EventLoop::new().unwrap();
    let guard = journal.on_drop("dropped at the cancel");
    let handle = event_loop.call_soon(move || drop(guard));
    assert!(!handle.cancelled());
    assert!(format!("{handle:?}").contains("test_base_events.rs:"));
    handle.cancel();
    journal.expect(&["dropped at the cancel"]);
    assert!(handle.cancelled());
    let called = event_loop.call_soon(note(&journal, "called"));
    event_loop.run_until_complete(turns(1)).unwrap();
    called.cancel();
    assert!(!called.cancelled(), "it was called before");
    journal.expect(&["dropped at the cancel", "called"]);
}

#[test]
fn callback_has_the_context_of_its_giver_and_no_current_task() {
    static WHO: ContextVar<&str> = ContextVar::new("who");
    everywhere(|| async {
        let (told, heard) = promise();
        let _giver = WHO.set("giver");
        LoopHandle::current().call_soon(move || {
            let seen = (WHO.get(), current_task().is_none());
            let _inside = WHO.set("the callback's own");
            told.set_result(seen).unwrap();
        });
        let _later = WHO.set("later");
        assert_eq!(heard.await.unwrap(), (Some("giver"), true));
        assert_eq!(WHO.get(), Some("later"));
        assert_eq!(bowerbird::all_tasks().len(), 1, "callbacks are no tasks");
    });
}

#[test]
fn callback_may_spawn_and_call_again() {
    everywhere(|| async {
        let (told, heard) = promise();
        LoopHandle::current().call_soon(move || {
            drop(spawn(async move {
                LoopHandle::current().call_soon(move || told.set_result("both").unwrap());
            }));
        });
        assert_eq!(heard.await.unwrap(), "both");
    });
}

// ----- timers -----------------------------------------------------------------------------------------

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

// ----- the exception handler --------------------------------------------------------------------------

#[test]
fn test_default_exc_handler_callback() {
    let journal = Journal::new();
    let log = journal.clone();
    let builder = EventLoop::builder().exception_handler(move |unhandled| {
        assert_eq!(unhandled.kind, UnhandledKind::Callback);
        log.note(unhandled.to_string());
    });
    let mut event_loop = builder.build().unwrap();
    event_loop.call_soon(|| panic!("soon"));
    event_loop.call_later(Duration::ZERO, || panic!("later"));
    event_loop.call_later(Duration::from_millis(1), stop(&event_loop));
    event_loop.run_forever().unwrap();
    let lines = journal.lines();
    assert_eq!(lines.len(), 2, "{lines:?}");
    for (line, text) in lines.iter().zip([": soon", ": later"]) {
        assert!(line.starts_with("a callback of the event loop panicked"), "{line}");
        assert!(line.contains("test_base_events.rs:") && line.ends_with(text), "{line}");
    }
}

#[test]
fn test_set_exc_handler_custom() {
    let (before, custom) = (Journal::new(), Journal::new());
    let (first, second) = (before.clone(), custom.clone());
    let builder = EventLoop::builder()
        .exception_handler(move |unhandled| first.note(unhandled.error.clone().unwrap()));
    let mut event_loop = builder.build().unwrap();
    event_loop.call_soon(|| panic!("to the first"));
    event_loop.run_until_complete(turns(1)).unwrap();
    event_loop.set_exception_handler(move |unhandled| {
        second.note(unhandled.error.clone().unwrap_or_default());
    });
    event_loop.call_soon(|| panic!("to the second"));
    event_loop.run_until_complete(turns(1)).unwrap();
    let unhandled = Unhandled::new(UnhandledKind::Other, "by hand").with_error("told");
    event_loop.call_exception_handler(&unhandled);
    before.expect(&["to the first"]);
    custom.expect(&["to the second", "told"]);
}

/// What the handler does wrong stops nothing; that it is heard is tested in never_silent.rs.
#[test]
fn test_set_exc_handler_broken() {
    let journal = Journal::new();
    let mut event_loop = EventLoop::new().unwrap();
    event_loop.set_exception_handler(|_| panic!("the handler"));
    event_loop.call_soon(|| panic!("the callback"));
    event_loop.call_soon(note(&journal, "next"));
    event_loop.run_until_complete(turns(2)).unwrap();
    journal.expect(&["next"]);
}

#[test]
fn test_set_debug() {
    let mut event_loop = EventLoop::new().unwrap();
    event_loop.set_debug(true);
    assert!(event_loop.get_debug());
    event_loop.set_debug(false);
    assert!(!event_loop.get_debug());
    event_loop.close();
    event_loop.set_debug(true);
    assert!(!event_loop.get_debug());
}

// ----- turns for guests -------------------------------------------------------------------------------

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

// ----- the same in a runner ---------------------------------------------------------------------------

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
