//! bowerbird-io
