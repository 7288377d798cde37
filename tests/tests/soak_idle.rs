//! An idle runtime sleeps: ten seconds without one wake-up of any of its threads.
#![cfg(feature = "soak")]

use std::future::pending;
use std::thread;
use std::time::Duration;

use bowerbird::net::{TcpListener, TcpStream};
use bowerbird::sync::oneshot;
use bowerbird::{Runtime, gather_iter, interval, sleep, spawn};
use bowerbird_tests::{in_own_process, on_workers, switch_count};

const TIME: Duration = Duration::from_secs(10);

/// What a server has while nobody asks it anything, after it has worked.
async fn settle_down() {
    gather_iter((0..1_000_u64).map(|number| sleep(Duration::from_micros(number)))).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    for _ in 0..100 {
        let client = TcpStream::connect(address).await.unwrap();
        let (server, _peer) = listener.accept().await.unwrap();
        for mut stream in [client, server] {
            drop(spawn(async move {
                let mut buffer = [0; 8];
                let _never = stream.read(&mut buffer).await;
            }));
        }
    }
    drop(spawn(async move {
        let _never = listener.accept().await;
    }));
    for seconds in [60, 3_600, 86_400, 30 * 86_400] {
        drop(spawn(sleep(Duration::from_secs(seconds))));
    }
    let mut heartbeat = interval(Duration::from_secs(60));
    heartbeat.tick().await;
    drop(spawn(async move { heartbeat.tick().await }));
    for _ in 0..1_000 {
        drop(spawn(pending::<()>()));
    }
}

/// The threads of the process but this one are not switched to, once they sleep.
fn expect_no_wake_up(what: &str) {
    thread::sleep(Duration::from_secs(1));
    let before = switch_count();
    thread::sleep(TIME);
    let switches = switch_count() - before;
    println!("figure: {switches} context switches in {TIME:?}: {what}");
    assert_eq!(switches, 0, "{what}");
}

#[test]
fn idle_runtime_of_a_synchronous_program_is_never_woken() {
    in_own_process("idle_runtime_of_a_synchronous_program_is_never_woken", &[], || {
        for workers in [1, 2, 4] {
            let runtime = Runtime::builder().worker_threads(workers).build().unwrap();
            runtime.block_on(settle_down());
            expect_no_wake_up(&format!("Runtime, {workers} workers"));
        }
    });
}

#[test]
fn idle_run_is_never_woken() {
    in_own_process("idle_run_is_never_woken", &[], || {
        for workers in [1, 2, 4] {
            on_workers(workers, async {
                settle_down().await;
                let (sender, receiver) = oneshot::channel();
                let measuring = thread::spawn(move || {
                    expect_no_wake_up(&format!("run, {workers} workers"));
                    sender.send(()).unwrap();
                });
                receiver.await.unwrap();
                measuring.join().unwrap();
            });
        }
    });
}

/// The count sees wake-ups where there are some.
#[test]
fn counter_sees_a_runtime_that_is_woken() {
    in_own_process("counter_sees_a_runtime_that_is_woken", &[], || {
        let runtime = Runtime::builder().worker_threads(1).build().unwrap();
        let before = switch_count();
        let (sender, receiver) = std::sync::mpsc::channel();
        // Not block_on: this thread, which is not counted, would take the worker's seat.
        drop(runtime.spawn(async move {
            for _ in 0..10 {
                sleep(Duration::from_millis(1)).await;
            }
            sender.send(()).unwrap();
        }));
        receiver.recv().unwrap();
        let switches = switch_count() - before;
        assert!(switches >= 10, "{switches}");
    });
}
