//! A future that is awaited and a task take turns.

use std::time::Duration;

use bowerbird::{create_task, sleep};

async fn count_numbers(label: &str, iterations: u32) {
    for i in 0..iterations {
        println!("Running from {label}: {i}");
        sleep(Duration::from_millis(50)).await;
    }
}

#[bowerbird::main]
async fn main() {
    println!("Running f1");
    let f1 = count_numbers("f1", 3);
    let f2 = create_task(count_numbers("f2", 3));
    f1.await;
    println!("Running f2");
    f2.await.unwrap();
}
