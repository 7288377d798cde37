//! The task itself: its state, its allocation, its handles.

pub(crate) mod state;
#[allow(unsafe_code, reason = "one allocation holds the header and a future of any type")]
pub(crate) mod header;
pub(crate) mod cold;
#[allow(
    unsafe_code,
    reason = "moves the output out of the cell when the state says that it is ours"
)]
pub(crate) mod join;
#[allow(unsafe_code, reason = "a counted pointer to a header")]
pub(crate) mod handle;
pub(crate) mod shared;
pub(crate) mod cancel_on_drop;
pub(crate) mod error;
pub(crate) mod forward;
pub(crate) mod id;
#[allow(unsafe_code, reason = "what stands in a queue is a pointer to a header")]
mod runnable;

pub(crate) use runnable::Runnable;
