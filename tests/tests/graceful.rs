//! The phases of a graceful shutdown. Those that a signal begins are in processes of their own
//! (`src/bin/signalled.rs`).
#![cfg(unix)]

use std::future::pending;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bowerbird::runtime::{Builder, Handle};
use bowerbird::runtime::{ShutdownCause, ShutdownPhase};
use bowerbird::{
    RunError, Runner, Runtime, catch_cancel, current_task, defer, gather_iter, is_shutting_down,
    shutdown_requested, sleep, spawn, time, timeout, yield_now,
};
use bowerbird_tests::{Counted, Ended, Journal, Program, WORKER_COUNTS, catch, everywhere, until};

const GRACE: Duration = Duration::from_secs(30);

/// One worker and a paused clock: a grace takes no time, and how long it took is exact.
fn paused() -> Builder<Runner> {
    Runner::builder().worker_threads(1).start_paused(true).graceful(GRACE)
}

fn request() {
    Handle::current().request_shutdown();
}

fn play(scenario: &str, workers: usize, script: &[(&str, &str)]) -> Ended {
    let mut command = Command::new(env!("CARGO_BIN_EXE_signalled"));
    command.arg(scenario).env("BOWERBIRD_WORKERS", workers.to_string());
    let mut program = Program::start(&mut command);
    for (line, signal) in script {
        program.wait_for(line);
        program.send(signal);
    }
    program.end()
}

#[track_caller]
fn expect_end(ended: &Ended, code: i32, lines: &[&str]) {
    assert_eq!(ended.status.code(), Some(code), "{ended:?}");
    assert_eq!(ended.lines, lines, "{ended:?}");
}

// ----- the request ---------------------------------------------------------------------------------

#[test]
fn request_is_heard_by_every_task_and_stays() {
    everywhere(|| async {
        let waiting: Vec<_> = (0..100).map(|_| spawn(shutdown_requested())).collect();
        yield_now().await;
        assert!(!is_shutting_down());
        assert!(waiting.iter().all(|task| !task.done()));
        request();
        request();
        gather_iter(waiting).await;
        assert!(is_shutting_down());
        shutdown_requested().await;
        // Without a grace it is up to the program what it does.
        sleep(Duration::from_millis(1)).await;
    });
}

#[test]
fn request_from_another_thread_is_heard_in_a_runtime() {
    for workers in WORKER_COUNTS {
        let runtime = Runtime::builder().worker_threads(workers).build().unwrap();
        let handle = runtime.handle();
        let thread = std::thread::spawn(move || handle.request_shutdown());
        runtime.block_on(async { shutdown_requested().await });
        thread.join().unwrap();
        assert!(runtime.handle().is_shutting_down());
    }
}

#[test]
fn request_is_that_of_one_runtime() {
    let (asked, other) = (Runtime::new().unwrap(), Runtime::new().unwrap());
    let wait = asked.handle().shutdown_requested();
    asked.handle().request_shutdown();
    other.block_on(wait);
    assert!(!other.handle().is_shutting_down());
    assert!(!is_shutting_down(), "outside");
}

#[test]
fn end_of_a_runtime_is_heard_like_a_request() {
    for workers in WORKER_COUNTS {
        let runtime = Runtime::builder().worker_threads(workers).build().unwrap();
        let wait = runtime.handle().shutdown_requested();
        let seen = Arc::new(Mutex::new(None));
        let log = seen.clone();
        drop(runtime.spawn(async move {
            let _cleanup = defer(async move {
                *log.lock().unwrap() = Some(is_shutting_down());
            });
            pending::<()>().await;
        }));
        runtime.block_on(async { yield_now().await });
        drop(runtime);
        Runtime::new().unwrap().block_on(wait);
        assert_ne!(*seen.lock().unwrap(), Some(false));
    }
}

#[test]
fn wait_for_a_request_that_is_dropped_or_cancelled_leaves_nothing() {
    everywhere(|| async {
        for _ in 0..10 {
            assert!(timeout(Duration::ZERO, shutdown_requested()).await.is_err());
        }
        let task = spawn(async { catch_cancel(shutdown_requested()).await.is_err() });
        yield_now().await;
        task.cancel();
        // The request to cancel was first, so it wins, but where the wait had not begun.
        request();
        let _either = task.await;
        shutdown_requested().await;
    });
}

#[test]
fn waiting_for_a_request_outside_a_runtime_panics_at_the_call() {
    let caught = catch(|| drop(shutdown_requested()));
    assert_eq!((caught.file.as_str(), caught.line), (file!(), line!() - 1));
    assert!(caught.message.contains("shutdown_requested"), "{caught:?}");
}

// ----- the phases ----------------------------------------------------------------------------------

#[test]
fn main_that_ends_in_the_drain_gives_its_output() {
    let mut runner = paused().build().unwrap();
    let output = runner.run(async {
        let server = spawn(async {
            shutdown_requested().await;
            sleep(Duration::from_secs(29)).await;
            "the last reply"
        });
        sleep(Duration::from_secs(1)).await;
        request();
        server.await.unwrap()
    });
    assert_eq!(output, Ok("the last reply"));
    let shutdown = runner.last_shutdown().unwrap();
    assert_eq!((shutdown.cause, shutdown.phase), (ShutdownCause::Request, ShutdownPhase::Drain));
    assert_eq!(shutdown.took, Duration::from_secs(29));
}

#[test]
fn main_is_cancelled_with_its_cleanups_when_the_grace_has_passed() {
    let heard = Arc::new(Mutex::new(Vec::new()));
    let log = heard.clone();
    let journal = Journal::new();
    let notes = journal.clone();
    let mut runner = paused()
        .exception_handler(move |unhandled| log.lock().unwrap().push(unhandled.to_string()))
        .build()
        .unwrap();
    let ended = runner.run(async move {
        current_task().unwrap().set_name("the server");
        let later = notes.clone();
        let _cleanup = defer(async move {
            sleep(Duration::from_secs(2)).await;
            later.note("cleaned");
        });
        request();
        sleep(Duration::from_secs(3_600)).await;
        notes.note("not this");
    });
    let Err(RunError::Cancelled(Some(message))) = ended else { panic!("{ended:?}") };
    assert!(message.contains("the grace of 30s has passed"), "{message}");
    journal.expect(&["cleaned"]);
    let shutdown = runner.last_shutdown().unwrap();
    assert_eq!((shutdown.phase, shutdown.took), (ShutdownPhase::Cancel, Duration::from_secs(32)));
    let heard = heard.lock().unwrap();
    assert_eq!(heard.len(), 1, "{heard:?}");
    assert!(heard[0].contains("30s") && heard[0].contains("the server"), "{heard:?}");
}

#[test]
fn request_before_the_run_begins_its_phases() {
    let mut runner = paused().build().unwrap();
    runner.handle().request_shutdown();
    let ended = runner.run(pending::<()>());
    assert!(ended.is_err());
    // The runtime stays asked.
    let begin = runner.run(async { time::now() }).unwrap();
    let ended = runner.run(pending::<()>());
    assert!(ended.is_err());
    assert_eq!(runner.run(async { time::now() }).unwrap() - begin, GRACE);
}

#[test]
fn run_without_a_request_says_nothing_and_leaves_no_task() {
    for workers in WORKER_COUNTS {
        let builder = Runner::builder().worker_threads(workers).graceful(GRACE);
        let mut runner = builder.build().unwrap();
        assert_eq!(runner.run(async { bowerbird::all_tasks().len() }), Ok(1));
        assert_eq!(runner.last_shutdown(), None);
    }
}

#[test]
fn request_while_main_ends_is_answered_by_its_end() {
    for workers in WORKER_COUNTS {
        for _ in 0..100 {
            let builder = Runner::builder().worker_threads(workers).graceful(GRACE);
            let mut runner = builder.build().unwrap();
            let handle = runner.handle();
            let thread = std::thread::spawn(move || handle.request_shutdown());
            assert_eq!(runner.run(async { 1 }), Ok(1));
            thread.join().unwrap();
        }
    }
}

#[test]
fn leftovers_of_a_drained_main_are_cancelled_with_their_cleanups() {
    for workers in WORKER_COUNTS {
        let cleaned = Counted::new();
        let count = cleaned.clone();
        let builder = Runner::builder().worker_threads(workers).graceful(GRACE);
        let mut runner = builder.build().unwrap();
        runner
            .run(async move {
                let is_waiting = Arc::new(Mutex::new(false));
                let waits = is_waiting.clone();
                drop(spawn(async move {
                    let _cleanup = defer(async move {
                        yield_now().await;
                        count.add();
                    });
                    *waits.lock().unwrap() = true;
                    pending::<()>().await;
                }));
                until(|| *is_waiting.lock().unwrap()).await;
                request();
                shutdown_requested().await;
            })
            .unwrap();
        drop(runner);
        assert_eq!(cleaned.get(), 1);
    }
}

// ----- by signals ----------------------------------------------------------------------------------

#[test]
fn signal_begins_the_drain() {
    for workers in WORKER_COUNTS {
        for (signal, cause) in [("INT", "Interrupt"), ("TERM", "Terminate")] {
            let ended = play("drain", workers, &[("ready", signal)]);
            let last = format!("{cause} Drain");
            expect_end(&ended, 0, &["ready", "draining", "ended Ok(7)", &last]);
            assert_eq!(ended.errors, "");
        }
    }
}

#[test]
fn second_signal_cancels_main() {
    for workers in WORKER_COUNTS {
        let ended = play("deaf", workers, &[("ready", "TERM"), ("draining", "INT")]);
        let lines = [
            "ready",
            "draining",
            "cleaning",
            "cleaned",
            "ended Err(Terminated)",
            "Terminate Cancel",
        ];
        expect_end(&ended, 0, &lines);
        assert!(ended.errors.contains("another signal came"), "{ended:?}");
    }
}

#[test]
fn signal_after_a_request_of_the_program_begins_the_next_phase() {
    for workers in WORKER_COUNTS {
        let ended = play("asked", workers, &[("draining", "INT")]);
        let lines = [
            "ready",
            "draining",
            "cleaning",
            "cleaned",
            "ended Err(Interrupted)",
            "Interrupt Cancel",
        ];
        expect_end(&ended, 0, &lines);
        // Its cleanup does not end: the second one is for the abort, with a report.
        let ended = play("asked_stuck", workers, &[("draining", "INT"), ("cleaning", "TERM")]);
        expect_end(&ended, 130, &["ready", "draining", "cleaning"]);
        let last = ended.errors.lines().last().unwrap();
        assert!(last.contains("another signal came, so the process ends"), "{ended:?}");
    }
}

#[test]
fn third_signal_ends_the_process() {
    for workers in WORKER_COUNTS {
        let script = [("ready", "TERM"), ("draining", "TERM"), ("cleaning", "TERM")];
        let ended = play("stuck_drain", workers, &script);
        expect_end(&ended, 143, &["ready", "draining", "cleaning"]);
    }
}

#[test]
fn main_that_outlasts_its_cancellation_is_reported_by_name_and_ends_the_process() {
    for workers in WORKER_COUNTS {
        let ended = play("abort", workers, &[]);
        // Whether it has come to its cleanup is a matter of time.
        assert_eq!((ended.status.code(), &*ended.lines[0]), (Some(1), "ready"), "{ended:?}");
        let last = ended.errors.lines().last().unwrap();
        assert!(last.contains("the process ends") && last.contains("the slow one"), "{ended:?}");
    }
}

#[test]
fn leftover_that_outlasts_its_cancellation_is_reported_by_name_and_left_behind() {
    for workers in WORKER_COUNTS {
        let ended = play("abort_leftover", workers, &[]);
        assert_eq!(ended.status.code(), Some(0), "{ended:?}");
        // What is left behind may print from its own thread meanwhile.
        assert!(ended.lines.iter().any(|line| line == "closed"), "{ended:?}");
        assert!(ended.errors.contains("the slow one"), "{ended:?}");
    }
}
