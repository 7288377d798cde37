//! The exception handler and debug mode.

use std::time::Duration;

use bowerbird::context::ContextVar;
use bowerbird::runtime::{Unhandled, UnhandledKind};
use bowerbird::{EventLoop, Runner, catch_cancel, spawn};
use bowerbird_tests::{Journal, turns};

use super::{note, stop};

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
        assert!(line.contains("exception_handler.rs:") && line.ends_with(text), "{line}");
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

static NAME: ContextVar<&str> = ContextVar::new("name");

/// A loop whose handler notes what it was told, and in which context.
fn noting_loop(journal: &Journal) -> EventLoop {
    let log = journal.clone();
    let builder = EventLoop::builder().exception_handler(move |unhandled| {
        let error = unhandled.error.as_deref().unwrap_or_default();
        log.note(format!("{error} in {}", NAME.get().unwrap_or("none")));
    });
    builder.build().unwrap()
}

/// `test_futures2.py`: the handler is called in the context of the callback.
#[test]
fn test_handle_exc_handler_correct_context() {
    let journal = Journal::new();
    let mut event_loop = noting_loop(&journal);
    event_loop.call_soon(|| {
        let _token = NAME.set("bar");
        panic!("1/0");
    });
    event_loop.run_until_complete(turns(2)).unwrap();
    journal.expect(&["1/0 in bar"]);
}

/// `test_futures2.py`: the handler is called in the context of the task.
#[test]
fn test_task_exc_handler_correct_context() {
    let journal = Journal::new();
    let mut event_loop = noting_loop(&journal);
    drop(event_loop.create_task(async {
        let _token = NAME.set("bar");
        panic!("1/0");
    }));
    event_loop.run_until_complete(turns(3)).unwrap();
    journal.expect(&["1/0 in bar"]);
}

/// The same for an error that nobody retrieves, which is reported if that is asked for.
#[test]
fn handler_is_called_for_an_error_in_the_context_of_the_task() {
    let journal = Journal::new();
    let mut event_loop = noting_loop(&journal);
    drop(
        event_loop
            .create_task(async {
                let _token = NAME.set("bar");
                Err::<(), _>("refused")
            })
            .report_errors(),
    );
    event_loop.run_until_complete(turns(3)).unwrap();
    journal.expect(&["refused in bar"]);
}

/// The same at the end of a run, for a variable that is set in the last poll.
#[test]
fn handler_is_called_at_the_end_of_a_run_in_the_context_of_the_task() {
    let journal = Journal::new();
    let log = journal.clone();
    let builder = Runner::builder().worker_threads(1).exception_handler(move |unhandled| {
        let error = unhandled.error.as_deref().unwrap_or_default();
        log.note(format!("{error} in {}", NAME.get().unwrap_or("none")));
    });
    let mut runner = builder.build().unwrap();
    let left_behind = runner.run(async {
        let task = spawn(async {
            let _cancelled = catch_cancel(std::future::pending::<()>()).await;
            let _token = NAME.set("bar");
            panic!("1/0");
        });
        turns(3).await;
        task
    });
    drop(runner);
    journal.expect(&["1/0 in bar"]);
    drop(left_behind);
}
