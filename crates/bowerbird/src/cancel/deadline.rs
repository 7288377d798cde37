//! The deadline that the code of a task lives under.

use std::time::Instant;

use bowerbird_core::{current_deadline, replace_deadline};

/// Returns the earliest deadline of the scopes around the caller, if one of them has one.
///
/// trio: `current_effective_deadline()`. [`timeout`](crate::timeout) and
/// [`cancel_scope`](crate::cancel_scope) with their kin count; a shielded scope hides those around it. What
/// is spawned, and what [`to_thread`](crate::to_thread) calls, inherits the deadline as information: it says
/// until when an answer is of use, for the header of an outgoing request say, and cancels nothing there.
///
/// # Examples
/// ```
/// use bowerbird::{current_effective_deadline, spawn, timeout};
/// use std::time::Duration;
///
/// bowerbird::run(async {
///     assert_eq!(current_effective_deadline(), None);
///     let call = async { spawn(async { current_effective_deadline() }).await.unwrap() };
///     let inherited = timeout(Duration::from_secs(5), call).await.unwrap();
///     assert!(inherited.is_some());
/// });
/// ```
pub fn current_effective_deadline() -> Option<Instant> {
    current_deadline()
}

/// Calls `f` under a deadline: the earlier one of it and what holds around, unless that is hidden.
#[inline]
pub(crate) fn with_deadline<R>(
    deadline: Option<Instant>,
    hides_outer: bool,
    f: impl FnOnce() -> R,
) -> R {
    struct Back(Option<Instant>);
    impl Drop for Back {
        fn drop(&mut self) {
            replace_deadline(self.0);
        }
    }
    if deadline.is_none() && !hides_outer {
        return f();
    }
    let outer = replace_deadline(deadline);
    let _back = Back(outer);
    if !hides_outer && outer.is_some_and(|outer| deadline.is_none_or(|own| outer < own)) {
        replace_deadline(outer);
    }
    f()
}
