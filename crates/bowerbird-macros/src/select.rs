//! `select!`: branches read by their places, and the code around them.
//!
//! ```text
//! select! { a = one, if x => first, Some(b) = two => second, else => third }
//! ```
//! becomes
//! ```text
//! {
//!     let mut disabled = 0u64;
//!     if !(x) { disabled |= 1 << 0 }
//!     let branches = Branch::new(branch(one), Branch::new(branch(two), NoBranch));
//!     let selected = select(branches, disabled, false, |output| { .. Some(output) if a pattern matches .. });
//!     match selected.await {
//!         Some(Here(a)) => first,
//!         Some(There(Here(Some(b)))) => second,
//!         None => third,
//!         Some(_) => unreachable!(),
//!     }
//! }
//! ```
//! The check binds the pattern in a match arm whose guard notes the match and then fails: a guard sees its
//! bindings by reference, so the arm moves nothing, and any pattern may stand there, `ref` and `mut` included.

use std::iter::Peekable;
use std::vec::IntoIter;

use proc_macro::{Delimiter, Group, Spacing, Span, TokenStream, TokenTree};

use crate::error::{Error, Result};
use crate::template;

/// As many as there are bits in the mask of disabled branches.
const MOST: usize = 64;
const FORM: &str = "`pattern = future => handler`";

/// `pattern = future, if guard => handler`
struct Branch {
    pattern: TokenStream,
    future: TokenStream,
    guard: Option<TokenStream>,
    handler: TokenStream,
}

struct Select {
    crate_path: TokenStream,
    is_biased: bool,
    branches: Vec<Branch>,
    otherwise: Option<TokenStream>,
}

type Tokens = Peekable<IntoIter<TokenTree>>;

pub(crate) fn expand(input: TokenStream) -> TokenStream {
    match parse(input) {
        Ok(select) => write(&select),
        Err(error) => {
            // A block that fits everywhere: so the error comes alone.
            let error = error.into_tokens();
            template::fill("{ __error; loop {} }", Span::mixed_site(), &[("__error", error)])
        }
    }
}

// ---------------------------------------------------------------------------------------------------
// Reading
// ---------------------------------------------------------------------------------------------------

fn parse(input: TokenStream) -> Result<Select> {
    let mut tokens = input.into_iter().collect::<Vec<_>>().into_iter().peekable();
    let crate_path = take_crate_path(&mut tokens);
    let is_biased = take_biased(&mut tokens)?;
    let mut select = Select { crate_path, is_biased, branches: Vec::new(), otherwise: None };
    while let Some(first) = tokens.peek() {
        let span = first.span();
        if select.otherwise.is_some() {
            return Err(Error::new(span, "select!: nothing may follow the `else` branch"));
        }
        if is_word(first, "else") {
            tokens.next();
            take_arrow(&mut tokens, span, "`else` needs `=> handler`")?;
            select.otherwise = Some(take_handler(&mut tokens, span)?);
        } else {
            if select.branches.len() == MOST {
                return Err(Error::new(
                    span,
                    format!("select!: more than {MOST} branches; use a `TaskSet`, or nest them"),
                ));
            }
            select.branches.push(take_branch(&mut tokens)?);
        }
    }
    if select.branches.is_empty() {
        return Err(Error::new(
            Span::call_site(),
            format!("select!: needs at least one branch: {FORM}"),
        ));
    }
    Ok(select)
}

/// `@ path;`, which the umbrella's macro puts in front: its own `$crate`.
fn take_crate_path(tokens: &mut Tokens) -> TokenStream {
    if !matches!(tokens.peek(), Some(token) if is_punct(token, '@')) {
        return template::fill("::bowerbird", Span::mixed_site(), &[]);
    }
    tokens.next();
    tokens.by_ref().take_while(|token| !is_punct(token, ';')).collect()
}

/// `biased;`
fn take_biased(tokens: &mut Tokens) -> Result<bool> {
    let Some(first) = tokens.peek().filter(|token| is_word(token, "biased")) else {
        return Ok(false);
    };
    let span = first.span();
    let mut ahead = tokens.clone();
    ahead.next();
    match ahead.next() {
        Some(token) if is_punct(&token, ';') => {
            *tokens = ahead;
            Ok(true)
        }
        // A pattern of that name.
        Some(token) if is_punct(&token, '=') => Ok(false),
        _ => Err(Error::new(span, "select!: `biased` needs a `;` behind it")),
    }
}

fn take_branch(tokens: &mut Tokens) -> Result<Branch> {
    let (pattern, span) = take_pattern(tokens)?;
    let (future, guard) = take_future(tokens, span)?;
    let handler = take_handler(tokens, span)?;
    Ok(Branch { pattern, future, guard, handler })
}

/// Everything before the `=`; also gives a place for errors behind it.
fn take_pattern(tokens: &mut Tokens) -> Result<(TokenStream, Span)> {
    let mut pattern = Vec::new();
    let mut span = Span::call_site();
    while let Some(token) = tokens.next() {
        let is_joint = joins(pattern.last());
        if is_punct(&token, '=') && !is_joint {
            let next = tokens.peek();
            if is_arrow(&token, next) {
                let message = format!("select!: expected `= future` before `=>`: {FORM}");
                return Err(Error::new(token.span(), message));
            }
            if pattern.is_empty() {
                let message = format!("select!: expected a pattern before `=`: {FORM}");
                return Err(Error::new(token.span(), message));
            }
            return Ok((pattern.into_iter().collect(), token.span()));
        }
        span = token.span();
        pattern.push(token);
    }
    Err(Error::new(span, format!("select!: expected `= future => handler` behind this: {FORM}")))
}

/// Everything between `=` and `=>`: the future, and the guard behind `, if`.
fn take_future(tokens: &mut Tokens, start: Span) -> Result<(TokenStream, Option<TokenStream>)> {
    let mut future: Vec<TokenTree> = Vec::new();
    let mut guard: Option<Vec<TokenTree>> = None;
    let mut last = start;
    loop {
        let Some(token) = tokens.next() else {
            return Err(Error::new(
                last,
                format!("select!: expected `=> handler` behind this: {FORM}"),
            ));
        };
        let part = guard.as_mut().unwrap_or(&mut future);
        if is_arrow(&token, tokens.peek()) && !joins(part.last()) {
            tokens.next();
            break;
        }
        last = token.span();
        let begins_guard = guard.is_none()
            && is_punct(&token, ',')
            && matches!(tokens.peek(), Some(next) if is_word(next, "if"));
        if begins_guard {
            last = tokens.next().map_or(last, |word| word.span());
            guard = Some(Vec::new());
            continue;
        }
        guard.as_mut().unwrap_or(&mut future).push(token);
    }
    if future.is_empty() {
        return Err(Error::new(start, format!("select!: expected a future behind `=`: {FORM}")));
    }
    if guard.as_ref().is_some_and(Vec::is_empty) {
        return Err(Error::new(last, "select!: expected a condition behind `if`"));
    }
    let guard = guard.map(|tokens| tokens.into_iter().collect());
    Ok((future.into_iter().collect(), guard))
}

/// A block, or everything up to the next comma that no turbofish has.
fn take_handler(tokens: &mut Tokens, start: Span) -> Result<TokenStream> {
    if let Some(TokenTree::Group(block)) = tokens.peek() {
        if block.delimiter() == Delimiter::Brace {
            let block = tokens.next();
            if matches!(tokens.peek(), Some(token) if is_punct(token, ',')) {
                tokens.next();
            }
            return Ok(block.into_iter().collect());
        }
    }
    let mut handler: Vec<TokenTree> = Vec::new();
    let mut depth = 0_usize;
    for token in tokens.by_ref() {
        match &token {
            TokenTree::Punct(punct) => match punct.as_char() {
                ',' if depth == 0 => break,
                '<' if depth > 0 || ends_path(&handler) => depth += 1,
                '>' if !joins_to(handler.last(), &['-', '=']) => depth = depth.saturating_sub(1),
                _ => {}
            },
            TokenTree::Group(_) | TokenTree::Ident(_) | TokenTree::Literal(_) => {}
        }
        handler.push(token);
    }
    if handler.is_empty() {
        return Err(Error::new(start, format!("select!: expected a handler behind `=>`: {FORM}")));
    }
    Ok(handler.into_iter().collect())
}

fn take_arrow(tokens: &mut Tokens, span: Span, message: &str) -> Result<()> {
    let first = tokens.next();
    let is_there = first.as_ref().is_some_and(|token| is_arrow(token, tokens.peek()));
    if !is_there {
        let span = first.map_or(span, |token| token.span());
        return Err(Error::new(span, format!("select!: {message}")));
    }
    tokens.next();
    Ok(())
}

fn is_punct(token: &TokenTree, wanted: char) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == wanted)
}

fn is_word(token: &TokenTree, wanted: &str) -> bool {
    matches!(token, TokenTree::Ident(word) if word.to_string() == wanted)
}

/// Whether `=>` begins here.
fn is_arrow(token: &TokenTree, next: Option<&TokenTree>) -> bool {
    let is_joint = matches!(token, TokenTree::Punct(punct)
        if punct.as_char() == '=' && punct.spacing() == Spacing::Joint);
    is_joint && next.is_some_and(|next| is_punct(next, '>'))
}

/// Whether the token makes an operator with the `=` behind it: `..=`, `<=`, `==`.
fn joins(token: Option<&TokenTree>) -> bool {
    joins_to(token, &['.', '<', '>', '=', '!'])
}

fn joins_to(token: Option<&TokenTree>, characters: &[char]) -> bool {
    matches!(token, Some(TokenTree::Punct(punct))
        if punct.spacing() == Spacing::Joint && characters.contains(&punct.as_char()))
}

/// Whether a `<` behind these tokens opens generics: behind `::`, or at the start.
fn ends_path(tokens: &[TokenTree]) -> bool {
    match tokens {
        [] => true,
        [.., first, second] => is_punct(first, ':') && is_punct(second, ':'),
        _ => false,
    }
}

// ---------------------------------------------------------------------------------------------------
// Writing
// ---------------------------------------------------------------------------------------------------

fn write(select: &Select) -> TokenStream {
    let span = Span::mixed_site();
    let mut guards = TokenStream::new();
    let mut checks = TokenStream::new();
    let mut arms = TokenStream::new();
    for (index, branch) in select.branches.iter().enumerate() {
        let pattern = in_place(select, index, branch.pattern.clone());
        if let Some(guard) = &branch.guard {
            let text = format!("if !(__guard) {{ disabled |= 1u64 << {index}u32; }}");
            guards.extend(template::fill(&text, span, &[("__guard", guard.clone())]));
        }
        let text = "__pattern if { matches = true; false } => ::core::unreachable!(),";
        checks.extend(template::fill(text, span, &[("__pattern", pattern.clone())]));
        let holes = [("__pattern", pattern), ("__handler", branch.handler.clone())];
        arms.extend(template::fill(
            "::core::option::Option::Some(__pattern) => __handler,",
            span,
            &holes,
        ));
    }
    let is_biased = if select.is_biased { "true" } else { "false" };
    template::fill(
        "{
            #[allow(unused_mut)]
            let mut disabled = 0u64;
            __guards
            let branches = __branches;
            #[allow(unused_mut, unused_variables, unused_assignments, unreachable_code, clippy::all)]
            let selected = __crate::__private::select(branches, disabled, __biased, |mut output| {
                let mut matches = false;
                match output {
                    __checks
                    _ => {}
                }
                if matches { ::core::option::Option::Some(output) } else { ::core::option::Option::None }
            });
            match selected.await {
                __arms
                ::core::option::Option::None => __otherwise,
                #[allow(unreachable_patterns)]
                ::core::option::Option::Some(_) => ::core::unreachable!(),
            }
        }",
        span,
        &[
            ("__guards", guards),
            ("__branches", branch_list(select)),
            ("__crate", select.crate_path.clone()),
            ("__biased", template::fill(is_biased, span, &[])),
            ("__checks", checks),
            ("__arms", arms),
            ("__otherwise", otherwise(select)),
        ],
    )
}

/// `Branch::new(branch(one), Branch::new(branch(two), NoBranch))`
fn branch_list(select: &Select) -> TokenStream {
    let span = Span::mixed_site();
    let krate = || ("__crate", select.crate_path.clone());
    let end = template::fill("__crate::__private::NoBranch", span, &[krate()]);
    select.branches.iter().rev().fold(end, |rest, branch| {
        let mut future = Group::new(Delimiter::Parenthesis, branch.future.clone());
        // What is wrong with the future is reported there.
        future.set_span(first_span(&branch.future));
        template::fill(
            "__crate::__private::Branch::new(__crate::__private::branch __future, __rest)",
            span,
            &[krate(), ("__future", TokenTree::Group(future).into()), ("__rest", rest)],
        )
    })
}

fn first_span(tokens: &TokenStream) -> Span {
    tokens.clone().into_iter().next().map_or_else(Span::call_site, |token| token.span())
}

/// `There(There(Here(pattern)))`
fn in_place(select: &Select, index: usize, pattern: TokenStream) -> TokenStream {
    let wrap = |name: &str, inner: TokenStream| {
        template::fill(
            &format!("__crate::__private::Won::{name}(__inner)"),
            Span::mixed_site(),
            &[("__crate", select.crate_path.clone()), ("__inner", inner)],
        )
    };
    (0..index).fold(wrap("Here", pattern), |inner, _| wrap("There", inner))
}

fn otherwise(select: &Select) -> TokenStream {
    select.otherwise.clone().unwrap_or_else(|| {
        template::fill(
            "::core::panic!(
                \"all branches of select! are disabled, and there is no `else` branch: add one\"
            )",
            Span::mixed_site(),
            &[],
        )
    })
}
