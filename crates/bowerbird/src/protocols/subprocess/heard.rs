//! The protocol of a child process, as its pipes and its task share it, and the one that comes after it.

use std::panic::Location;
use std::sync::{Arc, Mutex as StdMutex};

use bowerbird_base::sync::Mutex;

use super::SubprocessProtocol;
use crate::protocols::calls;
use crate::protocols::protocol::lock;

type Boxed = Box<dyn SubprocessProtocol>;

/// The protocol that is to be called from the next call on, if there is one. Handles of the transport have it,
/// and not the protocol itself: that has such handles, and neither would ever go.
#[derive(Default)]
pub(super) struct Next(Mutex<State>);

#[derive(Default)]
struct State {
    protocol: Option<Boxed>,
    /// The last call was made.
    is_over: bool,
}

impl Next {
    /// Sets it. What is not needed any more is dropped outside of the lock.
    pub(super) fn set(&self, protocol: Boxed) {
        let mut state = self.0.lock();
        let unused = if state.is_over { Some(protocol) } else { state.protocol.replace(protocol) };
        drop(state);
        drop(unused);
    }

    fn take(&self) -> Option<Boxed> {
        self.0.lock().protocol.take()
    }

    /// The last call was made.
    pub(super) fn end(&self) {
        let mut state = self.0.lock();
        state.is_over = true;
        let unused = state.protocol.take();
        drop(state);
        drop(unused);
    }
}

#[derive(Clone)]
pub(super) struct Heard {
    protocol: Arc<StdMutex<Boxed>>,
    next: Arc<Next>,
    location: &'static Location<'static>,
}

impl Heard {
    pub(super) fn new(
        protocol: impl SubprocessProtocol,
        location: &'static Location<'static>,
    ) -> Self {
        let protocol = Arc::new(StdMutex::new(Box::new(protocol) as Boxed));
        Self { protocol, next: Arc::default(), location }
    }

    pub(super) fn next(&self) -> Arc<Next> {
        self.next.clone()
    }

    /// Calls the protocol; the next one, if one was set.
    pub(super) fn call<R>(&self, call: impl FnOnce(&mut dyn SubprocessProtocol) -> R) -> R {
        let mut protocol = lock(&self.protocol);
        if let Some(next) = self.next.take() {
            let old = std::mem::replace(&mut *protocol, next);
            calls::drop_protocol(self.location, old);
        }
        call(&mut **protocol)
    }
}
