//! A main that waits for every task there is, without having kept their handles.

use std::time::Duration;

use bowerbird::{EventLoop, all_tasks, current_task, sleep};

async fn print_nums(num: u32) {
    for n in 0..num {
        println!("{n}");
        sleep(Duration::from_millis(20)).await;
    }
}

async fn print_letters(up_to: char) {
    for letter in 'a'..up_to {
        println!("{letter}");
        sleep(Duration::from_millis(20)).await;
    }
}

async fn finish() {
    let this = current_task().expect("this is a task");
    for task in all_tasks().into_iter().filter(|task| *task != this) {
        task.wait().await;
    }
}

fn main() {
    let mut event_loop = EventLoop::new().expect("an event loop");
    drop(event_loop.handle().create_task(print_nums(5)));
    drop(event_loop.handle().create_task(print_letters('f')));
    event_loop.run_until_complete(finish()).expect("nobody cancels it");
    event_loop.close();
}
