//! The parts of a function, found by their places.

use std::iter::Peekable;

use proc_macro::{Delimiter, Group, Ident, Span, TokenStream, TokenTree, token_stream};

use crate::error::{Error, Result};
use crate::template;

/// `attributes visibility qualifiers fn name generics (parameters) -> output where_clause { body }`, where
/// `qualifiers` lacks its `async`.
pub(crate) struct Function {
    pub(crate) attributes: TokenStream,
    pub(crate) visibility: TokenStream,
    pub(crate) qualifiers: TokenStream,
    /// The word `async`, if it is there.
    pub(crate) asyncness: Option<Ident>,
    pub(crate) fn_word: Ident,
    pub(crate) name: Ident,
    pub(crate) generics: TokenStream,
    pub(crate) parameters: Group,
    /// What stands after `->`; empty for the unit type.
    pub(crate) output: TokenStream,
    pub(crate) where_clause: TokenStream,
    pub(crate) body: Group,
}

type Tokens = Peekable<token_stream::IntoIter>;

impl Function {
    /// Takes a function apart. `attribute` is the name under which errors speak.
    pub(crate) fn parse(attribute: &str, item: TokenStream) -> Result<Self> {
        let fail =
            |span| Error::new(span, format!("{attribute} goes on an `async fn` with a body"));
        let mut tokens = item.into_iter().peekable();
        let attributes = take_attributes(&mut tokens);
        let visibility = take_visibility(&mut tokens);
        let mut qualifiers = TokenStream::new();
        let mut asyncness = None;
        let fn_word = loop {
            match tokens.next() {
                Some(TokenTree::Ident(word)) => match word.to_string().as_str() {
                    "fn" => break word,
                    "async" => asyncness = Some(word),
                    "const" | "unsafe" | "extern" => qualifiers.extend([TokenTree::Ident(word)]),
                    _ => return Err(fail(word.span())),
                },
                Some(TokenTree::Literal(abi)) => qualifiers.extend([TokenTree::Literal(abi)]),
                Some(other) => return Err(fail(other.span())),
                None => return Err(fail(Span::call_site())),
            }
        };
        let name = match tokens.next().map(unwrap_invisible) {
            Some(TokenTree::Ident(name)) => name,
            other => return Err(fail(other.map_or(fn_word.span(), |token| token.span()))),
        };
        let mut rest: Vec<TokenTree> = tokens.collect();
        let body = match rest.pop().map(unwrap_invisible) {
            Some(TokenTree::Group(body)) if body.delimiter() == Delimiter::Brace => body,
            other => return Err(fail(other.map_or(name.span(), |token| token.span()))),
        };
        let is_parameters = |token: &TokenTree| matches!(token, TokenTree::Group(group) if group.delimiter() == Delimiter::Parenthesis);
        let at = find_outside_angles(&rest, is_parameters).ok_or_else(|| fail(name.span()))?;
        let tail = rest.split_off(at + 1);
        let Some(TokenTree::Group(parameters)) = rest.pop() else { return Err(fail(name.span())) };
        let (output, where_clause) = split_tail(tail);
        let generics = rest.into_iter().collect();
        Ok(Self {
            attributes,
            visibility,
            qualifiers,
            asyncness,
            fn_word,
            name,
            generics,
            parameters,
            output,
            where_clause,
            body,
        })
    }

    /// Fails unless the function is `async`.
    pub(crate) fn require_async(&self, attribute: &str) -> Result<()> {
        match self.asyncness {
            Some(_) => Ok(()),
            None => Err(Error::new(
                self.fn_word.span(),
                format!("{attribute} needs `async fn {}`: the `async` is missing", self.name),
            )),
        }
    }

    /// The return type as written after the parameters; nothing for the unit type.
    pub(crate) fn arrow_output(&self) -> TokenStream {
        if self.output.is_empty() {
            return TokenStream::new();
        }
        template::fill("-> __output", self.name.span(), &[("__output", self.output.clone())])
    }

    /// The function with a body that does nothing, beside an error: so the error comes alone.
    pub(crate) fn stub(&self) -> TokenStream {
        template::fill(
            "#[allow(unused)] __visibility fn __name __generics __parameters __output __where { loop {} }",
            Span::mixed_site(),
            &[
                ("__visibility", self.visibility.clone()),
                ("__name", TokenTree::Ident(self.name.clone()).into()),
                ("__generics", self.generics.clone()),
                ("__parameters", TokenTree::Group(self.parameters.clone()).into()),
                ("__output", self.arrow_output()),
                ("__where", self.where_clause.clone()),
            ],
        )
    }
}

fn take_attributes(tokens: &mut Tokens) -> TokenStream {
    let mut attributes = TokenStream::new();
    while matches!(tokens.peek(), Some(TokenTree::Punct(punct)) if punct.as_char() == '#') {
        attributes.extend(tokens.by_ref().take(2));
    }
    attributes
}

fn take_visibility(tokens: &mut Tokens) -> TokenStream {
    let mut visibility = TokenStream::new();
    if matches!(tokens.peek(), Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::None)
    {
        visibility.extend(tokens.next());
    }
    if matches!(tokens.peek(), Some(TokenTree::Ident(word)) if word.to_string() == "pub") {
        visibility.extend(tokens.next());
        if matches!(tokens.peek(), Some(TokenTree::Group(_))) {
            visibility.extend(tokens.next());
        }
    }
    visibility
}

/// What `macro_rules!` passes on comes in groups that cannot be seen.
fn unwrap_invisible(token: TokenTree) -> TokenTree {
    match &token {
        TokenTree::Group(group) if group.delimiter() == Delimiter::None => {
            let mut inner = group.stream().into_iter();
            match (inner.next(), inner.next()) {
                (Some(only), None) => unwrap_invisible(only),
                _ => token,
            }
        }
        _ => token,
    }
}

/// Finds a token that does not stand between `<` and `>`.
pub(crate) fn find_outside_angles(
    tokens: &[TokenTree],
    is_it: impl Fn(&TokenTree) -> bool,
) -> Option<usize> {
    let mut depth = 0_usize;
    let mut last = ' ';
    for (index, token) in tokens.iter().enumerate() {
        if depth == 0 && is_it(token) {
            return Some(index);
        }
        let this = match token {
            TokenTree::Punct(punct) => punct.as_char(),
            _ => ' ',
        };
        match this {
            '<' => depth += 1,
            // The arrows `->` and `=>` close nothing.
            '>' if last != '-' && last != '=' => depth = depth.saturating_sub(1),
            _ => {}
        }
        last = this;
    }
    None
}

/// Splits `-> output where clause`.
fn split_tail(mut tail: Vec<TokenTree>) -> (TokenStream, TokenStream) {
    let is_where =
        |token: &TokenTree| matches!(token, TokenTree::Ident(word) if word.to_string() == "where");
    let at = tail.iter().position(is_where).unwrap_or(tail.len());
    let where_clause = tail.split_off(at);
    (tail.into_iter().skip(2).collect(), where_clause.into_iter().collect())
}
