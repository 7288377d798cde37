//! How the end of a child is noticed: a wait of the system's thread pool wakes who waits here.

use std::io;
use std::process::{Child, ExitStatus};
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};

use bowerbird_base::sync::Mutex;
use bowerbird_base::wake_all::wake_all;
use bowerbird_io::{IoDriver, Leaf};

use super::system::Watch;
use crate::process::ProcessLookupError;

/// The end of a child, to be waited for.
pub(crate) struct Exit {
    child: Mutex<Owned>,
    pid: u32,
    waiters: Arc<Waiters>,
    /// Before nothing else: it must end before the handle of the child is closed, and does, in [`Drop`].
    watch: Option<Watch<Waiters>>,
}

struct Owned {
    child: Child,
    is_bound: bool,
}

/// Who is woken at the end.
#[derive(Default)]
pub(super) struct Waiters(Mutex<Vec<Waker>>);

impl Waiters {
    fn add(&self, waker: &Waker) {
        let waker = waker.clone();
        let mut waiters = self.0.lock();
        let is_there = waiters.iter().any(|other| other.will_wake(&waker));
        if !is_there {
            waiters.push(waker);
        }
    }

    /// Called by the system's thread pool.
    pub(super) fn ended(&self) {
        let waiters = std::mem::take(&mut *self.0.lock());
        wake_all(waiters);
    }
}

impl Exit {
    /// Watches a child that was just started. Until [`keep`](Self::keep) it is killed if this is dropped.
    pub(crate) fn new(_: &Arc<IoDriver>, mut child: Child, _: bool) -> io::Result<Self> {
        let (pid, waiters) = (child.id(), Arc::<Waiters>::default());
        let watch = match Watch::begin(&child, waiters.clone(), Waiters::ended) {
            Ok(watch) => Some(watch),
            Err(error) => {
                let _it_is_to_end = child.kill();
                return Err(error);
            }
        };
        Ok(Self { child: Mutex::new(Owned { child, is_bound: true }), pid, waiters, watch })
    }

    /// The child is started: says whether it is killed when this is dropped.
    pub(crate) fn keep(&self, is_bound: bool) {
        self.child.lock().is_bound = is_bound;
    }

    pub(crate) fn pid(&self) -> u32 {
        self.pid
    }

    pub(crate) fn try_wait(&self) -> io::Result<Option<ExitStatus>> {
        self.child.lock().child.try_wait()
    }

    #[track_caller]
    pub(crate) fn wait(&self) -> Wait<'_> {
        Wait { exit: self, leaf: Leaf::new("Process::wait") }
    }

    pub(crate) fn poll_wait(
        &self,
        cx: &mut Context<'_>,
        leaf: &mut Leaf,
    ) -> Poll<io::Result<ExitStatus>> {
        let proceed = ready!(leaf.poll_enter(cx));
        let look = || self.try_wait().transpose();
        // Looked at again after the waker is there: the end may come in between.
        let found = look().or_else(|| {
            self.waiters.add(cx.waker());
            look()
        });
        match found {
            Some(result) => {
                proceed.made_progress();
                Poll::Ready(result)
            }
            None => {
                leaf.suspend("process", self.pid.into());
                Poll::Pending
            }
        }
    }

    pub(crate) fn terminate(&self) -> io::Result<()> {
        self.kill()
    }

    pub(crate) fn kill(&self) -> io::Result<()> {
        let child = &mut self.child.lock().child;
        match child.try_wait()? {
            Some(_) => Err(ProcessLookupError { pid: self.pid }.into()),
            None => child.kill(),
        }
    }

    /// Nobody holds the process any more.
    pub(crate) fn abandon(self) {
        drop(self);
    }
}

impl Drop for Exit {
    fn drop(&mut self) {
        drop(self.watch.take());
        let owned = self.child.get_mut();
        if owned.is_bound {
            // One that has ended is what was wanted.
            let _ = owned.child.kill();
        }
    }
}

/// The wait of one who may not be the only one.
pub(crate) struct Wait<'a> {
    exit: &'a Exit,
    leaf: Leaf,
}

impl Wait<'_> {
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<ExitStatus>> {
        self.exit.poll_wait(cx, &mut self.leaf)
    }
}
