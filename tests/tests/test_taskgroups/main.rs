//! `task_group`, after CPython's `Lib/test/test_asyncio/test_taskgroups.py`.
//!
//! `tests/cpython/test_taskgroups.md` lists every test of that file, with its name here or why it cannot exist.

mod children;
mod cancelled;
mod errors;
mod spawning;
mod cancel_method;
mod dropped;

use std::error::Error;
use std::fmt;
use std::time::Duration;

use bowerbird::groups::ChildTask;
use bowerbird::{ExceptionGroup, sleep};

const MS: Duration = Duration::from_millis(1);

#[derive(Debug, PartialEq)]
struct ZeroDivision;

#[derive(Debug, PartialEq)]
struct MyExc;

#[derive(Debug, PartialEq)]
struct ValueError(u32);

macro_rules! errors {
    ($($name:ident)+) => {$(
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(self, f)
            }
        }
        impl Error for $name {}
    )+};
}

errors!(ZeroDivision MyExc ValueError);

/// The errors as text, groups as `[..]`.
fn texts(group: &ExceptionGroup) -> Vec<String> {
    let text = |failure: &bowerbird::groups::TaskFailure| match failure.as_group() {
        Some(group) => format!("[{}]", texts(group).join(" ")),
        None => failure.to_string(),
    };
    group.exceptions().iter().map(text).collect()
}

/// Fails after a time.
async fn crash_after(delay: Duration) -> Result<(), ZeroDivision> {
    sleep(delay).await;
    Err(ZeroDivision)
}

/// Gives a value after a time.
async fn after<T>(delay: Duration, value: T) -> T {
    sleep(delay).await;
    value
}

fn result<T>(task: ChildTask<T>) -> T {
    task.try_join().expect("the task has ended").expect("the task has a value")
}
