//! Medians, spreads and verdicts.

use std::time::Duration;

use bowerbird_benches::runtimes::OURS;
use serde_json::json;

use super::{Report, geometric_mean, median, parse_figure, short, spread_percent};
use crate::plan::Measurement;

#[test]
fn median_of_odd_and_even_counts_is_the_middle() {
    assert_eq!(median(&[9.0, 1.0, 2.0]), 2.0);
    assert_eq!(median(&[4.0, 1.0, 2.0, 9.0]), 3.0);
}

#[test]
fn spread_is_half_the_range_in_percent_of_the_median() {
    assert_eq!(spread_percent(&[90.0, 100.0, 130.0]), 20.0);
}

#[test]
fn figures_are_read_only_with_a_known_name() {
    assert_eq!(parse_figure("wall 12.5").map(|(_, value)| value), Some(12.5));
    assert_eq!(parse_figure("wall twelve"), None);
    assert_eq!(parse_figure("height 12.5"), None);
}

#[test]
fn numbers_have_three_digits_or_all_before_the_point() {
    assert_eq!(
        [short(1.234), short(12.34), short(123.4), short(12345.0)],
        ["1.23", "12.3", "123", "12345"]
    );
}

fn measured(figures: &[(&str, &str, f64)]) -> Report {
    let mut report = Report::default();
    for &(runtime, metric, value) in figures {
        let (metric, value) = parse_figure(&format!("{metric} {value}")).expect("a figure");
        let of = Measurement {
            runtime: runtime.to_owned(),
            case: "fib",
            workers: 1,
            budget: Duration::ZERO,
        };
        report.add(&of, metric, value);
    }
    report
}

#[test]
fn best_peer_follows_the_direction_of_the_metric() {
    for (metric, best, ratio) in [("wall", "smol", 2.0), ("efficiency", "tokio", 4.0)] {
        let figures = [(OURS, metric, 2.0), ("tokio", metric, 8.0), ("smol", metric, 1.0)];
        let report = measured(&figures);
        let verdict = report.rows[0].verdict().expect("there are peers");
        assert_eq!((verdict.best_peer, verdict.ratio), (best, ratio), "{metric}");
    }
}

#[test]
fn floor_and_our_queue_are_no_peers() {
    let report =
        measured(&[(OURS, "wall", 2.0), ("raw", "wall", 0.1), ("bowerbird-queue", "wall", 0.2)]);
    assert!(report.rows[0].verdict().is_none());
}

#[test]
fn mean_is_over_main_figures_and_over_cpu_times() {
    let figures = [
        (OURS, "wall", 1.0),
        ("tokio", "wall", 4.0),
        (OURS, "cpu", 9.0),
        ("tokio", "cpu", 3.0),
        (OURS, "allocations", 7.0),
        ("tokio", "allocations", 1.0),
    ];
    let means = measured(&figures).means();
    let means: Vec<_> = means.iter().map(|mean| (mean.of, short(mean.mean), mean.cases)).collect();
    // Together, and on one worker.
    let expected = [("CPU time", "3.00".to_owned(), 1), ("main figure", "0.25".to_owned(), 1)];
    assert_eq!(means, [expected.clone(), expected].concat());
    assert!((geometric_mean(&[0.25, 1.0]) - 0.5).abs() < 1e-12);
}

#[test]
fn what_was_written_is_read_and_put_behind_what_there_is() {
    let written = measured(&[(OURS, "wall", 1.5), (OURS, "wall", 2.5), ("tokio", "wall", 4.0)]);
    let mut read = measured(&[(OURS, "wall", 9.0), (OURS, "cpu", 1.0)]);
    let facts = json!({"machine": "this one"});
    assert_eq!(read.take_json(&written.to_json(&facts)).expect("it was just written"), facts);
    let rounds: Vec<_> = read.rows.iter().flat_map(|row| row.rounds.clone()).collect();
    let expected = [(OURS, vec![9.0, 1.5, 2.5]), ("tokio", vec![4.0]), (OURS, vec![1.0])];
    assert_eq!(rounds, expected.map(|(name, rounds)| (name.to_owned(), rounds)));
}

#[test]
fn tables_show_each_case_with_everybody_who_was_measured() {
    let report = measured(&[(OURS, "wall", 1.0), ("raw", "wall", 0.5), ("tokio", "wall", 4.0)]);
    assert!(report.to_markdown().contains(
        "## Scheduling, one worker\n| case | figure | bowerbird | tokio | raw | ratio |\n|---|---|---|---|---|---|\n\
         | fib | wall, ns | 1.00 | **4.00** | 0.50 | 0.25 |\n"
    ));
}
