//! One run: who asks its main future to end, and why it ended.
//!
//! ```text
//!             signal, no grace set                          main ends
//!   RUNNING ------------------------------> CANCEL ----------------------> over
//!      |                                     ^   |
//!      | request or signal, with a grace     |   | abort_after has passed, or one more signal:
//!      '---------------> DRAIN --------------'   '-----> abort: report, end the process
//!                          |  the grace has passed, or one more signal
//!                          '-- main ends --> over
//! ```
//! A signal past those of the picture ends the process in its handler (`bowerbird_process::takeover`).

use std::sync::Arc;
use std::time::Duration;

use bowerbird_base::sync::Mutex;
use bowerbird_core::{Handle, TaskError, TaskHandle, Unhandled, UnhandledKind};
use bowerbird_sync::Event;

use super::error::RunError;
use super::settings::{Ending, Shutdown, ShutdownCause, ShutdownPhase};

/// A run and what asks it to end; shared with whoever hears of signals.
pub(crate) struct Session {
    handle: Handle,
    ending: Ending,
    state: Mutex<State>,
    /// One more signal: the shutdown does not wait for its grace.
    skip: Event,
}

#[derive(Default)]
struct State {
    /// Between the first poll of main and its end.
    main: Option<TaskHandle>,
    /// What made the session cancel main.
    cancelled_by: Option<ShutdownCause>,
    /// The cause of a shutdown that a signal asked for.
    signal: Option<ShutdownCause>,
    shutdown: Option<Going>,
}

/// A shutdown that goes on.
struct Going {
    began_at: std::time::Instant,
    phase: ShutdownPhase,
    /// The task that waits for the grace.
    phases: TaskHandle,
}

impl Session {
    pub(crate) fn new(handle: Handle, ending: &Ending) -> Arc<Self> {
        Arc::new(Self {
            handle,
            ending: ending.clone(),
            state: Mutex::new(State::default()),
            skip: Event::new(),
        })
    }

    /// How many signals are answered by this session; the next one ends the process.
    #[cfg(all(unix, feature = "signal"))]
    pub(crate) fn signal_limit(&self) -> u32 {
        if self.ending.grace.is_some() { 2 } else { 1 }
    }

    /// Main was made, and is not polled yet.
    pub(crate) fn main_begins(self: &Arc<Self>, main: &TaskHandle) {
        let is_cancelled = {
            let mut state = self.state.lock();
            state.main = Some(main.clone());
            state.cancelled_by.is_some()
        };
        if is_cancelled {
            main.cancel();
        }
    }

    /// What the runtime calls when it is asked to end; only with a grace.
    pub(crate) fn shutdown_hook(self: &Arc<Self>) -> Option<bowerbird_core::ShutdownHook> {
        self.ending.grace?;
        let session = self.clone();
        Some(Arc::new(move || session.begin_shutdown()))
    }

    /// A signal came, the `count`-th of this run.
    #[cfg(all(unix, feature = "signal"))]
    pub(crate) fn signalled(&self, first: ShutdownCause, count: u32) {
        if self.ending.grace.is_none() {
            return self.cancel_main(first, None);
        }
        self.state.lock().signal.get_or_insert(first);
        // The program may have asked before: then the first signal is impatient already.
        if count > 1 || self.handle.is_shutting_down() {
            self.skip.set();
        }
        self.handle.request_shutdown();
    }

    /// Phase 1 is over, for the request is made: the rest happens in a task.
    pub(crate) fn begin_shutdown(self: &Arc<Self>) {
        let phases = self.handle.spawn(self.clone().phases()).handle();
        phases.set_name("shutdown");
        let is_late = {
            let mut state = self.state.lock();
            let is_late = state.main.is_none() || state.shutdown.is_some();
            if !is_late {
                state.shutdown = Some(Going {
                    began_at: self.now(),
                    phase: ShutdownPhase::Drain,
                    phases: phases.clone(),
                });
            }
            is_late
        };
        if is_late {
            phases.cancel();
        }
    }

    fn now(&self) -> std::time::Instant {
        let _entered = self.handle.enter();
        crate::time::now()
    }

    /// Phases 2 to 4: main may go on, then is cancelled, then the process ends.
    async fn phases(self: Arc<Self>) {
        let grace = self.ending.grace.unwrap_or_default();
        let reason = match self.signal_within(grace).await {
            true => "another signal came".to_owned(),
            false => format!("the grace of {grace:?} has passed"),
        };
        self.report(&format!("shutdown: {reason}, so the main future is cancelled"));
        if let Some(going) = &mut self.state.lock().shutdown {
            going.phase = ShutdownPhase::Cancel;
        }
        let cause = self.state.lock().signal.unwrap_or(ShutdownCause::Request);
        self.cancel_main(cause, Some(format!("the program was asked to end, and {reason}")));
        // The last phase: main has not ended, so its caller cannot go on.
        let limit = self.ending.abort_after;
        let reason = match self.signal_within(limit).await {
            true => "another signal came".to_owned(),
            false => format!("cleanups took longer than {limit:?}"),
        };
        self.report(&format!("shutdown: {reason}, so the process ends"));
        let cause = self.state.lock().signal.unwrap_or(ShutdownCause::Request);
        std::process::exit(cause.error(None).exit_code());
    }

    /// Waits for one more signal, for so long; whether it came.
    async fn signal_within(&self, time: Duration) -> bool {
        let has_come = crate::timeout(time, self.skip.wait()).await.is_ok();
        self.skip.clear();
        has_come
    }

    /// Tells the exception handler, with the names of the tasks that have not ended.
    fn report(&self, message: &str) {
        const MOST_NAMES: usize = 16;
        let own = bowerbird_core::current_task();
        let tasks = self.handle.all_tasks();
        let mut names: Vec<String> = tasks
            .iter()
            .filter(|task| Some(*task) != own.as_ref())
            .map(|task| task.name().to_string())
            .collect();
        let count = names.len();
        names.truncate(MOST_NAMES);
        let more = if count > MOST_NAMES { format!(", .. ({count})") } else { String::new() };
        let message = format!("{message}; still there: {}{more}", names.join(", "));
        self.handle.call_exception_handler(&Unhandled::new(UnhandledKind::Shutdown, message));
    }

    fn cancel_main(&self, cause: ShutdownCause, message: Option<String>) {
        let main = {
            let mut state = self.state.lock();
            if state.cancelled_by.replace(cause).is_some() {
                return;
            }
            state.main.clone()
        };
        match (main, message) {
            (Some(main), Some(message)) => drop(main.cancel_with(message)),
            (Some(main), None) => drop(main.cancel()),
            (None, _) => {}
        }
    }

    /// Main has ended: says why, and what a shutdown did.
    pub(crate) fn judge<T>(
        &self,
        output: Result<T, TaskError>,
    ) -> (Result<T, TaskError>, Option<RunError>, Option<Shutdown>) {
        let (main, cancelled_by, going, signal) = {
            let mut state = self.state.lock();
            (state.main.take(), state.cancelled_by, state.shutdown.take(), state.signal)
        };
        let shutdown = going.map(|going| {
            going.phases.cancel();
            let took = self.now().saturating_duration_since(going.began_at);
            let cause = signal.unwrap_or(ShutdownCause::Request);
            Shutdown { cause, phase: going.phase, took }
        });
        // Python's rule: it is the signal's doing if main ended cancelled and nobody else asked for that.
        let is_ours = || main.is_some_and(|main| main.uncancel() == 0);
        let error = match (&output, cancelled_by) {
            (Err(error), Some(cause)) if error.is_cancelled() && is_ours() => {
                Some(cause.error(error.message()))
            }
            (Err(error), _) if error.is_cancelled() => {
                Some(RunError::Cancelled(error.message().map(str::to_owned)))
            }
            _ => None,
        };
        (output, error, shutdown)
    }

    /// What limits the end of the runtime, after a shutdown was asked for.
    pub(crate) fn patience(handle: &Handle, ending: &Ending) -> Option<Duration> {
        (ending.grace.is_some() && handle.is_shutting_down()).then_some(ending.abort_after)
    }
}

impl ShutdownCause {
    /// The error of a run whose main was cancelled for this cause.
    pub(crate) fn error(self, message: Option<&str>) -> RunError {
        match self {
            Self::Request => RunError::Cancelled(message.map(str::to_owned)),
            Self::Interrupt => RunError::Interrupted,
            Self::Terminate => RunError::Terminated,
        }
    }
}

#[cfg(test)]
mod tests;
