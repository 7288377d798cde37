//! The channels in tasks: cancellation, deadlines, threads, streams, and what the call graph shows.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use bowerbird::stream::StreamExt;
use bowerbird::sync::mpsc::{SendError, TryRecvError};
use bowerbird::sync::{mpmc, mpsc};
use bowerbird::{
    Runner, capture_call_graph, gather, gather_iter, sleep, spawn, timeout, yield_now,
};
use bowerbird_tests::{catch, everywhere, on_workers, paused, turns, until};

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn values_of_each_sender_arrive_in_order() {
    everywhere(|| async {
        let (sender, mut receiver) = mpsc::channel(3);
        for id in 0..8 {
            let sender = sender.clone();
            drop(spawn(async move {
                for number in 0..500 {
                    sender.send((id, number)).await.unwrap();
                }
            }));
        }
        drop(sender);
        let mut next = [0; 8];
        while let Ok((id, number)) = receiver.recv().await {
            assert_eq!(number, next[id]);
            next[id] += 1;
        }
        assert_eq!(next, [500; 8]);
    });
}

#[test]
fn each_value_goes_to_one_receiver() {
    everywhere(|| async {
        let (sender, receiver) = mpmc::channel(2);
        let receiving = gather_iter((0..4).map(|_| {
            let stream = receiver.clone().into_stream();
            async move { stream.collect::<Vec<_>>().await }
        }));
        drop(receiver);
        let sending = async move { sender.send_many(0..2_000).await.is_ok() };
        let (received, is_sent) = gather((receiving, sending)).await;
        assert!(is_sent && received.iter().all(|values| values.is_sorted()));
        let all: Vec<_> = received.into_iter().flatten().collect();
        assert_eq!(all.len(), 2_000);
        assert_eq!(all.into_iter().collect::<BTreeSet<_>>(), (0..2_000).collect());
    });
}

#[test]
fn cancelled_receive_leaves_its_value_to_the_next() {
    on_workers(1, async {
        let (sender, receiver) = mpmc::channel(4);
        let receive = |receiver: mpmc::Receiver<u8>| spawn(async move { receiver.recv().await });
        let (first, second) = (receive(receiver.clone()), receive(receiver.clone()));
        until(|| receiver.statistics().waiting_to_receive == 2).await;
        // Handed to the first, which is cancelled before it runs.
        sender.send(1).await.unwrap();
        first.cancel();
        assert!(first.await.unwrap_err().is_cancelled());
        assert_eq!(second.await.unwrap(), Ok(1));
    });
}

#[test]
fn cancelled_send_has_not_sent() {
    on_workers(1, async {
        let (sender, mut receiver) = mpsc::channel(1);
        sender.send(0).await.unwrap();
        let send = |value| {
            let sender = sender.clone();
            spawn(async move { sender.send(value).await })
        };
        let (first, second) = (send(1), send(2));
        until(|| sender.statistics().waiting_to_send == 2).await;
        assert_eq!(receiver.recv().await, Ok(0));
        first.cancel();
        assert!(first.await.unwrap_err().is_cancelled());
        assert_eq!(second.await.unwrap(), Ok(()));
        assert_eq!(receiver.try_recv(), Ok(2));
        assert_eq!(receiver.try_recv(), Err(TryRecvError::Empty));
    });
}

/// What suspends only because its budget is spent is suspended all the same.
#[test]
fn sends_without_end_are_cancelled() {
    everywhere(|| async {
        let (sender, mut receiver) = mpsc::channel(64);
        let receiving = spawn(async move { while receiver.recv().await.is_ok() {} });
        let other = sender.clone();
        let many = spawn(async move { sender.send_many(0_u64..).await.is_ok() });
        let one_by_one = spawn(async move { while other.send(0).await.is_ok() {} });
        turns(20).await;
        assert!(many.cancel() && one_by_one.cancel());
        assert!(many.await.unwrap_err().is_cancelled());
        assert!(one_by_one.await.unwrap_err().is_cancelled());
        receiving.await.unwrap();
    });
}

#[test]
fn deadlines_leave_nothing_behind() {
    paused(async {
        let (sender, mut receiver) = mpsc::channel(1);
        assert!(timeout(SECOND, receiver.recv()).await.is_err());
        sender.send(1).await.unwrap();
        assert!(timeout(SECOND, sender.send(2)).await.is_err());
        assert!(timeout(SECOND, sender.reserve()).await.is_err());
        assert!(timeout(SECOND, sender.closed()).await.is_err());
        let statistics = sender.statistics();
        assert_eq!((statistics.waiting_to_send, statistics.waiting_to_receive), (0, 0));
        let late = spawn(async move {
            sleep(SECOND).await;
            receiver.recv().await
        });
        assert!(timeout(2 * SECOND, sender.send(3)).await.is_ok());
        assert_eq!(late.await.unwrap(), Ok(1));
    });
}

#[test]
fn selected_receives_lose_no_value() {
    everywhere(|| async {
        let ((one, mut ones), (two, mut twos)) = (mpsc::channel(1), mpsc::channel(1));
        let sending = gather((async move { one.send_many(0..300).await.is_ok() }, async move {
            two.send_many(300..600).await.is_ok()
        }));
        let receiving = async move {
            let mut received = BTreeSet::new();
            while received.len() < 600 {
                let value = bowerbird::select! {
                    Ok(value) = ones.recv() => value,
                    Ok(value) = twos.recv() => value,
                };
                assert!(received.insert(value));
            }
            received
        };
        let (sent, received) = gather((sending, receiving)).await;
        assert_eq!((sent, received), ((true, true), (0..600).collect()));
    });
}

#[test]
fn threads_send_and_receive() {
    everywhere(|| async {
        let (to_thread, mut in_thread) = mpsc::channel(1);
        let (from_thread, mut back) = mpsc::channel(1);
        let thread = thread::spawn(move || {
            while let Ok(number) = in_thread.blocking_recv() {
                from_thread.blocking_send(number + 1_u32).unwrap();
            }
        });
        for number in 0..200 {
            to_thread.send(number).await.unwrap();
            assert_eq!(back.recv().await, Ok(number + 1));
        }
        drop(to_thread);
        assert!(back.recv().await.is_err());
        thread.join().unwrap();
    });
}

#[test]
fn blocking_in_a_task_is_refused_by_name() {
    on_workers(1, async {
        let (sender, mut receiver) = mpsc::channel(1);
        let caught = catch(|| receiver.blocking_recv());
        assert!(caught.message.contains("mpsc::Receiver::blocking_recv()"), "{}", caught.message);
        assert!(caught.message.contains("await recv() instead"), "{}", caught.message);
        let caught = catch(|| sender.blocking_send(1));
        assert!(caught.message.contains("await send() instead"), "{}", caught.message);
        assert!(caught.message.contains("tests/channels.rs"), "{}", caught.message);
    });
}

/// A channel that is always ready does not keep its task running for ever.
#[test]
fn busy_channel_lets_other_tasks_run() {
    on_workers(1, async {
        let (sender, mut receiver) = mpsc::unbounded_channel();
        (0..100_000).try_for_each(|number| sender.send(number)).unwrap();
        let busy = spawn(async move { while receiver.recv().await.is_ok() {} });
        turns(10).await;
        assert!(!busy.done() && sender.len() > 90_000);
        let (sender, _receiver) = mpsc::channel(1_000_000);
        let busy = spawn(async move { sender.send_many(0..1_000_000).await.is_ok() });
        turns(10).await;
        assert!(!busy.done());
        busy.cancel();
    });
}

#[test]
fn receiver_that_is_cancelled_refuses_its_senders() {
    everywhere(|| async {
        let (sender, mut receiver) = mpsc::channel::<u32>(1);
        let receiving = spawn(async move {
            while receiver.recv().await.is_ok() {
                yield_now().await;
            }
        });
        let sending = spawn(async move {
            let mut number = 0;
            loop {
                if let Err(SendError(refused)) = sender.send(number).await {
                    return (number, refused);
                }
                number += 1;
            }
        });
        turns(20).await;
        receiving.cancel();
        drop(receiving.await);
        let (number, refused) = sending.await.unwrap();
        assert_eq!(number, refused);
    });
}

#[test]
fn call_graph_shows_who_waits_for_which_channel() {
    let runner = Runner::builder().worker_threads(1).track_waits(true);
    runner
        .build()
        .unwrap()
        .run(async {
            let (sender, receiver) = mpmc::channel::<u8>(1);
            sender.send(1).await.unwrap();
            let (sender, receiver) = (Arc::new(sender), Arc::new(receiver));
            let other = mpmc::channel::<u8>(1);
            let waiting = [
                spawn({
                    let sender = sender.clone();
                    async move { sender.send(1).await.unwrap() }
                }),
                spawn({
                    let sender = sender.clone();
                    async move { drop(sender.reserve().await) }
                }),
                spawn({
                    let sender = sender.clone();
                    async move { sender.closed().await }
                }),
                spawn(async move { other.1.recv().await.map(drop).unwrap() }),
            ];
            turns(5).await;
            let waits = waiting.each_ref().map(|task| {
                let graph = capture_call_graph(Some(&task.handle())).expect("a task that lives");
                graph.waits_for[0].clone()
            });
            let kinds = waits.each_ref().map(|wait| wait.kind);
            assert_eq!(
                kinds,
                ["channel.send", "channel.reserve", "channel.closed", "channel.recv"]
            );
            assert!(waits[0].object == waits[1].object && waits[0].object != waits[3].object);
            assert!(waiting.iter().all(|task| task.cancel()));
            drop(receiver);
        })
        .unwrap();
}
