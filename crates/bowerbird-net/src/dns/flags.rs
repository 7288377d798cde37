//! The options of the resolver, by the system's numbers.

use std::fmt;
use std::ops::{BitOr, BitOrAssign};

use super::system::os;

/// A type around a number of the system, with names for some of its values.
macro_rules! numbers {
    (
        $(#[$doc:meta])* $type:ident;
        $($(#[$name_doc:meta])* $name:ident = $constant:ident,)*
    ) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
        pub struct $type(i32);

        impl $type {
            $($(#[$name_doc])* pub const $name: Self = Self(os::$constant as i32);)*

            /// Makes one of the system's number.
            pub const fn from_raw(number: i32) -> Self {
                Self(number)
            }

            /// Returns the system's number.
            pub const fn as_raw(self) -> i32 {
                self.0
            }

            const NAMES: &[(Self, &str)] = &[$((Self::$name, stringify!($name)),)*];
        }
    };
}

/// The same for numbers that are put together, bit by bit.
macro_rules! flags {
    ($($type:ident)*) => {
        $(impl $type {
            /// Returns whether it has all that `other` has.
            pub const fn contains(self, other: Self) -> bool {
                self.0 & other.0 == other.0
            }
        }

        impl BitOr for $type {
            type Output = Self;

            fn bitor(self, other: Self) -> Self {
                Self(self.0 | other.0)
            }
        }

        impl BitOrAssign for $type {
            fn bitor_assign(&mut self, other: Self) {
                self.0 |= other.0;
            }
        }

        impl fmt::Debug for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let mut rest = self.0;
                let mut list = f.debug_set();
                for (flag, name) in Self::NAMES.iter().filter(|(flag, _)| self.contains(*flag)) {
                    rest &= !flag.0;
                    list.entry(&format_args!("{name}"));
                }
                if rest != 0 {
                    list.entry(&rest);
                }
                list.finish()
            }
        })*
    };
}

/// The same for numbers that stand for one thing.
macro_rules! one_of {
    ($($type:ident)*) => {
        $(impl fmt::Debug for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match Self::NAMES.iter().find(|(value, _)| value == self) {
                    Some((_, name)) => f.write_str(name),
                    None => write!(f, "{}({})", stringify!($type), self.0),
                }
            }
        })*
    };
}

numbers! {
    /// A family of addresses; by default any.
    ///
    /// asyncio: `socket.AF_INET` and the like.
    Family;
    /// `AF_UNSPEC`: any.
    UNSPEC = AF_UNSPEC,
    /// `AF_INET`: IPv4.
    INET = AF_INET,
    /// `AF_INET6`: IPv6.
    INET6 = AF_INET6,
}

numbers! {
    /// A type of sockets; by default any.
    ///
    /// asyncio: `socket.SOCK_STREAM` and the like.
    SocketType;
    /// Any.
    ANY = SOCK_ANY,
    /// `SOCK_STREAM`: as TCP.
    STREAM = SOCK_STREAM,
    /// `SOCK_DGRAM`: as UDP.
    DGRAM = SOCK_DGRAM,
    /// `SOCK_RAW`.
    RAW = SOCK_RAW,
}

numbers! {
    /// How [`getaddrinfo`](super::getaddrinfo) looks; by default none of these.
    ///
    /// asyncio: `socket.AI_PASSIVE` and the like.
    AddrInfoFlags;
    /// `AI_PASSIVE`: without a host, the addresses to bind a server to.
    PASSIVE = AI_PASSIVE,
    /// `AI_CANONNAME`: the first result says the name that the host calls itself.
    CANONNAME = AI_CANONNAME,
    /// `AI_NUMERICHOST`: the host is no name; what is one is an error, and nothing is looked up.
    NUMERICHOST = AI_NUMERICHOST,
    /// `AI_NUMERICSERV`: the port is no name.
    NUMERICSERV = AI_NUMERICSERV,
    /// `AI_V4MAPPED`: where there is no IPv6 address, IPv4 ones in its form.
    V4MAPPED = AI_V4MAPPED,
    /// `AI_ALL`: these too where there is one.
    ALL = AI_ALL,
    /// `AI_ADDRCONFIG`: only families of which this machine has an address.
    ADDRCONFIG = AI_ADDRCONFIG,
}

numbers! {
    /// How [`getnameinfo`](super::getnameinfo) looks; by default none of these.
    ///
    /// asyncio: `socket.NI_NUMERICHOST` and the like.
    NameInfoFlags;
    /// `NI_NUMERICHOST`: the host as a number.
    NUMERICHOST = NI_NUMERICHOST,
    /// `NI_NUMERICSERV`: the service as a number.
    NUMERICSERV = NI_NUMERICSERV,
    /// `NI_NAMEREQD`: a host without a name is an error.
    NAMEREQD = NI_NAMEREQD,
    /// `NI_DGRAM`: the service is one of datagrams.
    DGRAM = NI_DGRAM,
    /// `NI_NOFQDN`: a host of this domain without the domain.
    NOFQDN = NI_NOFQDN,
}

flags!(AddrInfoFlags NameInfoFlags);
one_of!(Family SocketType);
