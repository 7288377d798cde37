//! A value that a variable has during the polls of one future.
//!
//! On the way in the scope puts its value into the current context, on the way out it takes it back and
//! leaves there what was before. Both contexts are remembered: as long as nobody sets a variable, a poll
//! costs some reference counts, and the task does not even notice that its context was changed.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context as PollCx, Poll};

use bowerbird_base::cancel_safe::CancelSafe;
use pin_project_lite::pin_project;

use super::{Context, Key, Value, replace_current};

/// The value of a scope while the scope is left.
pub(super) struct Slot {
    key: Key,
    value: Option<Value>,
    /// The context that the scope was entered from last, and the one that it made of it.
    last: Option<(Context, Context)>,
}

impl Slot {
    pub(super) fn new(key: Key, value: Value) -> Self {
        Self { key, value: Some(value), last: None }
    }

    /// Puts the value in until the guard is dropped.
    pub(super) fn enter(&mut self) -> Entered<'_> {
        let outer = replace_current(Context::new());
        let replaced = match &self.last {
            Some((last, _)) if last.has_values_of(&outer) => None,
            _ => {
                let mut inner = outer.share();
                let _copy_holds_it = inner.replace(self.key, self.value.clone());
                self.last.replace((outer.share(), inner))
            }
        };
        let values = self.last.as_ref().and_then(|(_, inner)| inner.values.clone());
        replace_current(Context { values, number: outer.number, deadline: outer.deadline });
        // The values of users go when no context is missing.
        drop(replaced);
        Entered { slot: self, outer }
    }
}

/// A scope that is entered.
pub(super) struct Entered<'a> {
    slot: &'a mut Slot,
    outer: Context,
}

impl Drop for Entered<'_> {
    fn drop(&mut self) {
        let mut inner = replace_current(Context::new());
        let outer = std::mem::take(&mut self.outer);
        let is_unchanged =
            self.slot.last.as_ref().is_some_and(|(_, entered)| entered.has_values_of(&inner));
        if is_unchanged {
            // A token may have numbered it all the same.
            replace_current(Context { number: inner.number, ..outer });
            return;
        }
        let before = outer.value(self.slot.key.address).cloned();
        let value = inner.replace(self.slot.key, before);
        // Whoever has changed it has told the executor to look.
        drop(replace_current(inner));
        self.slot.value = value;
        self.slot.last = None;
    }
}

pin_project! {
    /// The future of [`ContextVar::scope`](super::ContextVar::scope).
    #[must_use = "futures do nothing unless awaited"]
    pub struct VarScope<F> {
        // None when it is done.
        #[pin]
        future: Option<F>,
        slot: Slot,
    }

    impl<F> PinnedDrop for VarScope<F> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            if this.future.is_some() {
                let _entered = this.slot.enter();
                this.future.set(None);
            }
        }
    }
}

impl<F> VarScope<F> {
    pub(super) fn new(slot: Slot, future: F) -> Self {
        Self { future: Some(future), slot }
    }
}

impl<F: CancelSafe> CancelSafe for VarScope<F> {}

impl<F: Future> Future for VarScope<F> {
    type Output = F::Output;

    #[track_caller]
    fn poll(self: Pin<&mut Self>, cx: &mut PollCx<'_>) -> Poll<F::Output> {
        let mut this = self.project();
        let Some(future) = this.future.as_mut().as_pin_mut() else {
            panic!("a `ContextVar::scope` was polled after it had given its output; await it once");
        };
        let _entered = this.slot.enter();
        let polled = future.poll(cx);
        if polled.is_ready() {
            this.future.set(None);
        }
        polled
    }
}

impl<F> fmt::Debug for VarScope<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VarScope({})", self.slot.key.name)
    }
}
