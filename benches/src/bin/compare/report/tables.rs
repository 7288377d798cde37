//! The report as tables: for a terminal, and as Markdown.

use std::fmt::Write;

use super::{Mean, Report, Row, short, spread_percent};
use crate::plan::Group;

impl Report {
    /// The tables: medians with half the spread of the rounds, the best peer, the ratio to it.
    pub(crate) fn to_text(&self) -> String {
        let mut text = String::new();
        self.for_each_table(|title, names, rows| {
            let mut lines = vec![vec!["case".to_owned(), "figure".to_owned()]];
            lines[0].extend(names.iter().map(|&name| name.to_owned()));
            lines[0].extend(["best peer".to_owned(), "ratio".to_owned()]);
            let mut last = "";
            for row in rows {
                let case = if row.case.name == last { "" } else { row.case.name };
                last = row.case.name;
                let (best, ratio) = row.best_and_ratio();
                let mut line = vec![case.to_owned(), row.figure_name()];
                line.extend(names.iter().map(|name| row.figure(name, true)));
                line.extend([best.to_owned(), ratio]);
                lines.push(line);
            }
            let _ = writeln!(text, "\n{title}");
            align(&mut text, &lines);
        });
        text
    }

    /// The same without spreads, the best peer in bold.
    pub(crate) fn to_markdown(&self) -> String {
        let mut text = String::new();
        self.for_each_table(|title, names, rows| {
            let _ = writeln!(text, "### {title}");
            let _ = writeln!(text, "| case | figure | {} | ratio |", names.join(" | "));
            let _ = writeln!(text, "|---|---|{}---|", "---|".repeat(names.len()));
            for row in rows {
                let (best, ratio) = row.best_and_ratio();
                let _ = write!(text, "| {} | {} |", row.case.name, row.figure_name());
                for name in names {
                    let figure = row.figure(name, false);
                    let bold = if *name == best { "**" } else { "" };
                    let _ = write!(text, " {bold}{figure}{bold} |");
                }
                let _ = writeln!(text, " {ratio} |");
            }
            text.push('\n');
        });
        text
    }

    /// The geometric means, a line each.
    pub(crate) fn to_means(&self) -> String {
        let mut text = String::new();
        for Mean { workers, of, mean, cases } in self.means() {
            let workers = workers.map_or("together".to_owned(), workers_text);
            let _ = writeln!(
                text,
                "geometric mean beside the best peer over scheduling, timers and sync, {workers}, {of}: {mean:.2} \
                 ({cases} cases)",
            );
        }
        text
    }

    /// A table for each group and number of workers, with a column for everybody who is in it.
    fn for_each_table(&self, mut show: impl FnMut(&str, &[&str], &[&Row])) {
        for group in Group::ALL {
            for workers in self.workers() {
                let rows = self.of(group, workers);
                let mut names: Vec<&str> = Vec::new();
                for (name, _) in rows.iter().flat_map(|row| &row.rounds) {
                    if !names.contains(&name.as_str()) {
                        names.push(name);
                    }
                }
                names.sort_by_key(|name| super::rank(name));
                if !rows.is_empty() {
                    show(&format!("{}, {}", group.title(), workers_text(workers)), &names, &rows);
                }
            }
        }
    }
}

fn workers_text(workers: usize) -> String {
    match workers {
        1 => "one worker".to_owned(),
        2 => "two workers".to_owned(),
        workers => format!("{workers} workers"),
    }
}

/// Writes lines so that their columns are as wide as they must be; the first two and the last but one begin at their
/// left.
fn align(text: &mut String, lines: &[Vec<String>]) {
    let width_of = |column: usize| lines.iter().map(|line| line[column].chars().count()).max();
    let count = lines[0].len();
    let widths: Vec<_> = (0..count).map(|column| width_of(column).unwrap_or(0)).collect();
    for line in lines {
        let mut columns = String::new();
        for (column, (cell, &width)) in line.iter().zip(&widths).enumerate() {
            let _ = if column < 2 || column + 2 == count {
                write!(columns, "{cell:<width$}  ")
            } else {
                write!(columns, "{cell:>width$}  ")
            };
        }
        let _ = writeln!(text, "{}", columns.trim_end());
    }
}

impl Row {
    fn figure_name(&self) -> String {
        match self.metric.unit {
            "" => self.metric.name.to_owned(),
            unit => format!("{}, {unit}", self.metric.name),
        }
    }

    /// The median of one, perhaps with its spread; empty where nothing was measured.
    fn figure(&self, name: &str, with_spread: bool) -> String {
        match self.rounds.iter().find(|(other, _)| other == name) {
            None => String::new(),
            Some((_, rounds)) => {
                let median = short(super::median(rounds));
                match with_spread && rounds.len() > 1 {
                    true => format!("{median} ±{:>2.0}%", spread_percent(rounds)),
                    false => median,
                }
            }
        }
    }

    fn best_and_ratio(&self) -> (&str, String) {
        match self.verdict() {
            Some(verdict) => (verdict.best_peer, format!("{:.2}", verdict.ratio)),
            None => ("", String::new()),
        }
    }
}
