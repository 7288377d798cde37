//! Two waits, one after the other: 0.1 s and 0.2 s make 0.3 s.

use std::time::Duration;

use bowerbird::sleep;
use bowerbird::time::now;

async fn say_after(delay: Duration, what: &str) {
    sleep(delay).await;
    println!("{what}");
}

#[bowerbird::main]
async fn main() {
    let t = now();
    say_after(Duration::from_millis(100), "hello").await;
    say_after(Duration::from_millis(200), "world").await;
    println!("tenths: {}", ((now() - t).as_secs_f64() * 10.0).round());
}
