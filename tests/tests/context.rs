//! `ContextVar`, `copy_context`: values that follow a task and what it spawns.

use std::future::poll_fn;
use std::sync::{Arc, Mutex};

use bowerbird::context::{Context, ContextVar, context_var, copy_context};
use bowerbird::{
    Runner, Runtime, Task, current_task, gather, gather_iter, join, spawn, spawn_blocking,
    spawn_local, to_thread, yield_now,
};
use bowerbird_tests::{Journal, catch, everywhere, on_workers, turns};

static USER: ContextVar<&str> = ContextVar::new("user");
static DEPTH: ContextVar<u32> = ContextVar::new("depth");

#[test]
fn spawned_task_has_a_copy_of_what_its_spawner_had() {
    everywhere(|| async {
        let _token = USER.set("ann");
        let task = spawn(async {
            yield_now().await;
            USER.get()
        });
        let _token = USER.set("bob");
        assert_eq!(task.await.unwrap(), Some("ann"));
        assert_eq!(USER.get(), Some("bob"));
    });
}

#[test]
fn change_in_a_task_is_not_seen_by_its_spawner() {
    everywhere(|| async {
        let _token = USER.set("ann");
        let child = spawn(async {
            let _token = USER.set("child");
            yield_now().await;
            USER.get()
        });
        assert_eq!(child.await.unwrap(), Some("child"));
        assert_eq!(USER.get(), Some("ann"));
    });
}

#[test]
fn values_do_not_leak_between_tasks_that_take_turns() {
    everywhere(|| async {
        let names = ["a", "b", "c", "d", "e"];
        gather_iter(names.into_iter().map(|name| async move {
            assert_eq!(USER.get(), None);
            let _token = USER.set(name);
            for _ in 0..20 {
                yield_now().await;
                assert_eq!(USER.get(), Some(name));
            }
        }))
        .await;
        assert_eq!(USER.get(), None);
        assert_eq!(spawn(async { USER.get() }).await.unwrap(), None);
    });
}

#[test]
fn reset_brings_back_what_was_before() {
    everywhere(|| async {
        let outer = USER.set("outer");
        let inner = USER.set("inner");
        assert_eq!(USER.get(), Some("inner"));
        USER.reset(inner);
        assert_eq!(USER.get(), Some("outer"));
        USER.reset(outer);
        assert_eq!(USER.get(), None);
    });
}

#[test]
fn values_follow_through_many_generations() {
    fn deeper(left: u32) -> std::pin::Pin<Box<dyn Future<Output = u32> + Send>> {
        Box::pin(async move {
            let depth = DEPTH.get().unwrap_or(0);
            if left == 0 {
                return depth;
            }
            let _token = DEPTH.set(depth + 1);
            spawn(deeper(left - 1)).await.unwrap()
        })
    }
    everywhere(|| async {
        assert_eq!(deeper(20).await, 20);
    });
}

#[test]
fn every_way_to_spawn_carries_the_context() {
    everywhere(|| async {
        let _token = USER.set("ann");
        let look = || async { USER.get() };
        assert_eq!(gather((look(), look())).await, (Some("ann"), Some("ann")));
        assert_eq!(spawn_local(look()).await.unwrap(), Some("ann"));
        let eager = Task::builder().eager(true).spawn(async {
            let at_once = USER.get();
            yield_now().await;
            (at_once, USER.get())
        });
        assert_eq!(eager.await.unwrap(), (Some("ann"), Some("ann")));
    });
}

#[test]
fn eager_task_leaves_nothing_in_its_spawner() {
    everywhere(|| async {
        let _token = USER.set("ann");
        let task = Task::builder().eager(true).spawn(async {
            let _token = USER.set("eager");
            turns(3).await;
            USER.get()
        });
        assert_eq!(USER.get(), Some("ann"));
        assert_eq!(task.await.unwrap(), Some("eager"));
    });
}

#[test]
fn task_runs_in_the_context_that_it_was_given() {
    everywhere(|| async {
        let _token = USER.set("kept");
        let kept = copy_context();
        let _token = USER.set("other");
        let look = || async {
            yield_now().await;
            USER.get()
        };
        let given = Task::builder().context(kept).spawn(look());
        let empty = Task::builder().context(Context::new()).spawn(look());
        assert_eq!(given.await.unwrap(), Some("kept"));
        assert_eq!(empty.await.unwrap(), None);
        assert_eq!(USER.get(), Some("other"));
    });
}

#[test]
fn main_begins_with_the_context_of_its_thread_and_leaves_it_alone() {
    let token = USER.set("thread");
    everywhere(|| async {
        assert_eq!(USER.get(), Some("thread"));
        let _token = USER.set("main");
        yield_now().await;
    });
    assert_eq!(USER.get(), Some("thread"));
    USER.reset(token);
}

// The names of CPython's test_context.py, for what can exist here.

context_var! {
    static A: &str;
    static C: u32 = 42;
    static LIST: Vec<u32> = Vec::new();
    static HELD: Arc<Mutex<Vec<u32>>>;
    static PRIVATE: u32, not_inherited;
    pub(crate) static OTHER: &str;
}

#[test]
fn context_var_new_1_has_the_name_of_its_static() {
    assert_eq!((A.name(), USER.name()), ("A", "user"));
    assert_eq!(format!("{A:?}"), "ContextVar(A)");
}

#[test]
fn context_get_context_1_copies_what_is_current() {
    let _token = A.set("copied");
    let context = copy_context();
    let _token = A.set("later");
    assert_eq!(context.get(&A), Some("copied"));
    assert_eq!(format!("{context:?}"), "Context{\"A\"}");
}

#[test]
fn context_run_3_and_5_keep_what_was_set_before_a_panic_to_themselves() {
    let mut context = Context::new();
    let caught = catch(|| {
        context.run(|| {
            let _token = A.set("inside");
            panic!("out of the run");
        });
    });
    assert_eq!(caught.message, "out of the run");
    assert_eq!((A.get(), context.get(&A)), (None, Some("inside")));
}

#[test]
fn context_run_4_changes_stay_in_the_context() {
    let (mut first, mut second) = (Context::new(), Context::new());
    first.run(|| drop(A.set("first")));
    second.run(|| {
        assert_eq!(A.get(), None);
        drop(A.set("second"));
        first.run(|| assert_eq!(A.get(), Some("first")));
        assert_eq!(A.get(), Some("second"));
    });
    assert_eq!(A.get(), None);
    first.run(|| assert_eq!(A.get(), Some("first")));
}

#[test]
fn context_run_6_and_getset_3_default_stands_in_no_context() {
    let mut context = Context::new();
    context.run(|| {
        assert_eq!((C.get(), C.value()), (Some(42), 42));
        assert!(!copy_context().contains(&C));
        assert_eq!(copy_context().get(&C), None);
        let token = C.set(1);
        assert_eq!((copy_context().get(&C), copy_context().len()), (Some(1), 1));
        C.reset(token);
        assert_eq!((C.get(), copy_context().len()), (Some(42), 0));
    });
}

#[test]
fn context_getset_1_tokens_put_back_what_was_before() {
    assert_eq!(A.get(), None);
    let caught = catch(|| A.value());
    assert!(caught.message.starts_with("value() of the context variable `A`"), "{caught:?}");
    assert_eq!((caught.file.as_str(), caught.line), (file!(), line!() - 2));
    let first = A.set("42");
    let second = A.set("spam");
    assert_eq!((first.old_value(), second.old_value()), (None, Some("42")));
    assert!(std::ptr::eq(second.variable(), &A));
    A.reset(second);
    assert_eq!(A.get(), Some("42"));
    let _unused = A.set("spam2");
    A.reset(first);
    assert_eq!((A.get(), copy_context().is_empty()), (None, true));
}

#[test]
fn context_getset_2_token_of_another_variable_is_refused() {
    let token = A.set("a");
    let caught = catch(|| OTHER.reset(token));
    assert_eq!(
        caught.message,
        "reset() of the context variable `OTHER` was given a token of `A`; reset each with its own"
    );
    assert_eq!((caught.file.as_str(), caught.line), (file!(), line!() - 5));
    assert_eq!((A.get(), OTHER.get()), (Some("a"), None));
}

#[test]
fn context_getset_4_token_of_another_context_is_refused() {
    let token = A.set("outside");
    let caught = catch(|| copy_context().run(|| A.reset(token)));
    assert!(caught.message.contains("`A` was given a token that was made in another context"));
    assert_eq!(A.get(), Some("outside"));

    everywhere(|| async {
        let token = A.set("spawner");
        let task = spawn(async move { catch(|| A.reset(token)).message });
        assert!(task.await.unwrap().contains("made in another context"));
    });
}

#[test]
fn token_is_good_after_suspensions_on_any_worker() {
    everywhere(|| async {
        let tasks = (0..20).map(|_| {
            spawn(async {
                let first = DEPTH.set(1);
                turns(3).await;
                let second = DEPTH.set(2);
                turns(3).await;
                DEPTH.reset(first);
                turns(3).await;
                assert_eq!(DEPTH.get(), None);
                DEPTH.reset(second);
                turns(3).await;
                DEPTH.get()
            })
        });
        for value in gather_iter(tasks.collect::<Vec<_>>()).await {
            assert_eq!(value.unwrap(), Some(1));
        }
    });
}

#[test]
fn context_without_values_is_still_known_by_its_tokens() {
    everywhere(|| async {
        let (first, second) = (DEPTH.set(1), DEPTH.set(2));
        DEPTH.reset(first);
        turns(2).await;
        // Whoever runs here in between is another context.
        let other = spawn(async {
            let token = DEPTH.set(3);
            turns(2).await;
            DEPTH.reset(token);
            DEPTH.get()
        });
        assert_eq!(other.await.unwrap(), None);
        DEPTH.reset(second);
        turns(2).await;
        assert_eq!(DEPTH.get(), Some(1));
    });
}

#[test]
fn context_getset_5_values_are_shared_and_variables_are_not() {
    let _token = HELD.set(Arc::default());
    let mut context = copy_context();
    context.run(|| {
        HELD.with(|held| held.unwrap().lock().unwrap().push(1));
        drop(HELD.set(Arc::default()));
        HELD.with(|held| held.unwrap().lock().unwrap().push(2));
    });
    assert_eq!(*HELD.value().lock().unwrap(), [1]);
}

#[test]
fn context_copy_1_copies_part_ways() {
    let mut first = Context::new();
    first.run(|| drop((A.set("1"), C.set(1))));
    let mut second = first.clone();
    second.run(|| drop((A.set("2"), OTHER.set("2"))));
    assert_eq!((first.get(&A), first.get(&C), first.get(&OTHER)), (Some("1"), Some(1), None));
    assert_eq!((second.get(&A), second.get(&C), second.len()), (Some("2"), Some(1), 3));
}

#[test]
fn context_is_a_mapping_in_the_order_of_setting() {
    let mut context = Context::new();
    context.run(|| {
        let _first = (OTHER.set("o"), C.set(1), A.set("a"));
        drop(OTHER.set("again"));
    });
    let names: Vec<_> = context.iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["OTHER", "C", "A"]);
    let values: Vec<_> =
        context.iter().filter_map(|(_, value)| value.downcast_ref::<&str>()).collect();
    assert_eq!(values, [&"again", &"a"]);
}

#[test]
fn context_threads_1_each_thread_has_its_own() {
    let token = A.set("here");
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                assert_eq!(A.get(), None);
                let _token = A.set("there");
                assert_eq!(A.get(), Some("there"));
            });
        }
    });
    A.reset(token);
    assert_eq!(A.get(), None);
}

#[test]
fn default_is_made_once_and_is_not_cloned_by_with() {
    let address = || LIST.with(|list| std::ptr::from_ref(list.unwrap()).addr());
    assert_eq!(address(), address());
}

#[test]
fn variable_may_be_used_while_its_value_is_looked_at_cloned_or_dropped() {
    struct Meddler;
    impl Clone for Meddler {
        fn clone(&self) -> Self {
            drop(DEPTH.set(DEPTH.get().unwrap_or(0) + 1));
            Self
        }
    }
    impl Drop for Meddler {
        fn drop(&mut self) {
            drop(DEPTH.set(DEPTH.get().unwrap_or(0) + 100));
        }
    }
    context_var! { static MEDDLER: Meddler; }
    let mut context = Context::new();
    context.run(|| {
        let token = MEDDLER.set(Meddler);
        MEDDLER.with(|value| drop(value.cloned()));
        assert_eq!(DEPTH.get(), Some(101));
        MEDDLER.reset(token);
        assert_eq!(DEPTH.get(), Some(201));
    });
}

// ---------------------------------------------------------------------------------------------------
// Inheritance
// ---------------------------------------------------------------------------------------------------

#[test]
fn blocking_work_has_a_copy() {
    everywhere(|| async {
        let _token = USER.set("ann");
        let look = || {
            let seen = USER.get();
            drop(USER.set("changed in the thread"));
            seen
        };
        assert_eq!(to_thread(look).await, Some("ann"));
        assert_eq!(spawn_blocking(look).await.unwrap(), Some("ann"));
        assert_eq!(USER.get(), Some("ann"));
        let _token = USER.set("bob");
        assert_eq!(to_thread(look).await, Some("bob"));
    });
}

#[test]
fn thread_of_the_pool_forgets_what_a_closure_has_set() {
    let mut runner = Runner::builder().max_blocking_threads(1).build().unwrap();
    runner
        .run(async {
            to_thread(|| drop(USER.set("left behind"))).await;
            assert_eq!(to_thread(|| USER.get()).await, None);
        })
        .unwrap();
}

#[test]
fn spawn_from_a_thread_that_has_entered_carries_its_context() {
    let runtime = Runtime::new().unwrap();
    let _token = USER.set("thread");
    let task = runtime.spawn(async { USER.get() });
    let guard = runtime.enter();
    let entered = spawn(async { USER.get() });
    drop(guard);
    assert_eq!(runtime.block_on(async { USER.get() }), Some("thread"));
    assert_eq!(runtime.block_on(task).unwrap(), Some("thread"));
    assert_eq!(runtime.block_on(entered).unwrap(), Some("thread"));
}

#[test]
fn given_context_is_copied_for_every_kind_of_task() {
    everywhere(|| async {
        let mut given = Context::new();
        given.run(|| drop(USER.set("given")));
        let run = || async {
            turns(2).await;
            let seen = USER.get();
            drop(USER.set("changed"));
            seen
        };
        let builder = || Task::builder().context(given.clone());
        assert_eq!(builder().spawn(run()).await.unwrap(), Some("given"));
        assert_eq!(builder().spawn_local(run()).await.unwrap(), Some("given"));
        assert_eq!(builder().eager(true).spawn(run()).await.unwrap(), Some("given"));
        assert_eq!((given.get(&USER), USER.get()), (Some("given"), None));
    });
}

#[test]
fn private_variable_is_inherited_by_nothing_that_is_spawned() {
    everywhere(|| async {
        let _tokens = (PRIVATE.set(1), USER.set("ann"));
        let look = || async { (PRIVATE.get(), USER.get()) };
        let expected = (None, Some("ann"));
        assert_eq!(spawn(look()).await.unwrap(), expected);
        assert_eq!(spawn_local(look()).await.unwrap(), expected);
        assert_eq!(Task::builder().eager(true).spawn(look()).await.unwrap(), expected);
        assert_eq!(gather((look(), async {})).await.0, expected);
        assert_eq!(to_thread(|| (PRIVATE.get(), USER.get())).await, expected);
        assert_eq!((PRIVATE.get(), copy_context().get(&PRIVATE)), (Some(1), Some(1)));
        let given = Task::builder().context(copy_context()).spawn(look());
        assert_eq!(given.await.unwrap(), (Some(1), Some("ann")));
    });
}

#[test]
fn context_of_a_task_is_that_of_its_last_suspension() {
    everywhere(|| async {
        let _token = USER.set("spawner");
        let task = spawn_local(async {
            assert_eq!(current_task().unwrap().context().get(&USER), Some("spawner"));
            drop(USER.set("task"));
            assert_eq!(current_task().unwrap().context().get(&USER), Some("task"));
            std::future::pending::<()>().await;
        });
        assert_eq!(task.context().get(&USER), Some("spawner"));
        turns(3).await;
        assert_eq!(task.context().get(&USER), Some("task"));
        assert!(spawn_local(async { USER.get() }).context().contains(&USER));
        task.cancel();
        assert!(task.await.is_err());
    });
}

// ---------------------------------------------------------------------------------------------------
// scope
// ---------------------------------------------------------------------------------------------------

#[test]
fn scopes_in_one_task_do_not_see_each_other() {
    everywhere(|| async {
        let _token = USER.set("outside");
        let watch = |name| {
            USER.scope(name, async move {
                for _ in 0..5 {
                    assert_eq!(USER.get(), Some(name));
                    yield_now().await;
                }
            })
        };
        let outside = async {
            for _ in 0..5 {
                assert_eq!(USER.get(), Some("outside"));
                yield_now().await;
            }
        };
        join((watch("a"), outside, watch("b"), USER.scope("c", watch("d")))).await;
        assert_eq!(USER.get(), Some("outside"));
    });
}

#[test]
fn what_is_set_in_a_scope_lasts_to_its_end() {
    everywhere(|| async {
        let inside = USER.scope("first", async {
            yield_now().await;
            let token = USER.set("second");
            drop(DEPTH.set(7));
            yield_now().await;
            assert_eq!(USER.get(), Some("second"));
            USER.reset(token);
            yield_now().await;
            USER.get()
        });
        assert_eq!(inside.await, Some("first"));
        // Only the variable of the scope is put back.
        assert_eq!((USER.get(), DEPTH.get()), (None, Some(7)));
        yield_now().await;
        assert_eq!((USER.get(), DEPTH.get()), (None, Some(7)));
    });
}

#[test]
fn scope_sees_what_is_set_outside_of_it_later() {
    everywhere(|| async {
        let mut inside = Box::pin(USER.scope("inside", async {
            let mut seen = Vec::new();
            for _ in 0..3 {
                seen.push((USER.get(), DEPTH.get()));
                yield_now().await;
            }
            seen
        }));
        let mut depth = 0;
        let seen = poll_fn(|cx| {
            depth += 1;
            drop(DEPTH.set(depth));
            inside.as_mut().poll(cx)
        })
        .await;
        let expected = [1, 2, 3].map(|depth| (Some("inside"), Some(depth)));
        assert_eq!(seen, expected);
    });
}

#[test]
fn tasks_spawned_in_a_scope_inherit_its_value() {
    everywhere(|| async {
        let task = USER.scope("ann", async { spawn(async { USER.get() }) }).await;
        assert_eq!(task.await.unwrap(), Some("ann"));
        assert_eq!(USER.get(), None);
    });
}

#[test]
fn scope_that_is_dropped_or_panics_puts_back_what_was_before() {
    struct Look(Journal);
    impl Drop for Look {
        fn drop(&mut self) {
            self.0.note(USER.get().unwrap_or("nothing"));
        }
    }
    everywhere(|| async {
        let journal = Journal::new();
        let look = Look(journal.clone());
        let task = spawn_local(USER.scope("ann", async move {
            let _look = look;
            std::future::pending::<()>().await;
        }));
        yield_now().await;
        task.cancel();
        assert!(task.await.is_err());
        journal.expect(&["ann"]);
        let caught = catch(|| USER.sync_scope("bob", || panic!("in the scope")));
        assert_eq!((caught.message.as_str(), USER.get()), ("in the scope", None));
    });
}

#[test]
fn sync_scopes_nest() {
    let seen = USER.sync_scope("outer", || {
        let inner = USER.sync_scope("inner", || {
            drop(USER.set("set"));
            USER.get()
        });
        (inner, USER.get())
    });
    assert_eq!((seen, USER.get()), ((Some("set"), Some("outer")), None));
}

#[test]
fn values_of_a_context_are_dropped_with_the_last_task_that_has_them() {
    context_var! { static KEPT: Arc<()>; }
    let kept = Arc::new(());
    for count in [1, 4] {
        let value = kept.clone();
        on_workers(count, async move {
            let _token = KEPT.set(value.clone());
            let tasks = (0..50).map(|_| {
                spawn(async {
                    KEPT.scope(KEPT.value(), async { turns(3).await }).await;
                    drop(KEPT.set(KEPT.value()));
                    turns(3).await;
                })
            });
            gather_iter(tasks.collect::<Vec<_>>()).await;
        });
        assert_eq!(Arc::strong_count(&kept), 1, "with {count} workers");
    }
}
