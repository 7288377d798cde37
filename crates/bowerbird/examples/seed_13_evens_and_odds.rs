//! Two tasks count together by waiting for each other's turn.

use std::time::Duration;

use bowerbird::{gather, sleep};

async fn task1() {
    for i in 0..10 {
        if i % 2 == 0 {
            println!("{i}");
            sleep(Duration::from_millis(20)).await;
        }
    }
}

async fn task2() {
    for i in 0..10 {
        if i % 2 == 1 {
            println!("{i}");
            sleep(Duration::from_millis(20)).await;
        }
    }
}

#[bowerbird::main]
async fn main() {
    gather((task1(), task2())).await;
    println!("Finished");
}
