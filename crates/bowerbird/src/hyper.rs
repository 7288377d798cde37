//! What hyper asks of a runtime: an executor and a timer; streams are hyper's I/O by themselves.
//!
//! asyncio: no counterpart; it has no HTTP.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bowerbird_timer::part;
use hyper::rt;

/// Spawns hyper's background futures as tasks.
///
/// # Examples
/// ```
/// use hyper::rt::Executor;
/// bowerbird::run(async {
///     let (sender, receiver) = bowerbird::sync::oneshot::channel();
///     bowerbird::hyper::TaskExecutor.execute(async { sender.send("done").unwrap() });
///     assert_eq!(receiver.await, Ok("done"));
/// });
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct TaskExecutor;

impl<F> rt::Executor<F> for TaskExecutor
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    #[track_caller]
    fn execute(&self, future: F) {
        drop(crate::spawn(future));
    }
}

/// Gives hyper this runtime's sleeps and clock.
///
/// # Examples
/// ```
/// use hyper::rt::Timer;
/// bowerbird::run(async {
///     let deadline = bowerbird::time::now() + std::time::Duration::from_millis(1);
///     bowerbird::hyper::RuntimeTimer.sleep_until(deadline).await;
///     assert!(bowerbird::time::now() >= deadline);
/// });
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct RuntimeTimer;

impl rt::Timer for RuntimeTimer {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn rt::Sleep>> {
        Box::pin(TimerSleep(part::sleep(duration)))
    }

    fn sleep_until(&self, deadline: Instant) -> Pin<Box<dyn rt::Sleep>> {
        Box::pin(TimerSleep(part::sleep_until(deadline)))
    }

    fn reset(&self, sleep: &mut Pin<Box<dyn rt::Sleep>>, new_deadline: Instant) {
        match sleep.as_mut().downcast_mut_pin::<TimerSleep>() {
            Some(mut ours) => ours.0.reset(new_deadline),
            None => *sleep = self.sleep_until(new_deadline),
        }
    }

    fn now(&self) -> Instant {
        crate::time::now()
    }
}

struct TimerSleep(crate::time::Sleep);

impl rt::Sleep for TimerSleep {}

impl Future for TimerSleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        Pin::new(&mut self.0).poll(cx)
    }
}
