//! Medians, spreads and verdicts.

use std::time::Duration;

use bowerbird_benches::runtimes::NAMES;

use super::{Report, median, parse_figure, short, spread_percent};
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

#[test]
fn best_peer_follows_the_direction_of_the_metric() {
    for (line, best) in [("wall", 1.0), ("rate", 4.0)] {
        let mut report = Report::default();
        for (index, name) in NAMES.iter().enumerate() {
            // Of two runtimes at the ends of the list, the peer that is best in each direction.
            let value = if index + 1 == NAMES.len() { best } else { 2.0 };
            let (metric, value) = parse_figure(&format!("{line} {value}")).expect("a figure");
            let of = Measurement {
                runtime: (*name).to_owned(),
                case: "fib",
                workers: 1,
                budget: Duration::ZERO,
            };
            report.add(&of, metric, value);
        }
        let expected = format!("\"best_peer\": {:?}", NAMES[NAMES.len() - 1]);
        assert!(report.json().contains(&expected), "{}", report.json());
    }
}
