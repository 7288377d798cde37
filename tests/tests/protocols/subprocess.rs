//! Child processes with protocols: after CPython's `test_subprocess.py` and `test_base_subprocess`'s order of calls.
//!
//! Between pipes, and between a pipe and the end of the process, no order is promised: each journal is of one of
//! them, and what is sure between two is looked up by [`before`].

use std::io;
use std::sync::{Arc, Mutex};

use bowerbird::process::{Command, DEVNULL, ProcessLookupError, STDOUT, create_subprocess_exec};
use bowerbird::protocols::{
    SubprocessProtocol, SubprocessTransport, subprocess_exec, subprocess_shell,
};
use bowerbird::signal::SignalKind;
use bowerbird_tests::{Counted, Journal, catch, everywhere, on_workers, until};

use crate::support::{end, fill, lost};

/// What a protocol does in its calls.
type Act = Box<dyn FnMut(&str, &SubprocessTransport) + Send>;

/// Writes its calls down: `made`, `pipe 1 lost`, `exited 0`, `lost`; of data the first only (`data 1`).
struct NotedChild {
    journal: Journal,
    act: Act,
    transport: Option<SubprocessTransport>,
    data: Arc<Mutex<[Vec<u8>; 3]>>,
}

impl NotedChild {
    fn new(journal: &Journal) -> Self {
        let (journal, act) = (journal.clone(), Box::new(|_: &str, _: &_| {}));
        Self { journal, act, transport: None, data: Arc::default() }
    }

    fn acting(mut self, act: impl FnMut(&str, &SubprocessTransport) + Send + 'static) -> Self {
        self.act = Box::new(act);
        self
    }

    fn data(&self) -> Arc<Mutex<[Vec<u8>; 3]>> {
        self.data.clone()
    }

    fn hear(&mut self, line: String) {
        self.journal.note(line.clone());
        if let Some(transport) = &self.transport {
            (self.act)(&line, transport);
        }
    }
}

impl SubprocessProtocol for NotedChild {
    fn connection_made(&mut self, transport: SubprocessTransport) {
        self.transport = Some(transport);
        self.hear("made".into());
    }
    fn pipe_data_received(&mut self, fd: i32, data: &[u8]) {
        let is_first = {
            let all = &mut self.data.lock().unwrap()[fd as usize];
            all.extend_from_slice(data);
            all.len() == data.len()
        };
        if is_first {
            self.hear(format!("data {fd}"));
        }
    }
    fn pipe_connection_lost(&mut self, fd: i32, error: Option<io::Error>) {
        self.hear(format!("pipe {fd} {}", lost(error)));
    }
    fn process_exited(&mut self) {
        let code = self.transport.as_ref().and_then(SubprocessTransport::get_returncode);
        self.hear(format!("exited {}", code.unwrap()));
    }
    fn connection_lost(&mut self, error: Option<io::Error>) {
        self.hear(lost(error));
    }
    fn pause_writing(&mut self) {
        self.hear("pause".into());
    }
    fn resume_writing(&mut self) {
        self.hear("resume".into());
    }
}

fn sh(line: &str) -> Command {
    create_subprocess_exec("sh", ["-c", line])
}

/// The lines that a filter takes, in their order.
fn of(journal: &Journal, part: &str) -> Vec<String> {
    journal.lines().into_iter().filter(|line| line.contains(part)).collect()
}

#[track_caller]
fn before(journal: &Journal, first: &str, second: &str) {
    let lines = journal.lines();
    let place = |of: &str| lines.iter().position(|line| line == of);
    assert!(place(first).is_some() && place(first) < place(second), "{lines:?}");
}

/// All was told once, `made` first and `lost` last.
#[track_caller]
fn whole(journal: &Journal, mut between: Vec<&str>) {
    let lines = journal.lines();
    assert_eq!(lines.first().map(String::as_str), Some("made"), "{lines:?}");
    assert_eq!(lines.last().map(String::as_str), Some("lost"), "{lines:?}");
    let mut middle: Vec<&str> = lines[1..lines.len() - 1].iter().map(String::as_str).collect();
    middle.sort_unstable();
    between.sort_unstable();
    assert_eq!(middle, between, "{lines:?}");
}

#[test]
fn echo_is_told_in_order() {
    everywhere(|| async {
        let journal = Journal::new();
        let protocol = NotedChild::new(&journal);
        let data = protocol.data();
        let transport = subprocess_exec(|| protocol, create_subprocess_exec("cat", [""; 0]));
        let transport = transport.await.unwrap();
        assert_eq!(journal.lines(), ["made"]);
        let stdin = transport.get_pipe_transport(0).unwrap();
        stdin.write(b"hello");
        until(|| journal.lines().len() == 2).await;
        stdin.write(b" again");
        stdin.write_eof();
        end(&journal).await;
        whole(&journal, vec!["data 1", "pipe 0 lost", "pipe 1 lost", "pipe 2 lost", "exited 0"]);
        before(&journal, "data 1", "pipe 1 lost");
        assert_eq!(data.lock().unwrap()[1], b"hello again");
        assert_eq!(transport.get_returncode(), Some(0));
    });
}

#[test]
fn both_outputs_are_told_apart() {
    everywhere(|| async {
        let journal = Journal::new();
        let protocol = NotedChild::new(&journal);
        let data = protocol.data();
        subprocess_shell(|| protocol, "echo out; echo err >&2; exit 7").await.unwrap();
        end(&journal).await;
        let pipes = ["data 1", "data 2", "pipe 0 lost", "pipe 1 lost", "pipe 2 lost"];
        whole(&journal, [&pipes[..], &["exited 7"]].concat());
        before(&journal, "data 1", "pipe 1 lost");
        before(&journal, "data 2", "pipe 2 lost");
        assert_eq!(data.lock().unwrap()[1..], [b"out\n".to_vec(), b"err\n".to_vec()]);
    });
}

#[test]
fn shared_output_is_one_pipe() {
    everywhere(|| async {
        let journal = Journal::new();
        let protocol = NotedChild::new(&journal);
        let data = protocol.data();
        let mut command = sh("echo out; echo err >&2");
        command.stdin(DEVNULL).stderr(STDOUT);
        let transport = subprocess_exec(|| protocol, &mut command).await.unwrap();
        assert!(transport.get_pipe_transport(0).is_none());
        assert!(transport.get_pipe_transport(2).is_none());
        assert!(transport.get_pipe_transport(3).is_none());
        assert!(transport.get_pipe_transport(-1).is_none());
        end(&journal).await;
        whole(&journal, vec!["data 1", "pipe 1 lost", "exited 0"]);
        assert_eq!(data.lock().unwrap()[1], b"out\nerr\n");
    });
}

/// A pipe that ends early is told of then, and the transport lives on.
#[test]
fn stdout_that_is_closed_early() {
    everywhere(|| async {
        let journal = Journal::new();
        let protocol = NotedChild::new(&journal);
        let transport = subprocess_exec(|| protocol, sh("exec >&-; cat >/dev/null")).await.unwrap();
        until(|| journal.lines().len() == 2).await;
        assert_eq!(journal.lines(), ["made", "pipe 1 lost"]);
        assert_eq!(transport.get_returncode(), None);
        transport.get_pipe_transport(0).unwrap().write_eof();
        end(&journal).await;
        whole(&journal, vec!["pipe 0 lost", "pipe 1 lost", "pipe 2 lost", "exited 0"]);
    });
}

/// The process has ended, and somebody else holds its output: that is the end only when it is let go.
#[test]
fn exit_may_be_told_before_the_pipes_end() {
    everywhere(|| async {
        let journal = Journal::new();
        let (mut hold, held) = bowerbird::net::pipe::pipe().unwrap();
        // The grandchild reads what is standard input of the shell.
        let mut command = sh("exec 3<&0; cat <&3 & exit 4");
        command.stdin(held.into_blocking_fd().unwrap());
        let transport = subprocess_exec(|| NotedChild::new(&journal), &mut command).await.unwrap();
        drop(command);
        until(|| journal.lines().iter().any(|line| line == "exited 4")).await;
        assert_eq!(journal.lines(), ["made", "exited 4"]);
        hold.write_all(b"late").await.unwrap();
        until(|| journal.lines().len() == 3).await;
        drop(hold);
        end(&journal).await;
        before(&journal, "exited 4", "data 1");
        whole(&journal, vec!["exited 4", "data 1", "pipe 1 lost", "pipe 2 lost"]);
        assert_eq!(transport.get_returncode(), Some(4));
    });
}

#[test]
fn signals_end_it() {
    type Send = fn(&SubprocessTransport) -> io::Result<()>;
    let sends: [(Send, i32); 3] = [
        (|child| child.kill(), -9),
        (|child| child.terminate(), -15),
        (|child| child.send_signal(SignalKind::hangup()), -1),
    ];
    everywhere(|| async {
        for (send, code) in sends {
            let journal = Journal::new();
            let command = create_subprocess_exec("sleep", ["600"]);
            let transport = subprocess_exec(|| NotedChild::new(&journal), command).await.unwrap();
            assert!(transport.get_pid() > 0);
            send(&transport).unwrap();
            end(&journal).await;
            let exited = format!("exited {code}");
            whole(&journal, vec!["pipe 0 lost", "pipe 1 lost", "pipe 2 lost", &exited]);
            let error = send(&transport).unwrap_err();
            assert!(error.get_ref().is_some_and(|inner| inner.is::<ProcessLookupError>()));
            assert!(!transport.is_closing());
        }
    });
}

#[test]
fn close_kills_what_runs() {
    everywhere(|| async {
        let journal = Journal::new();
        let command = create_subprocess_exec("sleep", ["600"]);
        let transport = subprocess_exec(|| NotedChild::new(&journal), command).await.unwrap();
        transport.close();
        transport.close();
        assert!(transport.is_closing());
        end(&journal).await;
        whole(&journal, vec!["pipe 0 lost", "pipe 1 lost", "pipe 2 lost", "exited -9"]);
        assert_eq!(transport.get_returncode(), Some(-9));
    });
}

#[test]
fn close_in_the_first_call() {
    everywhere(|| async {
        let journal = Journal::new();
        let protocol = NotedChild::new(&journal).acting(|_, transport| transport.close());
        subprocess_exec(|| protocol, create_subprocess_exec("sleep", ["600"])).await.unwrap();
        end(&journal).await;
        whole(&journal, vec!["pipe 0 lost", "pipe 1 lost", "pipe 2 lost", "exited -9"]);
    });
}

/// A child that does not read: writes wait, the protocol pauses, and the end of the child is a broken pipe.
#[test]
fn stdin_pauses_and_breaks() {
    everywhere(|| async {
        let journal = Journal::new();
        let command = create_subprocess_exec("sleep", ["600"]);
        let transport = subprocess_exec(|| NotedChild::new(&journal), command).await.unwrap();
        let stdin = transport.get_pipe_transport(0).unwrap();
        fill(&stdin);
        until(|| journal.lines().len() == 2).await;
        transport.kill().unwrap();
        end(&journal).await;
        let broken = "pipe 0 lost BrokenPipe";
        whole(&journal, vec!["pause", broken, "pipe 1 lost", "pipe 2 lost", "exited -9"]);
        stdin.write(b"nobody reads this");
    });
}

#[test]
fn stdin_pauses_and_resumes() {
    everywhere(|| async {
        let journal = Journal::new();
        let protocol = NotedChild::new(&journal);
        let data = protocol.data();
        let transport = subprocess_exec(|| protocol, sh("wc -c")).await.unwrap();
        let stdin = transport.get_pipe_transport(0).unwrap();
        let count = fill(&stdin);
        until(|| journal.lines().len() == 2).await;
        stdin.write(b"\nrest");
        stdin.write_eof();
        end(&journal).await;
        let pipes = ["pipe 0 lost", "pipe 1 lost", "pipe 2 lost"];
        whole(&journal, [&pipes[..], &["pause", "resume", "data 1", "exited 0"]].concat());
        before(&journal, "pause", "resume");
        before(&journal, "resume", "pipe 0 lost");
        let counted = String::from_utf8_lossy(&data.lock().unwrap()[1]).trim().to_owned();
        assert_eq!(counted, (count + 5).to_string());
    });
}

#[test]
fn next_protocol_hears_the_rest() {
    everywhere(|| async {
        let (first, second) = (Journal::new(), Journal::new());
        let protocol = NotedChild::new(&first);
        let old = protocol.data();
        let transport = subprocess_exec(|| protocol, sh("cat")).await.unwrap();
        let next = NotedChild { transport: Some(transport.clone()), ..NotedChild::new(&second) };
        transport.set_protocol(next);
        let stdin = transport.get_pipe_transport(0).unwrap();
        stdin.write(b"x");
        until(|| second.lines().len() == 1).await;
        assert_eq!(Arc::strong_count(&old), 1, "the old one has gone");
        stdin.write_eof();
        end(&second).await;
        first.expect(&["made"]);
        let lines = second.lines();
        assert_eq!((lines[0].as_str(), lines[5].as_str()), ("data 1", "lost"), "{lines:?}");

        let late = NotedChild::new(&second);
        let unused = late.data();
        until(|| {
            transport
                .set_protocol(NotedChild { data: late.data.clone(), ..NotedChild::new(&second) });
            Arc::strong_count(&unused) == 2
        })
        .await;
    });
}

/// A pause of an output is that of its transport.
#[test]
fn output_pauses_by_its_transport() {
    everywhere(|| async {
        let journal = Journal::new();
        let protocol = NotedChild::new(&journal).acting(|call, transport| {
            if call == "made" {
                transport.get_pipe_transport(1).unwrap().pause_reading();
            }
        });
        let transport = subprocess_exec(|| protocol, sh("echo out; echo err >&2")).await.unwrap();
        until(|| journal.lines().iter().any(|line| line == "exited 0")).await;
        until(|| journal.lines().iter().any(|line| line == "pipe 2 lost")).await;
        assert!(of(&journal, "1").is_empty());
        transport.get_pipe_transport(1).unwrap().resume_reading();
        end(&journal).await;
        assert_eq!(of(&journal, "1"), ["data 1", "pipe 1 lost"]);
    });
}

#[test]
fn factory_and_program_that_fail() {
    on_workers(1, async {
        let journal = Journal::new();
        let missing = create_subprocess_exec("no-such-program", [""; 0]);
        let error = subprocess_exec(|| NotedChild::new(&journal), missing).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
        assert!(error.to_string().contains("no-such-program"));
        journal.expect(&[]);
        let caught =
            catch(|| drop(subprocess_shell(|| -> NotedChild { panic!("factory") }, "true")));
        assert!(caught.message.contains("factory"));
    });
}

#[test]
fn outside_a_runtime_it_panics_at_the_callers_line() {
    let journal = Journal::new();
    let command = || create_subprocess_exec("true", [""; 0]);
    let exec = catch(|| drop(subprocess_exec(|| NotedChild::new(&journal), command())));
    assert!(exec.message.contains("`subprocess_exec` was called outside"), "{exec:?}");
    let shell = catch(|| drop(subprocess_shell(|| NotedChild::new(&journal), "true")));
    assert!(shell.message.contains("`subprocess_shell` was called outside"), "{shell:?}");
    assert!([exec.file, shell.file].iter().all(|file| file.ends_with("subprocess.rs")));
}

#[test]
fn panic_in_connection_made_kills_it() {
    everywhere(|| async {
        let journal = Journal::new();
        let protocol = NotedChild::new(&journal)
            .acting(|call, _| assert_ne!(call, "made", "a panic that is wanted"));
        let sleep = create_subprocess_exec("sleep", ["600"]);
        let error = subprocess_exec(|| protocol, sleep).await.unwrap_err();
        assert!(error.to_string().contains("connection_made() panicked"));
        end(&journal).await;
        assert_eq!(journal.lines().last().unwrap(), "lost Other");
        assert_eq!(of(&journal, "exited"), ["exited -9"]);
    });
}

/// The pipe is lost with the panic as its error; the others go on.
#[test]
fn panic_in_pipe_data_received_loses_the_pipe() {
    everywhere(|| async {
        let journal = Journal::new();
        let protocol = NotedChild::new(&journal)
            .acting(|call, _| assert_ne!(call, "data 1", "a panic that is wanted"));
        let transport = subprocess_exec(|| protocol, sh("echo out; cat >&2")).await.unwrap();
        until(|| !of(&journal, "pipe 1").is_empty()).await;
        let stdin = transport.get_pipe_transport(0).unwrap();
        stdin.write(b"more");
        stdin.write_eof();
        end(&journal).await;
        let pipes = ["pipe 0 lost", "pipe 1 lost Other", "pipe 2 lost"];
        whole(&journal, [&pipes[..], &["data 1", "data 2", "exited 0"]].concat());
    });
}

/// Nobody waits for the transport any more: the process is killed. And so it is at the end of the run.
#[test]
fn given_up_it_is_killed() {
    everywhere(|| async {
        let (journal, dropped) = (Journal::new(), Counted::new());
        let guard = dropped.guard();
        let protocol = NotedChild::new(&journal).acting(move |_, _| {
            let _held = &guard;
        });
        drop(subprocess_exec(|| protocol, create_subprocess_exec("sleep", ["600"])));
        end(&journal).await;
        whole(&journal, vec!["pipe 0 lost", "pipe 1 lost", "pipe 2 lost", "exited -9"]);
        until(|| dropped.get() == 1).await;
    });
}

#[test]
fn end_of_the_run_kills_it() {
    for workers in [1, 2, 4] {
        let journal = Journal::new();
        let transport = on_workers(workers, async {
            let sleep = create_subprocess_exec("sleep", ["600"]);
            subprocess_exec(|| NotedChild::new(&journal), sleep).await.unwrap()
        });
        whole(&journal, vec!["pipe 0 lost", "pipe 1 lost", "pipe 2 lost"]);
        assert!(transport.is_closing());
        // Killed, though nobody waits any more.
        while transport.get_returncode().is_none() {
            std::thread::yield_now();
        }
        assert_eq!(transport.get_returncode(), Some(-9));
    }
}

/// A protocol that is shared stays reachable.
#[test]
fn shared_protocol_is_told() {
    on_workers(2, async {
        let journal = Journal::new();
        let shared = Arc::new(Mutex::new(NotedChild::new(&journal)));
        let given = shared.clone();
        subprocess_shell(move || given, "exit 3").await.unwrap();
        end(&journal).await;
        let transport = shared.lock().unwrap().transport.clone().unwrap();
        assert_eq!(transport.get_returncode(), Some(3));
        assert!(format!("{transport:?}").contains("returncode: Some(3)"));
    });
}
