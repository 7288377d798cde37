//! A directory of a test's own.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::{env, fs, process};

/// A fresh, empty directory, removed with all that is in it when it is dropped.
///
/// # Ordering arguments
/// - `[ORD-1]` Relaxed: each value is given once, and orders nothing else.
#[derive(Debug)]
pub struct TempDir(PathBuf);

impl TempDir {
    /// Makes it.
    #[allow(clippy::new_without_default, reason = "it makes a directory")]
    pub fn new() -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed); // [ORD-1]
        let path = env::temp_dir().join(format!("bowerbird-test-{}-{number}", process::id()));
        let _left_by_an_earlier_process_of_this_number = fs::remove_dir_all(&path);
        fs::create_dir(&path).expect("a fresh directory");
        Self(path)
    }

    /// The directory.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// A path in it.
    pub fn join(&self, name: impl AsRef<Path>) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for TempDir {
    fn drop(&mut self) {
        let _a_test_may_have_removed_it = fs::remove_dir_all(&self.0);
    }
}
