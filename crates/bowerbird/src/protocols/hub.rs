//! A state that handles change and a task waits on.

use std::task::Waker;

use bowerbird_base::sync::Mutex;

/// A state behind a lock, and the waker of the task that acts on it. No waker is cloned, dropped or woken under
/// the lock.
pub(super) struct Hub<S>(Mutex<Inner<S>>);

struct Inner<S> {
    state: S,
    waker: Option<Waker>,
}

impl<S> Hub<S> {
    pub(super) fn new(state: S) -> Self {
        Self(Mutex::new(Inner { state, waker: None }))
    }

    /// Looks at the state, or changes it where that is nothing to the task.
    pub(super) fn with<R>(&self, f: impl FnOnce(&mut S) -> R) -> R {
        f(&mut self.0.lock().state)
    }

    /// Changes the state; with `true` the task has to look.
    pub(super) fn change<R>(&self, change: impl FnOnce(&mut S) -> (R, bool)) -> R {
        let mut inner = self.0.lock();
        let (result, wakes) = change(&mut inner.state);
        let waker = if wakes { inner.waker.take() } else { None };
        drop(inner);
        if let Some(waker) = waker {
            waker.wake();
        }
        result
    }

    /// The task's look. From then on a change wakes `waker`.
    pub(super) fn wait_with<R>(&self, waker: &Waker, look: impl FnOnce(&mut S) -> R) -> R {
        let mut fresh = None;
        let (result, old) = loop {
            let mut inner = self.0.lock();
            if inner.waker.as_ref().is_some_and(|stored| stored.will_wake(waker)) {
                break (look(&mut inner.state), None);
            }
            if let Some(fresh) = fresh.take() {
                let old = inner.waker.replace(fresh);
                break (look(&mut inner.state), old);
            }
            drop(inner);
            fresh = Some(waker.clone());
        };
        drop(old);
        result
    }

    /// The task goes.
    pub(super) fn forget_waker(&self) {
        let waker = self.0.lock().waker.take();
        drop(waker);
    }
}
