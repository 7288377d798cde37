//! Cancellation: regions that can be cancelled, deadlines, shields, and what catches a request.
//!
//! A cancellation is a *request*. It is delivered when the task is suspended, and unwinds from the innermost
//! scope outwards: each scope drops its inner future, runs the cleanups that it left behind, and passes the
//! request on, unless it was its own.
//!
//! | asked of | by | ends |
//! |---|---|---|
//! | a task | [`TaskHandle::cancel`](crate::TaskHandle::cancel) | the task |
//! | a region | [`CancelScope::cancel`], its deadline | the region; what is behind it goes on |
//! | any code that looks | [`CancellationToken::cancel`](crate::CancellationToken::cancel) | what the code chooses |
//!
//! [`catch_cancel`] turns a request into a value, [`Cancelled::resume`] passes it on again. [`shield`] and a
//! shielded scope keep requests out for a while.

mod catch_cancel;
mod deadline;
mod cancel_scope;
mod shield;
mod token;

pub use cancel_scope::{
    CancelScope, CancelScopeRun, cancel_scope, fail_after, fail_at, move_on_after, move_on_at,
};
pub use catch_cancel::{Cancelled, CatchCancel, Resume, catch_cancel};
pub use deadline::current_effective_deadline;
pub(crate) use deadline::with_deadline;
pub use shield::{Shield, shield};
pub use token::{
    CancellationToken, DropGuard, DropGuardRef, RunUntilCancelled, RunUntilCancelledOwned,
    WaitForCancellation, WaitForCancellationOwned,
};
