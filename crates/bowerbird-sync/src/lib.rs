//! bowerbird-sync
