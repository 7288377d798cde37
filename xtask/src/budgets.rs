//! Instructions an operation, counted by valgrind and held to a budget: `cargo xtask budgets`.
//!
//! A wall time depends on the machine and its mood, a count of instructions on the code, the compiler and the C
//! library. The program `counts` (of `benches`, built without the peers) does a case a few times and, in a second run,
//! a few times more; the difference, divided by the operations in it, is the figure. It repeats within a few parts in
//! ten thousand, so a step that makes a case dearer by a per cent is seen, where it is made.
//!
//! The budgets stand in `benches/budgets.txt`. A case above its budget fails; one that is clearly below is told, so
//! that the budget follows. `--write` writes what was counted. Raising one needs a reason in the commit.
//!
//! Another compiler or another C library takes other instructions for the same lines. The file says which two it is
//! for; with others the tolerance is wider, and the output says so.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::process::Command;
use std::sync::Mutex;
use std::thread;

use crate::command::{Outcome, Run, target_directory_root};

mod file;
#[cfg(test)]
mod tests;

use file::{Budgets, Platform, Verdict};

const PATH: &str = "benches/budgets.txt";
const USAGE: &str = "usage: cargo xtask budgets [--write | --peers] [case ..]";
const OURS: &str = "bowerbird";

/// What the arguments ask for.
#[derive(Default)]
struct Request {
    write: bool,
    peers: bool,
    cases: Vec<String>,
}

/// A line of `counts --list`.
#[derive(Clone, Debug)]
struct Case {
    name: String,
    operations: u64,
    batches: (u64, u64),
    contenders: Vec<String>,
}

/// Counts, and compares with the budgets, writes them, or shows the peers beside.
pub(crate) fn run(arguments: &[String]) -> Outcome {
    let request = parse(arguments)?;
    if !Command::new("valgrind")
        .arg("--version")
        .output()
        .is_ok_and(|output| output.status.success())
    {
        return Err("first install valgrind: apt-get install valgrind".to_owned());
    }
    let features: &[&str] = if request.peers { &[] } else { &["--no-default-features"] };
    Run::cargo("build --release -p bowerbird-benches --bin counts").arguments(features).run()?;
    let program = format!("{}/release/counts", target_directory_root());
    let cases = select(list(&program)?, &request.cases)?;
    let names: &[&str] = if request.peers {
        &["bowerbird", "tokio", "tokio-current", "smol", "smol-static"]
    } else {
        &[OURS]
    };
    eprintln!("$ valgrind {} {program} RUNTIME CASE BATCHES", VALGRIND.join(" "));
    let counts = count_all(&program, &cases, names)?;
    if request.peers {
        println!("{}", table(&cases, names, &counts));
        return Ok(());
    }
    let counted: BTreeMap<_, _> =
        counts.into_iter().map(|((case, _), count)| (case, count)).collect();
    let platform = Platform::here()?;
    if request.write {
        return write(counted, platform, request.cases.is_empty());
    }
    compare(&counted, &platform, request.cases.is_empty())
}

fn parse(arguments: &[String]) -> Result<Request, String> {
    let mut request = Request::default();
    for argument in arguments {
        match argument.as_str() {
            "--write" => request.write = true,
            "--peers" => request.peers = true,
            option if option.starts_with('-') => return Err(format!("what is {option}?\n{USAGE}")),
            case => request.cases.push(case.to_owned()),
        }
    }
    if request.write && request.peers {
        return Err(format!("peers have no budgets\n{USAGE}"));
    }
    Ok(request)
}

/// The cases that the program has.
fn list(program: &str) -> Result<Vec<Case>, String> {
    let (succeeded, text) = Run::new(program).arguments(["--list"]).capture()?;
    let cases: Option<Vec<_>> = text.lines().map(parse_case).collect();
    cases.filter(|_| succeeded).ok_or_else(|| format!("{program} --list said:\n{text}"))
}

fn parse_case(line: &str) -> Option<Case> {
    let mut words = line.split_whitespace();
    let name = words.next()?.to_owned();
    let mut number = || words.next()?.parse().ok();
    let (operations, few, more) = (number()?, number()?, number()?);
    Some(Case {
        name,
        operations,
        batches: (few, more),
        contenders: words.map(str::to_owned).collect(),
    })
}

/// Those that were asked for, or all. None is an error: what counts nothing finds nothing.
fn select(all: Vec<Case>, wanted: &[String]) -> Result<Vec<Case>, String> {
    for name in wanted {
        if !all.iter().any(|case| case.name == *name) {
            let names: Vec<_> = all.iter().map(|case| case.name.as_str()).collect();
            return Err(format!("no case `{name}`; there are {}", names.join(", ")));
        }
    }
    let cases: Vec<_> =
        all.into_iter().filter(|case| wanted.is_empty() || wanted.contains(&case.name)).collect();
    if cases.is_empty() { Err("counted zero cases".to_owned()) } else { Ok(cases) }
}

/// Instructions an operation, by case and contender.
type Counts = BTreeMap<(String, String), f64>;

/// Counts on as many threads as the machine has processors: a count does not mind company.
fn count_all(program: &str, cases: &[Case], names: &[&str]) -> Result<Counts, String> {
    let left: Vec<_> = cases
        .iter()
        .flat_map(|case| names.iter().map(move |name| (case, *name)))
        .filter(|(case, name)| case.contenders.iter().any(|each| each == name))
        .collect();
    let left = Mutex::new(left);
    let done = Mutex::new(Ok(Counts::new()));
    let work = || {
        while let Some((case, name)) = left.lock().expect("nobody panics").pop() {
            let count = count(program, case, name);
            let mut done = done.lock().expect("nobody panics");
            let Ok(counts) = &mut *done else { return };
            match count {
                Ok(count) => {
                    counts.insert((case.name.clone(), name.to_owned()), count);
                }
                Err(error) => *done = Err(error),
            }
        }
    };
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(work);
        }
    });
    done.into_inner().expect("nobody panics")
}

/// What the longer run takes beyond the shorter, for each operation.
fn count(program: &str, case: &Case, name: &str) -> Result<f64, String> {
    let (few, more) = case.batches;
    let fewer = instructions(program, name, &case.name, few)?;
    let all = instructions(program, name, &case.name, more)?;
    let operations = (more - few) * case.operations;
    Ok(all.saturating_sub(fewer) as f64 / operations as f64)
}

/// No caches are simulated: nothing but instructions is counted, at twice the speed.
const VALGRIND: &[&str] =
    &["--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null"];

fn instructions(program: &str, name: &str, case: &str, batches: u64) -> Result<u64, String> {
    let output = Command::new("valgrind")
        .args(VALGRIND)
        .args([program, name, case, &batches.to_string()])
        .output()
        .map_err(|error| format!("valgrind: {error}"))?;
    let text = String::from_utf8_lossy(&output.stderr);
    parse_instructions(&text)
        .filter(|_| output.status.success())
        .ok_or_else(|| format!("{case} of {name}, {batches} batches: {}\n{text}", output.status))
}

/// The number in `==12== I   refs:      1,234`.
fn parse_instructions(text: &str) -> Option<u64> {
    let line = text.lines().find(|line| line.contains("I   refs:"))?;
    let number: String = line.rsplit(':').next()?.chars().filter(char::is_ascii_digit).collect();
    number.parse().ok()
}

fn read() -> Result<Budgets, String> {
    let text = fs::read_to_string(PATH).map_err(|error| format!("{PATH}: {error}"))?;
    Budgets::parse(&text).map_err(|error| format!("{PATH}: {error}"))
}

/// Writes the budgets; of cases that were not counted the old ones stay.
fn write(counted: BTreeMap<String, f64>, platform: Platform, is_all: bool) -> Outcome {
    let old = if fs::exists(PATH).unwrap_or(false) { read()? } else { Budgets::default() };
    let new = old.updated(counted, platform, is_all);
    fs::write(PATH, new.to_string()).map_err(|error| format!("{PATH}: {error}"))?;
    println!("{PATH}: {} budgets", new.len());
    Ok(())
}

fn compare(counted: &BTreeMap<String, f64>, platform: &Platform, is_all: bool) -> Outcome {
    let budgets = read()?;
    let verdicts = budgets.compare(counted, platform, is_all);
    for verdict in &verdicts {
        println!("{verdict}");
    }
    if let Some(note) = budgets.platform_note(platform) {
        println!("{note}");
    }
    let failed = verdicts.iter().filter(|verdict| verdict.is_failure()).count();
    let lower = verdicts.iter().any(Verdict::is_clearly_below);
    if lower {
        println!("lower the budget, so that it is not lost again: cargo xtask budgets --write");
    }
    match failed {
        0 => Ok(()),
        _ => Err(format!(
            "{failed} of {} cases failed. Find the step: valgrind --tool=callgrind, and callgrind_annotate. A budget \
             that has to be raised (cargo xtask budgets --write) needs a reason in the commit.",
            verdicts.len()
        )),
    }
}

/// A table for docs/PERFORMANCE.md.
fn table(cases: &[Case], names: &[&str], counts: &Counts) -> String {
    let mut text = format!("| case | {} |\n|---|{}", names.join(" | "), "---|".repeat(names.len()));
    for Case { name: case, .. } in cases {
        let _ = write!(text, "\n| {case} |");
        for &name in names {
            let count = counts.get(&(case.clone(), name.to_owned()));
            let _ =
                write!(text, " {} |", count.map_or(String::new(), |count| format!("{count:.0}")));
        }
    }
    text
}
