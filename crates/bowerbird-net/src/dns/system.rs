//! The resolver of the operating system.
//!
//! Both calls take strings and plain structures by pointer and block; `getaddrinfo` gives a list that is its own
//! until it is given back. The names and types differ a little between Unix and Windows: `os` has them.

use std::ffi::{CStr, CString, c_char};
use std::io;
use std::net::SocketAddr;
use std::ptr::{self, NonNull};

use socket2::SockAddr;

use super::error::{GaiError, GaiErrorKind};
use super::flags::{Family, SocketType};
use super::query::{AddrInfo, invalid};

#[cfg(unix)]
#[path = "system/unix.rs"]
pub(super) mod os;
#[cfg(windows)]
#[path = "system/windows.rs"]
pub(super) mod os;

/// What is looked for.
pub(super) struct Hints {
    pub(super) family: i32,
    pub(super) socket_type: i32,
    pub(super) protocol: i32,
    pub(super) flags: i32,
}

/// As the resolver takes it.
fn text(what: &str, text: &str) -> io::Result<CString> {
    CString::new(text).map_err(|_| invalid(format!("the {what} {text:?} has a zero byte in it")))
}

fn pointer(text: Option<&CString>) -> *const c_char {
    text.map_or(ptr::null(), |text| text.as_ptr())
}

/// `getaddrinfo`.
pub(super) fn addresses(
    host: Option<&str>,
    service: Option<&str>,
    hints: Hints,
) -> io::Result<Vec<AddrInfo>> {
    os::start();
    let name = host.map(|host| text("host", host)).transpose()?;
    let service = service.map(|service| text("service", service)).transpose()?;
    // SAFETY: the structure is numbers and pointers, of which zeros are values.
    let mut wanted: os::addrinfo = unsafe { std::mem::zeroed() };
    wanted.ai_family = hints.family;
    wanted.ai_socktype = hints.socket_type;
    wanted.ai_protocol = hints.protocol;
    wanted.ai_flags = hints.flags;
    let mut first = ptr::null_mut();
    // SAFETY: the strings end in zeros (or are null, which the call allows) and live through the call, as do the
    // hints, all of whose pointers are null; the result is a pointer of ours.
    let code = unsafe {
        os::getaddrinfo(
            pointer(name.as_ref()).cast(),
            pointer(service.as_ref()).cast(),
            &raw const wanted,
            &raw mut first,
        )
    };
    let last = io::Error::last_os_error();
    if code != 0 {
        return Err(os::failed(code, host.unwrap_or_default(), &last).into());
    }
    Found(NonNull::new(first)).read()
}

/// The list that the resolver gave; given back when it is dropped.
struct Found(Option<NonNull<os::addrinfo>>);

impl Found {
    fn read(&self) -> io::Result<Vec<AddrInfo>> {
        let mut found = Vec::new();
        let mut next = self.0;
        while let Some(entry) = next {
            // SAFETY: `getaddrinfo` has succeeded, so each entry is valid until the list is given back, which the
            // borrow of `self` outlives.
            let entry = unsafe { entry.as_ref() };
            if let Some(address) = address_of(entry)? {
                found.push(AddrInfo {
                    family: Family::from_raw(entry.ai_family),
                    socket_type: SocketType::from_raw(entry.ai_socktype),
                    protocol: entry.ai_protocol,
                    canonical_name: canonical_name(entry),
                    address,
                });
            }
            next = NonNull::new(entry.ai_next);
        }
        Ok(found)
    }
}

impl Drop for Found {
    fn drop(&mut self) {
        if let Some(first) = self.0 {
            // SAFETY: the list came from `getaddrinfo` and is given back once; what was read of it was copied.
            unsafe { os::freeaddrinfo(first.as_ptr()) };
        }
    }
}

fn canonical_name(entry: &os::addrinfo) -> Option<String> {
    let name = NonNull::new(entry.ai_canonname)?;
    // SAFETY: a name that is there ends in a zero and lives as long as its entry.
    let name = unsafe { CStr::from_ptr(name.as_ptr().cast()) };
    Some(name.to_string_lossy().into_owned())
}

/// The address of an entry, if it is one of the internet.
fn address_of(entry: &os::addrinfo) -> io::Result<Option<SocketAddr>> {
    let length = entry.ai_addrlen as usize;
    let Some(address) = NonNull::new(entry.ai_addr) else { return Ok(None) };
    let copy = |storage: *mut socket2::SockAddrStorage, size: *mut socket2::socklen_t| {
        // SAFETY: `try_init` gives a pointer to the size of its storage.
        let room = unsafe { *size } as usize;
        if length > room {
            return Err(invalid(format!("the resolver gave an address of {length} bytes")));
        }
        // SAFETY: the entry's address has so many bytes, there is room for them, and they do not overlap.
        unsafe { ptr::copy_nonoverlapping(address.as_ptr().cast::<u8>(), storage.cast(), length) };
        // SAFETY: as the read above. The length fits in it, for it is no more than what was there.
        unsafe { *size = length as socket2::socklen_t };
        Ok(())
    };
    // SAFETY: the closure has written an address of the system's and its length.
    let ((), address) = unsafe { SockAddr::try_init(copy) }?;
    Ok(address.as_socket())
}

/// Longer than any name of a host (`NI_MAXHOST`), and of a service (`NI_MAXSERV`).
const ROOM: (usize, usize) = (1_025, 32);

/// `getnameinfo`.
pub(super) fn names(address: SocketAddr, flags: i32) -> io::Result<(String, String)> {
    os::start();
    let raw = SockAddr::from(address);
    let (mut host, mut service) = ([0_u8; ROOM.0], [0_u8; ROOM.1]);
    // SAFETY: the address and its length are socket2's; both buffers live through the call, which writes no more
    // than their lengths.
    let code = unsafe {
        os::getnameinfo(
            raw.as_ptr().cast(),
            raw.len(),
            host.as_mut_ptr().cast(),
            host.len() as os::Length,
            service.as_mut_ptr().cast(),
            service.len() as os::Length,
            flags as os::NameFlags,
        )
    };
    let last = io::Error::last_os_error();
    if code != 0 {
        return Err(os::failed(code, &address.to_string(), &last).into());
    }
    Ok((until_zero(&host), until_zero(&service)))
}

fn until_zero(buffer: &[u8]) -> String {
    let end = buffer.iter().position(|byte| *byte == 0).unwrap_or(buffer.len());
    String::from_utf8_lossy(&buffer[..end]).into_owned()
}

/// Says what a number of the resolver means.
fn failed(kinds: &[(i32, GaiErrorKind)], code: i32, host: &str, text: String) -> GaiError {
    let kind = kinds.iter().find(|(number, _)| *number == code).map(|(_, kind)| *kind);
    GaiError::new(kind.unwrap_or(GaiErrorKind::Other), code, host, text)
}
