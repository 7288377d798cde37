//! docs/from-asyncio.md names what there is: each name of asyncio has a row, each path of a row is public.
//!
//! That the imports below compile is the first half of the check: tests/build.rs makes them of the table.
//!
//! The names are those of Unix.
#![cfg(unix)]

mod names;
mod public_api;
mod table;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use public_api::PublicApi;
use table::{Row, is_member, rows};

/// Every path of the table that is not a method, imported.
#[allow(unused_imports, reason = "that they can be imported is what they are for")]
mod imported {
    include!(concat!(env!("OUT_DIR"), "/from_asyncio.rs"));
}

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn document() -> &'static [Row] {
    static ROWS: OnceLock<Vec<Row>> = OnceLock::new();
    ROWS.get_or_init(|| {
        let file = repository().join("docs/from-asyncio.md");
        rows(&std::fs::read_to_string(file).expect("docs/from-asyncio.md can be read"))
    })
}

fn public_api() -> PublicApi {
    PublicApi::read(&repository().join("crates"))
}

/// The names in the first column of sections, without arguments: `task.cancel(msg)` names `cancel`.
fn named(is_section: impl Fn(&str) -> bool) -> BTreeSet<String> {
    let in_sections = document().iter().filter(|row| is_section(&row.section));
    in_sections.flat_map(|row| &row.asyncio).map(|span| name_of(span).to_owned()).collect()
}

fn name_of(span: &str) -> &str {
    let call = span.split(['(', ' ']).next().unwrap_or(span);
    call.rsplit('.').next().unwrap_or(call)
}

fn missing(wanted: &str, there: &BTreeSet<String>) -> Vec<String> {
    wanted.split_whitespace().filter(|&name| !there.contains(name)).map(str::to_owned).collect()
}

#[test]
fn each_name_of_the_package_has_a_row() {
    let there = named(|section| section.starts_with("asyncio"));
    assert_eq!(missing(names::PACKAGE, &there), [""; 0]);
    assert_eq!(missing(names::WINDOWS, &there), [""; 0]);
    assert_eq!(names::PACKAGE.split_whitespace().collect::<BTreeSet<_>>().len(), 96);
}

#[test]
fn no_row_has_a_name_that_the_package_does_not_have() {
    let known: BTreeSet<&str> =
        names::PACKAGE.split_whitespace().chain(names::WINDOWS.split_whitespace()).collect();
    let there = named(|section| section.starts_with("asyncio"));
    let unknown: Vec<_> = there.iter().filter(|name| !known.contains(name.as_str())).collect();
    assert!(unknown.is_empty(), "not in asyncio.__all__ of 3.14: {unknown:?}");
}

#[test]
fn each_method_has_a_row() {
    for (owner, methods) in names::METHODS {
        let title = format!("Methods of {owner}");
        let there = named(|section| section == title);
        assert_eq!(missing(methods, &there), [""; 0], "in the section {title:?}");
    }
}

#[test]
fn each_row_has_a_rust_form_or_a_reason() {
    for row in document() {
        let says_why = matches!(row.rust.as_str(), "none" | "not there yet");
        assert_eq!(
            says_why,
            row.paths.is_empty(),
            "docs/from-asyncio.md:{}: the second column is paths, \"none\" or \"not there yet\", and not {:?}",
            row.line,
            row.rust
        );
        let is_a_reason = row.rust != "none" || !row.difference.is_empty();
        assert!(is_a_reason, "docs/from-asyncio.md:{}: \"none\" needs a reason", row.line);
    }
}

#[test]
fn each_path_is_public() {
    let api = public_api();
    for row in document() {
        for path in &row.paths {
            assert!(api.has(path), "docs/from-asyncio.md:{}: there is no public {path}", row.line);
        }
    }
}

/// The check of the check: it finds what there is, by every way that the sources use, and nothing else.
#[test]
fn the_check_knows_what_is_public() {
    let api = public_api();
    for path in [
        "bowerbird::run",                        // a function behind a private module
        "bowerbird::select",                     // an exported macro
        "bowerbird::main",                       // a procedural macro
        "bowerbird::context::context_var",       // a macro of another crate
        "bowerbird::sync::Event",                // through a glob
        "bowerbird::sync::oneshot::channel",     // a module through a glob
        "bowerbird::TaskHandle::cancel",         // a method, in another crate
        "bowerbird::LoopHandle::add_reader",     // a method, in another file than its type
        "bowerbird::runtime::Builder::graceful", // a method of one instance of a generic type
        "bowerbird::AsyncContextManager::enter", // a method of a trait
        "bowerbird::ReturnWhen::FirstCompleted", // a variant
        "bowerbird::io::Interest::READABLE",     // an associated constant
    ] {
        assert!(api.has(path), "{path} is public");
    }
    for path in [
        "bowerbird::nothing",
        "bowerbird::scope::Scope", // a private module
        "bowerbird::scope",
        "bowerbird::tasks::ready_set", // private, in a public module
        "bowerbird::tasks::contest::Branch", // visible in the crate only
        "bowerbird::TaskHandle::nothing",
        "bowerbird::TaskHandle::new", // a method that is not public
        "bowerbird::TaskHandle::cancel::more",
        "bowerbird::EventLoop::from_runner", // pub(crate)
        "bowerbird::EventLoop::call_soon",   // its handle's, by Deref
        "bowerbird::ReturnWhen::Never",
        "bowerbird::Runtime::wake_worker", // a method of another crate's type of that name
        "bowerbird::AsyncContextManager::nothing",
        "tokio::spawn",
    ] {
        assert!(!api.has(path), "{path} is not public");
    }
}

#[test]
fn the_reader_of_the_tables_finds_paths_and_members() {
    let text = "## asyncio: a\n| asyncio | bowerbird | difference |\n|---|---|---|\n\
                | `a.b(c)`, `d` | `#[bowerbird::main]`, `bowerbird::x::Y::z(..)`, `bowerbird::E::One` \\| x | e |\n";
    let rows = rows(text);
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0].asyncio.iter().map(|span| name_of(span)).collect::<Vec<_>>(), ["b", "d"]);
    assert_eq!(rows[0].paths, ["bowerbird::main", "bowerbird::x::Y::z", "bowerbird::E::One"]);
    assert_eq!((rows[0].section.as_str(), rows[0].line), ("asyncio: a", 4));
    let members: Vec<bool> = rows[0].paths.iter().map(|path| is_member(path)).collect();
    assert_eq!(members, [false, true, false]);
    assert!(is_member("bowerbird::io::Interest::READABLE"));
}
