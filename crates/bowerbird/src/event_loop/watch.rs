//! Callbacks that are called again and again: when a descriptor is ready, when a signal comes.
//!
//! A watch has no task. Its source is polled by a step on the strand, with a waker that queues the next step:
//!
//! ```text
//!   step: the source is pending --> wait for its waker --> step
//!         has something --> the callback --> step, behind what is queued then
//!         has ended, or the watch was cancelled --> the callback is dropped
//! ```

use std::panic::Location;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll, Wake, Waker};

use bowerbird_base::sync::Mutex;

use super::state::LoopState;
use crate::context::{self, copy_context};

/// What a watch waits for: `true` is an occasion to call back, `false` the end.
pub(crate) type Source = Box<dyn FnMut(&mut Context<'_>) -> Poll<bool> + Send>;
/// What it calls.
pub(crate) type Repeated = Box<dyn FnMut() + Send>;

/// A callback and what it waits for.
pub(crate) struct Watch {
    event_loop: Weak<LoopState>,
    location: &'static Location<'static>,
    state: Mutex<State>,
}

struct State {
    /// Not there while a step uses it.
    parts: Option<Parts>,
    is_cancelled: bool,
    is_step_queued: bool,
}

struct Parts {
    source: Source,
    callback: Repeated,
    context: context::Context,
}

impl Watch {
    /// Makes a watch; [`start`](Self::start) begins it.
    pub(crate) fn new(
        event_loop: &Arc<LoopState>,
        source: Source,
        callback: Repeated,
        location: &'static Location<'static>,
    ) -> Arc<Self> {
        let parts = Parts { source, callback, context: copy_context() };
        let state = State { parts: Some(parts), is_cancelled: false, is_step_queued: false };
        let event_loop = Arc::downgrade(event_loop);
        Arc::new(Self { event_loop, location, state: Mutex::new(state) })
    }

    /// Begins to watch. Whoever made it has put it where the callback can find it.
    pub(crate) fn start(self: &Arc<Self>) {
        self.queue_step();
    }

    /// Ends the watch: the callback is not called any more.
    pub(crate) fn cancel(&self) {
        let parts = {
            let mut state = self.state.lock();
            state.is_cancelled = true;
            state.parts.take()
        };
        drop(parts);
    }

    fn queue_step(self: &Arc<Self>) {
        if std::mem::replace(&mut self.state.lock().is_step_queued, true) {
            return;
        }
        let Some(event_loop) = self.event_loop.upgrade() else { return };
        let watch = self.clone();
        // A closed loop calls nothing any more.
        let _closed = event_loop.call_soon(Box::new(move || watch.step()), self.location);
    }

    fn step(self: &Arc<Self>) {
        let parts = {
            let mut state = self.state.lock();
            state.is_step_queued = false;
            state.parts.take()
        };
        let Some(mut parts) = parts else { return };
        let waker = Waker::from(self.clone());
        match (parts.source)(&mut Context::from_waker(&waker)) {
            Poll::Pending => {
                if let Some(event_loop) = self.event_loop.upgrade() {
                    event_loop.count_step();
                }
            }
            Poll::Ready(false) => return drop(parts),
            Poll::Ready(true) => {
                let Parts { callback, context, .. } = &mut parts;
                let message = "a callback of the event loop panicked";
                bowerbird_core::caught_at(message, self.location, || context.run(callback));
                self.queue_step();
            }
        }
        let cancelled = {
            let mut state = self.state.lock();
            if state.is_cancelled { Some(parts) } else { state.parts.replace(parts) }
        };
        drop(cancelled);
    }
}

impl Wake for Watch {
    fn wake(self: Arc<Self>) {
        self.queue_step();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.queue_step();
    }
}
