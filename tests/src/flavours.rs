//! The same program on one worker and on several.

use std::panic::resume_unwind;

use bowerbird::{RunError, Runner};

/// One worker (the plain FIFO), two, and more than this machine may have.
pub const WORKER_COUNTS: [usize; 3] = [1, 2, 4];

/// Runs a future on a runner with so many workers.
#[track_caller]
pub fn on_workers<F: Future>(count: usize, future: F) -> F::Output {
    let mut runner = Runner::builder().worker_threads(count).build().expect("a runner");
    finish(runner.run(future))
}

/// Runs a program on one worker and on several.
#[track_caller]
pub fn everywhere<F: Future>(program: impl Fn() -> F) {
    for count in WORKER_COUNTS {
        let on = std::panic::AssertUnwindSafe(|| on_workers(count, program()));
        if let Err(payload) = std::panic::catch_unwind(on) {
            eprintln!("with {count} workers:");
            resume_unwind(payload);
        }
    }
}

/// Runs a future on one worker with a paused clock: sleeps take no time, and their order is certain.
#[track_caller]
pub fn paused<F: Future>(future: F) -> F::Output {
    let builder = Runner::builder().worker_threads(1).start_paused(true);
    finish(builder.build().expect("a runner").run(future))
}

#[track_caller]
fn finish<T>(output: Result<T, RunError>) -> T {
    output.unwrap_or_else(|error| panic!("{error}"))
}
