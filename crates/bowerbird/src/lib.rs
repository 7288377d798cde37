//! bowerbird
