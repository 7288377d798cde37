//! A question on its way through the threads that look names up.
//!
//! Whoever asks holds one reference of the answer's place, the job on the pool another. A job that finds itself alone
//! asks nobody; one that is dropped unrun says so.

use std::io;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};

use bowerbird_base::poll_context::{self, OffloadClass};
use bowerbird_base::sync::Mutex;
use bowerbird_base::waker_slot::WakerSlot;
use bowerbird_io::Leaf;

/// What is asked of the system.
pub(crate) struct Question<T> {
    /// What it is about, for errors.
    pub(super) host: String,
    /// Whether the system may have to look something up.
    pub(super) needs_thread: bool,
    /// Asks; may block.
    pub(super) ask: Box<dyn FnOnce() -> io::Result<T> + Send>,
}

/// A question as a future: what it asks is made at the first poll.
pub(crate) struct Lookup<T> {
    leaf: Leaf,
    answer: Option<Arc<Answer<T>>>,
}

/// The place of the answer.
struct Answer<T> {
    result: Mutex<Option<io::Result<T>>>,
    waker: WakerSlot,
}

impl<T: Send + 'static> Lookup<T> {
    pub(crate) fn new(leaf: Leaf) -> Self {
        Self { leaf, answer: None }
    }

    /// It is polled, and needs no lookup.
    pub(crate) fn polled(&mut self) {
        self.leaf.polled();
    }

    /// Polls; the first time `question` says what is asked.
    pub(crate) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        question: impl FnOnce() -> Option<io::Result<Question<T>>>,
    ) -> Poll<io::Result<T>> {
        let proceed = ready!(self.leaf.poll_enter(cx));
        let answer = match self.answer.take() {
            Some(answer) => answer,
            None => match begin(question().expect("polled after it was ready")) {
                Ok(answer) => answer,
                Err(known) => {
                    proceed.made_progress();
                    return Poll::Ready(known);
                }
            },
        };
        // Looked at again after the waker is there: the answer may come in between.
        let result = answer.take().or_else(|| {
            answer.waker.register(cx.waker());
            answer.take()
        });
        match result {
            Some(result) => {
                proceed.made_progress();
                Poll::Ready(result)
            }
            None => {
                self.answer = Some(answer);
                self.leaf.suspend("lookup", 0);
                Poll::Pending
            }
        }
    }
}

/// Asks, or sends the question to a thread. `Err`: the result is there already.
fn begin<T: Send + 'static>(
    question: io::Result<Question<T>>,
) -> Result<Arc<Answer<T>>, io::Result<T>> {
    let question = question.map_err(Err)?;
    if !question.needs_thread {
        return Err((question.ask)());
    }
    let answer = Arc::new(Answer { result: Mutex::new(None), waker: WakerSlot::new() });
    let host = question.host.clone();
    let errand = Errand { question: Some(question), answer: answer.clone() };
    poll_context::offload(OffloadClass::Dns, Box::new(move || errand.run())).map_err(|_| {
        Err(io::Error::other(format!(
            "cannot look up `{host}`: await it in a runtime that has not ended, whose threads do this"
        )))
    })?;
    Ok(answer)
}

impl<T> Answer<T> {
    fn take(&self) -> Option<io::Result<T>> {
        self.result.lock().take()
    }
}

/// A question that a thread is to ask.
struct Errand<T> {
    question: Option<Question<T>>,
    answer: Arc<Answer<T>>,
}

impl<T> Errand<T> {
    fn run(mut self) {
        let Some(question) = self.question.take() else { return };
        if Arc::strong_count(&self.answer) == 1 {
            return; // nobody waits any more
        }
        if let Some(hook) = HOOK.get() {
            hook(&question.host);
        }
        self.give((question.ask)());
    }

    fn give(&self, result: io::Result<T>) {
        *self.answer.result.lock() = Some(result);
        self.answer.waker.wake();
    }
}

impl<T> Drop for Errand<T> {
    fn drop(&mut self) {
        if let Some(Question { host, .. }) = self.question.take() {
            let text = format!("the lookup of `{host}` was given up: the runtime has ended");
            self.give(Err(io::Error::other(text)));
        }
    }
}

type Hook = Box<dyn Fn(&str) + Send + Sync>;

static HOOK: OnceLock<Hook> = OnceLock::new();

/// For tests: `hook` is called on the thread that looks a name up, before it does. It may block, as a resolver
/// whose servers do not answer. The first one stays.
#[doc(hidden)]
pub fn before_lookups(hook: impl Fn(&str) + Send + Sync + 'static) {
    let _is_set_already = HOOK.set(Box::new(hook));
}
