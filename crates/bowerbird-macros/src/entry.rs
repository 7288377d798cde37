//! `#[main]` and `#[test]`: a plain function that runs the async one.

use proc_macro::{Delimiter, Span, TokenStream, TokenTree};

use crate::error::{Error, Result};
use crate::function::Function;
use crate::options::{Options, RUNTIME};
use crate::template;

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Main,
    Test,
}

impl Kind {
    fn attribute(self) -> &'static str {
        match self {
            Self::Main => "#[bowerbird::main]",
            Self::Test => "#[bowerbird::test]",
        }
    }
}

pub(crate) fn expand(kind: Kind, arguments: TokenStream, item: TokenStream) -> TokenStream {
    let function = match Function::parse(kind.attribute(), item) {
        Ok(function) => function,
        Err(error) => return error.into_tokens(),
    };
    let expanded = check(kind, &function)
        .and_then(|()| Options::parse(kind.attribute(), RUNTIME, arguments))
        .map(|options| write(kind, &function, &options));
    expanded.unwrap_or_else(|error| {
        let mut tokens = error.into_tokens();
        if function.parameters.stream().is_empty() && function.generics.is_empty() {
            tokens.extend(function.stub());
        }
        tokens
    })
}

fn check(kind: Kind, function: &Function) -> Result<()> {
    let attribute = kind.attribute();
    let name = &function.name;
    function.require_async(attribute)?;
    if let Some(first) = function.parameters.stream().into_iter().next() {
        return Err(Error::new(
            first.span(),
            format!("{attribute}: `{name}` takes arguments, but nobody would pass any"),
        ));
    }
    if let Some(first) = function.generics.clone().into_iter().next() {
        return Err(Error::new(first.span(), format!("{attribute}: `{name}` cannot be generic")));
    }
    if let Some(span) = standard_test(function).filter(|_| kind == Kind::Test) {
        return Err(Error::new(
            span,
            format!("{attribute} adds `#[test]` itself: remove this one"),
        ));
    }
    Ok(())
}

/// Where a plain `#[test]` stands among the attributes.
fn standard_test(function: &Function) -> Option<Span> {
    function.attributes.clone().into_iter().find_map(|token| match token {
        TokenTree::Group(group) if group.delimiter() == Delimiter::Bracket => {
            (group.stream().to_string() == "test").then(|| group.span())
        }
        _ => None,
    })
}

/// The function that starts the runtime. The user's function stays whole inside it, so that the compiler
/// reports a wrong type as it would anywhere.
fn write(kind: Kind, function: &Function, options: &Options) -> TokenStream {
    // Errors about the future as a whole, and the location of the call, point at the name.
    let span = function.name.span();
    let call = run_call(kind, function, options);
    let marker = match kind {
        Kind::Main => "",
        Kind::Test => "#[::core::prelude::v1::test]",
    };
    let mut inner = TokenStream::new();
    inner.extend(function.asyncness.clone().map(TokenTree::Ident));
    inner.extend([
        TokenTree::Ident(function.fn_word.clone()),
        TokenTree::Ident(function.name.clone()),
        TokenTree::Group(function.parameters.clone()),
    ]);
    inner.extend(function.arrow_output());
    inner.extend([TokenTree::Group(function.body.clone())]);
    template::fill(
        &format!(
            "__attributes {marker} __visibility __qualifiers fn __name() __output {{ __inner __call }}"
        ),
        span,
        &[
            ("__attributes", function.attributes.clone()),
            ("__visibility", function.visibility.clone()),
            ("__qualifiers", function.qualifiers.clone()),
            ("__name", TokenTree::Ident(function.name.clone()).into()),
            ("__output", function.arrow_output()),
            ("__inner", inner),
            ("__call", call),
        ],
    )
}

fn run_call(kind: Kind, function: &Function, options: &Options) -> TokenStream {
    let span = function.name.span();
    let mut calls = options.builder_calls.clone();
    if kind == Kind::Test && !options.has_worker_threads {
        calls.insert_str(0, ".worker_threads(1usize)");
    }
    let text = if calls.is_empty() {
        "__crate::run(__name())".to_owned()
    } else {
        format!(
            "__crate::__private::run_main(__crate::Runner::builder(){calls}, __name(), \"{name}\")",
            name = function.name,
        )
    };
    let holes = [
        ("__crate", options.crate_path(span)),
        ("__name", TokenTree::Ident(function.name.clone()).into()),
    ];
    template::fill(&text, span, &holes)
}
