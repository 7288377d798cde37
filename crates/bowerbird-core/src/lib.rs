//! bowerbird-core
