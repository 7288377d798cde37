//! What CPython's `test_runners.py` asks of `asyncio.run` and `asyncio.Runner`, under its names, and what the
//! signals add. Programs that get signals are processes of their own (`src/bin/signalled.rs`).
#![cfg(unix)]

use std::future::pending;
use std::os::unix::process::ExitStatusExt;
use std::process::Command;
use std::sync::{Arc, Mutex};

use bowerbird::context::{Context, ContextVar, copy_context};
use bowerbird::runtime::UnhandledKind;
use bowerbird::{Runner, TaskHandle, catch_cancel, run, spawn, spawn_blocking, yield_now};
use bowerbird_tests::{Ended, Program, WORKER_COUNTS, catch, turns, until};

const INT: i32 = 2;
const TERM: i32 = 15;

fn runner(workers: usize) -> Runner {
    Runner::builder().worker_threads(workers).build().unwrap()
}

fn start(scenario: &str, workers: usize) -> Program {
    let mut command = Command::new(env!("CARGO_BIN_EXE_signalled"));
    command.arg(scenario).env("BOWERBIRD_WORKERS", workers.to_string());
    Program::start(&mut command)
}

/// Runs a scenario that gets these signals, each when the line before it was said.
fn play(scenario: &str, workers: usize, script: &[(&str, &str)]) -> Ended {
    let mut program = start(scenario, workers);
    for (line, signal) in script {
        program.wait_for(line);
        program.send(signal);
    }
    program.end()
}

#[track_caller]
fn expect_end(ended: &Ended, code: i32, lines: &[&str]) {
    assert_eq!(
        (ended.status.code(), &ended.lines[..]),
        (Some(code), &owned(lines)[..]),
        "{ended:?}"
    );
}

#[track_caller]
fn expect_signalled(ended: &Ended, signal: i32) {
    assert_eq!(ended.status.signal(), Some(signal), "{ended:?}");
}

fn owned(lines: &[&str]) -> Vec<String> {
    lines.iter().map(|line| (*line).to_owned()).collect()
}

// ----- RunTests ------------------------------------------------------------------------------------

#[test]
fn test_asyncio_run_return() {
    let main = async {
        yield_now().await;
        42
    };
    assert_eq!(run(main), 42);
}

#[test]
fn test_asyncio_run_raises() {
    async fn main() -> Result<(), String> {
        yield_now().await;
        Err("spam".into())
    }
    assert_eq!(run(main()), Err("spam".into()));
    assert_eq!(catch(|| run(async { panic!("spam") })).message, "spam");
}

#[test]
fn test_asyncio_run_from_running_loop() {
    run(async {
        let caught = catch(|| run(async {}));
        assert!(caught.message.contains("inside a task"), "{caught:?}");
        assert_eq!((caught.file.as_str(), caught.line), (file!(), line!() - 2));
    });
}

#[test]
fn test_asyncio_run_cancels_hanging_tasks() {
    let mut leftover = None;
    let value = run(async {
        leftover = Some(spawn(pending::<()>()).handle());
        123
    });
    assert_eq!(value, 123);
    assert!(leftover.unwrap().cancelled());
}

/// What a runner's exception handler has heard.
type Heard = Arc<Mutex<Vec<(UnhandledKind, String, Option<TaskHandle>)>>>;

fn hearing(workers: usize) -> (Runner, Heard) {
    let heard = Heard::default();
    let log = heard.clone();
    let builder = Runner::builder().worker_threads(workers).exception_handler(move |unhandled| {
        let entry = (unhandled.kind, unhandled.to_string(), unhandled.task.clone());
        log.lock().unwrap().push(entry);
    });
    (builder.build().unwrap(), heard)
}

#[test]
fn test_asyncio_run_reports_hanging_tasks_errors() {
    for workers in WORKER_COUNTS {
        let (mut runner, heard) = hearing(workers);
        let task = runner
            .run(async {
                let task = spawn(async {
                    let _cancelled = catch_cancel(pending::<()>()).await;
                    panic!("while it was cancelled");
                });
                turns(5).await;
                task
            })
            .unwrap();
        let handle = task.handle();
        // Somebody holds the task, so nobody but the end of the run can say that it failed.
        drop(runner);
        assert!(handle.done());
        let heard: Vec<_> = heard.lock().unwrap().drain(..).collect();
        assert_eq!(heard.len(), 1, "{heard:?}");
        let (kind, text, of_task) = &heard[0];
        assert_eq!((*kind, of_task.as_ref()), (UnhandledKind::Shutdown, Some(&handle)));
        assert!(text.starts_with("unhandled exception during run() shutdown"), "{text}");
        assert!(text.contains("while it was cancelled"), "{text}");
        drop(task);
    }
}

// ----- RunnerTests ---------------------------------------------------------------------------------

#[test]
fn test_run() {
    for workers in WORKER_COUNTS {
        let mut runner = runner(workers);
        let handle = runner.handle();
        let main = async {
            yield_now().await;
            "done"
        };
        assert_eq!(runner.run(main), Ok("done"));
        runner.close();
        let late = handle.spawn(async {});
        assert!(late.try_join().unwrap().unwrap_err().is_cancelled());
    }
}

#[test]
fn test_run_keeps_context() {
    static CVAR: ContextVar<i32> = ContextVar::new("cvar");
    async fn f(value: i32) -> Option<i32> {
        let old = CVAR.get();
        yield_now().await;
        drop(CVAR.set(value));
        old
    }
    for workers in WORKER_COUNTS {
        let mut runner = runner(workers);
        assert_eq!(runner.run(f(1)), Ok(None));
        assert_eq!(runner.run(f(2)), Ok(Some(1)));
        let context = runner.run(async { copy_context() }).unwrap();
        assert_eq!(context.get(&CVAR), Some(2));
        assert_eq!(CVAR.get(), None, "the thread has its own");
    }
}

#[test]
fn context_of_the_runs_is_kept_through_panics_cancellation_and_tokens() {
    static CVAR: ContextVar<i32> = ContextVar::new("cvar");
    let mut runner = runner(1);
    let token = runner.run(async { CVAR.set(1) }).unwrap();
    let caught = catch(|| {
        runner.run(async {
            drop(CVAR.set(2));
            panic!("after a change");
        })
    });
    assert_eq!(caught.message, "after a change");
    assert_eq!(runner.run(async { CVAR.get() }), Ok(Some(2)));
    let ended = runner.run(async {
        drop(CVAR.set(3));
        bowerbird::current_task().unwrap().cancel();
        pending::<()>().await;
    });
    assert!(ended.is_err());
    assert_eq!(runner.run(async { CVAR.get() }), Ok(Some(3)));
    // It is the same context, and no copy of it: the token of the first run is one of the last.
    let after = runner.run(async {
        CVAR.reset(token);
        CVAR.get()
    });
    assert_eq!(after, Ok(None));
}

#[test]
fn context_of_the_runs_begins_as_the_threads_at_the_first_run() {
    static CVAR: ContextVar<i32> = ContextVar::new("cvar");
    let mut runner = runner(2);
    let token = CVAR.set(1);
    assert_eq!(runner.run(async { CVAR.get() }), Ok(Some(1)));
    CVAR.reset(token);
    assert_eq!(runner.run(async { CVAR.get() }), Ok(Some(1)));
}

#[test]
fn run_in_a_context_keeps_what_main_sets_there() {
    static CVAR: ContextVar<i32> = ContextVar::new("cvar");
    let mut runner = runner(1);
    let mut context = Context::new();
    runner.run_in(&mut context, async { drop(CVAR.set(5)) }).unwrap();
    assert_eq!(context.get(&CVAR), Some(5));
    assert_eq!(runner.run(async { CVAR.get() }), Ok(None));
    assert_eq!(runner.run_in(&mut context, async { CVAR.get() }), Ok(Some(5)));
}

#[test]
fn task_from_another_thread_does_not_see_the_context_of_the_thread_that_runs() {
    static CVAR: ContextVar<i32> = ContextVar::new("cvar");
    let _token = CVAR.set(1);
    let mut runner = runner(1);
    let handle = runner.handle();
    let seen = runner.run(async {
        let task =
            spawn_blocking(move || Context::new().run(|| handle.spawn(async { CVAR.get() })));
        task.await.unwrap().await.unwrap()
    });
    assert_eq!(seen, Ok(None));
}

#[test]
fn test_recursive_run() {
    let mut outer = runner(1);
    outer
        .run(async {
            let mut inner = runner(1);
            let caught = catch(|| inner.run(async {}));
            assert!(caught.message.contains("inside a task"), "{caught:?}");
        })
        .unwrap();
}

#[test]
fn test_interrupt_call_soon() {
    for workers in WORKER_COUNTS {
        let ended = play("busy", workers, &[("ready", "INT")]);
        expect_end(&ended, 0, &["ready", "ended Err(Interrupted)"]);
    }
}

#[test]
fn test_interrupt_wait() {
    for workers in WORKER_COUNTS {
        let ended = play("task", workers, &[("ready", "INT")]);
        let last = "ended Err(Interrupted), task cancelled: true";
        expect_end(&ended, 0, &["ready", "cleaning", "cleaned", last]);
    }
}

#[test]
fn test_interrupt_cancelled_task() {
    for workers in WORKER_COUNTS {
        let ended = play("others_cancel", workers, &[]);
        expect_end(&ended, 0, &["ended Err(Cancelled(Some(\"by a task\")))"]);
    }
}

#[test]
fn interrupt_that_main_catches_and_passes_on_is_one() {
    let ended = play("caught", 1, &[("ready", "INT")]);
    expect_end(&ended, 0, &["ready", "caught", "ended Err(Interrupted)"]);
}

#[test]
fn interrupt_that_main_answers_is_none() {
    for workers in WORKER_COUNTS {
        let ended = play("swallowed", workers, &[("ready", "INT")]);
        expect_end(&ended, 0, &["ready", "caught true", "ended Ok(5)"]);
    }
}

// ----- the end of the process ----------------------------------------------------------------------

#[test]
fn first_signal_ends_run_with_its_code_after_the_cleanups() {
    for workers in WORKER_COUNTS {
        for scenario in ["run", "main", "main_with_arguments"] {
            for (signal, code) in [("INT", 130), ("TERM", 143)] {
                let ended = play(scenario, workers, &[("ready", signal)]);
                expect_end(&ended, code, &["ready", "cleaning", "cleaned"]);
            }
        }
    }
}

#[test]
fn second_signal_ends_a_process_that_is_stuck_in_a_poll() {
    for workers in WORKER_COUNTS {
        let mut program = start("stuck", workers);
        program.wait_for("ready");
        program.send_until_the_end("INT");
        expect_end(&program.end(), 130, &["ready"]);
    }
}

#[test]
fn second_signal_ends_a_process_whose_cleanup_does_not() {
    for (first, second, code) in [("INT", "INT", 130), ("INT", "TERM", 143), ("TERM", "INT", 130)] {
        let ended = play("stuck_cleanup", 2, &[("ready", first), ("cleaning", second)]);
        expect_end(&ended, code, &["ready", "cleaning"]);
    }
}

#[test]
fn signal_after_the_end_of_main_waits_for_the_cleanups_of_what_is_left() {
    for workers in WORKER_COUNTS {
        let ended = play("late", workers, &[("cleaning", "INT")]);
        expect_end(&ended, 130, &["cleaning", "cleaned"]);
    }
}

#[test]
fn handler_is_what_it_was_after_a_run() {
    for workers in WORKER_COUNTS {
        let script = [("ready", "INT"), ("ready", "TERM"), ("ready", "INT")];
        let ended = play("runner", workers, &script);
        expect_signalled(&ended, INT);
        let run = ["ready", "cleaning", "cleaned"];
        let ends = [&["ended Err(Interrupted)"], &["ended Err(Terminated)"], &["ready"]];
        assert_eq!(ended.lines[..8], owned(&[&run[..], ends[0], &run[..], ends[1]].concat()));
    }
}

#[test]
fn run_on_another_thread_leaves_signals_alone() {
    expect_signalled(&play("thread", 2, &[("ready", "INT")]), INT);
    expect_signalled(&play("thread", 2, &[("ready", "TERM")]), TERM);
}

#[test]
fn block_on_leaves_signals_alone() {
    expect_signalled(&play("block_on", 2, &[("ready", "INT")]), INT);
    expect_signalled(&play("block_on", 2, &[("ready", "TERM")]), TERM);
}

/// Its builder has no settings for them.
#[test]
fn event_loop_leaves_signals_alone() {
    expect_signalled(&play("event_loop", 1, &[("ready", "INT")]), INT);
    expect_signalled(&play("event_loop", 1, &[("ready", "TERM")]), TERM);
}

#[test]
fn runner_leaves_signals_alone_where_it_is_told_to() {
    expect_signalled(&play("left_alone", 2, &[("ready", "INT")]), INT);
    expect_signalled(&play("left_alone", 2, &[("ready", "TERM")]), TERM);
}

#[test]
fn ignored_signal_does_nothing_and_the_other_one_what_it_does() {
    for workers in WORKER_COUNTS {
        let mut program = start("ignored", workers);
        program.wait_for("ready");
        (0..3).for_each(|_| program.send("INT"));
        program.send("TERM");
        expect_end(&program.end(), 0, &["ready", "cleaning", "cleaned", "ended Err(Terminated)"]);
    }
}

/// A shell that ignores a signal hands that on: `nohup`, and programs in the background.
#[test]
fn signal_that_was_ignored_before_stays_ignored() {
    let mut command = Command::new("sh");
    command.args(["-c", "trap '' INT; exec \"$0\" run", env!("CARGO_BIN_EXE_signalled")]);
    let mut program = Program::start(&mut command);
    program.wait_for("ready");
    (0..3).for_each(|_| program.send("INT"));
    program.send("TERM");
    expect_end(&program.end(), 143, &["ready", "cleaning", "cleaned"]);
}

#[test]
fn listener_has_the_signal_as_long_as_it_listens() {
    for workers in WORKER_COUNTS {
        let mut program = start("listener", workers);
        for _ in 0..4 {
            program.wait_for("ready");
            program.send("INT");
        }
        program.wait_for("between");
        program.send("INT");
        program.send("USR1");
        let run = ["ready", "heard", "ready", "cleaning", "cleaned", "ended Err(Interrupted)"];
        let last = ["between", "survived"];
        expect_end(&program.end(), 0, &[&run[..], &run[..], &last[..]].concat());
    }
}

#[test]
fn listener_of_another_runtime_has_the_signal_too() {
    let script = [("ready", "INT"), ("ready", "INT")];
    let ended = play("listener_of_another_runtime", 2, &script);
    let lines = ["ready", "heard", "ready", "cleaning", "cleaned", "ended Err(Interrupted)"];
    expect_end(&ended, 0, &lines);
}

#[test]
fn run_on_the_main_thread_leaves_no_descriptor_behind() {
    for workers in WORKER_COUNTS {
        expect_end(&play("descriptors", workers, &[]), 0, &["none left"]);
    }
}

#[cfg(feature = "soak")]
#[test]
fn run_on_the_main_thread_is_never_woken_without_a_signal() {
    for workers in WORKER_COUNTS {
        expect_end(&play("idle", workers, &[]), 0, &["0 wake-ups"]);
    }
}

// ----- leftovers -----------------------------------------------------------------------------------

#[test]
fn blocking_call_that_outlasts_the_limit_is_reported_by_name() {
    let (sender, receiver) = std::sync::mpsc::channel::<()>();
    let heard = Heard::default();
    let log = heard.clone();
    let mut runner = Runner::builder()
        .worker_threads(1)
        .blocking_shutdown_timeout(std::time::Duration::from_millis(1))
        .exception_handler(move |unhandled| {
            let entry = (unhandled.kind, unhandled.to_string(), unhandled.task.clone());
            log.lock().unwrap().push(entry);
        })
        .build()
        .unwrap();
    let begun = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let has_begun = begun.clone();
    runner
        .run(async {
            let task = spawn_blocking(move || {
                // The order of tests.
                has_begun.store(true, std::sync::atomic::Ordering::SeqCst);
                let _the_test_is_over = receiver.recv();
            });
            task.set_name("copy");
            until(|| begun.load(std::sync::atomic::Ordering::SeqCst)).await;
            drop(task);
        })
        .unwrap();
    drop(runner);
    let heard: Vec<_> = heard.lock().unwrap().drain(..).collect();
    assert!(heard.iter().any(|(_, text, _)| text.contains("copy")), "{heard:?}");
    drop(sender);
}
