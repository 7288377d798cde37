//! bowerbird-timer
