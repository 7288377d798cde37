//! What a program pays for its runtime when it is built: `cargo xtask build-cost`.
//!
//! Two programs that print one line, one on bowerbird as it is by default and one on tokio with `full`, are built
//! from nothing with cargo's own release profile: how many crates, how much CPU time, how large the program.
//! The CPU time is that of all processes of the build, from `/proc`; the wall time belongs to a machine that may
//! have other work.

use std::fs;
use std::path::Path;
use std::time::Instant;

use crate::command::{Outcome, Run, target_directory};

/// A program: its name, its dependency, and its source.
struct Hello {
    name: &'static str,
    dependency: String,
    source: &'static str,
}

/// What one build took.
struct Cost {
    crates: usize,
    crates_and_build_tools: usize,
    cpu_seconds: f64,
    wall_seconds: f64,
    bytes: u64,
    stripped_bytes: u64,
}

/// Builds both and prints a table.
pub(crate) fn run() -> Outcome {
    let here = std::env::current_dir().map_err(|error| error.to_string())?;
    let hellos = [
        Hello {
            name: "bowerbird",
            dependency: format!("bowerbird = {{ path = \"{}/crates/bowerbird\" }}", here.display()),
            source: "fn main() { bowerbird::run(async { println!(\"hello\") }); }\n",
        },
        Hello {
            name: "tokio-full",
            dependency: "tokio = { version = \"1\", features = [\"full\"] }".to_owned(),
            source: "#[tokio::main]\nasync fn main() { println!(\"hello\"); }\n",
        },
    ];
    println!(
        "| | crates | with macros and build scripts | CPU s | wall s | hello, bytes | stripped |"
    );
    println!("|---|---|---|---|---|---|---|");
    for hello in &hellos {
        let cost = build(hello)?;
        println!(
            "| {} | {} | {} | {:.1} | {:.1} | {} | {} |",
            hello.name,
            cost.crates,
            cost.crates_and_build_tools,
            cost.cpu_seconds,
            cost.wall_seconds,
            cost.bytes,
            cost.stripped_bytes
        );
    }
    Ok(())
}

fn build(hello: &Hello) -> Result<Cost, String> {
    let package = format!("{}/{}", target_directory("build-cost"), hello.name);
    let target = format!("{package}/target");
    write(&package, hello).map_err(|error| format!("{package}: {error}"))?;
    let manifest = format!("--manifest-path={package}/Cargo.toml");
    Run::cargo("fetch --quiet").arguments([&manifest]).run()?;
    let (started, cpu_before) = (Instant::now(), cpu_seconds_of_children()?);
    Run::cargo("build --release --quiet")
        .arguments([&manifest])
        .env("CARGO_TARGET_DIR", &target)
        .run()?;
    let cpu_seconds = cpu_seconds_of_children()? - cpu_before;
    let wall_seconds = started.elapsed().as_secs_f64();
    let (program, stripped) = (format!("{target}/release/hello"), format!("{package}/stripped"));
    Run::new("strip").arguments(["-o", &stripped, &program]).run()?;
    Ok(Cost {
        crates: crates(&manifest, "normal,no-proc-macro")?,
        crates_and_build_tools: crates(&manifest, "normal,build")?,
        cpu_seconds,
        wall_seconds,
        bytes: size(&program)?,
        stripped_bytes: size(&stripped)?,
    })
}

/// A package of its own, from nothing.
fn write(package: &str, hello: &Hello) -> std::io::Result<()> {
    if Path::new(package).exists() {
        fs::remove_dir_all(package)?;
    }
    fs::create_dir_all(format!("{package}/src"))?;
    let manifest = format!(
        "[package]\nname = \"hello\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[dependencies]\n{}\n\n[workspace]\n",
        hello.dependency
    );
    fs::write(format!("{package}/Cargo.toml"), manifest)?;
    fs::write(format!("{package}/src/main.rs"), hello.source)
}

/// How many crates are below the program, on this platform.
fn crates(manifest: &str, edges: &str) -> Result<usize, String> {
    let run = Run::cargo("tree --prefix none --no-dedupe --edges").arguments([edges, manifest]);
    let (succeeded, text) = run.capture()?;
    if !succeeded {
        return Err(text);
    }
    Ok(distinct_packages(&text) - 1)
}

/// Of lines like `libc v0.2.1` or `hello v0.0.0 (/path)`.
fn distinct_packages(tree: &str) -> usize {
    let packages: std::collections::BTreeSet<_> = tree
        .lines()
        .map(|line| line.split_whitespace().take(2).collect::<Vec<_>>().join(" "))
        .filter(|package| package.contains(" v"))
        .collect();
    packages.len()
}

fn size(path: &str) -> Result<u64, String> {
    fs::metadata(path).map(|it| it.len()).map_err(|error| format!("{path}: {error}"))
}

/// User and system time of the processes that have ended below this one.
fn cpu_seconds_of_children() -> Result<f64, String> {
    const TICKS_A_SECOND: f64 = 100.0;
    let stat = fs::read_to_string("/proc/self/stat")
        .map_err(|error| format!("/proc/self/stat: {error}"))?;
    let ticks = children_ticks(&stat).ok_or_else(|| format!("what is {stat}?"))?;
    Ok(ticks as f64 / TICKS_A_SECOND)
}

/// The fields `cutime` and `cstime`. The name, in brackets, may hold spaces.
fn children_ticks(stat: &str) -> Option<u64> {
    let fields: Vec<_> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let tick = |index: usize| fields.get(index)?.parse::<u64>().ok();
    Some(tick(13)? + tick(14)?)
}

#[cfg(test)]
mod tests {
    use super::{children_ticks, distinct_packages};

    #[test]
    fn packages_are_counted_once() {
        let tree = "hello v0.0.0 (/tmp/hello)\nlibc v0.2.1\nmio v1.0.0\nlibc v0.2.1\n\n";
        assert_eq!(distinct_packages(tree), 3);
    }

    #[test]
    fn ticks_of_children_are_found_behind_any_name() {
        let stat = "12 (a b) c) S 1 2 3 4 5 6 7 8 9 10 11 12 130 140 15";
        assert_eq!(children_ticks(stat), Some(270));
        assert_eq!(children_ticks("12 (a) S 1"), None);
    }
}
