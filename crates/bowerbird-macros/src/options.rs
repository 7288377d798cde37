//! The arguments of the attributes: `name = value, ..`.

use proc_macro::{Delimiter, Literal, Span, TokenStream, TokenTree};

use crate::error::{Error, Result};
use crate::template;

/// What the arguments say.
#[derive(Default)]
pub(crate) struct Options {
    /// Calls on the runtime's builder, `.worker_threads(2)`; empty if no argument needs one.
    pub(crate) builder_calls: String,
    pub(crate) has_worker_threads: bool,
    crate_path: Option<TokenStream>,
}

/// The arguments of `#[main]` and `#[test]`.
pub(crate) const RUNTIME: &[&str] = &["worker_threads", "seed", "start_paused", "crate"];
/// The arguments of `#[cancel_safe]`.
pub(crate) const CRATE_ONLY: &[&str] = &["crate"];

impl Options {
    /// Reads the arguments, of which `valid` are known.
    pub(crate) fn parse(attribute: &str, valid: &[&str], arguments: TokenStream) -> Result<Self> {
        let mut options = Self::default();
        let mut seen: Vec<String> = Vec::new();
        let mut tokens = arguments.into_iter();
        while let Some(token) = tokens.next() {
            let span = token.span();
            let name = match token {
                TokenTree::Ident(name) => name.to_string(),
                other => {
                    return Err(Error::new(
                        span,
                        format!(
                            "{attribute}: expected `name = value`, found `{other}`; {}",
                            list(valid)
                        ),
                    ));
                }
            };
            if !valid.contains(&name.as_str()) {
                return Err(Error::new(
                    span,
                    format!("{attribute}: unknown argument `{name}`; {}", list(valid)),
                ));
            }
            if seen.contains(&name) {
                return Err(Error::new(span, format!("{attribute}: `{name}` is given twice")));
            }
            let value = match tokens.next() {
                Some(TokenTree::Punct(punct)) if punct.as_char() == '=' => tokens.next(),
                _ => None,
            };
            let value = value.ok_or_else(|| {
                Error::new(
                    span,
                    format!("{attribute}: `{name}` needs a value: `{}`", example(&name)),
                )
            })?;
            options.set(attribute, &name, value)?;
            seen.push(name);
            match tokens.next() {
                None => {}
                Some(TokenTree::Punct(punct)) if punct.as_char() == ',' => {}
                Some(other) => {
                    return Err(Error::new(
                        other.span(),
                        format!("{attribute}: expected `,` between arguments, found `{other}`"),
                    ));
                }
            }
        }
        Ok(options)
    }

    fn set(&mut self, attribute: &str, name: &str, value: TokenTree) -> Result<()> {
        let value = unwrap_invisible(value);
        let bad = |what: &str| {
            Error::new(
                value.span(),
                format!("{attribute}: `{name}` takes {what}, not `{value}`: `{}`", example(name)),
            )
        };
        match name {
            "worker_threads" => {
                let count =
                    integer(&value).filter(|&count| count > 0 && usize::try_from(count).is_ok());
                let count = count.ok_or_else(|| bad("a positive integer literal"))?;
                self.builder_calls.push_str(&format!(".worker_threads({count}usize)"));
                self.has_worker_threads = true;
            }
            "seed" => {
                let seed =
                    integer(&value).ok_or_else(|| bad("an integer literal of at most 64 bits"))?;
                self.builder_calls.push_str(&format!(".seed({seed}u64)"));
            }
            "start_paused" => {
                let paused = value.to_string();
                if paused != "true" && paused != "false" {
                    return Err(bad("`true` or `false`"));
                }
                self.builder_calls.push_str(&format!(".start_paused({paused})"));
            }
            _ => self.crate_path = Some(path(&value).ok_or_else(|| bad("a path in quotes"))?),
        }
        Ok(())
    }

    /// The path of the umbrella crate; `span` is for the default one.
    pub(crate) fn crate_path(&self, span: Span) -> TokenStream {
        self.crate_path.clone().unwrap_or_else(|| template::fill("::bowerbird", span, &[]))
    }
}

fn list(valid: &[&str]) -> String {
    let names: Vec<_> = valid.iter().map(|name| format!("`{name}`")).collect();
    format!("valid arguments: {}", names.join(", "))
}

fn example(name: &str) -> &'static str {
    match name {
        "worker_threads" => "worker_threads = 2",
        "seed" => "seed = 7",
        "start_paused" => "start_paused = true",
        _ => r#"crate = "my_bowerbird""#,
    }
}

fn unwrap_invisible(token: TokenTree) -> TokenTree {
    match &token {
        TokenTree::Group(group) if group.delimiter() == Delimiter::None => {
            group.stream().into_iter().next().unwrap_or(token)
        }
        _ => token,
    }
}

/// The value of an integer literal: any base, underscores, an unsigned suffix.
fn integer(token: &TokenTree) -> Option<u64> {
    let TokenTree::Literal(literal) = token else { return None };
    let text = literal.to_string().replace('_', "");
    let (digits, radix) = match text.get(..2) {
        Some("0x") => (&text[2..], 16),
        Some("0o") => (&text[2..], 8),
        Some("0b") => (&text[2..], 2),
        _ => (&*text, 10),
    };
    let digits = ["usize", "u64", "u32", "u16", "u8"]
        .iter()
        .find_map(|suffix| digits.strip_suffix(suffix))
        .unwrap_or(digits);
    u64::from_str_radix(digits, radix).ok()
}

/// The path in a string literal, at the literal's span.
fn path(token: &TokenTree) -> Option<TokenStream> {
    let TokenTree::Literal(literal) = token else { return None };
    let text = unquoted(literal)?;
    let is_path = !text.is_empty()
        && text.trim_start_matches("::").split("::").all(|part| {
            part.starts_with(|first: char| first.is_alphabetic() || first == '_')
                && part.chars().all(|other| other.is_alphanumeric() || other == '_')
        });
    is_path.then(|| template::fill(&text, literal.span(), &[]))
}

fn unquoted(literal: &Literal) -> Option<String> {
    let text = literal.to_string();
    Some(text.strip_prefix('"')?.strip_suffix('"')?.to_owned())
}
