//! A host: a queue of closures.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};

use bowerbird::event_loop::HostCallback;
use bowerbird::runtime::Unhandled;
use bowerbird::{EventLoop, TaskError};

/// How many callbacks were posted, are in the queue, and were there at most.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Counts {
    pub(crate) posted: usize,
    pub(crate) queued: usize,
    pub(crate) most: usize,
}

pub(crate) struct Host {
    sender: Sender<HostCallback>,
    pub(crate) queue: Receiver<HostCallback>,
    counts: Arc<Mutex<Counts>>,
}

impl Host {
    pub(crate) fn new() -> Self {
        let (sender, queue) = channel();
        Self { sender, queue, counts: Arc::default() }
    }

    /// The `run_sync_soon_threadsafe` of this host.
    pub(crate) fn post(&self) -> impl Fn(HostCallback) + Send + Sync + 'static {
        let (sender, counts) = (self.sender.clone(), self.counts.clone());
        move |callback| {
            {
                let mut counts = counts.lock().unwrap();
                counts.posted += 1;
                counts.queued += 1;
                counts.most = counts.most.max(counts.queued);
            }
            let counts = counts.clone();
            let counted = move || {
                counts.lock().unwrap().queued -= 1;
                callback();
            };
            drop(sender.send(Box::new(counted)));
        }
    }

    pub(crate) fn counts(&self) -> Counts {
        *self.counts.lock().unwrap()
    }

    /// Waits for one callback and calls it.
    pub(crate) fn step(&self) {
        self.queue.recv().unwrap()();
    }

    /// Runs a guest to its end.
    pub(crate) fn run<T: 'static>(
        &self,
        event_loop: EventLoop,
        main: impl Future<Output = T> + 'static,
    ) -> Result<T, TaskError> {
        let outcome = Outcome::default();
        let _main = event_loop.start_guest_run(main, self.post(), outcome.setter()).unwrap();
        self.finish(&outcome)
    }

    pub(crate) fn finish<T>(&self, outcome: &Outcome<T>) -> Result<T, TaskError> {
        loop {
            if let Some(outcome) = outcome.0.take() {
                return outcome;
            }
            self.step();
        }
    }
}

/// What the done callback was given.
pub(crate) struct Outcome<T>(pub(crate) Rc<Cell<Option<Result<T, TaskError>>>>);

impl<T> Default for Outcome<T> {
    fn default() -> Self {
        Self(Rc::default())
    }
}

impl<T> Outcome<T> {
    pub(crate) fn setter(&self) -> impl FnOnce(Result<T, TaskError>) + use<T> {
        let cell = self.0.clone();
        move |outcome| cell.set(Some(outcome))
    }
}

pub(crate) fn event_loop() -> EventLoop {
    EventLoop::new().unwrap()
}

/// A loop whose reports are kept.
pub(crate) fn heard_loop() -> (EventLoop, Arc<Mutex<Vec<Unhandled>>>) {
    let heard = Arc::new(Mutex::new(Vec::new()));
    let log = heard.clone();
    let builder = EventLoop::builder().exception_handler(move |unhandled: &Unhandled| {
        log.lock().unwrap().push(unhandled.clone())
    });
    (builder.build().unwrap(), heard)
}

pub(crate) fn messages(heard: &Mutex<Vec<Unhandled>>) -> Vec<String> {
    heard.lock().unwrap().iter().map(|it| it.message.clone()).collect()
}
