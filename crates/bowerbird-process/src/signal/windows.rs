//! Events of the console, on Windows. This compiles, and was never run.
//!
//! The system calls a handler in a thread of its own, which tells whoever listens; so it may do what it likes. An event
//! that nobody listens for does what it does otherwise, which is to end the process.

use std::fmt;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, OnceLock, Weak};
use std::task::{Context, Poll, ready};

use bowerbird_base::cancel_safe::CancelSafe;
use bowerbird_base::sync::Mutex;
use bowerbird_base::waker_slot::WakerSlot;
use bowerbird_io::Leaf;
use futures_core::Stream;
use windows_sys::Win32::System::Console as console;

/// An event of the console, by its number.
///
/// asyncio: the constants of the module `signal`. On Unix: a signal.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SignalKind(u32);

const NAMES: [(u32, &str); 5] = [
    (console::CTRL_C_EVENT, "CTRL_C"),
    (console::CTRL_BREAK_EVENT, "CTRL_BREAK"),
    (console::CTRL_CLOSE_EVENT, "CTRL_CLOSE"),
    (console::CTRL_LOGOFF_EVENT, "CTRL_LOGOFF"),
    (console::CTRL_SHUTDOWN_EVENT, "CTRL_SHUTDOWN"),
];

impl SignalKind {
    /// `CTRL_C_EVENT`: Ctrl-C; on Unix `SIGINT`.
    pub const fn interrupt() -> Self {
        Self(console::CTRL_C_EVENT)
    }

    /// `CTRL_BREAK_EVENT`: Ctrl-Break, and what `GenerateConsoleCtrlEvent` sends to a group.
    pub const fn ctrl_break() -> Self {
        Self(console::CTRL_BREAK_EVENT)
    }

    /// `CTRL_CLOSE_EVENT`: the console is closed. The process ends some seconds later, whatever it does.
    pub const fn ctrl_close() -> Self {
        Self(console::CTRL_CLOSE_EVENT)
    }

    /// `CTRL_LOGOFF_EVENT`: a user logs off; services hear of it. The process ends some seconds later.
    pub const fn ctrl_logoff() -> Self {
        Self(console::CTRL_LOGOFF_EVENT)
    }

    /// `CTRL_SHUTDOWN_EVENT`: the system shuts down; services hear of it. The process ends some seconds later.
    pub const fn ctrl_shutdown() -> Self {
        Self(console::CTRL_SHUTDOWN_EVENT)
    }

    /// Whether the process ends when the handler returns.
    fn is_last(self) -> bool {
        self.0 >= console::CTRL_CLOSE_EVENT
    }
}

impl fmt::Debug for SignalKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match NAMES.iter().find(|(number, _)| *number == self.0) {
            Some((_, name)) => f.write_str(name),
            None => write!(f, "event {}", self.0),
        }
    }
}

/// Listens for an event of the console from now on.
///
/// asyncio: `signal.signal`; `loop.add_signal_handler` is not there on Windows. Any thread may listen, any number of
/// times. While somebody listens for an event it does not end the process; the last three do, some seconds later.
///
/// # Errors
/// The system takes no handler.
pub fn signal(kind: SignalKind) -> io::Result<Signal> {
    install()?;
    let ear = Arc::new(Ear { kind, is_told: Mutex::new(false), waker: WakerSlot::new() });
    LISTENERS.lock().push(Arc::downgrade(&ear));
    Ok(Signal { ear, leaf: Leaf::without_location(false) })
}

static LISTENERS: Mutex<Vec<Weak<Ear>>> = Mutex::new(Vec::new());

/// One listener.
struct Ear {
    kind: SignalKind,
    is_told: Mutex<bool>,
    waker: WakerSlot,
}

/// Tells all who listen; whether there was one.
fn tell(kind: SignalKind) -> bool {
    let ears: Vec<_> = {
        let mut listeners = LISTENERS.lock();
        listeners.retain(|ear| ear.strong_count() > 0);
        listeners.iter().filter_map(Weak::upgrade).filter(|ear| ear.kind == kind).collect()
    };
    for ear in &ears {
        *ear.is_told.lock() = true;
        ear.waker.wake();
    }
    !ears.is_empty()
}

fn install() -> io::Result<()> {
    static INSTALLED: OnceLock<Result<(), i32>> = OnceLock::new();
    let result = INSTALLED
        .get_or_init(|| set_handler().map_err(|error| error.raw_os_error().unwrap_or_default()));
    result.map_err(io::Error::from_raw_os_error)
}

#[allow(unsafe_code, reason = "sets a handler, which std cannot")]
fn set_handler() -> io::Result<()> {
    // SAFETY: the handler is a function that may be called in any thread at any time.
    let code = unsafe { console::SetConsoleCtrlHandler(Some(on_event), 1) };
    if code == 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Called by the system in a thread of its own. Returns whether the event is dealt with.
#[allow(unsafe_code, reason = "the type of a handler")]
unsafe extern "system" fn on_event(number: u32) -> windows_sys::core::BOOL {
    let kind = SignalKind(number);
    if !tell(kind) {
        return 0;
    }
    while kind.is_last() {
        // To return would end the process: the system does that, when its patience is over.
        std::thread::park();
    }
    1
}

/// The events of one kind, as a stream: made by [`signal`].
///
/// Events that come while nobody looks are one event. None between the making of the listener and its first poll is
/// lost. The stream does not end.
pub struct Signal {
    ear: Arc<Ear>,
    /// Of the `poll_recv` form.
    leaf: Leaf,
}

impl Signal {
    /// Returns which event it is.
    pub fn kind(&self) -> SignalKind {
        self.ear.kind
    }

    /// Waits for the next event; never `None`.
    ///
    /// asyncio: the call of a handler.
    ///
    /// # Cancel safety
    /// Nothing is lost: an event that was not returned is there for the next call.
    #[track_caller]
    pub fn recv(&mut self) -> Recv<'_> {
        Recv { ear: &self.ear, leaf: Leaf::new("Signal::recv") }
    }

    /// Polls for the next event; the last caller's task is woken.
    ///
    /// asyncio: no counterpart; it serves futures made by hand.
    pub fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Option<()>> {
        self.ear.poll(cx, &mut self.leaf).map(Some)
    }
}

impl Ear {
    fn poll(&self, cx: &mut Context<'_>, leaf: &mut Leaf) -> Poll<()> {
        let proceed = ready!(leaf.poll_enter(cx));
        let take = || std::mem::take(&mut *self.is_told.lock());
        // Looked at again after the waker is there: an event may come in between.
        let is_told = take() || {
            self.waker.register(cx.waker());
            take()
        };
        if !is_told {
            leaf.suspend("signal", self.kind.0.into());
            return Poll::Pending;
        }
        proceed.made_progress();
        *leaf = Leaf::part(leaf.location());
        Poll::Ready(())
    }
}

impl Stream for Signal {
    type Item = ();

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<()>> {
        self.get_mut().poll_recv(cx)
    }
}

/// The future of [`Signal::recv`].
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct Recv<'a> {
    ear: &'a Ear,
    leaf: Leaf,
}

impl Future for Recv<'_> {
    type Output = Option<()>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { ear, leaf } = &mut *self;
        ear.poll(cx, leaf).map(Some)
    }
}

/// Waits for Ctrl-C: the next one from this call on.
///
/// asyncio: `KeyboardInterrupt`. While the future exists, Ctrl-C does not end the process.
///
/// # Cancel safety
/// Nothing is lost by dropping the wait, but the listener goes with it.
///
/// # Errors
/// The system takes no handler.
#[track_caller]
pub fn ctrl_c() -> CtrlC {
    CtrlC { signal: signal(SignalKind::interrupt()).map_err(Some), leaf: Leaf::new("ctrl_c") }
}

/// The future of [`ctrl_c`].
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct CtrlC {
    /// The error is taken by the first poll.
    signal: Result<Signal, Option<io::Error>>,
    leaf: Leaf,
}

impl Future for CtrlC {
    type Output = io::Result<()>;

    #[track_caller]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { signal, leaf } = &mut *self;
        leaf.polled();
        match signal {
            Ok(signal) => signal.ear.poll(cx, leaf).map(Ok),
            Err(error) => match error.take() {
                Some(error) => Poll::Ready(Err(error)),
                None => panic!("ctrl_c() was polled after it had given its error; await it once"),
            },
        }
    }
}

impl CancelSafe for Recv<'_> {}
impl CancelSafe for CtrlC {}

impl fmt::Debug for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Signal").field(&self.kind()).finish()
    }
}

impl fmt::Debug for Recv<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Recv").field(&self.ear.kind).finish()
    }
}

impl fmt::Debug for CtrlC {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CtrlC").finish_non_exhaustive()
    }
}

/// A listener may move to another thread, and be shared as anything.
const _: () = {
    const fn is_sendable<T: Send + Sync + Unpin + 'static>() {}
    is_sendable::<Signal>();
};
