//! `#[bowerbird::main]` and `#[bowerbird::test]` on the real runtime.

use std::time::Duration;

use bowerbird::runtime::Handle;
use bowerbird::{all_tasks, sleep, spawn, time};
use bowerbird_tests::in_own_process;

#[bowerbird::main]
async fn plain() -> usize {
    spawn(async { "text".len() }).await.unwrap()
}

#[bowerbird::main(worker_threads = 3)]
async fn on_three_workers() -> usize {
    Handle::try_current().unwrap().worker_count()
}

#[bowerbird::main]
async fn workers() -> usize {
    Handle::try_current().unwrap().worker_count()
}

#[bowerbird::main]
async fn fallible() -> Result<i32, std::num::ParseIntError> {
    "no number".parse()
}

#[test]
fn main_runs_its_body_and_gives_its_value() {
    assert_eq!(plain(), 4);
    assert_eq!(on_three_workers(), 3);
    assert!(fallible().is_err());
}

#[test]
fn main_asks_the_environment_for_the_number_of_workers() {
    let name = "main_asks_the_environment_for_the_number_of_workers";
    in_own_process(name, &[("BOWERBIRD_WORKERS", "5")], || assert_eq!(workers(), 5));
}

#[bowerbird::test]
async fn test_runs_on_one_worker() {
    assert_eq!(Handle::try_current().unwrap().worker_count(), 1);
    assert_eq!(all_tasks().len(), 1);
}

#[bowerbird::test(worker_threads = 2)]
async fn test_with_a_number_runs_on_so_many_workers() {
    assert_eq!(Handle::try_current().unwrap().worker_count(), 2);
}

#[bowerbird::test(start_paused = true)]
async fn test_with_a_paused_clock_takes_no_time() {
    let start = time::now();
    sleep(Duration::from_secs(86_400)).await;
    assert_eq!(time::now() - start, Duration::from_secs(86_400));
}

#[bowerbird::test]
async fn test_may_return_a_result() -> Result<(), std::num::ParseIntError> {
    let number: i32 = "4".parse()?;
    assert_eq!(number, 4);
    Ok(())
}

#[bowerbird::test]
#[should_panic(expected = "as expected")]
async fn test_may_be_expected_to_panic() {
    panic!("as expected");
}
