//! Unsafe code stands in modules that were opened for it, and each use has its argument.
//!
//! The lint `unsafe_code` is denied in the whole workspace; a `mod` line opens one module with
//! `#[allow(unsafe_code, reason = "..")]`, and nothing opens a whole crate.

use super::Finding;
use super::source::{Line, Source, has_word};

const RULE: &str = "unsafe-code";
/// How far above an `unsafe` its argument may begin.
const REACH: usize = 8;

pub(super) fn check(sources: &[Source]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in sources {
        check_arguments(source, &mut findings);
        check_opening(source, sources, &mut findings);
    }
    findings
}

fn check_arguments(source: &Source, findings: &mut Vec<Finding>) {
    for (index, line) in source.library_lines() {
        let code = line.code.trim();
        let mut behind = code.split("unsafe ").skip(1);
        let is_use = behind.any(|rest| rest.starts_with('{') || rest.starts_with("impl"));
        let has_argument = || {
            let above = source.lines[index.saturating_sub(REACH)..=index].iter();
            above.rev().any(|line| line.comment.contains("SAFETY:"))
        };
        if is_use && has_word(code, "unsafe") && !has_argument() {
            findings.push(Finding::new(
                &source.path,
                index + 1,
                RULE,
                "no `// SAFETY:` just above",
            ));
        }
    }
}

fn check_opening(source: &Source, sources: &[Source], findings: &mut Vec<Finding>) {
    if source.crate_name().is_none_or(|name| !name.starts_with("bowerbird")) {
        return;
    }
    for (index, line) in source.library_lines() {
        if line.code.contains("#![allow(unsafe_code") {
            let message =
                "a whole file or crate is opened for unsafe code: open a `mod` line instead";
            findings.push(Finding::new(&source.path, index + 1, RULE, message));
        }
    }
    let opened_here = without_spaces(source.lines.iter()).contains("#[allow(unsafe_code");
    let first = source.library_lines().find(|(_, line)| has_word(&line.code, "unsafe"));
    if let Some((index, _)) = first.filter(|_| !opened_here && !is_opened(&source.path, sources)) {
        let message = "no `#[allow(unsafe_code, reason = ..)]` on the `mod` line of this module or of one above it";
        findings.push(Finding::new(&source.path, index + 1, RULE, message));
    }
}

/// Whether a `mod` line that leads to this file opens it.
fn is_opened(path: &str, sources: &[Source]) -> bool {
    let Some((root, module)) = path.split_once("/src/") else { return false };
    let module = module.trim_end_matches(".rs").trim_end_matches("/mod");
    let names: Vec<&str> = module.split('/').collect();
    (0..names.len()).any(|depth| {
        let parent = names[..depth].join("/");
        let candidates = if depth == 0 {
            vec![format!("{root}/src/lib.rs")]
        } else {
            vec![format!("{root}/src/{parent}.rs"), format!("{root}/src/{parent}/mod.rs")]
        };
        sources
            .iter()
            .filter(|source| candidates.contains(&source.path))
            .any(|source| opens(source, names[depth]))
    })
}

/// Whether `#[allow(unsafe_code ..)]` stands among the attributes of `mod name;`.
fn opens(source: &Source, name: &str) -> bool {
    let is_declaration = |code: &str| {
        let code = code.trim();
        has_word(code, "mod")
            && [";", " {"].iter().any(|end| code.ends_with(&format!("mod {name}{end}")))
    };
    source.lines.iter().enumerate().filter(|(_, line)| is_declaration(&line.code)).any(
        |(index, _)| {
            let above = &source.lines[..index];
            let is_end = |line: &Line| line.code.trim_end().ends_with([';', '}', '{']);
            let start = above.iter().rposition(is_end).map_or(0, |end| end + 1);
            without_spaces(above[start..].iter()).contains("allow(unsafe_code")
        },
    )
}

/// The code in one piece: an attribute may span lines.
fn without_spaces<'a>(lines: impl Iterator<Item = &'a Line>) -> String {
    lines.flat_map(|line| line.code.split_whitespace()).collect()
}
