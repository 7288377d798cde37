//! Code written as text, with holes for the user's tokens.

use proc_macro::{Group, Span, TokenStream, TokenTree};

/// Parses `text`, gives every token `span`, and puts `holes` where their names stand.
///
/// The user's tokens keep their own spans.
pub(crate) fn fill(text: &str, span: Span, holes: &[(&str, TokenStream)]) -> TokenStream {
    let Ok(tokens) = text.parse() else { panic!("not a template: {text}") };
    fill_tokens(tokens, span, holes)
}

fn fill_tokens(tokens: TokenStream, span: Span, holes: &[(&str, TokenStream)]) -> TokenStream {
    tokens.into_iter().flat_map(|token| fill_token(token, span, holes)).collect()
}

fn fill_token(mut token: TokenTree, span: Span, holes: &[(&str, TokenStream)]) -> TokenStream {
    match &token {
        TokenTree::Ident(ident) => {
            let name = ident.to_string();
            if let Some((_, hole)) = holes.iter().find(|(hole, _)| *hole == name) {
                return hole.clone();
            }
        }
        TokenTree::Group(group) => {
            token = Group::new(group.delimiter(), fill_tokens(group.stream(), span, holes)).into();
        }
        TokenTree::Punct(_) | TokenTree::Literal(_) => {}
    }
    token.set_span(span);
    token.into()
}
