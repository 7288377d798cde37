//! The libraries, checked for systems that are not here.
//!
//! Debian's compiler builds std for each of them: a check needs no linker, and no C compiler but for the feature
//! `tls`, whose cryptography (ring) has parts in C and assembler. So `tls` is left out. For Windows by GNU
//! `cargo xtask wine` builds it, and the tests.

use std::time::Instant;

use crate::command::{Outcome, absolute, target_directory};
use crate::debian;

/// The targets, the ones that CI checks first.
const TARGETS: &[&str] = &[
    "aarch64-apple-darwin",
    "x86_64-unknown-freebsd",
    "x86_64-apple-darwin",
    "x86_64-unknown-netbsd",
    "x86_64-unknown-openbsd",
    "x86_64-unknown-dragonfly",
    "x86_64-unknown-illumos",
    "aarch64-linux-android",
    "x86_64-pc-windows-gnu",
    "x86_64-pc-windows-msvc",
    "x86_64-unknown-linux-musl",
    "aarch64-unknown-linux-gnu",
    "i686-unknown-linux-gnu",
    "riscv64gc-unknown-linux-gnu",
];

/// How many of them `quick` checks.
const QUICK: usize = 2;

/// Every library, with every feature but `tls`.
const LIBRARIES: &str = "-p bowerbird --features codec,hyper,tokio-io";

/// Checks the targets that are named, `quick` ones, or all.
pub(crate) fn targets(rest: &[String]) -> Outcome {
    debian::require(debian::RUST)?;
    let directory = absolute(&target_directory("targets"))?;
    let named: Vec<_> = match rest {
        [] => TARGETS.to_vec(),
        [word] if word == "quick" => TARGETS[..QUICK].to_vec(),
        names => names.iter().map(String::as_str).collect(),
    };
    let mut failed = Vec::new();
    for target in &named {
        let started = Instant::now();
        let outcome = debian::cargo(&format!("check {LIBRARIES}"), target, &directory)
            .env("CARGO_PROFILE_DEV_DEBUG", "0")
            .run();
        let seconds = started.elapsed().as_secs_f64();
        match outcome {
            Ok(()) => eprintln!("== {target}: checked in {seconds:.1} s, without tls"),
            Err(error) => {
                eprintln!("== {target}: {error}");
                failed.push(*target);
            }
        }
    }
    if failed.is_empty() {
        eprintln!("checked: {}", named.join(" "));
        Ok(())
    } else {
        Err(format!("these do not compile: {}", failed.join(" ")))
    }
}
