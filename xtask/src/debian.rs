//! What Debian's packages bring: programs that a word needs, and a Rust with the sources of std.
//!
//! Debian's own compiler comes with all that `-Zbuild-std` asks for, so it builds std for any target, without
//! a network. It is found under /usr/bin and leaves the compiler of rustup alone.

use std::path::Path;

use crate::command::{Outcome, Run};

/// A program, and the package that has it. With a slash it is a path, else a name that `PATH` leads to.
pub(crate) type Program = (&'static str, &'static str);

/// The compiler, and the sources of its std.
pub(crate) const RUST: &[Program] = &[
    ("/usr/bin/rustc", "rustc-web"),
    ("/usr/bin/cargo", "cargo-web"),
    ("/usr/lib/rustlib/src/rust/library/Cargo.toml", "rust-web-src"),
    ("/usr/lib/rustlib/x86_64-unknown-linux-gnu/lib", "libstd-rust-web-dev"),
];

/// Fails if a program is missing, and says what to install.
pub(crate) fn require(programs: &[Program]) -> Outcome {
    let paths = std::env::var_os("PATH").unwrap_or_default();
    let is_there = |name: &str| {
        Path::new(name).is_absolute() && Path::new(name).exists()
            || std::env::split_paths(&paths).any(|path| path.join(name).exists())
    };
    let mut missing: Vec<_> =
        programs.iter().filter(|(name, _)| !is_there(name)).map(|(_, package)| *package).collect();
    missing.dedup();
    if missing.is_empty() {
        return Ok(());
    }
    Err(format!(
        "first install what is missing: apt-get install --no-install-recommends {}",
        missing.join(" ")
    ))
}

/// Installs Debian's Rust if it is not there.
pub(crate) fn install_rust() -> Outcome {
    let Err(missing) = require(RUST) else { return Ok(()) };
    if !Path::new("/usr/bin/apt-get").exists() {
        return Err(missing);
    }
    Run::new("apt-get").words("update").run()?;
    Run::new("apt-get")
        .words("install -y --no-install-recommends")
        .arguments(RUST.iter().map(|(_, package)| package))
        .run()
        .map_err(|error| format!("{error} (as root?)"))
}

/// Debian's cargo, with a std that it builds itself for this target into this directory.
pub(crate) fn cargo(arguments: &str, target: &str, directory: &str) -> Run {
    let (word, rest) = arguments.split_once(' ').unwrap_or((arguments, ""));
    Run::new("/usr/bin/cargo")
        .words(word)
        .words(&format!("-Zbuild-std=std,panic_unwind,test --target {target}"))
        .words(rest)
        .env("RUSTC", "/usr/bin/rustc")
        .env("RUSTDOC", "/usr/bin/rustdoc")
        .env("RUSTC_BOOTSTRAP", "1")
        .env("CARGO_TARGET_DIR", directory)
}

#[cfg(test)]
mod tests {
    use super::require;

    #[test]
    fn missing_programs_are_named_by_their_packages() {
        assert_eq!(require(&[]), Ok(()));
        let here = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
        assert_eq!(require(&[(here, "present")]), Ok(()));
        let missing =
            [("no-such-program", "first"), ("/no/such/program", "second"), (here, "present")];
        let error = require(&missing).unwrap_err();
        assert!(error.ends_with(" first second"), "{error}");
    }
}
