//! Columns and figures on the terminal.

use std::fmt::Display;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The width of a column.
const WIDTH: usize = 38;

/// What a program prints, each line with the milliseconds since its start; clones share the lines.
#[derive(Debug, Clone)]
pub struct Column {
    title: &'static str,
    start: Instant,
    lines: Arc<Mutex<Vec<String>>>,
}

impl Column {
    /// Makes an empty column; its time starts now.
    pub fn new(title: &'static str) -> Self {
        Self { title, start: bowerbird::time::now(), lines: Arc::default() }
    }

    /// Adds a line.
    pub fn print(&self, text: impl Display) {
        let line = format!("{:>4} ms  {text}", self.start.elapsed().as_millis());
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).push(line);
    }

    fn lines(&self) -> Vec<String> {
        let lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        [self.title.to_owned(), "-".repeat(WIDTH - 3)].into_iter().chain(lines.clone()).collect()
    }
}

/// Prints two columns side by side.
pub fn print_side_by_side(left: &Column, right: &Column) {
    let (left, right) = (left.lines(), right.lines());
    for row in 0..left.len().max(right.len()) {
        let cell = |column: &[String]| column.get(row).cloned().unwrap_or_default();
        println!("  {:<WIDTH$}{}", cell(&left), cell(&right));
    }
    println!();
}

/// A number with its thousands set apart: `1_234_567`.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push('_');
        }
        text.push(digit);
    }
    text
}

/// The value below which this share of the sorted durations lies.
///
/// # Panics
/// If there are none.
pub fn percentile(sorted: &[Duration], share: f64) -> Duration {
    let rank = (sorted.len() as f64 * share).ceil() as usize;
    sorted[rank.clamp(1, sorted.len()) - 1]
}
