//! Three computations with pauses, side by side.

use std::time::Duration;

use bowerbird::{gather, sleep};

async fn factorial(name: &str, number: u64) -> u64 {
    let mut f = 1;
    for i in 2..=number {
        println!("Task {name}: Compute factorial({i})...");
        sleep(Duration::from_millis(50)).await;
        f *= i;
    }
    println!("Task {name}: factorial({number}) = {f}");
    f
}

#[bowerbird::main]
async fn main() {
    println!("{:?}", gather([factorial("A", 2), factorial("B", 3), factorial("C", 4)]).await);
}
