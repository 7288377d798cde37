//! The marker of futures that lose nothing when they are dropped.

use std::pin::Pin;

/// Marks a future that may be dropped at any await without losing data.
///
/// `select!` takes by value only what is `CancelSafe`, since it drops the branches that lose; a future
/// that is only borrowed survives and so always is.
///
/// asyncio: no counterpart. A cancelled `asyncio` read keeps its data in the `StreamReader`; types that
/// do the same carry this mark.
#[diagnostic::on_unimplemented(
    message = "dropping `{Self}` half-way may lose data",
    label = "this branch would be dropped when another one wins",
    note = "pass `&mut future` so that it survives, mark the function `#[cancel_safe] async fn` if it keeps \
            nothing across an await, or wrap it in `lossy(future)` to accept the loss"
)]
pub trait CancelSafe {}

impl<F: ?Sized> CancelSafe for &mut F {}
impl<F: ?Sized> CancelSafe for Pin<&mut F> {}
impl<T> CancelSafe for std::future::Ready<T> {}
impl<T> CancelSafe for std::future::Pending<T> {}
