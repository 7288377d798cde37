use crate::model_or_real;

model_or_real! { {} {

use std::cell::RefCell;
use std::panic::Location;

use super::{Warning, WarningKind, is_on, quiet, report, runtime_entered, runtime_left, set_listener};

thread_local! {
    static HEARD: RefCell<Vec<Warning>> = const { RefCell::new(Vec::new()) };
}

/// Other tests of this process make reports on threads of their own.
fn hear(warning: Warning) {
    HEARD.with(|heard| heard.borrow_mut().push(warning));
}

fn warning() -> Warning {
    Warning::new(WarningKind::NeverUsed, "a door was left open")
}

#[test]
fn it_is_on_while_a_runtime_is_in_it() {
    runtime_entered();
    assert!(is_on());
    runtime_entered();
    runtime_left();
    assert!(is_on());
    runtime_left();
}

#[test]
fn warnings_are_heard_unless_the_thread_is_quiet_or_panics() {
    struct Warns;
    impl Drop for Warns {
        fn drop(&mut self) {
            report(warning());
        }
    }
    set_listener(hear);
    runtime_entered();
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
    runtime_left();
    assert_eq!(HEARD.take(), [warning().at(location), warning()]);
}

}}
