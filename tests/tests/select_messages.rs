//! What the compiler says about a branch of `select!` that may lose something, and where.
//!
//! The program is compiled by rustc against the library that cargo has built for these tests.

use std::path::{Path, PathBuf};
use std::process::Command;

const SOURCE: &str = "async fn read_frame() -> Vec<u8> {
    Vec::new()
}
async fn serve() {
    bowerbird::select! {
        () = bowerbird::yield_now() => {}
        frame = read_frame() => drop(frame),
    }
}
fn main() {
    drop(serve());
}
";

#[test]
fn future_that_may_lose_something_is_refused_at_its_place() {
    let (deps, library) = library();
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let file = directory.join("select_loses.rs");
    std::fs::write(&file, SOURCE).unwrap();
    let output = Command::new(std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()))
        .args(["--edition=2024", "--emit=metadata", "-o"])
        .arg(directory.join("select_loses.rmeta"))
        .arg("-L")
        .arg(format!("dependency={}", deps.display()))
        .arg("--extern")
        .arg(format!("bowerbird={}", library.display()))
        .arg(&file)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stderr);
    for expected in [
        "error[E0277]: ",
        "cannot be a branch of `select!`: dropping it half-way may lose data",
        "select_loses.rs:7:17",
        "this branch would be dropped when another one wins",
        "pass `&mut future`",
        "#[cancel_safe] async fn",
        "lossy(future)",
    ] {
        assert!(text.contains(expected), "wants {expected}\n{text}");
    }
    assert_eq!(text.matches("error[").count(), 1, "{text}");
}

/// The directory of this test's own executable holds the library too.
fn library() -> (PathBuf, PathBuf) {
    let deps = std::env::current_exe().unwrap().parent().unwrap().to_owned();
    let is_library = |path: &Path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with("libbowerbird-") && name.ends_with(".rlib")
    };
    let entries = std::fs::read_dir(&deps).unwrap().map(|entry| entry.unwrap().path());
    let newest = entries
        .filter(|path| is_library(path))
        .max_by_key(|path| path.metadata().unwrap().modified().unwrap());
    (deps, newest.expect("cargo builds the library before this test"))
}
