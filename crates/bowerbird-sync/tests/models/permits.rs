//! The model of permits that are taken and given back, first come, first served.

use std::collections::{BTreeMap, VecDeque};

use super::harness::Id;

#[derive(Default)]
pub(crate) struct Permits {
    pub(crate) free: usize,
    pub(crate) is_closed: bool,
    /// Who waits, and for how many.
    line: VecDeque<(Id, usize)>,
    /// Who was handed so many, or refused.
    called: BTreeMap<Id, Option<usize>>,
    pub(crate) woken: Vec<Id>,
}

#[derive(Debug, PartialEq)]
pub(crate) struct Closed;

impl Permits {
    pub(crate) fn new(free: usize) -> Self {
        Self { free, ..Self::default() }
    }

    pub(crate) fn waiting(&self) -> usize {
        self.line.len()
    }

    /// `None`: too few are free, or others wait.
    pub(crate) fn try_take(&mut self, count: usize) -> Option<Result<(), Closed>> {
        if self.is_closed {
            return Some(Err(Closed));
        }
        if self.line.is_empty() { self.try_take_first(count) } else { None }
    }

    /// As [`try_take`](Self::try_take), before all who wait.
    pub(crate) fn try_take_first(&mut self, count: usize) -> Option<Result<(), Closed>> {
        self.free = self.free.checked_sub(count)?;
        Some(Ok(()))
    }

    /// `None`: it waits.
    pub(crate) fn poll(&mut self, id: Id, count: usize) -> Option<Result<(), Closed>> {
        if let Some(called) = self.called.remove(&id) {
            return Some(called.map(|_| ()).ok_or(Closed));
        }
        if self.line.iter().any(|(other, _)| *other == id) {
            return None;
        }
        let taken = self.try_take(count);
        if taken.is_none() {
            self.line.push_back((id, count));
        }
        taken
    }

    /// As [`poll`](Self::poll), before all who wait.
    pub(crate) fn poll_first(&mut self, id: Id, count: usize) -> Option<Result<(), Closed>> {
        if self.called.contains_key(&id) || self.line.iter().any(|(other, _)| *other == id) {
            return self.poll(id, count);
        }
        let taken = self.try_take_first(count);
        if taken.is_none() {
            self.line.push_front((id, count));
        }
        taken
    }

    pub(crate) fn give(&mut self, count: usize) {
        self.free += count;
        while let Some((id, count)) =
            self.line.front().copied().filter(|first| first.1 <= self.free)
        {
            self.free -= count;
            self.line.pop_front();
            self.called.insert(id, Some(count));
            self.woken.push(id);
        }
    }

    pub(crate) fn take_up_to(&mut self, most: usize) -> usize {
        let taken = most.min(self.free);
        self.free -= taken;
        taken
    }

    /// Gives up a wait.
    pub(crate) fn leave(&mut self, id: Id) {
        self.line.retain(|(other, _)| *other != id);
        let handed = self.called.remove(&id).flatten();
        self.give(handed.unwrap_or(0));
    }

    pub(crate) fn close(&mut self) {
        self.is_closed = true;
        for (id, _) in std::mem::take(&mut self.line) {
            self.called.insert(id, None);
            self.woken.push(id);
        }
    }

    pub(crate) fn take_woken(&mut self) -> Vec<Id> {
        std::mem::take(&mut self.woken)
    }
}
