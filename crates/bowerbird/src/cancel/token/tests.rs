use super::CancellationToken;

#[test]
fn child_that_is_dropped_leaves_nothing_in_its_parent() {
    let parent = CancellationToken::new();
    for _ in 0..1_000_000 {
        drop(parent.child_token());
    }
    let (children, capacity, _) = parent.node().sizes();
    assert_eq!(children, 0);
    assert!(capacity < 16, "{capacity}");
}

#[test]
fn memory_of_many_children_is_given_back() {
    let parent = CancellationToken::new();
    let children: Vec<_> = (0..100_000).map(|_| parent.child_token()).collect();
    assert_eq!(parent.node().sizes().0, 100_000);
    drop(children);
    let (count, capacity, _) = parent.node().sizes();
    assert!(count == 0 && capacity < 100, "{count} {capacity}");
}

#[test]
fn chain_whose_middle_is_dropped_does_not_grow() {
    let root = CancellationToken::new();
    let mut last = root.child_token();
    for _ in 0..100_000 {
        last = last.child_token();
    }
    assert_eq!(root.node().sizes().0, 1);
    // Nothing but the root and the last is alive: each is held by its handle and by the other.
    assert_eq!(std::sync::Arc::strong_count(root.node()), 2);
    root.cancel();
    assert!(last.is_cancelled());
    drop(last);
    assert_eq!(std::sync::Arc::strong_count(root.node()), 1);
}

#[test]
fn grandchildren_become_the_children_of_their_grandparent() {
    let root = CancellationToken::new();
    let middle = root.child_token();
    let leaves: Vec<_> = (0..3).map(|_| middle.child_token()).collect();
    drop(middle);
    assert_eq!(root.node().sizes().0, 3);
    drop(leaves);
    assert_eq!(root.node().sizes().0, 0);
}

#[test]
fn waiter_that_is_dropped_leaves_nothing() {
    let token = CancellationToken::new();
    for _ in 0..1_000 {
        let mut wait = Box::pin(token.cancelled());
        let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
        assert!(wait.as_mut().poll(&mut cx).is_pending());
        assert!(wait.as_mut().poll(&mut cx).is_pending());
        assert_eq!(token.node().sizes().2, 1);
    }
    assert_eq!(token.node().sizes().2, 0);
}
