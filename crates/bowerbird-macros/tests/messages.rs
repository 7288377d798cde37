//! What the compiler says about wrong uses, and where.
//!
//! Each case is compiled by rustc against the macros that cargo has just built.

use std::path::{Path, PathBuf};
use std::process::Command;

/// A source (the attribute on its first line, the function on its second), where the error must stand, and
/// what it must say.
const CASES: &[(&str, &str, &str)] = &[
    ("#[bowerbird::main]\nfn main() {}", "2:1", "needs `async fn main`"),
    ("#[bowerbird::main]\nasync fn main(x: u8) {}", "2:15", "takes arguments"),
    ("#[bowerbird::main]\nasync fn main<T>() {}", "2:14", "cannot be generic"),
    ("#[bowerbird::main]\nstruct Main;", "2:1", "goes on an `async fn`"),
    (
        "#[bowerbird::main(threads = 2)]\nasync fn main() {}",
        "1:19",
        "unknown argument `threads`; valid arguments: `worker_threads`, `seed`, `start_paused`, `crate`",
    ),
    ("#[bowerbird::main(worker_threads = 0)]\nasync fn main() {}", "1:36", "positive integer"),
    (
        "#[bowerbird::main(worker_threads = \"2\")]\nasync fn main() {}",
        "1:36",
        "worker_threads = 2",
    ),
    ("#[bowerbird::main(worker_threads)]\nasync fn main() {}", "1:19", "needs a value"),
    ("#[bowerbird::main(seed = 1, seed = 2)]\nasync fn main() {}", "1:29", "given twice"),
    ("#[bowerbird::main(seed = 1 2)]\nasync fn main() {}", "1:28", "expected `,`"),
    ("#[bowerbird::main(start_paused = 1)]\nasync fn main() {}", "1:34", "`true` or `false`"),
    ("#[bowerbird::main(crate = \"a b\")]\nasync fn main() {}", "1:27", "a path in quotes"),
    ("#[bowerbird::test]\n#[test]\nasync fn t() {}\nfn main() {}", "2:2", "remove this one"),
    ("#[bowerbird::cancel_safe]\nfn f() {}\nfn main() {}", "2:1", "needs `async fn f`"),
    (
        "#[bowerbird::cancel_safe(seed = 1)]\nasync fn f() {}\nfn main() {}",
        "1:26",
        "valid arguments: `crate`",
    ),
];

/// Contents of `select!`, from the second line on.
const SELECT_CASES: &[(&str, &str, &str)] = &[
    ("", "1:13", "needs at least one branch: `pattern = future => handler`"),
    ("else => 1", "1:13", "needs at least one branch"),
    ("biased;", "1:13", "needs at least one branch"),
    ("biased x = y => z", "2:1", "`biased` needs a `;`"),
    ("x => y", "2:3", "expected `= future` before `=>`"),
    ("= y => z", "2:1", "expected a pattern before `=`"),
    ("x", "2:1", "expected `= future => handler` behind this"),
    ("x = => z", "2:3", "expected a future behind `=`"),
    ("x = y()", "2:6", "expected `=> handler` behind this"),
    ("x = y, if => z", "2:8", "expected a condition behind `if`"),
    ("x = y, if a == b", "2:16", "expected `=> handler` behind this"),
    ("x = y =>", "2:3", "expected a handler behind `=>`"),
    ("x = y => z,\nelse", "3:1", "`else` needs `=> handler`"),
    ("x = y => z,\nelse = y => z", "3:6", "`else` needs `=> handler`"),
    ("x = y => z,\nelse => {}\na = b => c", "4:1", "nothing may follow the `else` branch"),
];

/// The directory of this test's own executable holds the macros' library too.
fn macros_library() -> PathBuf {
    let deps = std::env::current_exe().unwrap().parent().unwrap().to_owned();
    let is_library = |path: &Path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let stem = name.strip_prefix("lib").unwrap_or(&name);
        stem.starts_with("bowerbird_macros-") && name.ends_with(std::env::consts::DLL_SUFFIX)
    };
    let libraries = std::fs::read_dir(deps).unwrap().map(|entry| entry.unwrap().path());
    let newest = libraries
        .filter(|path| is_library(path))
        .max_by_key(|path| path.metadata().unwrap().modified().unwrap());
    newest.expect("cargo builds the macros before this test")
}

#[test]
fn wrong_uses_are_reported_alone_and_at_the_right_place() {
    let library = macros_library();
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let many = "x = y => z,\n".repeat(65);
    let select_cases = SELECT_CASES.iter().copied().chain([(&*many, "66:1", "more than 64")]);
    let select_cases = select_cases.map(|(content, place, message)| {
        (format!("fn main() {{ bowerbird::select_branches! {{\n{content}\n}} }}"), place, message)
    });
    let cases = CASES.iter().map(|&(source, place, message)| (source.to_owned(), place, message));
    for (index, (source, place, message)) in cases.chain(select_cases).enumerate() {
        let file = directory.join(format!("case_{index}.rs"));
        std::fs::write(&file, &source).unwrap();
        let output = Command::new(std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()))
            .args(["--edition=2024", "--error-format=short", "--test", "--emit=metadata", "-o"])
            .arg(directory.join(format!("case_{index}.rmeta")))
            .arg("--extern")
            .arg(format!("bowerbird={}", library.display()))
            .arg(&file)
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stderr);
        let errors: Vec<_> = text.lines().filter(|line| line.contains(": error")).collect();
        assert_eq!(errors.len(), 1, "{source}\n{text}");
        assert!(errors[0].contains(&format!(".rs:{place}: ")), "{source}\nwants {place}\n{text}");
        assert!(errors[0].contains(message), "{source}\nwants {message}\n{text}");
    }
}
