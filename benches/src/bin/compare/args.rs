//! The command line.

use std::path::PathBuf;
use std::time::Duration;

use crate::plan::{CASES, Measurement};

pub(crate) const USAGE: &str = "\
usage: compare [--quick] [--case NAME].. [--workers 1|2] [--json FILE]
  --quick        three short rounds, under two minutes for everything
  --case NAME    only this case; may be repeated
  --workers N    only with N workers
  --json FILE    write every figure of every round there too";

/// What is to be compared.
#[derive(Debug, Default)]
pub(crate) struct Args {
    pub(crate) quick: bool,
    /// Empty means all.
    pub(crate) cases: Vec<&'static str>,
    pub(crate) workers: Option<usize>,
    pub(crate) json: Option<PathBuf>,
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
        match arg.as_str() {
            "--quick" => parsed.quick = true,
            "--case" => parsed.cases.push(case(args.next())?),
            "--workers" => parsed.workers = Some(number(args.next(), "--workers")?),
            "--json" => parsed.json = Some(args.next().ok_or("--json needs a file")?.into()),
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
    CASES
        .iter()
        .copied()
        .find(|&case| case == name)
        .ok_or_else(|| format!("no case is called {name:?}; there are: {}", CASES.join(", ")))
}

fn number(text: Option<String>, of: &str) -> Result<usize, String> {
    text.and_then(|text| text.parse().ok())
        .filter(|&number| number > 0)
        .ok_or_else(|| format!("{of} needs a number above zero"))
}
