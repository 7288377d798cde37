//! The resolver's names on Unix.

use std::ffi::CStr;
use std::io;

pub(crate) use libc::{
    AF_INET, AF_INET6, AF_UNSPEC, AI_ADDRCONFIG, AI_ALL, AI_CANONNAME, AI_NUMERICHOST,
    AI_NUMERICSERV, AI_PASSIVE, AI_V4MAPPED, NI_DGRAM, NI_NAMEREQD, NI_NOFQDN, NI_NUMERICHOST,
    NI_NUMERICSERV, SOCK_DGRAM, SOCK_RAW, SOCK_STREAM, addrinfo, freeaddrinfo, getaddrinfo,
    getnameinfo,
};

use crate::dns::{GaiError, GaiErrorKind};

pub(crate) const SOCK_ANY: i32 = 0;

/// What a buffer's length is in `getnameinfo`, and what its flags are.
#[cfg(not(target_os = "freebsd"))]
pub(crate) type Length = libc::socklen_t;
#[cfg(target_os = "freebsd")]
pub(crate) type Length = libc::size_t;
pub(crate) type NameFlags = libc::c_int;

/// glibc: the host has no address of the family that was asked for. The crate libc does not name it.
#[cfg(target_os = "linux")]
const EAI_ADDRFAMILY: i32 = -9;

const KINDS: &[(i32, GaiErrorKind)] = &[
    (libc::EAI_NONAME, GaiErrorKind::NoName),
    #[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
    (libc::EAI_NODATA, GaiErrorKind::NoName),
    #[cfg(target_os = "linux")]
    (EAI_ADDRFAMILY, GaiErrorKind::NoName),
    (libc::EAI_AGAIN, GaiErrorKind::Temporary),
    (libc::EAI_FAIL, GaiErrorKind::Permanent),
    (libc::EAI_FAMILY, GaiErrorKind::Unsupported),
    (libc::EAI_SOCKTYPE, GaiErrorKind::Unsupported),
    (libc::EAI_BADFLAGS, GaiErrorKind::Unsupported),
    (libc::EAI_SERVICE, GaiErrorKind::Service),
    (libc::EAI_MEMORY, GaiErrorKind::Memory),
    (libc::EAI_SYSTEM, GaiErrorKind::System),
];

/// The resolver needs no preparation.
pub(crate) fn start() {}

/// Says why a call failed; `last` is the error of the system call before.
pub(crate) fn failed(code: i32, host: &str, last: &io::Error) -> GaiError {
    let text = if code == libc::EAI_SYSTEM {
        last.to_string()
    } else {
        // SAFETY: the call takes any number.
        let text = unsafe { libc::gai_strerror(code) };
        // SAFETY: it gives a string that ends in a zero and is never changed.
        let text = unsafe { CStr::from_ptr(text) };
        text.to_string_lossy().into_owned()
    };
    super::failed(KINDS, code, host, text)
}
