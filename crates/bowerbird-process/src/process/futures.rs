//! The futures of a [`Process`] and of a [`Command`](super::Command).

use std::fmt;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::process as os;
use std::task::{Context, Poll, ready};

use bowerbird_base::call_site::CallSite;
use bowerbird_base::cancel_safe::CancelSafe;
use bowerbird_io::Leaf;

use super::Process;

/// The future of an awaited [`Command`](super::Command): ready at once.
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct Spawning {
    spawned: Option<io::Result<Process>>,
}

impl Spawning {
    pub(super) fn new(spawned: io::Result<Process>) -> Self {
        Self { spawned: Some(spawned) }
    }
}

impl Future for Spawning {
    type Output = io::Result<Process>;

    fn poll(mut self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<Self::Output> {
        Poll::Ready(self.spawned.take().expect("polled after it was ready"))
    }
}

/// The future of [`Process::wait`].
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct Wait<'a> {
    inner: super::platform::Wait<'a>,
}

impl<'a> Wait<'a> {
    #[track_caller]
    pub(super) fn new(inner: super::platform::Wait<'a>) -> Self {
        Self { inner }
    }
}

impl Future for Wait<'_> {
    type Output = io::Result<os::ExitStatus>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.inner.poll(cx)
    }
}

/// A process that its future owns, or why there is none.
struct Started {
    process: Option<io::Result<Process>>,
    leaf: Leaf,
    site: CallSite,
}

impl Started {
    #[track_caller]
    fn new(process: io::Result<Process>, call: &'static str) -> Self {
        let site = CallSite::new(call);
        Self { process: Some(process), leaf: Leaf::part(Some(site.location())), site }
    }

    /// Polls until there is a result; then the process goes.
    fn poll<T>(
        &mut self,
        cx: &mut Context<'_>,
        poll: impl FnOnce(&mut Process, &mut Context<'_>, &mut Leaf) -> Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        self.site.polled();
        let result = match self.process.as_mut().expect("polled after it was ready") {
            Ok(process) => ready!(poll(process, cx, &mut self.leaf)),
            Err(_) => match self.process.take() {
                Some(Err(error)) => Err(error),
                _ => unreachable!("seen above"),
            },
        };
        self.process = None;
        Poll::Ready(result)
    }
}

/// The future of [`Command::status`](super::Command::status).
#[must_use = "the program runs, but nobody waits for it; use spawn() where that is meant"]
pub struct Status(Started);

impl Status {
    #[track_caller]
    pub(super) fn new(mut spawned: io::Result<Process>) -> Self {
        if let Ok(process) = &mut spawned {
            process.stdin = None;
        }
        Self(Started::new(spawned, "Command::status"))
    }
}

impl Future for Status {
    type Output = io::Result<os::ExitStatus>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.poll(cx, |process, cx, leaf| process.poll_wait(cx, leaf))
    }
}

/// The future of [`Command::output`](super::Command::output).
#[must_use = "the program runs, but nobody waits for it; use spawn() where that is meant"]
pub struct Output(Started);

impl Output {
    #[track_caller]
    pub(super) fn new(mut spawned: io::Result<Process>) -> Self {
        if let Ok(process) = &mut spawned {
            process.stdin = None;
        }
        Self(Started::new(spawned, "Command::output"))
    }
}

impl Future for Output {
    type Output = io::Result<os::Output>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.poll(cx, |process, cx, leaf| process.poll_communicate(cx, leaf, &[]))
    }
}

/// The future of [`Process::communicate`].
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct Communicate<'a> {
    process: &'a mut Process,
    input: &'a [u8],
    leaf: Leaf,
}

impl<'a> Communicate<'a> {
    #[track_caller]
    pub(super) fn new(process: &'a mut Process, input: &'a [u8]) -> Self {
        Self { process, input, leaf: Leaf::new("Process::communicate") }
    }
}

impl Future for Communicate<'_> {
    type Output = io::Result<(Vec<u8>, Vec<u8>)>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { process, input, leaf } = self.get_mut();
        leaf.polled();
        process.poll_communicate(cx, leaf, input).map_ok(|said| (said.stdout, said.stderr))
    }
}

impl CancelSafe for Spawning {}
impl CancelSafe for Wait<'_> {}
impl CancelSafe for Communicate<'_> {}

macro_rules! debug {
    ($($future:ident $(<$life:lifetime>)?),*) => {
        $(impl fmt::Debug for $future $(<$life>)? {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($future)).finish_non_exhaustive()
            }
        })*
    };
}

debug!(Spawning, Wait<'_>, Status, Output, Communicate<'_>);
