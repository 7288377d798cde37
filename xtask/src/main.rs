//! The checks of bowerbird, one word each: `cargo xtask <word>`.
//!
//! Every word prints the commands that it runs, so that each can be repeated by hand. A word that is to run
//! tests fails if it ran none: a checker that cannot fail is worse than none.

use std::process::ExitCode;

mod command;
mod words;
mod budgets;
mod build_cost;
mod debian;
mod sanitizers;
mod targets;
mod wine;
mod tidy;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let word = arguments.next().unwrap_or_default();
    let rest: Vec<String> = arguments.collect();
    // cargo runs this from wherever the user stands.
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
    if let Err(error) = std::env::set_current_dir(root) {
        eprintln!("xtask: {root}: {error}");
        return ExitCode::FAILURE;
    }
    match words::run(&word, &rest) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("xtask {word}: {message}");
            ExitCode::FAILURE
        }
    }
}
