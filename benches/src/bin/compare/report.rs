//! The figures of all rounds, and what is said of them.

use std::fmt::Write;

use bowerbird_benches::primitives::{self, Kind};
use bowerbird_benches::runtimes::OURS;

use crate::go;
use crate::plan::Measurement;

/// What a figure means.
#[derive(Debug, PartialEq)]
pub(crate) struct Metric {
    name: &'static str,
    unit: &'static str,
    is_higher_better: bool,
}

const METRICS: &[Metric] = &[
    Metric { name: "wall", unit: "ns", is_higher_better: false },
    Metric { name: "rate", unit: "msg/s", is_higher_better: true },
    Metric { name: "server-cpu", unit: "ns", is_higher_better: false },
    Metric { name: "p50", unit: "us", is_higher_better: false },
    Metric { name: "p99", unit: "us", is_higher_better: false },
    Metric { name: "cpu", unit: "ns", is_higher_better: false },
    Metric { name: "memory", unit: "bytes", is_higher_better: false },
];

/// Reads a line that a measurement printed.
pub(crate) fn parse_figure(line: &str) -> Option<(&'static Metric, f64)> {
    let (name, value) = line.split_once(' ')?;
    Some((METRICS.iter().find(|metric| metric.name == name)?, value.parse().ok()?))
}

/// All figures, in the order in which they came.
#[derive(Default)]
pub(crate) struct Report {
    rows: Vec<Row>,
}

/// One line of the table.
struct Row {
    case: &'static str,
    workers: usize,
    metric: &'static Metric,
    /// The rounds of each, as in `names`; empty for those that have nothing for this case.
    rounds: Vec<Vec<f64>>,
}

impl Report {
    pub(crate) fn add(&mut self, of: &Measurement, metric: &'static Metric, value: f64) {
        let runtime = names().iter().position(|&name| name == of.runtime).expect("a listed name");
        let is_it = |row: &Row| {
            (row.case, row.workers, row.metric.name) == (of.case, of.workers, metric.name)
        };
        let at = self.rows.iter().position(is_it).unwrap_or_else(|| {
            let rounds = vec![Vec::new(); names().len()];
            self.rows.push(Row { case: of.case, workers: of.workers, metric, rounds });
            self.rows.len() - 1
        });
        self.rows[at].rounds[runtime].push(value);
    }

    /// The table: medians with half the spread of the rounds, the best peer and the verdict.
    pub(crate) fn table(&self) -> String {
        let mut table = format!("{:<19}{:<3}{:<18}", "case", "w", "metric");
        for name in names() {
            let _ = write!(table, "{name:>18}");
        }
        let _ = writeln!(table, "  {:<14}{:>6}  verdict", "best peer", "ratio");
        for row in &self.rows {
            let metric = format!("{} ({})", row.metric.name, row.metric.unit);
            let _ = write!(table, "{:<19}{:<3}{metric:<18}", row.case, row.workers);
            for rounds in &row.rounds {
                let figure = if rounds.is_empty() {
                    "-".to_owned()
                } else {
                    let spread = spread_percent(rounds);
                    format!("{} ±{spread:>3.0}%", short(median(rounds)))
                };
                let _ = write!(table, "{figure:>18}");
            }
            let (best_peer, ratio, verdict) = row.verdict();
            let ratio = ratio.map_or_else(|| "-".to_owned(), |ratio| format!("{ratio:.2}"));
            let _ = writeln!(table, "  {best_peer:<14}{ratio:>6}  {verdict}");
        }
        table
    }

    /// Every figure of every round.
    pub(crate) fn json(&self) -> String {
        let rows: Vec<_> = self.rows.iter().map(Row::json).collect();
        format!("[\n{}\n]\n", rows.join(",\n"))
    }
}

/// Everybody who may be measured.
fn names() -> Vec<&'static str> {
    let mut names = primitives::names(Kind::Channels);
    names.push(go::NAME);
    names
}

impl Row {
    /// Those who were, and their rounds.
    fn measured(&self) -> impl Iterator<Item = (&'static str, &[f64])> {
        let rounds = self.rounds.iter().map(Vec::as_slice);
        names().into_iter().zip(rounds).filter(|(_, rounds)| !rounds.is_empty())
    }

    /// The best peer; ours divided by it, so that less than one is less time (or fewer messages); and
    /// whether that is ahead.
    fn verdict(&self) -> (&'static str, Option<f64>, &'static str) {
        let medians = || self.measured().map(|(name, rounds)| (name, median(rounds)));
        let better = |a: f64, b: f64| if self.metric.is_higher_better { a > b } else { a < b };
        // Our `Queue`, which stands among the channels, is no peer.
        let peers = medians().filter(|&(name, _)| !name.starts_with(OURS));
        let best = peers.reduce(|best, peer| if better(peer.1, best.1) { peer } else { best });
        let (best_peer, best) = best.expect("there are peers");
        match medians().find(|&(name, _)| name == OURS) {
            Some((_, ours)) if better(ours, best) => (best_peer, Some(ours / best), "ahead"),
            Some((_, ours)) => (best_peer, Some(ours / best), "behind"),
            None => (best_peer, None, "-"),
        }
    }

    fn json(&self) -> String {
        let (best_peer, ratio, verdict) = self.verdict();
        let ratio = ratio.map_or_else(|| "null".to_owned(), |ratio| ratio.to_string());
        let runtimes: Vec<_> = self
            .measured()
            .map(|(name, rounds)| {
                let median = median(rounds);
                format!(r#""{name}": {{"median": {median}, "rounds": {rounds:?}}}"#)
            })
            .collect();
        format!(
            r#"  {{"case": "{}", "workers": {}, "metric": "{}", "unit": "{}", "best_peer": "{best_peer}", "ratio": {ratio}, "verdict": "{verdict}", "runtimes": {{{}}}}}"#,
            self.case,
            self.workers,
            self.metric.name,
            self.metric.unit,
            runtimes.join(", "),
        )
    }
}

/// The middle one, or the mean of the two in the middle.
fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    if sorted.len() % 2 == 1 {
        sorted[middle]
    } else {
        f64::midpoint(sorted[middle - 1], sorted[middle])
    }
}

/// Half the distance from the least to the greatest, in percent of the median.
fn spread_percent(values: &[f64]) -> f64 {
    let least = values.iter().copied().fold(f64::INFINITY, f64::min);
    let greatest = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    (greatest - least) / 2.0 / median(values) * 100.0
}

/// Three digits, or all before the point.
fn short(value: f64) -> String {
    match value {
        ..10.0 => format!("{value:.2}"),
        ..100.0 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    }
}

#[cfg(test)]
mod tests;
