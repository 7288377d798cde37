//! Readiness that no poller sees: completions of the system, on Windows.

use bowerbird_base::sync::Arc;

use crate::interest::Interest;
use crate::readiness::READY;
use crate::source::{Occurrence, Source};
use crate::wake_list::WakeList;

/// Tells an [`AsyncFd`](crate::AsyncFd) that its source may go on, from any thread, also after its end.
///
/// What made the source ready must be done before the report: whoever reads the readiness finds it done
/// (`[ORD-1]` of `readiness`).
#[derive(Debug, Clone)]
pub struct Reporter(Arc<Source>);

impl Reporter {
    pub(crate) fn new(source: Arc<Source>) -> Self {
        Self(source)
    }

    /// Reports, and wakes who waits for it. Call it without a lock.
    pub fn report(&self, interest: Interest) {
        let flag = |is_meant: bool| if is_meant { READY } else { 0 };
        let occurrence = Occurrence {
            read: flag(interest.is_readable()),
            write: flag(interest.is_writable()),
            is_one_shot: false,
        };
        let mut woken = WakeList::new();
        self.0.deliver(occurrence, &mut woken);
        woken.wake();
    }
}
