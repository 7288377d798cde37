//! Reading for a stream's protocol, and sending what waits.

use std::task::{Context, Poll, ready};

use super::super::any::AnyProtocol;
use super::super::calls;
use super::super::connection::{Connection, Kind};
use super::super::scratch::with_room;
use super::file::ToSend;
use super::{Stream, is_retry};

/// Sends before it reads, so that what is read does not make more and more of what waits.
pub(super) fn poll_move<G>(
    task: &mut Connection<Stream, G>,
    cx: &mut Context<'_>,
    reads: bool,
    writes: bool,
) -> Poll<()> {
    task.forget_file();
    let mut moved = Poll::Pending;
    if writes {
        match task.shared.to_send() {
            ToSend::Backlog if task.poll_send(cx).is_ready() => return Poll::Ready(()),
            ToSend::Backlog => {}
            ToSend::File(id, asked) => moved = task.poll_file(cx, id, asked),
        }
    }
    // A file may be long: what comes meanwhile has its turns.
    let polled = match (reads, writes) {
        (true, _) => task.poll_receive(cx),
        (false, true) => Poll::Pending,
        (false, false) => task.poll_reader_gone(cx),
    };
    if polled.is_ready() { polled } else { moved }
}

impl<G> Connection<Stream, G> {
    fn poll_send(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(wire) = &self.wire else { return Poll::Pending };
        loop {
            if self.shared.send_some().is_ok() {
                return Poll::Ready(());
            }
            if let Err(error) = ready!(wire.poll_write_ready(cx)) {
                self.shared.fail(Some(error));
                return Poll::Ready(());
            }
        }
    }

    /// Of the writing end of a pipe: it is closed when nobody can read any more. With something to send the next
    /// write tells.
    fn poll_reader_gone(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(wire) = &self.wire else { return Poll::Pending };
        match ready!(wire.poll_reader_gone(cx)) {
            Ok(()) => self.shared.close(),
            Err(error) => self.shared.fail(Some(error)),
        }
        Poll::Ready(())
    }

    fn poll_receive(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match self.protocol {
            Some(AnyProtocol::Streaming(_)) => with_room(|room| self.poll_receive_into(cx, room)),
            Some(AnyProtocol::Buffered(_)) => self.poll_receive_buffered(cx),
            None => Poll::Pending,
        }
    }

    fn poll_receive_into(&mut self, cx: &mut Context<'_>, room: &mut [u8]) -> Poll<()> {
        let count = ready!(self.poll_read(cx, room));
        match count {
            Some(0) => self.receive_eof(),
            Some(count) => {
                let data = &room[..count];
                self.fatal(&calls::DATA_RECEIVED, |protocol| {
                    if let AnyProtocol::Streaming(protocol) = protocol {
                        protocol.data_received(data);
                    }
                });
            }
            None => {}
        }
        Poll::Ready(())
    }

    /// Asks for room only when something is there.
    fn poll_receive_buffered(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(wire) = self.wire.clone() else { return Poll::Pending };
        let shared = self.shared.clone();
        loop {
            if !self.shared.has_news() {
                if let Err(error) = ready!(wire.poll_read_ready(cx)) {
                    self.shared.fail(Some(error));
                    return Poll::Ready(());
                }
            }
            let read = self.fatal(&calls::GET_BUFFER, |protocol| {
                let AnyProtocol::Buffered(protocol) = protocol else { return Ok(0) };
                let room = protocol.get_buffer(0);
                assert!(
                    !room.is_empty(),
                    "get_buffer() returned an empty buffer; give room for a byte at least"
                );
                shared.receive(&wire, room)
            });
            match read {
                None => {}
                Some(Ok(0)) => self.receive_eof(),
                Some(Ok(count)) => {
                    self.fatal(&calls::BUFFER_UPDATED, |protocol| {
                        if let AnyProtocol::Buffered(protocol) = protocol {
                            protocol.buffer_updated(count);
                        }
                    });
                }
                Some(Err(error)) if is_retry(&error) => continue,
                Some(Err(error)) => self.shared.receive_failed(error),
            }
            return Poll::Ready(());
        }
    }

    /// Reads once; `None` if that lost the connection.
    fn poll_read(&mut self, cx: &mut Context<'_>, room: &mut [u8]) -> Poll<Option<usize>> {
        let Some(wire) = &self.wire else { return Poll::Pending };
        loop {
            match self.shared.receive(wire, room) {
                Err(error) if is_retry(&error) => {}
                Ok(count) => return Poll::Ready(Some(count)),
                Err(error) => {
                    self.shared.receive_failed(error);
                    return Poll::Ready(None);
                }
            }
            if let Err(error) = ready!(wire.poll_read_ready(cx)) {
                self.shared.fail(Some(error));
                return Poll::Ready(None);
            }
        }
    }

    fn receive_eof(&mut self) {
        self.shared.reading_ended();
        let keeps_open = self.fatal(&calls::EOF_RECEIVED, AnyProtocol::eof_received);
        if keeps_open == Some(false) || !self.shared.may_stay_open() {
            self.shared.close();
        }
    }
}
