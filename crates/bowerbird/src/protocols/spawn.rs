//! The task of a connection is started, and waited for until its protocol is made.

use std::io;
use std::panic::Location;
use std::sync::Arc;

use bowerbird_core::{SpawnOptions, spawn_with};
use bowerbird_sync::oneshot;

use super::connection::{Connection, Kind, Made};

/// Starts the task of a connection; the waiter, if there is one, hears when `connection_made` has been called.
pub(super) fn spawn<K: Kind, G: Send + Unpin + 'static>(
    shared: Arc<K>,
    wire: Arc<K::Wire>,
    protocol: K::Protocol,
    made: Option<Made>,
    location: &'static Location<'static>,
    guard: G,
    options: &SpawnOptions,
) {
    let connection = Connection::new(shared, wire, protocol, made, location, guard);
    match spawn_with(connection, options, location) {
        Ok(task) => drop(task),
        Err(error) => error.panic("create_connection"),
    }
}

/// Starts the task of a connection, and waits until `connection_made` has been called.
pub(super) async fn spawn_and_wait<K: Kind>(
    shared: Arc<K>,
    wire: Arc<K::Wire>,
    protocol: K::Protocol,
    location: &'static Location<'static>,
    options: &SpawnOptions,
) -> io::Result<()> {
    let (made, is_made) = oneshot::channel();
    spawn(shared.clone(), wire, protocol, Some(made), location, (), options);
    let mut guard = AbortOnDrop { shared, is_made: false };
    wait_until_made(is_made).await?;
    guard.is_made = true;
    Ok(())
}

/// Waits until `connection_made` has been called.
pub(super) async fn wait_until_made(is_made: oneshot::Receiver<io::Result<()>>) -> io::Result<()> {
    match is_made.await {
        Ok(made) => made,
        Err(_) => Err(io::Error::other("the connection's task ended before it was made")),
    }
}

/// A connection that nobody waits for any more.
struct AbortOnDrop<K: Kind> {
    shared: Arc<K>,
    is_made: bool,
}

impl<K: Kind> Drop for AbortOnDrop<K> {
    fn drop(&mut self) {
        if !self.is_made {
            self.shared.fail(None);
        }
    }
}
