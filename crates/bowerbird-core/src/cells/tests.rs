use std::alloc::{Layout, alloc};
use std::ptr::NonNull;

use super::{ALIGNMENT, CLASSES, Cells, Kind, MOST_BYTES, SMALLEST, STEP, size_of_class};

fn kind(size: usize) -> Kind {
    Kind::of(Layout::from_size_align(size, 8).unwrap())
}

fn memory(class: usize) -> NonNull<u8> {
    // SAFETY: the size is not zero.
    NonNull::new(unsafe { alloc(kind(size_of_class(class)).layout) }).unwrap()
}

fn keep(cells: &Cells, memory: NonNull<u8>, class: usize) -> bool {
    // SAFETY: it is from `memory`, of this class, and used by nobody.
    unsafe { cells.keep(memory, class) }
}

/// Hands memory that was refused to lists that take it, so that it is freed.
fn free(memory: NonNull<u8>, class: usize) {
    assert!(keep(&Cells::new(), memory, class));
}

#[test]
fn every_size_is_rounded_to_the_next_class_and_no_further() {
    for size in 1..=size_of_class(CLASSES - 1) {
        let Kind { layout, class } = kind(size);
        let class = class.unwrap();
        assert_eq!(layout.size(), size_of_class(class));
        assert!(layout.size() >= size, "{size}");
        assert!(class == 0 || size_of_class(class - 1) < size, "{size}");
        assert_eq!((layout.size() + 8) % STEP, 0, "as large as a chunk of malloc");
    }
}

#[test]
fn large_and_overaligned_tasks_go_to_malloc_as_they_are() {
    let size = size_of_class(CLASSES - 1) + 1;
    assert_eq!(kind(size), Kind { layout: Layout::from_size_align(size, 8).unwrap(), class: None });
    let overaligned = Layout::from_size_align(SMALLEST, 2 * ALIGNMENT).unwrap();
    assert_eq!(Kind::of(overaligned), Kind { layout: overaligned, class: None });
}

#[test]
fn memory_comes_back_newest_first_and_to_its_own_class() {
    let cells = Cells::new();
    let (first, second, other) = (memory(3), memory(3), memory(4));
    assert!(keep(&cells, first, 3) && keep(&cells, second, 3) && keep(&cells, other, 4));
    assert_eq!(cells.bytes.get(), 2 * size_of_class(3) + size_of_class(4));
    assert_eq!(cells.take(3), Some(second));
    assert_eq!(cells.take(3), Some(first));
    assert_eq!(cells.take(3), None);
    assert_eq!(cells.take(4), Some(other));
    assert_eq!(cells.bytes.get(), 0);
    free(first, 3);
    free(second, 3);
    free(other, 4);
}

#[test]
fn no_more_is_kept_than_the_limit_and_the_rest_goes_with_the_seat() {
    let cells = Cells::new();
    let class = CLASSES - 1;
    for _ in 0..MOST_BYTES / size_of_class(class) {
        assert!(keep(&cells, memory(class), class));
    }
    let refused = memory(class);
    assert!(!keep(&cells, refused, class));
    free(refused, class);
    // One that is taken makes room for one.
    let taken = cells.take(class).unwrap();
    assert!(keep(&cells, taken, class));
}
