use crate::model_or_real;

model_or_real! { {} {

use std::any::Any;
use std::cell::RefCell;
use std::panic::panic_any;
use std::sync::Arc;
use std::task::{Wake, Waker};

use super::{contain, set_listener};
use crate::wake_all::wake_all;

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
fn all_panics_but_the_first_of_many_wakers_are_told() {
    set_listener(hear);
    let wakers = ["first", "second", "third"].map(|text| Waker::from(Arc::new(Panics(text))));
    let first = std::panic::catch_unwind(|| wake_all(wakers)).unwrap_err();
    assert_eq!(first.downcast_ref::<&str>(), Some(&"first"));
    let texts: Vec<_> = heard().into_iter().map(|(_, text)| text).collect();
    assert_eq!(texts, ["second", "third"]);
}

}}
