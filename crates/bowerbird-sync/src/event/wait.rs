//! The wait for an event.

use std::fmt;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use bowerbird_base::cancel_safe::CancelSafe;

use super::{Event, SET};
use crate::leaf::Leaf;
use crate::wait_list::Key;

/// Waits until an [`Event`] is set, see [`Event::wait`].
#[must_use = "futures do nothing unless awaited"]
pub struct EventWait<'a> {
    event: &'a Event,
    /// Set by the first poll that found the event unset.
    pub(super) began: Option<Began>,
    /// What the call graph shows: what this event is a part of.
    kind: &'static str,
    leaf: Leaf,
}

/// The entry of a wait, which is in the list for as long as the word's turn is that of `word`.
pub(super) struct Began {
    key: Key,
    word: usize,
}

impl<'a> EventWait<'a> {
    #[track_caller]
    pub(super) fn new(event: &'a Event) -> Self {
        Self { event, began: None, kind: "event", leaf: Leaf::of("Event::wait") }
    }

    /// A wait of something that has an event inside.
    pub(crate) fn at(
        event: &'a Event,
        kind: &'static str,
        location: &'static Location<'static>,
    ) -> Self {
        Self { event, began: None, kind, leaf: Leaf::at(location) }
    }
}

/// Returns whether the event is set, or was since the wait began.
pub(super) fn is_over(began: &Option<Began>, word: usize) -> bool {
    word & SET != 0 || began.as_ref().is_some_and(|began| began.word != word)
}

/// One poll.
fn look(event: &Event, began: &mut Option<Began>, waker: &Waker) -> Poll<()> {
    let is_registered = !is_over(began, event.look()) && register(event, began, waker);
    if is_registered {
        return Poll::Pending;
    }
    // The key is void.
    *began = None;
    Poll::Ready(())
}

/// Puts the waker into the list, or in place of this wait's last one. `false`: the event was set.
fn register(event: &Event, began: &mut Option<Began>, waker: &Waker) -> bool {
    if let Some(began) = began {
        let waits = event.waits.lock();
        if began.word == event.word_of(&waits) && waits.will_wake(&began.key, waker) {
            return true;
        }
    }
    // Cloned before the lock; what is left of both is dropped after it.
    let waker = waker.clone();
    let _old;
    let mut waits = event.waits.lock();
    let word = event.word_of(&waits);
    if is_over(began, word) {
        drop(waits);
        return false;
    }
    match began {
        Some(began) => _old = waits.replace_waker(&began.key, waker),
        None => *began = Some(Began { key: waits.push_back(waker, ()), word }),
    }
    drop(waits);
    true
}

impl Future for EventWait<'_> {
    type Output = ();

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let Self { event, began, leaf, .. } = &mut *self;
        if leaf.may_go_at_once() && began.is_none() && event.is_set() {
            leaf.went_at_once();
            return Poll::Ready(());
        }
        self.poll_slowly(cx)
    }
}

impl EventWait<'_> {
    #[cold]
    fn poll_slowly(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Self { event, began, kind, leaf } = self;
        leaf.poll(cx, kind, *event, |cx| look(event, began, cx.waker()))
    }
}

impl Drop for EventWait<'_> {
    fn drop(&mut self) {
        let Some(Began { key, word }) = self.began.take() else { return };
        // Looked at once more under the lock: the list may have been taken.
        if self.event.look() == word {
            let mut waits = self.event.waits.lock();
            let removed = (self.event.word_of(&waits) == word).then(|| waits.remove(key));
            drop(waits);
            drop(removed);
        }
    }
}

impl CancelSafe for EventWait<'_> {}

impl fmt::Debug for EventWait<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventWait").field("location", &self.leaf.location()).finish_non_exhaustive()
    }
}
