//! What a promise and its futures share.
//!
//! ```text
//!   PENDING -- set_result ------> a value    --.
//!      |  '--- set_exception ---> an exception +--> listeners are told, in the order in which they came
//!      '------ cancel, drop ----> cancelled  --'
//! ```
//! The outcome is written once and never changes: it is read, and cloned, without a lock. The listeners (wakers
//! of awaiters, done callbacks) stand behind one; whoever writes the outcome takes them all, and nobody is
//! added after that.

use std::collections::BTreeMap;
use std::panic::Location;
use std::sync::{Arc, OnceLock};
use std::task::Waker;

use bowerbird_base::sync::Mutex;
use bowerbird_core::{Unhandled, UnhandledKind, call_exception_handler};

use super::Future;
use super::error::{FutureError, InvalidStateError, SharedError};

/// How a future ended.
pub(super) enum Outcome<T> {
    Value(T),
    Exception(SharedError),
    Cancelled(Option<Arc<str>>),
}

impl<T> Outcome<T> {
    fn how(&self) -> &'static str {
        match self {
            Self::Value(_) => "has its result",
            Self::Exception(_) => "has its exception",
            Self::Cancelled(_) => "was cancelled",
        }
    }
}

/// Has a done callback called soon: it knows the loop, and captures the context, of whoever added it.
pub(super) type Teller<T> = Box<dyn FnOnce(Future<T>) + Send>;

pub(super) enum Listener<T> {
    Waker(Waker),
    Callback(Teller<T>),
}

/// The shared part.
pub(super) struct Shared<T> {
    pub(super) created_at: &'static Location<'static>,
    outcome: OnceLock<Outcome<T>>,
    state: Mutex<State<T>>,
}

struct State<T> {
    /// Where the outcome was set.
    settled_at: Option<&'static Location<'static>>,
    /// Somebody has seen the exception, or will.
    is_retrieved: bool,
    /// By number: in the order in which they came.
    listeners: BTreeMap<u64, Listener<T>>,
    next_number: u64,
}

impl<T> Shared<T> {
    pub(super) fn new(created_at: &'static Location<'static>) -> Arc<Self> {
        let state = State {
            settled_at: None,
            is_retrieved: false,
            listeners: BTreeMap::new(),
            next_number: 0,
        };
        Arc::new(Self { created_at, outcome: OnceLock::new(), state: Mutex::new(state) })
    }

    pub(super) fn outcome(&self) -> Option<&Outcome<T>> {
        self.outcome.get()
    }

    pub(super) fn is_cancelled(&self) -> bool {
        matches!(self.outcome(), Some(Outcome::Cancelled(_)))
    }

    /// Writes the outcome and tells the listeners; gives it back if there is one already.
    pub(super) fn settle(
        self: &Arc<Self>,
        outcome: Outcome<T>,
        location: &'static Location<'static>,
    ) -> Result<(), Outcome<T>> {
        let listeners = {
            let mut state = self.state.lock();
            self.outcome.set(outcome)?;
            state.settled_at = Some(location);
            std::mem::take(&mut state.listeners)
        };
        listeners.into_values().for_each(|listener| self.tell(listener));
        Ok(())
    }

    /// Adds a listener, and gives its number; gives it back if there is an outcome already.
    pub(super) fn listen(&self, listener: Listener<T>) -> (u64, Option<Listener<T>>) {
        let mut state = self.state.lock();
        let number = state.next_number;
        state.next_number += 1;
        if self.outcome.get().is_some() {
            return (number, Some(listener));
        }
        state.listeners.insert(number, listener);
        (number, None)
    }

    /// Puts a listener in the place of an earlier one; gives it back if there is an outcome already.
    pub(super) fn replace(&self, number: u64, listener: Listener<T>) -> Option<Listener<T>> {
        let before = {
            let mut state = self.state.lock();
            if self.outcome.get().is_some() {
                return Some(listener);
            }
            state.listeners.insert(number, listener)
        };
        drop(before);
        None
    }

    /// Takes a listener away; returns whether it was there.
    pub(super) fn unlisten(&self, number: u64) -> bool {
        let listener = self.state.lock().listeners.remove(&number);
        listener.is_some()
    }

    /// Wakes an awaiter, or has a callback called soon.
    pub(super) fn tell(self: &Arc<Self>, listener: Listener<T>) {
        match listener {
            Listener::Waker(waker) => waker.wake(),
            Listener::Callback(tell) => tell(Future::new(self.clone())),
        }
    }

    /// The error of a second outcome.
    pub(super) fn settled_error(&self, call: &'static str) -> InvalidStateError {
        let settled_at = self.state.lock().settled_at;
        let how = self.outcome().map(Outcome::how);
        InvalidStateError { call, settled: how.zip(settled_at) }
    }

    /// Cancels, as `Future.cancel` does: of a future that is done, it only says that nobody waits for its
    /// exception any more.
    pub(super) fn cancel(
        self: &Arc<Self>,
        message: Option<Arc<str>>,
        location: &'static Location<'static>,
    ) -> bool {
        let is_cancelled = self.settle(Outcome::Cancelled(message), location).is_ok();
        if !is_cancelled {
            self.retrieve();
        }
        is_cancelled
    }

    /// Notes that the exception does not go unheard.
    pub(super) fn retrieve(&self) {
        self.state.lock().is_retrieved = true;
    }

    /// A copy of the outcome, if there is one.
    pub(super) fn result(&self) -> Option<Result<T, FutureError>>
    where
        T: Clone,
    {
        Some(match self.outcome()? {
            Outcome::Value(value) => Ok(value.clone()),
            Outcome::Exception(error) => {
                self.retrieve();
                Err(FutureError::Exception(error.clone()))
            }
            Outcome::Cancelled(message) => Err(FutureError::Cancelled(message.clone())),
        })
    }
}

impl<T> Drop for Shared<T> {
    /// Nobody is left who could retrieve the exception.
    fn drop(&mut self) {
        let Some(Outcome::Exception(error)) = self.outcome.get() else { return };
        let is_retrieved = self.state.get_mut().is_retrieved;
        if !is_retrieved {
            let message = "a future's exception was never retrieved";
            let unhandled = Unhandled::new(UnhandledKind::NeverRetrieved, message)
                .with_source(error.clone())
                .with_location(self.created_at);
            call_exception_handler(&unhandled);
        }
    }
}
