//! Errors at the user's tokens.

use proc_macro::{Span, TokenStream};

use crate::template;

/// What is wrong, and where.
#[derive(Debug)]
pub(crate) struct Error {
    span: Span,
    message: String,
}

pub(crate) type Result<T> = std::result::Result<T, Error>;

impl Error {
    pub(crate) fn new(span: Span, message: impl Into<String>) -> Self {
        Self { span, message: message.into() }
    }

    /// Tokens that make the compiler report this error there.
    pub(crate) fn into_tokens(self) -> TokenStream {
        let text = format!("::core::compile_error! {{ {:?} }}", self.message);
        template::fill(&text, self.span, &[])
    }
}
