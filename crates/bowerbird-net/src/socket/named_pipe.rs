//! A named pipe of Windows, as a non-blocking handle.
//!
//! The system knows no readiness here: it is given memory, and tells later that the bytes were moved. So a pipe owns
//! the memory of what is under way, and looks like every other non-blocking handle from outside:
//!
//! - One read is always under way, from the first connection on, or its bytes are here and not yet taken. To read is
//!   to take them. So a read that is dropped has lost nothing.
//! - To write is to give a copy to the system. While it has one, the next write says `WouldBlock`.
//!
//! When the system is done, the completion changes the state and reports readiness: in this order, so whoever hears of
//! it finds it.
//!
//! # Its end
//! Dropped, the pipe cancels its read; a write that is under way holds the handle open until the other end has read it,
//! or is gone.

use std::ffi::OsStr;
use std::fs::OpenOptions;
use std::io::{self, IoSlice, IoSliceMut};
#[cfg(any(feature = "tokio-io", feature = "hyper"))]
use std::mem::MaybeUninit;
use std::os::windows::fs::OpenOptionsExt;
use std::os::windows::io::{AsHandle, AsRawHandle, BorrowedHandle, OwnedHandle, RawHandle};
use std::sync::{Arc, OnceLock};

use bowerbird_base::sync::Mutex;
use bowerbird_io::{Descriptor, Interest, Reporter, Watched};
use windows_sys::Win32::Foundation::{
    ERROR_BROKEN_PIPE, ERROR_NO_DATA, ERROR_PIPE_CONNECTED, ERROR_PIPE_LISTENING,
    ERROR_PIPE_NOT_CONNECTED,
};
use windows_sys::Win32::Storage::FileSystem::FILE_FLAG_OVERLAPPED;
use windows_sys::Win32::System::Pipes::{PIPE_READMODE_BYTE, PIPE_TYPE_MESSAGE};

use super::{Calls, OsRead, OsSource, OsWrite, Received, calls};

#[allow(unsafe_code, reason = "std has neither named pipes nor overlapped operations")]
mod system;

use system::{Begun, Bound, Ticket, Told};
pub(crate) use system::{Info, NewPipe};

/// How much is read ahead: of bytes, and of messages, which come in pieces if they are longer.
const ROOM: usize = 16 * 1024;
const ROOM_FOR_MESSAGES: usize = 64 * 1024;
/// How much one write takes, if it may be less than all.
const MOST_WRITTEN: usize = 64 * 1024;

/// A non-blocking named pipe.
#[derive(Debug)]
pub struct NamedPipe {
    bound: Arc<Bound>,
    shared: Arc<Shared>,
    /// What is written is a message: it goes as a whole.
    writes_messages: bool,
    reads_messages: bool,
}

/// What an operation is for.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Connect,
    Read,
    Write,
}

/// What the pipe and its operations know. The locks are held for moments; no other lock is taken under one.
#[derive(Debug, Default)]
struct Shared {
    reporter: OnceLock<Reporter>,
    connecting: Mutex<Connecting>,
    reading: Mutex<Reading>,
    writing: Mutex<Writing>,
}

#[derive(Debug, Default)]
enum Connecting {
    #[default]
    Idle,
    Pending(Ticket),
    Over(io::Result<()>),
}

#[derive(Debug, Default)]
enum Reading {
    #[default]
    Idle,
    Pending(Ticket),
    /// What was read, and how much of it was taken.
    Here(Vec<u8>, usize),
    Ended,
    Failed(io::Error),
}

#[derive(Debug, Default)]
enum Writing {
    #[default]
    Idle,
    Pending(Ticket),
    Failed(io::Error),
}

fn is_one_of(error: &io::Error, codes: &[u32]) -> bool {
    error.raw_os_error().is_some_and(|code| codes.contains(&(code as u32)))
}

/// What the user is told instead of what the system says.
fn explained(error: io::Error) -> io::Error {
    if is_one_of(&error, &[ERROR_PIPE_LISTENING]) {
        let text =
            "no client has connected to the named pipe: await NamedPipeServer::connect first";
        return io::Error::new(io::ErrorKind::NotConnected, text);
    }
    if is_one_of(&error, &[ERROR_PIPE_NOT_CONNECTED]) {
        return io::Error::new(io::ErrorKind::BrokenPipe, "the server has ended the connection");
    }
    error
}

/// A client is there. One that has gone already counts: its bytes may be there, and its end is read.
fn connected(result: io::Result<usize>) -> io::Result<()> {
    match result {
        Err(error) if !is_one_of(&error, &[ERROR_PIPE_CONNECTED, ERROR_NO_DATA]) => Err(error),
        _ => Ok(()),
    }
}

impl Reading {
    fn of(mut bytes: Vec<u8>, result: io::Result<usize>) -> Self {
        match result {
            Ok(count) => {
                bytes.truncate(count);
                Self::Here(bytes, 0)
            }
            Err(error) if is_one_of(&error, &[ERROR_BROKEN_PIPE, ERROR_PIPE_NOT_CONNECTED]) => {
                Self::Ended
            }
            Err(error) => Self::Failed(explained(error)),
        }
    }
}

impl Shared {
    fn report(&self, interest: Interest) {
        if let Some(reporter) = self.reporter.get() {
            reporter.report(interest);
        }
    }
}

impl Told {
    /// Called by the system's thread pool. An operation that its owner has given up changes nothing.
    fn completed(&self, ticket: Ticket, bytes: Vec<u8>, result: io::Result<usize>) {
        let Self { shared, kind, .. } = self;
        let is_awaited = match kind {
            Kind::Connect => {
                let mut state = shared.connecting.lock();
                let is_awaited = matches!(*state, Connecting::Pending(of) if of == ticket);
                if is_awaited {
                    *state = Connecting::Over(connected(result));
                }
                is_awaited
            }
            Kind::Read => {
                let mut state = shared.reading.lock();
                let is_awaited = matches!(*state, Reading::Pending(of) if of == ticket);
                if is_awaited {
                    *state = Reading::of(bytes, result);
                }
                is_awaited
            }
            Kind::Write => {
                let mut state = shared.writing.lock();
                let is_awaited = matches!(*state, Writing::Pending(of) if of == ticket);
                if is_awaited {
                    *state = result
                        .map_or_else(|error| Writing::Failed(explained(error)), |_| Writing::Idle);
                }
                is_awaited
            }
        };
        if is_awaited {
            shared.report(kind.interest());
        }
    }
}

impl Kind {
    fn interest(self) -> Interest {
        match self {
            Self::Read => Interest::READABLE,
            Self::Connect | Self::Write => Interest::WRITABLE,
        }
    }
}

/// Makes an instance of a pipe, for one client. The name ends in a zero.
pub(crate) fn create_named_pipe(name: &[u16], new: &NewPipe) -> io::Result<NamedPipe> {
    NamedPipe::new(system::create(name, new)?)
}

/// How a client opens a pipe.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Opening {
    pub(crate) access: u32,
    pub(crate) security_flags: u32,
    /// How it is to be read.
    pub(crate) mode: u32,
}

/// Opens the client's end.
pub(crate) fn open_named_pipe(name: &OsStr, opening: Opening) -> io::Result<NamedPipe> {
    let pipe: OwnedHandle = OpenOptions::new()
        .access_mode(opening.access)
        .custom_flags(FILE_FLAG_OVERLAPPED)
        .security_qos_flags(opening.security_flags)
        .open(name)?
        .into();
    // To set it wants a right that one who only reads does not have, and bytes are the way from the start.
    if opening.mode != PIPE_READMODE_BYTE {
        system::set_read_mode(pipe.as_handle(), opening.mode)?;
    }
    NamedPipe::new(pipe)
}

impl NamedPipe {
    /// Takes a pipe over. It is an error if it was not opened for overlapped operations.
    pub(crate) fn new(pipe: OwnedHandle) -> io::Result<Self> {
        let writes_messages = system::info(pipe.as_handle())?.flags & PIPE_TYPE_MESSAGE != 0;
        // Who may not ask may not read either.
        let reads_messages = system::reads_messages(pipe.as_handle()).unwrap_or(true);
        let bound = Arc::new(Bound::new(pipe, !reads_messages)?);
        Ok(Self { bound, shared: Arc::default(), writes_messages, reads_messages })
    }

    /// Sets who hears of readiness.
    pub(crate) fn report_to(&self, reporter: Reporter) {
        let _it_is_set_once = self.shared.reporter.set(reporter);
    }

    /// The pipe is connected: a read begins, and whoever waits to write may.
    pub(crate) fn start(&self) {
        let mut reading = self.shared.reading.lock();
        if !matches!(*reading, Reading::Pending(_) | Reading::Here(..)) {
            *reading = self.begin_read();
        }
        let is_readable = !matches!(*reading, Reading::Pending(_));
        drop(reading);
        self.shared.report(Interest::WRITABLE);
        if is_readable {
            self.shared.report(Interest::READABLE);
        }
    }

    /// Waits for a client, as a call that may say `WouldBlock`.
    pub(crate) fn connect(&self) -> io::Result<()> {
        let mut state = self.shared.connecting.lock();
        let result = match std::mem::take(&mut *state) {
            Connecting::Over(result) => result,
            Connecting::Pending(ticket) => {
                *state = Connecting::Pending(ticket);
                return Err(io::ErrorKind::WouldBlock.into());
            }
            Connecting::Idle => match self.bound.connect(self.told(Kind::Connect)) {
                Begun::Pending(ticket) => {
                    *state = Connecting::Pending(ticket);
                    return Err(io::ErrorKind::WouldBlock.into());
                }
                Begun::Over(_, result) => connected(result),
            },
        };
        drop(state);
        result.map(|()| self.start())
    }

    /// Ends the connection with the client. What was under way, or was not read, is lost.
    pub(crate) fn disconnect(&self) -> io::Result<()> {
        self.bound.disconnect()?;
        let unread = std::mem::take(&mut *self.shared.reading.lock());
        *self.shared.writing.lock() = Writing::Idle;
        drop(unread);
        Ok(())
    }

    pub(crate) fn info(&self) -> io::Result<Info> {
        system::info(self.as_handle())
    }

    fn told(&self, kind: Kind) -> Told {
        let pipe = matches!(kind, Kind::Write).then(|| self.bound.clone());
        Told { kind, shared: self.shared.clone(), _pipe: pipe }
    }

    fn begin_read(&self) -> Reading {
        let room = if self.reads_messages { ROOM_FOR_MESSAGES } else { ROOM };
        match self.bound.read(room, self.told(Kind::Read)) {
            Begun::Pending(ticket) => Reading::Pending(ticket),
            Begun::Over(bytes, result) => Reading::of(bytes, result),
        }
    }

    /// Gives what is here to `take`, which says how much it took.
    fn take(&self, take: impl FnOnce(&[u8]) -> usize) -> io::Result<Received> {
        let mut state = self.shared.reading.lock();
        loop {
            match &mut *state {
                Reading::Idle => *state = self.begin_read(),
                // Somebody has written no bytes. Of a message that says something, of bytes it would be the end.
                Reading::Here(bytes, _) if bytes.is_empty() && !self.reads_messages => {
                    *state = self.begin_read();
                }
                Reading::Here(bytes, taken) => {
                    let count = take(&bytes[*taken..]);
                    *taken += count;
                    if *taken == bytes.len() {
                        *state = self.begin_read();
                    }
                    return Ok(Received::some(count));
                }
                Reading::Pending(_) => return Err(io::ErrorKind::WouldBlock.into()),
                Reading::Ended => return Ok(Received::some(0)),
                Reading::Failed(_) => {
                    let Reading::Failed(error) = std::mem::take(&mut *state) else { continue };
                    return Err(error);
                }
            }
        }
    }

    /// Gives a copy to the system.
    fn give(&self, bytes: Vec<u8>) -> io::Result<usize> {
        if bytes.is_empty() && !self.writes_messages {
            return Ok(0);
        }
        let mut state = self.shared.writing.lock();
        match std::mem::take(&mut *state) {
            Writing::Failed(error) => return Err(error),
            Writing::Pending(ticket) => {
                *state = Writing::Pending(ticket);
                return Err(io::ErrorKind::WouldBlock.into());
            }
            Writing::Idle => {}
        }
        let count = bytes.len();
        match self.bound.write(bytes, self.told(Kind::Write)) {
            Begun::Pending(ticket) => {
                *state = Writing::Pending(ticket);
                Ok(count)
            }
            Begun::Over(_, result) => result.map_err(explained),
        }
    }

    /// Whether a write would say `WouldBlock`: asked before its bytes are copied.
    fn is_writing(&self) -> bool {
        matches!(*self.shared.writing.lock(), Writing::Pending(_))
    }

    fn most(&self, length: usize) -> usize {
        if self.writes_messages { length } else { length.min(MOST_WRITTEN) }
    }
}

impl Drop for NamedPipe {
    fn drop(&mut self) {
        // Under the locks: an operation whose completion was told is not there any more.
        if let Reading::Pending(ticket) = *self.shared.reading.lock() {
            self.bound.cancel(ticket);
        }
        if let Connecting::Pending(ticket) = *self.shared.connecting.lock() {
            self.bound.cancel(ticket);
        }
    }
}

impl AsHandle for NamedPipe {
    fn as_handle(&self) -> BorrowedHandle<'_> {
        self.bound.as_handle()
    }
}

impl AsRawHandle for NamedPipe {
    fn as_raw_handle(&self) -> RawHandle {
        self.as_handle().as_raw_handle()
    }
}

impl Descriptor for NamedPipe {
    fn watched(&self) -> Watched<'_> {
        Watched::Nothing(self.as_raw_handle().addr() as u64)
    }
}

impl OsSource for NamedPipe {
    const CALLS: Calls = calls!("NamedPipe");
    // To drop it is to close it.
    const REPORTS_UNCLOSED: bool = false;
}

/// Copies as much as there is room for.
fn copy(from: &[u8], to: &mut [u8]) -> usize {
    let count = from.len().min(to.len());
    to[..count].copy_from_slice(&from[..count]);
    count
}

impl OsRead for NamedPipe {
    fn recv(&self, buffer: &mut [u8]) -> io::Result<Received> {
        if buffer.is_empty() {
            return Ok(Received::some(0));
        }
        self.take(|bytes| copy(bytes, buffer))
    }

    fn recv_vectored(&self, buffers: &mut [IoSliceMut<'_>]) -> io::Result<Received> {
        if buffers.iter().all(|buffer| buffer.is_empty()) {
            return Ok(Received::some(0));
        }
        let fill = |mut bytes: &[u8]| {
            let mut all = 0;
            for buffer in buffers {
                let count = copy(bytes, buffer);
                bytes = &bytes[count..];
                all += count;
            }
            all
        };
        self.take(fill)
    }

    #[cfg(any(feature = "tokio-io", feature = "hyper"))]
    fn recv_uninit(&self, buffer: &mut [MaybeUninit<u8>]) -> io::Result<Received> {
        if buffer.is_empty() {
            return Ok(Received::some(0));
        }
        let fill = |bytes: &[u8]| {
            buffer.iter_mut().zip(bytes).map(|(room, byte)| room.write(*byte)).count()
        };
        self.take(fill)
    }
}

impl OsWrite for NamedPipe {
    fn send(&self, bytes: &[u8]) -> io::Result<usize> {
        if self.is_writing() {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        self.give(bytes[..self.most(bytes.len())].to_vec())
    }

    /// The pieces together are one message.
    fn send_vectored(&self, bytes: &[IoSlice<'_>]) -> io::Result<usize> {
        if self.is_writing() {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let length = self.most(bytes.iter().map(|piece| piece.len()).sum());
        let all = bytes.iter().flat_map(|piece| piece.iter().copied());
        self.give(all.take(length).collect())
    }
}
