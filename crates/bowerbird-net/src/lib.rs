//! bowerbird-net
