//! A mistake on purpose: two threads write to one word, and nothing orders them.
#![allow(static_mut_refs)]

static mut SHARED: u64 = 0;

fn write() {
    for _ in 0..1000 {
        // SAFETY: none. This is the race that ThreadSanitizer must report.
        unsafe { SHARED += 1 }
    }
}

#[test]
fn canary() {
    let other = std::thread::spawn(write);
    write();
    other.join().unwrap();
}
