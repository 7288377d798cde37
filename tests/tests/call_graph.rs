//! Who waits for whom. The tests named `test_*` follow CPython's test_graph.py; tests/cpython/test_graph.md
//! has the table.

use std::future::pending;
use std::time::Duration;

use bowerbird::runtime::Handle;
use bowerbird::sync::{Event, oneshot};
use bowerbird::tasks::CallGraph;
use bowerbird::{
    Runner, Task, TaskHandle, all_tasks, capture_call_graph, current_task, format_call_graph,
    gather, shield, sleep, spawn, task_group, timeout, yield_now,
};
use bowerbird_tests::{WORKER_COUNTS, child_command, text_of, until};

const HOUR: Duration = Duration::from_secs(3_600);

fn named<T: Send + 'static>(
    name: &str,
    future: impl Future<Output = T> + Send + 'static,
) -> Task<T> {
    Task::builder().name(name).spawn(future)
}

/// Runs a program with the tracking of waits on, on one worker and on several. Main is called `main`.
fn everywhere<F: Future>(program: impl Fn() -> F) {
    for workers in WORKER_COUNTS {
        let builder = Runner::builder().worker_threads(workers).track_waits(true);
        let program = async {
            current_task().unwrap().set_name("main");
            program().await
        };
        builder.build().unwrap().run(program).unwrap();
    }
}

fn capture(task: &TaskHandle) -> CallGraph {
    capture_call_graph(Some(task)).expect("a task was given")
}

/// The graph in one line: `name[what it waits for](who awaits it)`.
fn shape(graph: &CallGraph) -> String {
    let mut waits: Vec<String> = graph
        .waits_for
        .iter()
        .map(|wait| wait.task.as_ref().map_or(wait.kind.to_owned(), |task| task.name().to_string()))
        .collect();
    waits.sort();
    let mut awaiters: Vec<String> = graph.awaited_by.iter().map(shape).collect();
    awaiters.sort();
    let more = graph.omitted.map(|omitted| format!("{omitted:?}")).unwrap_or_default();
    format!("{}[{}]({}){more}", graph.task.name(), waits.join(" "), awaiters.join(" "))
}

/// Waits until the graph of a task has this shape: the tasks come to their suspensions in any order.
#[track_caller]
fn expect(task: Option<TaskHandle>, expected: &str) -> impl Future<Output = ()> + Send + 'static {
    let at = std::panic::Location::caller();
    let expected = expected.to_owned();
    async move {
        let mut last = String::new();
        for _ in 0..100_000 {
            last = shape(&capture_call_graph(task.as_ref()).expect("inside a task"));
            if last == expected {
                return;
            }
            yield_now().await;
        }
        panic!("{at}:\n{last}\n  is not\n{expected}");
    }
}

/// The running task gets a name.
fn call_me(name: &str) {
    current_task().expect("inside a task").set_name(name);
}

// -----------------------------------------------------------------------------------------------
// CPython's test_graph.py
// -----------------------------------------------------------------------------------------------

#[test]
fn test_stack_tgroup() {
    everywhere(async || {
        let main = "main[c2_root sub_main_1 sub_main_2 task group]()";
        let expected =
            &format!("c2_root[]({main} sub_main_1[c2_root]({main}) sub_main_2[c2_root]({main}))");
        let ended = task_group(async |group| {
            let expected = expected.clone();
            let root = group.spawn_value(async move {
                call_me("c2_root");
                expect(None, &expected).await;
            });
            for name in ["sub_main_1", "sub_main_2"] {
                let root = root.handle();
                group.spawn_value(async move {
                    call_me(name);
                    root.wait().await;
                });
            }
            Ok(())
        });
        ended.await.unwrap();
    });
}

/// The children are awaited from their spawn on, as in asyncio: the body of the group waits meanwhile.
#[test]
fn children_of_a_group_are_awaited_while_its_body_runs() {
    everywhere(async || {
        let ended = task_group(async |group| {
            let child = group.spawn_value(async {
                call_me("child");
                pending::<()>().await;
            });
            let (go_on, gone_on) = oneshot::channel();
            let handle = child.handle();
            let watcher = named("watcher", async move {
                expect(Some(handle), "child[](main[child oneshot]())").await;
                go_on.send(()).unwrap();
            });
            gone_on.await.unwrap();
            watcher.await.unwrap();
            child.cancel();
            Ok(())
        });
        ended.await.unwrap();
    });
}

#[test]
fn test_stack_gather() {
    everywhere(async || {
        let first = async {
            call_me("c1");
            expect(None, "c1[](main[c1 c2 gather]())").await;
            current_task().unwrap().wait()
        };
        let (done, end) = oneshot::channel::<()>();
        let second = async {
            call_me("c2");
            end.await.unwrap();
        };
        gather((
            async move {
                drop(first.await);
                done.send(()).unwrap();
            },
            second,
        ))
        .await;
    });
}

#[test]
fn test_stack_shield() {
    everywhere(async || {
        let task = named("c1", expect_here("c1[](main[c1]())"));
        shield(task).await.unwrap();
    });
}

#[test]
fn test_stack_timeout() {
    everywhere(async || {
        let task = named("c1", async {
            timeout(HOUR, expect_here("c1[](main[c1]())")).await.unwrap();
        });
        shield(task).await.unwrap();
        // What stands under a timeout is seen from outside, with the timeout's own deadline.
        let task = named("under", timeout(HOUR, pending::<()>()));
        expect(Some(task.handle()), "under[sleep]()").await;
        task.cancel();
    });
}

#[test]
fn test_stack_wait() {
    everywhere(async || {
        let (go_on, gone_on) = oneshot::channel::<()>();
        let first = named("c1", async {
            expect_here("c1[](main[c1 c2 wait]())").await;
            go_on.send(()).unwrap();
        });
        let second = named("c2", async { gone_on.await.unwrap() });
        let (done, left) =
            bowerbird::wait([first, second], bowerbird::ReturnWhen::AllCompleted).await;
        assert_eq!((done.len(), left.len()), (2, 0));
    });
}

#[test]
fn test_stack_task() {
    everywhere(async || {
        named("there there", expect_here("there there[](main[there there]())")).await.unwrap();
    });
}

#[test]
fn test_stack_future() {
    everywhere(async || {
        let (promise, future) = bowerbird::future::promise::<u32>();
        let [a, b] = ["task A", "task B"].map(|name| {
            let future = future.clone();
            named(name, async move { future.await.unwrap() })
        });
        until(|| future.awaited_by().len() == 2).await;
        let awaiters: Vec<_> = future.awaited_by().iter().map(shape).collect();
        assert_eq!(awaiters, ["task A[future]()", "task B[future]()"]);
        promise.set_result(7).unwrap();
        assert_eq!((a.await.unwrap(), b.await.unwrap()), (7, 7));
        assert!(future.awaited_by().is_empty());
    });
}

async fn expect_here(expected: &'static str) {
    expect(None, expected).await;
}

#[test]
fn test_stack_wait_for_non_positive_timeout() {
    everywhere(async || {
        let (end, ended) = oneshot::channel::<()>();
        let worker = named("worker", async move {
            assert!(bowerbird::catch_cancel(bowerbird::sleep(Duration::MAX)).await.is_err());
            ended.await.unwrap();
        });
        let handle = worker.handle();
        // It has begun: one that has not ends unpolled.
        expect(Some(handle.clone()), "worker[sleep]()").await;
        // The task that had no time at all is cancelled, and awaited to its end.
        let probe = named("probe", drop_output(bowerbird::wait_for(worker, Duration::ZERO)));
        expect(Some(handle), "worker[oneshot](probe[worker]())").await;
        end.send(()).unwrap();
        probe.await.unwrap();
    });
}

/// Tasks that outlive what has awaited them are awaited by nobody.
#[test]
fn test_stack_gather_survivor() {
    everywhere(async || {
        for victim_is_cancelled in [false, true] {
            let (fall, fallen) = oneshot::channel::<()>();
            let survivor = async {
                call_me("survivor");
                pending::<Result<(), &str>>().await
            };
            let victim = async move {
                call_me("victim");
                fallen.await.unwrap();
                if victim_is_cancelled {
                    current_task().unwrap().cancel();
                    yield_now().await;
                }
                Err::<(), _>("failed")
            };
            let gathering = named("gathers", async {
                gather((survivor, victim)).first_error().await.unwrap_err()
            });
            let find = || all_tasks().into_iter().find(|task| &*task.name() == "survivor");
            until(|| find().is_some()).await;
            let survivor = find().unwrap();
            let before = "survivor[](gathers[gather survivor victim]())";
            expect(Some(survivor.clone()), before).await;
            fall.send(()).unwrap();
            assert_eq!(gathering.await.is_err(), victim_is_cancelled);
            expect(Some(survivor.clone()), "survivor[]()").await;
            survivor.cancel();
            survivor.wait().await;
        }
    });
}

#[test]
fn test_stack_as_completed() {
    everywhere(async || {
        let inner = named("inner", expect_here("inner[](main[as_completed inner]())"));
        let mut ends = bowerbird::as_completed([inner]);
        let (_, end) = ends.next().await.unwrap();
        end.unwrap();
    });
}

#[test]
fn test_stack_as_completed_timeout() {
    everywhere(async || {
        let survivor = named("inner", pending::<()>());
        let handle = survivor.handle();
        let mut ends = bowerbird::as_completed([survivor]).timeout(Duration::from_millis(1));
        assert!(ends.next().await.unwrap().is_err());
        drop(ends);
        expect(Some(handle.clone()), "inner[]()").await;
        handle.cancel();
    });
}

#[test]
fn test_call_graph_finished_task() {
    everywhere(async || {
        let cancelled = named("cancelled", pending::<()>());
        cancelled.cancel();
        let ended = [named("done", async {}), named("failed", async { panic!("boom") }), cancelled];
        for task in ended {
            task.wait().await;
            let graph = capture(&task);
            assert!(graph.waits_for.is_empty() && graph.awaited_by.is_empty());
            let text = format_call_graph(Some(&task));
            assert!(text.contains(&format!("name='{}'", task.name())), "{text}");
            drop(task.await);
        }
    });
}

/// `test_wait_discards_awaited_by_for_pending` of test_tasks.py.
#[test]
fn test_wait_discards_awaited_by_for_pending() {
    everywhere(async || {
        let immortal = named("immortal", pending::<()>());
        let done = spawn(async {});
        let first = bowerbird::ReturnWhen::FirstCompleted;
        let (_, left) = bowerbird::wait([immortal.handle(), done.handle()], first).await;
        assert_eq!(left.len(), 1);
        expect(Some(immortal.handle()), "immortal[]()").await;
        immortal.cancel();
    });
}

// -----------------------------------------------------------------------------------------------
// The text
// -----------------------------------------------------------------------------------------------

#[test]
fn text_names_what_each_leaf_waits_for_and_where() {
    everywhere(async || {
        let sleeping = line!() + 1;
        let inner = named("inner", async { sleep(HOUR).await });
        let handle = inner.handle();
        let awaiting = line!() + 1;
        let outer = named("outer", async move { inner.await.unwrap() });
        expect(Some(handle.clone()), "inner[sleep](outer[inner]())").await;
        let (file, site) = (file!(), handle.spawn_location().line());
        let (inner_id, outer_id) = (handle.id().get(), outer.id().get());
        let expected = format!(
            "* Task(name='inner', id={inner_id:#x})\n\
             \x20 + Call stack:\n\
             \x20 |   File '{file}', line {sleeping}, in sleep()\n\
             \x20 |   File '{file}', line {site}, in spawn()\n\
             \x20 + Awaited by:\n\
             \x20   * Task(name='outer', id={outer_id:#x})\n\
             \x20     + Call stack:\n\
             \x20     |   File '{file}', line {awaiting}, in await of inner\n\
             \x20     |   File '{file}', line {site}, in spawn()"
        );
        assert_eq!(format_call_graph(Some(&handle)), expected);
        assert_eq!(Handle::current().capture_call_graph(&handle).to_string(), expected);
        handle.cancel();
    });
}

#[test]
fn every_kind_of_wait_for_a_task_gives_an_edge() {
    everywhere(async || {
        let task = named("awaited", pending::<()>());
        let handle = task.handle();
        let shared = task.shared();
        let waiters = [
            named("shared", drop_output(shared.clone())),
            named("wait", drop_output(handle.wait())),
            named("select", drop_output(bowerbird::race((handle.wait(), pending::<()>())))),
            named("join", drop_output(bowerbird::join((sleep(HOUR), handle.wait())))),
            named("completed", {
                let handle = handle.clone();
                async move {
                    let tasks = [spawn(async move { handle.wait().await })];
                    drop(bowerbird::as_completed(tasks).next().await);
                }
            }),
        ];
        let expected = "awaited[](Task-N[awaited](completed[Task-N as_completed]()) join[awaited sleep]() \
                        select[awaited]() shared[awaited]() wait[awaited]())";
        until(|| normal(&shape(&capture(&handle))) == expected).await;
        handle.cancel();
        for waiter in waiters {
            waiter.cancel();
        }
    });
}

async fn drop_output<F: Future>(future: F) {
    drop(future.await);
}

/// Tasks without a name of their own have numbers.
fn normal(shape: &str) -> String {
    let mut words = shape.split("Task-");
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |text, word| {
        text + "Task-N" + word.trim_start_matches(|c: char| c.is_ascii_digit())
    })
}

#[test]
fn wait_for_an_event_is_named() {
    everywhere(async || {
        let event = std::sync::Arc::new(Event::new());
        let waited = event.clone();
        let task = named("waits", async move { waited.wait().await });
        expect(Some(task.handle()), "waits[event]()").await;
        let wait = &capture(&task).waits_for[0];
        assert_eq!(wait.location.unwrap().file(), file!());
        event.set();
        task.await.unwrap();
    });
}

#[test]
fn await_graph_with_a_cycle_is_shown() {
    everywhere(async || {
        let (send, receive) = oneshot::channel::<TaskHandle>();
        let first = named("a", async move { receive.await.unwrap().wait().await });
        let handle = first.handle();
        let second = named("b", async move { handle.wait().await });
        send.send(second.handle()).unwrap();
        expect(Some(first.handle()), "a[b](b[a](a[b]()Cycle))").await;
        let text = format_call_graph(Some(&first));
        assert!(text.contains("(await-graph contains cycles)"), "{text}");
        first.cancel();
        second.cancel();
    });
}

#[test]
fn task_that_is_met_twice_is_shown_once_and_a_long_chain_is_cut() {
    everywhere(async || {
        let bottom = named("bottom", pending::<()>());
        let handle = bottom.handle();
        // Two tasks wait for the bottom, one for these two, and one for that.
        let sides = ["left", "right"].map(|name| named(name, drop_output(handle.wait())));
        let [left, right] = [sides[0].handle(), sides[1].handle()];
        let top = named("top", drop_output(gather_waits(left, right)));
        let roof = named("roof", drop_output(top.handle().wait()));
        expect(
            Some(handle.clone()),
            "bottom[](left[bottom](top[left right](roof[top]())) right[bottom](top[left right]()Repeated))",
        )
        .await;
        let text = format_call_graph(Some(&handle));
        assert!(text.contains("(see above)"), "{text}");
        let mut last = handle.clone();
        let mut chain = Vec::new();
        for _ in 0..300 {
            let next = spawn(drop_output(last.wait()));
            last = next.handle();
            chain.push(next);
        }
        until(|| format_call_graph(Some(&handle)).contains("the chain is too long")).await;
        roof.cancel();
        handle.cancel();
    });
}

async fn gather_waits(left: TaskHandle, right: TaskHandle) {
    bowerbird::join((left.wait(), right.wait())).await;
}

// -----------------------------------------------------------------------------------------------
// Where nothing is kept
// -----------------------------------------------------------------------------------------------

#[test]
fn without_tracking_the_graph_says_so_and_at_run_time_it_begins() {
    for workers in WORKER_COUNTS {
        let builder = Runner::builder().worker_threads(workers).track_waits(false).debug(false);
        let program = async {
            let task = named("early", sleep(HOUR));
            let waiter = named("waiter", drop_output(task.handle().wait()));
            bowerbird_tests::turns(10).await;
            let graph = capture(&task);
            assert!(graph.waits_for.is_empty() && graph.awaited_by.is_empty());
            assert!(graph.to_string().contains("is not kept: see `track_waits`"), "{graph}");

            let handle = Handle::current();
            assert!(!handle.get_track_waits());
            handle.set_track_waits(true);
            let late = named("late", drop_output(task.handle().wait()));
            expect(Some(late.handle()), "late[early]()").await;
            // What slept before is known from its next poll on; a request that is taken back is one.
            task.handle().cancel();
            task.handle().uncancel();
            until(|| shape(&capture(&task)) == "early[sleep](late[early]())").await;
            handle.set_track_waits(false);
            assert!(!handle.get_track_waits());
            let graph = capture(&task);
            assert!(graph.waits_for.is_empty() && graph.awaited_by.is_empty(), "{graph}");
            waiter.cancel();
            task.cancel();
        };
        builder.build().unwrap().run(program).unwrap();
    }
}

#[test]
fn ended_task_and_threads_outside_have_their_graph_too() {
    everywhere(async || {
        let task = named("ended", async {});
        task.wait().await;
        let graph = capture(&task);
        assert!(graph.to_string().contains("(it has ended)"), "{graph}");
        let handle = Handle::current();
        let sleeper = named("sleeper", sleep(HOUR));
        expect(Some(sleeper.handle()), "sleeper[sleep]()").await;
        let inside = sleeper.handle();
        std::thread::spawn(move || {
            assert_eq!(shape(&handle.capture_call_graph(&inside)), "sleeper[sleep]()");
            assert_eq!(format_call_graph(None), "");
        })
        .join()
        .unwrap();
        sleeper.cancel();
    });
}

#[test]
fn print_call_graph_writes_to_standard_output() {
    let output = child_command("print_call_graph_child", &[]).output().unwrap();
    let text = text_of(&output);
    assert!(text.contains("* Task(name='printed', id=0x"), "{text}");
}

#[test]
fn print_call_graph_child() {
    everywhere(async || {
        call_me("printed");
        bowerbird::print_call_graph(None);
    });
}

#[test]
fn await_that_stands_in_no_line_of_the_user_is_shown_at_the_spawn_site_or_at_its_combinator() {
    everywhere(async || {
        let inner = named("inner", pending::<()>());
        let handle = inner.handle();
        // The await is the timeout's.
        let outer = named("outer", timeout(HOUR, inner));
        expect(Some(handle.clone()), "inner[](outer[inner sleep]())").await;
        let graph = capture(&outer);
        let wait = graph.waits_for.iter().find(|wait| wait.kind == "task").unwrap();
        assert_eq!(wait.location, Some(handle.spawn_location()));
        // A wait for many tasks has one line of the user's, which goes before those of its leaves.
        let line = line!() + 1;
        let wait = bowerbird::wait([handle.clone()], bowerbird::ReturnWhen::AllCompleted);
        let many = named("many", drop_output(wait));
        expect(Some(many.handle()), "many[inner wait]()").await;
        let graph = capture(&many);
        let wait = graph.waits_for.iter().find(|wait| wait.kind == "task").unwrap();
        assert_eq!(wait.location.map(|at| (at.file(), at.line())), Some((file!(), line)));
        handle.cancel();
    });
}
