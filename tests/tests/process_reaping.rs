//! Children leave nothing behind: no zombie, no descriptor, no thread.
#![cfg(target_os = "linux")]

use std::fs;
use std::process::Command as StdCommand;
use std::sync::Arc;

use bowerbird::process::{Command, PIPE, create_subprocess_exec, create_subprocess_shell};
use bowerbird::sync::Semaphore;
use bowerbird::{Runtime, TaskSet, yield_now};
use bowerbird_tests::{
    WORKER_COUNTS, descriptor_count, in_own_process, on_workers, scaled, thread_count,
};

/// The children of this process, zombies too.
fn children() -> Vec<u32> {
    let threads = fs::read_dir("/proc/self/task").unwrap().filter_map(Result::ok);
    let lists =
        threads.filter_map(|thread| fs::read_to_string(thread.path().join("children")).ok());
    lists
        .flat_map(|list| {
            list.split_whitespace().map(|pid| pid.parse().unwrap()).collect::<Vec<_>>()
        })
        .collect()
}

async fn until_no_children() {
    while !children().is_empty() {
        yield_now().await;
    }
}

/// Runs a test in its own process, on several workers, with and without pidfds.
#[track_caller]
fn check<F: Future>(test: &str, body: impl Fn(bool) -> F) {
    in_own_process(test, &[], || {
        for count in WORKER_COUNTS {
            for without_pidfd in [false, true] {
                on_workers(count, async {
                    let before = descriptor_count();
                    body(without_pidfd).await;
                    until_no_children().await;
                    // A child is reaped a moment before its descriptors are closed.
                    for _ in 0..100_000 {
                        if descriptor_count() == before {
                            return;
                        }
                        yield_now().await;
                    }
                    panic!("{before} descriptors before, {} after", descriptor_count());
                });
            }
        }
        assert!(children().is_empty());
        assert_eq!(thread_count(), 2, "the test and its harness");
    });
}

fn exec(program: &str, args: &[&str], without_pidfd: bool) -> Command {
    let mut command = create_subprocess_exec(program, args);
    command.without_pidfd(without_pidfd);
    command
}

#[test]
fn short_children_leave_nothing() {
    check("short_children_leave_nothing", |without_pidfd| async move {
        // Ten thousand in the soak; both kinds, on each number of workers.
        let (count, limit) = (scaled(10_000), Arc::new(Semaphore::new(64)));
        let mut tasks = TaskSet::new();
        for number in 0..count {
            let permit = limit.clone().acquire_owned().await;
            tasks.spawn(async move {
                let mut command = exec("true", &[], without_pidfd);
                match number % 3 {
                    0 => assert!(command.status().await.unwrap().success()),
                    1 => assert!(command.stdout(PIPE).output().await.unwrap().status.success()),
                    // Nobody waits for it.
                    _ => drop(command.stdin(PIPE).spawn().unwrap()),
                }
                drop(permit);
            });
        }
        while let Some(ended) = tasks.join_next().await {
            ended.unwrap();
        }
    });
}

#[test]
fn children_that_are_dropped_while_they_run_are_reaped() {
    check("children_that_are_dropped_while_they_run_are_reaped", |without_pidfd| async move {
        for _ in 0..10 {
            drop(exec("sleep", &["0.02"], without_pidfd).spawn().unwrap());
        }
    });
}

#[test]
fn children_that_are_to_be_killed_are_killed_and_reaped() {
    check("children_that_are_to_be_killed_are_killed_and_reaped", |without_pidfd| async move {
        for _ in 0..10 {
            let mut command = exec("sleep", &["3600"], without_pidfd);
            drop(command.kill_on_drop(true).spawn().unwrap());
        }
    });
}

#[test]
fn child_with_a_pipe_that_is_full_is_reaped_after_its_process_was_dropped() {
    check(
        "child_with_a_pipe_that_is_full_is_reaped_after_its_process_was_dropped",
        |without_pidfd| async move {
            let mut command = exec("yes", &[], without_pidfd);
            let mut process = command.stdout(PIPE).stdin(PIPE).spawn().unwrap();
            process.stdout.as_mut().unwrap().readline().await.unwrap();
            // More than the pipe holds, which `yes` never reads.
            process.stdin.as_ref().unwrap().write(vec![0; 1 << 20]);
            drop(process);
        },
    );
}

#[test]
fn waits_that_are_dropped_leave_nothing() {
    check("waits_that_are_dropped_leave_nothing", |without_pidfd| async move {
        let process = exec("sleep", &["0.02"], without_pidfd).spawn().unwrap();
        for _ in 0..10 {
            let limit = std::time::Duration::ZERO;
            assert!(bowerbird::timeout(limit, process.wait()).await.is_err());
        }
        process.wait().await.unwrap();
    });
}

#[test]
fn run_does_not_wait_for_children() {
    in_own_process("run_does_not_wait_for_children", &[], || {
        for count in WORKER_COUNTS {
            for without_pidfd in [false, true] {
                let before = descriptor_count();
                let (reader, writer) = std::io::pipe().unwrap();
                let pid = on_workers(count, async {
                    let mut command = exec("cat", &[], without_pidfd);
                    command.stdin(std::process::Stdio::from(reader)).spawn().unwrap().pid()
                });
                // It runs on, and has ended before anybody looks.
                assert_eq!(children(), [pid]);
                drop(writer);
                while fs::read_to_string(format!("/proc/{pid}/stat")).unwrap().contains(") S ") {
                    std::thread::yield_now();
                }
                assert_eq!(descriptor_count(), before);
                // The next start reaps it, also one that fails.
                on_workers(count, async { Command::new("/no/such").spawn().unwrap_err() });
                // The one that cat was asked to end by may still be on its way out.
                while !children().is_empty() {
                    on_workers(count, async { Command::new("/no/such").spawn().unwrap_err() });
                }
            }
        }
    });
}

#[test]
fn children_of_a_runtime_that_ends_are_killed_if_that_was_wanted() {
    in_own_process("children_of_a_runtime_that_ends_are_killed_if_that_was_wanted", &[], || {
        let runtime = Runtime::new().unwrap();
        let process = {
            let _entered = runtime.enter();
            create_subprocess_shell("exec sleep 3600").kill_on_drop(true).spawn().unwrap()
        };
        // Held by a task, which the end cancels.
        drop(runtime.spawn(async move { process.wait().await }));
        drop(runtime);
        while !children().is_empty() {
            on_workers(1, async { Command::new("/no/such").spawn().unwrap_err() });
        }
    });
}

/// A start needs descriptors before and after the program is there; without them nobody is left running.
#[test]
fn start_without_descriptors_leaves_nothing() {
    in_own_process("start_without_descriptors_leaves_nothing", &[], || {
        for without_pidfd in [false, true] {
            on_workers(2, async {
                // What is opened once is open.
                exec("true", &[], without_pidfd).output().await.unwrap();
                let pid = std::process::id().to_string();
                let mut limits = StdCommand::new("prlimit");
                let limited = limits.args(["--pid", &pid, "--nofile=64:1024"]).status();
                assert!(limited.unwrap().success());
                let (mut started, mut refused) = (0, 0);
                for free in 0..20 {
                    let mut taken: Vec<_> =
                        std::iter::from_fn(|| fs::File::open("/dev/null").ok()).collect();
                    taken.truncate(taken.len() - free);
                    let mut command = exec("sleep", &["3600"], without_pidfd);
                    command.stdin(PIPE).stdout(PIPE).stderr(PIPE).kill_on_drop(true);
                    match command.spawn() {
                        Ok(_) => started += 1,
                        Err(error) => {
                            refused += 1;
                            assert!(error.to_string().contains("`sleep`: "), "{error}");
                        }
                    }
                    drop(taken);
                    until_no_left_children().await;
                }
                assert!(started > 3 && refused > 3, "{started} started, {refused} refused");
                let mut limits = StdCommand::new("prlimit");
                limits.args(["--pid", &pid, "--nofile=1024:1024"]).status().unwrap();
            });
        }
    });
}

/// Those of a start that has failed half-way are reaped by the next one.
async fn until_no_left_children() {
    while !children().is_empty() {
        Command::new("/no/such").spawn().unwrap_err();
        yield_now().await;
    }
}
