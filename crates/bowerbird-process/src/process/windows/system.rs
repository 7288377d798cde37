//! The two calls that std has not.

use std::ffi::c_void;
use std::io;
use std::os::windows::io::{AsRawHandle, FromRawHandle, OwnedHandle};
use std::process::Child;
use std::ptr;
use std::sync::Arc;

use windows_sys::Win32::Foundation::{HANDLE, INVALID_HANDLE_VALUE};
use windows_sys::Win32::System::Pipes::CreatePipe;
use windows_sys::Win32::System::Threading::{
    INFINITE, RegisterWaitForSingleObject, UnregisterWaitEx, WT_EXECUTEINWAITTHREAD,
    WT_EXECUTEONLYONCE,
};

/// Somebody is told of the end of a child, once, until this is dropped.
pub(super) struct Watch<T> {
    wait: HANDLE,
    /// What the system's thread pool borrows.
    told: *mut Told<T>,
}

struct Told<T> {
    whom: Arc<T>,
    tell: fn(&T),
}

// SAFETY: the handle may be used in any thread; what is told is shared with the system's thread pool anyway, whose
// calls need `T: Send + Sync`.
unsafe impl<T: Send + Sync> Send for Watch<T> {}
// SAFETY: nothing is done through a shared reference.
unsafe impl<T: Send + Sync> Sync for Watch<T> {}

impl<T: Send + Sync> Watch<T> {
    /// The child must live as long as this.
    pub(super) fn begin(child: &Child, whom: Arc<T>, tell: fn(&T)) -> io::Result<Self> {
        let told = Box::into_raw(Box::new(Told { whom, tell }));
        let mut wait: HANDLE = ptr::null_mut();
        // SAFETY: the handle of the child is open, and stays so until the wait was unregistered: the owner of both
        // drops this first. The context lives until then, too.
        let code = unsafe {
            RegisterWaitForSingleObject(
                &raw mut wait,
                child.as_raw_handle(),
                Some(on_end::<T>),
                told.cast_const().cast(),
                INFINITE,
                WT_EXECUTEINWAITTHREAD | WT_EXECUTEONLYONCE,
            )
        };
        if code == 0 {
            let error = io::Error::last_os_error();
            // SAFETY: it is the box from above, which the system has not taken.
            drop(unsafe { Box::from_raw(told) });
            return Err(error);
        }
        Ok(Self { wait, told })
    }
}

/// Called by a thread of the system.
unsafe extern "system" fn on_end<T>(context: *mut c_void, _is_timeout: bool) {
    // SAFETY: the context is the box of `begin`, which is freed after no call is under way any more.
    let told = unsafe { &*context.cast::<Told<T>>() };
    (told.tell)(&told.whom);
}

impl<T> Drop for Watch<T> {
    fn drop(&mut self) {
        // SAFETY: the wait was registered, and is unregistered once; the call returns when no callback is under way.
        // If it fails the callback may still come, and what it borrows is left to it.
        let code = unsafe { UnregisterWaitEx(self.wait, INVALID_HANDLE_VALUE) };
        if code != 0 {
            // SAFETY: it is the box of `begin`, and nobody borrows it any more.
            drop(unsafe { Box::from_raw(self.told) });
        }
    }
}

/// A pipe: the end to read and the end to write. Children do not inherit them unless they are given one.
pub(crate) fn pipe() -> io::Result<(OwnedHandle, OwnedHandle)> {
    let (mut reader, mut writer): (HANDLE, HANDLE) = (ptr::null_mut(), ptr::null_mut());
    // SAFETY: both pointers are to locals; no attributes, and the system's own size.
    let code = unsafe { CreatePipe(&raw mut reader, &raw mut writer, ptr::null(), 0) };
    if code == 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the call has opened it, and it is nobody else's.
    let reader = unsafe { OwnedHandle::from_raw_handle(reader) };
    // SAFETY: as above.
    let writer = unsafe { OwnedHandle::from_raw_handle(writer) };
    Ok((reader, writer))
}
