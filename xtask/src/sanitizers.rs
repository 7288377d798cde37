//! ThreadSanitizer and AddressSanitizer, each with a mistake on purpose that it must catch.
//!
//! ThreadSanitizer needs a std that is built with it, or it reports races that are none. Where rustup
//! cannot give the sources of std, Debian's packages do: its own compiler with `-Zbuild-std`, linked with
//! the sanitizer's runtime of the nightly toolchain. AddressSanitizer works with nightly's std as it is.

use std::fs;
use std::path::{Path, PathBuf};

use crate::command::{Outcome, Run, absolute, target_directory};
use crate::debian;

const TARGET: &str = "x86_64-unknown-linux-gnu";
const TESTED: &str = "-p bowerbird-base -p bowerbird-core -p bowerbird-io -p bowerbird-timer -p bowerbird-sync \
                      -p bowerbird-net -p bowerbird --lib";

/// The mistakes on purpose: each the source of a package of its own.
const RACE: &str = include_str!("../canaries/race.rs");
const RACE_OF_READ: &str = include_str!("../canaries/race-of-read.rs");
const LEAK: &str = include_str!("../canaries/leak.rs");

/// The reports that are not ours and no defect, each with its reason.
const SUPPRESSIONS: &str = include_str!("tsan-suppressions.txt");

/// Runs the tests under ThreadSanitizer. The mistake on purpose is made with the suppressions in force.
pub(crate) fn tsan(rest: &[String]) -> Outcome {
    debian::install_rust()?;
    let directory = absolute(&target_directory("tsan"))?;
    let suppressions = format!("{directory}/suppressions.txt");
    fs::write(&suppressions, SUPPRESSIONS).map_err(|error| format!("{suppressions}: {error}"))?;
    let options = format!("suppressions={suppressions}");
    let linker = write_linker(&directory)?;
    let flags = format!("-Zsanitizer=thread -Zexternal-clangrt -Clinker={linker}");
    let run = |arguments: &str| {
        debian::cargo(arguments, TARGET, &directory)
            .env("RUSTFLAGS", &flags)
            .env("TSAN_OPTIONS", &options)
    };
    for (name, source) in [("race", RACE), ("race-of-read", RACE_OF_READ)] {
        let canary = write_canary(&directory, name, source)?;
        expect_caught(run("test --lib").directory(&canary), "ThreadSanitizer: data race")?;
    }
    run(&test_arguments(rest)).run_tests().map(|_| ())
}

/// Runs the tests under AddressSanitizer and LeakSanitizer.
pub(crate) fn asan(rest: &[String]) -> Outcome {
    let directory = absolute(&target_directory("asan"))?;
    let run = |arguments: &str| {
        Run::cargo(&format!("+nightly {arguments} --target {TARGET}"))
            .env("RUSTFLAGS", "-Zsanitizer=address")
            .env("CARGO_TARGET_DIR", &directory)
    };
    let canary = write_canary(&directory, "leak", LEAK)?;
    expect_caught(run("test --lib").directory(&canary), "LeakSanitizer: detected memory leaks")?;
    run(&test_arguments(rest)).run_tests().map(|_| ())
}

fn test_arguments(rest: &[String]) -> String {
    if rest.is_empty() { format!("test {TESTED}") } else { format!("test {}", rest.join(" ")) }
}

/// A sanitizer that misses a mistake made on purpose checks nothing.
fn expect_caught(run: Run, report: &str) -> Outcome {
    let (succeeded, text) = run.capture()?;
    if succeeded || !text.contains(report) {
        return Err(format!("the seeded mistake was not caught: no `{report}` in\n{text}"));
    }
    eprintln!("the seeded mistake was caught: {report}");
    Ok(())
}

/// A package of its own whose one test makes the mistake.
fn write_canary(directory: &str, name: &str, source: &str) -> Result<String, String> {
    let package = format!("{directory}/canary-{name}");
    let manifest = format!(
        "[package]\nname = \"canary-{name}\"\nversion = \"0.0.0\"\nedition = \"2024\"\n[workspace]\n"
    );
    fs::create_dir_all(format!("{package}/src"))
        .and_then(|()| fs::write(format!("{package}/Cargo.toml"), manifest))
        .and_then(|()| fs::write(format!("{package}/src/lib.rs"), source))
        .map_err(|error| format!("{package}: {error}"))?;
    Ok(package)
}

/// A linker that puts nightly's sanitizer runtime before the objects; behind them it does not link.
fn write_linker(directory: &str) -> Result<String, String> {
    let runtime = nightly_runtime()?;
    let script = format!(
        "#!/bin/sh\n\
         for a in \"$@\"; do case \"$a\" in *build-script*|*build_script*) exec cc \"$@\";; esac; done\n\
         exec cc -Wl,--whole-archive {} -Wl,--no-whole-archive -Wl,--export-dynamic \"$@\" \
         -lm -lpthread -ldl -lrt -lc\n",
        runtime.display()
    );
    let path = format!("{directory}/linker.sh");
    fs::write(&path, script).map_err(|error| format!("{path}: {error}"))?;
    Run::new("chmod").words("+x").arguments([&path]).run()?;
    Ok(path)
}

fn nightly_runtime() -> Result<PathBuf, String> {
    let (succeeded, text) = Run::new("rustc").words("+nightly --print sysroot").capture()?;
    let runtime = Path::new(text.trim())
        .join("lib/rustlib")
        .join(TARGET)
        .join("lib/librustc-nightly_rt.tsan.a");
    if succeeded && runtime.exists() {
        Ok(runtime)
    } else {
        Err(format!("needs the nightly toolchain: {} is not there", runtime.display()))
    }
}
