//! A child process that exists on every system: `child <what> [arguments]`.

use std::io::{self, Read, Write};
use std::process::exit;
use std::thread;

fn main() -> io::Result<()> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let (what, rest) = arguments.split_first().expect("child is told what to do");
    match (what.as_str(), rest) {
        ("say", words) => words.iter().for_each(|word| println!("{word}")),
        ("complain", words) => words.iter().for_each(|word| eprintln!("{word}")),
        ("variable", [name]) => println!("{}", std::env::var(name).expect("it is set")),
        ("exit", [code]) => exit(code.parse().expect("a number")),
        ("copy", []) => {
            io::copy(&mut io::stdin(), &mut io::stdout())?;
        }
        // Both outputs at once: who reads one of them only does not see the end.
        ("copy-twice", []) => {
            let mut all = Vec::new();
            io::stdin().read_to_end(&mut all)?;
            thread::scope(|scope| {
                let other = scope.spawn(|| io::stderr().write_all(&all));
                let first = io::stdout().write_all(&all);
                other.join().expect("it does not panic").and(first)
            })?;
        }
        ("wait", []) => loop {
            thread::park();
        },
        _ => panic!("child: unknown: {arguments:?}"),
    }
    Ok(())
}
