//! `#[cancel_safe]`: the future of an `async fn`, marked.
//!
//! `async fn f(pattern: A) -> T { body }` becomes
//! ```text
//! fn f(__argument0: A) -> impl Future<Output = T> + CancelSafe {
//!     cancel_safe(async move { let __argument0 = __argument0; let pattern = __argument0; body })
//! }
//! ```
//! The first `let` moves the argument into the future even if the body does not use it, as `async fn` does:
//! a guard that is passed lives as long as the future.

use proc_macro::{Delimiter, Group, Span, TokenStream, TokenTree};

use crate::error::{Error, Result};
use crate::function::{Function, find_outside_angles};
use crate::options::{CRATE_ONLY, Options};
use crate::template;

const ATTRIBUTE: &str = "#[bowerbird::cancel_safe]";

pub(crate) fn expand(arguments: TokenStream, item: TokenStream) -> TokenStream {
    let function = match Function::parse(ATTRIBUTE, item) {
        Ok(function) => function,
        Err(error) => return error.into_tokens(),
    };
    let expanded = function
        .require_async(ATTRIBUTE)
        .and_then(|()| Options::parse(ATTRIBUTE, CRATE_ONLY, arguments))
        .and_then(|options| write(&function, &options));
    expanded.unwrap_or_else(|error| {
        let mut tokens = error.into_tokens();
        tokens.extend(function.stub());
        tokens
    })
}

fn write(function: &Function, options: &Options) -> Result<TokenStream> {
    // This crate's edition decides what the returned `impl` captures: every lifetime, as in `async fn`.
    let span = Span::mixed_site();
    let (parameters, bindings) = parameters(function)?;
    let output = if function.output.is_empty() {
        template::fill("()", span, &[])
    } else {
        function.output.clone()
    };
    Ok(template::fill(
        "__attributes __visibility __qualifiers fn __name __generics __parameters
            -> impl ::core::future::Future<Output = __output> + __crate::CancelSafe
        __where {
            __crate::__private::cancel_safe(async move { __hint __bindings __body })
        }",
        span,
        &[
            ("__attributes", function.attributes.clone()),
            ("__visibility", function.visibility.clone()),
            ("__qualifiers", function.qualifiers.clone()),
            ("__name", TokenTree::Ident(function.name.clone()).into()),
            ("__generics", function.generics.clone()),
            ("__parameters", TokenTree::Group(parameters).into()),
            ("__output", output.clone()),
            ("__where", function.where_clause.clone()),
            ("__crate", options.crate_path(span)),
            ("__hint", output_hint(output, span)),
            ("__bindings", bindings),
            ("__body", TokenTree::Group(function.body.clone()).into()),
        ],
    ))
}

/// Code without effect that tells the compiler the type of the block, so that `?` finds its conversion.
fn output_hint(output: TokenStream, span: Span) -> TokenStream {
    let text = output.to_string();
    // `None::<!>` and `None::<impl Trait>` cannot be written.
    if text == "!" || text.split_whitespace().any(|word| word.ends_with("impl")) {
        return TokenStream::new();
    }
    template::fill(
        "if let ::core::option::Option::Some(output) = ::core::option::Option::None::<__output> {
            #[allow(unreachable_code)]
            return output;
        }",
        span,
        &[("__output", output)],
    )
}

/// The parameters with plain names, and the statements that bind the patterns inside the future.
fn parameters(function: &Function) -> Result<(Group, TokenStream)> {
    let mut renamed = TokenStream::new();
    let mut bindings = TokenStream::new();
    for (index, parameter) in split_at_commas(function.parameters.stream()).into_iter().enumerate()
    {
        let (attributes, rest) = split_attributes(parameter);
        renamed.extend(attributes);
        let colon = rest.iter().position(is_single_colon);
        if index == 0 && is_receiver(&rest[..colon.unwrap_or(rest.len())]) {
            let receiver = rest.iter().find(|token| token.to_string() == "self").cloned();
            bindings.extend(template::fill(
                "let _ = &__self;",
                Span::mixed_site(),
                &[("__self", receiver.into_iter().collect())],
            ));
            renamed.extend(rest);
        } else {
            let Some(colon) = colon else {
                let span = rest.first().map_or_else(Span::call_site, TokenTree::span);
                return Err(Error::new(span, format!("{ATTRIBUTE}: expected `pattern: type`")));
            };
            let holes = [("__pattern", rest[..colon].iter().cloned().collect::<TokenStream>())];
            let name = format!("__argument{index}");
            let span = Span::mixed_site();
            renamed.extend(template::fill(&name, span, &[]));
            renamed.extend(rest[colon..].iter().cloned());
            bindings.extend(template::fill(
                &format!("let {name} = {name}; let __pattern = {name};"),
                span,
                &holes,
            ));
        }
        renamed.extend(template::fill(",", Span::mixed_site(), &[]));
    }
    let mut group = Group::new(Delimiter::Parenthesis, renamed);
    group.set_span(function.parameters.span());
    Ok((group, bindings))
}

fn is_receiver(pattern: &[TokenTree]) -> bool {
    pattern.iter().any(|token| token.to_string() == "self")
}

fn is_single_colon(token: &TokenTree) -> bool {
    matches!(token, TokenTree::Punct(punct)
        if punct.as_char() == ':' && punct.spacing() == proc_macro::Spacing::Alone)
}

fn split_attributes(parameter: Vec<TokenTree>) -> (Vec<TokenTree>, Vec<TokenTree>) {
    let mut count = 0;
    while matches!(parameter.get(count), Some(TokenTree::Punct(punct)) if punct.as_char() == '#') {
        count += 2;
    }
    let mut attributes = parameter;
    let rest = attributes.split_off(count);
    (attributes, rest)
}

fn split_at_commas(tokens: TokenStream) -> Vec<Vec<TokenTree>> {
    let is_comma =
        |token: &TokenTree| matches!(token, TokenTree::Punct(punct) if punct.as_char() == ',');
    let mut rest: Vec<TokenTree> = tokens.into_iter().collect();
    let mut parts = Vec::new();
    while let Some(at) = find_outside_angles(&rest, is_comma) {
        let tail = rest.split_off(at + 1);
        rest.pop();
        parts.push(std::mem::replace(&mut rest, tail));
    }
    if !rest.is_empty() {
        parts.push(rest);
    }
    parts
}
