//! Callbacks on the loop of the running program: in their order, at their times, or cancelled.

use std::time::Duration;

use bowerbird::LoopHandle;

fn p(text: &'static str) -> impl FnOnce() + Send + 'static {
    move || println!("{text}")
}

#[bowerbird::main]
async fn main() {
    let event_loop = LoopHandle::current();
    let (promise, done) = event_loop.create_future();
    event_loop.call_later(Duration::from_millis(20), p("later 2"));
    event_loop.call_later(Duration::from_millis(10), p("later 1"));
    event_loop.call_soon(p("soon 1"));
    event_loop.call_soon(p("soon 2"));
    let never = event_loop.call_soon(p("never"));
    never.cancel();
    event_loop.call_later(Duration::from_millis(30), move || {
        promise.set_result("value").expect("it was not set before");
    });
    println!("before");
    println!("{}", done.await.expect("the promise is kept"));
}
