//! Context variables: a task has a copy of its own, or the one that it is given.

use bowerbird::context::{context_var, copy_context};
use bowerbird::{Task, sleep, spawn};

context_var! {
    static WHO: &str = "nobody";
}

async fn show(label: &str) {
    sleep(std::time::Duration::ZERO).await;
    println!("{label} {}", WHO.get().unwrap_or_default());
}

async fn child() {
    drop(WHO.set("child"));
    show("in child").await;
}

#[bowerbird::main]
async fn main() {
    drop(WHO.set("main"));
    spawn(child()).await.expect("the child ends");
    show("in main").await;
    let mut context = copy_context();
    context.run(|| drop(WHO.set("given")));
    Task::builder().context(context).spawn(show("with context=")).await.expect("the task ends");
}
