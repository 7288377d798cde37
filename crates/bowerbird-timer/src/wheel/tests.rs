use super::{Inserted, LEVELS, NEVER_NS, Wheel, level};
use crate::entry::{Due, Key};
use bowerbird_base::rng::{Rng, random_seed};
use std::collections::BTreeMap;
use std::task::Waker;

/// A wheel and what should be in it: (deadline, stamp) -> key.
struct Pair {
    wheel: Wheel,
    model: BTreeMap<(u64, u64), Key>,
    now_ns: u64,
}

impl Pair {
    fn new() -> Self {
        Self { wheel: Wheel::new(), model: BTreeMap::new(), now_ns: 0 }
    }

    fn insert(&mut self, deadline_ns: u64) {
        match self.wheel.insert_any(deadline_ns, Waker::noop().clone()) {
            Inserted::Pending(key) => drop(self.model.insert((deadline_ns, key.stamp), key)),
            other => panic!("{other:?}"),
        }
    }

    fn any(&self, rng: &Rng) -> Option<((u64, u64), Key)> {
        let count = self.model.len().min(1_000) as u32;
        let nth = if count == 0 { return None } else { rng.below(count) };
        self.model.iter().nth(nth as usize).map(|(at, key)| (*at, *key))
    }

    fn remove_any(&mut self, rng: &Rng) {
        if let Some((at, key)) = self.any(rng) {
            assert!(self.wheel.remove(key).is_some());
            assert!(self.wheel.remove(key).is_none(), "a key is good for one removal");
            self.model.remove(&at);
        }
    }

    fn reschedule_any(&mut self, rng: &Rng, deadline_ns: u64) {
        if let Some((at, key)) = self.any(rng) {
            let key = self.wheel.reschedule(key, deadline_ns).expect("pending");
            self.model.remove(&at);
            self.model.insert((deadline_ns, key.stamp), key);
        }
    }

    /// Turns the wheel, in portions, and compares what comes out with the model.
    fn turn(&mut self, now_ns: u64) {
        self.now_ns = now_ns;
        let mut due: Vec<Due> = Vec::new();
        self.wheel.begin_turn(now_ns);
        while !self.wheel.take_due(7, &mut due) {}
        let mut fired: Vec<_> = due.iter().map(|due| (due.deadline_ns, due.stamp)).collect();
        fired.sort_unstable();
        let expected: Vec<_> = self.model.range(..=(now_ns, u64::MAX)).map(|(at, _)| *at).collect();
        assert_eq!(fired, expected, "at {now_ns}");
        for at in &expected {
            let key = self.model.remove(at).expect("was there");
            assert!(self.wheel.remove(key).is_none(), "fired and still there");
        }
        self.check_earliest();
    }

    fn check_earliest(&mut self) {
        let truth = self.model.keys().next().map_or(NEVER_NS, |at| at.0);
        assert!(self.wheel.earliest_ns() <= truth);
        self.wheel.settle();
        let found = self.wheel.earliest_ns();
        if self.model.len() <= super::SEARCH_LIMIT {
            assert_eq!(found, truth);
        } else {
            assert!(found <= truth && (found > self.now_ns || found == truth));
        }
        assert_eq!(self.wheel.len(), self.model.len());
    }
}

/// A distance whose magnitude is uniform: nanoseconds as likely as years.
fn distance(rng: &Rng, bits: u32) -> u64 {
    let wide = u64::from(rng.next_u32()) << 32 | u64::from(rng.next_u32());
    wide >> (63 - rng.below(bits))
}

fn run_against_the_model(seed: u64, operations: u32, bits: u32) {
    println!("seed {seed}, {bits} bits");
    let (rng, mut pair) = (Rng::new(seed), Pair::new());
    for _ in 0..operations {
        let ahead = pair.now_ns.saturating_add(distance(&rng, bits)).min(NEVER_NS - 1);
        match rng.below(16) {
            0..=7 => pair.insert(ahead),
            8..=9 => pair.remove_any(&rng),
            10..=11 => pair.reschedule_any(&rng, ahead),
            // Into the past.
            12 => pair.insert(pair.now_ns.saturating_sub(distance(&rng, bits))),
            // Exactly to the earliest, or just short of it.
            13 => {
                let earliest = pair.model.keys().next().map_or(pair.now_ns, |at| at.0);
                pair.turn(earliest.saturating_sub(u64::from(rng.below(2))).max(pair.now_ns));
            }
            14 => pair.check_earliest(),
            _ => pair.turn(pair.now_ns.saturating_add(distance(&rng, bits)).min(NEVER_NS - 2)),
        }
    }
    pair.turn(NEVER_NS - 1);
    assert_eq!(pair.wheel.len(), 0);
}

#[test]
fn wheel_does_what_a_sorted_map_does() {
    let seed = random_seed();
    // Short distances meet often, long ones use the upper levels; 63 bits wear time out quickly.
    for (seed, bits) in [(seed, 20), (seed ^ 1, 30), (seed ^ 2, 45), (7, 30), (7, 45)] {
        run_against_the_model(seed, 40_000, bits);
    }
    (0..200).for_each(|round| run_against_the_model(seed.wrapping_add(round), 100, 63));
}

#[test]
fn equal_deadlines_leave_in_the_order_of_insertion_even_in_portions() {
    let mut wheel = Wheel::new();
    let mut stamps = Vec::new();
    let mut insert = |wheel: &mut Wheel| match wheel.insert(5_000_000_000, Waker::noop().clone()) {
        Inserted::Pending(key) => stamps.push(key.stamp),
        other => panic!("{other:?}"),
    };
    (0..10).for_each(|_| insert(&mut wheel));
    let mut due = Vec::new();
    // Reaches the coarse slot, takes apart a part of it; then more is inserted.
    wheel.begin_turn(4_999_999_999);
    assert!(!wheel.take_due(4, &mut due));
    (0..10).for_each(|_| insert(&mut wheel));
    while !wheel.take_due(4, &mut due) {}
    assert!(due.is_empty());
    assert_eq!(wheel.earliest_ns(), 5_000_000_000);
    wheel.begin_turn(5_000_000_000);
    while !wheel.take_due(100, &mut due) {}
    let order: Vec<_> = due.iter().map(|due| due.stamp).collect();
    assert_eq!(order, stamps);
}

#[test]
fn every_deadline_has_a_place_after_the_time_that_has_elapsed() {
    for elapsed in [0, 1, 0x3ff, 0x400, 0xffff, 0x10000, 123_456_789_012, u64::MAX >> 1] {
        for bit in 0..64 {
            let deadline = elapsed | 1 << bit;
            let (level, slot) = level::place(elapsed, deadline);
            assert!(level < LEVELS);
            let start = level::start_ns(level, slot, elapsed);
            assert!(start <= deadline && (level == 0 || start > elapsed));
            assert_eq!(level::place(elapsed, start.max(elapsed)).0, level);
        }
    }
    assert_eq!(level::place(1 << 40, 5), level::place(1 << 40, 1 << 40), "past: where time is");
}

#[test]
fn removal_of_the_earliest_leaves_a_bound_and_settling_finds_the_next() {
    let mut pair = Pair::new();
    pair.insert(1_000);
    pair.insert(9_000_000_000);
    let (_, first) = pair.model.pop_first().expect("there");
    assert!(pair.wheel.remove(first).is_some());
    assert_eq!(pair.wheel.earliest_ns(), 1_000);
    pair.check_earliest();
}

#[test]
fn crowded_coarse_slot_gives_an_early_bound_that_a_turn_makes_exact() {
    let mut pair = Pair::new();
    let base = 60_000_000_000;
    pair.insert(base - 1);
    (0..1_000).for_each(|index| pair.insert(base + index));
    let (_, first) = pair.model.pop_first().expect("there");
    assert!(pair.wheel.remove(first).is_some());
    let mut turns = 0;
    loop {
        pair.check_earliest();
        let earliest = pair.wheel.earliest_ns();
        if earliest == base {
            break;
        }
        assert!(earliest < base);
        pair.turn(earliest);
        turns += 1;
        assert!(turns <= LEVELS, "at most one needless turn a level");
    }
}

#[test]
fn emptied_wheel_gives_its_room_back() {
    let mut pair = Pair::new();
    (1..5_000).for_each(|deadline| pair.insert(deadline));
    pair.turn(5_000);
    pair.insert(6_000);
    pair.remove_any(&Rng::new(1));
    pair.check_earliest();
}
