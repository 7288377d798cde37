//! An exception group as a tree, laid out as Python prints it.
//!
//! ```text
//!   | ExceptionGroup: unhandled errors in a TaskGroup (2 sub-exceptions)
//!   +-+---------------- 1 ----------------
//!     | task `reader`, spawned at src/main.rs:12:9
//!     | connection reset
//!     | caused by: broken pipe
//!     +---------------- 2 ----------------
//!     | ...
//!     +------------------------------------
//! ```

use std::error::Error;
use std::fmt;

use super::ExceptionGroup;
use crate::groups::TaskFailure;

/// How many errors of one group are shown, and how deep groups inside groups; Python's numbers.
const MAX_WIDTH: usize = 15;
const MAX_DEPTH: usize = 10;

impl ExceptionGroup {
    /// Shows the group as a tree: each error with its causes, its task's name and spawn site.
    ///
    /// asyncio: `traceback.print_exception`. No newline at the end; past 15 errors of one group, and below ten
    /// groups inside one another, it says how much is left out.
    ///
    /// # Examples
    /// ```
    /// use bowerbird::ExceptionGroup;
    ///
    /// let group = ExceptionGroup::new("it failed", [std::fmt::Error.into()]);
    /// let shown = group.tree().to_string();
    /// assert!(shown.starts_with("  | ExceptionGroup: it failed (1 sub-exception)\n  +-+------"));
    /// ```
    pub fn tree(&self) -> impl fmt::Display + '_ {
        Tree(self)
    }
}

struct Tree<'a>(&'a ExceptionGroup);

impl fmt::Display for Tree<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut lines = Lines { out: f, is_first: true };
        show_text(&mut lines, 0, &format!("ExceptionGroup: {}", self.0))?;
        show_group(&mut lines, 0, self.0)
    }
}

/// Writes lines with no newline after the last.
struct Lines<'a, 'b> {
    out: &'a mut fmt::Formatter<'b>,
    is_first: bool,
}

impl Lines<'_, '_> {
    fn line(&mut self, depth: usize, text: fmt::Arguments<'_>) -> fmt::Result {
        if !std::mem::take(&mut self.is_first) {
            self.out.write_str("\n")?;
        }
        write!(self.out, "{:indent$}{text}", "", indent = 2 * depth + 2)
    }
}

/// An error's text may have several lines; each gets the bar.
fn show_text(lines: &mut Lines<'_, '_>, depth: usize, text: &str) -> fmt::Result {
    text.lines().try_for_each(|line| lines.line(depth, format_args!("| {line}")))
}

/// The errors of a group, one level to the right, and the line that closes them.
fn show_group(lines: &mut Lines<'_, '_>, depth: usize, group: &ExceptionGroup) -> fmt::Result {
    if depth == MAX_DEPTH {
        return lines.line(depth, format_args!("| ... ({MAX_DEPTH} groups inside one another)"));
    }
    let mut has_closed = false;
    for (index, failure) in group.exceptions().iter().enumerate() {
        let number = index + 1;
        if index == MAX_WIDTH {
            lines.line(depth + 1, format_args!("+---------------- ... ----------------"))?;
            let left = group.len() - index;
            lines.line(depth + 1, format_args!("| and {left} more"))?;
            has_closed = false;
            break;
        }
        match index {
            0 => {
                lines.line(depth, format_args!("+-+---------------- {number} ----------------"))?
            }
            _ => lines
                .line(depth + 1, format_args!("+---------------- {number} ----------------"))?,
        }
        has_closed = show_failure(lines, depth + 1, failure)?;
    }
    if has_closed {
        return Ok(());
    }
    lines.line(depth + 1, format_args!("+------------------------------------"))
}

/// Returns whether the last line closes a group: then the group around it needs no line of its own.
fn show_failure(
    lines: &mut Lines<'_, '_>,
    depth: usize,
    failure: &TaskFailure,
) -> Result<bool, fmt::Error> {
    if let (Some(name), Some(location)) = (failure.task_name(), failure.spawned_at()) {
        lines.line(depth, format_args!("| task `{name}`, spawned at {location}"))?;
    }
    match failure.as_group() {
        Some(group) => {
            show_text(lines, depth, &format!("ExceptionGroup: {group}"))?;
            show_group(lines, depth, group)?;
            Ok(depth < MAX_DEPTH)
        }
        None => {
            show_text(lines, depth, &failure.to_string())?;
            show_causes(lines, depth, failure.error())?;
            Ok(false)
        }
    }
}

fn show_causes(
    lines: &mut Lines<'_, '_>,
    depth: usize,
    error: &(dyn Error + 'static),
) -> fmt::Result {
    let mut next = error.source();
    while let Some(cause) = next {
        show_text(lines, depth, &format!("caused by: {cause}"))?;
        next = cause.source();
    }
    Ok(())
}
