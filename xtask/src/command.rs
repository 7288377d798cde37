//! Running commands: printed, and their tests counted.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

/// What a word comes to; the error is for the user.
pub(crate) type Outcome = Result<(), String>;

/// A command that prints itself before it runs.
pub(crate) struct Run {
    command: Command,
    shown: String,
}

impl Run {
    pub(crate) fn new(program: &str) -> Self {
        Self { command: Command::new(program), shown: program.to_owned() }
    }

    pub(crate) fn cargo(arguments: &str) -> Self {
        // The cargo that runs xtask; a `+toolchain` needs rustup's.
        let program = if arguments.starts_with('+') { "cargo".into() } else { cargo() };
        let mut run = Self { command: Command::new(program), shown: "cargo".to_owned() };
        if arguments.starts_with('+') {
            run.command.env_remove("RUSTUP_TOOLCHAIN");
        }
        run.words(arguments)
    }

    /// Adds arguments that hold no spaces.
    pub(crate) fn words(self, arguments: &str) -> Self {
        self.arguments(arguments.split_whitespace())
    }

    pub(crate) fn arguments<S: AsRef<str>>(
        mut self,
        arguments: impl IntoIterator<Item = S>,
    ) -> Self {
        for argument in arguments {
            self.shown.push(' ');
            self.shown.push_str(argument.as_ref());
            self.command.arg(argument.as_ref());
        }
        self
    }

    /// Adds many arguments, and shows this text in their place.
    pub(crate) fn arguments_shown_as(mut self, arguments: &[&str], shown: &str) -> Self {
        self.shown = format!("{} {shown}", self.shown);
        self.command.args(arguments);
        self
    }

    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.shown.insert_str(0, &format!("{name}=\"{value}\" "));
        self.command.env(name, value);
        self
    }

    pub(crate) fn directory(mut self, directory: &str) -> Self {
        self.shown = format!("cd {directory} && {}", self.shown);
        self.command.current_dir(directory);
        self
    }

    /// Runs it to its end.
    pub(crate) fn run(mut self) -> Outcome {
        eprintln!("$ {}", self.shown);
        let status = self.command.status().map_err(|error| format!("{}: {error}", self.shown))?;
        if status.success() { Ok(()) } else { Err(format!("failed: {}", self.shown)) }
    }

    /// Runs tests and fails if they fail, or if there were none. Returns how many passed.
    pub(crate) fn run_tests(mut self) -> Result<usize, String> {
        eprintln!("$ {}", self.shown);
        let fail = |error: std::io::Error| format!("{error}");
        let mut child = self.command.stdout(Stdio::piped()).spawn().map_err(fail)?;
        let mut passed = 0;
        if let Some(stdout) = child.stdout.take() {
            for line in BufReader::new(stdout).split(b'\n') {
                let line = line.map_err(fail)?;
                let line = String::from_utf8_lossy(&line);
                println!("{line}");
                passed += passed_tests(&line);
            }
        }
        if !child.wait().map_err(fail)?.success() {
            return Err(format!("failed: {}", self.shown));
        }
        if passed == 0 {
            return Err(format!("ran zero tests: {}", self.shown));
        }
        Ok(passed)
    }

    /// The same for each target of tests: an error if one has failed, or if none ran a test.
    pub(crate) fn run_tests_by_target(mut self) -> Result<Vec<Tested>, String> {
        eprintln!("$ {}", self.shown);
        let fail = |error: std::io::Error| format!("{error}");
        // One pipe for both, or nobody knows which summary belongs to which name.
        let (reader, writer) = std::io::pipe().map_err(fail)?;
        self.command.stdout(writer.try_clone().map_err(fail)?).stderr(writer);
        let mut child = self.command.spawn().map_err(fail)?;
        // Its ends of the pipe are open in `command`, and would keep the pipe from its end.
        drop(self.command);
        let mut tested = Vec::new();
        for line in BufReader::new(reader).split(b'\n') {
            let line = line.map_err(fail)?;
            let line = String::from_utf8_lossy(&line);
            println!("{line}");
            note_line(&line, &mut tested);
        }
        if !child.wait().map_err(fail)?.success() {
            return Err(format!("failed: {}", self.shown));
        }
        if tested.iter().all(|each| each.passed == 0) {
            return Err(format!("ran zero tests: {}", self.shown));
        }
        Ok(tested)
    }

    /// Runs it and returns whether it succeeded, with all it printed.
    pub(crate) fn capture(mut self) -> Result<(bool, String), String> {
        eprintln!("$ {}", self.shown);
        let output = self.command.output().map_err(|error| format!("{}: {error}", self.shown))?;
        let mut text = String::from_utf8_lossy(&output.stdout).into_owned();
        text.push_str(&String::from_utf8_lossy(&output.stderr));
        Ok((output.status.success(), text))
    }
}

fn cargo() -> std::ffi::OsString {
    std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}

/// What ran of one target of tests.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Tested {
    /// Its source file.
    pub(crate) target: String,
    pub(crate) passed: usize,
    /// How many tests `--skip` or a filter has left out.
    pub(crate) left_out: usize,
}

/// Takes down a target that cargo says it runs, and the summary that follows.
fn note_line(line: &str, tested: &mut Vec<Tested>) {
    let words: Vec<_> = line.split_whitespace().collect();
    if let ["Running", rest @ .., executable] = &*words
        && executable.starts_with('(')
    {
        let name = executable.rsplit(['/', '\\']).next().unwrap_or_default();
        let name = name.rsplit_once('-').map_or(name, |(name, _)| name);
        tested.push(Tested {
            target: format!("{} ({name})", rest.join(" ")),
            passed: 0,
            left_out: 0,
        });
    }
    if let Some(last) = tested.last_mut() {
        last.passed += passed_tests(line);
        last.left_out += left_out_tests(line);
    }
}

/// The number in `test result: ok. ..; 2 filtered out; ..`.
fn left_out_tests(line: &str) -> usize {
    let of_summary = line.strip_prefix("test result: ok. ").unwrap_or_default();
    let counts = of_summary.split("; ").filter_map(|part| part.strip_suffix(" filtered out"));
    counts.filter_map(|count| count.parse::<usize>().ok()).sum()
}

/// The number in `test result: ok. 28 passed; ..`.
fn passed_tests(line: &str) -> usize {
    line.strip_prefix("test result: ok. ")
        .and_then(|rest| rest.split_once(" passed"))
        .and_then(|(count, _)| count.parse().ok())
        .unwrap_or(0)
}

/// Where builds with other flags go, so that they do not evict the ordinary one.
pub(crate) fn target_directory(kind: &str) -> String {
    format!("{}/{kind}", target_directory_root())
}

/// Where the ordinary builds go.
pub(crate) fn target_directory_root() -> String {
    std::env::var("CARGO_TARGET_DIR").unwrap_or_else(|_| "target".to_owned())
}

/// Makes a directory, and says where it is.
pub(crate) fn absolute(path: &str) -> Result<String, String> {
    fs::create_dir_all(path).map_err(|error| format!("{path}: {error}"))?;
    let path = Path::new(path).canonicalize().map_err(|error| format!("{path}: {error}"))?;
    Ok(path.display().to_string())
}

#[cfg(test)]
mod tests {
    use super::{Run, Tested, note_line, passed_tests};

    #[test]
    fn tests_are_counted_for_each_target() {
        let lines = "\
     Running unittests src/lib.rs (target/x86_64-pc-windows-gnu/debug/deps/bowerbird_io-0a1b.exe)
test a ... ok
test result: ok. 3 passed; 0 failed; 0 ignored; 0 measured; 1 filtered out; finished in 0.01s
     Running tests/tcp.rs (/t/debug/deps/tcp-2c.exe)
Running out of names
test result: ok. 5 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.01s";
        let mut tested = Vec::new();
        lines.lines().for_each(|line| note_line(line, &mut tested));
        let expected =
            |target: &str, passed, left_out| Tested { target: target.to_owned(), passed, left_out };
        assert_eq!(
            tested,
            [
                expected("unittests src/lib.rs (bowerbird_io)", 3, 1),
                expected("tests/tcp.rs (tcp)", 5, 0)
            ]
        );
    }

    #[test]
    fn passed_tests_are_read_from_the_summary_line_only() {
        assert_eq!(passed_tests("test result: ok. 28 passed; 0 failed; 0 ignored"), 28);
        assert_eq!(passed_tests("test a::b ... ok"), 0);
        assert_eq!(passed_tests("test result: FAILED. 3 passed; 1 failed"), 0);
    }

    #[cfg(unix)]
    #[test]
    fn run_of_zero_tests_fails() {
        let summary = |count: &str| {
            Run::new("sh")
                .arguments(["-c", &format!("echo 'test result: ok. {count} passed; 0 failed'")])
        };
        assert_eq!(summary("2").run_tests(), Ok(2));
        assert!(summary("0").run_tests().unwrap_err().starts_with("ran zero tests"));
        assert!(Run::new("sh").arguments(["-c", "exit 1"]).run_tests().is_err());
    }
}
