//! A value whose destructor is counted.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Counts how many values made by it were dropped.
///
/// # Ordering arguments
/// - `[ORD-1]` SeqCst, so that a test may read it anywhere after it was told of a drop.
#[derive(Debug, Clone, Default)]
pub struct Counted(Arc<AtomicUsize>);

impl Counted {
    /// Starts at zero.
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes a value whose drop counts.
    pub fn guard(&self) -> impl Send + Sync + use<> {
        Guard(self.0.clone())
    }

    /// Counts one by hand.
    pub fn add(&self) {
        self.0.fetch_add(1, Ordering::SeqCst); // [ORD-1]
    }

    /// How many were counted.
    pub fn get(&self) -> usize {
        self.0.load(Ordering::SeqCst) // [ORD-1]
    }
}

struct Guard(Arc<AtomicUsize>);

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst); // [ORD-1]
    }
}
