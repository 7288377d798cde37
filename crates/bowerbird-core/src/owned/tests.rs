use bowerbird_base::model_or_real;

use super::OwnedList;
use crate::owner::OwnerNumber;
use crate::task::header::{Header, TaskCell};
use crate::task::state::{Complete, Ending, State};
use crate::wake::release;
use std::panic::Location;
use std::ptr::NonNull;

fn new_task(number: u64) -> NonNull<Header> {
    let future = std::future::ready(());
    TaskCell::allocate(future, State::new(0), OwnerNumber(0), number, Location::caller())
}

/// Ends a task and gives back the reference that the list had.
fn end(list: &OwnedList, task: NonNull<Header>) {
    // SAFETY: the list's reference is there until the release.
    let state = unsafe { &task.as_ref().state };
    assert!(matches!(state.complete(Ending::Value), Complete::Done(_)));
    list.unlink(task);
    release(task);
}

model_or_real! {
    {
        use bowerbird_base::sync::{Arc, thread};

        /// Two workers link and unlink while somebody walks: loom watches the links.
        #[test]
        fn list_is_never_raced() {
            loom::model(|| {
                let list = Arc::new(OwnedList::new());
                let others: Vec<_> = (1..3)
                    .map(|number| {
                        let list = list.clone();
                        thread::spawn(move || {
                            let task = new_task(number);
                            list.link(task);
                            end(&list, task);
                        })
                    })
                    .collect();
                list.for_each(|task| assert!(task.id().get() < 3));
                others.into_iter().for_each(|other| other.join().unwrap());
                assert_eq!(list.len(), 0);
            });
        }
    }
    {
        #[test]
        fn walk_sees_every_task_once_and_the_newest_first() {
            for count in [0, 1, 63, 64, 65, 200] {
                let list = OwnedList::new();
                let tasks: Vec<_> = (1..=count).map(new_task).collect();
                tasks.iter().for_each(|&task| list.link(task));
                let mut seen = Vec::new();
                list.for_each(|task| seen.push(task.id().get()));
                assert_eq!(seen, (1..=count).rev().collect::<Vec<_>>());
                tasks.into_iter().for_each(|task| end(&list, task));
                assert_eq!(list.len(), 0);
            }
        }

        #[test]
        fn walk_meets_walks_and_ends_in_the_middle() {
            let list = OwnedList::new();
            let tasks: Vec<_> = (1..=300).map(new_task).collect();
            tasks.iter().for_each(|&task| list.link(task));
            let mut inner_count = 0;
            let mut outer_count = 0;
            let mut ended = tasks.iter().copied();
            list.for_each(|_| {
                outer_count += 1;
                if outer_count % 100 == 1 {
                    list.for_each(|_| inner_count += 1);
                    end(&list, ended.next().unwrap());
                }
            });
            // The oldest were ended before the walk came to them.
            assert!((297..=300).contains(&outer_count), "{outer_count}");
            assert!(inner_count > 890);
            ended.for_each(|task| end(&list, task));
        }
    }
}
