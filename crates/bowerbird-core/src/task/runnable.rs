//! What stands in the queues.

use std::ptr::NonNull;

use super::header::Header;

/// The right to poll a task, once: what stands in the queues. It owns no reference, for a task that may
/// be polled is not done, and the owned list's reference stands until it is.
#[derive(Debug)]
pub(crate) struct Runnable(pub(crate) NonNull<Header>);

// SAFETY: a header is shared between threads by its own rules (state.rs, field access). That a task of a
// `!Send` future is polled on its own thread only is kept by the schedule: it goes to its seat's inbox.
unsafe impl Send for Runnable {}

impl Runnable {
    pub(crate) fn as_ptr(&self) -> *mut Header {
        self.0.as_ptr()
    }

    /// The header, alive as long as the task is not done.
    #[inline]
    pub(crate) fn header(&self) -> &Header {
        // SAFETY: the list's reference keeps the header alive until the task, which is queued, was polled.
        unsafe { self.0.as_ref() }
    }
}
