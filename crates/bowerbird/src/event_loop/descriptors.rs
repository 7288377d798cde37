//! `add_reader`, `add_writer`: callbacks for what is ready on a descriptor.

use std::collections::HashMap;
use std::fmt;
use std::io;
use std::os::fd::{AsFd, AsRawFd, RawFd};
use std::panic::Location;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bowerbird_base::sync::Mutex;
use bowerbird_io::{AsyncFd, Interest, is_ready_now};

use super::handle::LoopHandle;
use super::watch::{Repeated, Source, Watch};

type Owner = Box<dyn AsFd + Send + Sync>;
type Fd = AsyncFd<Owner>;

/// The descriptors that have callbacks, by number.
#[derive(Default)]
pub(crate) struct Descriptors(Mutex<HashMap<RawFd, Watched>>);

struct Watched {
    fd: Arc<Fd>,
    reader: Option<Arc<Watch>>,
    writer: Option<Arc<Watch>>,
}

impl Watched {
    fn side(&mut self, interest: Interest) -> &mut Option<Arc<Watch>> {
        if interest == Interest::READABLE { &mut self.reader } else { &mut self.writer }
    }
}

impl Descriptors {
    /// Drops everything.
    pub(crate) fn clear(&self) {
        let watched = std::mem::take(&mut *self.0.lock());
        for mut watched in watched.into_values() {
            [watched.reader.take(), watched.writer.take()]
                .into_iter()
                .flatten()
                .for_each(|watch| watch.cancel());
        }
    }
}

impl LoopHandle {
    /// Calls a closure whenever a descriptor may be read, until it is removed.
    ///
    /// asyncio: `loop.add_reader`. Level-triggered: while there is something to read, it is called in each turn.
    /// A closed or failing peer counts as readable. There is one reader for a descriptor; adding another
    /// replaces it. The loop keeps what is given here, so that the descriptor stays open: an
    /// `Arc` of a socket, or a duplicate. It need not be in non-blocking mode. A descriptor that is registered
    /// elsewhere, as that of a [`TcpStream`](crate::net::TcpStream), cannot have callbacks.
    ///
    /// # Errors
    /// The descriptor cannot be polled (a regular file), is registered already, or the loop is closed.
    ///
    /// # Examples
    /// ```
    /// use bowerbird::{EventLoop, LoopHandle};
    /// use std::io::{Read, Write};
    /// use std::os::unix::net::UnixStream;
    /// use std::sync::Arc;
    ///
    /// let (here, mut there) = UnixStream::pair().unwrap();
    /// let here = Arc::new(here);
    /// let mut event_loop = EventLoop::new().unwrap();
    /// let (handle, reader) = (event_loop.handle(), here.clone());
    /// event_loop.add_reader(here, move || {
    ///     let mut buffer = [0; 16];
    ///     assert_eq!((&*reader).read(&mut buffer).unwrap(), 5);
    ///     assert!(handle.remove_reader(&reader));
    ///     handle.stop();
    /// }).unwrap();
    /// there.write_all(b"hello").unwrap();
    /// event_loop.run_forever().unwrap();
    /// ```
    #[track_caller]
    pub fn add_reader(
        &self,
        fd: impl AsFd + Send + Sync + 'static,
        callback: impl FnMut() + Send + 'static,
    ) -> io::Result<()> {
        self.watch(Box::new(fd), Interest::READABLE, Box::new(callback), Location::caller())
    }

    /// Calls a closure whenever a descriptor may be written, until it is removed.
    ///
    /// asyncio: `loop.add_writer`. As [`add_reader`](Self::add_reader); the two may stand beside each other.
    ///
    /// # Errors
    /// As for [`add_reader`](Self::add_reader).
    #[track_caller]
    pub fn add_writer(
        &self,
        fd: impl AsFd + Send + Sync + 'static,
        callback: impl FnMut() + Send + 'static,
    ) -> io::Result<()> {
        self.watch(Box::new(fd), Interest::WRITABLE, Box::new(callback), Location::caller())
    }

    /// Takes the reader of a descriptor away; returns whether there was one.
    ///
    /// asyncio: `loop.remove_reader`.
    pub fn remove_reader(&self, fd: &impl AsFd) -> bool {
        self.unwatch(fd.as_fd().as_raw_fd(), Interest::READABLE)
    }

    /// Takes the writer of a descriptor away; returns whether there was one.
    ///
    /// asyncio: `loop.remove_writer`.
    pub fn remove_writer(&self, fd: &impl AsFd) -> bool {
        self.unwatch(fd.as_fd().as_raw_fd(), Interest::WRITABLE)
    }

    fn watch(
        &self,
        owner: Owner,
        interest: Interest,
        callback: Repeated,
        location: &'static Location<'static>,
    ) -> io::Result<()> {
        if self.is_closed() {
            return Err(io::Error::other(super::LoopClosed(())));
        }
        let number = owner.as_fd().as_raw_fd();
        let (known, replaced) = {
            let mut table = self.0.descriptors.0.lock();
            match table.get_mut(&number) {
                Some(watched) => (Some(watched.fd.clone()), watched.side(interest).take()),
                None => (None, None),
            }
        };
        // First: of two watches of a side the one that polls last would be woken.
        if let Some(replaced) = replaced {
            replaced.cancel();
        }
        let fd = match known {
            Some(fd) => fd,
            None => {
                let both = Interest::READABLE | Interest::WRITABLE;
                Arc::new(AsyncFd::register(self.0.io.clone(), owner, both)?)
            }
        };
        let watch = Watch::new(&self.0, readiness(fd.clone(), interest), callback, location);
        let replaced = {
            let mut table = self.0.descriptors.0.lock();
            let unwatched = || Watched { fd, reader: None, writer: None };
            let watched = table.entry(number).or_insert_with(unwatched);
            watched.side(interest).replace(watch.clone())
        };
        if let Some(replaced) = replaced {
            replaced.cancel();
        }
        watch.start();
        Ok(())
    }

    fn unwatch(&self, number: RawFd, interest: Interest) -> bool {
        let mut table = self.0.descriptors.0.lock();
        let Some(watched) = table.get_mut(&number) else { return false };
        let Some(watch) = watched.side(interest).take() else { return false };
        let is_unused = watched.reader.is_none() && watched.writer.is_none();
        let unused = if is_unused { table.remove(&number) } else { None };
        drop(table);
        watch.cancel();
        drop(unused);
        true
    }
}

/// Waits until the system says that the descriptor is ready now: what is remembered of it may be over.
fn readiness(fd: Arc<Fd>, interest: Interest) -> Source {
    let is_reader = interest == Interest::READABLE;
    Box::new(move |cx: &mut Context<'_>| {
        loop {
            let polled = if is_reader { fd.poll_readable(cx) } else { fd.poll_writable(cx) };
            if ready!(polled).is_err() {
                // The runtime ends.
                return Poll::Ready(false);
            }
            let is_ready =
                fd.try_io(interest, |owner| match is_ready_now(owner.as_fd(), interest) {
                    Ok(false) => Err(io::ErrorKind::WouldBlock.into()),
                    Ok(true) | Err(_) => Ok(()),
                });
            if is_ready.is_ok() {
                return Poll::Ready(true);
            }
        }
    })
}

impl fmt::Debug for Descriptors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.lock().keys()).finish()
    }
}
