//! bowerbird-macros
