//! Running commands: printed, and their tests counted.

use std::io::{BufRead, BufReader};
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

#[cfg(test)]
mod tests {
    use super::{Run, passed_tests};

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
