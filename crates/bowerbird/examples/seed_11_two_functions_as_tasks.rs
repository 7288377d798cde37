//! Two functions wait at the same time.

use std::time::Duration;

use bowerbird::{create_task, sleep};

async fn fun1(x: i32) {
    println!("Function 1: result {}, wait ...", x.pow(2));
    sleep(Duration::from_millis(100)).await;
    println!("Function 1: finished");
}

async fn fun2(x: i32) {
    println!("Function 2: result {:?}, wait ...", f64::from(x).sqrt());
    sleep(Duration::from_millis(100)).await;
    println!("Function 2: finished");
}

#[bowerbird::main]
async fn main() {
    let one = create_task(fun1(4));
    let two = create_task(fun2(4));
    one.await.unwrap();
    two.await.unwrap();
}
