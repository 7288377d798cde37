//! A source file, with its code told from its comments.

/// One file.
pub(super) struct Source {
    /// From the root, with `/`.
    pub(super) path: String,
    pub(super) lines: Vec<Line>,
}

/// One line in its three parts.
pub(super) struct Line {
    /// Code, with the insides of strings blanked.
    pub(super) code: String,
    /// What follows `//`, slashes included.
    pub(super) comment: String,
    /// Inside `#[cfg(test)] mod name { .. }`.
    pub(super) is_test: bool,
}

/// What the scanner is inside of at the end of a line.
#[derive(Clone, Copy, PartialEq)]
enum Inside {
    Code,
    /// A string that ends with a quote and this many `#`; `None`: an ordinary one, with escapes.
    String(Option<usize>),
    BlockComment(usize),
}

impl Source {
    pub(super) fn new(path: &str, text: &str) -> Self {
        let mut inside = Inside::Code;
        let mut lines: Vec<Line> = text
            .lines()
            .map(|line| {
                let (code, comment, after) = scan(line, inside);
                inside = after;
                Line { code, comment, is_test: false }
            })
            .collect();
        mark_tests(&mut lines);
        Self { path: path.to_owned(), lines }
    }

    /// The crate directory under `crates/`, `bowerbird-core`.
    pub(super) fn crate_name(&self) -> Option<&str> {
        self.path.strip_prefix("crates/")?.split('/').next()
    }

    /// The source of a library, not of its tests, benches and examples.
    pub(super) fn is_library(&self) -> bool {
        let file = self.path.rsplit('/').next().unwrap_or_default();
        let is_in_src = self.path.split('/').nth(2) == Some("src");
        self.crate_name().is_some_and(|name| name.starts_with("bowerbird"))
            && is_in_src
            && !self.path.contains("/tests/")
            && !self.path.contains("/loom_tests/")
            && !file.ends_with("tests.rs")
            && !file.starts_with("test_")
    }

    /// The lines of code that ship, with their numbers.
    pub(super) fn library_lines(&self) -> impl Iterator<Item = (usize, &Line)> {
        let is_library = self.is_library();
        self.lines.iter().enumerate().filter(move |(_, line)| is_library && !line.is_test)
    }

    /// The documentation of the module.
    pub(super) fn module_docs(&self) -> impl Iterator<Item = &str> {
        self.lines.iter().filter_map(|line| line.comment.strip_prefix("//!"))
    }
}

/// Whether `word` stands in `code` as a word of its own.
pub(super) fn has_word(code: &str, word: &str) -> bool {
    find_word(code, word).is_some()
}

/// Where `word` stands in `code` as a word of its own.
pub(super) fn find_word(code: &str, word: &str) -> Option<usize> {
    let is_part = |other: char| other.is_alphanumeric() || other == '_';
    code.match_indices(word)
        .map(|(at, _)| at)
        .find(|&at| !code[..at].ends_with(is_part) && !code[at + word.len()..].starts_with(is_part))
}

fn scan(line: &str, mut inside: Inside) -> (String, String, Inside) {
    let chars: Vec<char> = line.chars().collect();
    let mut code = String::new();
    let mut at = 0;
    while at < chars.len() {
        let this = chars[at];
        let next = chars.get(at + 1).copied();
        match inside {
            Inside::Code if this == '/' && next == Some('/') => {
                return (code, chars[at..].iter().collect(), inside);
            }
            Inside::Code if this == '/' && next == Some('*') => {
                inside = Inside::BlockComment(1);
                at += 1;
            }
            Inside::Code if this == '"' => {
                inside = Inside::String(raw_hashes(&code));
                code.push('"');
            }
            Inside::Code if this == '\'' => {
                // A character, or the start of a lifetime.
                let length = if next == Some('\\') {
                    chars[at + 2..].iter().skip(1).position(|&c| c == '\'').map(|end| end + 4)
                } else {
                    (chars.get(at + 2) == Some(&'\'')).then_some(3)
                };
                code.push('\'');
                at += length.unwrap_or(1) - 1;
            }
            Inside::Code => code.push(this),
            Inside::String(None) if this == '\\' => at += 1,
            Inside::String(hashes) if this == '"' => {
                let count = hashes.unwrap_or(0);
                if chars[at + 1..].iter().take_while(|&&c| c == '#').count() >= count {
                    inside = Inside::Code;
                    code.push('"');
                    at += count;
                }
            }
            Inside::BlockComment(depth) if this == '*' && next == Some('/') => {
                inside = if depth == 1 { Inside::Code } else { Inside::BlockComment(depth - 1) };
                at += 1;
            }
            Inside::BlockComment(depth) if this == '/' && next == Some('*') => {
                inside = Inside::BlockComment(depth + 1);
                at += 1;
            }
            Inside::String(_) | Inside::BlockComment(_) => {}
        }
        at += 1;
    }
    (code, String::new(), inside)
}

/// The number of `#` after an `r` or `br` that ends `code`.
fn raw_hashes(code: &str) -> Option<usize> {
    let before = code.trim_end_matches('#');
    let is_raw = before.ends_with('r')
        && !before
            .trim_end_matches('r')
            .trim_end_matches('b')
            .ends_with(|c: char| c.is_alphanumeric() || c == '_');
    is_raw.then(|| code.len() - before.len())
}

/// Marks `#[cfg(test)] mod name { .. }` up to the brace that stands as far left as the attribute.
fn mark_tests(lines: &mut [Line]) {
    let mut end: Option<String> = None;
    let mut previous_is_attribute = false;
    for line in lines {
        let indent = line.code.len() - line.code.trim_start().len();
        if let Some(closing) = &end {
            line.is_test = true;
            if line.code.trim_end() == closing {
                end = None;
            }
            continue;
        }
        let code = line.code.trim();
        if previous_is_attribute && has_word(code, "mod") && code.ends_with('{') {
            line.is_test = true;
            end = Some(format!("{}}}", " ".repeat(indent)));
        }
        previous_is_attribute =
            code.starts_with("#[cfg(test)]") || (previous_is_attribute && code.starts_with("#["));
    }
}
