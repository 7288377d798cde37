//! A runtime is asked to end well: the flag, and who waits to hear of it.
//!
//! The request cancels nothing. Servers hear of it and stop accepting; whoever asked decides what follows
//! (`hook`). The end of the runtime itself sets the flag too, so that nobody waits for ever.

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use bowerbird_base::call_site::CallSite;
use bowerbird_base::cancel_safe::CancelSafe;
use bowerbird_base::poll_context;
use bowerbird_base::sync::Mutex;

use crate::poll::wake_caught;

/// What is called when the request is made.
pub type ShutdownHook = Arc<dyn Fn() + Send + Sync>;

/// The request of one runtime.
pub(crate) struct ShutdownRequest(Mutex<State>);

#[derive(Default)]
struct State {
    is_made: bool,
    waiters: BTreeMap<u64, Waker>,
    next_key: u64,
    hook: Option<ShutdownHook>,
}

impl ShutdownRequest {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(State::default()))
    }

    pub(crate) fn is_made(&self) -> bool {
        self.0.lock().is_made
    }

    /// Makes the request, once; everybody who waits is woken, in the order of their arrival.
    pub(crate) fn make(&self) {
        let hook = self.0.lock().hook.clone();
        if self.tell() {
            if let Some(hook) = hook {
                hook();
            }
        }
    }

    /// The same without the hook. Returns whether it is the first.
    pub(crate) fn tell(&self) -> bool {
        let waiters = {
            let mut state = self.0.lock();
            if std::mem::replace(&mut state.is_made, true) {
                return false;
            }
            std::mem::take(&mut state.waiters)
        };
        waiters.into_values().for_each(wake_caught);
        true
    }

    /// Sets what is called when the request is made, and returns whether it has been made already.
    pub(crate) fn set_hook(&self, hook: Option<ShutdownHook>) -> bool {
        let mut state = self.0.lock();
        let before = std::mem::replace(&mut state.hook, hook);
        let is_made = state.is_made;
        drop(state);
        drop(before);
        is_made
    }

    /// The future that waits for the request.
    #[track_caller]
    pub(crate) fn wait(self: &Arc<Self>) -> ShutdownRequested {
        ShutdownRequested {
            request: self.clone(),
            key: None,
            is_suspended: false,
            site: CallSite::new("shutdown_requested"),
        }
    }
}

/// The future of `shutdown_requested()`: done when the runtime has been asked to end.
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct ShutdownRequested {
    request: Arc<ShutdownRequest>,
    key: Option<u64>,
    is_suspended: bool,
    site: CallSite,
}

impl CancelSafe for ShutdownRequested {}

impl Future for ShutdownRequested {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.site.polled();
        if self.is_suspended && poll_context::is_offered() {
            poll_context::yield_now(cx);
            return Poll::Pending;
        }
        let Poll::Ready(proceed) = poll_context::poll_proceed(cx) else {
            self.is_suspended = true;
            return Poll::Pending;
        };
        let fresh = cx.waker().clone();
        let this = &mut *self;
        let mut state = this.request.0.lock();
        let (is_made, replaced) = if state.is_made {
            (true, Some(fresh))
        } else {
            let key = *this.key.get_or_insert_with(|| {
                state.next_key += 1;
                state.next_key
            });
            (false, state.waiters.insert(key, fresh))
        };
        drop(state);
        drop(replaced);
        if is_made {
            this.key = None;
            proceed.made_progress();
            return Poll::Ready(());
        }
        this.is_suspended = true;
        poll_context::note_wait("shutdown request", 0, Some(this.site.location()));
        Poll::Pending
    }
}

impl Drop for ShutdownRequested {
    fn drop(&mut self) {
        let Some(key) = self.key else { return };
        let waker = self.request.0.lock().waiters.remove(&key);
        drop(waker);
    }
}

impl fmt::Debug for ShutdownRequested {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ShutdownRequested").finish_non_exhaustive()
    }
}
