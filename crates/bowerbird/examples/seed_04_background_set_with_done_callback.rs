//! Tasks in a set that they leave when they are done.
//!
//! Python needs the set to keep its tasks alive; here it only counts them. On several workers tasks end
//! while `main` still fills the set, so `main` holds the lock until it has counted.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bowerbird::{Task, TaskHandle, sleep};

async fn some_coro(param: u32) {
    sleep(Duration::from_millis(10) * param).await;
    println!("ran {param}");
}

fn start(background: &Arc<Mutex<HashSet<TaskHandle>>>) {
    let mut held = background.lock().unwrap();
    for i in 0..10 {
        let task = Task::builder().name(format!("background-{i}")).spawn(some_coro(i));
        held.insert(task.handle());
        let background = background.clone();
        task.add_done_callback(move |task| {
            background.lock().unwrap().remove(task);
        });
    }
    println!("held {}", held.len());
}

#[bowerbird::main]
async fn main() {
    let background = Arc::new(Mutex::new(HashSet::new()));
    start(&background);
    sleep(Duration::from_millis(300)).await;
    println!("held {}", background.lock().unwrap().len());
}
