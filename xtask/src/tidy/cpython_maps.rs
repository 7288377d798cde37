//! The maps in tests/cpython: each test of ours that they name exists, and each of CPython's tests has a row.
//!
//! A row has two columns: CPython's tests (`test_name`, `test_begin_*`, or a whole class), and what stands for
//! them here. Outside of backquotes a word with an underscore in the second column is a test of ours; "the same
//! name" are those of the first.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::{fs, io};

use super::Finding;
use super::source::Source;

pub(super) const DIRECTORY: &str = "tests/cpython";
/// CPython's tests, by file and class.
const NAMES: &str = "tests/cpython/names.txt";
const RULE: &str = "cpython-maps";

/// The maps and the names, by path.
pub(super) fn read() -> io::Result<BTreeMap<String, String>> {
    let mut texts = BTreeMap::new();
    for entry in fs::read_dir(Path::new(DIRECTORY))? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        let path = format!("{DIRECTORY}/{name}");
        texts.insert(path.clone(), fs::read_to_string(path)?);
    }
    Ok(texts)
}

pub(super) fn check(texts: &BTreeMap<String, String>, sources: &[Source]) -> Vec<Finding> {
    let functions = functions(sources);
    let mut findings = Vec::new();
    // Of each of CPython's files: what has a row.
    let mut mapped: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (path, text) in texts.iter().filter(|(path, _)| path.ends_with(".md")) {
        let head = text.split("\n|").next().unwrap_or_default();
        let files: Vec<_> = head
            .split('`')
            .filter_map(|span| span.rsplit('/').next())
            .filter(is_test_file)
            .collect();
        for (line, theirs, ours) in rows(text) {
            let theirs = words(theirs);
            let same =
                if ours.contains("the same name") { theirs.clone() } else { BTreeSet::new() };
            let named = words(ours).into_iter().filter(|word| word.contains('_')).chain(same);
            for name in named.filter(|name| !functions.contains(name.as_str())) {
                findings.push(Finding::new(path, line, RULE, format!("there is no test `{name}`")));
            }
            for file in &files {
                mapped.entry((*file).to_owned()).or_default().extend(theirs.iter().cloned());
            }
        }
    }
    let names = texts.get(NAMES).map(String::as_str).unwrap_or_default();
    findings.extend(missing(names, &mapped));
    findings
}

fn is_test_file(name: &&str) -> bool {
    name.starts_with("test_") && name.ends_with(".py")
}

/// The rows of two columns: the number of the line, and both.
fn rows(text: &str) -> impl Iterator<Item = (usize, &str, &str)> {
    let is_row = |line: &&str| line.starts_with('|') && !line.starts_with("|-");
    text.lines().enumerate().filter(move |(_, line)| is_row(line)).filter_map(|(index, line)| {
        let (theirs, ours) = line.trim_matches('|').split_once('|')?;
        (theirs.trim() != "CPython").then_some((index + 1, theirs, ours))
    })
}

/// The words outside of backquotes, with a `*` that follows.
fn words(text: &str) -> BTreeSet<String> {
    let plain: String = text.split('`').step_by(2).collect::<Vec<_>>().join(" ");
    let is_part = |c: char| c.is_alphanumeric() || c == '_' || c == '*';
    plain.split(|c| !is_part(c)).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

/// The names of all functions, tests among them.
fn functions(sources: &[Source]) -> BTreeSet<&str> {
    let lines = sources.iter().flat_map(|source| &source.lines);
    lines
        .filter_map(|line| {
            let (_, after) = line.code.split_once("fn ")?;
            after.split(|c: char| !(c.is_alphanumeric() || c == '_')).next()
        })
        .collect()
}

/// CPython's tests that have no row in a map of their file.
fn missing(names: &str, mapped: &BTreeMap<String, BTreeSet<String>>) -> Vec<Finding> {
    let mut findings = Vec::new();
    let (mut file, mut class) = (String::new(), String::new());
    for (index, line) in names.lines().enumerate() {
        let tests = match line.split_once(':') {
            Some((head, tests)) if head.split(' ').next().is_some_and(|f| is_test_file(&f)) => {
                (file, class) =
                    head.split_once(' ').map(|(f, c)| (f.into(), c.into())).unwrap_or_default();
                tests
            }
            _ if file.is_empty() => continue,
            _ => line,
        };
        let empty = BTreeSet::new();
        let rows = mapped.get(&file).unwrap_or(&empty);
        let has_row = |test: &str| {
            let begins =
                |row: &String| row.strip_suffix('*').is_some_and(|row| test.starts_with(row));
            rows.contains(&class) || rows.contains(test) || rows.iter().any(begins)
        };
        for test in tests.split_whitespace().filter(|test| !has_row(test)) {
            let message = format!("no map has a row for `{test}` of {class} in {file}");
            findings.push(Finding::new(NAMES, index + 1, RULE, message));
        }
    }
    findings
}
