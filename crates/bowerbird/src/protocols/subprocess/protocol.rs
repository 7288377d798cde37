//! What is called back of a child process.

use std::io;
use std::sync::{Arc, Mutex};

use super::SubprocessTransport;
use crate::protocols::protocol::{forward, lock};

/// Hears what happens at a child process and its pipes: 0 is its standard input, 1 its standard output, 2 its
/// standard error.
///
/// asyncio: `asyncio.SubprocessProtocol`. `connection_made` is the first call, `connection_lost` the last one, each
/// once. Between them nothing is sure but that `pipe_connection_lost` is the last call of its pipe: a process may end
/// before what it wrote is read, and pipes may end before it does.
///
/// One task makes all calls, never two at once and never one inside another. A panic in `pipe_data_received` is
/// reported to the exception handler and ends its pipe with an error; one in `connection_made` kills the process; the
/// others are reported only.
///
/// # Examples
/// ```
/// use bowerbird::future::Promise;
/// use bowerbird::process::create_subprocess_exec;
/// use bowerbird::protocols::{SubprocessProtocol, subprocess_exec};
///
/// struct Collect(Vec<u8>, Option<Promise<Vec<u8>>>);
/// impl SubprocessProtocol for Collect {
///     fn pipe_data_received(&mut self, fd: i32, data: &[u8]) {
///         assert_eq!(fd, 1);
///         self.0.extend_from_slice(data);
///     }
///     fn connection_lost(&mut self, _error: Option<std::io::Error>) {
///         let all = std::mem::take(&mut self.0);
///         self.1.take().unwrap().set_result(all).unwrap();
///     }
/// }
///
/// bowerbird::run(async {
///     let (promise, all) = bowerbird::future::promise();
///     let command = create_subprocess_exec("tr", ["a-z", "A-Z"]);
///     let transport = subprocess_exec(|| Collect(Vec::new(), Some(promise)), command).await?;
///     let stdin = transport.get_pipe_transport(0).unwrap();
///     stdin.write(b"hello");
///     stdin.write_eof();
///     assert_eq!(all.await.unwrap(), b"HELLO");
///     assert_eq!(transport.get_returncode(), Some(0));
///     std::io::Result::Ok(())
/// }).unwrap();
/// ```
#[allow(unused_variables, reason = "the defaults do nothing; the names are for the documentation")]
pub trait SubprocessProtocol: Send + 'static {
    /// The process runs, and its pipes are there; the first call.
    ///
    /// asyncio: `BaseProtocol.connection_made`.
    fn connection_made(&mut self, transport: SubprocessTransport) {}

    /// The process has written something.
    ///
    /// asyncio: `SubprocessProtocol.pipe_data_received`.
    fn pipe_data_received(&mut self, fd: i32, data: &[u8]) {}

    /// A pipe is lost. `None`: it was closed, or the process has ended it; else its error.
    ///
    /// asyncio: `SubprocessProtocol.pipe_connection_lost`.
    fn pipe_connection_lost(&mut self, fd: i32, error: Option<io::Error>) {}

    /// The process has ended: [`SubprocessTransport::get_returncode`] says how.
    ///
    /// asyncio: `SubprocessProtocol.process_exited`.
    fn process_exited(&mut self) {}

    /// The process has ended and every pipe is lost; the last call. The error is that of a panic in
    /// `connection_made`. When the task of the transport is cancelled it comes as well, with `None`; then the process
    /// was killed, and nobody has waited for its end.
    ///
    /// asyncio: `BaseProtocol.connection_lost`.
    fn connection_lost(&mut self, error: Option<io::Error>) {}

    /// More waits to be sent to standard input than its high-water mark.
    ///
    /// asyncio: `BaseProtocol.pause_writing`.
    fn pause_writing(&mut self) {}

    /// No more than the low-water mark waits to be sent, after a pause.
    ///
    /// asyncio: `BaseProtocol.resume_writing`.
    fn resume_writing(&mut self) {}
}

forward! {
    SubprocessProtocol,
    connection_made(transport: SubprocessTransport);
    pipe_data_received(fd: i32, data: &[u8]);
    pipe_connection_lost(fd: i32, error: Option<io::Error>);
    process_exited();
    connection_lost(error: Option<io::Error>);
    pause_writing();
    resume_writing();
}
