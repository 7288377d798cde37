//! A task that outlives `main` is cancelled and awaited before `run` returns.

use std::time::Duration;

use bowerbird::{create_task, sleep};

/// Python's `except CancelledError`: what is dropped half-way says so.
struct Unfinished;

impl Drop for Unfinished {
    fn drop(&mut self) {
        println!("cancelled");
    }
}

async fn sample_task() {
    println!("Hello, World!");
    let unfinished = Unfinished;
    sleep(Duration::from_secs(1)).await;
    std::mem::forget(unfinished);
    println!("Goodbye, World!");
}

fn main() {
    bowerbird::run(async {
        drop(create_task(sample_task()));
        sleep(Duration::ZERO).await;
        println!("main is done");
    });
    println!("loop is closed");
}
