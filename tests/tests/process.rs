//! Child processes: what a command sets, whom signals reach, both ways at once, and what is refused.
#![cfg(unix)]

use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bowerbird::process::{
    Command, DEVNULL, PIPE, Process, ProcessLookupError, STDOUT, Stdio, create_subprocess_exec,
    create_subprocess_shell,
};
use bowerbird::signal::SignalKind;
use bowerbird::{Runtime, join, spawn, timeout};
use bowerbird_tests::{catch, everywhere, in_own_process, on_workers, turns};

/// Where files of one test stand; taken away at its end.
struct Directory(PathBuf);

impl Directory {
    fn new(test: &str) -> Self {
        let path = std::env::temp_dir().join(format!("bowerbird-{test}-{}", std::process::id()));
        let _there_may_be_an_old_one = fs::remove_dir_all(&path);
        fs::create_dir(&path).unwrap();
        Self(path)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// What a command writes to standard output.
async fn said(command: &mut Command) -> String {
    let output = command.stderr(Stdio::inherit()).output().await.unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

fn sh(line: &str) -> Command {
    create_subprocess_shell(line)
}

// ----- what a command sets ---------------------------------------------------------------------------

#[test]
fn arguments_are_as_they_were_given() {
    everywhere(|| async {
        let mut command = create_subprocess_exec("printf", ["%s|", "a b", "$HOME", "*"]);
        assert_eq!(said(command.arg("")).await, "a b|$HOME|*||");
    });
}

#[test]
fn environment_is_as_it_was_set() {
    everywhere(|| async {
        let mut command = Command::new("/usr/bin/env");
        command.env_clear().env("A", "1").envs([("B", "2"), ("C", "3")]).env_remove("B");
        assert_eq!(said(&mut command).await, "A=1\nC=3\n");
    });
}

#[test]
fn directory_and_own_name_are_as_they_were_set() {
    everywhere(|| async {
        assert_eq!(said(sh("pwd").current_dir("/")).await, "/\n");
        let mut command = Command::new("sh");
        assert_eq!(said(command.arg0("other").args(["-c", "printf %s \"$0\""])).await, "other");
    });
}

#[test]
fn user_and_groups_are_set_if_they_may_be() {
    everywhere(|| async {
        let is_root = said(&mut sh("id -u")).await == "0\n";
        let mut command = sh("id -u; id -g; id -G");
        command.uid(1).gid(2).groups(&[3, 4]);
        if is_root {
            // More than once: what is set is set once.
            for _ in 0..2 {
                assert_eq!(said(&mut command).await, "1\n2\n2 3 4\n");
            }
            let mut command = sh("id -u; id -g; id -G");
            assert_eq!(said(command.uid(1).gid(2)).await, "1\n2\n2\n");
        } else {
            let error = command.output().await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::PermissionDenied);
        }
    });
}

#[test]
#[allow(unsafe_code, reason = "it is what the test is about")]
fn closure_runs_in_the_child_before_the_program() {
    everywhere(|| async {
        let mut command = Command::new("true");
        // SAFETY: it returns a number.
        unsafe { command.pre_exec(|| Err(std::io::Error::from_raw_os_error(13))) };
        assert_eq!(command.spawn().unwrap_err().kind(), ErrorKind::PermissionDenied);
    });
}

#[test]
fn std_command_may_be_used() {
    everywhere(|| async {
        let mut std = std::process::Command::new("echo");
        std.arg("said").stdout(std::process::Stdio::piped());
        let mut command = Command::from(std);
        assert_eq!(command.as_std().get_program(), "echo");
        command.as_std_mut().arg("twice");
        // The pipe is std's; it is ours all the same.
        let mut process = command.spawn().unwrap();
        assert_eq!(process.communicate(b"").await.unwrap().0, b"said twice\n");
    });
}

// ----- streams ---------------------------------------------------------------------------------------

const BOTH: &str = "echo out; echo err >&2; echo end";

#[test]
fn standard_error_goes_where_standard_output_does() {
    everywhere(|| async {
        let mut command = sh(BOTH);
        command.stdout(PIPE).stderr(STDOUT);
        // The command lives on, and starts again: no end of the pipe that is written to stays here.
        for _ in 0..3 {
            let mut process = command.spawn().unwrap();
            assert!(process.stderr.is_none());
            let (stdout, stderr) = process.communicate(b"").await.unwrap();
            assert_eq!((&stdout[..], stderr.len()), (&b"out\nerr\nend\n"[..], 0));
        }
        let mut process = sh(BOTH).stdout(DEVNULL).stderr(STDOUT).await.unwrap();
        assert_eq!(process.communicate(b"").await.unwrap(), (vec![], vec![]));

        let output = sh(BOTH).stderr(STDOUT).output().await.unwrap();
        assert_eq!((&output.stdout[..], output.stderr.len()), (&b"out\nerr\nend\n"[..], 0));
    });
}

#[test]
fn streams_may_be_files() {
    let directory = Directory::new("streams_may_be_files");
    everywhere(|| async {
        fs::write(directory.file("in"), "input").unwrap();
        let mut command = sh("cat; echo error >&2");
        command.stdin(File::open(directory.file("in")).unwrap());
        command.stdout(File::create(directory.file("out")).unwrap()).stderr(STDOUT);
        assert!(command.status().await.unwrap().success());
        assert_eq!(fs::read(directory.file("out")).unwrap(), b"inputerror\n");
        // Again: the offset of a file is that of all who have it.
        assert!(command.status().await.unwrap().success());
        assert_eq!(fs::read(directory.file("out")).unwrap(), b"inputerror\nerror\n");
    });
}

#[test]
fn standard_error_goes_to_the_standard_output_of_this_process() {
    // Of a process whose own output is looked at: the test's, in a process of its own.
    in_own_process("standard_error_goes_to_the_standard_output_of_this_process", &[], || {
        on_workers(1, async {
            let mut inner = sh("echo err >&2");
            // Through a shell whose standard output is a pipe.
            inner.stderr(STDOUT);
            assert!(inner.status().await.unwrap().success());
            inner.stdout(Stdio::inherit());
            assert!(inner.status().await.unwrap().success());
        });
    });
}

#[test]
fn streams_that_cannot_be_are_refused() {
    everywhere(|| async {
        let shared = sh("exit").stdout(std::process::Stdio::null()).stderr(STDOUT).spawn();
        let error = shared.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert!(error.to_string().contains("cannot be shared"), "{error}");
        for error in [sh("exit").stdin(STDOUT).spawn(), sh("exit").stdout(STDOUT).spawn()] {
            let error = error.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput);
            assert!(error.to_string().contains("STDOUT is for stderr"), "{error}");
        }
    });
}

#[test]
fn stdio_of_std_serves_every_start() {
    everywhere(|| async {
        let mut command = sh("echo lost");
        command.stdout(std::process::Stdio::null());
        for _ in 0..2 {
            let output = command.output().await.unwrap();
            assert!(output.status.success() && output.stdout.is_empty());
        }
    });
}

#[test]
fn pipe_that_is_dropped_is_closed() {
    everywhere(|| async {
        let mut process = sh("cat; exit 5").stdin(PIPE).stdout(DEVNULL).await.unwrap();
        process.stdin = None;
        assert_eq!(process.wait().await.unwrap().code(), Some(5));
        // `status` closes it too.
        assert_eq!(sh("cat; exit 6").stdin(PIPE).status().await.unwrap().code(), Some(6));
        // A child that writes to a pipe which nobody has is told so.
        let mut process = sh("exec yes").stdout(PIPE).await.unwrap();
        process.stdout = None;
        process.wait().await.unwrap();
        assert_eq!(process.returncode(), Some(-13));
    });
}

// ----- both ways at once -----------------------------------------------------------------------------

#[test]
fn much_goes_both_ways() {
    everywhere(|| async {
        let input: Vec<u8> = (0..3_000_000_u32).map(|number| number as u8).collect();
        let mut command = sh("tee /dev/stderr");
        let mut process = command.stdin(PIPE).stdout(PIPE).stderr(PIPE).await.unwrap();
        let (stdout, stderr) = process.communicate(&input).await.unwrap();
        assert!(stdout == input && stderr == input);
    });
}

#[test]
fn communicate_that_was_cancelled_goes_on() {
    everywhere(|| async {
        let input = vec![b'x'; 1_000_000];
        let mut command = sh("cat; echo end; sleep 0.1; echo really");
        let mut process = command.stdin(PIPE).stdout(PIPE).await.unwrap();
        let mut count = 0;
        let stdout = loop {
            match timeout(Duration::from_millis(2), process.communicate(&input)).await {
                Ok(said) => break said.unwrap().0,
                Err(_) => count += 1,
            }
        };
        assert!(count > 0);
        assert_eq!(stdout.len(), 1_000_000 + b"end\nreally\n".len());
        assert!(stdout.ends_with(b"x\nend\nreally\n") || stdout.ends_with(b"xend\nreally\n"));

        // As subprocess's documentation does it: a limit, and what was said until then.
        let mut process = sh("echo before; exec sleep 600").stdout(PIPE).await.unwrap();
        assert!(timeout(Duration::from_millis(50), process.communicate(b"")).await.is_err());
        process.kill().unwrap();
        assert_eq!(process.communicate(b"").await.unwrap().0, b"before\n");
        assert_eq!(process.returncode(), Some(-9));
        // Nothing is said twice.
        assert_eq!(process.communicate(b"").await.unwrap().0, b"");
    });
}

#[test]
fn what_was_read_before_is_not_read_again() {
    everywhere(|| async {
        let mut process = sh("echo one; echo two").stdout(PIPE).await.unwrap();
        assert_eq!(process.stdout.as_mut().unwrap().readline().await.unwrap(), b"one\n");
        assert_eq!(process.communicate(b"").await.unwrap().0, b"two\n");
    });
}

#[test]
fn input_without_a_pipe_is_refused() {
    everywhere(|| async {
        let mut process = sh("exit 3").await.unwrap();
        let error = process.communicate(b"input").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert!(error.to_string().contains("stdin(PIPE)"), "{error}");
        assert_eq!(process.communicate(b"").await.unwrap(), (vec![], vec![]));
        assert_eq!(process.returncode(), Some(3));
    });
}

#[test]
fn lines_come_as_they_are_written() {
    everywhere(|| async {
        let mut process =
            sh("while read line; do echo got $line; done").stdin(PIPE).stdout(PIPE).await.unwrap();
        for number in 0..10 {
            process.stdin.as_ref().unwrap().write(format!("{number}\n"));
            let line = process.stdout.as_mut().unwrap().readline().await.unwrap();
            assert_eq!(line, format!("got {number}\n").as_bytes());
        }
    });
}

// ----- the end ---------------------------------------------------------------------------------------

#[test]
fn end_is_known_without_waiting() {
    everywhere(|| async {
        let mut process = sh("cat; exit 4").stdin(PIPE).stdout(DEVNULL).await.unwrap();
        let pid = process.pid();
        assert!(pid > 0 && process.try_wait().unwrap().is_none());
        process.stdin = None;
        while process.try_wait().unwrap().is_none() {
            turns(1).await;
        }
        assert_eq!((process.returncode(), process.pid()), (Some(4), pid));
        assert_eq!(format!("{process:?}"), format!("Process {{ pid: {pid}, .. }}"));
    });
}

#[test]
fn one_task_waits_while_another_ends_it() {
    everywhere(|| async {
        let process = Arc::new(sh("exec sleep 600").await.unwrap());
        let waiting = spawn({
            let process = process.clone();
            async move { process.wait().await }
        });
        turns(3).await;
        process.terminate().unwrap();
        waiting.await.unwrap().unwrap();
        assert_eq!(process.returncode(), Some(-15));
    });
}

#[test]
fn process_may_be_waited_for_in_another_runtime() {
    let (here, there) = (Runtime::new().unwrap(), Runtime::new().unwrap());
    let mut process = here.block_on(async { sh("cat; exit 2").stdin(PIPE).spawn().unwrap() });
    process.stdin = None;
    assert_eq!(there.block_on(process.wait()).unwrap().code(), Some(2));
}

#[test]
fn process_of_a_runtime_that_has_ended_can_be_asked() {
    let process = on_workers(2, async { sh("exec sleep 600").kill_on_drop(true).spawn().unwrap() });
    assert!(on_workers(2, process.wait()).is_err());
    assert_eq!(process.returncode(), None);
    process.kill().unwrap();
    while process.returncode().is_none() {
        std::thread::yield_now();
    }
    assert_eq!(process.returncode(), Some(-9));
}

#[test]
fn status_of_somebody_elses_wait_is_an_error() {
    in_own_process("status_of_somebody_elses_wait_is_an_error", &[], || {
        // Where nobody hears of SIGCHLD by wish, the system reaps children by itself.
        const VARIABLE: &str = "BOWERBIRD_TEST_CHILD_IGNORED";
        if std::env::var_os(VARIABLE).is_none() {
            let test = "status_of_somebody_elses_wait_is_an_error";
            let program = std::env::current_exe().unwrap();
            let mut command = std::process::Command::new("env");
            command.arg("--ignore-signal=CHLD").arg(program).args([test, "--exact"]);
            let status = command.env(VARIABLE, "1").status().unwrap();
            assert!(status.success());
            return;
        }
        everywhere(|| async {
            let process = sh("sleep 0.05; exit 3").await.unwrap();
            let error = process.wait().await.unwrap_err();
            assert!(error.to_string().contains("somebody else has reaped it"), "{error}");
            assert_eq!(process.returncode(), None);
            let error = process.kill().unwrap_err();
            assert!(error.get_ref().unwrap().is::<ProcessLookupError>());
        });
    });
}

// ----- signals ---------------------------------------------------------------------------------------

#[test]
fn process_that_has_ended_is_sent_nothing() {
    everywhere(|| async {
        for without_pidfd in [false, true] {
            let process = sh("exit 0").without_pidfd(without_pidfd).await.unwrap();
            process.wait().await.unwrap();
            for error in [
                process.kill(),
                process.terminate(),
                process.send_signal(SignalKind::user_defined1()),
            ] {
                let error = error.unwrap_err();
                assert_eq!(error.kind(), ErrorKind::NotFound);
                let why: &ProcessLookupError = error.get_ref().unwrap().downcast_ref().unwrap();
                assert_eq!(why.pid(), process.pid());
                assert!(error.to_string().contains(&process.pid().to_string()), "{error}");
            }
        }
    });
}

#[test]
fn number_that_is_no_signal_is_refused() {
    everywhere(|| async {
        for without_pidfd in [false, true] {
            let mut command = sh("exec sleep 600");
            let process = command.kill_on_drop(true).without_pidfd(without_pidfd).await.unwrap();
            let error = process.send_signal(SignalKind::from_raw(1_000)).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput);
            process.send_signal(SignalKind::from_raw(0)).unwrap();
        }
    });
}

#[test]
fn group_is_reached_as_a_whole() {
    everywhere(|| async {
        for without_pidfd in [false, true] {
            let mut command = sh("sleep 600 & sleep 600 & echo ready; wait");
            command.stdout(PIPE).process_group(0).without_pidfd(without_pidfd);
            let mut process = command.spawn().unwrap();
            process.stdout.as_mut().unwrap().readline().await.unwrap();
            process.kill_group().unwrap();
            // The end of the pipe: all that had it are gone.
            let (rest, _) = process.communicate(b"").await.unwrap();
            assert_eq!((rest.len(), process.returncode()), (0, Some(-9)));
            // By the number nobody is; a pidfd may still reach what nobody has reaped of the group.
            match process.kill_group() {
                Err(error) => {
                    assert!(error.get_ref().unwrap().is::<ProcessLookupError>(), "{error}")
                }
                Ok(()) => assert!(!without_pidfd && has_group_pidfds()),
            }
        }
    });
}

#[test]
fn group_whose_leader_has_ended_is_reached_where_the_system_can_tell() {
    everywhere(|| async {
        // Ended, and not yet reaped: the number is still its own.
        let line = "sleep 600 & echo ready; exit 3";
        let mut process = sh(line).stdout(PIPE).process_group(0).await.unwrap();
        process.stdout.as_mut().unwrap().readline().await.unwrap();
        process.kill_group().unwrap();
        process.communicate(b"").await.unwrap();

        // Reaped: by the pidfd, with Linux 6.9 and later.
        let mut process = sh(line).stdout(PIPE).process_group(0).await.unwrap();
        process.stdout.as_mut().unwrap().readline().await.unwrap();
        process.wait().await.unwrap();
        if let Err(error) = process.kill_group() {
            assert!(error.get_ref().unwrap().is::<ProcessLookupError>(), "{error}");
            assert!(!has_group_pidfds(), "{error}");
            return;
        }
        assert_eq!(process.communicate(b"").await.unwrap().0, b"");
        assert_eq!(process.returncode(), Some(3));
    });
}

/// Whether this is Linux 6.9 or later.
fn has_group_pidfds() -> bool {
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let mut parts = release.split('.').map(|part| part.parse::<u32>().unwrap_or(0));
    (parts.next().unwrap_or(0), parts.next().unwrap_or(0)) >= (6, 9)
}

#[test]
fn process_that_leads_no_group_has_none() {
    everywhere(|| async {
        for without_pidfd in [false, true] {
            let mut command = sh("exec sleep 600");
            let process = command.kill_on_drop(true).without_pidfd(without_pidfd).await.unwrap();
            let error = process.kill_group().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput);
            assert!(error.to_string().contains("process_group(0)"), "{error}");
        }
    });
}

// ----- misuse ----------------------------------------------------------------------------------------

#[test]
fn outside_a_runtime_a_start_panics_at_the_callers_line() {
    type Start = fn(&mut Command);
    let starts: [(&str, Start); 3] = [
        ("Command::spawn", |command| drop(command.spawn())),
        ("Command::status", |command| drop(command.status())),
        ("Command::output", |command| drop(command.output())),
    ];
    for (call, start) in starts {
        let caught = catch(|| start(&mut Command::new("true")));
        assert!(caught.message.contains(&format!("`{call}` was called outside")), "{caught:?}");
        assert!(caught.file.ends_with("process.rs"), "{caught:?}");
    }
}

#[test]
fn program_that_cannot_be_started_is_named() {
    everywhere(|| async {
        let error = Command::new("no-such-program").current_dir("/tmp").status().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
        assert!(error.to_string().contains("`no-such-program` in `/tmp`"), "{error}");
        let error = Command::new("/etc/passwd").output().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::PermissionDenied);
        assert!(error.to_string().contains("`/etc/passwd`"), "{error}");
        let error = Command::new("a\0b").spawn().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
    });
}

#[test]
fn cancelled_output_takes_its_process_along_if_told_to() {
    everywhere(|| async {
        let (reader, writer) = std::io::pipe().unwrap();
        let mut command = sh("exec sleep 600");
        // The pipe ends when nobody has the other end any more: not this process, nor the child.
        command.stdin(std::process::Stdio::from(writer)).kill_on_drop(true);
        let limit = Duration::from_millis(5);
        assert!(timeout(limit, command.output()).await.is_err());
        drop(command);
        let ended = bowerbird::spawn_blocking(move || std::io::read_to_string(reader));
        assert_eq!(ended.await.unwrap().unwrap(), "");
    });
}

#[test]
fn waits_of_two_processes_do_not_mix() {
    everywhere(|| async {
        let slow: Process = sh("sleep 0.05; exit 1").await.unwrap();
        let quick: Process = sh("exit 2").await.unwrap();
        let (slow, quick) = join((slow.wait(), quick.wait())).await;
        assert_eq!((slow.unwrap().code(), quick.unwrap().code()), (Some(1), Some(2)));
    });
}
