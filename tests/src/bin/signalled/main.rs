//! A program that gets signals: `signalled <scenario>`. Runs take signals over on the main thread only, which
//! tests do not run on.

#[cfg(unix)]
mod scenarios;

fn main() {
    #[cfg(unix)]
    scenarios::main();
    #[cfg(not(unix))]
    panic!("signalled: there are no signals here");
}
