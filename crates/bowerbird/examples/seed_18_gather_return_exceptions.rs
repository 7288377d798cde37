//! Errors as results, and an error that ends the wait while the siblings go on.
//!
//! A Rust `Err` is an output like any other, so plain `gather` is Python's `return_exceptions=True`, and
//! `first_error` is Python's plain `gather`.

use std::time::Duration;

use bowerbird::{gather, sleep};

struct ValueError(&'static str);

async fn ok(n: u32) -> Result<u32, ValueError> {
    sleep(Duration::from_millis(10) * n).await;
    println!("ok {n}");
    Ok(n)
}

async fn bad() -> Result<u32, ValueError> {
    sleep(Duration::from_millis(15)).await;
    Err(ValueError("bad"))
}

fn repr(result: Result<u32, ValueError>) -> String {
    match result {
        Ok(n) => format!("'{n}'"),
        Err(ValueError(text)) => format!("\"ValueError('{text}')\""),
    }
}

#[bowerbird::main]
async fn main() {
    let (a, b, c) = gather((ok(1), bad(), ok(2))).await;
    println!("[{}]", [a, b, c].map(repr).join(", "));
    if let Err(ValueError(text)) = gather((ok(3), bad(), ok(4))).first_error().await {
        println!("raised {text}");
    }
    sleep(Duration::from_millis(50)).await;
    println!("siblings went on");
}
