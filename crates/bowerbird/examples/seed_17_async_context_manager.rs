//! A connection that is closed however its use ends, before the task is done.

use std::time::Duration;

use bowerbird::{AsyncContextManager, Outcome, sleep, spawn, with};

struct Connection;

impl AsyncContextManager for Connection {
    type Value = ();

    async fn enter(&mut self) {
        sleep(Duration::from_millis(10)).await;
        println!("open");
    }

    async fn exit(self, outcome: Outcome) {
        sleep(Duration::from_millis(10)).await;
        match outcome {
            Outcome::Cancelled => println!("close CancelledError"),
            _ => println!("close None"),
        }
    }
}

async fn use_for(delay: Duration) {
    with(Connection, async |()| {
        println!("use");
        sleep(delay).await;
        println!("used");
    })
    .await;
}

#[bowerbird::main]
async fn main() {
    use_for(Duration::from_millis(10)).await;
    let task = spawn(use_for(Duration::from_secs(10)));
    let handle = task.handle();
    sleep(Duration::from_millis(50)).await;
    task.cancel();
    if task.await.is_err_and(|error| error.is_cancelled()) {
        println!("task cancelled: {}", if handle.cancelled() { "True" } else { "False" });
    }
}
