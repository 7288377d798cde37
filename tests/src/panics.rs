//! Panics as values: the message, and the place that the panic names.

use std::cell::RefCell;
use std::panic::{self, AssertUnwindSafe, PanicHookInfo};
use std::sync::Once;

/// A panic that was caught.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caught {
    /// What it says.
    pub message: String,
    /// The file that it points at.
    pub file: String,
    /// The line that it points at.
    pub line: u32,
}

thread_local! {
    static LISTENING: RefCell<Option<Option<Caught>>> = const { RefCell::new(None) };
}

/// Calls `f`, which must panic in this thread, and gives what the panic hook saw.
#[track_caller]
pub fn catch<R>(f: impl FnOnce() -> R) -> Caught {
    install_hook();
    let before = LISTENING.replace(Some(None));
    let result = panic::catch_unwind(AssertUnwindSafe(f));
    let caught = LISTENING.replace(before).flatten();
    assert!(result.is_err(), "it did not panic");
    caught.expect("the hook is called before the unwinding; a resumed panic calls none")
}

fn install_hook() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            let is_heard = LISTENING.try_with(|listening| match &mut *listening.borrow_mut() {
                Some(caught) => {
                    *caught = Some(describe(info));
                    true
                }
                None => false,
            });
            if !is_heard.unwrap_or(false) {
                before(info);
            }
        }));
    });
}

fn describe(info: &PanicHookInfo<'_>) -> Caught {
    let location = info.location().expect("panics have a place");
    Caught {
        message: info.payload_as_str().unwrap_or_default().to_owned(),
        file: location.file().to_owned(),
        line: location.line(),
    }
}
