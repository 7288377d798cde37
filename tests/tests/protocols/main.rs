//! Transports and protocols: after CPython's `test_selector_events.py`, `test_transports.py` and others.

mod ends;
mod errors;
mod reading;
mod support;
mod writing;
