//! The attributes of bowerbird: use them through the umbrella crate.
//!
//! They edit tokens and need no parser: what they must find in a function (its attributes, `async`, its
//! name, parameters, return type and body) stands in fixed places. `function.rs` finds it, `options.rs`
//! reads the arguments, `template.rs` writes the result with spans that point at the user's code.

use proc_macro::TokenStream;

mod error;
mod template;
mod function;
mod options;
mod entry;
mod cancel_safe;
mod select;

/// Turns `async fn main` into a program that runs it.
///
/// asyncio: `asyncio.run(main())` under `if __name__ == "__main__"`.
///
/// Without arguments the function calls `bowerbird::run`. Arguments choose the runtime:
///
/// | argument | meaning |
/// |---|---|
/// | `worker_threads = 4` | how many workers, the calling thread included |
/// | `seed = 7` | the seed of every random choice of the scheduler |
/// | `start_paused = true` | the clock stands still and jumps to the next deadline |
/// | `crate = "path"` | where bowerbird is found, if it was renamed |
///
/// # Errors
/// At compile time: the function is not `async`, takes arguments or is generic; an argument is unknown or
/// its value does not fit.
///
/// # Panics
/// When the runtime cannot be started, with the reason.
///
/// # Examples
/// ```standalone_crate
/// # extern crate self as bowerbird;
/// # pub use bowerbird_macros::main;
/// # pub fn run<F: Future>(future: F) -> F::Output {
/// #     let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
/// #     match std::pin::pin!(future).poll(&mut cx) {
/// #         std::task::Poll::Ready(output) => output,
/// #         std::task::Poll::Pending => unreachable!(),
/// #     }
/// # }
/// #[bowerbird::main]
/// async fn main() -> Result<(), std::num::ParseIntError> {
///     let answer: i32 = "42".parse()?;
///     assert_eq!(answer, 42);
///     Ok(())
/// }
/// ```
#[proc_macro_attribute]
pub fn main(arguments: TokenStream, item: TokenStream) -> TokenStream {
    entry::expand(entry::Kind::Main, arguments, item)
}

/// Turns an `async fn` into a test that runs on a runtime of its own.
///
/// asyncio: `unittest.IsolatedAsyncioTestCase`.
///
/// One worker unless `worker_threads` says otherwise. The arguments are those of [`macro@main`]. Other
/// attributes (`#[should_panic]`, `#[cfg(..)]`) and a `Result` as the return type work as they do with
/// the standard `#[test]`, which this attribute adds.
///
/// # Errors
/// At compile time, as [`macro@main`]; also when `#[test]` is there already.
///
/// # Panics
/// When the runtime cannot be started, with the reason.
///
/// # Examples
/// ```standalone_crate
/// # extern crate self as bowerbird;
/// # pub use bowerbird_macros::test;
/// #[bowerbird::test(worker_threads = 2)]
/// async fn adds_up() {
///     assert_eq!(async { 1 + 1 }.await, 2);
/// }
/// # fn main() {}
/// ```
#[proc_macro_attribute]
pub fn test(arguments: TokenStream, item: TokenStream) -> TokenStream {
    entry::expand(entry::Kind::Test, arguments, item)
}

/// Marks an `async fn` as losing nothing when its future is dropped at an await.
///
/// asyncio: no counterpart.
///
/// The future that the function returns then is `CancelSafe`, so that `select!` takes it by value. The mark
/// is the author's word, which no compiler checks: it is true if nothing that was received or taken is
/// held across an await. The one argument is `crate = "path"`.
///
/// # Errors
/// At compile time: the function is not `async`, or an argument is unknown.
///
/// # Examples
/// ```standalone_crate
/// # extern crate self as bowerbird;
/// # pub use bowerbird_macros::cancel_safe;
/// # pub trait CancelSafe {}
/// # pub mod __private {
/// #     pub struct Marked<F>(F);
/// #     impl<F> super::CancelSafe for Marked<F> {}
/// #     impl<F: Future + Unpin> Future for Marked<F> {
/// #         type Output = F::Output;
/// #         fn poll(
/// #             mut self: std::pin::Pin<&mut Self>,
/// #             cx: &mut std::task::Context<'_>,
/// #         ) -> std::task::Poll<F::Output> {
/// #             std::pin::Pin::new(&mut self.0).poll(cx)
/// #         }
/// #     }
/// #     pub fn cancel_safe<F: Future>(future: F) -> Marked<std::pin::Pin<Box<F>>> {
/// #         Marked(Box::pin(future))
/// #     }
/// # }
/// #[bowerbird::cancel_safe]
/// async fn first_of(names: &[String]) -> Option<&str> {
///     names.first().map(String::as_str)
/// }
///
/// fn takes_only_cancel_safe(_future: impl bowerbird::CancelSafe) {}
///
/// fn main() {
///     takes_only_cancel_safe(first_of(&[]));
/// }
/// ```
#[proc_macro_attribute]
pub fn cancel_safe(arguments: TokenStream, item: TokenStream) -> TokenStream {
    cancel_safe::expand(arguments, item)
}

/// The code of `bowerbird::select!`, which hands its own path in.
///
/// Use it through the umbrella crate; its documentation is there.
#[doc(hidden)]
#[proc_macro]
pub fn select_branches(input: TokenStream) -> TokenStream {
    select::expand(input)
}
