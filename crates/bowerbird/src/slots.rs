//! A list whose places stay: values are put in and taken out in constant time.

/// Values at places that do not move.
#[derive(Debug)]
pub(crate) struct Slots<T> {
    slots: Vec<Slot<T>>,
    /// The first free place; the end of the list if there is none.
    free: usize,
    len: usize,
}

#[derive(Debug)]
enum Slot<T> {
    Full(T),
    /// Leads to the next free place.
    Free(usize),
}

/// A list larger than this gives its memory back when it becomes empty.
const KEPT_CAPACITY: usize = 64;

impl<T> Slots<T> {
    pub(crate) const fn new() -> Self {
        Self { slots: Vec::new(), free: 0, len: 0 }
    }

    pub(crate) fn with_capacity(count: usize) -> Self {
        Self { slots: Vec::with_capacity(count), ..Self::new() }
    }

    pub(crate) fn reserve(&mut self, additional: usize) {
        let free = self.slots.len() - self.len;
        self.slots.reserve(additional.saturating_sub(free));
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn capacity(&self) -> usize {
        self.slots.capacity()
    }

    /// The place that the next value gets.
    pub(crate) fn next_place(&self) -> usize {
        self.free
    }

    pub(crate) fn insert(&mut self, value: T) -> usize {
        let place = self.free;
        match self.slots.get_mut(place) {
            Some(slot) => {
                if let Slot::Free(next) = std::mem::replace(slot, Slot::Full(value)) {
                    self.free = next;
                }
            }
            None => {
                self.slots.push(Slot::Full(value));
                self.free = self.slots.len();
            }
        }
        self.len += 1;
        place
    }

    pub(crate) fn get(&self, place: usize) -> Option<&T> {
        match self.slots.get(place)? {
            Slot::Full(value) => Some(value),
            Slot::Free(_) => None,
        }
    }

    pub(crate) fn get_mut(&mut self, place: usize) -> Option<&mut T> {
        match self.slots.get_mut(place)? {
            Slot::Full(value) => Some(value),
            Slot::Free(_) => None,
        }
    }

    pub(crate) fn remove(&mut self, place: usize) -> Option<T> {
        let slot = self.slots.get_mut(place).filter(|slot| matches!(slot, Slot::Full(_)))?;
        let removed = std::mem::replace(slot, Slot::Free(self.free));
        self.free = place;
        self.len -= 1;
        if self.len == 0 && self.slots.capacity() > KEPT_CAPACITY {
            *self = Self::new();
        }
        match removed {
            Slot::Full(value) => Some(value),
            Slot::Free(_) => None,
        }
    }

    /// Takes all values out.
    pub(crate) fn take_all(&mut self) -> Vec<T> {
        let slots = std::mem::take(self).slots;
        let values = slots.into_iter().filter_map(|slot| match slot {
            Slot::Full(value) => Some(value),
            Slot::Free(_) => None,
        });
        values.collect()
    }
}

impl<T> Default for Slots<T> {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests;
