//! A run hears of `SIGINT` and `SIGTERM`.
//!
//! The handler rings a bell, whose descriptor is a source of the run's own driver; what it wakes is no task
//! but this. So a program that gets no signal has one more descriptor and nothing else.

use std::io;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use bowerbird_base::poll_context;
use bowerbird_base::sync::Mutex;
use bowerbird_io::{AsyncFd, Interest, IoDriver};
use bowerbird_process::private::{Bell, Reaction, Takeover};
use bowerbird_process::signal::SignalKind;

use super::session::Session;
use super::settings::{Ending, OnSignal, ShutdownCause};

/// The signals are the session's until this is dropped.
pub(crate) struct SignalWatch {
    // Before `ear`: the handler stops writing before the descriptor is deregistered.
    _takeover: Takeover,
    ear: Arc<Ear>,
}

/// What the driver wakes when the bell rings.
struct Ear {
    source: Mutex<Option<Arc<AsyncFd<Bell>>>>,
    session: Arc<Session>,
}

impl SignalWatch {
    /// Takes the signals over, if that is wanted and possible here.
    pub(crate) fn begin(
        session: &Arc<Session>,
        ending: &Ending,
        io: &Arc<IoDriver>,
    ) -> io::Result<Option<Self>> {
        let reaction = |on_signal| match on_signal {
            OnSignal::CancelMain => Some(Reaction::Ring),
            OnSignal::Ignore => Some(Reaction::Nothing),
            OnSignal::Default => None,
        };
        let (sigint, sigterm) = (reaction(ending.sigint), reaction(ending.sigterm));
        if (sigint.is_none() && sigterm.is_none()) || !Takeover::is_possible() {
            return Ok(None);
        }
        let bell = Bell::new()?;
        let Some(takeover) = Takeover::begin(&bell, session.signal_limit(), sigint, sigterm)?
        else {
            return Ok(None);
        };
        let source = AsyncFd::register(io.clone(), bell, Interest::READABLE)?;
        let ear =
            Arc::new(Ear { source: Mutex::new(Some(Arc::new(source))), session: session.clone() });
        ear.clone().wake();
        Ok(Some(Self { _takeover: takeover, ear }))
    }

    /// How many signals came so far.
    pub(crate) fn count(&self) -> u32 {
        Takeover::count()
    }

    /// Which one came first.
    pub(crate) fn first(&self) -> Option<ShutdownCause> {
        first_cause()
    }
}

impl Drop for SignalWatch {
    fn drop(&mut self) {
        // The source has a waker, which has the ear, which has the source.
        let source = self.ear.source.lock().take();
        drop(source);
    }
}

fn first_cause() -> Option<ShutdownCause> {
    Takeover::first().map(|kind| {
        if kind == SignalKind::interrupt() {
            ShutdownCause::Interrupt
        } else {
            ShutdownCause::Terminate
        }
    })
}

impl Wake for Ear {
    /// Hears the rings so far, and stays to hear the next.
    fn wake(self: Arc<Self>) {
        let Some(source) = self.source.lock().clone() else { return };
        let waker = Waker::from(self.clone());
        let mut cx = Context::from_waker(&waker);
        // Whatever this thread is doing, it is not a poll of its task.
        let _outer = poll_context::set_aside();
        let mut has_rung = false;
        while let Poll::Ready(Ok(())) = source.poll_read_with(&mut cx, Bell::take) {
            has_rung = true;
        }
        if let Some(cause) = first_cause().filter(|_| has_rung) {
            self.session.signalled(cause, Takeover::count());
        }
    }
}
