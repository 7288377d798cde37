//! A file that is sent through a transport: by the task, after what was written before.
//!
//! The system sends it itself, if it can and there is no session; else it comes through the room of the thread, a piece
//! at a time, each when the one before is gone. Reading goes on meanwhile.

use std::fs::File;
use std::io::{self, IoSlice};
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bowerbird_net::private::{is_refused, read_at};
use bowerbird_sync::oneshot;

use super::{State, Stream, Writing, is_retry};
use crate::protocols::connection::Connection;
use crate::protocols::scratch::with_room;

/// What is left of a file.
pub(in crate::protocols) struct Job {
    file: Arc<File>,
    offset: u64,
    left: Option<u64>,
    sent: u64,
    /// The system does not send it.
    is_copied: bool,
    waiter: oneshot::Sender<io::Result<u64>>,
}

impl Job {
    pub(in crate::protocols) fn new(
        file: Arc<File>,
        offset: u64,
        count: Option<u64>,
        waiter: oneshot::Sender<io::Result<u64>>,
    ) -> Self {
        Self { file, offset, left: count, sent: 0, is_copied: false, waiter }
    }

    /// How many bytes may be sent now; 0 when it is over.
    fn limit(&self) -> usize {
        self.left.map_or(usize::MAX, |left| usize::try_from(left).unwrap_or(usize::MAX))
    }

    fn was_sent(&mut self, count: usize) {
        let count = count as u64;
        self.offset += count;
        self.sent += count;
        self.left = self.left.map(|left| left.saturating_sub(count));
    }
}

/// A file on its way. Its number tells it from one that came after it.
pub(super) struct Sending {
    id: u64,
    /// Until the task takes it.
    job: Option<Box<Job>>,
}

/// What the task is to send.
pub(super) enum ToSend {
    Backlog,
    /// The file of that number, which is given the first time.
    File(u64, Option<Box<Job>>),
}

impl Stream {
    /// Sends a file when what waits is sent, and gives its number; the waiter hears how much it was.
    pub(in crate::protocols) fn send_file(&self, job: Job) -> io::Result<u64> {
        let mut job = Some(Box::new(job));
        let begun = self.hub.change(|state| match state.may_send_file() {
            Ok(()) => {
                state.files += 1;
                let id = state.files;
                state.file = Some(Sending { id, job: job.take() });
                (Ok(id), true)
            }
            Err(error) => (Err(error), false),
        });
        drop(job);
        begun
    }

    /// Sends no more of that file, if it is still being sent.
    pub(in crate::protocols) fn stop_file(&self, id: u64) {
        let file = self.hub.change(|state| {
            let file = state.file.take_if(|file| file.id == id);
            state.end_writing();
            // The task lets go of what it has of it.
            (file, true)
        });
        drop(file);
    }

    pub(super) fn to_send(&self) -> ToSend {
        self.hub.with(|state| {
            let is_next = state.sends_file() && state.life.backlog.is_empty();
            match &mut state.file {
                Some(file) if is_next => ToSend::File(file.id, file.job.take()),
                _ => ToSend::Backlog,
            }
        })
    }

    fn has_file(&self) -> bool {
        self.hub.with(|state| state.file.is_some())
    }

    /// Sends a piece that came from a file.
    fn send_piece(&self, bytes: &[u8]) {
        self.hub.with(|state| {
            let _the_task_is_here = state.send_pieces(&[IoSlice::new(bytes)]);
        });
    }
}

impl State {
    fn may_send_file(&self) -> io::Result<()> {
        let (kind, why) = if self.life.is_closing() {
            (io::ErrorKind::NotConnected, "that is closing")
        } else if !self.wire.as_ref().is_some_and(|wire| wire.has_two_ways()) {
            (io::ErrorKind::Unsupported, "of a pipe; files are sent to sockets")
        } else if self.file.is_some() {
            (io::ErrorKind::ResourceBusy, "that sends a file already")
        } else if self.writing != Writing::Open {
            (io::ErrorKind::InvalidInput, "after write_eof()")
        } else {
            return Ok(());
        };
        Err(io::Error::new(kind, format!("sendfile() was called on a transport {why}")))
    }
}

impl<G> Connection<Stream, G> {
    /// Lets go of a file that was given up.
    pub(super) fn forget_file(&mut self) {
        if self.own.file.is_some() && !self.shared.has_file() {
            self.own.file = None;
        }
    }

    /// Sends a piece of the file, or waits for the socket.
    pub(super) fn poll_file(
        &mut self,
        cx: &mut Context<'_>,
        id: u64,
        asked: Option<Box<Job>>,
    ) -> Poll<()> {
        let Some(wire) = &self.wire else { return Poll::Pending };
        // What was there before was given up.
        if asked.is_some() {
            self.own.file = asked;
        }
        let Some(job) = self.own.file.as_deref_mut() else { return Poll::Pending };
        job.is_copied |= !self.shared.is_plain();
        let result = loop {
            let limit = job.limit();
            let step = match limit {
                0 => Ok(0),
                _ if job.is_copied => copy(&self.shared, job, limit),
                _ => wire.try_sendfile(&job.file, job.offset, limit),
            };
            match step {
                Ok(0) => break Ok(job.sent),
                Ok(count) => {
                    job.was_sent(count);
                    return Poll::Ready(());
                }
                Err(error) if is_retry(&error) => {
                    if let Err(error) = ready!(wire.poll_write_ready(cx)) {
                        break Err(error);
                    }
                }
                Err(error) if !job.is_copied && is_refused(&error) => job.is_copied = true,
                Err(error) => break Err(error),
            }
        };
        self.shared.stop_file(id);
        if let Some(job) = self.own.file.take() {
            let _gave_up = job.waiter.send(result);
        }
        Poll::Ready(())
    }
}

/// Reads a piece of the file and sends it; 0 at its end.
fn copy(shared: &Stream, job: &Job, limit: usize) -> io::Result<usize> {
    with_room(|room| {
        let length = room.len().min(limit);
        let count = read_at(&job.file, &mut room[..length], job.offset)?;
        if count > 0 {
            shared.send_piece(&room[..count]);
        }
        Ok(count)
    })
}
