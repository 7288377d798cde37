//! Only bowerbird-base tells a model from an ordinary build.

use super::Finding;
use super::source::{Source, has_word};

pub(super) fn check(source: &Source) -> Vec<Finding> {
    if source.crate_name() == Some("bowerbird-base") {
        return Vec::new();
    }
    let names =
        |code: &str| ["bowerbird_loom", "bowerbird_shuttle"].iter().any(|cfg| has_word(code, cfg));
    source
        .lines
        .iter()
        .enumerate()
        .filter(|(_, line)| names(&line.code))
        .map(|(index, _)| {
            let message = "only bowerbird-base names this cfg: use bowerbird_base::sync, or its model_or_real!";
            Finding::new(&source.path, index + 1, "model-cfg", message)
        })
        .collect()
}
