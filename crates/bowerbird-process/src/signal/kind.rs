//! Which signal.

use std::fmt;
use std::io;

/// A signal, by its number.
///
/// asyncio: the constants of the module `signal`.
///
/// # Examples
/// ```
/// use bowerbird::signal::SignalKind;
/// assert_eq!(SignalKind::interrupt().as_raw(), 2);
/// assert_eq!(format!("{:?}", SignalKind::from_raw(15)), "SIGTERM");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SignalKind(i32);

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $constant:ident,)*) => {
        impl SignalKind {
            $($(#[$doc])* pub const fn $name() -> Self {
                Self(libc::$constant)
            })*
        }

        const NAMES: &[(i32, &str)] = &[
            $((libc::$constant, stringify!($constant)),)*
            (libc::SIGABRT, "SIGABRT"),
            (libc::SIGBUS, "SIGBUS"),
            (libc::SIGCONT, "SIGCONT"),
            (libc::SIGFPE, "SIGFPE"),
            (libc::SIGILL, "SIGILL"),
            (libc::SIGKILL, "SIGKILL"),
            (libc::SIGSEGV, "SIGSEGV"),
            (libc::SIGSTOP, "SIGSTOP"),
            (libc::SIGTSTP, "SIGTSTP"),
            (libc::SIGURG, "SIGURG"),
        ];
    };
}

kinds! {
    /// `SIGALRM`: a timer of the process has run out.
    alarm = SIGALRM,
    /// `SIGCHLD`: a child process has ended or stopped.
    child = SIGCHLD,
    /// `SIGHUP`: the terminal is gone; for daemons, read the configuration again.
    hangup = SIGHUP,
    /// `SIGINT`: Ctrl-C.
    interrupt = SIGINT,
    /// `SIGIO`: a descriptor is ready.
    io = SIGIO,
    /// `SIGPIPE`: a write to a pipe that nobody reads. Rust programs ignore it from their start.
    pipe = SIGPIPE,
    /// `SIGQUIT`: Ctrl-\, which leaves a core dump unless somebody listens.
    quit = SIGQUIT,
    /// `SIGTERM`: end, please; what service managers send first.
    terminate = SIGTERM,
    /// `SIGUSR1`, for what the program likes.
    user_defined1 = SIGUSR1,
    /// `SIGUSR2`, for what the program likes.
    user_defined2 = SIGUSR2,
    /// `SIGWINCH`: the terminal has another size.
    window_change = SIGWINCH,
}

impl SignalKind {
    /// `SIGINFO`: Ctrl-T, for what the program is doing at the moment. Not on Linux.
    #[cfg(any(target_vendor = "apple", target_os = "freebsd"))]
    pub const fn info() -> Self {
        Self(libc::SIGINFO)
    }

    /// Makes a kind from the system's number, which [`signal`](super::signal()) checks.
    pub const fn from_raw(number: i32) -> Self {
        Self(number)
    }

    /// Returns the system's number.
    pub const fn as_raw(self) -> i32 {
        self.0
    }

    /// Returns the exit code of a process that ends because of this signal, as shells have it: 128 and the
    /// number.
    pub const fn exit_code(self) -> i32 {
        128 + self.0
    }

    fn name(self) -> Option<&'static str> {
        NAMES.iter().find(|(number, _)| *number == self.0).map(|(_, name)| *name)
    }

    /// Whether somebody may listen for it.
    pub(super) fn check(self) -> io::Result<()> {
        let reason = match self.0 {
            libc::SIGKILL | libc::SIGSTOP => "the system calls no handler for it",
            libc::SIGSEGV | libc::SIGFPE | libc::SIGILL => {
                "a handler of it that returns would meet the same fault again"
            }
            _ => return Ok(()),
        };
        Err(self.refused(io::ErrorKind::InvalidInput, reason))
    }

    pub(super) fn refused(self, kind: io::ErrorKind, reason: impl fmt::Display) -> io::Error {
        io::Error::new(kind, format!("{self:?} cannot be listened for: {reason}"))
    }
}

impl fmt::Debug for SignalKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "signal {}", self.0),
        }
    }
}
