//! Go as a peer in the cases about locks and channels, where `go` is installed.
//!
//! Its side is a program of its own, `benches/go/main.go`, which is built once a run into the directory of this
//! program. A measurement is a process of this program all the same, so that it pins itself to one CPU for one worker.

use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio};
use std::sync::OnceLock;

use crate::plan::Measurement;

pub(crate) const NAME: &str = "go";

/// Where a measurement finds the program that was built.
const PROGRAM: &str = "BOWERBIRD_GO_PEER";

const CASES: &[&str] = &[
    "lock_uncontended",
    "lock_contended",
    "lock_hand_over",
    "semaphore",
    "event_broadcast",
    "oneshot",
    "mpsc_1",
    "mpsc_8",
];

/// Whether it has this case, and is there.
pub(crate) fn has(case: &str) -> bool {
    CASES.contains(&case) && program().is_some()
}

/// What a measurement needs to know in its environment.
pub(crate) fn environment() -> Option<(&'static str, &'static PathBuf)> {
    program().map(|program| (PROGRAM, program))
}

/// The program; `None` without a `go`.
fn program() -> Option<&'static PathBuf> {
    static PLACE: OnceLock<Option<PathBuf>> = OnceLock::new();
    PLACE.get_or_init(build).as_ref()
}

fn build() -> Option<PathBuf> {
    let program = std::env::current_exe().ok()?.with_file_name("bowerbird-go-peer");
    let built = Command::new("go")
        .arg("build")
        .arg("-o")
        .arg(&program)
        .arg("main.go")
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/go"))
        .stderr(Stdio::inherit())
        .status();
    match built {
        Ok(status) if status.success() => Some(program),
        Ok(status) => {
            eprintln!("compare: without Go, whose program was not built: {status}");
            None
        }
        Err(error) => {
            eprintln!("compare: without Go: {error}");
            None
        }
    }
}

/// Measures, in a process of Go's.
pub(crate) fn run(measurement: &Measurement) -> ExitCode {
    let program = std::env::var_os(PROGRAM).map(PathBuf::from).or_else(build);
    let Some(program) = program else { return ExitCode::FAILURE };
    let Measurement { case, workers, budget, .. } = measurement;
    let status = Command::new(program)
        .args([case.to_string(), workers.to_string(), budget.as_millis().to_string()])
        .status();
    match status {
        Ok(status) if status.success() => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}
