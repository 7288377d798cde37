//! Reads the tables of docs/from-asyncio.md. The build script includes this file as well.

/// One row: the code spans of the first column, the paths of the second, and the whole second column.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) section: String,
    pub(crate) line: usize,
    pub(crate) asyncio: Vec<String>,
    pub(crate) paths: Vec<String>,
    pub(crate) rust: String,
    pub(crate) difference: String,
}

/// The rows of all tables of a document.
pub(crate) fn rows(document: &str) -> Vec<Row> {
    let mut section = String::new();
    let mut rows = Vec::new();
    for (index, line) in document.lines().enumerate() {
        if let Some(heading) = line.strip_prefix('#') {
            section = heading.trim_start_matches('#').trim().replace('`', "");
        }
        let columns = columns(line);
        let is_row = line.starts_with('|') && !line.starts_with("|-");
        if !is_row || columns.get(1).is_some_and(|column| column == "bowerbird") {
            continue;
        }
        assert_eq!(columns.len(), 3, "docs/from-asyncio.md:{}: a row has three columns", index + 1);
        rows.push(Row {
            section: section.clone(),
            line: index + 1,
            asyncio: spans(&columns[0]),
            paths: spans(&columns[1]).iter().flat_map(|span| paths(span)).collect(),
            rust: columns[1].clone(),
            difference: columns[2].clone(),
        });
    }
    rows
}

/// The columns of a line; `\|` is a bar inside of one.
fn columns(line: &str) -> Vec<String> {
    let inner = line.trim().trim_start_matches('|').trim_end_matches('|').replace("\\|", "\u{0}");
    inner.split('|').map(|column| column.trim().replace('\u{0}', "|")).collect()
}

/// What stands between backquotes.
fn spans(text: &str) -> Vec<String> {
    text.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// The paths `bowerbird::...` in a piece of code.
fn paths(code: &str) -> Vec<String> {
    let is_path = |c: char| c.is_alphanumeric() || c == '_' || c == ':';
    let words = code.split(|c| !is_path(c));
    let paths = words.filter(|word| word.starts_with("bowerbird::"));
    paths.map(|path| path.trim_end_matches(':').to_owned()).collect()
}

/// Whether a path names a member of a type or trait, which no `use` can name: `Type::method`.
pub(crate) fn is_member(path: &str) -> bool {
    let mut from_the_end = path.rsplit("::");
    let (Some(last), Some(before)) = (from_the_end.next(), from_the_end.next()) else {
        return false;
    };
    before.starts_with(char::is_uppercase) && !is_variant(last)
}

/// Whether a name after a type is that of a variant: camel case.
fn is_variant(name: &str) -> bool {
    name.starts_with(char::is_uppercase) && name.contains(char::is_lowercase)
}
