//! The last argument ends first, and its result still stands last.

use std::time::Duration;

use bowerbird::{gather, sleep};

async fn test(name: &str, delay: Duration) -> String {
    sleep(delay).await;
    println!("end {name}");
    format!("Done {name}")
}

#[bowerbird::main]
async fn main() {
    let results = gather([
        test("A", Duration::from_millis(300)),
        test("B", Duration::from_millis(200)),
        test("C", Duration::from_millis(100)),
    ])
    .await;
    println!("['{}']", results.join("', '"));
}
