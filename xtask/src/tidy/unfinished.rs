//! Nothing that is merged is unfinished, and no test is switched off.

use super::Finding;
use super::source::{Source, find_word};

pub(super) fn check(source: &Source) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (index, line) in source.lines.iter().enumerate() {
        let is_macro = |name: &str| {
            find_word(&line.code, name)
                .is_some_and(|at| line.code[at + name.len()..].starts_with('!'))
        };
        let found = if is_macro("todo") || is_macro("unimplemented") {
            Some("unfinished code")
        } else if line.code.contains("#[ignore") {
            Some("a test that is switched off")
        } else {
            None
        };
        findings.extend(
            found.map(|message| Finding::new(&source.path, index + 1, "unfinished", message)),
        );
    }
    findings
}
