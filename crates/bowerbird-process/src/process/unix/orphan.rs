//! Children that nobody holds any more are reaped when they end.
//!
//! Whoever reaps one is its own waker: the driver wakes it when the child's descriptor says that something has
//! happened, on whatever thread that is, and it looks (one system call, which does not block). So it takes no
//! task and no thread, and `run` does not wait for it.
//!
//! ```text
//!            1 wake: takes the source                 3 the child runs on, nobody woke meanwhile
//!   WAITING --------------------------> LOOKING ---------------------------------------> WAITING
//!                                        |   ^ |
//!                              2 wake:   '---' '--- 4 reaped, or the runtime ends -----> OVER
//!                          look again                                    (the source is dropped)
//! ```
//! The source is out of the lock while it is polled and when it is dropped; a wake that finds it out leaves a note,
//! which is read under the same lock that puts the source back: so none is lost. The source holds the waker that
//! holds the source; the circle ends with edge 4, which the end of the driver brings about too.

use std::process::Child;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use bowerbird_base::poll_context;
use bowerbird_base::sync::Mutex;
use bowerbird_io::{AsyncFd, Interest, Leaf};

use super::exit::Watched;

/// Reaps a child when it has ended, and kills it before if that was wanted.
pub(super) fn watch(source: AsyncFd<Watched>) {
    let watched = source.get_ref();
    if !matches!(watched.try_wait(), Ok(None)) {
        return;
    }
    watched.kill_if_bound();
    reap_left();
    Arc::new(Orphan(Mutex::new(Place { source: Some(source), again: false }))).look();
}

/// A child that nobody holds.
struct Orphan(Mutex<Place>);

struct Place {
    /// Not here while somebody looks, or when it is over.
    source: Option<AsyncFd<Watched>>,
    /// It was woken while somebody looked.
    again: bool,
}

impl Orphan {
    fn look(self: Arc<Self>) {
        let Some(mut source) = self.take() else { return };
        let waker = Waker::from(self.clone());
        loop {
            if Self::poll(&source, &waker).is_ready() {
                return; // drops the source
            }
            match self.put_back(source) {
                Some(again) => source = again,
                None => return,
            }
        }
    }

    fn take(&self) -> Option<AsyncFd<Watched>> {
        let mut place = self.0.lock();
        let source = place.source.take();
        place.again |= source.is_none();
        source
    }

    /// Gives it to the next wake; or back, if that has been.
    fn put_back(&self, source: AsyncFd<Watched>) -> Option<AsyncFd<Watched>> {
        let mut place = self.0.lock();
        if std::mem::take(&mut place.again) {
            return Some(source);
        }
        place.source = Some(source);
        None
    }

    /// Ready: it was reaped, by us or by somebody else, or the runtime has ended. Then the drop of the source leaves
    /// the child to the next start.
    fn poll(source: &AsyncFd<Watched>, waker: &Waker) -> Poll<()> {
        // A wake may come in the poll of any task, which has nothing to do with this one.
        let _poll_around = poll_context::set_aside();
        let mut leaf = Leaf::without_location(false);
        let mut cx = Context::from_waker(waker);
        source.poll_with_leaf(&mut cx, Interest::READABLE, &mut leaf, Watched::status).map(drop)
    }
}

impl Wake for Orphan {
    fn wake(self: Arc<Self>) {
        self.look();
    }
}

/// Children whose runtime has ended before them.
static LEFT: Mutex<Vec<Child>> = Mutex::new(Vec::new());

/// Leaves a child that runs to whoever starts the next one.
pub(super) fn leave(mut child: Child, is_killed: bool) {
    if is_killed {
        // One that has ended is what was wanted.
        let _ = child.kill();
    }
    if matches!(child.try_wait(), Ok(None)) {
        LEFT.lock().push(child);
    }
}

/// Reaps those that were left and have ended: a `waitpid` for each that is left.
pub(crate) fn reap_left() {
    LEFT.lock().retain_mut(|child| matches!(child.try_wait(), Ok(None)));
}
