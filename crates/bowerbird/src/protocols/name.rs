//! What the task of a connection is called: its protocol, and what it is connected to.

use std::fmt;
use std::sync::Arc;

use bowerbird_core::SpawnOptions;

/// The options of a connection's task: its name is `Echo, tcp 127.0.0.1:8080`.
pub(super) fn named(
    protocol_type: &str,
    kind: &str,
    peer: Option<impl fmt::Display>,
) -> SpawnOptions {
    let mut name = without_paths(protocol_type);
    name.push_str(", ");
    name.push_str(kind);
    if let Some(peer) = peer {
        name.push_str(&format!(" {peer}"));
    }
    let mut options = SpawnOptions::default();
    options.name = Some(Arc::from(name));
    options
}

/// A type's name, with the last part of each path only.
fn without_paths(full: &str) -> String {
    let mut short = String::new();
    for piece in full.split_inclusive(|c: char| !(c.is_alphanumeric() || "_:{}#".contains(c))) {
        short.push_str(piece.rsplit("::").next().unwrap_or(piece));
    }
    short
}

#[cfg(test)]
mod tests {
    use super::without_paths;

    #[test]
    fn only_the_last_part_of_a_path_is_left() {
        for (full, short) in [
            ("a::b::Echo", "Echo"),
            ("alloc::sync::Arc<std::sync::Mutex<a::Echo>>", "Arc<Mutex<Echo>>"),
            ("a::main::{{closure}}::Echo", "Echo"),
            ("a::Pair<(b::C, &d::E), [f::G; 3]>", "Pair<(C, &E), [G; 3]>"),
            ("alloc::boxed::Box<dyn a::Protocol>", "Box<dyn Protocol>"),
        ] {
            assert_eq!(without_paths(full), short);
        }
    }
}
