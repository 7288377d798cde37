//! `sleep`, `sleep_until`, `yield_now`, and the clock that a test may pause.

use std::future::pending;
use std::time::Duration;

use bowerbird::net::{TcpListener, TcpStream};
use bowerbird::{Runner, gather, gather_iter, sleep, sleep_until, spawn, time, timeout, yield_now};
use bowerbird_tests::{Journal, catch, everywhere, on_workers, paused, turns};

const MS: Duration = Duration::from_millis(1);

#[test]
fn sleep_ends_no_earlier_than_asked() {
    everywhere(|| async {
        for duration in [Duration::from_micros(1), Duration::from_micros(300), 3 * MS] {
            let start = time::now();
            sleep(duration).await;
            assert!(time::now() - start >= duration);
        }
    });
}

#[test]
fn sleeps_end_in_the_order_of_their_deadlines() {
    let journal = Journal::new();
    paused(async {
        gather_iter([50, 10, 40, 20, 30].map(|delay| {
            let journal = journal.clone();
            async move {
                sleep(delay * MS).await;
                journal.note(delay.to_string());
            }
        }))
        .await;
    });
    journal.expect(&["10", "20", "30", "40", "50"]);
}

#[test]
fn deadlines_that_have_all_passed_still_fire_in_their_order() {
    let journal = Journal::new();
    on_workers(1, async {
        let sleepers = gather_iter([3, 1, 2].map(|delay| {
            let journal = journal.clone();
            async move {
                sleep(delay * MS).await;
                journal.note(delay.to_string());
            }
        }));
        turns(2).await;
        // A long poll: all three deadlines pass before the next look at them.
        std::thread::sleep(10 * MS);
        sleepers.await;
    });
    journal.expect(&["1", "2", "3"]);
}

#[test]
fn equal_deadlines_fire_in_the_order_of_the_first_polls() {
    let journal = Journal::new();
    paused(async {
        let deadline = time::now() + 5 * MS;
        gather_iter((0..5).map(|number| {
            let journal = journal.clone();
            async move {
                sleep_until(deadline).await;
                journal.note(number.to_string());
            }
        }))
        .await;
    });
    journal.expect(&["0", "1", "2", "3", "4"]);
}

#[test]
fn sleep_of_zero_gives_everybody_else_one_turn() {
    let journal = Journal::new();
    on_workers(1, async {
        let inner = journal.clone();
        drop(spawn(async move {
            inner.note("other");
            yield_now().await;
            inner.note("other again");
        }));
        sleep(Duration::ZERO).await;
        journal.note("main");
        yield_now().await;
        journal.note("main again");
    });
    journal.expect(&["other", "main", "other again", "main again"]);
}

#[test]
fn instant_that_has_passed_is_ready_at_once() {
    everywhere(|| async {
        let now = time::now();
        sleep_until(now).await;
        sleep_until(now - Duration::from_micros(5)).await;
    });
}

#[test]
fn longest_durations_are_waited_for_without_a_panic() {
    everywhere(|| async {
        for duration in [Duration::MAX, Duration::from_secs(u64::MAX / 2)] {
            assert!(timeout(MS, sleep(duration)).await.is_err());
        }
    });
}

#[test]
fn paused_clock_jumps_from_deadline_to_deadline() {
    paused(async {
        let start = time::now();
        sleep(Duration::from_secs(1_000_000)).await;
        assert_eq!(time::now() - start, Duration::from_secs(1_000_000));
    });
}

#[test]
fn paused_clock_waits_for_blocking_work() {
    paused(async {
        let (release, blocked) = std::sync::mpsc::channel();
        let work = spawn(bowerbird::to_thread(move || blocked.recv().unwrap()));
        let start = time::now();
        let sleeper = spawn(sleep(Duration::from_secs(5)));
        turns(100).await;
        assert_eq!(time::now(), start);
        release.send("result").unwrap();
        assert_eq!(work.await.unwrap(), "result");
        sleeper.await.unwrap();
        assert_eq!(time::now() - start, Duration::from_secs(5));
    });
}

#[test]
fn paused_clock_does_not_jump_over_blocking_work_that_is_just_ending() {
    for _ in 0..300 {
        let journal = Journal::new();
        let (of_work, of_sleep) = (journal.clone(), journal.clone());
        paused(async move {
            let work = spawn(async move {
                bowerbird::to_thread(|| ()).await;
                of_work.note("work");
            });
            let sleeper = spawn(async move {
                sleep(Duration::from_secs(5)).await;
                of_sleep.note("sleep");
            });
            gather((work, sleeper)).await.0.unwrap();
        });
        journal.expect(&["work", "sleep"]);
    }
}

#[test]
fn advance_moves_a_paused_clock_on_any_number_of_workers() {
    for workers in [1, 2, 4] {
        let builder = Runner::builder().worker_threads(workers);
        builder
            .build()
            .unwrap()
            .run(async {
                time::pause();
                let start = time::now();
                let task = spawn(sleep_until(start + Duration::from_secs(60)));
                turns(10).await;
                time::advance(Duration::from_secs(61)).await;
                task.await.unwrap();
                assert_eq!(time::now() - start, Duration::from_secs(61));
                time::resume();
                sleep(MS).await;
            })
            .unwrap();
    }
}

#[test]
fn advance_of_a_running_clock_panics_and_names_the_fix() {
    on_workers(1, async {
        let caught = catch(|| drop(time::advance(MS)));
        assert!(caught.message.contains("pause()"), "{caught:?}");
        assert_eq!((caught.file.as_str(), caught.line), (file!(), line!() - 2));
    });
}

#[test]
fn sleep_given_another_deadline_ends_at_that() {
    paused(async {
        let start = time::now();
        let mut waiting = sleep(Duration::from_secs(60));
        assert!(timeout(MS, &mut waiting).await.is_err());
        waiting.reset(start + 10 * MS);
        assert!(!waiting.is_elapsed());
        (&mut waiting).await;
        assert_eq!(time::now() - start, 10 * MS);
        assert!(waiting.is_elapsed());
        waiting.reset(start + 30 * MS);
        waiting.await;
        assert_eq!(time::now() - start, 30 * MS);
    });
}

#[test]
fn dropped_sleep_wakes_nobody() {
    paused(async {
        for _ in 0..1_000 {
            assert!(timeout(Duration::ZERO, sleep(Duration::from_secs(1))).await.is_err());
        }
        let start = time::now();
        sleep(Duration::from_secs(10)).await;
        assert_eq!(time::now() - start, Duration::from_secs(10));
    });
}

#[test]
fn cancelled_sleeper_ends_at_once() {
    everywhere(|| async {
        let task = spawn(sleep(Duration::from_secs(3_600)));
        turns(3).await;
        task.cancel();
        assert!(task.await.unwrap_err().is_cancelled());
    });
}

#[test]
fn sleep_made_in_one_task_may_be_awaited_in_another() {
    everywhere(|| async {
        let mut waiting = sleep(2 * MS);
        assert!(timeout(Duration::ZERO, &mut waiting).await.is_err());
        gather((spawn(waiting), async { turns(5).await })).await.0.unwrap();
    });
}

#[test]
fn many_sleeps_of_all_lengths_end() {
    everywhere(|| async {
        let ended = gather_iter((0..2_000_u32).map(|number| async move {
            sleep(Duration::from_micros(u64::from(number % 97) * 50)).await;
        }))
        .await;
        assert_eq!(ended.len(), 2_000);
    });
}

#[test]
fn yield_lets_a_task_that_never_waits_be_cancelled() {
    everywhere(|| async {
        let task = spawn(async {
            loop {
                yield_now().await;
            }
        });
        turns(3).await;
        task.cancel();
        assert!(task.await.map(|never: ()| never).unwrap_err().is_cancelled());
    });
}

#[test]
fn sleeper_is_woken_while_another_task_never_waits() {
    everywhere(|| async {
        let busy = spawn(async {
            loop {
                yield_now().await;
            }
        });
        sleep(MS).await;
        busy.cancel();
        let _never: Result<(), _> = busy.await;
        assert!(timeout(MS, pending::<()>()).await.is_err());
    });
}

#[test]
fn paused_clock_stands_while_a_socket_has_news() {
    paused(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let start = time::now();
        for _ in 0..100 {
            // The connection is there before anybody can sleep on it.
            let client = TcpStream::connect(listener.local_addr().unwrap());
            let mut client = timeout(Duration::from_secs(1), client).await.unwrap().unwrap();
            let (mut server, _) = listener.accept().await.unwrap();
            let reading = spawn(async move { server.read(&mut [0; 4]).await });
            yield_now().await;
            client.write_all(b"news").await.unwrap();
            assert_eq!(reading.await.unwrap().unwrap(), 4);
        }
        assert_eq!(time::now(), start);
        sleep(Duration::from_secs(5)).await;
        assert_eq!((time::now() - start).as_secs(), 5);
    });
}
