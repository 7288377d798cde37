//! The calls of the system, and the operations that it has under way.
//!
//! # Who owns an operation
//! An [`Operation`] is a box: what the system writes to (its `OVERLAPPED`), the bytes, and who is told. `begin` gives
//! the box up before the call, and what the call says decides who gets it back:
//!
//! - The system has taken it: its completion comes, once, to [`on_completion`], which makes the box again.
//! - The system has refused it, or has finished it and tells nobody: `begin` makes the box again.
//!
//! So nobody has to wait for a cancelled operation before its bytes are freed: they are freed when its completion has
//! come. Who owns the pipe keeps of an operation only its address, which names it and is never read from.
//!
//! Completions are delivered by the thread pool of the system (`BindIoCompletionCallback`): the poller of `polling`
//! cannot take them, because its port expects packets of its own.

use std::io;
use std::os::windows::io::{AsHandle, AsRawHandle, BorrowedHandle, FromRawHandle, OwnedHandle};
use std::ptr;
use std::sync::Arc;

use windows_sys::Win32::Foundation::{
    ERROR_IO_PENDING, ERROR_MORE_DATA, HANDLE, INVALID_HANDLE_VALUE, RtlNtStatusToDosError,
};
use windows_sys::Win32::Storage::FileSystem::{
    ReadFile, SetFileCompletionNotificationModes, WriteFile,
};
use windows_sys::Win32::System::IO::{BindIoCompletionCallback, CancelIoEx, OVERLAPPED};
use windows_sys::Win32::System::Pipes::{
    ConnectNamedPipe, CreateNamedPipeW, DisconnectNamedPipe, GetNamedPipeInfo,
    SetNamedPipeHandleState,
};
use windows_sys::Win32::System::WindowsProgramming::FILE_SKIP_COMPLETION_PORT_ON_SUCCESS;
use windows_sys::core::BOOL;

use super::{Kind, Shared};

/// An operation that the system may have under way. Its `OVERLAPPED` comes first: one address is that of both.
#[repr(C)]
struct Operation {
    overlapped: OVERLAPPED,
    bytes: Vec<u8>,
    told: Told,
}

/// Who is told of a completion.
pub(super) struct Told {
    pub(super) kind: Kind,
    pub(super) shared: Arc<Shared>,
    /// Keeps the pipe open until the operation is over, if that is meant.
    pub(super) _pipe: Option<Arc<Bound>>,
}

/// The name of an operation: no other one has it until the completion of this one has been told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ticket(usize);

/// What the call that begins an operation has come to.
pub(super) enum Begun {
    /// Its completion will be told.
    Pending(Ticket),
    /// It is over: the bytes, and how many of them were moved.
    Over(Vec<u8>, io::Result<usize>),
}

/// A pipe whose completions come here.
#[derive(Debug)]
pub(super) struct Bound {
    handle: OwnedHandle,
    /// No completion is told of an operation that has succeeded at once.
    skips: bool,
}

impl Bound {
    /// Takes a pipe over. `may_skip`: none of its reads can end in the middle of a message, where it is not
    /// documented whether a completion follows.
    pub(super) fn new(handle: OwnedHandle, may_skip: bool) -> io::Result<Self> {
        let raw = handle.as_raw_handle();
        // SAFETY: the handle is open. `on_completion` wants completions of our operations only: it is bound to this
        // one file object, and safe code has no way to begin another overlapped operation on it.
        succeeded(unsafe { BindIoCompletionCallback(raw, Some(on_completion), 0) })?;
        let modes = FILE_SKIP_COMPLETION_PORT_ON_SUCCESS as u8;
        // SAFETY: the handle is open.
        let skips = may_skip && unsafe { SetFileCompletionNotificationModes(raw, modes) } != 0;
        Ok(Self { handle, skips })
    }

    fn raw(&self) -> HANDLE {
        self.handle.as_raw_handle()
    }

    /// Begins to read so many bytes.
    pub(super) fn read(&self, room: usize, told: Told) -> Begun {
        self.begin(vec![0; room], told, |pipe, memory, length, overlapped| {
            // SAFETY: as `begin` says; the memory may be written to.
            unsafe { ReadFile(pipe, memory, length, ptr::null_mut(), overlapped) }
        })
    }

    /// Begins to write these bytes.
    pub(super) fn write(&self, bytes: Vec<u8>, told: Told) -> Begun {
        self.begin(bytes, told, |pipe, memory, length, overlapped| {
            // SAFETY: as `begin` says.
            unsafe { WriteFile(pipe, memory, length, ptr::null_mut(), overlapped) }
        })
    }

    /// Begins to wait for a client.
    pub(super) fn connect(&self, told: Told) -> Begun {
        self.begin(Vec::new(), told, |pipe, _, _, overlapped| {
            // SAFETY: as `begin` says.
            unsafe { ConnectNamedPipe(pipe, overlapped) }
        })
    }

    /// Begins an operation. The call is given an open handle, memory with its length, and an `OVERLAPPED`: the two
    /// are nobody else's until the operation is over.
    fn begin(
        &self,
        mut bytes: Vec<u8>,
        told: Told,
        call: impl FnOnce(HANDLE, *mut u8, u32, *mut OVERLAPPED) -> BOOL,
    ) -> Begun {
        // More than that is a short read or write.
        let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        let memory = bytes.as_mut_ptr();
        let operation =
            Box::into_raw(Box::new(Operation { overlapped: OVERLAPPED::default(), bytes, told }));
        let error = succeeded(call(self.raw(), memory, length, operation.cast())).err();
        let is_taken = match error.as_ref().and_then(io::Error::raw_os_error) {
            None => !self.skips,
            // The second is a success that tells of more. Where successes are skipped it cannot come; if it came, to
            // wait in vain would be better than to free what the system may still have.
            Some(code) => [ERROR_IO_PENDING, ERROR_MORE_DATA].contains(&(code as u32)),
        };
        if is_taken {
            return Begun::Pending(Ticket(operation.addr()));
        }
        // SAFETY: the box from above. The system does not have it: no completion comes for a call that has failed,
        // nor for one that has succeeded where that is skipped.
        let operation = unsafe { Box::from_raw(operation) };
        let result = error.map_or(Ok(operation.overlapped.InternalHigh), Err);
        Begun::Over(operation.bytes, result)
    }

    /// Cancels an operation that is not over, as its owner knows by the lock under which it is told. Its
    /// completion comes all the same.
    pub(super) fn cancel(&self, Ticket(address): Ticket) {
        let overlapped = ptr::without_provenance::<OVERLAPPED>(address);
        // SAFETY: the handle is open. The pointer is compared with those of the operations under way, and not read
        // from; this one's was not freed, so no other operation has its address.
        let _it_may_be_over_by_now = unsafe { CancelIoEx(self.raw(), overlapped) };
    }

    /// Ends the connection of a server with its client.
    pub(super) fn disconnect(&self) -> io::Result<()> {
        // SAFETY: the handle is open.
        succeeded(unsafe { DisconnectNamedPipe(self.raw()) })
    }
}

impl AsHandle for Bound {
    fn as_handle(&self) -> BorrowedHandle<'_> {
        self.handle.as_handle()
    }
}

/// Called by a thread of the system, once for each operation that it has taken.
unsafe extern "system" fn on_completion(_: u32, _: u32, overlapped: *mut OVERLAPPED) {
    // SAFETY: the completion is one of ours (see `Bound::new`), so the pointer is that of the box that `begin` has
    // given up, and the system has just given it back.
    let mut operation = unsafe { Box::from_raw(overlapped.cast::<Operation>()) };
    let ticket = Ticket(overlapped.addr());
    let bytes = std::mem::take(&mut operation.bytes);
    operation.told.completed(ticket, bytes, result_of(&operation.overlapped));
    // The box is freed now and not before: its address was its name until here.
    drop(operation);
}

/// How an operation has ended. (What the callback is told in its arguments is a status in some versions of the system
/// and an error code in others.)
fn result_of(overlapped: &OVERLAPPED) -> io::Result<usize> {
    let status = overlapped.Internal as i32;
    if status >= 0 {
        return Ok(overlapped.InternalHigh);
    }
    // SAFETY: it looks a number up in a table.
    let code = unsafe { RtlNtStatusToDosError(status) };
    match code {
        ERROR_MORE_DATA => Ok(overlapped.InternalHigh),
        _ => Err(io::Error::from_raw_os_error(code as i32)),
    }
}

fn succeeded(code: BOOL) -> io::Result<()> {
    if code == 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// What a new pipe is to be.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NewPipe {
    pub(crate) open_mode: u32,
    pub(crate) pipe_mode: u32,
    pub(crate) max_instances: u32,
    pub(crate) out_buffer_size: u32,
    pub(crate) in_buffer_size: u32,
}

/// Makes an instance of a pipe. The name ends in a zero.
pub(super) fn create(name: &[u16], new: &NewPipe) -> io::Result<OwnedHandle> {
    assert!(name.ends_with(&[0]), "the name of a pipe ends in a zero");
    // SAFETY: the name ends in a zero and outlives the call; there are no attributes.
    let handle = unsafe {
        CreateNamedPipeW(
            name.as_ptr(),
            new.open_mode,
            new.pipe_mode,
            new.max_instances,
            new.out_buffer_size,
            new.in_buffer_size,
            0,
            ptr::null(),
        )
    };
    if handle == INVALID_HANDLE_VALUE {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the call has opened it, and it is nobody else's.
    Ok(unsafe { OwnedHandle::from_raw_handle(handle) })
}

/// Sets how a pipe is read.
pub(super) fn set_read_mode(pipe: BorrowedHandle<'_>, mode: u32) -> io::Result<()> {
    let pipe = pipe.as_raw_handle();
    // SAFETY: the handle is open; the pointer is to a local, the others may be null.
    succeeded(unsafe { SetNamedPipeHandleState(pipe, &raw const mode, ptr::null(), ptr::null()) })
}

/// What the system tells of a pipe.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Info {
    pub(crate) flags: u32,
    pub(crate) out_buffer_size: u32,
    pub(crate) in_buffer_size: u32,
    pub(crate) max_instances: u32,
}

/// Asks the system about a pipe.
pub(super) fn info(pipe: BorrowedHandle<'_>) -> io::Result<Info> {
    let mut info = Info::default();
    // SAFETY: the handle is open, and the pointers are to fields of a local.
    let code = unsafe {
        GetNamedPipeInfo(
            pipe.as_raw_handle(),
            &raw mut info.flags,
            &raw mut info.out_buffer_size,
            &raw mut info.in_buffer_size,
            &raw mut info.max_instances,
        )
    };
    succeeded(code).map(|()| info)
}

/// Says whether a pipe is read message by message.
pub(super) fn reads_messages(pipe: BorrowedHandle<'_>) -> io::Result<bool> {
    use windows_sys::Win32::System::Pipes::{GetNamedPipeHandleStateW, PIPE_READMODE_MESSAGE};
    let mut state = 0;
    let none = ptr::null_mut;
    // SAFETY: the handle is open; the pointer is to a local, the others may be null.
    let code = unsafe {
        GetNamedPipeHandleStateW(
            pipe.as_raw_handle(),
            &raw mut state,
            none(),
            none(),
            none(),
            ptr::null_mut(),
            0,
        )
    };
    succeeded(code).map(|()| state & PIPE_READMODE_MESSAGE != 0)
}
