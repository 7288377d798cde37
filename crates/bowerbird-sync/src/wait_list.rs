//! Who waits at a primitive, in the order of arrival.
//!
//! A list linked through one vector, kept under the primitive's own lock. A wait puts an entry in when it is
//! first suspended and owns it by its [`Key`] until it takes it out again: when it goes on, or when it is
//! dropped. In between somebody may *call* the entry, which unlinks it and gives its waker away: a called entry
//! is no longer waited for in order, but it stays, so that whoever owns it sees that it was called, and gives
//! back what it was called for when it is dropped instead of polled.
//!
//! Why not a list threaded through the futures themselves, as tokio has it: those need unsafe code in every
//! primitive and futures that cannot move. Here an entry costs no allocation either once the vector has grown,
//! a broadcast walks memory in order, and waits are `Unpin`.
//!
//! Nothing here runs foreign code: wakers come in already cloned and go out to be woken or dropped after
//! the lock.

use std::ops::DerefMut;
use std::task::{Poll, Waker};

use bowerbird_base::sync::{Mutex, MutexGuard};
use bowerbird_base::wake_all::{wake, wake_all};

/// No entry.
const NONE: u32 = u32::MAX;
/// A vector that has grown beyond this is given back when nobody waits any more.
const KEPT: usize = 64;

/// The list; `T` is what the primitive must know about each wait.
pub(crate) struct WaitList<T> {
    entries: Vec<Entry<T>>,
    /// The first of the free ones, linked by `next`.
    free: u32,
    head: u32,
    tail: u32,
    /// How many are linked.
    waiting: usize,
    /// How many are linked or called.
    taken: usize,
}

/// Calling takes the waker and moves nothing else.
///
/// | | waker | data |
/// |---|---|---|
/// | waits, and is linked | there | there |
/// | called | none | there |
/// | free | none | none |
struct Entry<T> {
    prev: u32,
    next: u32,
    waker: Option<Waker>,
    data: Option<T>,
}

/// The right to one entry. Not to be lost: the entry would stay for ever.
#[derive(Debug)]
#[must_use = "an entry that is not removed stays for ever"]
pub(crate) struct Key(u32);

/// What [`WaitList::remove`] found.
pub(crate) struct Removed<T> {
    /// The waker of an entry that was not called; to be dropped after the lock.
    pub(crate) waker: Option<Waker>,
    pub(crate) data: T,
}

/// What became of a wait that is to stand in the list.
#[must_use]
pub(crate) enum Stand {
    /// It stands. What is left of its last waker is to be dropped after the lock.
    Stands(Option<Waker>),
    /// A clone of the waker is needed, which is made beside the lock; then look again.
    NeedsWaker,
}

impl<T> Removed<T> {
    pub(crate) fn was_called(&self) -> bool {
        self.waker.is_none()
    }
}

impl<T> WaitList<T> {
    pub(crate) const fn new() -> Self {
        Self { entries: Vec::new(), free: NONE, head: NONE, tail: NONE, waiting: 0, taken: 0 }
    }

    /// How many wait and have not been called.
    pub(crate) fn len(&self) -> usize {
        self.waiting
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.waiting == 0
    }

    /// Returns whether somebody was called and has not looked.
    pub(crate) fn has_called(&self) -> bool {
        self.taken != self.waiting
    }

    /// Returns whether no wait owns an entry, called or not.
    #[cfg(test)]
    pub(crate) fn is_unused(&self) -> bool {
        self.taken == 0
    }

    /// Adds a wait behind all others.
    pub(crate) fn push_back(&mut self, waker: Waker, data: T) -> Key {
        let index = self.fill(waker, data);
        self.entry(index).prev = self.tail;
        match self.tail {
            NONE => self.head = index,
            tail => self.entry(tail).next = index,
        }
        self.tail = index;
        Key(index)
    }

    /// Adds a wait before all others.
    pub(crate) fn push_front(&mut self, waker: Waker, data: T) -> Key {
        let index = self.fill(waker, data);
        self.entry(index).next = self.head;
        match self.head {
            NONE => self.tail = index,
            head => self.entry(head).prev = index,
        }
        self.head = index;
        Key(index)
    }

    /// Adds a wait before the first one of whose data `is_behind` is true, or behind all.
    pub(crate) fn push_before(
        &mut self,
        waker: Waker,
        data: T,
        is_behind: impl Fn(&T) -> bool,
    ) -> Key {
        let mut next = self.head;
        while next != NONE && !self.data_at(next).is_some_and(&is_behind) {
            next = self.entries[next as usize].next;
        }
        if next == NONE {
            return self.push_back(waker, data);
        }
        let index = self.fill(waker, data);
        let prev = std::mem::replace(&mut self.entry(next).prev, index);
        match prev {
            NONE => self.head = index,
            prev => self.entry(prev).next = index,
        }
        let entry = self.entry(index);
        (entry.prev, entry.next) = (prev, next);
        Key(index)
    }

    /// The wait that came first, of those not called.
    pub(crate) fn front(&self) -> Option<&T> {
        self.data_at(self.head)
    }

    /// Calls the wait that came first: its waker is the caller's to wake, and its data may be changed.
    pub(crate) fn call_front(&mut self) -> Option<(Waker, &mut T)> {
        match self.head {
            NONE => None,
            head => Some(self.call_at(head)),
        }
    }

    /// Calls the wait that came last.
    pub(crate) fn call_back(&mut self) -> Option<(Waker, &mut T)> {
        match self.tail {
            NONE => None,
            tail => Some(self.call_at(tail)),
        }
    }

    /// Calls all, in the order of arrival.
    pub(crate) fn call_all(&mut self, mut each: impl FnMut(&mut T)) -> Vec<Waker> {
        let mut wakers = Vec::with_capacity(self.waiting);
        while let Some((waker, data)) = self.call_front() {
            each(data);
            wakers.push(waker);
        }
        wakers
    }

    /// Takes all out, to be woken after the lock. The list begins anew: **the keys it gave are void**, and who
    /// has one must not use it again. For primitives whose waits see without the list that they are over.
    pub(crate) fn release_all(&mut self) -> Released<T> {
        if self.entries.capacity() > KEPT {
            return Released::Crowd(std::mem::replace(self, Self::new()));
        }
        let mut few = Called::default();
        while let Some((waker, _)) = self.call_front() {
            few.push(waker);
        }
        self.entries.clear();
        *self = Self { entries: std::mem::take(&mut self.entries), ..Self::new() };
        Released::Few(few)
    }

    /// Takes all out at once, in the order of arrival, their keys with them: for lists in which nobody is called.
    pub(crate) fn take_all(&mut self) -> Vec<Waker> {
        debug_assert_eq!(self.taken, self.waiting, "who was called owns its entry");
        let mut wakers = Vec::with_capacity(self.waiting);
        let mut next = self.head;
        while let Some(entry) = self.entries.get_mut(next as usize) {
            next = entry.next;
            wakers.extend(entry.waker.take());
        }
        // As many will come again, most likely.
        self.entries.clear();
        self.entries.shrink_to(KEPT.max(2 * wakers.len()));
        (self.free, self.head, self.tail) = (NONE, NONE, NONE);
        (self.waiting, self.taken) = (0, 0);
        wakers
    }

    pub(crate) fn is_called(&self, key: &Key) -> bool {
        self.entries[key.0 as usize].waker.is_none()
    }

    /// Returns whether the entry would wake the same task as `waker`, so that it need not be replaced.
    pub(crate) fn will_wake(&self, key: &Key, waker: &Waker) -> bool {
        let stored = self.entries[key.0 as usize].waker.as_ref();
        stored.is_some_and(|stored| stored.will_wake(waker))
    }

    /// Puts `waker` in place of the entry's last one and returns that one, to be dropped after the lock. Of an
    /// entry that was called, `waker` itself comes back.
    pub(crate) fn replace_waker(&mut self, key: &Key, waker: Waker) -> Waker {
        match &mut self.entry(key.0).waker {
            Some(stored) => std::mem::replace(stored, waker),
            None => waker,
        }
    }

    /// Makes sure that a wait that was not called stands in the list, to be woken by `waker`: a new one at the
    /// end. `fresh` is a clone of the waker, if there is one yet.
    pub(crate) fn stand(
        &mut self,
        key: &mut Option<Key>,
        data: T,
        waker: &Waker,
        fresh: &mut Option<Waker>,
    ) -> Stand {
        match (&*key, fresh.take()) {
            (Some(own), None) if self.will_wake(own, waker) => Stand::Stands(None),
            (_, None) => Stand::NeedsWaker,
            (Some(own), Some(fresh)) => Stand::Stands(Some(self.replace_waker(own, fresh))),
            (None, Some(fresh)) => {
                *key = Some(self.push_back(fresh, data));
                Stand::Stands(None)
            }
        }
    }

    /// Takes the entry out if it was called, and with it the key.
    #[inline]
    pub(crate) fn take_called(&mut self, key: &mut Option<Key>) -> Option<T> {
        let index = key.as_ref()?.0;
        let entry = self.entry(index);
        if entry.waker.is_some() {
            return None;
        }
        let data = entry.data.take();
        debug_assert!(data.is_some(), "a key owns its entry");
        *key = None;
        self.free(index);
        data
    }

    /// Takes the entry out.
    pub(crate) fn remove(&mut self, key: Key) -> Removed<T> {
        let index = key.0;
        let entry = self.entry(index);
        let (waker, data) = (entry.waker.take(), entry.data.take());
        let Some(data) = data else { unreachable!("a key owns its entry") };
        if waker.is_some() {
            self.unlink(index);
        }
        self.free(index);
        Removed { waker, data }
    }

    /// Puts an entry that was emptied to the free ones.
    #[inline]
    fn free(&mut self, index: u32) {
        self.entries[index as usize].next = self.free;
        self.free = index;
        self.taken -= 1;
        if self.taken == 0 && self.entries.capacity() > KEPT {
            *self = Self::new();
        }
    }

    /// The data of those that wait and were not called, in the order of arrival.
    #[cfg(test)]
    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        let mut next = self.head;
        std::iter::from_fn(move || {
            let entry = self.entries.get(next as usize)?;
            next = entry.next;
            entry.data.as_ref()
        })
    }

    fn entry(&mut self, index: u32) -> &mut Entry<T> {
        &mut self.entries[index as usize]
    }

    /// The data of one that is linked; `None` for none.
    fn data_at(&self, index: u32) -> Option<&T> {
        self.entries.get(index as usize)?.data.as_ref()
    }

    /// Takes a free entry, or makes one.
    fn fill(&mut self, waker: Waker, data: T) -> u32 {
        let entry = Entry { prev: NONE, next: NONE, waker: Some(waker), data: Some(data) };
        self.waiting += 1;
        self.taken += 1;
        match self.free {
            NONE => {
                assert!(
                    self.entries.len() < NONE as usize,
                    "four thousand million waits at one place"
                );
                self.entries.push(entry);
                (self.entries.len() - 1) as u32
            }
            index => {
                self.free = self.entry(index).next;
                // Nothing is in it, and so no destructor need look.
                std::mem::forget(std::mem::replace(self.entry(index), entry));
                index
            }
        }
    }

    fn call_at(&mut self, index: u32) -> (Waker, &mut T) {
        self.unlink(index);
        let Entry { waker, data, .. } = self.entry(index);
        match (waker.take(), data) {
            (Some(waker), Some(data)) => (waker, data),
            _ => unreachable!("only who waits is linked"),
        }
    }

    fn unlink(&mut self, index: u32) {
        let Entry { prev, next, .. } = *self.entry(index);
        match prev {
            NONE => self.head = next,
            prev => self.entry(prev).next = next,
        }
        match next {
            NONE => self.tail = prev,
            next => self.entry(next).prev = prev,
        }
        self.waiting -= 1;
    }
}

/// Who was taken out by [`WaitList::release_all`], to be woken after the lock.
pub(crate) enum Released<T> {
    Few(Called),
    /// The list itself, with the wakers where they are.
    Crowd(WaitList<T>),
}

impl<T> Released<T> {
    /// Wakes them in the order of their arrival.
    pub(crate) fn wake(self) {
        match self {
            Self::Few(few) => few.wake(),
            Self::Crowd(mut list) => {
                let mut next = list.head;
                wake_all(std::iter::from_fn(|| {
                    let entry = list.entries.get_mut(next as usize)?;
                    next = entry.next;
                    let waker = entry.waker.take();
                    debug_assert!(waker.is_some(), "only who waits is linked");
                    waker
                }));
            }
        }
    }
}

/// The wakers of those called under a lock, to be woken after it. None and one cost no allocation.
#[derive(Default)]
pub(crate) enum Called {
    #[default]
    None,
    One(Waker),
    Many(Vec<Waker>),
}

impl Called {
    #[inline]
    pub(crate) fn push(&mut self, waker: Waker) {
        match self {
            // Nothing is in it, and so no destructor need look.
            Self::None => std::mem::forget(std::mem::replace(self, Self::One(waker))),
            Self::One(_) | Self::Many(_) => self.push_another(waker),
        }
    }

    #[cold]
    fn push_another(&mut self, waker: Waker) {
        *self = match std::mem::take(self) {
            Self::None => Self::One(waker),
            Self::One(first) => Self::Many(vec![first, waker]),
            Self::Many(mut all) => {
                all.push(waker);
                Self::Many(all)
            }
        };
    }

    pub(crate) fn is_empty(&self) -> bool {
        matches!(self, Self::None)
    }

    /// Wakes them in the order in which they were called.
    #[inline]
    pub(crate) fn wake(self) {
        match self {
            // As in `push`.
            Self::None => std::mem::forget(self),
            Self::One(_) | Self::Many(_) => self.wake_some(),
        }
    }

    #[inline(never)]
    fn wake_some(self) {
        match self {
            Self::None => {}
            Self::One(waker) => wake(waker),
            Self::Many(all) => wake_all(all),
        }
    }
}

/// Polls a wait that stands in the list: ready with the data of one that was called, which is taken out. The waker
/// of another one is brought up to date.
#[inline]
pub(crate) fn poll_called<T, G: DerefMut<Target = WaitList<T>>>(
    lock: impl Fn() -> G,
    key: &mut Option<Key>,
    waker: &Waker,
) -> Poll<T> {
    let mut list = lock();
    if let Some(data) = list.take_called(key) {
        return Poll::Ready(data);
    }
    if key.as_ref().is_some_and(|own| list.will_wake(own, waker)) {
        return Poll::Pending;
    }
    drop(list);
    poll_with_another(lock, key, waker)
}

#[cold]
fn poll_with_another<T, G: DerefMut<Target = WaitList<T>>>(
    lock: impl Fn() -> G,
    key: &mut Option<Key>,
    waker: &Waker,
) -> Poll<T> {
    // Cloned beside the lock, and what is left is dropped after it; the wait may be called in the meantime.
    let mut spent = Some(waker.clone());
    let mut list = lock();
    let called = list.take_called(key);
    if let Some(own) = key {
        spent = spent.take().map(|fresh| list.replace_waker(own, fresh));
    }
    drop(list);
    drop(spent);
    called.map_or(Poll::Pending, Poll::Ready)
}

/// What a look at a wait under the lock came to.
pub(crate) enum Looked<R> {
    /// It is over. What is left of its last waker is to be dropped after the lock.
    Over(R, Option<Waker>),
    /// It is to stand in the list.
    Stand(Stand),
}

/// One poll of a wait at what `place` guards. `look` is given a clone of the waker once it has asked for one, which is
/// made beside the lock; then it looks again. `fresh` is one that was made in advance.
pub(crate) fn poll_standing<S, R>(
    place: &Mutex<S>,
    waker: &Waker,
    mut fresh: Option<Waker>,
    mut look: impl FnMut(&mut S, &mut Option<Waker>) -> Looked<R>,
) -> Poll<R> {
    loop {
        let mut locked = place.lock();
        let looked = look(&mut locked, &mut fresh);
        drop(locked);
        match looked {
            Looked::Over(result, _old) => return Poll::Ready(result),
            Looked::Stand(Stand::Stands(_old)) => return Poll::Pending,
            Looked::Stand(Stand::NeedsWaker) => fresh = Some(waker.clone()),
        }
    }
}

/// Locks `place` for another poll of a wait: the entry of `key` was called by then, or it has a waker that wakes
/// the same task as `waker`. The waker that comes with the guard is to be dropped after it.
pub(crate) fn lock_renewed<'a, S, T>(
    place: &'a Mutex<S>,
    list: impl Fn(&mut S) -> &mut WaitList<T>,
    key: &Key,
    waker: &Waker,
) -> (Option<Waker>, MutexGuard<'a, S>) {
    let mut locked = place.lock();
    let waits = list(&mut locked);
    if waits.is_called(key) || waits.will_wake(key, waker) {
        return (None, locked);
    }
    // Cloned beside the lock; the wait may be called in the meantime.
    drop(locked);
    let waker = waker.clone();
    locked = place.lock();
    let old = list(&mut locked).replace_waker(key, waker);
    (Some(old), locked)
}

#[cfg(test)]
mod tests;
