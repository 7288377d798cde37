//! Tests that need a process of their own: they count its threads, or set its environment.

use std::env;
use std::process::{Command, Output};

const VARIABLE: &str = "BOWERBIRD_TEST_IN_OWN_PROCESS";

/// Runs the body of the test named `test` in a process where no other test runs, with `variables` set.
///
/// The process is this test program again, told to run that one test.
#[track_caller]
pub fn in_own_process(test: &str, variables: &[(&str, &str)], body: impl FnOnce()) {
    if env::var_os(VARIABLE).is_some_and(|value| value == test) {
        return body();
    }
    let output = child_command(test, variables).output().expect("the test program starts");
    let text = text_of(&output);
    // A name that does not fit would run no test, and pass.
    assert!(
        output.status.success() && text.contains("1 passed"),
        "{test} in its own process:\n{text}"
    );
    figures(&text).for_each(|line| println!("{line}"));
}

/// The command that runs one test of this program in a process of its own.
pub fn child_command(test: &str, variables: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env::current_exe().expect("the path of this program"));
    command.args([test, "--exact", "--nocapture", "--test-threads=1"]);
    command.env_remove("BOWERBIRD_WORKERS").env(VARIABLE, test).envs(variables.iter().copied());
    command
}

/// Both outputs of a process.
pub fn text_of(output: &Output) -> String {
    let mut text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.push_str(&String::from_utf8_lossy(&output.stderr));
    text
}

/// What a test has measured: lines that say so are passed on.
fn figures(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter(|line| line.contains("figure:"))
}
