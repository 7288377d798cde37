//! `ContextVar`, `copy_context`: values that follow a task and what it spawns.

use bowerbird::context::{Context, ContextVar, copy_context};
use bowerbird::{Task, gather, gather_iter, spawn, spawn_local, yield_now};
use bowerbird_tests::{everywhere, turns};

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
