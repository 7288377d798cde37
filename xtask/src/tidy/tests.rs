//! Each rule is shown what it must report, and what it must leave alone.

use super::source::Source;
use super::{Finding, architecture, check, cpython_maps, edges, manifest};

const LIBRARY: &str = "crates/bowerbird-core/src/worker.rs";

/// The rules that report `text` as the source of `path`.
fn reported(path: &str, text: &str) -> Vec<(&'static str, usize)> {
    let findings = check(&[Source::new(path, text)], &[]);
    findings.iter().map(|finding| (finding.rule, finding.line)).collect()
}

fn lines(findings: &[Finding]) -> Vec<usize> {
    findings.iter().map(|finding| finding.line).collect()
}

#[test]
fn undeclared_edge_in_a_manifest_is_reported() {
    let text = "[package]\nname = \"bowerbird-timer\"\n[dependencies]\nbowerbird-base.workspace = true\n\
                bowerbird-io.workspace = true\nquick = { package = \"quickcheck\", version = \"1\" }\n\
                [target.'cfg(unix)'.dependencies]\nlibc.workspace = true\n[dependencies.mio]\nversion = \"1\"\n\
                [dev-dependencies]\ntokio.workspace = true\n[dev-dependencies.smol]\nversion = \"2\"\n";
    let findings = edges::check_manifest("crates/bowerbird-timer/Cargo.toml", text);
    assert_eq!(lines(&findings), [5, 6, 8, 9], "{findings:?}");
    assert!(findings[1].message.contains("quickcheck"));
}

#[test]
fn library_crate_without_a_row_is_reported() {
    let text = "[package]\nname = \"bowerbird-new\"\n";
    assert_eq!(edges::check_manifest("crates/bowerbird-new/Cargo.toml", text).len(), 1);
}

#[test]
fn name_of_a_forbidden_crate_is_reported() {
    let text = "use bowerbird_io::Poller;\nfn f() { ::polling::Poller::new(); }\nuse bowerbird_base::rng;\n\
                // bowerbird_io::Poller\nlet polling = self.polling;\npub use slab as store;\n";
    let expected = [("crate-edges", 1), ("crate-edges", 2), ("crate-edges", 6)];
    assert_eq!(reported(LIBRARY, text), expected);
    assert_eq!(reported("crates/bowerbird-core/src/worker/tests.rs", text), []);
}

#[test]
fn module_named_like_a_crate_is_not_reported() {
    assert_eq!(
        reported(LIBRARY, "use crate::polling::Poll;\nuse super::slab;\nself::slab::new();\n"),
        []
    );
}

#[test]
fn model_cfg_outside_base_is_reported() {
    let text = "#[cfg(bowerbird_loom)]\nmod a;\n// bowerbird_loom\nlet x = \"bowerbird_loom\";\n";
    assert_eq!(reported(LIBRARY, text), [("model-cfg", 1)]);
    assert_eq!(reported("crates/bowerbird-base/src/lib.rs", text), []);
}

#[test]
fn atomic_operation_without_a_tag_is_reported() {
    let text = "//! `[ORD-1]` because.\n// [ORD-1]\na.load(Ordering::Acquire);\n\n\n\n\n\nb.load(Ordering::Relaxed);\n\
                match c { Ordering::Less => {} }\nuse x::Ordering::Relaxed;\n";
    assert_eq!(reported(LIBRARY, text), [("ordering-arguments", 9)]);
}

#[test]
fn orphaned_ordering_tag_is_reported_either_way() {
    let used = "//! No argument.\n// [ORD-2]\na.load(Ordering::Acquire);\n";
    assert_eq!(reported(LIBRARY, used), [("ordering-arguments", 2)]);
    let defined = "//! `[ORD-2]` for nobody.\nfn f() {}\n";
    assert_eq!(reported(LIBRARY, defined), [("ordering-arguments", 1)]);
}

#[test]
fn reference_to_an_argument_elsewhere_is_neither_argument_nor_tag() {
    assert_eq!(
        reported(LIBRARY, "//! So it is seen (`[ORD-2]` of `waker_slot`).\nfn f() {}\n"),
        []
    );
    let used = "//! As `[ORD-1]` of `idle`.\n// [ORD-1]\na.load(Ordering::Acquire);\n";
    assert_eq!(reported(LIBRARY, used), [("ordering-arguments", 2)]);
}

#[test]
fn tag_in_docs_does_not_serve_an_operation() {
    let text = "/// `[ORD-1]` argued.\na.load(Ordering::Acquire);\n";
    assert_eq!(reported(LIBRARY, text), [("ordering-arguments", 2), ("ordering-arguments", 1)]);
}

#[test]
fn unsafe_without_an_argument_is_reported() {
    let text = "#[allow(unsafe_code, reason = \"r\")]\nmod inner {\n// SAFETY: fine.\nunsafe { a() };\n\
                \n\n\n\n\n\n\n\nunsafe { b() };\nunsafe impl Send for T {}\n}\n";
    assert_eq!(reported(LIBRARY, text), [("unsafe-code", 13), ("unsafe-code", 14)]);
}

#[test]
fn unsafe_in_a_module_that_nobody_opened_is_reported() {
    let root = "crates/bowerbird-core/src";
    let code = "// SAFETY: fine.\nunsafe { a() };\n";
    let closed = [
        Source::new(
            &format!("{root}/lib.rs"),
            "#[allow(\n    unsafe_code,\n    reason = \"r\"\n)]\nmod task;\nmod worker;\n",
        ),
        Source::new(&format!("{root}/task/header.rs"), code),
        Source::new(&format!("{root}/worker.rs"), code),
    ];
    let findings = check(&closed, &[]);
    assert_eq!(
        findings.iter().map(|f| f.path.as_str()).collect::<Vec<_>>(),
        [format!("{root}/worker.rs")]
    );
    let opened = [Source::new(&format!("{root}/lib.rs"), "#![allow(unsafe_code)]\n")];
    assert_eq!(check(&opened, &[]).len(), 1);
}

#[test]
fn path_that_does_not_exist_is_reported() {
    let text = "See `core/idle.rs` and `crates/gone.rs::f`, `docs/`, `a::b`, `and/or it`, `poll`.\n\
                ```text\n`crates/fenced.rs`\n```\n`gone/too`\n";
    let exists = |path: &str| ["crates/bowerbird-core/src/idle.rs", "docs/"].contains(&path);
    let findings = architecture::check(text, exists);
    assert_eq!(lines(&findings), [1, 5], "{findings:?}");
}

#[test]
fn long_file_without_a_reason_is_a_warning() {
    let long = "fn f() {}\n".repeat(701);
    let findings = check(&[Source::new(LIBRARY, &long)], &[]);
    assert!(findings[0].is_warning && findings[0].rule == "file-size");
    assert_eq!(reported(LIBRARY, &format!("//! Why one file: it is one table.\n{long}")), []);
}

#[test]
fn clock_and_sockets_outside_their_files_are_reported() {
    let text = "let now = Instant::now();\nuse std::net::{\n    SocketAddr, TcpStream as Os,\n};\n\
                std::net::UdpSocket::bind(a);\nuse std::net::IpAddr;\nOs::connect(b);\n\
                TcpStream::connect(b);\nimpl AsFd for std::net::TcpListener {}\nfn f(os: Os) {}\n\
                #[cfg(test)]\nmod tests {\n    Instant::now();\n}\n";
    assert_eq!(reported(LIBRARY, text), [("seams", 1), ("seams", 5), ("seams", 7)]);
    assert_eq!(reported("crates/bowerbird-net/src/socket/unix.rs", text), [("seams", 1)]);
    assert_eq!(reported("crates/bowerbird-base/src/clock.rs", "Instant::now();\n"), []);
}

#[test]
fn unfinished_code_and_ignored_tests_are_reported() {
    let text =
        "todo!()\nunimplemented!(\"x\")\n#[ignore = \"slow\"]\nlet todo = \"todo!()\"; // todo!\n";
    let expected = [("unfinished", 1), ("unfinished", 2), ("unfinished", 3)];
    assert_eq!(reported("tests/src/lib.rs", text), expected);
}

#[test]
fn strings_characters_and_comments_are_not_code() {
    let text = "let a = \"x \\\" todo!()\"; let b = '\"'; let c = '\\''; /* todo!()\n todo!() */ let d: &'a str;\n\
                let e = r#\"\" todo!()\n todo!()\"#; todo!()\n";
    assert_eq!(reported("tests/src/lib.rs", text), [("unfinished", 4)]);
}

#[test]
fn features_are_read_without_the_default() {
    let text = "[features]\ndefault = [\"a\"]\na = []\n# b = []\nc = [\"dep:c\"]\n\n[dependencies]\nd = \"1\"\n";
    assert_eq!(manifest::features(text), ["a", "c"]);
}

#[test]
fn maps_that_name_no_test_or_leave_one_out_are_reported() {
    let map = "# Map\nOf `Lib/test/test_a.py`.\n\n| CPython | here |\n|---|---|\n\
               | test_one | `file_of.rs`: is_there, is_gone |\n\
               | test_two, test_many_* | the same names; none of `is_gone` |\n| WholeClass | none |\n";
    let names = "The names.\n\ntest_a.py First: test_one test_two\n    test_many_b test_left_out\n\
                 test_a.py WholeClass: test_three\ntest_b.py Other: test_one\n";
    let texts = [("tests/cpython/test_a.md", map), ("tests/cpython/names.txt", names)];
    let texts = texts.map(|(path, text)| (path.to_owned(), text.to_owned())).into();
    let source = Source::new("tests/tests/a.rs", "fn is_there() {}\nfn test_two() {}\n");
    let findings = cpython_maps::check(&texts, &[source]);
    let found: Vec<_> = findings.iter().map(|finding| finding.to_string()).collect();
    assert_eq!(found.len(), 4, "{found:#?}");
    assert!(found[0].contains("test_a.md:6") && found[0].ends_with("no test `is_gone`"));
    assert!(found[1].contains("test_a.md:7") && found[1].ends_with("no test `test_many_*`"));
    assert!(found[2].contains("names.txt:4") && found[2].contains("`test_left_out` of First"));
    assert!(found[3].contains("names.txt:6") && found[3].contains("test_b.py"));
}
