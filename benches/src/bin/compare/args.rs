//! The command line.

use std::path::PathBuf;
use std::time::Duration;

use crate::plan::{self, CASES, Measurement};

pub(crate) const USAGE: &str = "\
usage: compare [--quick] [--case NAME].. [--workers 1|2] [--from FILE].. [--json FILE] [--markdown FILE] [--plots DIR [--by-cpu]]
  --quick          three short rounds, under two minutes for everything, each case with one number of workers
  --case NAME      only this case; may be repeated
  --workers N      only with N workers
  --from FILE      measure nothing, take the figures that --json wrote there; the rounds of several files are put together
  --json FILE      write every figure of every round there, with the machine and the versions
  --markdown FILE  write the tables there
  --plots DIR      draw the ratios to the best peer there, an SVG for each group of cases
  --by-cpu         draw CPU times in the place of wall times: for a machine that has other work to do";

/// What is to be compared.
#[derive(Debug, Default)]
pub(crate) struct Args {
    pub(crate) quick: bool,
    /// Empty means all.
    pub(crate) cases: Vec<&'static str>,
    pub(crate) workers: Option<usize>,
    /// Empty means that it is measured.
    pub(crate) from: Vec<PathBuf>,
    pub(crate) json: Option<PathBuf>,
    pub(crate) markdown: Option<PathBuf>,
    pub(crate) plots: Option<PathBuf>,
    /// Whether plots are of CPU times where there are wall times.
    pub(crate) by_cpu: bool,
}

/// What this process is for. All but the first are how the program calls itself.
#[derive(Debug)]
pub(crate) enum Request {
    Compare(Args),
    Child(Measurement),
    EchoServer { runtime: String, workers: usize, case: &'static str },
}

pub(crate) fn parse(args: impl Iterator<Item = String>) -> Result<Request, String> {
    let mut args = args.peekable();
    match args.peek().map(String::as_str) {
        Some("--child") => child(args.skip(1)),
        Some("--echo-server") => echo_server(args.skip(1)),
        _ => compare(args).map(Request::Compare),
    }
}

fn compare(mut args: impl Iterator<Item = String>) -> Result<Args, String> {
    let mut parsed = Args::default();
    while let Some(arg) = args.next() {
        let mut file = || args.next().map(PathBuf::from).ok_or(format!("{arg} needs a path"));
        match arg.as_str() {
            "--quick" => parsed.quick = true,
            "--by-cpu" => parsed.by_cpu = true,
            "--from" => parsed.from.push(file()?),
            "--json" => parsed.json = Some(file()?),
            "--markdown" => parsed.markdown = Some(file()?),
            "--plots" => parsed.plots = Some(file()?),
            "--case" => parsed.cases.push(case(args.next())?),
            "--workers" => parsed.workers = Some(number(args.next(), "--workers")?),
            _ => return Err(format!("unknown argument {arg:?}")),
        }
    }
    Ok(parsed)
}

fn child(mut args: impl Iterator<Item = String>) -> Result<Request, String> {
    Ok(Request::Child(Measurement {
        runtime: args.next().ok_or("--child needs a runtime")?,
        case: case(args.next())?,
        workers: number(args.next(), "--child")?,
        budget: Duration::from_millis(number(args.next(), "--child")? as u64),
    }))
}

fn echo_server(mut args: impl Iterator<Item = String>) -> Result<Request, String> {
    Ok(Request::EchoServer {
        runtime: args.next().ok_or("--echo-server needs a runtime")?,
        workers: number(args.next(), "--echo-server")?,
        case: case(args.next())?,
    })
}

fn case(name: Option<String>) -> Result<&'static str, String> {
    let name = name.ok_or("a case needs a name")?;
    plan::find(&name).map(|case| case.name).ok_or_else(|| {
        let names: Vec<_> = CASES.iter().map(|case| case.name).collect();
        format!("no case is called {name:?}; there are: {}", names.join(", "))
    })
}

fn number(text: Option<String>, of: &str) -> Result<usize, String> {
    text.and_then(|text| text.parse().ok())
        .filter(|&number| number > 0)
        .ok_or_else(|| format!("{of} needs a number above zero"))
}
