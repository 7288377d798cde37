//! How far the run is, on standard error.

use std::io::{self, IsTerminal};
use std::time::Instant;

use crate::plan::Measurement;

const BAR_WIDTH: usize = 30;

/// A bar on a terminal; elsewhere a line for each case and number of workers.
pub(crate) struct Progress {
    total: usize,
    done: usize,
    start: Instant,
    is_terminal: bool,
    last: Option<(&'static str, usize)>,
}

impl Progress {
    pub(crate) fn new(total: usize) -> Self {
        let is_terminal = io::stderr().is_terminal();
        Self { total, done: 0, start: Instant::now(), is_terminal, last: None }
    }

    pub(crate) fn show(&mut self, now: &Measurement) {
        if self.is_terminal {
            let filled = BAR_WIDTH * self.done / self.total;
            let (full, empty) = ("#".repeat(filled), ".".repeat(BAR_WIDTH - filled));
            let seconds = self.seconds_left();
            eprint!("\r\x1b[K[{full}{empty}] {}/{} {seconds} {now}", self.done, self.total);
        } else if self.last.replace((now.case, now.workers)) != Some((now.case, now.workers)) {
            eprintln!("[{}/{}] {}, workers: {}", self.done, self.total, now.case, now.workers);
        }
    }

    pub(crate) fn advance(&mut self) {
        self.done += 1;
    }

    pub(crate) fn finish(&self) {
        if self.is_terminal {
            eprint!("\r\x1b[K");
        }
        eprintln!("{} measurements in {:.0?}", self.done, self.start.elapsed());
    }

    fn seconds_left(&self) -> String {
        if self.done == 0 {
            return String::new();
        }
        let each = self.start.elapsed() / self.done as u32;
        format!("{:.0?} left,", each * (self.total - self.done) as u32)
    }
}
