//! A program under test, in a process of its own: what it says, and the signals that it gets.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// Longer than any program under test takes; what hangs is ended, and its test fails.
const LIMIT: Duration = Duration::from_secs(120);

/// A running program.
#[derive(Debug)]
pub struct Program {
    child: Child,
    output: BufReader<ChildStdout>,
    lines: Vec<String>,
    /// Dropped, it tells the watch that the program has ended.
    _is_watched: mpsc::Sender<()>,
}

/// How a program has ended.
#[derive(Debug)]
pub struct Ended {
    /// Its exit code, or the signal that ended it.
    pub status: ExitStatus,
    /// Every line that it said, also those that were waited for.
    pub lines: Vec<String>,
    /// What it wrote to standard error.
    pub errors: String,
}

impl Program {
    /// Starts a program, with both of its outputs read.
    pub fn start(command: &mut Command) -> Self {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program starts");
        let output = BufReader::new(child.stdout.take().expect("it is piped"));
        let (is_watched, ended) = mpsc::channel();
        let number = child.id();
        thread::spawn(move || {
            if ended.recv_timeout(LIMIT) == Err(mpsc::RecvTimeoutError::Timeout) {
                kill(number, "KILL");
            }
        });
        Self { child, output, lines: Vec::new(), _is_watched: is_watched }
    }

    /// Waits until the program says a line.
    #[track_caller]
    pub fn wait_for(&mut self, line: &str) {
        loop {
            let mut next = String::new();
            let count = self.output.read_line(&mut next).expect("its output is text");
            self.lines.push(next.trim_end().to_owned());
            if count == 0 {
                let mut errors = String::new();
                let pipe = self.child.stderr.as_mut().expect("it is piped");
                pipe.read_to_string(&mut errors).expect("text");
                panic!("it ended without saying {line:?}: {:?}\n{errors}", self.lines);
            }
            if next.trim_end() == line {
                return;
            }
        }
    }

    /// What it has said so far.
    pub fn lines(&self) -> &[String] {
        &self.lines
    }

    /// Sends a signal by its name: `INT`, `TERM`, ...
    pub fn send(&self, signal: &str) {
        kill(self.child.id(), signal);
    }

    /// Sends a signal again and again until the program has ended: two that come at once may be one.
    pub fn send_until_the_end(&mut self, signal: &str) {
        while self.child.try_wait().expect("it was started").is_none() {
            self.send(signal);
        }
    }

    /// Waits for the end.
    #[track_caller]
    pub fn end(self) -> Ended {
        let Self { child, mut output, mut lines, _is_watched } = self;
        let mut rest = String::new();
        output.read_to_string(&mut rest).expect("its output is text");
        lines.extend(rest.lines().map(str::to_owned));
        let output = child.wait_with_output().expect("it was started");
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        Ended { status: output.status, lines, errors }
    }
}

fn kill(process: u32, signal: &str) {
    let command = format!("kill -{signal} {process}");
    let _it_may_have_ended = Command::new("sh").args(["-c", &command]).status();
}
