//! What a server knows: its listeners, who is connected, and whether it has ended.

use std::collections::HashMap;
use std::panic::Location;
use std::sync::Arc;
use std::task::{Context, Poll};

use bowerbird_base::sync::Mutex;
use bowerbird_base::waker_slot::WakerSlot;
use bowerbird_core::Handle;
use bowerbird_net::streams::StreamTransport;
use bowerbird_sync::Event;

use super::door::{Accepted, Listener};
use crate::protocols::Transport;

/// Runs a client: takes it in with [`Shared::enter`] and spawns its task, which owns the [`Client`].
pub(crate) type Serve = Box<dyn Fn(Accepted, &Arc<Shared>) + Send + Sync>;

/// The connection of a client, to be closed from here.
#[derive(Clone)]
pub(crate) enum Connection {
    Stream(StreamTransport),
    Protocol(Transport),
}

impl Connection {
    pub(super) fn close(&self) {
        match self {
            Self::Stream(transport) => transport.close(),
            Self::Protocol(transport) => transport.close(),
        }
    }

    pub(super) fn abort(&self) {
        match self {
            Self::Stream(transport) => transport.abort(),
            Self::Protocol(transport) => transport.abort(),
        }
    }
}

/// What a server is made with.
pub(super) struct Settings {
    pub(super) limit: usize,
    pub(super) max_connections: usize,
    /// The line of `start_server`.
    pub(super) location: &'static Location<'static>,
    /// What begins the sessions of clients.
    #[cfg(feature = "tls")]
    pub(super) tls: Option<bowerbird_net::tls::TlsAcceptor>,
}

/// What all handles of a server, its accepting tasks and its clients share.
pub(crate) struct Shared {
    pub(super) doors: Vec<Door>,
    pub(super) settings: Settings,
    pub(super) serve: Serve,
    pub(super) runtime: Handle,
    state: Mutex<State>,
    /// `close` was called.
    pub(super) closing: Event,
    /// It is closed, and the last client is gone.
    pub(super) ended: Event,
}

#[derive(Default)]
struct State {
    is_serving: bool,
    is_forever: bool,
    is_closed: bool,
    /// `None` while the client is leaving: its socket is closed before it is gone.
    clients: HashMap<u64, Option<Connection>>,
    next_client: u64,
    /// How many clients have ended.
    gone_count: u64,
}

/// A listener, and the task that accepts from it.
pub(super) struct Door {
    /// `None` when the server is closed. A poll borrows it by a clone, so that `close` need not wait.
    listener: Mutex<Option<Arc<Listener>>>,
    /// The accepting task, to be told of a close and of a client that has ended.
    task: WakerSlot,
    pub(super) name: String,
}

impl Door {
    fn new(listener: Listener) -> Self {
        let name = listener.0.name();
        Self { listener: Mutex::new(Some(Arc::new(listener))), task: WakerSlot::new(), name }
    }

    pub(super) fn listener(&self) -> Option<Arc<Listener>> {
        self.listener.lock().clone()
    }

    /// Has the task woken by what happens from now on.
    pub(super) fn register(&self, cx: &Context<'_>) {
        self.task.register(cx.waker());
    }
}

/// Whether a listener may be asked for the next connection.
pub(super) enum Admission {
    Granted,
    /// As many as may be are connected.
    Full,
}

impl Shared {
    pub(super) fn new(
        listeners: Vec<Listener>,
        settings: Settings,
        serve: Serve,
        runtime: Handle,
    ) -> Arc<Self> {
        Arc::new(Self {
            doors: listeners.into_iter().map(Door::new).collect(),
            settings,
            serve,
            runtime,
            state: Mutex::new(State::default()),
            closing: Event::new(),
            ended: Event::new(),
        })
    }

    /// What begins the sessions of clients.
    #[cfg(feature = "tls")]
    pub(crate) fn tls(&self) -> Option<&bowerbird_net::tls::TlsAcceptor> {
        self.settings.tls.as_ref()
    }

    /// Begins to serve; `Ok(true)` for the first who does, `Err` if it is closed.
    pub(super) fn begin_serving(&self) -> Result<bool, Closed> {
        let mut state = self.state.lock();
        if state.is_closed {
            return Err(Closed);
        }
        Ok(!std::mem::replace(&mut state.is_serving, true))
    }

    /// Notes who serves for ever; `false` if somebody does already.
    pub(super) fn begin_forever(&self) -> bool {
        !std::mem::replace(&mut self.state.lock().is_forever, true)
    }

    pub(super) fn end_forever(&self) {
        self.state.lock().is_forever = false;
    }

    pub(super) fn is_serving(&self) -> bool {
        let state = self.state.lock();
        state.is_serving && !state.is_closed
    }

    pub(super) fn connection_count(&self) -> usize {
        self.state.lock().clients.len()
    }

    /// Closes the listeners. Clients stay.
    pub(super) fn close(&self) {
        let is_last = {
            let mut state = self.state.lock();
            state.is_closed = true;
            state.clients.is_empty()
        };
        for door in &self.doors {
            let listener = door.listener.lock().take();
            drop(listener);
            door.task.wake();
        }
        self.closing.set();
        if is_last {
            self.ended.set();
        }
    }

    /// The connections of all clients.
    pub(super) fn connections(&self) -> Vec<Connection> {
        self.state.lock().clients.values().flatten().cloned().collect()
    }

    pub(super) fn admission(&self) -> Admission {
        let is_full = self.connection_count() >= self.settings.max_connections;
        if is_full { Admission::Full } else { Admission::Granted }
    }

    pub(super) fn gone_count(&self) -> u64 {
        self.state.lock().gone_count
    }

    /// Takes a client in; it is one until what this returns is dropped.
    pub(crate) fn enter(self: &Arc<Self>, connection: Connection) -> Client {
        let mut state = self.state.lock();
        let id = state.next_client;
        state.next_client += 1;
        state.clients.insert(id, Some(connection));
        drop(state);
        Client { shared: self.clone(), id }
    }

    fn leave(&self, id: u64) {
        let connection = self.state.lock().clients.get_mut(&id).and_then(Option::take);
        drop(connection);
        let is_last = {
            let mut state = self.state.lock();
            state.gone_count += 1;
            state.clients.remove(&id);
            state.is_closed && state.clients.is_empty()
        };
        // There is room again, and a descriptor.
        self.doors.iter().for_each(|door| door.task.wake());
        if is_last {
            self.ended.set();
        }
    }
}

/// The server is closed.
pub(super) struct Closed;

/// A client of a server, as long as this lives.
pub(crate) struct Client {
    pub(super) shared: Arc<Shared>,
    id: u64,
}

impl Drop for Client {
    fn drop(&mut self) {
        self.shared.leave(self.id);
    }
}

/// Polls a listener that may be gone.
pub(super) fn poll_door(
    door: &Door,
    cx: &mut Context<'_>,
) -> Poll<Option<std::io::Result<Accepted>>> {
    let Some(listener) = door.listener() else { return Poll::Ready(None) };
    listener.0.poll_accept(cx).map(Some)
}
