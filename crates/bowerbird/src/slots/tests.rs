use super::{KEPT_CAPACITY, Slots};

#[test]
fn places_stay_and_are_used_again() {
    let mut slots = Slots::new();
    let places: Vec<_> = (0..4).map(|value| slots.insert(value)).collect();
    assert_eq!(places, [0, 1, 2, 3]);
    assert_eq!((slots.remove(1), slots.remove(3), slots.remove(1)), (Some(1), Some(3), None));
    assert_eq!(
        (slots.get(0), slots.get(1), slots.get(2), slots.get(9)),
        (Some(&0), None, Some(&2), None)
    );
    let next = slots.next_place();
    assert_eq!((next, slots.insert(5)), (3, 3));
    assert_eq!((slots.insert(6), slots.insert(7), slots.len()), (1, 4, 5));
    let mut values = slots.take_all();
    values.sort_unstable();
    assert_eq!((values, slots.len(), slots.next_place()), (vec![0, 2, 5, 6, 7], 0, 0));
}

#[test]
fn memory_is_given_back_when_it_is_empty() {
    let mut slots = Slots::new();
    let places: Vec<_> = (0..1_000).map(|value| slots.insert(value)).collect();
    assert!(places.into_iter().all(|place| slots.remove(place).is_some()));
    assert!(slots.capacity() <= KEPT_CAPACITY);
    assert_eq!(slots.insert(1), 0);
}
