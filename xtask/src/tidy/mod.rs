//! `tidy`: the rules of this workspace that no compiler knows.
//!
//! Each rule is a function from sources to findings, and has a test that shows it a violation.

use std::fmt;
use std::fs;
use std::path::Path;

use crate::command::Outcome;

pub(crate) mod manifest;
mod source;
mod edges;
mod model_cfg;
mod orderings;
mod unsafe_code;
mod architecture;
mod cpython_maps;
mod size;
mod seams;
mod unfinished;

use source::Source;

/// A place where a rule does not hold.
#[derive(Debug, PartialEq, Eq)]
struct Finding {
    path: String,
    /// Counted from 1; 0 is the whole file.
    line: usize,
    rule: &'static str,
    message: String,
    is_warning: bool,
}

impl Finding {
    fn new(path: &str, line: usize, rule: &'static str, message: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line, rule, message: message.into(), is_warning: false }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = if self.is_warning { "warning" } else { "error" };
        write!(f, "{}:{}: {kind} [{}]: {}", self.path, self.line, self.rule, self.message)
    }
}

/// Checks the workspace in the current directory.
pub(crate) fn run() -> Outcome {
    let mut sources = Vec::new();
    let mut manifests = Vec::new();
    for directory in ["crates", "tests", "benches", "xtask"] {
        collect(Path::new(directory), &mut sources, &mut manifests)?;
    }
    let architecture = fs::read_to_string(architecture::DOCUMENT).ok();
    let mut findings = check(&sources, &manifests);
    findings.extend(
        architecture
            .iter()
            .flat_map(|text| architecture::check(text, |path| Path::new(path).exists())),
    );
    let maps =
        cpython_maps::read().map_err(|error| format!("{}: {error}", cpython_maps::DIRECTORY))?;
    findings.extend(cpython_maps::check(&maps, &sources));
    for finding in &findings {
        eprintln!("{finding}");
    }
    let errors = findings.iter().filter(|finding| !finding.is_warning).count();
    eprintln!("tidy: {} sources, {} manifests, {errors} errors", sources.len(), manifests.len());
    if sources.is_empty() || manifests.is_empty() {
        return Err("looked at nothing".to_owned());
    }
    if errors == 0 { Ok(()) } else { Err(format!("{errors} errors")) }
}

fn check(sources: &[Source], manifests: &[(String, String)]) -> Vec<Finding> {
    let mut findings = Vec::new();
    findings.extend(manifests.iter().flat_map(|(path, text)| edges::check_manifest(path, text)));
    for source in sources {
        findings.extend(edges::check_source(source));
        findings.extend(model_cfg::check(source));
        findings.extend(orderings::check(source));
        findings.extend(seams::check(source));
        findings.extend(size::check(source));
        findings.extend(unfinished::check(source));
    }
    findings.extend(unsafe_code::check(sources));
    findings
}

fn collect(
    directory: &Path,
    sources: &mut Vec<Source>,
    manifests: &mut Vec<(String, String)>,
) -> Outcome {
    let fail = |error: std::io::Error| format!("{}: {error}", directory.display());
    let mut entries: Vec<_> = fs::read_dir(directory)
        .map_err(fail)?
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        .collect();
    entries.sort();
    for path in entries {
        let name = path.to_string_lossy().replace('\\', "/");
        if path.is_dir() {
            if !name.ends_with("/target") {
                collect(&path, sources, manifests)?;
            }
        } else if name.ends_with(".rs") {
            sources.push(Source::new(&name, &fs::read_to_string(&path).map_err(fail)?));
        } else if name.ends_with("/Cargo.toml") {
            manifests.push((name, fs::read_to_string(&path).map_err(fail)?));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
