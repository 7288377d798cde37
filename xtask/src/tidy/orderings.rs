//! Each atomic operation says which ordering argument it rests on.
//!
//! The argument stands in the file's documentation as `[ORD-n]` in backticks; the operation carries
//! `// [ORD-n]` within six lines above it. An orphan either way is reported. In documentation,
//! "`[ORD-n]` of `name`" refers to the argument of another file, whose own check knows it.

use std::collections::BTreeMap;

use super::Finding;
use super::source::Source;

const RULE: &str = "ordering-arguments";
const REACH: usize = 6;
const ORDERINGS: &[&str] = &["Relaxed", "Acquire", "Release", "AcqRel", "SeqCst"];

pub(super) fn check(source: &Source) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut used: BTreeMap<u32, usize> = BTreeMap::new();
    let mut defined: BTreeMap<u32, usize> = BTreeMap::new();
    for (index, line) in source.library_lines() {
        let is_doc = line.comment.starts_with("//!") || line.comment.starts_with("///");
        for (number, is_quoted) in tags(&line.comment) {
            match (is_doc, is_quoted) {
                (true, true) => _ = defined.entry(number).or_insert(index + 1),
                (false, _) => _ = used.entry(number).or_insert(index + 1),
                (true, false) => {}
            }
        }
        let is_near = || {
            source.lines[index.saturating_sub(REACH)..=index].iter().any(|line| {
                !line.comment.starts_with("//!")
                    && !line.comment.starts_with("///")
                    && !tags(&line.comment).is_empty()
            })
        };
        if uses_ordering(&line.code) && !is_near() {
            let message =
                format!("an atomic operation without `// [ORD-n]` within {REACH} lines above");
            findings.push(Finding::new(&source.path, index + 1, RULE, message));
        }
    }
    for (number, line) in used.iter().filter(|(number, _)| !defined.contains_key(number)) {
        let message = format!(
            "[ORD-{number}] is used, but the file's docs have no `[ORD-{number}]` in backticks"
        );
        findings.push(Finding::new(&source.path, *line, RULE, message));
    }
    for (number, line) in defined.iter().filter(|(number, _)| !used.contains_key(number)) {
        let message = format!("[ORD-{number}] is argued for, but no operation carries it");
        findings.push(Finding::new(&source.path, *line, RULE, message));
    }
    findings
}

fn uses_ordering(code: &str) -> bool {
    !code.trim_start().starts_with("use ")
        && code.match_indices("Ordering::").any(|(at, matched)| {
            let name = &code[at + matched.len()..];
            ORDERINGS.iter().any(|ordering| name.starts_with(ordering))
        })
}

/// The numbers of the tags in a comment, and whether each stands in backticks.
fn tags(comment: &str) -> Vec<(u32, bool)> {
    comment
        .match_indices("[ORD-")
        .filter_map(|(at, matched)| {
            let (number, rest) = comment[at + matched.len()..].split_once(']')?;
            let is_elsewhere = rest.starts_with("` of `");
            Some((number.parse().ok()?, comment[..at].ends_with('`') && !is_elsewhere))
        })
        .collect()
}
