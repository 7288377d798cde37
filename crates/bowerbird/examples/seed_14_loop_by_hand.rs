//! An event loop that is made, used and closed by hand.

use std::time::Duration;

use bowerbird::{EventLoop, gather, sleep};

async fn print_every_second(from: u32, num: u32) {
    for i in (from..num).step_by(2) {
        println!("{i}");
        sleep(Duration::from_millis(20)).await;
    }
}

fn main() {
    let mut event_loop = EventLoop::new().expect("an event loop");
    let handle = event_loop.handle();
    let evens = handle.create_task(print_every_second(0, 10));
    let odds = handle.create_task(print_every_second(1, 10));
    let both = event_loop.run_until_complete(async { gather((evens, odds)).await });
    let (evens, odds) = both.expect("nobody cancels it");
    evens.and(odds).expect("nobody cancels them");
    event_loop.close();
    println!("closed {}", if event_loop.is_closed() { "True" } else { "False" });
}
