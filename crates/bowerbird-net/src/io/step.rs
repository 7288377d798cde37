//! What the futures of this module have in common.
//!
//! Each is a leaf around the `poll_*` form of somebody's reader or writer, which may be always ready (a slice),
//! or from another library. So each keeps the rules of a leaf itself: an offered request to cancel beats
//! readiness, and every result is counted against the budget of the poll.

use std::task::{Context, Poll, ready};

use bowerbird_io::Leaf;

/// Calls one `poll_*` form under the rules of a leaf.
#[inline]
pub(crate) fn step<T>(
    leaf: &mut Leaf,
    cx: &mut Context<'_>,
    operation: impl FnOnce(&mut Context<'_>) -> Poll<T>,
) -> Poll<T> {
    let proceed = ready!(leaf.poll_enter(cx));
    let result = operation(cx);
    match result {
        Poll::Ready(_) => proceed.made_progress(),
        Poll::Pending => leaf.pended(),
    }
    result
}

/// Makes structs with a `fn step(&mut self, cx) -> Poll<io::Result<..>>` futures, and shows of them the name
/// only: what is in their buffers is the user's.
macro_rules! future_of_steps {
    ($($name:ident < $($lifetime:lifetime,)* $($param:ident $(: $bound:path)?),* > => $output:ty;)*) => {$(
        impl<$($lifetime,)* $($param: ?Sized $(+ $bound + Unpin)?),*> std::future::Future
            for $name<$($lifetime,)* $($param),*>
        {
            type Output = std::io::Result<$output>;

            #[inline]
            fn poll(
                self: std::pin::Pin<&mut Self>,
                cx: &mut std::task::Context<'_>,
            ) -> std::task::Poll<Self::Output> {
                self.get_mut().step(cx)
            }
        }

        $crate::io::step::debug_by_name!($name<$($lifetime,)* $($param),*>);
    )*};
}

/// Shows the name of a type only.
macro_rules! debug_by_name {
    ($name:ident < $($lifetime:lifetime,)* $($param:ident),* >) => {
        impl<$($lifetime,)* $($param: ?Sized),*> std::fmt::Debug for $name<$($lifetime,)* $($param),*> {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_struct(stringify!($name)).finish_non_exhaustive()
            }
        }
    };
}

pub(crate) use {debug_by_name, future_of_steps};
