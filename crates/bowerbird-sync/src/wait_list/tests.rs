use std::cell::{Cell, RefCell, RefMut};
use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::task::{Poll, Wake, Waker};

use super::{WaitList, poll_called};

struct Nothing;

impl Wake for Nothing {
    fn wake(self: Arc<Self>) {}
}

fn waker() -> Waker {
    Waker::noop().clone()
}

fn order(list: &WaitList<u32>) -> Vec<u32> {
    list.iter().copied().collect()
}

#[test]
fn calls_come_in_the_order_of_arrival() {
    let mut list = WaitList::new();
    let keys: Vec<_> = (0..3).map(|number| list.push_back(waker(), number)).collect();
    let first = list.push_front(waker(), 9);
    assert_eq!(order(&list), [9, 0, 1, 2]);
    assert_eq!(list.front(), Some(&9));
    assert_eq!(*list.call_front().unwrap().1, 9);
    assert_eq!(*list.call_back().unwrap().1, 2);
    assert_eq!((order(&list), list.len()), (vec![0, 1], 2));
    assert!(list.is_called(&first) && !list.is_called(&keys[0]));
    assert!(list.remove(first).was_called());
    for key in keys {
        let _removed = list.remove(key);
    }
    assert!(list.is_unused() && list.is_empty() && list.front().is_none());
}

#[test]
fn one_that_is_called_in_vain_can_have_its_old_place() {
    let mut list = WaitList::new();
    let mut keys = Vec::new();
    for number in [5, 2, 9, 1, 7, 0] {
        keys.push(list.push_before(waker(), number, |other| number < *other));
    }
    assert_eq!(order(&list), [0, 1, 2, 5, 7, 9]);
    let mut called = Vec::new();
    while let Some((_, number)) = list.call_front() {
        called.push(*number);
    }
    assert_eq!(called, [0, 1, 2, 5, 7, 9]);
    for key in keys {
        let _removed = list.remove(key);
    }
    assert!(list.is_unused());
}

#[test]
fn entries_are_used_again_and_a_crowd_gives_its_memory_back() {
    let mut list = WaitList::new();
    for round in 0..100 {
        let (one, two) = (list.push_back(waker(), round), list.push_back(waker(), round + 1));
        assert!(!list.remove(one).was_called());
        let _removed = list.remove(two);
    }
    assert_eq!(list.entries.len(), 2);
    let keys: Vec<_> = (0..1000).map(|number| list.push_back(waker(), number)).collect();
    let mut called = Vec::new();
    assert_eq!(list.call_all(|number| called.push(*number)).len(), 1000);
    assert_eq!(called, (0..1000).collect::<Vec<_>>());
    for key in keys {
        assert!(list.remove(key).was_called());
    }
    assert_eq!(list.entries.capacity(), 0);
}

#[test]
fn waker_of_a_called_entry_is_not_replaced() {
    let (own, mut list) = (Waker::from(Arc::new(Nothing)), WaitList::new());
    let key = list.push_back(own.clone(), 0);
    assert!(list.will_wake(&key, &own));
    let _old = list.replace_waker(&key, own.clone());
    let _woken = list.call_front();
    assert!(!list.will_wake(&key, &own));
    let _own = list.replace_waker(&key, own);
    assert!(list.is_called(&key));
    let _removed = list.remove(key);
}

/// A lock that notes how many there are of a waker when it is given up.
struct Notes<'a> {
    list: RefMut<'a, WaitList<()>>,
    probe: &'a Arc<Nothing>,
    at_unlock: &'a Cell<usize>,
}

impl Deref for Notes<'_> {
    type Target = WaitList<()>;

    fn deref(&self) -> &WaitList<()> {
        &self.list
    }
}

impl DerefMut for Notes<'_> {
    fn deref_mut(&mut self) -> &mut WaitList<()> {
        &mut self.list
    }
}

impl Drop for Notes<'_> {
    fn drop(&mut self) {
        self.at_unlock.set(Arc::strong_count(self.probe));
    }
}

/// The wait is called while its new waker is cloned: the clone is dropped, and that beside the lock.
#[test]
fn clone_that_came_too_late_is_dropped_after_the_lock() {
    let (list, probe, at_unlock) = (RefCell::new(WaitList::new()), Arc::new(Nothing), Cell::new(0));
    let mut key = Some(list.borrow_mut().push_back(waker(), ()));
    let looks = Cell::new(0);
    let lock = || {
        looks.set(looks.get() + 1);
        if looks.get() == 2 {
            let _called = list.borrow_mut().call_front();
        }
        Notes { list: list.borrow_mut(), probe: &probe, at_unlock: &at_unlock }
    };
    let other = Waker::from(probe.clone());
    assert_eq!(poll_called(lock, &mut key, &other), Poll::Ready(()));
    assert!(key.is_none());
    assert_eq!((at_unlock.get(), Arc::strong_count(&probe)), (3, 2));
}

/// Against a plain vector: random arrivals, calls and removals keep the order.
#[test]
fn agrees_with_a_plain_vector() {
    let (mut list, mut plain, mut keys) = (WaitList::new(), Vec::new(), Vec::new());
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    for number in 0..20_000_u32 {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        match random % 5 {
            0 | 1 => {
                keys.push((number, list.push_back(waker(), number)));
                plain.push(number);
            }
            2 if !plain.is_empty() => {
                assert_eq!(list.call_front().map(|(_, data)| *data), Some(plain.remove(0)));
            }
            _ if !keys.is_empty() => {
                let at = (random >> 8) as usize % keys.len();
                let (number, key) = keys.swap_remove(at);
                let was_waiting = plain.contains(&number);
                assert_eq!(list.remove(key).was_called(), !was_waiting);
                plain.retain(|each| *each != number);
            }
            _ => {}
        }
        assert_eq!(list.len(), plain.len());
    }
    assert_eq!(order(&list), plain);
}
