//! A million tasks: spawned and awaited, parked at once, left behind.
//!
//! The normal run takes a hundredth of each number. Figures are printed; see them with `--nocapture`.

use std::future::pending;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use bowerbird::{gather_iter, run, sleep, spawn, yield_now};
use bowerbird_tests::{
    Counted, everywhere, in_own_process, on_workers, resident_bytes, scaled, until,
};

#[test]
fn million_tasks_are_spawned_and_awaited() {
    everywhere(|| async {
        let count = scaled(1_000_000);
        let started = Instant::now();
        let mut sum = 0;
        let tasks: Vec<_> = (0..count).map(|number| spawn(async move { number })).collect();
        for task in tasks {
            sum += task.await.unwrap();
        }
        assert_eq!(sum, count * (count - 1) / 2);
        println!("figure: {count} tasks spawned, then awaited, in {:?}", started.elapsed());
    });
}

#[test]
fn million_tasks_that_yield_are_gathered() {
    everywhere(|| async {
        let count = scaled(1_000_000);
        let outputs = gather_iter((0..count).map(|number| async move {
            yield_now().await;
            number
        }));
        assert_eq!(outputs.await.into_iter().sum::<u64>(), count * (count - 1) / 2);
    });
}

#[test]
fn tasks_spawned_in_a_tree_all_end() {
    fn tree(depth: u32, leaves: Counted) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(async move {
            if depth == 0 {
                return leaves.add();
            }
            let children = [(); 4].map(|()| spawn(tree(depth - 1, leaves.clone())));
            for child in children {
                child.await.unwrap();
            }
        })
    }
    let depth = if cfg!(feature = "soak") { 9 } else { 6 };
    everywhere(|| async {
        let leaves = Counted::new();
        tree(depth, leaves.clone()).await;
        assert_eq!(leaves.get(), 4_usize.pow(depth));
    });
}

/// A future of 64 bytes that waits for ever and, like every leaf, keeps the waker.
struct Parked {
    waker: Option<Waker>,
    begun: Counted,
    _local_variables: [u8; 40],
}

const _: () = assert!(size_of::<Parked>() == 64);

impl Future for Parked {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.waker.is_none() {
            self.waker = Some(cx.waker().clone());
            self.begun.add();
        }
        Poll::Pending
    }
}

async fn park(count: u64, begun: &Counted) {
    const BURST: u64 = 1_000;
    for _ in 0..count / BURST {
        let goal = begun.get() + BURST as usize;
        for _ in 0..BURST {
            let parked = Parked { waker: None, begun: begun.clone(), _local_variables: [0; 40] };
            drop(spawn(parked));
        }
        until(|| begun.get() == goal).await;
    }
}

/// smol's figure; tokio's is 439.
const MOST_BYTES: f64 = 162.0;

fn check_memory(workers: usize) {
    on_workers(workers, async {
        let begun = Counted::new();
        // What the allocator and the queues keep anyway.
        park(1_000, &begun).await;
        let before = resident_bytes();
        let count = scaled(1_000_000);
        park(count, &begun).await;
        let bytes = (resident_bytes() - before) as f64 / count as f64;
        println!(
            "figure: {bytes:.1} bytes a parked task of 64 bytes, {count} tasks, {workers} workers"
        );
        // A hundredth of the tasks does not outweigh a page here and there.
        let slack = if cfg!(feature = "soak") { 0.0 } else { 10.0 };
        assert!(bytes <= MOST_BYTES + slack, "{bytes} bytes a task");
    });
}

#[test]
fn parked_tasks_are_small_on_one_worker() {
    in_own_process("parked_tasks_are_small_on_one_worker", &[], || check_memory(1));
}

#[test]
fn parked_tasks_are_small_on_two_workers() {
    in_own_process("parked_tasks_are_small_on_two_workers", &[], || check_memory(2));
}

#[test]
fn run_ends_while_a_hundred_thousand_tasks_sleep() {
    for workers in [1, 2, 4] {
        let count = scaled(100_000);
        let begun = Counted::new();
        let main_ended = on_workers(workers, async {
            for _ in 0..count {
                let begun = begun.clone();
                drop(spawn(async move {
                    begun.add();
                    sleep(Duration::from_secs(3_600)).await;
                }));
            }
            until(|| begun.get() as u64 == count).await;
            Instant::now()
        });
        let took = main_ended.elapsed();
        println!(
            "figure: run returned {took:?} after main, {count} tasks slept, {workers} workers"
        );
    }
}

#[test]
fn run_ends_while_tasks_are_spawned_by_others() {
    for _ in 0..scaled(1_000) {
        run(async {
            for _ in 0..10 {
                drop(spawn(async {
                    loop {
                        drop(spawn(pending::<()>()));
                        yield_now().await;
                    }
                }));
            }
            yield_now().await;
        });
    }
}
