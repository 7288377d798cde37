//! Child processes as they are on every system; what only Unix has is in `process`.

use std::io::ErrorKind;

use bowerbird::process::{Command, PIPE, ProcessLookupError, STDOUT, create_subprocess_exec};
use bowerbird::{TaskGroup, join, spawn};
use bowerbird_tests::{everywhere, on_workers, turns};

fn child<const N: usize>(arguments: [&str; N]) -> Command {
    create_subprocess_exec(env!("CARGO_BIN_EXE_child"), arguments)
}

#[test]
fn exit_code_is_told() {
    everywhere(|| async {
        for code in [0, 7, 255] {
            let process = child(["exit", &code.to_string()]).await.unwrap();
            let status = process.wait().await.unwrap();
            assert_eq!((status.code(), status.success()), (Some(code), code == 0));
            assert_eq!(process.returncode(), Some(code));
            assert_eq!(process.try_wait().unwrap(), Some(status));
        }
    });
}

#[test]
fn arguments_and_variables_arrive_as_they_are() {
    everywhere(|| async {
        let words = ["", "a b", "\"quoted\"", "back\\slash\\", "*", "%PATH%"];
        let output = child(["say"]).args(words).output().await.unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        assert_eq!(text.lines().collect::<Vec<_>>(), words);
        let mut command = child(["variable", "BOWERBIRD_CHILD"]);
        let output = command.env("BOWERBIRD_CHILD", "seen").output().await.unwrap();
        assert_eq!(String::from_utf8(output.stdout).unwrap().trim_end(), "seen");
    });
}

#[test]
fn shell_runs_a_line() {
    everywhere(|| async {
        let output = bowerbird::process::create_subprocess_shell("echo hello").output().await;
        assert_eq!(String::from_utf8(output.unwrap().stdout).unwrap().trim_end(), "hello");
    });
}

#[test]
fn more_than_a_pipe_holds_goes_both_ways() {
    on_workers(2, async {
        let input: Vec<u8> = (0..700_000_u32).map(|number| number as u8).collect();
        let mut process =
            child(["copy-twice"]).stdin(PIPE).stdout(PIPE).stderr(PIPE).await.unwrap();
        let (stdout, stderr) = process.communicate(&input).await.unwrap();
        assert!(stdout == input && stderr == input);
        assert_eq!(process.returncode(), Some(0));
    });
}

#[test]
fn standard_error_joins_standard_output() {
    everywhere(|| async {
        let output = child(["complain", "oh"]).stdout(PIPE).stderr(STDOUT).output().await.unwrap();
        assert_eq!(String::from_utf8(output.stdout).unwrap().trim_end(), "oh");
        assert!(output.stderr.is_empty());
    });
}

#[test]
fn question_and_answer_take_turns() {
    everywhere(|| async {
        let mut process = child(["copy"]).stdin(PIPE).stdout(PIPE).await.unwrap();
        let (stdin, mut stdout) = (process.stdin.take().unwrap(), process.stdout.take().unwrap());
        for line in [&b"first\n"[..], b"second\n"] {
            stdin.write(line);
            stdin.drain().await.unwrap();
            assert_eq!(stdout.readexactly(line.len()).await.unwrap(), line);
        }
        stdin.close();
        assert!(stdout.read_to_end().await.unwrap().is_empty());
        assert!(process.wait().await.unwrap().success());
    });
}

#[test]
fn killed_child_ends_and_is_told_nothing_more() {
    everywhere(|| async {
        let process = child(["wait"]).await.unwrap();
        assert_eq!(process.try_wait().unwrap(), None);
        process.kill().unwrap();
        assert!(!process.wait().await.unwrap().success());
        let error = process.kill().unwrap_err();
        assert!(error.get_ref().is_some_and(|inner| inner.is::<ProcessLookupError>()));
    });
}

#[test]
fn wait_that_was_dropped_loses_nothing() {
    on_workers(2, async {
        let process = std::sync::Arc::new(child(["copy"]).stdin(PIPE).await.unwrap());
        let waiters: Vec<_> = (0..3)
            .map(|_| {
                let process = process.clone();
                spawn(async move { process.wait().await.unwrap().code() })
            })
            .collect();
        turns(20).await;
        assert_eq!(process.try_wait().unwrap(), None);
        let [first, second, third] = waiters.try_into().unwrap();
        first.cancel();
        process.kill().unwrap();
        let (second, third) = join((second, third)).await;
        assert_eq!(second.unwrap(), third.unwrap());
        assert!(first.await.is_err());
        assert!(process.wait().await.is_ok());
    });
}

#[test]
fn child_bound_to_its_handle_ends_with_it() {
    everywhere(|| async {
        let mut process = child(["wait"]).stdout(PIPE).kill_on_drop(true).await.unwrap();
        let mut stdout = process.stdout.take().unwrap();
        drop(process);
        // The end of the output is the end of the child, for nobody else has it.
        assert!(stdout.read_to_end().await.unwrap().is_empty());
    });
}

#[test]
fn program_that_does_not_exist_is_an_error() {
    everywhere(|| async {
        let error = create_subprocess_exec("no-such-program-anywhere", [""; 0]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
    });
}

#[test]
fn children_come_and_go_side_by_side() {
    on_workers(4, async {
        let ended = TaskGroup::new().run(async |group| {
            for task in 0..4 {
                group.spawn(async move {
                    for turn in 0..5 {
                        let code = task * 5 + turn;
                        let status = child(["exit", &code.to_string()]).status().await.unwrap();
                        assert_eq!(status.code(), Some(code));
                    }
                });
            }
            Ok(())
        });
        ended.await.unwrap();
    });
}
