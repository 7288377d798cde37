//! Waits by number, polled by hand, and what runs the programs.

use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};

use proptest::collection::vec;
use proptest::strategy::Strategy;
use proptest::test_runner::{Config, TestRunner};

/// The number of a wait.
pub(crate) type Id = usize;

/// Which wait was woken, and by the waker of which of its polls.
type Log = Arc<Mutex<Vec<(Id, usize)>>>;

/// Waits that are polled with a waker of their own.
pub(crate) struct Waits<T> {
    woken: Log,
    next: Id,
    list: Vec<Pending<T>>,
    panics: Option<Id>,
}

struct Pending<T> {
    id: Id,
    wait: Pin<Box<dyn Future<Output = T>>>,
    polls: usize,
    waker: Waker,
}

struct Notes {
    id: Id,
    poll: usize,
    woken: Log,
    panics: bool,
}

impl Wake for Notes {
    fn wake(self: Arc<Self>) {
        self.woken.lock().unwrap().push((self.id, self.poll));
        assert!(!self.panics, "the waker that panics");
    }
}

impl<T> Waits<T> {
    pub(crate) fn new() -> Self {
        Self { woken: Log::default(), next: 0, list: Vec::new(), panics: None }
    }

    /// Takes a wait in, and polls it not yet.
    pub(crate) fn add(&mut self, wait: impl Future<Output = T> + 'static) -> Id {
        let id = self.next;
        self.next += 1;
        self.list.push(Pending {
            id,
            wait: Box::pin(wait),
            polls: 0,
            waker: Waker::noop().clone(),
        });
        id
    }

    /// The wakers that this wait is given from now on panic when they are woken.
    pub(crate) fn panics_when_woken(&mut self, id: Id) {
        self.panics = Some(id);
    }

    /// One of those that there are.
    pub(crate) fn pick(&self, any: usize) -> Option<Id> {
        self.list.get(any % self.list.len().max(1)).map(|pending| pending.id)
    }

    /// Polls it, with the waker of the last poll or with a new one; it is gone when it is ready.
    pub(crate) fn poll(&mut self, id: Id, is_new_waker: bool) -> Option<T> {
        let at = self.list.iter().position(|pending| pending.id == id).unwrap();
        let pending = &mut self.list[at];
        if is_new_waker || pending.polls == 0 {
            pending.polls += 1;
            let (poll, woken) = (pending.polls, Arc::clone(&self.woken));
            let panics = self.panics == Some(id);
            pending.waker = Waker::from(Arc::new(Notes { id, poll, woken, panics }));
        }
        match pending.wait.as_mut().poll(&mut Context::from_waker(&pending.waker)) {
            Poll::Ready(output) => {
                drop(self.list.remove(at));
                Some(output)
            }
            Poll::Pending => None,
        }
    }

    pub(crate) fn drop(&mut self, id: Id) {
        self.list.retain(|pending| pending.id != id);
    }

    /// Who was woken since the last call.
    pub(crate) fn woken(&mut self) -> Vec<Id> {
        let woken = std::mem::take(&mut *self.woken.lock().unwrap());
        for (id, poll) in &woken {
            let pending = self.list.iter().find(|pending| pending.id == *id);
            let last = pending.map(|pending| pending.polls);
            assert_eq!(last, Some(*poll), "wait {id} was woken by a waker that is not its last");
        }
        woken.into_iter().map(|(id, _)| id).collect()
    }
}

/// Runs `program` with many lists of steps. The shortest that fails is printed.
pub(crate) fn check<S: Strategy>(step: S, program: impl Fn(Vec<S::Value>)) {
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok());
    let config =
        Config { cases: cases.unwrap_or(64), failure_persistence: None, ..Config::default() };
    let run = TestRunner::new(config).run(&vec(step, 1..60), |steps| {
        program(steps);
        Ok(())
    });
    if let Err(failure) = run {
        panic!("{failure}");
    }
}
