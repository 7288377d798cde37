//! `spawn`, `create_task`, `Task::builder`, `current_task`, `all_tasks`.

use std::future::pending;
use std::sync::{Arc, Mutex};

use bowerbird::runtime::PanicPolicy;
use bowerbird::sync::oneshot;
use bowerbird::{RunError, Runner, Task, all_tasks, create_task, current_task, spawn, yield_now};
use bowerbird_tests::{Counted, Journal, catch, everywhere, on_workers, until};

#[test]
fn spawned_task_runs_when_its_spawner_suspends_and_not_before() {
    let journal = Journal::new();
    on_workers(1, async {
        let inner = journal.clone();
        let task = spawn(async move { inner.note("task") });
        journal.note("main");
        task.await.unwrap();
        journal.note("main again");
    });
    journal.expect(&["main", "task", "main again"]);
}

#[test]
fn spawned_tasks_run_in_the_order_of_spawning_on_one_worker() {
    let journal = Journal::new();
    on_workers(1, async {
        for number in 0..5 {
            let journal = journal.clone();
            drop(spawn(async move {
                journal.note(format!("{number} a"));
                yield_now().await;
                journal.note(format!("{number} b"));
            }));
        }
        until(|| journal.lines().len() == 10).await;
    });
    journal.expect(&["0 a", "1 a", "2 a", "3 a", "4 a", "0 b", "1 b", "2 b", "3 b", "4 b"]);
}

#[test]
fn awaited_task_gives_its_output() {
    everywhere(|| async {
        assert_eq!(spawn(async { String::from("text") }).await.unwrap(), "text");
        assert_eq!(create_task(async { 1 }).await.unwrap(), 1);
    });
}

#[test]
fn many_tasks_all_run_once() {
    everywhere(|| async {
        let count = Counted::new();
        let tasks: Vec<_> = (0..2_000)
            .map(|number| {
                let count = count.clone();
                spawn(async move {
                    if number % 3 == 0 {
                        yield_now().await;
                    }
                    count.add();
                    number
                })
            })
            .collect();
        for (number, task) in tasks.into_iter().enumerate() {
            assert_eq!(task.await.unwrap(), number);
        }
        assert_eq!(count.get(), 2_000);
    });
}

#[test]
fn dropped_handle_lets_its_task_run_on() {
    everywhere(|| async {
        let (sender, receiver) = oneshot::channel();
        drop(spawn(async move {
            yield_now().await;
            sender.send("still here").unwrap();
        }));
        assert_eq!(receiver.await.unwrap(), "still here");
    });
}

#[test]
fn panic_of_a_task_is_the_error_of_its_await() {
    everywhere(|| async {
        let error = spawn(async { std::panic::panic_any(String::from("code 7")) })
            .await
            .map(|(): ()| ())
            .unwrap_err();
        assert!(error.is_panic() && !error.is_cancelled());
        assert_eq!(error.message(), Some("code 7"));
        assert_eq!(error.to_string(), "the task panicked: code 7");
        assert_eq!(error.into_panic().downcast_ref::<String>().unwrap(), "code 7");
    });
}

#[test]
fn task_awaited_after_its_output_panics_and_names_the_fix() {
    on_workers(1, async {
        let mut task = spawn(async { 1 });
        assert_eq!((&mut task).await.unwrap(), 1);
        let again = spawn(task).await;
        let error = again.unwrap_err();
        assert!(error.message().unwrap().contains("shared()"), "{error}");
    });
}

#[test]
fn unfinished_task_is_given_back_by_try_join() {
    on_workers(1, async {
        let task = spawn(async { 3 });
        let task = task.try_join().unwrap_err();
        until(|| task.done()).await;
        assert_eq!(task.try_join().unwrap().unwrap(), 3);
    });
}

#[test]
fn task_without_a_name_is_called_by_its_number() {
    everywhere(|| async {
        let task = spawn(async { current_task().unwrap().name() });
        let name = format!("Task-{}", task.id());
        assert_eq!(*task.name(), *name);
        assert_eq!(*task.await.unwrap(), *name);
    });
}

#[test]
fn numbers_of_tasks_count_up_on_one_worker() {
    on_workers(1, async {
        let first = spawn(async {}).id().get();
        let numbers: Vec<_> = (0..5).map(|_| spawn(async {}).id().get() - first).collect();
        assert_eq!(numbers, [1, 2, 3, 4, 5]);
    });
}

#[test]
fn named_task_bears_its_name_until_it_gets_another() {
    everywhere(|| async {
        let task = Task::builder().name("first").spawn(async {
            let me = current_task().unwrap();
            let before = me.name();
            me.set_name("second");
            before
        });
        let handle = task.handle();
        assert_eq!(&*task.await.unwrap(), "first");
        assert_eq!(&*handle.name(), "second");
        assert!(format!("{handle:?}").contains("second done"), "{handle:?}");
    });
}

#[test]
fn spawn_location_is_the_line_of_the_call() {
    on_workers(1, async {
        let task = spawn(async {});
        let line = line!() - 1;
        let place = task.spawn_location();
        assert_eq!((place.file(), place.line()), (file!(), line));
        let built = Task::builder().spawn(async {});
        assert_eq!(built.spawn_location().line(), line!() - 1);
        let created = create_task(async {});
        assert_eq!(created.spawn_location().line(), line!() - 1);
    });
}

#[test]
fn eager_task_that_never_waits_has_ended_when_spawn_returns() {
    everywhere(|| async {
        let task = Task::builder().eager(true).spawn(async { 5 });
        assert!(task.done());
        assert_eq!(task.await.unwrap(), 5);
    });
}

#[test]
fn eager_task_that_waits_goes_on_later() {
    everywhere(|| async {
        let journal = Journal::new();
        let inner = journal.clone();
        let (sender, receiver) = oneshot::channel();
        let task = Task::builder().eager(true).spawn(async move {
            inner.note("begun");
            let number: i32 = receiver.await.unwrap();
            inner.note("resumed");
            number
        });
        journal.note("spawned");
        sender.send(9).unwrap();
        assert_eq!(task.await.unwrap(), 9);
        journal.expect(&["begun", "spawned", "resumed"]);
    });
}

#[test]
fn eager_task_is_the_current_one_while_it_is_polled() {
    everywhere(|| async {
        let me = current_task().unwrap();
        let task = Task::builder().eager(true).spawn(async { current_task().unwrap().id() });
        assert_eq!(current_task().unwrap(), me);
        let id = task.id();
        assert_eq!(task.await.unwrap(), id);
    });
}

#[test]
fn eager_task_that_panics_does_not_panic_its_spawner() {
    everywhere(|| async {
        let task = Task::builder().eager(true).spawn(async { panic!("at once") });
        assert_eq!(task.await.map(|(): ()| ()).unwrap_err().message(), Some("at once"));
    });
}

#[test]
fn current_task_is_the_one_that_asks_and_none_outside() {
    assert!(current_task().is_none());
    everywhere(|| async {
        let task = spawn(async { current_task().unwrap() });
        let handle = task.handle();
        let inside = task.await.unwrap();
        assert_eq!(inside, handle);
        assert_ne!(inside, current_task().unwrap());
    });
}

#[test]
fn all_tasks_shows_the_unfinished_ones_oldest_first() {
    assert!(all_tasks().is_empty());
    on_workers(1, async {
        let ended = spawn(async {});
        until(|| ended.done()).await;
        let first = spawn(pending::<()>());
        let second = spawn(pending::<()>());
        let expected = [current_task().unwrap(), first.handle(), second.handle()];
        assert_eq!(all_tasks(), expected);
    });
    everywhere(|| async {
        let tasks: Vec<_> = (0..50).map(|_| spawn(pending::<()>())).collect();
        let shown = all_tasks();
        assert_eq!(shown.len(), 51);
        assert!(tasks.iter().all(|task| shown.contains(&task.handle())));
    });
}

#[test]
fn panic_that_nobody_awaits_reaches_the_exception_handler() {
    for workers in [1, 4] {
        let heard = Arc::new(Mutex::new(Vec::new()));
        let handler = heard.clone();
        let mut runner = Runner::builder()
            .worker_threads(workers)
            .exception_handler(move |unhandled| handler.lock().unwrap().push(unhandled.clone()))
            .build()
            .unwrap();
        runner
            .run(async {
                let task = Task::builder().name("lonely").spawn(async { panic!("unheard") });
                let handle = task.handle();
                drop(task);
                until(|| handle.done()).await;
            })
            .unwrap();
        drop(runner);
        let heard = heard.lock().unwrap();
        assert_eq!(heard.len(), 1, "{heard:?}");
        assert_eq!(heard[0].task_name.as_deref(), Some("lonely"));
        assert_eq!(heard[0].error.as_deref(), Some("unheard"));
        assert_eq!(heard[0].location.unwrap().file(), file!());
    }
}

#[test]
fn panic_that_nobody_awaits_cancels_main_if_the_policy_says_so() {
    for workers in [1, 4] {
        let mut runner = Runner::builder()
            .worker_threads(workers)
            .panic_policy(PanicPolicy::CancelMain)
            .exception_handler(|_| {})
            .build()
            .unwrap();
        let ended = runner.run(async {
            drop(spawn(async { panic!("the reason") }));
            pending::<()>().await;
        });
        let Err(RunError::Cancelled(Some(message))) = ended else { panic!("{ended:?}") };
        assert!(message.contains("the reason"), "{message}");
    }
}

#[test]
fn misuse_of_into_panic_names_the_question_to_ask_first() {
    on_workers(1, async {
        let task = spawn(pending::<()>());
        task.cancel();
        let error = task.await.unwrap_err();
        let caught = catch(|| error.into_panic());
        assert!(caught.message.contains("is_panic()"), "{caught:?}");
        assert_eq!(caught.line, line!() - 2);
    });
}
