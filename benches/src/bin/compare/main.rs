//! Bowerbird beside its peers: `cargo xtask bench`.
//!
//! One process a measurement: the program runs itself with `--child`. The runtimes are interleaved
//! (A B C A B C ..) over several rounds, each round starting with another one, so that what the machine
//! does meanwhile meets them all. Reported are medians, half the spread of the rounds, the CPU time and the allocations of an
//! operation beside its wall time, and the ratio to the best peer **of the same run**: absolute
//! figures belong to a machine and its mood.
//!
//! With one worker everything is pinned to one CPU, helper threads and the echo's client too; with two
//! nothing is.

use std::fs;
use std::io;
use std::process::{Command, ExitCode};

use bowerbird_benches::machine::machine_times;
use bowerbird_benches::runtimes::async_std::THREAD_COUNT;
use serde_json::Value;

#[allow(unsafe_code, reason = "an allocator is one")]
mod allocations;
mod args;
mod child;
mod echo_server;
mod facts;
mod measures;
mod others;
mod plan;
mod plots;
mod progress;
mod report;
mod served;

use args::{Args, Request, USAGE};
use plan::Measurement;
use progress::Progress;
use report::Report;

/// What other processes may use of the machine before the figures are called doubtful.
const DOUBTFUL_PERCENT: f64 = 5.0;

fn main() -> ExitCode {
    match args::parse(std::env::args().skip(1)) {
        Ok(Request::Compare(args)) => match compare(&args) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("compare: {error}");
                ExitCode::FAILURE
            }
        },
        Ok(Request::Child(measurement)) => child::run(&measurement),
        Ok(Request::EchoServer { runtime, workers, case }) => {
            echo_server::run(&runtime, workers, case)
        }
        Err(problem) => {
            eprintln!("compare: {problem}\n{USAGE}");
            ExitCode::from(2)
        }
    }
}

fn compare(args: &Args) -> io::Result<()> {
    let (report, facts) = if args.from.is_empty() { measure_all(args)? } else { read(args)? };
    print!("{}\n{}", report.to_text(), report.to_means());
    if let Some(others) = facts["others_percent"].as_f64() {
        println!("others used {others:.0} % of the machine meanwhile");
        if others > DOUBTFUL_PERCENT {
            println!("DOUBTFUL: wall times, and all figures of two workers, need an idle machine");
        }
    }
    if let Some(path) = &args.json {
        fs::write(path, report.to_json(&facts))?;
    }
    if let Some(path) = &args.markdown {
        fs::write(path, format!("{}{}", report.to_markdown(), report.to_means()))?;
    }
    if let Some(directory) = &args.plots {
        let names = plots::write(&report, args.by_cpu, directory)?;
        println!("{}: {}", directory.display(), names.join(" "));
    }
    Ok(())
}

fn measure_all(args: &Args) -> io::Result<(Report, Value)> {
    let mut facts = facts::all();
    let measurements = plan::interleave(args);
    let before = machine_times();
    let mut progress = Progress::new(measurements.len());
    let mut report = Report::default();
    for measurement in &measurements {
        progress.show(measurement);
        for (metric, value) in measure(measurement)? {
            report.add(measurement, metric, value);
        }
        progress.advance();
    }
    progress.finish();
    let others = (machine_times() - before).share_of_others() * 100.0;
    facts["others_percent"] = others.round().into();
    facts["quick"] = args.quick.into();
    Ok((report, facts))
}

/// Takes what was measured before.
fn read(args: &Args) -> io::Result<(Report, Value)> {
    let (mut report, mut facts) = (Report::default(), Value::Null);
    for path in &args.from {
        let of_path = |error: io::Error| io::Error::other(format!("{}: {error}", path.display()));
        let text = fs::read_to_string(path).map_err(of_path)?;
        facts = report.take_json(&text).map_err(of_path)?;
    }
    Ok((report, facts))
}

/// Runs one measurement in a process of its own and reads the figures it prints, a line each.
fn measure(measurement: &Measurement) -> io::Result<Vec<(&'static report::Metric, f64)>> {
    let output = Command::new(std::env::current_exe()?)
        .args(measurement.to_args())
        .env(THREAD_COUNT, measurement.workers.to_string())
        .envs(others::environment())
        .output()?;
    let failed = |why: &str| {
        let stderr = String::from_utf8_lossy(&output.stderr);
        io::Error::other(format!("{measurement}: {why} ({}); it said: {stderr}", output.status))
    };
    if !output.status.success() {
        return Err(failed("the measurement failed"));
    }
    let figures: Option<Vec<_>> =
        String::from_utf8_lossy(&output.stdout).lines().map(report::parse_figure).collect();
    figures.filter(|figures| !figures.is_empty()).ok_or_else(|| failed("no figures came of it"))
}
