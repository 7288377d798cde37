//! Peers that are programs of their own: Go, and Python's asyncio with its own loop and with uvloop's.
//!
//! They are measured where they are installed. Go's side is built once a run into the directory of this program. A
//! measurement is a process of this program all the same, so that it pins itself to one CPU for one worker.

use std::env;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio};
use std::sync::OnceLock;

use crate::plan::Measurement;

pub(crate) const GO: &str = "go";
pub(crate) const ASYNCIO: &str = "asyncio";
pub(crate) const UVLOOP: &str = "uvloop";

/// Where a measurement finds Go's program.
const GO_PROGRAM: &str = "BOWERBIRD_GO_PEER";
/// Which Python is asked, `python3` if not said.
const PYTHON: &str = "BOWERBIRD_PYTHON";
const PYTHON_PROGRAM: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/python/peer.py");

/// What each of them says that it has.
struct Others {
    go: Vec<String>,
    asyncio: Vec<String>,
    has_uvloop: bool,
}

fn others() -> &'static Others {
    static OTHERS: OnceLock<Others> = OnceLock::new();
    OTHERS.get_or_init(|| Others {
        go: go_program().map_or_else(Vec::new, |program| cases(&mut Command::new(program))),
        asyncio: cases(Command::new(python()).arg(PYTHON_PROGRAM)),
        has_uvloop: says(Command::new(python()).args(["-c", "import uvloop; print(uvloop)"]))
            .is_some(),
    })
}

/// Those that have this case, and are there.
pub(crate) fn names(case: &str, workers: usize) -> Vec<&'static str> {
    let others = others();
    let has = |cases: &[String]| cases.iter().any(|each| each == case);
    let mut names = Vec::new();
    if has(&others.go) {
        names.push(GO);
    }
    // A loop is one thread.
    if workers == 1 && has(&others.asyncio) {
        names.push(ASYNCIO);
        if others.has_uvloop {
            names.push(UVLOOP);
        }
    }
    names
}

/// Their versions.
pub(crate) fn versions() -> Vec<(&'static str, String)> {
    let uvloop = "import uvloop; print(uvloop.__version__)";
    [
        ("go", says(Command::new("go").arg("version"))),
        ("python", says(Command::new(python()).arg("--version"))),
        ("uvloop", says(Command::new(python()).args(["-c", uvloop]))),
    ]
    .into_iter()
    .filter_map(|(name, version)| Some((name, version?.trim().to_owned())))
    .collect()
}

/// What a measurement needs to know in its environment.
pub(crate) fn environment() -> Option<(&'static str, &'static PathBuf)> {
    go_program().map(|program| (GO_PROGRAM, program))
}

fn python() -> OsString {
    env::var_os(PYTHON).unwrap_or_else(|| "python3".into())
}

/// What a program prints, if it can be run and is content.
fn says(command: &mut Command) -> Option<String> {
    let output = command.stderr(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The cases that a peer lists when asked for nothing else.
fn cases(program: &mut Command) -> Vec<String> {
    let list = says(program.arg("--list")).unwrap_or_default();
    list.split_ascii_whitespace().map(str::to_owned).collect()
}

/// The program; `None` without a `go`.
fn go_program() -> Option<&'static PathBuf> {
    static PLACE: OnceLock<Option<PathBuf>> = OnceLock::new();
    PLACE.get_or_init(build_go).as_ref()
}

fn build_go() -> Option<PathBuf> {
    let program = env::current_exe().ok()?.with_file_name("bowerbird-go-peer");
    let built = Command::new("go")
        .args(["build", "-o"])
        .arg(&program)
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

/// Measures in a process of Go's or Python's; `None` if what is measured is neither.
pub(crate) fn run(measurement: &Measurement) -> Option<ExitCode> {
    let mut command = match measurement.runtime.as_str() {
        GO => Command::new(env::var_os(GO_PROGRAM).map(PathBuf::from).or_else(build_go)?),
        ASYNCIO | UVLOOP => {
            let mut python = Command::new(python());
            python.args([PYTHON_PROGRAM, &measurement.runtime]);
            python
        }
        _ => return None,
    };
    let Measurement { case, workers, budget, .. } = measurement;
    let status = command
        .args([case.to_string(), workers.to_string(), budget.as_millis().to_string()])
        .status();
    match status {
        Ok(status) if status.success() => Some(ExitCode::SUCCESS),
        _ => Some(ExitCode::FAILURE),
    }
}
