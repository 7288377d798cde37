//! A pool of workers: many jobs, four at a time, in a group that fails as a whole or not at all.
//!
//! Run it with `cargo run --example worker_pool`.

use std::time::Duration;

use bowerbird::{ExceptionGroup, Policy, Task, TaskGroup, sleep};

/// Why a page could not be had.
#[derive(Debug)]
struct Gone(u32);

impl std::fmt::Display for Gone {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "page {} is gone", self.0)
    }
}

impl std::error::Error for Gone {}

/// Gives the length of a page.
async fn fetch(page: u32) -> Result<usize, Gone> {
    sleep(Duration::from_millis(5)).await;
    if page % 10 == 9 { Err(Gone(page)) } else { Ok(page as usize * 100) }
}

/// All pages, or the error that made it stop.
async fn fetch_all(pages: std::ops::Range<u32>) -> Result<usize, ExceptionGroup> {
    let pool = TaskGroup::new().name("pages").limit(4);
    pool.run(async |group| {
        let jobs: Vec<_> = pages.map(|page| group.spawn(fetch(page))).collect();
        let mut total = 0;
        for job in jobs {
            total += job.await?;
        }
        Ok(total)
    })
    .await
}

/// What can be had: a page that is gone stops nobody.
async fn fetch_what_is_there(pages: std::ops::Range<u32>) -> Result<(), ExceptionGroup> {
    let pool = TaskGroup::new().name("pages").limit(4).policy(Policy::Supervisor);
    pool.run(async |group| {
        for page in pages {
            let job = Task::builder().name(format!("page {page}"));
            group.spawn_with(job, async move { fetch(page).await.map(drop) });
        }
        Ok(())
    })
    .await
}

#[bowerbird::main]
async fn main() {
    println!("{} bytes", fetch_all(0..8).await.expect("they are all there"));

    let errors = fetch_all(0..100).await.expect_err("some pages are gone");
    println!("stopped: {}", errors.find::<Gone>().expect("that is why"));

    // As a tree, with the tasks and the lines that spawned them.
    let errors = fetch_what_is_there(0..30).await.expect_err("some pages are gone");
    println!("{errors:#}");
}
