//! The resolver's names on Windows.

use std::io;
use std::sync::Once;

use socket2::{Domain, Socket, Type};
use windows_sys::Win32::Networking::WinSock as win;

pub(crate) use win::{
    ADDRINFOA as addrinfo, AF_INET, AF_INET6, AF_UNSPEC, AI_ADDRCONFIG, AI_ALL, AI_CANONNAME,
    AI_NUMERICHOST, AI_NUMERICSERV, AI_PASSIVE, AI_V4MAPPED, NI_DGRAM, NI_NAMEREQD, NI_NOFQDN,
    NI_NUMERICHOST, NI_NUMERICSERV, SOCK_DGRAM, SOCK_RAW, SOCK_STREAM, freeaddrinfo, getaddrinfo,
    getnameinfo,
};

use crate::dns::{GaiError, GaiErrorKind};

pub(crate) const SOCK_ANY: i32 = 0;

/// What a buffer's length is in `getnameinfo`, and what its flags are.
pub(crate) type Length = u32;
pub(crate) type NameFlags = i32;

const KINDS: &[(i32, GaiErrorKind)] = &[
    (win::WSAHOST_NOT_FOUND, GaiErrorKind::NoName),
    (win::WSANO_DATA, GaiErrorKind::NoName),
    (win::WSATRY_AGAIN, GaiErrorKind::Temporary),
    (win::WSANO_RECOVERY, GaiErrorKind::Permanent),
    (win::WSAEAFNOSUPPORT, GaiErrorKind::Unsupported),
    (win::WSAESOCKTNOSUPPORT, GaiErrorKind::Unsupported),
    (win::WSAEINVAL, GaiErrorKind::Unsupported),
    (win::WSATYPE_NOT_FOUND, GaiErrorKind::Service),
    (win::WSA_NOT_ENOUGH_MEMORY, GaiErrorKind::Memory),
];

/// Starts Winsock, as the first socket does.
pub(crate) fn start() {
    static STARTED: Once = Once::new();
    STARTED.call_once(|| drop(Socket::new(Domain::IPV4, Type::DGRAM, None)));
}

/// Says why a call failed; its numbers are errors of the system.
pub(crate) fn failed(code: i32, host: &str, _last: &io::Error) -> GaiError {
    super::failed(KINDS, code, host, io::Error::from_raw_os_error(code).to_string())
}
