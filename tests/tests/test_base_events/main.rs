//! The event loop, after CPython's `test_base_events.py` (see tests/cpython/test_events.md).

mod runs;
mod callbacks;
mod timers;
mod exception_handler;
mod turns_by_hand;

use std::time::Duration;

use bowerbird::EventLoop;
use bowerbird_tests::Journal;

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
