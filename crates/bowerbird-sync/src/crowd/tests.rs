use std::sync::Arc;
use std::task::{Wake, Waker};

use super::{Crowd, Place};
use crate::wait_list::Stand;

struct Nothing;

impl Wake for Nothing {
    fn wake(self: Arc<Self>) {}
}

fn join(crowd: &mut Crowd, own: &Waker) -> Option<Place> {
    let mut place = None;
    assert!(matches!(crowd.stand(&mut place, own, &mut None), Stand::NeedsWaker));
    assert!(place.is_none());
    assert!(matches!(crowd.stand(&mut place, own, &mut Some(own.clone())), Stand::Stands(None)));
    place
}

#[test]
fn place_is_good_until_all_are_woken() {
    let (own, mut crowd) = (Waker::from(Arc::new(Nothing)), Crowd::new());
    let (mut early, mut gone) = (join(&mut crowd, &own), join(&mut crowd, &own));
    assert!(crowd.take_out(&mut gone).is_some() && gone.is_none());
    assert_eq!((crowd.take_all().len(), crowd.len()), (1, 0));
    let mut late = join(&mut crowd, &own);
    assert!(crowd.take_out(&mut early).is_none(), "nor is it the other one's");
    assert_eq!(crowd.len(), 1);
    assert!(crowd.take_out(&mut late).is_some());
    assert!(crowd.take_out(&mut late).is_none());
    assert!(crowd.take_all().is_empty());
}

#[test]
fn one_that_stands_needs_no_clone_and_one_that_was_woken_does() {
    let (own, mut crowd) = (Waker::from(Arc::new(Nothing)), Crowd::new());
    let mut place = join(&mut crowd, &own);
    assert!(matches!(crowd.stand(&mut place, &own, &mut None), Stand::Stands(None)));
    let other = &Waker::from(Arc::new(Nothing));
    assert!(matches!(crowd.stand(&mut place, other, &mut None), Stand::NeedsWaker));
    let replaced = crowd.stand(&mut place, other, &mut Some(other.clone()));
    assert!(matches!(replaced, Stand::Stands(Some(_))));
    assert!(crowd.take_all()[0].will_wake(other));
    assert!(matches!(crowd.stand(&mut place, other, &mut None), Stand::NeedsWaker));
    assert!(place.is_none());
}

#[test]
fn crowd_is_woken_in_the_order_of_arrival_and_keeps_room_for_as_many() {
    let mut crowd = Crowd::new();
    let wakers: Vec<_> = (0..200).map(|_| Waker::from(Arc::new(Nothing))).collect();
    for _ in 0..3 {
        let mut places: Vec<_> = wakers.iter().map(|own| join(&mut crowd, own)).collect();
        let left = crowd.take_out(&mut places[7]);
        assert!(left.is_some_and(|left| left.will_wake(&wakers[7])));
        places[7] = join(&mut crowd, &wakers[7]);
        let all = crowd.take_all();
        let order = (0..200).filter(|index| *index != 7).chain([7]);
        assert!(order.zip(&all).all(|(index, waker)| waker.will_wake(&wakers[index])));
        assert_eq!(all.len(), 200);
    }
}
