//! What the behaviour tests share.

mod child;
mod counted;
mod dribble;
mod flavours;
mod journal;
mod load;
mod machine;
mod own_process;
mod panics;
mod scale;
mod temp_dir;
mod until;

pub use child::{Ended, Program};
pub use counted::Counted;
pub use dribble::{Dribble, Sip};
pub use flavours::{WORKER_COUNTS, everywhere, on_workers, paused};
pub use journal::Journal;
pub use load::Load;
pub use machine::{descriptor_count, resident_bytes, switch_count, thread_count};
pub use own_process::{child_command, in_own_process, text_of};
pub use panics::{Caught, catch};
pub use scale::scaled;
pub use temp_dir::TempDir;
pub use until::{turns, until};
