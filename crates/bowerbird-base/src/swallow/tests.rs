use crate::model_or_real;

model_or_real! { {} {

use std::any::Any;
use std::cell::RefCell;
use std::panic::panic_any;
use std::sync::Arc;
use std::task::{Wake, Waker};

use super::{contain, set_listener};
use crate::wake_all::{wake, wake_all};

thread_local! {
    static HEARD: RefCell<Vec<(&'static str, String)>> = const { RefCell::new(Vec::new()) };
}

fn hear(what: &'static str, payload: Box<dyn Any + Send>) {
    let text = payload.downcast_ref::<&str>().map_or_else(String::new, |text| (*text).to_owned());
    HEARD.with(|heard| heard.borrow_mut().push((what, text)));
}

fn heard() -> Vec<(&'static str, String)> {
    HEARD.take()
}

struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("the payload's own");
    }
}

#[test]
fn contained_panic_is_told_and_the_payload_may_panic_too() {
    set_listener(hear);
    contain("nothing", || ());
    contain("a thing panicked", || panic!("boom"));
    contain("a thing panicked", || panic_any(Bomb));
    assert_eq!(heard(), [("a thing panicked", "boom".into()), ("a thing panicked", String::new())]);
}

struct Panics(&'static str);

impl Wake for Panics {
    fn wake(self: Arc<Self>) {
        panic_any(self.0);
    }
}

#[test]
fn panics_of_many_wakers_are_told_each() {
    set_listener(hear);
    wake_all(["first", "second", "third"].map(|text| Waker::from(Arc::new(Panics(text)))));
    let told = ["first", "second", "third"].map(|text| ("a waker panicked", text.to_owned()));
    assert_eq!(heard(), told);
}

/// During another panic too, where a second one would end the process.
#[test]
fn panic_of_a_waker_in_a_destructor_during_a_panic_is_told() {
    struct Wakes;
    impl Drop for Wakes {
        fn drop(&mut self) {
            wake(Waker::from(Arc::new(Panics("second"))));
        }
    }
    set_listener(hear);
    let panic = std::panic::catch_unwind(|| {
        let _wakes = Wakes;
        panic_any("first");
    });
    assert_eq!(panic.unwrap_err().downcast_ref(), Some(&"first"));
    assert_eq!(heard(), [("a waker panicked", "second".to_owned())]);
}

}}
