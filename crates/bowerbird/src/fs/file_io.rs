//! How a [`File`] is read, written and moved in: its buffers, and the one operation that goes on.
//!
//! | goes on | a read | a write | a seek, anything else |
//! |---|---|---|---|
//! | nothing | the system's memory, else begins a read | begins a write | does it |
//! | a read | waits for it and takes it | waits; what was read is given back to the file | as a write |
//! | a write | waits for it | waits for it, gives its error | as a write |
//!
//! To give back is to move the position of the file back by what was read and not taken.

use std::fs::File as StdFile;
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bowerbird_io::Leaf;
use bowerbird_net::io::{AsyncRead, AsyncSeek, AsyncWrite};

use super::file::File;
use super::now;
use super::writes::{MOST, Writes};
use crate::offloaded::InFlight;

type WasRead = (Vec<u8>, io::Result<usize>);

pub(super) struct FileIo {
    reading: Option<InFlight<WasRead>>,
    /// What was read and not taken, from `at` on.
    ahead: Vec<u8>,
    at: usize,
    /// What a read that nobody took ended with: an error, or the end of the file.
    read_end: Option<io::Result<()>>,
    writes: Writes,
    seeking: Option<(SeekFrom, InFlight<io::Result<u64>>)>,
    /// Of the poll forms.
    is_suspended: bool,
    pub(super) has_hops_only: bool,
}

impl FileIo {
    pub(super) fn new() -> Self {
        Self {
            reading: None,
            ahead: Vec::new(),
            at: 0,
            read_end: None,
            writes: Writes::new(),
            seeking: None,
            is_suspended: false,
            has_hops_only: false,
        }
    }

    /// Waits until no read goes on; its bytes are in `ahead`.
    fn poll_read_end(&mut self, leaf: &mut Leaf, cx: &mut Context<'_>) -> Poll<()> {
        if let Some(reading) = &self.reading {
            let result = ready!(reading.poll(leaf, cx));
            self.reading = None;
            self.at = 0;
            match result {
                Ok((mut bytes, Ok(count))) => {
                    bytes.truncate(count);
                    self.read_end = (count == 0).then_some(Ok(()));
                    self.ahead = bytes;
                }
                Ok((_, Err(error))) | Err(error) => self.read_end = Some(Err(error)),
            }
        }
        Poll::Ready(())
    }

    /// Waits until nothing goes on but a seek that somebody else began, which is forgotten.
    fn poll_quiet(&mut self, leaf: &mut Leaf, cx: &mut Context<'_>) -> Poll<()> {
        ready!(self.poll_read_end(leaf, cx));
        ready!(self.writes.poll_settle(leaf, cx));
        if let Some((_, seeking)) = &self.seeking {
            let _nobody_waits = ready!(seeking.poll(leaf, cx));
            self.seeking = None;
        }
        Poll::Ready(())
    }

    /// Waits until nothing goes on, gives back what was read and not taken, and tells the error of a write.
    pub(super) fn poll_settled(
        &mut self,
        file: &StdFile,
        leaf: &mut Leaf,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        ready!(self.poll_quiet(leaf, cx));
        self.give_back(file)?;
        self.writes.poll_flush(leaf, cx)
    }

    /// Moves the position back by what was read and not taken. The system does no input or output for that.
    fn give_back(&mut self, mut file: &StdFile) -> io::Result<()> {
        let left = self.ahead.len() - self.at;
        if left > 0 {
            file.seek(SeekFrom::Current(-(left as i64)))?;
        }
        self.ahead.clear();
        self.at = 0;
        self.read_end = None;
        Ok(())
    }

    fn poll_read(
        &mut self,
        file: &Arc<StdFile>,
        leaf: &mut Leaf,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        loop {
            if self.reading.is_none() {
                let ahead = &self.ahead[self.at..];
                if !ahead.is_empty() {
                    let count = ahead.len().min(buffer.len());
                    buffer[..count].copy_from_slice(&ahead[..count]);
                    self.at += count;
                    return Poll::Ready(Ok(count));
                }
                if let Some(end) = self.read_end.take() {
                    return Poll::Ready(end.map(|()| 0));
                }
            }
            if self.reading.is_some() {
                ready!(self.poll_read_end(leaf, cx));
                continue;
            }
            ready!(self.poll_quiet(leaf, cx));
            let proceed = ready!(leaf.poll_enter(cx));
            if !self.has_hops_only {
                if let Some(result) = now::read(file, buffer) {
                    proceed.made_progress();
                    return Poll::Ready(result);
                }
            }
            self.start_read(file, buffer.len())?;
        }
    }

    fn start_read(&mut self, file: &Arc<StdFile>, length: usize) -> io::Result<()> {
        let file = file.clone();
        let mut bytes = std::mem::take(&mut self.ahead);
        self.at = 0;
        let job = move || {
            bytes.resize(length.min(MOST), 0);
            let result = loop {
                match (&*file).read(&mut bytes) {
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    result => break result,
                }
            };
            (bytes, result)
        };
        // What nobody takes is lost with the file only.
        self.reading = Some(InFlight::start(job, drop)?);
        Ok(())
    }

    fn poll_write(
        &mut self,
        file: &Arc<StdFile>,
        leaf: &mut Leaf,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        ready!(self.poll_settled(file, leaf, cx))?;
        let proceed = ready!(leaf.poll_enter(cx));
        proceed.made_progress();
        let file = file.clone();
        Poll::Ready(self.writes.start(bytes, move |bytes| (&*file).write_all(bytes)))
    }

    fn poll_seek(
        &mut self,
        file: &Arc<StdFile>,
        leaf: &mut Leaf,
        cx: &mut Context<'_>,
        position: SeekFrom,
    ) -> Poll<io::Result<u64>> {
        if let Some((asked, seeking)) = &self.seeking {
            if *asked == position {
                let result = ready!(seeking.poll(leaf, cx));
                self.seeking = None;
                return Poll::Ready(result.and_then(|result| result));
            }
        }
        ready!(self.poll_quiet(leaf, cx));
        self.give_back(file)?;
        let proceed = ready!(leaf.poll_enter(cx));
        if !matches!(position, SeekFrom::End(_)) {
            // Only a number changes.
            proceed.made_progress();
            return Poll::Ready((&**file).seek(position));
        }
        // The length of a file of the network may have to be asked for.
        let shared = file.clone();
        let seeking = InFlight::start(move || (&*shared).seek(position), drop)?;
        let result = seeking.poll(leaf, cx);
        if result.is_pending() {
            self.seeking = Some((position, seeking));
        }
        result.map(|result| result.and_then(|result| result))
    }
}

impl File {
    /// Polls with the leaf of the poll forms, which have no future to keep it.
    fn poll_with<T>(
        &mut self,
        poll: impl FnOnce(&Arc<StdFile>, &mut FileIo, &mut Leaf) -> Poll<T>,
    ) -> Poll<T> {
        let (file, io) = self.parts();
        let mut leaf = Leaf::without_location(io.is_suspended);
        let result = poll(file, io, &mut leaf);
        io.is_suspended = result.is_pending();
        result
    }
}

impl AsyncRead for File {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        if buffer.is_empty() {
            return Poll::Ready(Ok(0));
        }
        self.poll_with(|file, io, leaf| io.poll_read(file, leaf, cx, buffer))
    }
}

impl AsyncWrite for File {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if bytes.is_empty() {
            return Poll::Ready(Ok(0));
        }
        self.poll_with(|file, io, leaf| io.poll_write(file, leaf, cx, bytes))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_with(|_, io, leaf| io.writes.poll_flush(leaf, cx))
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_flush(cx)
    }
}

impl AsyncSeek for File {
    fn poll_seek(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        position: SeekFrom,
    ) -> Poll<io::Result<u64>> {
        self.poll_with(|file, io, leaf| io.poll_seek(file, leaf, cx, position))
    }
}
