//! A file over 700 lines says why it is one file. Only a warning.

use super::Finding;
use super::source::{Source, has_word};

const LIMIT: usize = 700;

pub(super) fn check(source: &Source) -> Vec<Finding> {
    let count = source.lines.len();
    if count <= LIMIT || source.module_docs().any(|line| has_word(&line.to_lowercase(), "why")) {
        return Vec::new();
    }
    let message =
        format!("{count} lines: look for the seam, or let the module docs say why it is one file");
    vec![Finding { is_warning: true, ..Finding::new(&source.path, 0, "file-size", message) }]
}
