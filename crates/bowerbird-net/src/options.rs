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
