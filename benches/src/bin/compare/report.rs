//! The figures of all rounds, and what is said of them.

use std::collections::BTreeMap;

use bowerbird_benches::primitives::{self, Kind};
use bowerbird_benches::runtimes::{self, OURS};
use bowerbird_benches::{raw, servers};

use crate::others;
use crate::plan::{self, Case, Group, Measurement};

mod stored;
mod tables;

/// What a figure means.
#[derive(Debug, PartialEq)]
pub(crate) struct Metric {
    pub(crate) name: &'static str,
    pub(crate) unit: &'static str,
    is_higher_better: bool,
}

const METRICS: &[Metric] = &[
    Metric { name: "wall", unit: "ns", is_higher_better: false },
    Metric { name: "rate", unit: "msg/s", is_higher_better: true },
    Metric { name: "server-cpu", unit: "ns", is_higher_better: false },
    Metric { name: "p50", unit: "us", is_higher_better: false },
    Metric { name: "p99", unit: "us", is_higher_better: false },
    Metric { name: "p99.9", unit: "us", is_higher_better: false },
    Metric { name: "cpu", unit: "ns", is_higher_better: false },
    Metric { name: "allocations", unit: "", is_higher_better: false },
    Metric { name: "memory", unit: "bytes", is_higher_better: false },
    Metric { name: "busy", unit: "ms/s", is_higher_better: false },
    Metric { name: "efficiency", unit: "", is_higher_better: true },
    Metric { name: "polls", unit: "", is_higher_better: false },
];

/// Reads a line that a measurement printed.
pub(crate) fn parse_figure(line: &str) -> Option<(&'static Metric, f64)> {
    let (name, value) = line.split_once(' ')?;
    Some((metric(name)?, value.parse().ok()?))
}

fn metric(name: &str) -> Option<&'static Metric> {
    METRICS.iter().find(|metric| metric.name == name)
}

/// All figures, in the order in which they came.
#[derive(Default)]
pub(crate) struct Report {
    pub(crate) rows: Vec<Row>,
}

/// One line of the table.
pub(crate) struct Row {
    pub(crate) case: &'static Case,
    pub(crate) workers: usize,
    pub(crate) metric: &'static Metric,
    /// Who was measured, with the figure of each round; in the order of the first round.
    rounds: Vec<(String, Vec<f64>)>,
}

/// Ours beside the best peer's.
pub(crate) struct Verdict<'a> {
    pub(crate) best_peer: &'a str,
    pub(crate) best: f64,
    /// Less than one is better, whichever way the metric goes.
    pub(crate) ratio: f64,
}

impl Report {
    pub(crate) fn add(&mut self, of: &Measurement, metric: &'static Metric, value: f64) {
        let case = plan::find(of.case).expect("a measured case is listed");
        let rounds = self.rounds_of(case, of.workers, metric);
        match rounds.iter_mut().find(|(name, _)| *name == of.runtime) {
            Some((_, rounds)) => rounds.push(value),
            None => rounds.push((of.runtime.clone(), vec![value])),
        }
    }

    fn rounds_of(
        &mut self,
        case: &'static Case,
        workers: usize,
        metric: &'static Metric,
    ) -> &mut Vec<(String, Vec<f64>)> {
        let is_it = |row: &Row| {
            (row.case.name, row.workers, row.metric.name) == (case.name, workers, metric.name)
        };
        let at = self.rows.iter().position(is_it).unwrap_or_else(|| {
            self.rows.push(Row { case, workers, metric, rounds: Vec::new() });
            self.rows.len() - 1
        });
        &mut self.rows[at].rounds
    }

    /// The rows of a group with so many workers, those of a case together.
    fn of(&self, group: Group, workers: usize) -> Vec<&Row> {
        let is_in = |row: &&Row| row.case.group == group && row.workers == workers;
        let mut rows: Vec<_> = self.rows.iter().filter(is_in).collect();
        // Stable: the order of the metrics stays.
        rows.sort_by_key(|row| plan::CASES.iter().position(|case| case.name == row.case.name));
        rows
    }

    /// The rows that are drawn: the main figure of each case, or, `by_cpu`, the CPU time where the main one is a wall
    /// time.
    pub(crate) fn main_rows(&self, group: Group, workers: usize, by_cpu: bool) -> Vec<&Row> {
        let is_main = |row: &&Row| {
            let main = if by_cpu && row.case.main == "wall" { "cpu" } else { row.case.main };
            row.metric.name == main && row.verdict().is_some()
        };
        self.of(group, workers).into_iter().filter(is_main).collect()
    }

    /// The numbers of workers that there are.
    pub(crate) fn workers(&self) -> Vec<usize> {
        let mut all: Vec<_> = self.rows.iter().map(|row| row.workers).collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    /// The geometric mean of our ratios to the best peer over the cases of scheduling, timers and sync, for each
    /// number of workers and together: of the main figures, and of the CPU times.
    pub(crate) fn means(&self) -> Vec<Mean> {
        let mut ratios = BTreeMap::<_, Vec<f64>>::new();
        for row in self.rows.iter().filter(|row| row.case.group.is_in_mean()) {
            let Some(verdict) = row.verdict() else {
                continue;
            };
            for workers in [Some(row.workers), None] {
                if row.metric.name == row.case.main {
                    ratios.entry((workers, "main figure")).or_default().push(verdict.ratio);
                }
                if row.metric.name == "cpu" {
                    ratios.entry((workers, "CPU time")).or_default().push(verdict.ratio);
                }
            }
        }
        let mean_of = |((workers, of), ratios): (_, Vec<f64>)| Mean {
            workers,
            of,
            mean: geometric_mean(&ratios),
            cases: ratios.len(),
        };
        ratios.into_iter().map(mean_of).collect()
    }
}

/// See [`Report::means`].
pub(crate) struct Mean {
    /// `None` is all of them together.
    pub(crate) workers: Option<usize>,
    pub(crate) of: &'static str,
    pub(crate) mean: f64,
    pub(crate) cases: usize,
}

impl Row {
    /// Who was measured, and their medians.
    pub(crate) fn medians(&self) -> impl Iterator<Item = (&str, f64)> {
        self.rounds.iter().map(|(name, rounds)| (name.as_str(), median(rounds)))
    }

    /// How much worse a figure is than another: their quotient, the right way up.
    pub(crate) fn ratio(&self, value: f64, to: f64) -> f64 {
        match self.metric.is_higher_better {
            true => to / value,
            false => value / to,
        }
    }

    /// What there is to say if we and a peer were measured.
    pub(crate) fn verdict(&self) -> Option<Verdict<'_>> {
        let (_, ours) = self.medians().find(|&(name, _)| name == OURS)?;
        let (best_peer, best) = self
            .medians()
            .filter(|&(name, _)| is_peer(name))
            .reduce(|best, peer| if self.ratio(peer.1, best.1) < 1.0 { peer } else { best })?;
        // Nothing against nothing is level.
        let ratio = if ours == best { 1.0 } else { self.ratio(ours, best) };
        Some(Verdict { best_peer, best, ratio })
    }
}

/// Neither we (our `Queue` stands among the channels) nor the floor.
pub(crate) fn is_peer(name: &str) -> bool {
    !name.starts_with(OURS) && !name.starts_with(raw::NAME)
}

/// Where somebody stands in a table: ours, the runtimes, the libraries, the other languages, the floor.
pub(crate) fn rank(name: &str) -> usize {
    let order = runtimes::all_names().into_iter().chain(primitives::names(Kind::Channels)).chain([
        servers::MONOIO,
        servers::MONOIO_EPOLL,
        others::GO,
        others::ASYNCIO,
        others::UVLOOP,
        raw::NAME,
        servers::RAW_TWO,
    ]);
    order.into_iter().position(|other| other == name).unwrap_or(usize::MAX)
}

/// Of what is above zero: a peer that allocates nothing has no ratio.
fn geometric_mean(ratios: &[f64]) -> f64 {
    let logarithms = ratios.iter().filter(|ratio| ratio.is_finite() && **ratio > 0.0);
    let (sum, count) =
        logarithms.fold((0.0, 0), |(sum, count), ratio| (sum + ratio.ln(), count + 1));
    (sum / f64::from(count)).exp()
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
    match median(values) {
        0.0 => 0.0,
        median => (greatest - least) / 2.0 / median * 100.0,
    }
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
