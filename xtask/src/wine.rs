//! The tests as Windows programs, run under wine.
//!
//! Debian's compiler builds them, with a std of its own, for the GNU flavour of Windows; mingw links them. What is
//! Windows about them is real: IOCP and AFD in `polling`, handles, the scheduling of another system. What
//! wine does otherwise than Windows is in [`LIMITS`] and nowhere else.

use std::fs;
use std::path::Path;

use crate::command::{Outcome, Run, Tested, absolute, target_directory};
use crate::debian::{self, Program};

pub(crate) const TARGET: &str = "x86_64-pc-windows-gnu";
const WINE: &str = "/usr/lib/wine/wine64";
const WINE_SERVER: &str = "/usr/lib/wine/wineserver64";
const LINKER: &str = "x86_64-w64-mingw32-gcc";

/// The longest that one program of tests may take, in seconds: a test that hangs fails, and is not waited for.
const TIME_LIMIT: u32 = 180;

const PROGRAMS: &[Program] =
    &[(WINE, "wine64"), (WINE_SERVER, "wine64"), (LINKER, "gcc-mingw-w64-x86-64-posix")];

/// What is run without arguments.
const TESTED: &str = "\
    -p bowerbird-base -p bowerbird-core -p bowerbird-io -p bowerbird-timer -p bowerbird-sync \
    -p bowerbird-net -p bowerbird-tests --lib";

/// The files of integration tests that are run, of all the packages in [`TESTED`].
const FILES: &[&str] = &[
    // bowerbird-core
    "cancel",
    "cleanups",
    "executor",
    "left_behind",
    "panics",
    "regressions",
    "shutdown",
    // bowerbird-net
    "datagrams",
    "options",
    "tcp",
    // tests/: tasks, cancellation, groups
    "cancel_scope",
    "cleanup",
    "context",
    "gather",
    "group_policies",
    "join",
    "never_silent",
    "race",
    "run",
    "runtime",
    "select",
    "spawn",
    "test_tasks",
    "test_taskgroups",
    // tests/: clocks
    "interval",
    "sleep",
    "test_timeouts",
    "test_waitfor",
    // tests/: what the system brings
    "dns",
    "from_thread",
    "fs",
    "io_ext",
    "named_pipe",
    "process_any",
    "server",
    "sockets",
    "streams",
    "streams_any",
    "test_streams",
    "thread_pool",
    "tls",
];

/// The library of the integration tests: its own tests are of Unix.
const WITHOUT_TESTS: &str = "bowerbird_tests";

/// The tests that cannot pass under wine 8, and why. None is a defect of ours.
const LIMITS: &[(&str, &str)] = &[
    (
        "reset_by_the_peer_is_an_error",
        "wine reads a reset as the end of the stream, in a program in C as well; only a write meets it",
    ),
    ("reset_is_told_to_reader_and_writer", "the same"),
    ("client_that_is_cut_off_anywhere_is_an_error", "the same"),
    (
        "whole_files_are_written_read_copied_and_removed",
        "wine's CopyFileEx does not report its progress, which is how std counts what it has copied",
    ),
    (
        "first_instance_is_refused_if_there_is_one",
        "wine ignores FILE_FLAG_FIRST_PIPE_INSTANCE, in a program in C as well",
    ),
];

/// What stands in for a library that wine 8 does not have.
const PROCESS_PRNG: &str = include_str!("wine/process_prng.c");

/// Builds tests for Windows and runs them.
pub(crate) fn wine(rest: &[String]) -> Outcome {
    debian::require(&[debian::RUST, PROGRAMS].concat())?;
    let directory = absolute(&target_directory("wine"))?;
    let prefix = Prefix::open(&directory)?;
    let is_all = rest.is_empty();
    let arguments = if is_all { all() } else { rest.join(" ") };
    let ends = if arguments.contains(" -- ") { "" } else { " --" };
    let skipped: Vec<_> = LIMITS.iter().flat_map(|(name, _)| ["--skip", name]).collect();
    let tested = prefix
        .environment(debian::cargo(
            &format!("test --no-fail-fast {arguments}{ends}"),
            TARGET,
            &directory,
        ))
        .arguments(skipped)
        .run_tests_by_target()?;
    report(&tested, is_all)
}

fn all() -> String {
    let files: Vec<_> = FILES.iter().map(|name| format!(" --test {name}")).collect();
    format!("{TESTED}{}", files.concat())
}

/// Prints how many tests ran in each program, and what was left out. Every limit must have left out one test.
fn report(tested: &[Tested], is_all: bool) -> Outcome {
    eprintln!("\nunder wine:");
    for Tested { target, passed, .. } in tested {
        eprintln!("{passed:>6}  {target}");
    }
    eprintln!("{:>6}  in all", tested.iter().map(|each| each.passed).sum::<usize>());
    for (name, reason) in LIMITS {
        eprintln!("not run under wine: {name}: {reason}");
    }
    let ran_none = |each: &&Tested| each.passed == 0 && !each.target.contains(WITHOUT_TESTS);
    if let Some(none) = tested.iter().filter(|_| is_all).find(ran_none) {
        return Err(format!("ran zero tests: {}", none.target));
    }
    let left_out: usize = tested.iter().map(|each| each.left_out).sum();
    if is_all && left_out != LIMITS.len() {
        return Err(format!(
            "the list of limits names {} tests, and left out {left_out}",
            LIMITS.len()
        ));
    }
    Ok(())
}

/// A Windows of its own for the tests, in a directory.
struct Prefix(String);

impl Prefix {
    /// Makes it, unless it is there.
    fn open(directory: &str) -> Result<Self, String> {
        let prefix = Self(format!("{directory}/prefix"));
        // Else each program starts a server, which would keep the pipe that its output goes to.
        let _one_may_run_already = prefix.wine(WINE_SERVER).words("-p").run();
        let library = format!("{}/drive_c/windows/system32/bcryptprimitives.dll", prefix.0);
        if !Path::new(&library).exists() {
            prefix.wine(WINE).words("wineboot -i").run()?;
            let source = format!("{directory}/process_prng.c");
            fs::write(&source, PROCESS_PRNG).map_err(|error| format!("{source}: {error}"))?;
            Run::new(LINKER)
                .words("-shared -O2 -o")
                .arguments([&library, &source])
                .words("-ladvapi32")
                .run()?;
        }
        Ok(prefix)
    }

    fn wine(&self, program: &str) -> Run {
        self.environment(Run::new(program))
    }

    fn environment(&self, run: Run) -> Run {
        run.env("WINEPREFIX", &self.0)
            .env("WINEARCH", "win64")
            .env("WINEDEBUG", "-all")
            .env("DISPLAY", "")
            // To find the names for one takes wine a tenth of a second.
            .env("RUST_BACKTRACE", "0")
            // Less to write and to link, by much.
            .env("CARGO_PROFILE_DEV_DEBUG", "0")
            .env("CARGO_TARGET_X86_64_PC_WINDOWS_GNU_LINKER", LINKER)
            .env(
                "CARGO_TARGET_X86_64_PC_WINDOWS_GNU_RUNNER",
                &format!("timeout --kill-after=5 {TIME_LIMIT} {WINE}"),
            )
    }
}

impl Drop for Prefix {
    fn drop(&mut self) {
        let _ = self.wine(WINE_SERVER).words("-k").run();
    }
}
