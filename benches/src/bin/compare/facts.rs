//! What the figures depend on: the machine, the versions, the revision.

use std::fs;
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use crate::others;

/// What was built in.
const LOCK: &str = include_str!("../../../../Cargo.lock");

/// The crates whose versions matter.
const PEERS: &[&str] = &[
    "tokio",
    "async-executor",
    "async-io",
    "async-std",
    "blocking",
    "async-lock",
    "async-channel",
    "async-broadcast",
    "event-listener",
    "flume",
    "kanal",
    "monoio",
    "hyper",
];

/// Everything that is known.
pub(crate) fn all() -> Value {
    let versions = PEERS.iter().filter_map(|name| Some((*name, version(LOCK, name)?.to_owned())));
    let versions: serde_json::Map<_, _> = versions
        .chain(others::versions())
        .map(|(name, version)| (name.to_owned(), version.into()))
        .collect();
    json!({
        "machine": {
            "cpu": line_of("/proc/cpuinfo", "model name"),
            "cpus": std::thread::available_parallelism().map_or(0, usize::from),
            "memory": line_of("/proc/meminfo", "MemTotal"),
            "system": std::env::consts::OS,
            "kernel": fs::read_to_string("/proc/sys/kernel/osrelease").ok().map(trimmed),
        },
        "rustc": says("rustc", &["--version"]),
        "revision": says("git", &["describe", "--always", "--dirty", "--abbrev=12"]),
        "seconds_since_1970": SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |at| at.as_secs()),
        "versions": versions,
    })
}

/// The version of a package in a lock file; of several the last, which is ours: older ones are what peers bring along.
fn version<'a>(lock: &'a str, name: &str) -> Option<&'a str> {
    let (_, behind) = lock.rsplit_once(&format!("name = \"{name}\"\nversion = \""))?;
    behind.split('"').next()
}

/// What stands behind the colon of the first line that begins so.
fn line_of(path: &str, label: &str) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    let line = text.lines().find(|line| line.starts_with(label))?;
    line.split_once(':').map(|(_, value)| value.trim().to_owned())
}

fn trimmed(text: String) -> String {
    text.trim().to_owned()
}

fn says(program: &str, args: &[&str]) -> Option<String> {
    let directory = env!("CARGO_MANIFEST_DIR");
    let output = Command::new(program).args(args).current_dir(directory).output().ok()?;
    output.status.success().then(|| trimmed(String::from_utf8_lossy(&output.stdout).into_owned()))
}

#[cfg(test)]
mod tests {
    #[test]
    fn version_is_the_last_of_the_package_and_of_no_other() {
        let lock = "[[package]]\nname = \"tokio-util\"\nversion = \"0.7.1\"\n\n\
                    [[package]]\nname = \"tokio\"\nversion = \"0.2.0\"\n\n\
                    [[package]]\nname = \"tokio\"\nversion = \"1.54.0\"\nsource = \"x\"\n";
        assert_eq!(super::version(lock, "tokio"), Some("1.54.0"));
        assert_eq!(super::version(lock, "toki"), None);
    }
}
