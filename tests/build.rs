//! Makes each name of docs/from-asyncio.md an import, so that one that does not exist fails to compile.
//!
//! Methods cannot be imported: for them stands an import of their type, and tests/from_asyncio looks for the
//! method itself.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::Path;
use std::{env, fs};

#[path = "tests/from_asyncio/table.rs"]
#[allow(dead_code, reason = "the test uses the rest")]
mod table;

fn main() {
    let document = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/from-asyncio.md");
    println!("cargo::rerun-if-changed={}", document.display());
    println!("cargo::rerun-if-changed=tests/from_asyncio/table.rs");
    println!("cargo::rerun-if-changed=build.rs");
    let text = fs::read_to_string(&document).expect("docs/from-asyncio.md can be read");

    let mut imports = BTreeSet::new();
    for path in table::rows(&text).into_iter().flat_map(|row| row.paths) {
        let end = if table::is_member(&path) { path.rfind("::").unwrap_or(0) } else { path.len() };
        imports.insert(path[..end].to_owned());
    }
    let mut code = String::new();
    for (number, path) in imports.iter().enumerate() {
        writeln!(code, "use {path} as name_{number};").expect("a string takes all");
    }
    let out =
        Path::new(&env::var_os("OUT_DIR").expect("cargo sets OUT_DIR")).join("from_asyncio.rs");
    fs::write(out, code).expect("OUT_DIR can be written");
}
