//! Time and the network are each reached through one place, so that a simulation can take it over.

use super::Finding;
use super::source::Source;

const RULE: &str = "seams";
const CLOCK: &str = "crates/bowerbird-base/src/clock.rs";
/// The files in which sockets reach the system.
const SOCKETS: &str = "crates/bowerbird-net/src/socket";

const TIME: &[&str] = &["Instant::now(", "SystemTime::now("];
const STD_SOCKETS: &[&str] = &["TcpStream", "TcpListener", "UdpSocket"];

pub(super) fn check(source: &Source) -> Vec<Finding> {
    let imported =
        if source.path.starts_with(SOCKETS) { Vec::new() } else { imported_sockets(source) };
    let mut findings = Vec::new();
    for (index, line) in source.library_lines() {
        let mut report =
            |message: String| findings.push(Finding::new(&source.path, index + 1, RULE, message));
        if let Some(call) =
            TIME.iter().find(|call| line.code.contains(**call) && source.path != CLOCK)
        {
            report(format!("`{call})` outside the clock: ask the Clock"));
        }
        if source.path.starts_with(SOCKETS) {
            continue;
        }
        let full =
            STD_SOCKETS.iter().find(|name| line.code.contains(&format!("std::net::{name}::")));
        let short = imported.iter().find(|name| calls(&line.code, name));
        if let Some(name) = full.copied().or(short.map(String::as_str)) {
            report(format!("a call on std's `{name}` outside the socket files"));
        }
    }
    findings
}

/// The names under which this file imports std's sockets. As types they are harmless.
fn imported_sockets(source: &Source) -> Vec<String> {
    let code: String = source.library_lines().map(|(_, line)| format!("{} ", line.code)).collect();
    let imports = code.split("use std::net::").skip(1).filter_map(|rest| rest.split(';').next());
    let items = imports.flat_map(|import| import.split(['{', '}', ',']));
    items
        .filter_map(|item| {
            let mut words = item.split_whitespace();
            let name = words.next().filter(|name| STD_SOCKETS.contains(name))?;
            Some(words.nth(1).unwrap_or(name).to_owned())
        })
        .collect()
}

/// Whether `name::something` stands in the code, with no path before it.
fn calls(code: &str, name: &str) -> bool {
    code.match_indices(&format!("{name}::")).any(|(at, _)| {
        !code[..at]
            .ends_with(|before: char| before.is_alphanumeric() || before == '_' || before == ':')
    })
}
