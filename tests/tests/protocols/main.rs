//! Transports and protocols: after CPython's `test_selector_events.py`, `test_transports.py` and others.

mod datagrams;
#[cfg(unix)]
mod datagrams_unix;
mod ends;
mod errors;
mod files;
mod names;
mod options;
#[cfg(unix)]
mod pipes;
mod reading;
mod servers;
#[cfg(unix)]
mod subprocess;
mod support;
#[cfg(unix)]
mod unix;
mod writing;
