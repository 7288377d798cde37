//! The words.

use std::path::Path;
use std::time::Instant;

use crate::command::{Outcome, Run, target_directory};
use crate::debian::{self, Program};
use crate::tidy::manifest;
use crate::{budgets, build_cost, sanitizers, targets, tidy, wine};

/// The crates that have loom models; each must run more than zero.
const LOOM_CRATES: &[&str] = &["base", "core", "io", "timer", "sync"];

/// The crates that users depend on.
const LIBRARIES: &[&str] = &[
    "bowerbird-base",
    "bowerbird-core",
    "bowerbird-io",
    "bowerbird-timer",
    "bowerbird-sync",
    "bowerbird-net",
    "bowerbird-process",
    "bowerbird-macros",
    "bowerbird",
];

/// The test target of `tests/` that runs the seed programs.
const SEED_PROGRAMS: &str = "seed_programs";

/// The oldest compiler for the libraries.
const MSRV: &str = "1.85";

const USAGE: &str = "\
usage: cargo xtask <word> [arguments]

  check             fmt, clippy, tidy, test, docs: before each commit
  ci                everything that .ci/run runs, with the time of each step
  fmt [--fix]       is the code formatted? (--fix: format it)
  clippy            warnings are errors, all targets and features
  tidy              the rules of this workspace that no compiler knows
  test [args]       cargo test --workspace
  docs              documentation without warnings
  loom [crate]      every interleaving of the models, of one crate or of all
  shuttle [args]    random schedules of primitives put together
  programs [args]   the seed programs print what asyncio prints, 50 times each under load
  peers [args]      curl, openssl, socat, nc and Python's asyncio at the other end
  features          each feature alone, none, and all
  msrv              the libraries compile with the oldest supported compiler
  wasm              what runs under any executor compiles for wasm32
  wine [args]       the tests as Windows programs, run under wine
  targets [names]   the libraries compile for systems that are not here (quick: two of them)
  tsan [args]       the tests under ThreadSanitizer; a seeded race must be caught
  asan [args]       the tests under AddressSanitizer; a seeded leak must be caught
  budgets [args]    instructions an operation within benches/budgets.txt (--write, --peers)
  build-cost        crates, CPU time and size of a first program, beside tokio's
  bench [args]      every case beside its peers (--quick: in two minutes; --plots DIR: as pictures)
  bench criterion [args]   the criterion benches
  soak [args]       the long stress tests
  stress-channels [count] [args]   so many values through each channel, 100,000,000 if not said";

type Step = (&'static str, fn() -> Outcome);

/// What must hold before a commit.
const CHECK: &[Step] = &[
    ("fmt", fmt),
    ("tidy", tidy::run),
    ("clippy", clippy),
    ("test", || test(&[])),
    ("docs", docs),
];

/// What must hold before a merge: the quick ones first.
const CI: &[Step] = &[
    ("fmt", fmt),
    ("tidy", tidy::run),
    ("clippy", clippy),
    ("test", || test(&[])),
    ("docs", docs),
    ("features", features),
    ("loom", || loom(&[])),
    ("shuttle", || shuttle(&[])),
    ("programs", || programs(&[])),
];

/// Runs one word.
pub(crate) fn run(word: &str, rest: &[String]) -> Outcome {
    match word {
        "check" => steps(CHECK),
        "ci" => steps(CI),
        "fmt" if rest == ["--fix"] => rustfmt(&[]),
        "fmt" => fmt(),
        "clippy" => clippy(),
        "tidy" => tidy::run(),
        "test" => test(rest),
        "docs" => docs(),
        "loom" => loom(rest),
        "shuttle" => shuttle(rest),
        "programs" => programs(rest),
        "peers" => peers(rest),
        "features" => features(),
        "msrv" => msrv(),
        "wasm" => wasm(),
        "wine" => wine::wine(rest),
        "targets" => targets::targets(rest),
        "tsan" => sanitizers::tsan(rest),
        "asan" => sanitizers::asan(rest),
        "budgets" => budgets::run(rest),
        "build-cost" => build_cost::run(),
        "bench" => bench(rest),
        "soak" => Run::cargo("test --release -p bowerbird-tests --features soak")
            .arguments(rest)
            .run_tests()
            .map(|_| ()),
        "stress-channels" => stress_channels(rest),
        _ => Err(format!("no such word\n{USAGE}")),
    }
}

/// Runs steps in order, stops at the first failure, and shows what each took.
fn steps(steps: &[Step]) -> Outcome {
    let mut times = Vec::new();
    let mut outcome = Ok(());
    for (name, step) in steps {
        eprintln!("== {name}");
        let started = Instant::now();
        outcome = step().map_err(|message| format!("{name}: {message}"));
        let line = format!("{name:<10} {:>7.1} s", started.elapsed().as_secs_f64());
        eprintln!("== {line}");
        times.push(line);
        if outcome.is_err() {
            break;
        }
    }
    eprintln!("\n{}", times.join("\n"));
    outcome
}

fn fmt() -> Outcome {
    rustfmt(&["--check"])
}

/// Formats every source file there is. `cargo fmt` follows `mod` lines, and passes over those inside of a
/// macro such as `model_or_real!`.
fn rustfmt(options: &[&str]) -> Outcome {
    let list = "ls-files --cached --others --exclude-standard -- *.rs";
    let (is_listed, text) = Run::new("git").words(list).capture()?;
    let files: Vec<_> = text.lines().filter(|path| Path::new(path).exists()).collect();
    if !is_listed || files.is_empty() {
        return Err(format!("git lists no source files: {text}"));
    }
    Run::new("rustfmt")
        .words("--edition 2024")
        .arguments(options)
        .arguments_shown_as(&files, &format!("({} files)", files.len()))
        .run()
}

fn clippy() -> Outcome {
    Run::cargo("clippy --workspace --all-targets --all-features -- -D warnings").run()
}

fn test(rest: &[String]) -> Outcome {
    Run::cargo("test --workspace").arguments(rest).run_tests().map(|_| ())
}

fn docs() -> Outcome {
    Run::cargo("doc --workspace --no-deps --all-features").env("RUSTDOCFLAGS", "-D warnings").run()
}

fn loom(rest: &[String]) -> Outcome {
    let (name, rest) = match rest.split_first() {
        Some((name, rest)) if !name.starts_with('-') => {
            (Some(name.trim_start_matches("bowerbird-")), rest)
        }
        _ => (None, rest),
    };
    if let Some(name) = name.filter(|name| !LOOM_CRATES.contains(name)) {
        return Err(format!("no models in `{name}`; there are some in {}", LOOM_CRATES.join(", ")));
    }
    let preemptions = std::env::var("LOOM_MAX_PREEMPTIONS").unwrap_or_else(|_| "2".to_owned());
    for each in LOOM_CRATES.iter().filter(|each| name.is_none_or(|name| name == **each)) {
        // Models are small: linking them fast matters more than what link-time optimisation saves.
        let passed = Run::cargo(&format!("test --release -p bowerbird-{each} --lib"))
            .arguments(rest)
            .env("CARGO_TARGET_DIR", &target_directory("loom"))
            .env("CARGO_PROFILE_RELEASE_LTO", "off")
            .env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16")
            .env("LOOM_MAX_PREEMPTIONS", &preemptions)
            .env("RUSTFLAGS", "--cfg bowerbird_loom")
            .run_tests()?;
        eprintln!("loom {each}: {passed} models");
    }
    Ok(())
}

/// What loom cannot explore: several primitives together, in random schedules.
fn shuttle(rest: &[String]) -> Outcome {
    let passed = Run::cargo("test --release -p bowerbird-sync --test shuttle")
        .arguments(rest)
        .env("CARGO_TARGET_DIR", &target_directory("shuttle"))
        .env("CARGO_PROFILE_RELEASE_LTO", "off")
        .env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16")
        .env("RUSTFLAGS", "--cfg bowerbird_shuttle")
        .run_tests()?;
    eprintln!("shuttle: {passed} programs");
    Ok(())
}

/// The programs that `peers` talks to, and the Debian packages that have them.
const PEERS: &[Program] = &[
    ("curl", "curl"),
    ("openssl", "openssl"),
    ("socat", "socat"),
    ("nc", "netcat-openbsd"),
    ("python3", "python3"),
];

fn peers(rest: &[String]) -> Outcome {
    debian::require(PEERS)?;
    Run::cargo("test -p bowerbird-tests --features peers --test peers")
        .arguments(rest)
        .run_tests()
        .map(|_| ())
}

/// The comparison program, or the criterion benches.
fn bench(rest: &[String]) -> Outcome {
    match rest.split_first() {
        Some((first, rest)) if first == "criterion" => {
            Run::cargo("bench -p bowerbird-benches").arguments(rest).run()
        }
        _ => {
            Run::cargo("run --release -p bowerbird-benches --bin compare --").arguments(rest).run()
        }
    }
}

/// One test after the other: each uses all processors.
fn stress_channels(rest: &[String]) -> Outcome {
    let (count, rest) = match rest.split_first() {
        Some((first, rest)) if first.parse::<u64>().is_ok() => (first.as_str(), rest),
        _ => ("100000000", rest),
    };
    Run::cargo("test --release -p bowerbird-tests --test stress_channels")
        .arguments(rest)
        .words("-- --nocapture --test-threads=1")
        .env("BOWERBIRD_STRESS_COUNT", count)
        .run_tests()
        .map(|_| ())
}

/// In full: 50 times each, on one worker and on four, under load.
fn programs(rest: &[String]) -> Outcome {
    Run::cargo(&format!("test --release -p bowerbird-tests --features soak --test {SEED_PROGRAMS}"))
        .arguments(rest)
        .run_tests()
        .map(|_| ())
}

fn features() -> Outcome {
    for package in ["bowerbird", "bowerbird-net"] {
        let path = format!("crates/{package}/Cargo.toml");
        let text = std::fs::read_to_string(&path).map_err(|error| format!("{path}: {error}"))?;
        let check = format!("check -p {package} --no-default-features");
        Run::cargo(&check).run()?;
        for feature in manifest::features(&text) {
            Run::cargo(&check).words("--features").arguments([feature]).run()?;
        }
        Run::cargo(&format!("check -p {package} --all-features")).run()?;
    }
    Ok(())
}

fn msrv() -> Outcome {
    if std::env::var_os("CI").is_some() {
        Run::new("rustup").words(&format!("toolchain install {MSRV} --profile minimal")).run()?;
    }
    let packages: Vec<_> = LIBRARIES.iter().map(|name| format!("-p {name}")).collect();
    Run::cargo(&format!("+{MSRV} check --all-features"))
        .words(&packages.join(" "))
        .env("CARGO_TARGET_DIR", &target_directory("msrv"))
        .run()
        .map_err(|error| format!("{error}\n(is it there? rustup toolchain install {MSRV})"))
}

fn wasm() -> Outcome {
    const TARGET: &str = "wasm32-unknown-unknown";
    Run::cargo(&format!("check -p bowerbird-sync --target {TARGET}"))
        .run()
        .map_err(|error| format!("{error}\n(is it there? rustup target add {TARGET})"))
}
