//! The tests of CPython's test_subprocess.py, by their names; tests/cpython/test_subprocess.md says where the others are.
//!
//! Each runs with the end of children noticed by pidfds, and by `SIGCHLD` as where there are none.
#![cfg(unix)]

use std::io::ErrorKind;
use std::sync::Arc;
use std::time::Duration;

use bowerbird::process::{
    Command, DEVNULL, PIPE, Process, create_subprocess_exec, create_subprocess_shell,
};
use bowerbird::signal::SignalKind;
use bowerbird::{LoopHandle, gather_iter, spawn, timeout, yield_now};
use bowerbird_tests::everywhere;

/// More than a pipe holds.
const PIPE_MAX_SIZE: usize = 4 * 1024 * 1024;

/// Runs a test on any number of workers, with and without pidfds.
#[track_caller]
fn check<F: Future>(test: impl Fn(Start) -> F) {
    for without_pidfd in [false, true] {
        everywhere(|| test(Start { without_pidfd }));
    }
}

/// How programs are started.
#[derive(Clone, Copy)]
struct Start {
    without_pidfd: bool,
}

impl Start {
    fn exec(self, program: &str, args: &[&str]) -> Command {
        self.set(create_subprocess_exec(program, args))
    }

    fn shell(self, line: &str) -> Command {
        self.set(create_subprocess_shell(line))
    }

    fn set(self, mut command: Command) -> Command {
        command.without_pidfd(self.without_pidfd);
        command
    }

    fn cat(self) -> Command {
        let mut command = self.exec("cat", &[]);
        command.stdin(PIPE).stdout(PIPE);
        command
    }

    fn blocked(self) -> Command {
        self.exec("sleep", &["3600"])
    }
}

#[test]
fn test_stdin_stdout() {
    check(|start| async move {
        let mut process = start.cat().await.unwrap();
        let stdin = process.stdin.take().unwrap();
        stdin.write(b"some data");
        stdin.drain().await.unwrap();
        stdin.close();
        let data = process.stdout.as_mut().unwrap().read_to_end().await.unwrap();
        assert_eq!(process.wait().await.unwrap().code(), Some(0));
        assert_eq!(data, b"some data");
    });
}

#[test]
fn test_communicate() {
    check(|start| async move {
        let mut process = start.cat().await.unwrap();
        let (stdout, _) = process.communicate(b"some data").await.unwrap();
        assert_eq!((process.returncode(), &stdout[..]), (Some(0), &b"some data"[..]));
    });
}

#[test]
fn test_communicate_none_input() {
    check(|start| async move {
        let mut process = start.cat().await.unwrap();
        let (stdout, _) = process.communicate(b"").await.unwrap();
        assert_eq!((process.returncode(), stdout.len()), (Some(0), 0));
    });
}

#[test]
fn test_shell() {
    check(|start| async move {
        let process = start.shell("exit 7").await.unwrap();
        assert_eq!(process.wait().await.unwrap().code(), Some(7));
    });
}

#[test]
fn test_start_new_session() {
    check(|start| async move {
        // The sixth field is the session, and the process leads it.
        let line = "read pid name state parent group session rest < /proc/$$/stat; test $session = $$ && exit 8";
        let process = start.shell(line).start_new_session(true).await.unwrap();
        assert_eq!(process.wait().await.unwrap().code(), Some(8));
        let process = start.shell(line).await.unwrap();
        assert_eq!(process.wait().await.unwrap().code(), Some(1));
    });
}

#[test]
fn test_kill() {
    check(|start| async move {
        let process = start.blocked().await.unwrap();
        process.kill().unwrap();
        process.wait().await.unwrap();
        assert_eq!(process.returncode(), Some(-9));
    });
}

#[test]
fn test_kill_issue43884() {
    check(|start| async move {
        // A shell that waits for a child of its own.
        let mut process = start.shell("echo begun; sleep 1; sleep 1").stdout(PIPE).await.unwrap();
        assert_eq!(process.stdout.as_mut().unwrap().readline().await.unwrap(), b"begun\n");
        process.kill().unwrap();
        process.wait().await.unwrap();
        assert_eq!(process.returncode(), Some(-9));
    });
}

#[test]
fn test_terminate() {
    check(|start| async move {
        let process = start.blocked().await.unwrap();
        process.terminate().unwrap();
        process.wait().await.unwrap();
        assert_eq!(process.returncode(), Some(-15));
    });
}

#[test]
fn test_send_signal() {
    check(|start| async move {
        let mut process = start.shell("echo sleeping; exec sleep 3600").stdout(PIPE).await.unwrap();
        assert_eq!(process.stdout.as_mut().unwrap().readline().await.unwrap(), b"sleeping\n");
        process.send_signal(SignalKind::hangup()).unwrap();
        process.wait().await.unwrap();
        assert_eq!(process.returncode(), Some(-1));
    });
}

#[test]
fn test_stdin_broken_pipe() {
    check(|start| async move {
        // It ends when it is told to, with nothing read of its standard input.
        let (told, tell) = std::io::pipe().unwrap();
        let told = std::process::Stdio::from(told);
        let mut command = start.shell("read line <&1");
        let process = command.stdin(PIPE).stdout(told).await.unwrap();
        let stdin = process.stdin.as_ref().unwrap();
        stdin.write(vec![b'x'; PIPE_MAX_SIZE]);
        drop((tell, command));
        let error = stdin.drain().await.unwrap_err();
        assert!(
            matches!(error.kind(), ErrorKind::BrokenPipe | ErrorKind::ConnectionReset),
            "{error:?}"
        );
        process.wait().await.unwrap();
    });
}

#[test]
fn test_communicate_ignore_broken_pipe() {
    check(|start| async move {
        let mut process = start.exec("true", &[]).stdin(PIPE).await.unwrap();
        process.communicate(&vec![b'x'; PIPE_MAX_SIZE]).await.unwrap();
        assert_eq!(process.wait().await.unwrap().code(), Some(0));
    });
}

#[test]
fn test_pause_reading() {
    check(|start| async move {
        let mut process =
            start.shell("printf xxxxxxxxxxxxxxxxxxxxx").stdout(PIPE).limit(10).await.unwrap();
        let (stdout, _) = process.communicate(b"").await.unwrap();
        assert_eq!(stdout, [b'x'; 21]);
        // The limit is that of a line, as in any reader.
        let mut process =
            start.shell("printf xxxxxxxxxxxxxxxxxxxxx").stdout(PIPE).limit(10).await.unwrap();
        let stdout = process.stdout.as_mut().unwrap();
        assert_eq!(stdout.limit(), 10);
        stdout.readuntil(b"y").await.unwrap_err();
    });
}

#[test]
fn test_stdin_not_inheritable() {
    check(|start| async move {
        // Children that were started meanwhile have no end of its pipe, which would keep it open.
        let mut process =
            start.exec("wc", &["-c"]).stdin(PIPE).stdout(PIPE).stderr(PIPE).await.unwrap();
        let other = start.blocked().kill_on_drop(true).await.unwrap();
        let (stdout, _) = process.communicate(b"abc").await.unwrap();
        assert_eq!((stdout.trim_ascii(), process.returncode()), (&b"3"[..], Some(0)));
        drop(other);
    });
}

#[test]
fn test_wait_even_if_pipe_is_open() {
    check(|start| async move {
        // The grandchild has both pipes, and ends when its input does. (What a shell starts in the background reads
        // nothing, unless it is told otherwise.)
        let line = "exec 3<&0; (printf ready; exec cat <&3) & wait";
        let mut process = start.shell(line).stdin(PIPE).stdout(PIPE).await.unwrap();
        let mut stdout = process.stdout.take().unwrap();
        assert_eq!(stdout.readexactly(5).await.unwrap(), b"ready");
        process.kill().unwrap();
        process.wait().await.unwrap();
        assert_eq!(process.returncode(), Some(-9));
        assert!(!stdout.at_eof());
        process.stdin.take().unwrap().close();
        assert_eq!(stdout.read_to_end().await.unwrap(), b"");
    });
}

/// What `wc -c` says of its input.
async fn count(command: &mut Command, input: &[u8]) -> (Vec<u8>, Vec<u8>, Option<i32>) {
    let mut process: Process = command.await.unwrap();
    let (stdout, stderr) = process.communicate(input).await.unwrap();
    (stdout.trim_ascii().to_vec(), stderr, process.returncode())
}

#[test]
fn test_empty_input() {
    check(|start| async move {
        let said = count(start.exec("wc", &["-c"]).stdin(PIPE).stdout(PIPE), b"").await;
        assert_eq!(said, (b"0".to_vec(), vec![], Some(0)));
    });
}

#[test]
fn test_devnull_input() {
    check(|start| async move {
        let said = count(start.exec("wc", &["-c"]).stdin(DEVNULL).stdout(PIPE), b"").await;
        assert_eq!(said, (b"0".to_vec(), vec![], Some(0)));
    });
}

#[test]
fn test_devnull_output() {
    check(|start| async move {
        let mut command = start.exec("wc", &["-c"]);
        let said = count(command.stdin(PIPE).stdout(DEVNULL).stderr(PIPE), b"abc").await;
        assert_eq!(said, (vec![], vec![], Some(0)));
    });
}

#[test]
fn test_devnull_error() {
    check(|start| async move {
        let mut command = start.shell("wc -c; echo lost >&2");
        let said = count(command.stdin(PIPE).stdout(PIPE).stderr(DEVNULL), b"abc").await;
        assert_eq!(said, (b"3".to_vec(), vec![], Some(0)));
    });
}

#[test]
fn test_devstdin_input() {
    check(|start| async move {
        let mut command = start.shell("wc -c < /dev/stdin");
        let said = count(command.stdin(PIPE).stdout(PIPE), b"abc").await;
        assert_eq!(said, (b"3".to_vec(), vec![], Some(0)));
    });
}

#[test]
fn test_cancel_process_wait() {
    check(|start| async move {
        let process = Arc::new(start.blocked().await.unwrap());
        let task = spawn({
            let process = process.clone();
            async move { process.wait().await }
        });
        let handle = task.handle().clone();
        LoopHandle::current().call_soon(move || assert!(handle.cancel()));
        assert!(task.await.unwrap_err().is_cancelled());
        process.kill().unwrap();
        process.wait().await.unwrap();
    });
}

#[test]
fn test_cancel_make_subprocess_transport_exec() {
    check(|start| async move {
        let task = spawn(async move { start.blocked().kill_on_drop(true).await });
        task.cancel();
        // Either it never began, or there is a process, which goes with the output.
        if let Ok(started) = task.await {
            started.unwrap();
        }
    });
}

#[test]
fn test_popen_error() {
    check(|start| async move {
        for stdin in [false, true] {
            let mut command = start.exec("/no/such/program", &["-c", "pass"]);
            if stdin {
                command.stdin(PIPE);
            }
            let error = command.await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::NotFound);
            assert!(error.to_string().contains("`/no/such/program`"), "{error}");
        }
    });
}

#[test]
fn test_read_stdout_after_process_exit() {
    check(|start| async move {
        // As much as a pipe holds, so that it can end without anybody reading.
        let mut process =
            start.shell("head -c 60000 /dev/zero; exit 1").stdout(PIPE).await.unwrap();
        assert_eq!(process.wait().await.unwrap().code(), Some(1));
        let mut total = 0;
        loop {
            match process.stdout.as_mut().unwrap().read(4096).await.unwrap().len() {
                0 => break,
                count => total += count,
            }
            yield_now().await;
        }
        assert_eq!(total, 60_000);
    });
}

#[test]
fn test_create_subprocess_exec_with_path() {
    check(|start| async move {
        let path = std::path::Path::new("true");
        let mut command = start.set(create_subprocess_exec(path, [std::path::Path::new(".")]));
        assert!(command.status().await.unwrap().success());
    });
}

/// What the process says, and that a wait after its end is ready at once.
async fn says(mut process: Process, output: &[u8]) {
    let (stdout, _) = process.communicate(b"").await.unwrap();
    assert_eq!((&stdout[..], process.returncode()), (output, Some(0)));
    assert_eq!(timeout(Duration::ZERO, process.wait()).await.unwrap().unwrap().code(), Some(0));
}

#[test]
fn test_create_subprocess_env_shell() {
    check(|start| async move {
        let process = start.shell("printf %s \"$FOO\"").env("FOO", "bar").stdout(PIPE).await;
        says(process.unwrap(), b"bar").await;
    });
}

#[test]
fn test_create_subprocess_env_exec() {
    check(|start| async move {
        let mut command = start.exec("printenv", &["FOO"]);
        says(command.env("FOO", "baz").stdout(PIPE).await.unwrap(), b"baz\n").await;
    });
}

#[test]
fn test_subprocess_concurrent_wait() {
    check(|start| async move {
        let mut process = start.cat().await.unwrap();
        let (stdout, _) = process.communicate(b"some data").await.unwrap();
        assert_eq!(stdout, b"some data");
        // After the end, and before it.
        for process in [process, start.shell("sleep 0.01").await.unwrap()] {
            let process = Arc::new(process);
            let waits = (0..10).map(|_| {
                let process = process.clone();
                async move { process.wait().await.unwrap().code() }
            });
            assert_eq!(gather_iter(waits).await, [Some(0); 10]);
        }
    });
}

#[test]
fn test_subprocess_communicate_stdout() {
    check(|start| async move {
        let outputs = (0..10).map(|number| async move {
            let word = format!("foo{number}");
            let mut process = start.exec("echo", &[&word]).stdout(PIPE).await.unwrap();
            let (stdout, _) = process.communicate(b"").await.unwrap();
            (word.into_bytes(), stdout.trim_ascii().to_vec())
        });
        for (word, said) in gather_iter(outputs).await {
            assert_eq!(word, said);
        }
    });
}

#[test]
fn test_subprocess_send_signal_race() {
    check(|start| async move {
        for _ in 0..10 {
            let process = start.exec("sleep", &["0.01"]).await.unwrap();
            bowerbird::sleep(Duration::from_millis(10)).await;
            // It may have ended: then nobody is sent anything.
            if let Err(error) = process.send_signal(SignalKind::user_defined1()) {
                assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
            }
            process.wait().await.unwrap();
            let code = process.returncode();
            assert!(matches!(code, Some(0 | -10)), "{code:?}");
        }
    });
}

#[test]
fn test_send_signal_never_targets_reaped_pid() {
    check(|start| async move {
        // Those that send, and the one that reaps, on any worker at any time: a signal reaches the child or nobody.
        for _ in 0..20 {
            let process = Arc::new(start.exec("true", &[]).await.unwrap());
            let senders = (0..4).map(|_| {
                let process = process.clone();
                async move {
                    loop {
                        match process.send_signal(SignalKind::window_change()) {
                            Ok(()) => yield_now().await,
                            Err(error) => return error.kind(),
                        }
                    }
                }
            });
            let (kinds, status) = bowerbird::join((gather_iter(senders), process.wait())).await;
            assert_eq!((kinds, status.unwrap().code()), (vec![ErrorKind::NotFound; 4], Some(0)));
        }
    });
}

#[test]
fn test_stopped_child_does_not_block_event_loop() {
    check(|start| async move {
        let process = start.blocked().kill_on_drop(true).await.unwrap();
        process.send_signal(SignalKind::from_raw(19)).unwrap();
        assert!(timeout(Duration::from_millis(20), process.wait()).await.is_err());
        assert_eq!(process.returncode(), None);
        // A process that is stopped can be killed.
        process.kill().unwrap();
        process.wait().await.unwrap();
        assert_eq!(process.returncode(), Some(-9));
    });
}
