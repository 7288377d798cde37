//! The task that accepts from one listener.
//!
//! It accepts as long as there is somebody in the queue and budget in its poll, and spawns a task for each; these
//! are stolen by other workers as any task is. It waits
//! - where `max_connections` are connected, until one of them ends;
//! - where the system has no descriptors or no memory left, for a second or until a client ends, and says so once;
//! - otherwise for the listener. It ends with the server, and when the runtime is asked to end, which closes the
//!   server.
//!
//! No error ends it: what an accept fails with is the fault of one connection, or passes.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bowerbird_core::{ShutdownRequested, Unhandled, UnhandledKind};
use bowerbird_timer::Sleep;

use super::clients::{Admission, Shared, poll_door};
use super::door::Accepted;

/// How long it waits when the system cannot accept (asyncio's `ACCEPT_RETRY_DELAY`).
const RETRY_DELAY: Duration = Duration::from_secs(1);

/// The state of an accepting task.
struct Accepting {
    shared: Arc<Shared>,
    /// Which listener.
    index: usize,
    shutdown: ShutdownRequested,
    pause: Option<Pause>,
    /// A failure was told of, and no connection was accepted since.
    is_reported: bool,
}

/// It waits for better times.
struct Pause {
    sleep: Pin<Box<Sleep>>,
    /// How many clients had ended when it began.
    gone_count: u64,
}

/// Accepts until the server is closed.
pub(super) async fn accept(shared: Arc<Shared>, index: usize) {
    let shutdown = shared.runtime.shutdown_requested();
    let mut accepting = Accepting { shared, index, shutdown, pause: None, is_reported: false };
    while let Some(accepted) = poll_fn(|cx| accepting.poll_next(cx)).await {
        match accepted {
            Ok(connection) => accepting.welcome(connection),
            Err(error) => accepting.failed(&error),
        }
    }
}

impl Accepting {
    /// The next connection or failure; `None` when the server is closed.
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<io::Result<Accepted>>> {
        let Self { shared, index, shutdown, pause, .. } = self;
        let door = &shared.doors[*index];
        // Before the looks: what changes after them wakes.
        door.register(cx);
        if Pin::new(shutdown).poll(cx).is_ready() {
            shared.close();
        }
        if door.listener().is_none() {
            return Poll::Ready(None);
        }
        if let Some(waiting) = pause {
            if waiting.gone_count == shared.gone_count() {
                ready!(waiting.sleep.as_mut().poll(cx));
            }
            *pause = None;
        }
        match shared.admission() {
            Admission::Full => Poll::Pending,
            Admission::Granted => poll_door(door, cx),
        }
    }

    fn welcome(&mut self, accepted: Accepted) {
        self.is_reported = false;
        (self.shared.serve)(accepted, &self.shared);
    }

    /// Tells of the first failure in a row, and waits where another try would fail too.
    fn failed(&mut self, error: &io::Error) {
        if concerns_one_connection(error) {
            return;
        }
        let pause = bowerbird_timer::part::sleep(RETRY_DELAY);
        let gone_count = self.shared.gone_count();
        self.pause = Some(Pause { sleep: Box::pin(pause), gone_count });
        if !std::mem::replace(&mut self.is_reported, true) {
            let name = &self.shared.doors[self.index].name;
            let text = format!("the server at {name} cannot accept, and tries again: {error}");
            let report = Unhandled::new(UnhandledKind::Other, text)
                .with_location(self.shared.settings.location);
            self.shared.runtime.call_exception_handler(&report);
        }
    }
}

/// What `accept` also tells: errors of the network that wait on the new connection (accept(2)).
fn concerns_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind as Kind;
    matches!(
        error.kind(),
        Kind::ConnectionAborted
            | Kind::ConnectionReset
            | Kind::NetworkDown
            | Kind::NetworkUnreachable
            | Kind::HostUnreachable
            | Kind::Interrupted
            | Kind::TimedOut
    )
}
