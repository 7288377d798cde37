//! `add_signal_handler`: callbacks for signals.

use std::collections::HashMap;
use std::io;
use std::panic::Location;
use std::sync::Arc;

use bowerbird_base::sync::Mutex;

use super::handle::LoopHandle;
use super::watch::Watch;
use crate::signal::{SignalKind, signal};

/// The signals that have callbacks.
#[derive(Default)]
pub(crate) struct Signals(Mutex<HashMap<SignalKind, Arc<Watch>>>);

impl Signals {
    /// Drops everything.
    pub(crate) fn clear(&self) {
        let watches = std::mem::take(&mut *self.0.lock());
        watches.into_values().for_each(|watch| watch.cancel());
    }
}

impl LoopHandle {
    /// Calls a closure whenever a signal comes, until it is removed.
    ///
    /// asyncio: `loop.add_signal_handler`, in any thread. It is a callback of the loop like any other, and not
    /// called in the signal handler, so that it may do anything. There is one for a signal; adding another
    /// replaces it. Deliveries that come before the call are one call.
    ///
    /// # Errors
    /// As for [`signal`], which gives a stream; if the loop is closed; if it is that of a
    /// [guest run](crate::start_guest_run), which leaves signals to its host.
    ///
    /// # Examples
    /// ```
    /// use bowerbird::EventLoop;
    /// use bowerbird::signal::SignalKind;
    ///
    /// let mut event_loop = EventLoop::new().unwrap();
    /// let handle = event_loop.handle();
    /// event_loop.add_signal_handler(SignalKind::hangup(), move || handle.stop()).unwrap();
    /// let myself = format!("kill -HUP {}", std::process::id());
    /// std::process::Command::new("sh").args(["-c", &myself]).status().unwrap();
    /// event_loop.run_forever().unwrap();
    /// assert!(event_loop.remove_signal_handler(SignalKind::hangup()));
    /// ```
    #[track_caller]
    pub fn add_signal_handler(
        &self,
        kind: SignalKind,
        callback: impl FnMut() + Send + 'static,
    ) -> io::Result<()> {
        let location = Location::caller();
        let Some(runtime) = self.runtime().filter(|_| !self.is_closed()) else {
            return Err(io::Error::other(super::LoopClosed(())));
        };
        if self.0.is_guest() {
            let text = "the loop of a guest run leaves signals to its host: set a handler there";
            return Err(io::Error::new(io::ErrorKind::Unsupported, text));
        }
        let mut deliveries = {
            let _entered = runtime.enter();
            signal(kind)?
        };
        let source = Box::new(move |cx: &mut std::task::Context<'_>| {
            deliveries.poll_recv(cx).map(|delivery| delivery.is_some())
        });
        let watch = Watch::new(&self.0, source, Box::new(callback), location);
        let replaced = self.0.signals.0.lock().insert(kind, watch.clone());
        if let Some(replaced) = replaced {
            replaced.cancel();
        }
        watch.start();
        Ok(())
    }

    /// Takes the callback of a signal away; returns whether there was one.
    ///
    /// asyncio: `loop.remove_signal_handler`, which also gives the signal back to the system; see [`signal`].
    pub fn remove_signal_handler(&self, kind: SignalKind) -> bool {
        let watch = self.0.signals.0.lock().remove(&kind);
        watch.inspect(|watch| watch.cancel()).is_some()
    }
}
