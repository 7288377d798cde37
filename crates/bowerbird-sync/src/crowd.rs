//! Waits that are always woken together: the receivers of a broadcast, those who watch a value.
//!
//! A [`WaitList`] whose entries are never called one by one. Waking takes all of them out at once, so that who was
//! woken has nothing to take out: its place is of an earlier generation. That saves each waiter one section under
//! the lock.

use std::task::Waker;

use bowerbird_base::sync::Mutex;

use crate::wait_list::{Key, Looked, Stand, WaitList};

/// Who waits.
pub(crate) struct Crowd {
    waits: WaitList<()>,
    /// How often all were woken.
    generation: u64,
}

/// A place in the crowd. It may be lost once the crowd was woken.
#[derive(Debug)]
pub(crate) struct Place {
    key: Key,
    generation: u64,
}

impl Crowd {
    pub(crate) const fn new() -> Self {
        Self { waits: WaitList::new(), generation: 0 }
    }

    /// How many wait and have not been woken.
    pub(crate) fn len(&self) -> usize {
        self.waits.len()
    }

    /// Takes all out, in the order of arrival; to be woken after the lock.
    pub(crate) fn take_all(&mut self) -> Vec<Waker> {
        self.generation += 1;
        self.waits.take_all()
    }

    /// Makes sure that a wait stands in the crowd, to be woken by `waker`. `fresh` is a clone of the waker, if there
    /// is one yet.
    pub(crate) fn stand(
        &mut self,
        place: &mut Option<Place>,
        waker: &Waker,
        fresh: &mut Option<Waker>,
    ) -> Stand {
        let mut key = self.key_of(place);
        let stand = self.waits.stand(&mut key, (), waker, fresh);
        *place = key.map(|key| Place { key, generation: self.generation });
        stand
    }

    /// Looks at a wait that is over when all were woken since it began, or if `is_over`.
    pub(crate) fn look(
        &mut self,
        place: &mut Option<Place>,
        is_over: bool,
        waker: &Waker,
        fresh: &mut Option<Waker>,
    ) -> Looked<()> {
        if is_over || self.has_lost(place) {
            return Looked::Over((), self.take_out(place));
        }
        Looked::Stand(self.stand(place, waker, fresh))
    }

    /// Takes a wait out, if it still is in. Its waker is to be dropped after the lock.
    #[must_use]
    fn take_out(&mut self, place: &mut Option<Place>) -> Option<Waker> {
        let key = self.key_of(place)?;
        self.waits.remove(key).waker
    }

    /// Returns whether this wait was woken.
    pub(crate) fn has_lost(&self, place: &Option<Place>) -> bool {
        place.as_ref().is_some_and(|place| place.generation != self.generation)
    }

    /// The key of a place that was not woken.
    fn key_of(&self, place: &mut Option<Place>) -> Option<Key> {
        let Place { key, generation } = place.take()?;
        (generation == self.generation).then_some(key)
    }
}

/// Takes a wait out of the crowd that `at` guards, if it still is in: it has ended.
pub(crate) fn leave<S>(
    place: &mut Option<Place>,
    at: &Mutex<S>,
    crowd: impl FnOnce(&mut S) -> &mut Crowd,
) {
    if place.is_some() {
        let mut locked = at.lock();
        let _old = crowd(&mut locked).take_out(place);
        drop(locked);
    }
}

#[cfg(test)]
mod tests;
