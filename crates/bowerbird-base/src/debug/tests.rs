use crate::model_or_real;

model_or_real! { {} {

use std::cell::RefCell;
use std::panic::Location;

use super::{Warning, WarningKind, is_on, quiet, report, runtime_entered, runtime_left, set_listener};

thread_local! {
    static HEARD: RefCell<Vec<Warning>> = const { RefCell::new(Vec::new()) };
}

/// Debug mode is on as long as this lives, and what it tells comes to this thread's list. Other tests of this
/// process do so too, on threads of their own.
pub(crate) struct On(());

impl On {
    pub(crate) fn new() -> Self {
        set_listener(hear);
        runtime_entered();
        Self(())
    }
}

impl Drop for On {
    fn drop(&mut self) {
        runtime_left();
    }
}

/// Takes what this thread was told.
pub(crate) fn heard() -> Vec<Warning> {
    HEARD.take()
}

fn hear(warning: Warning) {
    HEARD.with(|heard| heard.borrow_mut().push(warning));
}

fn warning() -> Warning {
    Warning::new(WarningKind::NeverUsed, "a door was left open")
}

#[test]
fn it_is_on_while_a_runtime_is_in_it() {
    let outer = On::new();
    assert!(is_on());
    drop(On::new());
    assert!(is_on());
    drop(outer);
}

#[test]
fn warnings_are_heard_unless_the_thread_is_quiet_or_panics() {
    struct Warns;
    impl Drop for Warns {
        fn drop(&mut self) {
            report(warning());
        }
    }
    let _on = On::new();
    let location = Location::caller();
    report(warning().at(location));
    {
        let _outer = quiet();
        drop(quiet());
        report(warning());
    }
    let panicked = std::panic::catch_unwind(|| {
        let _warns = Warns;
        panic!("boom");
    });
    panicked.unwrap_err();
    drop(Warns);
    assert_eq!(heard(), [warning().at(location), warning()]);
}

}}
