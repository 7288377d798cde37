//! Standard input, output and error, in processes of their own.

use std::io::{BufReader, Read as _, Write as _};
use std::process::{Child, Stdio};
use std::time::Duration;

use bowerbird::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, stderr, stdin, stdout};
use bowerbird::{run, spawn, timeout};
use bowerbird_tests::child_command;

const MS: Duration = Duration::from_millis(1);

fn is_inside(test: &str) -> bool {
    std::env::var_os("BOWERBIRD_TEST_IN_OWN_PROCESS").is_some_and(|value| value == test)
}

fn start(test: &str) -> Child {
    child_command(test, &[])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Waits for a line of the child that ends so.
fn wait_for(output: &mut impl std::io::BufRead, end: &str) {
    let mut line = String::new();
    while !line.trim_end().ends_with(end) {
        line.clear();
        assert!(output.read_line(&mut line).unwrap() > 0, "it ended without saying {end:?}");
    }
}

#[test]
fn a_run_ends_although_nobody_writes_to_the_input() {
    const NAME: &str = "a_run_ends_although_nobody_writes_to_the_input";
    if is_inside(NAME) {
        run(async {
            drop(spawn(async { stdin().read(&mut [0; 8]).await }));
            assert!(timeout(MS, stdin().read(&mut [0; 8])).await.is_err());
            println!();
            println!("given up");
        });
        return println!("over");
    }
    let mut child = start(NAME);
    let input = child.stdin.take();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    wait_for(&mut output, "given up");
    wait_for(&mut output, "over");
    assert!(child.wait().unwrap().success());
    drop(input);
}

#[test]
fn a_read_that_was_given_up_loses_nothing() {
    const NAME: &str = "a_read_that_was_given_up_loses_nothing";
    if is_inside(NAME) {
        run(async {
            assert!(timeout(MS, stdin().read(&mut [0; 8])).await.is_err());
        });
        // Another run takes what the first has asked for.
        return run(async {
            println!();
            println!("asked");
            let mut first = stdin();
            assert_eq!(first.read_u8().await.unwrap(), b'o');
            // What it has in its buffer goes back.
            drop(first);
            let mut lines = stdin().lines();
            assert_eq!(lines.next_line().await.unwrap().unwrap(), "ne");
            assert_eq!(lines.next_line().await.unwrap().unwrap(), "two");
            assert_eq!(lines.next_line().await.unwrap(), None);
            assert_eq!(stdin().read(&mut [0; 8]).await.unwrap(), 0, "it ends for each handle");
        });
    }
    let mut child = start(NAME);
    let mut output = BufReader::new(child.stdout.take().unwrap());
    wait_for(&mut output, "asked");
    let mut input = child.stdin.take().unwrap();
    input.write_all(b"one\ntwo").unwrap();
    drop(input);
    let mut rest = String::new();
    output.read_to_string(&mut rest).unwrap();
    let mut errors = String::new();
    child.stderr.take().unwrap().read_to_string(&mut errors).unwrap();
    assert!(child.wait().unwrap().success(), "{rest}\n{errors}");
    assert!(rest.contains("1 passed"), "{rest}");
}

#[test]
fn two_handles_that_wait_share_what_comes() {
    const NAME: &str = "two_handles_that_wait_share_what_comes";
    if is_inside(NAME) {
        return run(async {
            let read_all = || {
                spawn(async {
                    let (mut input, mut count) = (stdin(), 0);
                    while input.read_u8().await.is_ok() {
                        count += 1;
                    }
                    count
                })
            };
            let (one, two) = (read_all(), read_all());
            println!();
            println!("asked");
            assert_eq!(one.await.unwrap() + two.await.unwrap(), 100_000);
        });
    }
    let mut child = start(NAME);
    let mut output = BufReader::new(child.stdout.take().unwrap());
    wait_for(&mut output, "asked");
    let mut input = child.stdin.take().unwrap();
    input.write_all(&[1; 100_000]).unwrap();
    drop(input);
    assert!(child.wait_with_output().unwrap().status.success());
}

#[test]
fn what_was_written_is_out_at_the_end_of_the_run() {
    const NAME: &str = "what_was_written_is_out_at_the_end_of_the_run";
    if is_inside(NAME) {
        run(async {
            let (mut out, mut error) = (stdout(), stderr());
            for number in 0..100 {
                out.write_all(format!("out {number}\n").repeat(100).as_bytes()).await.unwrap();
                error.write_all(format!("error {number}\n").as_bytes()).await.unwrap();
            }
            // No flush, and no line end.
            out.write_all(b"the end").await.unwrap();
        });
        // No destructors, and nothing that flushes.
        std::process::abort();
    }
    let output = start(NAME).wait_with_output().unwrap();
    let (out, error) =
        (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    let expected: String = (0..100).map(|number| format!("out {number}\n").repeat(100)).collect();
    assert!(out.ends_with(&(expected + "the end")), "{} bytes", out.len());
    assert!(error.contains("error 99\n"));
}
