//! The expanded code, run against a stand-in for the umbrella crate.
//!
//! `::bowerbird` is this file, so that what an attribute calls can be recorded.

#![allow(missing_docs, unreachable_pub, reason = "a stand-in for another crate")]

extern crate self as bowerbird;

use std::cell::RefCell;
use std::fmt;
use std::num::ParseIntError;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

pub use bowerbird_macros::{cancel_safe, main, test};

pub trait CancelSafe {}

pub mod __private {
    pub fn cancel_safe<F: Future>(future: F) -> super::Marked<F> {
        super::Marked(Box::pin(future))
    }

    pub fn run_main<F: Future>(builder: super::Builder, future: F, name: &str) -> F::Output {
        super::note(format!("run {name}"));
        match builder.0 {
            true => super::run(future),
            false => panic!("the runtime of `{name}` could not be started"),
        }
    }
}

pub struct Marked<F>(Pin<Box<F>>);

impl<F> CancelSafe for Marked<F> {}

impl<F: Future> Future for Marked<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        self.0.as_mut().poll(cx)
    }
}

pub fn run<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("the stand-in polls once"),
    }
}

thread_local! {
    static CALLS: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

fn note(call: String) {
    CALLS.with(|calls| calls.borrow_mut().push(call));
}

fn calls() -> Vec<String> {
    CALLS.with(|calls| calls.borrow().clone())
}

pub struct Runner;
pub struct Builder(bool);

impl Runner {
    pub fn builder() -> Builder {
        Builder(true)
    }
}

impl Builder {
    pub fn worker_threads(mut self, count: usize) -> Self {
        self.0 = count < 1000;
        note(format!("worker_threads {count}"));
        self
    }

    pub fn seed(self, seed: u64) -> Self {
        note(format!("seed {seed}"));
        self
    }

    pub fn start_paused(self, paused: bool) -> Self {
        note(format!("start_paused {paused}"));
        self
    }
}

mod programs {
    #[bowerbird::main]
    pub async fn plain() {
        assert!(super::calls().is_empty());
    }

    #[bowerbird::main(worker_threads = 4, seed = 0x10, start_paused = true)]
    pub async fn configured() -> Vec<String> {
        super::calls()
    }

    #[bowerbird::main]
    pub async fn fallible() -> Result<i32, std::num::ParseIntError> {
        let number: i32 = "nine".parse()?;
        Ok(number)
    }

    #[bowerbird::main(worker_threads = 1_000usize)]
    pub async fn too_many() {}

    pub mod renamed {
        pub mod elsewhere {
            pub use super::super::super::run;
        }

        #[bowerbird::main(crate = "elsewhere")]
        pub async fn program() -> u8 {
            7
        }
    }
}

#[::core::prelude::v1::test]
fn main_without_arguments_calls_run() {
    programs::plain();
    assert_eq!(programs::fallible().unwrap_err(), "nine".parse::<i32>().unwrap_err());
    assert_eq!(programs::renamed::program(), 7);
}

#[::core::prelude::v1::test]
fn main_with_arguments_configures_the_runner_in_their_order() {
    assert_eq!(
        programs::configured(),
        ["worker_threads 4", "seed 16", "start_paused true", "run configured"]
    );
}

#[::core::prelude::v1::test]
fn runtime_that_cannot_start_is_reported_by_the_name_of_the_function() {
    let panic = std::panic::catch_unwind(programs::too_many).unwrap_err();
    let message = panic.downcast_ref::<String>().unwrap();
    assert_eq!(message, "the runtime of `too_many` could not be started");
}

#[bowerbird::test]
async fn test_has_one_worker() {
    assert_eq!(calls(), ["worker_threads 1", "run test_has_one_worker"]);
}

#[bowerbird::test(start_paused = false, worker_threads = 2)]
async fn test_takes_arguments() {
    assert_eq!(calls(), ["start_paused false", "worker_threads 2", "run test_takes_arguments"]);
}

#[bowerbird::test]
#[should_panic(expected = "as it should")]
async fn test_keeps_should_panic() {
    panic!("as it should");
}

#[bowerbird::test]
async fn test_may_return_a_result() -> Result<(), ParseIntError> {
    let _one: u8 = "1".parse()?;
    Ok(())
}

macro_rules! generated {
    ($name:ident, $body:block) => {
        #[bowerbird::test]
        async fn $name() $body
    };
}

generated!(test_may_come_from_a_macro, { assert_eq!(calls().len(), 2) });

struct Counter(u32);

impl Counter {
    #[bowerbird::cancel_safe]
    async fn value(&self) -> &u32 {
        &self.0
    }

    #[bowerbird::cancel_safe]
    async fn add<const N: usize>(&mut self, (first, rest): (u32, [u32; N])) {
        self.0 += first + rest.iter().sum::<u32>();
    }

    #[bowerbird::cancel_safe]
    async fn keep(self, _: Dropped<'_>) {}
}

#[bowerbird::cancel_safe]
async fn parse<'a, E>(
    texts: &[&'a str],
    mut limit: usize,
    map: impl Fn(ParseIntError) -> E,
) -> Result<Vec<(u8, &'a str)>, E>
where
    E: fmt::Debug,
{
    let mut all = Vec::new();
    for text in texts {
        if limit == 0 {
            return Ok(all);
        }
        limit -= 1;
        all.push((text.parse().map_err(&map)?, *text));
    }
    Ok(all)
}

struct Dropped<'a>(&'a RefCell<bool>);

impl Drop for Dropped<'_> {
    fn drop(&mut self) {
        *self.0.borrow_mut() = true;
    }
}

fn marked<F: Future + CancelSafe>(future: F) -> F {
    future
}

#[::core::prelude::v1::test]
fn cancel_safe_function_is_marked_and_still_an_async_function() {
    let mut counter = Counter(1);
    run(marked(counter.add((2, [3, 4]))));
    assert_eq!(run(marked(counter.value())), &10);
    assert_eq!(
        run(marked(parse(&["1", "2", "3"], 2, |error| error))),
        Ok(vec![(1, "1"), (2, "2")])
    );
    assert!(run(marked(parse(&["x"], 2, |error| error.to_string()))).is_err());
}

/// As in any `async fn`, what is passed lives as long as the future, named or not.
#[::core::prelude::v1::test]
fn cancel_safe_function_keeps_unused_arguments_to_its_end() {
    let dropped = RefCell::new(false);
    let future = marked(Counter(0).keep(Dropped(&dropped)));
    assert!(!*dropped.borrow());
    run(future);
    assert!(*dropped.borrow());
}
