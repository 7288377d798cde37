//! `with`, `defer`, `AsyncExitStack`: cleanup runs to its end, once, innermost first.

use std::cell::Cell;
use std::future::pending;
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bowerbird::{
    AsyncContextManager, AsyncExitStack, LocalAsyncContextManager, Outcome, Runner, Task,
    catch_cancel, defer, gather, join, sleep, spawn, spawn_local, time, timeout, try_with, with,
    with_local, with_send, yield_now,
};
use bowerbird_tests::{Counted, Journal, everywhere, on_workers, paused, until};

const MS: Duration = Duration::from_millis(1);
const LONG: Duration = Duration::from_secs(3_600);

/// Notes when it is entered and left; its exit suspends.
struct Noting {
    name: &'static str,
    journal: Journal,
    fails: bool,
}

fn noting(name: &'static str, journal: &Journal) -> Noting {
    Noting { name, journal: journal.clone(), fails: false }
}

impl AsyncContextManager for Noting {
    type Value = Result<String, String>;

    async fn enter(&mut self) -> Result<String, String> {
        yield_now().await;
        if self.fails {
            return Err("no entry".into());
        }
        self.journal.note(format!("enter {}", self.name));
        Ok(self.name.into())
    }

    async fn exit(self, outcome: Outcome) {
        yield_now().await;
        self.journal.note(format!("exit {}: {outcome:?}", self.name));
    }
}

async fn three_deep(journal: &Journal) {
    with(noting("a", journal), async |_| {
        with(noting("b", journal), async |_| {
            with(noting("c", journal), async |_| {
                journal.note("body");
                pending::<()>().await
            })
            .await
        })
        .await
    })
    .await
}

const THREE_LEFT: [&str; 7] = [
    "enter a",
    "enter b",
    "enter c",
    "body",
    "exit c: Cancelled",
    "exit b: Cancelled",
    "exit a: Cancelled",
];

async fn begun(journal: &Journal) {
    until(|| journal.lines().iter().any(|line| line == "body")).await;
}

#[test]
fn normal_exit_is_awaited_before_the_value_is_given() {
    everywhere(|| async {
        let journal = Journal::new();
        let value = with(noting("a", &journal), async |name| {
            journal.note("body");
            name.unwrap().len()
        });
        assert_eq!(value.await, 1);
        journal.note("after");
        journal.expect(&["enter a", "body", "exit a: Returned", "after"]);
    });
}

#[test]
fn error_of_the_body_is_told_and_given() {
    everywhere(|| async {
        let journal = Journal::new();
        let failed: Result<(), String> =
            try_with(noting("a", &journal), async |_| Err("bad".into())).await;
        assert_eq!(failed, Err("bad".into()));
        journal.expect(&["enter a", "exit a: Failed"]);
    });
}

#[test]
fn failed_enter_has_no_exit() {
    everywhere(|| async {
        let journal = Journal::new();
        let manager = Noting { fails: true, ..noting("a", &journal) };
        let failed: Result<(), String> = try_with(manager, async |_| unreachable!()).await;
        assert_eq!(failed, Err("no entry".into()));
        journal.expect(&[]);
    });
}

#[test]
fn cancelled_enter_has_no_exit() {
    everywhere(|| async {
        struct Slow(Journal);
        impl AsyncContextManager for Slow {
            type Value = ();
            async fn enter(&mut self) {
                self.0.note("entering");
                pending::<()>().await
            }
            async fn exit(self, _: Outcome) {
                self.0.note("never");
            }
        }
        let journal = Journal::new();
        let task = spawn(with(Slow(journal.clone()), async |()| ()));
        until(|| !journal.lines().is_empty()).await;
        task.cancel();
        assert!(task.await.unwrap_err().is_cancelled());
        journal.expect(&["entering"]);
    });
}

#[test]
fn cancel_leaves_the_innermost_first_and_the_task_is_done_after() {
    everywhere(|| async {
        let journal = Journal::new();
        let inside = journal.clone();
        let task = spawn(async move { three_deep(&inside).await });
        begun(&journal).await;
        task.cancel();
        assert!(task.await.unwrap_err().is_cancelled());
        journal.expect(&THREE_LEFT);
    });
}

#[test]
fn timeout_leaves_the_innermost_first_and_gives_its_error_after() {
    paused(async {
        let journal = Journal::new();
        assert!(timeout(MS, three_deep(&journal)).await.is_err());
        journal.expect(&THREE_LEFT);
    });
}

#[test]
fn panic_leaves_the_innermost_first() {
    everywhere(|| async {
        let journal = Journal::new();
        let inside = journal.clone();
        let task: Task<()> = spawn(async move {
            let outer = with(noting("a", &inside), async |_| {
                with(noting("b", &inside), async |_| panic!("body")).await
            });
            outer.await
        });
        assert!(task.await.unwrap_err().is_panic());
        journal.expect(&["enter a", "enter b", "exit b: Panicked", "exit a: Panicked"]);
    });
}

#[test]
fn body_that_loses_a_join_is_left_before_the_error_is_given() {
    everywhere(|| async {
        let journal = Journal::new();
        let inside = journal.clone();
        let task = spawn(async move {
            let lost = async {
                with(noting("a", &inside), async |_| pending::<()>().await).await;
                Ok::<(), String>(())
            };
            let failing = async {
                begun_enter(&inside).await;
                Err::<(), _>(String::from("lost"))
            };
            let both = bowerbird::try_join((lost, failing));
            let failed = timeout(LONG, both).await.unwrap();
            inside.note("after");
            failed
        });
        assert_eq!(task.await.unwrap(), Err("lost".into()));
        journal.expect(&["enter a", "exit a: Cancelled", "after"]);
    });
}

async fn begun_enter(journal: &Journal) {
    until(|| journal.lines().iter().any(|line| line == "enter a")).await;
}

#[test]
fn request_to_a_cleanup_does_not_interrupt_it() {
    everywhere(|| async {
        let journal = Journal::new();
        let inside = journal.clone();
        let task = spawn(async move { three_deep(&inside).await });
        begun(&journal).await;
        task.cancel();
        yield_now().await;
        task.cancel();
        yield_now().await;
        task.cancel();
        assert!(task.await.unwrap_err().is_cancelled());
        journal.expect(&THREE_LEFT);
    });
}

#[test]
fn run_ends_after_the_cleanups_of_what_is_left() {
    for workers in [1, 2, 4] {
        let journal = Journal::new();
        let inside = journal.clone();
        on_workers(workers, async move {
            let shared = inside.clone();
            drop(spawn(async move { three_deep(&shared).await }));
            begun(&inside).await;
        });
        journal.expect(&THREE_LEFT);
    }
}

#[test]
fn with_in_main_is_left_when_main_is_cancelled() {
    let journal = Journal::new();
    let inside = journal.clone();
    let mut runner = Runner::builder().worker_threads(2).build().unwrap();
    let outcome = runner.run(async move {
        let main = bowerbird::current_task().unwrap();
        let seen = inside.clone();
        drop(spawn(async move {
            begun(&seen).await;
            main.cancel();
        }));
        three_deep(&inside).await
    });
    assert!(outcome.is_err());
    journal.expect(&THREE_LEFT);
}

#[test]
fn overrun_of_the_grace_deadline_is_reported_and_dropped() {
    let reports = Arc::new(Mutex::new(Vec::new()));
    let heard = reports.clone();
    let mut runner = Runner::builder()
        .worker_threads(1)
        .start_paused(true)
        .cleanup_grace(10 * MS)
        .exception_handler(move |unhandled| heard.lock().unwrap().push(unhandled.to_string()))
        .build()
        .unwrap();
    let dropped = Counted::new();
    let guard = dropped.guard();
    let elapsed = runner.run(async move {
        let task = spawn(async move {
            let _second = defer(async { sleep(MS).await });
            let _first = defer(async move {
                let _guard = guard;
                pending::<()>().await
            });
            pending::<()>().await
        });
        task.set_name("stubborn");
        yield_now().await;
        let start = time::now();
        task.cancel();
        assert!(task.await.unwrap_err().is_cancelled());
        time::now() - start
    });
    // Both share one deadline: the second is polled once, and then its time is over as well.
    assert_eq!(elapsed.unwrap(), 10 * MS);
    assert_eq!(dropped.get(), 1);
    let reports = reports.lock().unwrap();
    assert_eq!(reports.len(), 2, "{reports:?}");
    assert!(reports[0].contains("overran its grace deadline"), "{reports:?}");
    assert!(reports[0].contains("stubborn") && reports[0].contains("cleanup.rs"), "{reports:?}");
}

#[test]
fn panic_in_a_cleanup_is_reported_and_the_next_one_runs() {
    for under_scope in [false, true] {
        let reports = Arc::new(Mutex::new(Vec::new()));
        let heard = reports.clone();
        let mut runner = Runner::builder()
            .worker_threads(2)
            .exception_handler(move |unhandled| heard.lock().unwrap().push(unhandled.to_string()))
            .build()
            .unwrap();
        let journal = Journal::new();
        let seen = journal.clone();
        runner
            .run(async move {
                let body = async move {
                    let _second = defer(async move { seen.note("second") });
                    let _first = defer(async { panic!("first") });
                };
                match under_scope {
                    true => timeout(LONG, body).await.unwrap(),
                    false => spawn(body).await.unwrap(),
                }
            })
            .unwrap();
        journal.expect(&["second"]);
        assert_eq!(reports.lock().unwrap().len(), 1, "{reports:?}");
        assert!(reports.lock().unwrap()[0].contains("first"), "{reports:?}");
    }
}

#[test]
fn deferred_cleanup_of_a_plain_drop_runs_before_the_scope_ends() {
    everywhere(|| async {
        let journal = Journal::new();
        let seen = journal.clone();
        let value = timeout(LONG, async {
            drop(defer(async move {
                yield_now().await;
                seen.note("cleanup");
            }));
            journal.note("body");
            1
        });
        assert_eq!(value.await, Ok(1));
        journal.note("after");
        journal.expect(&["body", "cleanup", "after"]);
    });
}

#[test]
fn disarmed_cleanup_does_not_run_and_run_is_immediate() {
    everywhere(|| async {
        let count = Counted::new();
        let (first, second) = (count.clone(), count.clone());
        defer(async move { first.add() }).disarm();
        assert_eq!(count.get(), 0);
        defer(async move { second.add() }).run().await;
        assert_eq!(count.get(), 1);
    });
}

#[test]
fn exit_stack_leaves_in_reverse_order() {
    everywhere(|| async {
        let journal = Journal::new();
        let mut stack = AsyncExitStack::new();
        assert_eq!(stack.try_enter(noting("a", &journal)).await, Ok("a".into()));
        stack.enter(noting("b", &journal)).await.unwrap();
        let seen = journal.clone();
        stack.push(async move { seen.note("callback") });
        assert_eq!(stack.len(), 3);
        stack.close().await;
        journal.note("after");
        journal.expect(&[
            "enter a",
            "enter b",
            "callback",
            "exit b: Returned",
            "exit a: Returned",
            "after",
        ]);
    });
}

#[test]
fn exit_stack_dropped_by_a_cancel_leaves_in_reverse_order() {
    everywhere(|| async {
        let journal = Journal::new();
        let inside = journal.clone();
        let task = spawn(async move {
            let mut stack = AsyncExitStack::new();
            stack.try_enter(noting("a", &inside)).await.unwrap();
            stack.try_enter(noting("b", &inside)).await.unwrap();
            inside.note("body");
            pending::<()>().await
        });
        begun(&journal).await;
        task.cancel();
        assert!(task.await.unwrap_err().is_cancelled());
        journal.expect(&["enter a", "enter b", "body", "exit b: Cancelled", "exit a: Cancelled"]);
    });
}

#[test]
fn block_of_a_stack_leaves_all_before_its_end_also_with_an_error() {
    everywhere(|| async {
        let journal = Journal::new();
        let failed = AsyncExitStack::new().run(async |stack| {
            stack.try_enter(noting("a", &journal)).await?;
            stack.try_enter(noting("b", &journal)).await?;
            let seen = journal.clone();
            stack.push(async move { seen.note("callback") });
            Err::<(), String>("no".into())
        });
        assert_eq!(failed.await, Err("no".into()));
        journal.note("after");
        journal.expect(&[
            "enter a",
            "enter b",
            "callback",
            "exit b: Failed",
            "exit a: Failed",
            "after",
        ]);

        let journal = Journal::new();
        let left = AsyncExitStack::new().run(async |stack| {
            stack.try_enter(noting("c", &journal)).await?;
            Ok::<_, String>(stack.len())
        });
        assert_eq!(left.await, Ok(1));
        journal.expect(&["enter c", "exit c: Returned"]);
    });
}

#[test]
fn block_of_a_stack_that_is_cut_off_leaves_all() {
    paused(async {
        let journal = Journal::new();
        let kept = AsyncExitStack::new().run(async |stack| {
            stack.try_enter(noting("a", &journal)).await?;
            sleep(LONG).await;
            Ok::<(), String>(())
        });
        assert!(timeout(10 * MS, kept).await.is_err());
        journal.expect(&["enter a", "exit a: Cancelled"]);
        let inside = journal.clone();
        let task = spawn(AsyncExitStack::new().run(async move |stack| {
            stack.try_enter(noting("b", &inside)).await?;
            if stack.len() == 1 {
                panic!("in the body");
            }
            Ok::<(), String>(())
        }));
        assert!(task.await.unwrap_err().is_panic());
        journal.expect(&["enter a", "exit a: Cancelled", "enter b", "exit b: Panicked"]);
    });
}

#[test]
fn popped_entries_belong_to_the_other_stack() {
    everywhere(|| async {
        let journal = Journal::new();
        let kept = {
            let mut stack = AsyncExitStack::new();
            stack.try_enter(noting("a", &journal)).await.unwrap();
            stack.pop_all()
        };
        yield_now().await;
        journal.expect(&["enter a"]);
        kept.close().await;
        journal.expect(&["enter a", "exit a: Returned"]);
    });
}

#[test]
fn local_manager_is_left_on_its_thread() {
    struct Local(Rc<Cell<u32>>);
    impl LocalAsyncContextManager for Local {
        type Value = Rc<Cell<u32>>;
        async fn enter(&mut self) -> Rc<Cell<u32>> {
            self.0.clone()
        }
        async fn exit(self, _: Outcome) {
            for _ in 0..10 {
                yield_now().await;
            }
            self.0.set(self.0.get() + 1);
        }
    }
    everywhere(|| async {
        let count = Rc::new(Cell::new(0));
        with_local(Local(count.clone()), async |count| count.set(10)).await;
        assert_eq!(count.get(), 11);
        let inner = count.clone();
        let task =
            spawn_local(
                async move { with_local(Local(inner), async |_| pending::<()>().await).await },
            );
        yield_now().await;
        yield_now().await;
        task.cancel();
        assert!(task.await.unwrap_err().is_cancelled());
        assert_eq!(count.get(), 12);
        let cut = timeout(MS, with_local(Local(count.clone()), async |_| pending::<()>().await));
        assert!(cut.await.is_err());
        assert_eq!(count.get(), 13);
    });
}

#[test]
fn generic_code_stays_send() {
    async fn generic<F: Future<Output = u32> + Send>(
        journal: Journal,
        body: impl FnOnce(Result<String, String>) -> F + Send,
    ) -> u32 {
        with_send(noting("a", &journal), body).await
    }
    everywhere(|| async {
        let journal = Journal::new();
        let task = spawn(generic(journal.clone(), |_| async { 1 }));
        assert_eq!(task.await.unwrap(), 1);
        journal.expect(&["enter a", "exit a: Returned"]);
    });
}

#[test]
fn cleanup_may_spawn_await_and_have_cleanups_itself() {
    everywhere(|| async {
        let journal = Journal::new();
        let inside = journal.clone();
        let task = spawn(async move {
            let seen = inside.clone();
            let _cleanup = defer(async move {
                let (one, two) = gather((async { 1 }, async { 2 })).await;
                let inner = seen.clone();
                let _nested = defer(async move { inner.note("nested") });
                let (slept, _) = join((timeout(LONG, sleep(MS)), yield_now())).await;
                slept.unwrap();
                seen.note(format!("cleaned {}", one + two));
            });
            pending::<()>().await
        });
        yield_now().await;
        yield_now().await;
        task.cancel();
        assert!(task.await.unwrap_err().is_cancelled());
        journal.expect(&["cleaned 3", "nested"]);
    });
}

#[test]
fn catcher_sees_the_request_after_the_cleanups() {
    everywhere(|| async {
        let journal = Journal::new();
        let inside = journal.clone();
        let task = spawn(async move {
            catch_cancel(three_deep(&inside)).await.unwrap_err();
            inside.note("caught");
        });
        begun(&journal).await;
        task.cancel();
        task.await.unwrap();
        let mut lines = THREE_LEFT.to_vec();
        lines.push("caught");
        journal.expect(&lines);
    });
}

#[test]
fn task_cancelled_at_every_suspension_leaks_nothing() {
    /// A program with about thirty suspensions.
    async fn program(journal: Journal, guards: Counted) {
        let _guard = guards.guard();
        for name in ["a", "b"] {
            let inner = with(noting(name, &journal), async |_| {
                let (counted, _) = join((spawn(sleep(Duration::ZERO)), yield_now())).await;
                counted.unwrap();
                gather((yield_now(), yield_now())).await;
                let _deferred = defer(yield_now());
                timeout(LONG, async {
                    with(noting("c", &journal), async |_| yield_now().await).await
                })
                .await
                .unwrap();
            });
            inner.await;
        }
    }
    for cancel_at in 0.. {
        let (journal, guards) = (Journal::new(), Counted::new());
        let (inside, held) = (journal.clone(), guards.clone());
        let ended = paused(async move {
            let task = spawn(program(inside, held));
            for _ in 0..cancel_at {
                yield_now().await;
            }
            let was_done = task.done();
            task.cancel();
            drop(task.await);
            was_done
        });
        let lines = journal.lines();
        let count = |what: &str| lines.iter().filter(|line| line.starts_with(what)).count();
        assert_eq!(count("enter"), count("exit"), "cancelled at turn {cancel_at}: {lines:?}");
        assert!(cancel_at == 0 || guards.get() == 1);
        if ended {
            assert!(cancel_at > 20, "the program has {cancel_at} suspensions only");
            return;
        }
    }
}
