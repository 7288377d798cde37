//! Entries: what a wheel knows of one pending sleep, and the lists they are linked into.
//!
//! ```text
//!           1 insert                    2 begin_turn
//!   (free) ----------> in a slot's list ------------> in the due list
//!     ^                 | ^   ^  |                      |        |
//!     |       3 remove  | |   '--' 4 reschedule         |        |
//!     |<----------------' '-----------------------------'        |
//!     |                     5 not due yet: a finer slot          |
//!     '----------------------------------------------------------'
//!                           6 due: taken out, woken after the lock; or 3
//! ```
//!
//! Entries live in one vector and are linked by their indexes: no allocation a sleep, and nothing that
//! can dangle. A [`Key`] is an index and a *stamp*, the number of the insertion: an index is used again,
//! a stamp is not, so a key whose entry is gone is known as such. The stamp is also the sequence that
//! orders equal deadlines.
//!
//! A list's ends are links too: an entry's neighbour is another entry or the head of its list
//! (`HEAD | list`), so an entry leaves its list without knowing which one it is in.

use std::task::Waker;

/// Marks a link that names a list and not an entry.
const HEAD: u32 = 1 << 31;
/// The end of the free list.
const NONE: u32 = u32::MAX;
/// An emptied wheel keeps room for this many entries and gives the rest back.
const KEPT_ROOM: usize = 1_024;

/// Names one insertion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Key {
    pub(crate) index: u32,
    pub(crate) stamp: u64,
}

/// One pending deadline. Free if it has no waker; then `next` is the next free one.
#[derive(Debug)]
struct Entry {
    deadline_ns: u64,
    stamp: u64,
    waker: Option<Waker>,
    next: u32,
    previous: u32,
}

/// The two ends of a list; both name the list itself while it is empty.
#[derive(Debug, Clone, Copy)]
struct Ends {
    first: u32,
    last: u32,
}

/// What was taken out to be woken.
#[derive(Debug)]
pub(crate) struct Due {
    pub(crate) deadline_ns: u64,
    pub(crate) stamp: u64,
    pub(crate) waker: Waker,
}

/// All entries of a wheel, and their lists.
#[derive(Debug)]
pub(crate) struct Entries {
    entries: Vec<Entry>,
    lists: Box<[Ends]>,
    first_free: u32,
    len: usize,
    last_stamp: u64,
}

impl Entries {
    pub(crate) fn new(list_count: usize) -> Self {
        let lists =
            (0..list_count as u32).map(|list| Ends { first: HEAD | list, last: HEAD | list });
        Self {
            entries: Vec::new(),
            lists: lists.collect(),
            first_free: NONE,
            len: 0,
            last_stamp: 0,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Makes an entry that is in no list yet.
    #[inline]
    pub(crate) fn allocate(&mut self, deadline_ns: u64, waker: Waker) -> Key {
        self.last_stamp += 1;
        let stamp = self.last_stamp;
        self.len += 1;
        let index = self.first_free;
        let Some(free) = self.entries.get_mut(index as usize) else {
            return self.grow(Entry {
                deadline_ns,
                stamp,
                waker: Some(waker),
                next: NONE,
                previous: NONE,
            });
        };
        self.first_free = free.next;
        free.deadline_ns = deadline_ns;
        free.stamp = stamp;
        free.waker = Some(waker);
        Key { index, stamp }
    }

    /// No entry is free: makes one more.
    #[cold]
    fn grow(&mut self, entry: Entry) -> Key {
        let (index, stamp) = (u32::try_from(self.entries.len()).unwrap_or(NONE), entry.stamp);
        assert!(index < HEAD, "more than 2^31 sleeps are pending");
        self.entries.push(entry);
        Key { index, stamp }
    }

    /// Frees an entry that is in no list.
    #[inline]
    pub(crate) fn release(&mut self, index: u32) -> Option<Due> {
        let entry = &mut self.entries[index as usize];
        let waker = entry.waker.take()?;
        let due = Due { deadline_ns: entry.deadline_ns, stamp: entry.stamp, waker };
        entry.stamp = 0;
        entry.next = self.first_free;
        self.first_free = index;
        self.len -= 1;
        if self.len == 0 && self.entries.len() > KEPT_ROOM {
            self.give_room_back();
        }
        Some(due)
    }

    /// A million sleeps of long ago should not keep 40 MB for ever.
    #[cold]
    fn give_room_back(&mut self) {
        self.entries = Vec::new();
        self.first_free = NONE;
    }

    /// The deadline of a pending insertion; `None` if it has been fired or removed.
    #[inline]
    pub(crate) fn deadline_ns(&self, key: Key) -> Option<u64> {
        let entry = self.entries.get(key.index as usize)?;
        (entry.stamp == key.stamp).then_some(entry.deadline_ns)
    }

    /// The deadline of an entry that is known to be pending.
    #[inline]
    pub(crate) fn deadline_ns_at(&self, index: u32) -> u64 {
        self.entries[index as usize].deadline_ns
    }

    /// The deadline and the waker of a pending insertion.
    pub(crate) fn pending(&self, key: Key) -> Option<(u64, &Waker)> {
        let entry = self.entries.get(key.index as usize)?;
        let waker = entry.waker.as_ref()?;
        (entry.stamp == key.stamp).then_some((entry.deadline_ns, waker))
    }

    /// The waker of a pending insertion, to be replaced.
    pub(crate) fn waker_mut(&mut self, key: Key) -> Option<&mut Waker> {
        let entry = self.entries.get_mut(key.index as usize)?;
        if entry.stamp == key.stamp { entry.waker.as_mut() } else { None }
    }

    /// Gives an entry that is in no list another deadline; it counts as a new insertion.
    pub(crate) fn restamp(&mut self, index: u32, deadline_ns: u64) -> Key {
        self.last_stamp += 1;
        let entry = &mut self.entries[index as usize];
        entry.deadline_ns = deadline_ns;
        entry.stamp = self.last_stamp;
        Key { index, stamp: entry.stamp }
    }

    /// Links an entry at the end of a list.
    #[inline]
    pub(crate) fn push(&mut self, list: usize, index: u32) {
        let last = self.lists[list].last;
        let entry = &mut self.entries[index as usize];
        entry.previous = last;
        entry.next = HEAD | list as u32;
        self.lists[list].last = index;
        self.set_next(last, index);
    }

    /// Takes an entry out of its list; returns the list if that left it empty.
    #[inline]
    pub(crate) fn unlink(&mut self, index: u32) -> Option<usize> {
        let Entry { next, previous, .. } = self.entries[index as usize];
        self.set_next(previous, next);
        self.set_previous(next, previous);
        (next == previous).then_some((next & !HEAD) as usize)
    }

    /// The first entry of a list.
    #[inline]
    pub(crate) fn first(&self, list: usize) -> Option<u32> {
        let first = self.lists[list].first;
        (first & HEAD == 0).then_some(first)
    }

    /// The indexes of a list, in its order.
    pub(crate) fn iter(&self, list: usize) -> impl Iterator<Item = u32> + '_ {
        let entry_at = |link: u32| (link & HEAD == 0).then_some(link);
        std::iter::successors(entry_at(self.lists[list].first), move |&index| {
            entry_at(self.entries[index as usize].next)
        })
    }

    /// Moves all of a list to the end of another one, in its order.
    pub(crate) fn append(&mut self, to: usize, from: usize) {
        let Ends { first, last } = self.lists[from];
        if first & HEAD != 0 {
            return;
        }
        let empty = HEAD | from as u32;
        self.lists[from] = Ends { first: empty, last: empty };
        let tail = self.lists[to].last;
        self.set_next(tail, first);
        self.set_previous(first, tail);
        self.set_next(last, HEAD | to as u32);
        self.lists[to].last = last;
    }

    /// Takes out everything, to be dropped by the caller after unlocking.
    pub(crate) fn take_all(&mut self) -> Vec<Waker> {
        let list_count = self.lists.len();
        let fresh = Self { last_stamp: self.last_stamp, ..Self::new(list_count) };
        let old = std::mem::replace(self, fresh);
        old.entries.into_iter().filter_map(|entry| entry.waker).collect()
    }

    #[inline]
    fn set_next(&mut self, link: u32, next: u32) {
        if link & HEAD == 0 {
            self.entries[link as usize].next = next;
        } else {
            self.lists[(link & !HEAD) as usize].first = next;
        }
    }

    #[inline]
    fn set_previous(&mut self, link: u32, previous: u32) {
        if link & HEAD == 0 {
            self.entries[link as usize].previous = previous;
        } else {
            self.lists[(link & !HEAD) as usize].last = previous;
        }
    }
}
