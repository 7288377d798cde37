//! What went wrong elsewhere, as tests of ours; each names the peer's issue.

mod common;

use std::future::{pending, poll_fn};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, Mutex};
use std::task::{Context, Poll, RawWaker, RawWakerVTable, Wake, Waker};

use bowerbird_core::{
    Handle, ParkOnly, Parker, Patience, Runtime, SpawnOptions, Threads, block_in_place,
};
use common::{
    Bomb, config, count, everywhere, go, go_blocking, go_local, read, runtime, spin_until, until,
    watched, yield_now,
};

/// Row 3: tokio #525. Each side's work is seen by the other, and no wake-up is lost.
#[test]
fn parkers_of_two_threads_wake_each_other_a_million_times() {
    const TURNS: usize = 500_000;
    watched(|| {
        let (ours, theirs) = (Arc::new(Parker::new()), Arc::new(Parker::new()));
        let turn = count();
        let other = {
            let (ours, theirs, turn) = (ours.clone(), theirs.clone(), turn.clone());
            std::thread::spawn(move || {
                for round in 0..TURNS {
                    while turn.load(Ordering::Relaxed) != 2 * round + 1 {
                        theirs.park(None);
                    }
                    turn.store(2 * round + 2, Ordering::Relaxed);
                    assert_eq!(ours.unpark(), None);
                }
            })
        };
        for round in 0..TURNS {
            turn.store(2 * round + 1, Ordering::Relaxed);
            assert_eq!(theirs.unpark(), None);
            while turn.load(Ordering::Relaxed) != 2 * round + 2 {
                ours.park(None);
            }
        }
        other.join().unwrap();
    });
}

/// Rows 2 and 5: tokio #1788, compio #948. One task is woken by two threads while it is polled.
#[test]
fn wakes_from_two_threads_during_polls_are_all_answered() {
    const WAKES: usize = 20_000;
    everywhere(|| async {
        let wanted = count();
        let threads: Arc<Mutex<Vec<std::thread::JoinHandle<()>>>> = Arc::default();
        let (seen, spawned) = (wanted.clone(), threads.clone());
        let mut is_first = true;
        let task = go(poll_fn(move |cx| {
            if std::mem::take(&mut is_first) {
                let mut spawned = spawned.lock().unwrap();
                spawned.extend((0..2).map(|_| {
                    let (waker, seen) = (cx.waker().clone(), seen.clone());
                    std::thread::spawn(move || {
                        for _ in 0..WAKES {
                            seen.fetch_add(1, Ordering::Relaxed);
                            waker.wake_by_ref();
                        }
                    })
                }));
            }
            if seen.load(Ordering::Relaxed) == 2 * WAKES { Poll::Ready(()) } else { Poll::Pending }
        }));
        task.await.unwrap();
        let threads = std::mem::take(&mut *threads.lock().unwrap());
        threads.into_iter().for_each(|thread| thread.join().unwrap());
    });
}

/// Row 6: async-executor #104, bevy #7825.
#[test]
fn task_spawned_inside_a_nested_block_on_is_run_by_another_worker() {
    watched(|| {
        for workers in [2, 3] {
            let rt = runtime(workers, Threads::All);
            let inner = Handle::new(&rt);
            let task = rt.spawn(
                async move {
                    block_in_place(|| inner.block_on(async { go(async { 4 }).await.unwrap() }))
                        .unwrap()
                },
                &SpawnOptions::default(),
            );
            assert_eq!(rt.block_on(task).unwrap().unwrap(), 4);
            rt.shut_down(Patience::Complete);
        }
    });
}

/// Row 7: tokio #2349, #5686, #5712. Two tasks hand each other the slot for ever.
#[test]
fn ping_pong_in_the_slot_does_not_starve_a_third_task() {
    watched(|| {
        for workers in [1, 2] {
            let rt = runtime(workers, Threads::AllButFirst);
            rt.run(async move {
                let wakers: Arc<Mutex<[Option<Waker>; 2]>> = Arc::default();
                for side in 0..2 * workers {
                    let wakers = if side < 2 { wakers.clone() } else { Arc::default() };
                    drop(go(poll_fn(move |cx| {
                        let other = {
                            let mut wakers = wakers.lock().unwrap();
                            wakers[side % 2] = Some(cx.waker().clone());
                            wakers[1 - side % 2].take()
                        };
                        match other {
                            Some(other) => other.wake(),
                            None => cx.waker().wake_by_ref(),
                        }
                        Poll::<()>::Pending
                    })));
                }
                for _ in 0..100 {
                    assert_eq!(go(async { 3 }).await.unwrap(), 3);
                }
            })
            .unwrap();
            rt.shut_down(Patience::Complete);
        }
    });
}

/// Row 8: tokio #4941, #8120. The rescue thread frees the slot of a worker that is stuck, also when
/// everything had slept before.
#[test]
fn task_in_the_slot_of_a_stuck_worker_runs_elsewhere() {
    watched(|| {
        for threads in [Threads::All, Threads::AllButFirst] {
            let rt = runtime(2, threads);
            let stuck = || async {
                let ran = Arc::new(AtomicBool::new(false));
                let flag = ran.clone();
                drop(go(async move { flag.store(true, Ordering::SeqCst) }));
                spin_until(|| ran.load(Ordering::SeqCst));
            };
            match threads {
                Threads::All => rt.block_on(async { go(stuck()).await.unwrap() }).unwrap(),
                Threads::AllButFirst => rt.run(stuck()).unwrap(),
            }
            rt.shut_down(Patience::Complete);
        }
    });
}

/// Row 9: tokio #6470, #5854. N tasks on N workers must be inside at the same time.
#[test]
fn barrier_across_all_workers_is_reached() {
    watched(|| {
        for workers in [2, 4] {
            let rt = runtime(workers, Threads::AllButFirst);
            for _ in 0..50 {
                rt.run(async move {
                    let barrier = Arc::new(Barrier::new(workers));
                    let tasks: Vec<_> = (1..workers)
                        .map(|_| {
                            let barrier = barrier.clone();
                            go(async move {
                                barrier.wait();
                            })
                        })
                        .collect();
                    barrier.wait();
                    for task in tasks {
                        task.await.unwrap();
                    }
                })
                .unwrap();
            }
            rt.shut_down(Patience::Complete);
        }
    });
}

/// Row 10: tokio #8065. Work that stays on its worker wakes nobody.
#[test]
fn local_wakes_do_not_wake_the_other_workers() {
    const WAKES: usize = 10_000;
    watched(|| {
        let mut settings = config(4);
        let wakes = count();
        let counted = wakes.clone();
        settings.on_thread_unpark =
            Some(Arc::new(move || _ = counted.fetch_add(1, Ordering::SeqCst)));
        let rt = Runtime::start(settings, Arc::new(ParkOnly), Threads::AllButFirst).unwrap();
        rt.run(async {
            let partner: Arc<Mutex<Option<Waker>>> = Arc::default();
            for _ in 0..WAKES {
                let partner = partner.clone();
                // Spawned into the slot, awaited at once: request and reply on one worker.
                go(async move { drop(partner.lock().unwrap().take()) }).await.unwrap();
            }
        })
        .unwrap();
        rt.shut_down(Patience::Complete);
        assert!(read(&wakes) < WAKES / 10, "{} wake-ups for {WAKES} local tasks", read(&wakes));
    });
}

/// Row 12: tokio #2087. The join handle is polled with another waker each time while the task ends.
#[test]
fn join_handle_polled_with_new_wakers_while_the_task_ends() {
    struct Ping(AtomicUsize);
    impl Wake for Ping {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }
    watched(|| {
        let rt = runtime(2, Threads::All);
        for round in 0..20_000 {
            let mut task = rt.spawn(
                async move {
                    if round % 2 == 0 {
                        yield_now().await;
                    }
                    round
                },
                &SpawnOptions::default(),
            );
            let mut last;
            let output = loop {
                last = Arc::new(Ping(AtomicUsize::new(0)));
                let waker = Waker::from(last.clone());
                match Pin::new(&mut task).poll(&mut Context::from_waker(&waker)) {
                    Poll::Ready(output) => break output,
                    // Every third waker must be the one that is woken.
                    Poll::Pending if round % 3 == 0 => spin_until(|| read(&last.0) > 0),
                    Poll::Pending => {}
                }
            };
            assert_eq!(output.unwrap(), round);
        }
        rt.shut_down(Patience::Complete);
    });
}

/// Row 14: tokio #3929. A `!Send` future is dropped on its own thread, whoever cancels it.
#[test]
fn cancel_from_another_thread_drops_a_local_future_at_home() {
    struct Here(std::thread::ThreadId, Arc<AtomicUsize>);
    impl Drop for Here {
        fn drop(&mut self) {
            assert_eq!(std::thread::current().id(), self.0);
            self.1.fetch_add(1, Ordering::SeqCst);
        }
    }
    everywhere(|| async {
        let drops = count();
        for is_polled in [false, true] {
            let here = Here(std::thread::current().id(), drops.clone());
            let polled = Arc::new(AtomicBool::new(false));
            let flag = polled.clone();
            let task = go_local(async move {
                let _here = here;
                flag.store(true, Ordering::SeqCst);
                pending::<()>().await;
            });
            if is_polled {
                until(|| polled.load(Ordering::SeqCst)).await;
            }
            let handle = task.handle();
            std::thread::spawn(move || handle.cancel()).join().unwrap();
            assert!(task.await.unwrap_err().is_cancelled());
        }
        assert_eq!(read(&drops), 2);
    });
}

/// Row 15: tokio #3662, #3159, #3964. From a thread that knows no runtime, in every state of the task.
#[test]
fn cancel_from_a_thread_outside_ends_the_task() {
    watched(|| {
        let rt = runtime(2, Threads::All);
        let drops = count();
        for round in 0..2_000 {
            let bomb = Bomb::new(&drops, false);
            let task = rt.spawn(
                async move {
                    let _bomb = bomb;
                    if round % 3 == 0 {
                        yield_now().await;
                    } else {
                        pending::<()>().await;
                    }
                },
                &SpawnOptions::default(),
            );
            let handle = task.handle();
            if round % 2 == 0 {
                drop(task);
            }
            let was_accepted = handle.cancel();
            drop(handle.clone());
            spin_until(|| handle.done());
            assert_eq!(handle.cancelled(), was_accepted, "round {round}");
        }
        rt.shut_down(Patience::Complete);
        assert_eq!(read(&drops), 2_000);
    });
}

/// Row 16: tokio #4412, #4430.
#[test]
fn panic_in_the_destructor_of_an_output_does_not_escape_from_the_drop_of_the_handle() {
    everywhere(|| async {
        let drops = count();
        let bomb = Bomb::new(&drops, true);
        let task = go(async move { bomb });
        task.handle().wait().await;
        drop(task);
        assert_eq!(read(&drops), 1);
    });
}

/// A waker that does something to the task when it is cloned, woken and dropped.
mod reentrant {
    #![allow(unsafe_code, reason = "a waker is made by hand")]
    use super::*;

    pub(crate) type Act = Arc<dyn Fn() + Send + Sync>;

    const VTABLE: RawWakerVTable = RawWakerVTable::new(
        |data| {
            let act = borrow(data);
            act();
            RawWaker::new(Box::into_raw(Box::new(act.clone())).cast(), &VTABLE)
        },
        |data| {
            let act = own(data);
            act();
        },
        |data| borrow(data)(),
        |data| {
            let act = own(data);
            act();
        },
    );

    fn borrow<'a>(data: *const ()) -> &'a Act {
        // SAFETY: the waker owns the box, and is alive during the call.
        unsafe { &*data.cast::<Act>() }
    }

    fn own(data: *const ()) -> Box<Act> {
        // SAFETY: the waker owned the box, and is gone after the call.
        unsafe { Box::from_raw(data.cast::<Act>().cast_mut()) }
    }

    pub(crate) fn waker(act: Act) -> Waker {
        // SAFETY: the functions take pointers to boxed `Act`s.
        unsafe { Waker::new(Box::into_raw(Box::new(act)).cast_const().cast(), &VTABLE) }
    }
}

/// Row 18: tokio #5429, #4129. A waker that uses the task again from its clone, wake and drop.
#[test]
fn waker_that_comes_back_to_the_task_meets_no_lock() {
    everywhere(|| async {
        let go_on = Arc::new(AtomicBool::new(false));
        let gate = go_on.clone();
        let mut task = go(async move { until(|| gate.load(Ordering::SeqCst)).await });
        let (handle, acts) = (task.handle(), count());
        let (used, counted) = (handle.clone(), acts.clone());
        let act: reentrant::Act = Arc::new(move || {
            counted.fetch_add(1, Ordering::SeqCst);
            let id = used.add_done_callback(|_| {});
            used.remove_done_callback(id);
            used.set_name(format!("{} again", used.id()));
            let _names = (used.name(), used.cancelling(), used.uncancel());
            let _all = bowerbird_core::all_tasks().len();
            let mut wait = Box::pin(used.wait());
            let _is_ready = wait.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready();
        });
        let mut kept = Vec::new();
        for _ in 0..3 {
            let waker = reentrant::waker(act.clone());
            let mut cx = Context::from_waker(&waker);
            let mut wait = Box::pin(handle.wait());
            let mut other = Box::pin(handle.wait());
            assert!(wait.as_mut().poll(&mut cx).is_pending());
            assert!(other.as_mut().poll(&mut cx).is_pending());
            assert!(wait.as_mut().poll(&mut cx).is_pending());
            assert!(Pin::new(&mut task).poll(&mut cx).is_pending());
            drop(wait);
            kept.push(other); // stays in the list until the task ends
        }
        go_on.store(true, Ordering::SeqCst);
        task.await.unwrap();
        assert!(read(&acts) > 12);
        handle.wait().await;
    });
}

/// Row 24: tokio #2309, #8406. The system starts no more threads: an error, and nothing stranded.
#[test]
fn blocking_work_without_a_thread_is_an_error_and_never_stranded() {
    watched(|| {
        let mut settings = config(1);
        settings.thread_stack_size = Some(usize::MAX / 4);
        let rt = Runtime::start(settings, Arc::new(ParkOnly), Threads::AllButFirst).unwrap();
        let handle = Handle::new(&rt);
        let threads: Vec<_> = (0..4)
            .map(|_| {
                let handle = handle.clone();
                std::thread::spawn(move || {
                    for _ in 0..200 {
                        let task = handle.spawn_blocking(|| ());
                        spin_until(|| task.done());
                        let error = task.try_join().unwrap().unwrap_err();
                        assert!(error.message().unwrap().contains("thread"), "{error}");
                    }
                })
            })
            .collect();
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        assert_eq!(handle.blocking_figures(), (0, 0, 0));
        rt.shut_down(Patience::Complete);
    });
}

/// Threads that took over seats do not use up the limit of the pool.
#[test]
fn blocking_work_runs_beside_as_many_block_in_place_as_the_limit() {
    watched(|| {
        let mut settings = config(3);
        settings.max_blocking_threads = 1;
        let rt = Runtime::start(settings, Arc::new(ParkOnly), Threads::All).unwrap();
        rt.block_on(async {
            for _ in 0..10 {
                go(async { block_in_place(std::thread::yield_now) }).await.unwrap();
                assert_eq!(go_blocking(|| 6).await.unwrap(), 6);
            }
        })
        .unwrap();
        rt.shut_down(Patience::Complete);
    });
}

/// An eager task that gives its worker's seat away leaves its spawner without one.
#[test]
fn eager_task_may_give_the_seat_away() {
    watched(|| {
        let rt = runtime(2, Threads::All);
        rt.block_on(async {
            for _ in 0..200 {
                let mut options = SpawnOptions::default();
                options.is_eager = true;
                let outer = go(async move {
                    let at = std::panic::Location::caller();
                    let inner = bowerbird_core::spawn_with(
                        async {
                            block_in_place(std::thread::yield_now);
                            yield_now().await;
                            1
                        },
                        &options,
                        at,
                    );
                    let other = go(async { 2 });
                    inner.unwrap().await.unwrap() + other.await.unwrap()
                });
                assert_eq!(outer.await.unwrap(), 3);
            }
        })
        .unwrap();
        rt.shut_down(Patience::Complete);
    });
}

/// A task that the park hook spawns is run before the worker sleeps.
#[test]
fn task_spawned_by_the_park_hook_is_not_slept_over() {
    watched(|| {
        for workers in [1, 2] {
            let (spawned, ran) = (count(), count());
            let mut settings = config(workers);
            let (counted, flag) = (spawned.clone(), ran.clone());
            settings.on_thread_park = Some(Arc::new(move || {
                if counted.fetch_add(1, Ordering::SeqCst) == 0 {
                    let flag = flag.clone();
                    drop(go(async move { flag.fetch_add(1, Ordering::SeqCst) }));
                }
            }));
            let rt = Runtime::start(settings, Arc::new(ParkOnly), Threads::All).unwrap();
            spin_until(|| read(&ran) == 1);
            rt.shut_down(Patience::Complete);
        }
    });
}
