//! A main that waits in the middle.

use std::time::Duration;

#[bowerbird::main]
async fn main() {
    println!("Hello, World!");
    bowerbird::sleep(Duration::from_millis(100)).await;
    println!("Goodbye.");
}
