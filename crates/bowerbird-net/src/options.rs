//! Options of sockets: each is a line in a table, and becomes a method that asks and one that sets.

/// Gives a type the methods of a table of options: `get, set: type, the calls of socket2, what it is;`.
macro_rules! options {
    ($Type:ident, $handle:ident => $source:expr; $(
        $(#[$cfg:meta])*
        $get:ident, $set:ident: $value:ty, $os_get:ident, $os_set:ident, $what:literal;
    )*) => {
        impl $Type {
            $(
                $(#[$cfg])*
                #[doc = concat!("Returns ", $what)]
                ///
                /// asyncio: `get_extra_info("socket").getsockopt(..)`.
                ///
                /// # Errors
                /// What the system says.
                pub fn $get(&self) -> std::io::Result<$value> {
                    let $handle = self;
                    $crate::socket::option($source, |socket| socket.$os_get())
                }

                $(#[$cfg])*
                #[doc = concat!("Sets ", $what)]
                ///
                /// asyncio: `get_extra_info("socket").setsockopt(..)`.
                ///
                /// # Errors
                /// What the system says.
                pub fn $set(&self, value: $value) -> std::io::Result<()> {
                    let $handle = self;
                    $crate::socket::option($source, |socket| socket.$os_set(value))
                }
            )*
        }
    };
}
pub(crate) use options;

/// The options of every socket.
macro_rules! buffer_options {
    ($Type:ident, $this:ident => $source:expr) => {
        $crate::options::options! {
            $Type, $this => $source;
            recv_buffer_size, set_recv_buffer_size: usize, recv_buffer_size, set_recv_buffer_size,
                "the size of the system's buffer for receiving (`SO_RCVBUF`); Linux doubles what is set.";
            send_buffer_size, set_send_buffer_size: usize, send_buffer_size, set_send_buffer_size,
                "the size of the system's buffer for sending (`SO_SNDBUF`); Linux doubles what is set.";
        }
    };
}
pub(crate) use buffer_options;

/// The options of every internet socket.
macro_rules! packet_options {
    ($Type:ident, $this:ident => $source:expr) => {
        $crate::options::buffer_options!($Type, $this => $source);

        $crate::options::options! {
            $Type, $this => $source;
            tos_v4, set_tos_v4: u32, tos_v4, set_tos_v4,
                "the type of service of IPv4 packets (`IP_TOS`).";
            #[cfg(target_os = "linux")]
            tclass_v6, set_tclass_v6: u32, tclass_v6, set_tclass_v6,
                "the traffic class of IPv6 packets (`IPV6_TCLASS`). Linux.";
            #[cfg(target_os = "linux")]
            mark, set_mark: u32, mark, set_mark,
                "the mark for the system's routing and filters (`SO_MARK`). Linux.";
        }
    };
}
pub(crate) use packet_options;
