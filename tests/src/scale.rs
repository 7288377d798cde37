//! Full numbers in the soak, small ones in the normal run.

/// The full number with the feature `soak`, else a hundredth of it.
pub fn scaled(full: u64) -> u64 {
    if cfg!(feature = "soak") { full } else { full / 100 }
}
