//! One task runs once, and each of its waiters gets the result.

use std::time::Duration;

use bowerbird::tasks::SharedTask;
use bowerbird::{create_task, gather_iter, sleep};

async fn some_expensive_task() -> u32 {
    println!("Starting expensive task");
    sleep(Duration::from_millis(100)).await;
    println!("Finished expensive task");
    42
}

async fn waiter(n: u32, task: SharedTask<u32>) {
    println!("task{n} waiting for expensive task to complete");
    println!("task{n} got {}", task.await.unwrap());
}

#[bowerbird::main]
async fn main() {
    let task = create_task(some_expensive_task()).shared();
    gather_iter((1..=3).map(|n| waiter(n, task.clone()))).await;
}
