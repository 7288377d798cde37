//! What happened, in order, told by any thread.

use std::sync::{Arc, Mutex, PoisonError};

/// A list of lines that many tasks write to.
#[derive(Debug, Clone, Default)]
pub struct Journal(Arc<Mutex<Vec<String>>>);

impl Journal {
    /// Makes an empty one.
    pub fn new() -> Self {
        Self::default()
    }

    /// Writes a line.
    pub fn note(&self, line: impl Into<String>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(line.into());
    }

    /// Makes a value that writes a line when it is dropped.
    pub fn on_drop(&self, line: &str) -> impl Send + Sync + use<> {
        let line = line.to_owned();
        NoteOnDrop(self.clone(), line)
    }

    /// What was written so far.
    pub fn lines(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Fails unless exactly these lines were written, in this order.
    #[track_caller]
    pub fn expect(&self, lines: &[&str]) {
        assert_eq!(self.lines(), lines);
    }
}

struct NoteOnDrop(Journal, String);

impl Drop for NoteOnDrop {
    fn drop(&mut self) {
        self.0.note(std::mem::take(&mut self.1));
    }
}
