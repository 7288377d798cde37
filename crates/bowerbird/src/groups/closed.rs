//! The states of a group, and the error of spawning in one that takes no children.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

/// The state of a group.
///
/// asyncio: what `repr` of a `TaskGroup` and its `RuntimeError`s say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum GroupState {
    /// `run` was not called yet.
    NotEntered,
    /// It takes children.
    Open,
    /// Its children were cancelled, and it waits for their ends.
    ShuttingDown,
    /// Its body and all children have ended.
    Finished,
}

/// A group takes no children in its state.
///
/// asyncio: the `RuntimeError` of `create_task`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupClosed {
    state: GroupState,
    name: Option<Arc<str>>,
}

impl GroupClosed {
    pub(super) fn new(state: GroupState, name: Option<Arc<str>>) -> Self {
        Self { state, name }
    }

    /// Returns the state that the group was in.
    pub fn state(&self) -> GroupState {
        self.state
    }

    /// Returns whether the group was shutting down: it had failed or was cancelled.
    pub fn is_shutting_down(&self) -> bool {
        self.state == GroupState::ShuttingDown
    }
}

impl fmt::Display for GroupClosed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the TaskGroup ")?;
        if let Some(name) = &self.name {
            write!(f, "`{name}` ")?;
        }
        f.write_str(match self.state {
            GroupState::NotEntered => "has not been entered: spawn in the body that `run` is given",
            GroupState::Open => "is open",
            GroupState::ShuttingDown => {
                "is shutting down: a child or the body has failed, or it was cancelled"
            }
            GroupState::Finished => "is finished: its body and all its children have ended",
        })
    }
}

impl Error for GroupClosed {}
