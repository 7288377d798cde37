//! A mistake on purpose, in a function whose name is like the one that is suppressed: a race on what a deque handed
//! over.
#![allow(static_mut_refs)]

mod deque {
    pub struct Buffer<T>(pub T);

    impl<T: Copy> Buffer<*mut T> {
        pub fn read(&self) -> T {
            // SAFETY: none. This is the race that ThreadSanitizer must report.
            unsafe { self.0.read_volatile() }
        }
    }
}

static mut SHARED: u64 = 0;

fn write() {
    for _ in 0..1000 {
        // SAFETY: none, as above: the other side of the race.
        unsafe { SHARED += 1 }
    }
}

#[test]
fn canary() {
    let other = std::thread::spawn(write);
    for _ in 0..1000 {
        std::hint::black_box(deque::Buffer(&raw mut SHARED).read());
    }
    other.join().unwrap();
}
