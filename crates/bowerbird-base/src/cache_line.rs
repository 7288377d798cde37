//! A value on cache lines of its own.

use std::ops::{Deref, DerefMut};

/// Keeps `T` away from its neighbours, so that writes to one do not slow readers of the other.
///
/// 128 bytes: two lines of 64, since the adjacent-line prefetcher of x86-64 pulls lines in pairs, and
/// one line of Apple's aarch64.
#[derive(Debug, Default, Clone, Copy)]
#[repr(align(128))]
pub struct CacheLine<T>(pub T);

impl<T> Deref for CacheLine<T> {
    type Target = T;
    #[inline]
    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> DerefMut for CacheLine<T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        &mut self.0
    }
}
