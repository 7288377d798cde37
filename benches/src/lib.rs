//! The questions the benchmarks ask, written once for every runtime.
//!
//! A *case* ([`cases`]) is generic over [`runtimes::Runtime`] and monomorphised for each of them, so
//! that bowerbird and its peers run the same lines; those about locks and channels ([`sync_cases`]) over
//! [`primitives::Primitives`]. Three things drive the cases:
//!
//! - the criterion files in `benches/`, one a question ([`side_by_side`]), to watch one case while
//!   working on it;
//! - the program `counts`, run under valgrind by `cargo xtask budgets`, which does a case so and so often and
//!   nothing else: the instructions an operation takes. It is the only one without the feature `peers`;
//! - the program `compare` (`cargo xtask bench`), one process a measurement with the runtimes
//!   interleaved, whose ratio to the best peer of the same run is the figure that counts.
//!
//! One worker always means: the whole process pinned to one CPU, client and helper threads too.

pub mod runtimes;
pub mod cases;
pub mod primitives;
pub mod sync_cases;
pub mod raw;
pub mod servers;
pub mod echo;
pub mod machine;
#[cfg(feature = "peers")]
pub mod side_by_side;
