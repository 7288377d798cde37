//! A question to many: the fastest of several replicas, all answers within a limit, and what came until then.
//!
//! Run it with `cargo run --example fan_out`.

use std::time::Duration;

use bowerbird::{
    ReturnWhen, TimeoutError, gather_iter, race_iter, sleep, spawn, staggered_race, timeout, wait,
};

/// How long each replica takes, in milliseconds.
const REPLICAS: [(&str, u64); 4] = [("north", 40), ("east", 5), ("south", 20), ("west", 60_000)];

async fn ask((name, delay): (&'static str, u64)) -> String {
    sleep(Duration::from_millis(delay)).await;
    format!("{name} after {delay} ms")
}

/// The first answer; who has not answered is dropped.
async fn fastest() -> String {
    let (_index, answer) = race_iter(REPLICAS.map(ask)).await;
    answer
}

/// Every answer, or none: after the limit those that are still asked are cancelled.
async fn all(limit: Duration) -> Result<Vec<String>, TimeoutError> {
    timeout(limit, gather_iter(REPLICAS.map(ask))).await
}

/// What there is when the time is over.
async fn as_many_as_possible(limit: Duration) -> Vec<String> {
    let questions: Vec<_> = REPLICAS.map(|replica| spawn(ask(replica))).into();
    let (answered, silent) = wait(questions, ReturnWhen::AllCompleted).timeout(limit).await;
    for question in silent {
        question.cancel();
    }
    let mut answers = Vec::new();
    for question in answered {
        answers.extend(question.await); // it has ended, so this does not wait; a panic is left out
    }
    answers
}

/// The replicas in order of preference: the next is asked when one says nothing for 10 ms, and each has 30 ms.
async fn in_order() -> Result<String, Vec<TimeoutError>> {
    let attempts = REPLICAS.map(|replica| timeout(Duration::from_millis(30), ask(replica)));
    let (_index, answer) = staggered_race(attempts, Duration::from_millis(10)).await?;
    Ok(answer)
}

#[bowerbird::main]
async fn main() {
    println!("fastest: {}", fastest().await);
    println!("all: {:?}", all(Duration::from_millis(200)).await.map_err(|error| error.to_string()));
    println!("as many as possible: {:#?}", as_many_as_possible(Duration::from_millis(200)).await);
    println!("in order: {:?}", in_order().await);
}
