//! A sleep of zero lets everything else have a turn.

use std::time::Duration;

use bowerbird::{gather, sleep};

async fn step(label: &str, n: u32) {
    for i in 0..n {
        println!("{label} {i}");
        sleep(Duration::ZERO).await;
    }
}

#[bowerbird::main]
async fn main() {
    gather((step("a", 3), step("b", 3), step("c", 2))).await;
}
