//! The deques: crossbeam-deque's, or in a model a stand-in of the same shape.

use crate::task::Runnable;

bowerbird_base::model_or_real! { {
    pub(crate) use bowerbird_base::sync::model_deque::{Injector, Steal, Stealer, Worker};
} {
    pub(crate) use crossbeam_deque::{Injector, Steal, Stealer, Worker};
} }

/// A worker's own queue.
pub(crate) type Deque = Worker<Runnable>;
/// The door for other workers.
pub(crate) type Thief = Stealer<Runnable>;
/// The door for threads outside.
pub(crate) type Door = Injector<Runnable>;

/// Repeats a steal that met another one, until it has an answer.
pub(crate) fn until_answered(mut steal: impl FnMut() -> Steal<Runnable>) -> Option<Runnable> {
    loop {
        match steal() {
            Steal::Success(task) => return Some(task),
            Steal::Empty => return None,
            Steal::Retry => {}
        }
    }
}
