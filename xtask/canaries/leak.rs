//! A mistake on purpose: a box that nobody frees.

#[test]
fn canary() {
    std::mem::forget(std::hint::black_box(Box::new([1_u8; 100])));
}
