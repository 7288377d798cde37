//! Child processes: started, talked to, waited for, ended.
//!
//! asyncio: `create_subprocess_exec`, `create_subprocess_shell` and `asyncio.subprocess`.
//!
//! ```
//! use bowerbird::process::{PIPE, create_subprocess_shell};
//!
//! bowerbird::run(async {
//!     let mut process = create_subprocess_shell("ls /no-such-place").stdout(PIPE).stderr(PIPE).await?;
//!     let (stdout, stderr) = process.communicate(b"").await?;
//!     println!("it exited with {:?}", process.returncode());
//!     assert!(stdout.is_empty() && String::from_utf8_lossy(&stderr).contains("no-such-place"));
//!     std::io::Result::Ok(())
//! }).unwrap();
//! ```
//!
//! The end of a child is noticed by a descriptor that the runtime's driver watches (a pidfd on Linux, elsewhere one
//! that the handler of `SIGCHLD` writes to), so it needs neither a thread nor a task. A child that nobody holds any more
//! is reaped in the same way.

pub use bowerbird_process::process::{
    Command, Communicate, DEVNULL, Output, PIPE, Process, ProcessLookupError, STDOUT, Spawning,
    Status, Stdio, Wait, create_subprocess_exec, create_subprocess_shell,
};
