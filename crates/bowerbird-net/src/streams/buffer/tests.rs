use super::{ReadBuffer, find, with_scratch};

#[test]
fn find_agrees_with_windows() {
    let text = b"abacabadabacabaeabacabadabacaba";
    for length in 1..6 {
        for needle in text.windows(length).chain([&b"xyzzy"[..length.min(5)]]) {
            for from in 0..=text.len() + 1 {
                let expected = (from..text.len()).find(|&at| text[at..].starts_with(needle));
                assert_eq!(find(text, needle, from), expected, "{needle:?} from {from}");
            }
        }
    }
}

#[test]
fn take_of_all_moves_the_bytes() {
    let mut buffer = ReadBuffer::default();
    buffer.append(b"hello");
    let address = buffer.bytes().as_ptr();
    let taken = buffer.take(5);
    assert_eq!((taken.as_ptr(), &*taken), (address, &b"hello"[..]));
    assert!(buffer.is_empty());
}

#[test]
fn parts_come_in_order_and_memory_goes_when_empty() {
    let mut buffer = ReadBuffer::default();
    buffer.append(b"one two");
    assert_eq!(buffer.take(4), b"one ");
    buffer.append(b" three");
    assert_eq!(buffer.borrow(3), b"two");
    buffer.release();
    assert_eq!(buffer.bytes(), b" three");
    assert_eq!(buffer.take(6), b" three");
    buffer.release();
    assert_eq!(buffer.bytes.capacity(), 0);
}

#[test]
fn scratch_inside_scratch_is_another() {
    with_scratch(8, |outer| {
        outer.fill(1);
        with_scratch(8, |inner| inner.fill(2));
        assert_eq!(outer, [1; 8]);
    });
}
