//! Two waits side by side: 0.1 s and 0.2 s make 0.2 s.

use std::time::Duration;

use bowerbird::time::now;
use bowerbird::{create_task, sleep};

async fn say_after(delay: Duration, what: &str) {
    sleep(delay).await;
    println!("{what}");
}

#[bowerbird::main]
async fn main() {
    let t = now();
    let task1 = create_task(say_after(Duration::from_millis(100), "hello"));
    let task2 = create_task(say_after(Duration::from_millis(200), "world"));
    task1.await.unwrap();
    task2.await.unwrap();
    println!("tenths: {}", ((now() - t).as_secs_f64() * 10.0).round());
}
