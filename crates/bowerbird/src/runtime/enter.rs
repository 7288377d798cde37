//! A thread enters a runtime: the thread-locals of all crates are set, and set back.

use std::any::Any;
use std::sync::Arc;

use super::driver::{self, Driver};

/// Sets what `sleep`, sockets and the clock look for in this thread, until the guard is dropped.
pub(crate) fn enter(driver: Arc<Driver>, worker: Option<usize>) -> Box<dyn Any> {
    let timers = driver.timers().clone();
    let wheel = worker.unwrap_or_else(|| timers.shared_index());
    Box::new(Guard {
        io: bowerbird_io::enter(Some(driver.io().clone())),
        timers: bowerbird_timer::enter(Some(bowerbird_timer::Current { timers, wheel })),
        driver: driver::enter(Some(driver)),
    })
}

struct Guard {
    io: Option<Arc<bowerbird_io::IoDriver>>,
    timers: Option<bowerbird_timer::Current>,
    driver: Option<Arc<Driver>>,
}

impl Drop for Guard {
    fn drop(&mut self) {
        drop(bowerbird_io::enter(self.io.take()));
        drop(bowerbird_timer::enter(self.timers.take()));
        drop(driver::enter(self.driver.take()));
    }
}
