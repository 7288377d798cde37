//! The futures of [`StreamWriter`](super::StreamWriter).

use std::fmt;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bowerbird_base::cancel_safe::CancelSafe;
use bowerbird_io::Leaf;

use super::connection::{Connection, Goal};

/// Waits for what a connection is to reach, with the manners of a leaf.
pub(super) fn poll_goal(
    connection: &Connection,
    goal: Goal,
    cx: &mut Context<'_>,
    leaf: &mut Leaf,
    key: &mut Option<u64>,
) -> Poll<io::Result<()>> {
    let proceed = ready!(leaf.poll_enter(cx));
    let polled = connection.poll_goal(cx, goal, key);
    match polled {
        Poll::Ready(_) => proceed.made_progress(),
        Poll::Pending => leaf.suspend("drain", 0),
    }
    polled
}

macro_rules! waits {
    ($($(#[$docs:meta])* $name:ident($call:literal, $goal:expr);)*) => {
        $(
            $(#[$docs])*
            #[must_use = "futures do nothing unless you `.await` or poll them"]
            pub struct $name<'a> {
                connection: &'a Connection,
                key: Option<u64>,
                leaf: Leaf,
            }

            impl<'a> $name<'a> {
                #[track_caller]
                pub(super) fn new(connection: &'a Connection) -> Self {
                    Self { connection, key: None, leaf: Leaf::new($call) }
                }
            }

            impl Future for $name<'_> {
                type Output = io::Result<()>;

                fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
                    let Self { connection, key, leaf } = self.get_mut();
                    poll_goal(connection, $goal, cx, leaf, key)
                }
            }

            impl Drop for $name<'_> {
                fn drop(&mut self) {
                    self.connection.forget(self.key);
                }
            }

            impl CancelSafe for $name<'_> {}

            impl fmt::Debug for $name<'_> {
                fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    f.debug_struct(stringify!($name)).finish_non_exhaustive()
                }
            }
        )*
    };
}

waits! {
    /// The future of [`StreamWriter::drain`](super::StreamWriter::drain).
    Drain("StreamWriter::drain", Goal::Drained);
    /// The future of [`StreamWriter::wait_closed`](super::StreamWriter::wait_closed).
    WaitClosed("StreamWriter::wait_closed", Goal::Closed);
}
