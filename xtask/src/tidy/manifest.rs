//! Reading what tidy needs of a `Cargo.toml`: a key a line, in the form that this workspace writes.

/// The packages under `[dependencies]` and `[target.'..'.dependencies]`; not those of tests and builds.
pub(super) fn dependencies(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut is_inside = false;
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if let Some(section) = line.strip_prefix('[') {
            let section = section.trim_end_matches(']');
            is_inside = section == "dependencies" || section.ends_with(".dependencies");
            // `[dependencies.name]`
            if let Some((before, name)) = section.split_once("dependencies.")
                && !before.ends_with("dev-")
                && !before.ends_with("build-")
            {
                found.push((index + 1, name.to_owned()));
            }
        } else if is_inside {
            found.extend(package(line).map(|name| (index + 1, name)));
        }
    }
    found
}

/// The package of a line `name = ..`, `name.workspace = true` or `alias = { package = "name", .. }`.
fn package(line: &str) -> Option<String> {
    let (key, value) = line.split_once('=')?;
    let key = key.trim().split('.').next()?.trim_matches('"');
    if key.starts_with('#') {
        return None;
    }
    let renamed = value.split_once("package").and_then(|(_, rest)| rest.split('"').nth(1));
    Some(renamed.unwrap_or(key).to_owned())
}

/// The names under `[features]`, `default` left out.
pub(crate) fn features(text: &str) -> Vec<&str> {
    text.lines()
        .map(str::trim)
        .skip_while(|line| *line != "[features]")
        .skip(1)
        .take_while(|line| !line.starts_with('['))
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split_once('=').map(|(name, _)| name.trim()))
        .filter(|name| *name != "default")
        .collect()
}

/// The value of `name = ".."` in `[package]`.
pub(super) fn name(text: &str) -> Option<&str> {
    text.lines().find_map(|line| line.strip_prefix("name = \"")?.strip_suffix('"'))
}
