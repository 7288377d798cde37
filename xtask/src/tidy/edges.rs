//! Which crate may know which.
//!
//! `std::task::Waker` and bowerbird-base are all that crosses between core, io, timer and sync; a new edge
//! is a decision, written here and in docs/ARCHITECTURE.md.

use super::source::{Source, has_word};
use super::{Finding, manifest};

const RULE: &str = "crate-edges";

/// Each library crate, and what it may depend on and name.
const ALLOWED: &[(&str, &[&str])] = &[
    ("bowerbird-base", &["parking_lot", "loom", "shuttle"]),
    ("bowerbird-core", &["bowerbird-base", "crossbeam-deque", "num_cpus", "pin-project-lite"]),
    ("bowerbird-io", &["bowerbird-base", "polling", "rustix", "libc", "slab"]),
    ("bowerbird-timer", &["bowerbird-base", "slab"]),
    ("bowerbird-sync", &["bowerbird-base", "futures-core"]),
    (
        "bowerbird-net",
        &[
            "bowerbird-base",
            "bowerbird-io",
            "bowerbird-timer",
            "bowerbird-sync",
            "socket2",
            "rustix",
            // The resolver, which std asks without options; recvmmsg and the identity of a peer, which rustix
            // does not have.
            "libc",
            "windows-sys",
            "futures-io",
            "futures-core",
            "pin-project-lite",
            // The buffers of the codecs.
            "bytes",
            "tokio",
            "hyper",
            // TLS: rustls over the traits of futures-io, and the certificates of the system.
            "futures-rustls",
            "rustls-native-certs",
        ],
    ),
    (
        "bowerbird-process",
        &[
            "bowerbird-base",
            "bowerbird-io",
            "bowerbird-net",
            "bowerbird-sync",
            "rustix",
            // sigaction and _exit, which rustix does not have.
            "libc",
            "futures-core",
            "futures-io",
            "signal-hook-registry",
            // Console events, and the ends of processes.
            "windows-sys",
        ],
    ),
    ("bowerbird-macros", &[]),
    (
        "bowerbird",
        &[
            "bowerbird-base",
            "bowerbird-core",
            "bowerbird-io",
            "bowerbird-timer",
            "bowerbird-sync",
            "bowerbird-net",
            "bowerbird-process",
            "bowerbird-macros",
            "futures-core",
            "futures-io",
            "hyper",
            // Reads that do not block: preadv2.
            "rustix",
            "pin-project-lite",
            "tracing",
        ],
    ),
];

fn allowed(package: &str) -> Option<&'static [&'static str]> {
    ALLOWED.iter().find(|(name, _)| *name == package).map(|(_, list)| *list)
}

/// The dependencies of a library crate are on its list.
pub(super) fn check_manifest(path: &str, text: &str) -> Vec<Finding> {
    let Some(package) = manifest::name(text).filter(|_| path.starts_with("crates/bowerbird"))
    else {
        return Vec::new();
    };
    let Some(list) = allowed(package) else {
        return vec![Finding::new(
            path,
            0,
            RULE,
            format!("`{package}` has no row in the table of edges"),
        )];
    };
    manifest::dependencies(text)
        .into_iter()
        .filter(|(_, name)| !list.contains(&name.as_str()))
        .map(|(line, name)| {
            Finding::new(path, line, RULE, format!("`{package}` may not depend on `{name}`"))
        })
        .collect()
}

/// What a library crate names is on its list, however it got there.
pub(super) fn check_source(source: &Source) -> Vec<Finding> {
    let Some(list) = source.crate_name().and_then(allowed) else { return Vec::new() };
    let own = source.crate_name().unwrap_or_default();
    let mut known: Vec<&str> =
        ALLOWED.iter().flat_map(|(name, list)| list.iter().copied().chain([*name])).collect();
    known.sort_unstable();
    known.dedup();
    let forbidden: Vec<String> = known
        .into_iter()
        .filter(|name| *name != own && !list.contains(name))
        .map(|name| name.replace('-', "_"))
        .collect();
    let mut findings = Vec::new();
    for (index, line) in source.library_lines() {
        for name in forbidden.iter().filter(|name| names_crate(&line.code, name)) {
            findings.push(Finding::new(
                &source.path,
                index + 1,
                RULE,
                format!("`{own}` may not name `{name}`"),
            ));
        }
    }
    findings
}

/// `name::..` at the start of a path, or `use name`, `extern crate name`.
fn names_crate(code: &str, name: &str) -> bool {
    if !has_word(code, name) {
        return false;
    }
    let starts_a_path = code.match_indices(&format!("{name}::")).any(|(at, _)| {
        let before = &code[..at];
        !before.ends_with(|c: char| c.is_alphanumeric() || c == '_')
            && !before
                .trim_end_matches("::")
                .ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == '>')
    });
    let code = code.trim().trim_start_matches("pub ");
    starts_a_path
        || ["use ", "extern crate "].iter().any(|word| {
            code.strip_prefix(word).is_some_and(|rest| {
                rest.split(|c: char| !(c.is_alphanumeric() || c == '_')).next() == Some(name)
            })
        })
}
