//! Every path that docs/ARCHITECTURE.md names exists.

use super::Finding;

pub(super) const DOCUMENT: &str = "docs/ARCHITECTURE.md";

/// `exists` says whether a path from the root is there.
pub(super) fn check(text: &str, exists: impl Fn(&str) -> bool) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut is_fenced = false;
    for (index, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            is_fenced = !is_fenced;
        }
        if is_fenced {
            continue;
        }
        for quoted in line.split('`').skip(1).step_by(2) {
            // `file::function` names the file.
            let path = quoted.split("::").next().unwrap_or_default();
            if is_path(path) && !candidates(path).iter().any(|path| exists(path)) {
                let message = format!("`{path}` does not exist");
                findings.push(Finding::new(DOCUMENT, index + 1, "architecture-paths", message));
            }
        }
    }
    findings
}

fn is_path(text: &str) -> bool {
    let is_plain = text.chars().all(|c| c.is_alphanumeric() || "_-./".contains(c));
    let ends_as_file = [".rs", ".md", ".toml", ".yml"].iter().any(|end| text.ends_with(end));
    is_plain
        && !text.starts_with('/')
        && (ends_as_file || (text.contains('/') && !text.contains("..")))
}

/// From the root, from `crates/`, and `core/idle.rs` for `crates/bowerbird-core/src/idle.rs`.
fn candidates(path: &str) -> Vec<String> {
    let mut all = vec![path.to_owned(), format!("crates/{path}"), format!("docs/{path}")];
    if let Some((name, rest)) = path.split_once('/') {
        all.push(format!("crates/bowerbird-{name}/src/{rest}"));
        all.push(format!("crates/{name}/src/{rest}"));
    }
    all
}
