//! Work that is more than a hand-over: unevenly spread, or in the way of others.

use std::hint::black_box;
use std::time::{Duration, Instant};

use super::countdown::Countdown;
use super::outside;
use crate::runtimes::Runtime;

const JOBS: u64 = 1_000;
/// How many of them one task spawns; another spawns the rest.
const JOBS_OF_ONE: u64 = 900;
/// A job takes about 10 us: so many steps of a generator, each waiting for the one before.
const STEPS: u64 = 6_000;
/// How long one of the long computations takes.
const LONG: Duration = Duration::from_millis(10);
/// How often a short request comes.
const PAUSE: Duration = Duration::from_micros(200);

static RUNNING: Countdown = Countdown::new();

/// Computes; no clock is asked, so time that others take is not taken for work.
pub(crate) fn job() {
    let mut state = black_box(1_u64);
    for _ in 0..STEPS {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
    }
    black_box(state);
}

/// What a job takes by itself: the median of many.
pub(crate) fn time_of_a_job() -> Duration {
    let mut times = Vec::with_capacity(201);
    for _ in 0..201 {
        let start = Instant::now();
        job();
        times.push(start.elapsed());
    }
    times.sort_unstable();
    times[100]
}

/// Nine in ten of the jobs are spawned by one task, the rest by another. How much of what `workers` could have
/// done in the time they did: 1 if all were always busy with jobs.
pub async fn uneven_efficiency<R: Runtime>(workers: usize, budget: Duration) -> f64 {
    let each = time_of_a_job();
    uneven_batch::<R>().await;
    let start = Instant::now();
    let mut jobs = 0;
    while start.elapsed() < budget {
        uneven_batch::<R>().await;
        jobs += JOBS;
    }
    each.as_secs_f64() * jobs as f64 / (start.elapsed().as_secs_f64() * workers as f64)
}

async fn uneven_batch<R: Runtime>() {
    RUNNING.start(JOBS);
    for count in [JOBS_OF_ONE, JOBS - JOBS_OF_ONE] {
        R::spawn_detached(async move {
            for _ in 0..count {
                R::spawn_detached(async {
                    job();
                    RUNNING.count_down();
                });
            }
        });
    }
    RUNNING.wait().await;
}

/// How long short requests take that come from outside while one task after the other computes for 10 ms on a
/// worker. A request is a task that spawns another and awaits it.
pub async fn mixed_load<R: Runtime>(budget: Duration) -> Vec<Duration> {
    let until = Instant::now() + budget;
    let computing = R::spawn(async move {
        while Instant::now() < until {
            R::spawn(async {
                let start = Instant::now();
                while start.elapsed() < LONG {
                    job();
                }
            })
            .await;
        }
    });
    let handle = R::handle();
    let times =
        outside::on_a_thread::<R, _>(move || outside::requests::<R>(&handle, PAUSE, until)).await;
    computing.await;
    times
}
