//! Arguments of an attribute, with their places: `(field, "text", name = value, flag)`.

use std::time::Duration;

use proc_macro2::{Span, TokenStream};
use syn::{
    Attribute, Expr, ExprLit, Ident, Lit, LitInt, LitStr, Meta, Path, Token, Type,
    ext::IdentExt as _,
    parse::{ParseStream, Parser as _},
    spanned::Spanned as _,
};

use crate::{duration, errors::Errors, size, suggest};

/// What was written between an attribute's parentheses. Each accessor takes what it asks for; [`Args::done`] tells what
/// nobody asked for.
#[derive(Debug)]
pub(crate) struct Args {
    /// How messages name the attribute: `#[task]`.
    attribute: String,
    /// Where the attribute stands.
    pub(crate) span: Span,
    list: Vec<Arg>,
    /// Named options that the attribute has.
    known: Vec<&'static str>,
}

#[derive(Debug)]
enum Arg {
    /// `name = value`
    Named(Ident, Expr),
    /// `crate = path`
    Path(Ident, Path),
    /// `args = Type`
    Type(Ident, Type),
    /// `value`, also a flag
    Bare(Expr),
}

impl Args {
    /// Parses the arguments of an attribute on a field or method.
    pub(crate) fn of(attribute: &Attribute, errors: &mut Errors) -> Self {
        let name = attribute.path().segments.last().map_or_else(String::new, |last| last.ident.unraw().to_string());
        let span = attribute.path().span();
        match &attribute.meta {
            Meta::Path(_) => Self::parse(&name, span, TokenStream::new(), errors),
            Meta::List(list) => Self::parse(&name, span, list.tokens.clone(), errors),
            Meta::NameValue(pair) => {
                errors.at(&pair.value, format!("`#[{name}]` takes its arguments in parentheses: `#[{name}(…)]`"));
                Self::parse(&name, span, TokenStream::new(), errors)
            }
        }
    }

    /// Parses the arguments of the attribute called `name`.
    pub(crate) fn parse(name: &str, span: Span, tokens: TokenStream, errors: &mut Errors) -> Self {
        let mut list = Vec::new();
        let parser = |input: ParseStream<'_>| {
            while !input.is_empty() {
                list.push(Arg::parse(input)?);
                if input.is_empty() {
                    break;
                }
                input.parse::<Token![,]>()?;
            }
            Ok(())
        };
        if let Err(error) = parser.parse2(tokens) {
            errors.push(error);
        }
        Self { attribute: format!("#[{name}]"), span, list, known: Vec::new() }
    }

    /// How messages name the attribute: `#[task]`.
    pub(crate) fn attribute(&self) -> &str {
        &self.attribute
    }

    /// Takes the next argument that has no name and is no flag.
    pub(crate) fn positional(&mut self) -> Option<Expr> {
        let at = self.list.iter().position(|arg| matches!(arg, Arg::Bare(_)))?;
        match self.list.remove(at) {
            Arg::Bare(value) => Some(value),
            Arg::Named(..) | Arg::Path(..) | Arg::Type(..) => None,
        }
    }

    /// Takes the first argument if it is a plain name that is not one of the flags.
    pub(crate) fn leading_name(&mut self, flags: &[&str]) -> Option<Ident> {
        let Some(Arg::Bare(value)) = self.list.first() else { return None };
        let name = as_ident(value).filter(|name| !flags.contains(&name.to_string().as_str()))?;
        self.list.remove(0);
        Some(name)
    }

    /// Takes `name`, `name = true` or `name = false`; `None` when it is not there.
    pub(crate) fn flag(&mut self, name: &'static str, errors: &mut Errors) -> Option<bool> {
        self.known.push(name);
        let at = self.list.iter().position(|arg| match arg {
            Arg::Named(found, _) => found == name,
            Arg::Bare(value) => as_ident(value).is_some_and(|found| found == name),
            Arg::Path(..) | Arg::Type(..) => false,
        })?;
        match self.list.remove(at) {
            Arg::Named(_, Expr::Lit(ExprLit { lit: Lit::Bool(value), .. })) => Some(value.value),
            Arg::Named(_, value) => {
                errors.at(&value, format!("`{name}` is either there or not: write `{name}`, or `{name} = false`"));
                Some(true)
            }
            Arg::Bare(_) | Arg::Path(..) | Arg::Type(..) => Some(true),
        }
    }

    /// Takes `name` or `name = true`, and tells where it stands; `name = false` is as if it were not there.
    pub(crate) fn flag_at(&mut self, name: &'static str, errors: &mut Errors) -> Option<Span> {
        let place = self.list.iter().find_map(|arg| match arg {
            Arg::Named(found, _) => (found == name).then(|| found.span()),
            Arg::Bare(value) => as_ident(value).filter(|found| found == name).map(|found| found.span()),
            Arg::Path(..) | Arg::Type(..) => None,
        });
        self.flag(name, errors).filter(|is_there| *is_there).and(place)
    }

    /// Takes the value of `name = value`.
    pub(crate) fn value(&mut self, name: &'static str, errors: &mut Errors) -> Option<Expr> {
        self.known.push(name);
        let mut values = Vec::new();
        let mut at = 0;
        while at < self.list.len() {
            match &self.list[at] {
                Arg::Named(found, _) if found == name => {
                    if let Arg::Named(found, value) = self.list.remove(at) {
                        values.push((found, value));
                    }
                }
                Arg::Bare(value) if as_ident(value).is_some_and(|found| found == name) => {
                    errors.at(value, format!("`{name}` needs a value: `{name} = …`"));
                    self.list.remove(at);
                }
                _ => at += 1,
            }
        }
        let mut values = values.into_iter();
        let first = values.next();
        for (again, _) in values {
            errors.at(&again, format!("`{name}` is there twice; remove one"));
        }
        first.map(|(_, value)| value)
    }

    /// Takes `name = value` or `name`; the first is `Some(Some(value))`.
    pub(crate) fn flag_or_value(&mut self, name: &'static str) -> Option<Option<Expr>> {
        self.known.push(name);
        let at = self.list.iter().position(|arg| match arg {
            Arg::Named(found, _) => found == name,
            Arg::Bare(value) => as_ident(value).is_some_and(|found| found == name),
            Arg::Path(..) | Arg::Type(..) => false,
        })?;
        match self.list.remove(at) {
            Arg::Named(_, value) => Some(Some(value)),
            Arg::Bare(_) | Arg::Path(..) | Arg::Type(..) => Some(None),
        }
    }

    /// Takes `crate = path`.
    pub(crate) fn root(&mut self) -> Option<Path> {
        self.known.push("crate");
        let at = self.list.iter().position(|arg| matches!(arg, Arg::Path(..)))?;
        match self.list.remove(at) {
            Arg::Path(_, path) => Some(path),
            Arg::Named(..) | Arg::Type(..) | Arg::Bare(_) => None,
        }
    }

    /// Takes `args = Type`.
    pub(crate) fn args_type(&mut self) -> Option<Type> {
        self.known.push("args");
        let at = self.list.iter().position(|arg| matches!(arg, Arg::Type(..)))?;
        match self.list.remove(at) {
            Arg::Type(_, ty) => Some(ty),
            Arg::Named(..) | Arg::Path(..) | Arg::Bare(_) => None,
        }
    }

    /// Takes `name = "text"`.
    pub(crate) fn text(&mut self, name: &'static str, errors: &mut Errors) -> Option<LitStr> {
        match self.value(name, errors)? {
            Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => Some(text),
            other => {
                errors.at(&other, format!("`{name}` is a text in quotes: `{name} = \"…\"`"));
                None
            }
        }
    }

    /// Takes `name = "text"` where the text is one of `choices`.
    pub(crate) fn choice(
        &mut self,
        name: &'static str,
        choices: &'static [&'static str],
        errors: &mut Errors,
    ) -> Option<(&'static str, Span)> {
        let text = self.text(name, errors)?;
        let written = text.value();
        let found = choices.iter().find(|choice| **choice == written);
        if found.is_none() {
            let hint = match suggest::nearest(&written, choices.iter().copied()) {
                Some(nearest) => format!("did you mean `\"{nearest}\"`?"),
                None => {
                    let quoted: Vec<String> = choices.iter().map(|choice| format!("\"{choice}\"")).collect();
                    let quoted: Vec<&str> = quoted.iter().map(String::as_str).collect();
                    format!("it is {}", suggest::one_of(&quoted))
                }
            };
            errors.at(&text, format!("`{name}` cannot be `\"{written}\"`: {hint}"));
        }
        found.map(|choice| (*choice, text.span()))
    }

    /// Takes `name = "1s"`, or a number of milliseconds.
    pub(crate) fn duration(&mut self, name: &'static str, errors: &mut Errors) -> Option<(Duration, Expr)> {
        let value = self.value(name, errors)?;
        let found = match &value {
            Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => duration::parse(&text.value()),
            Expr::Lit(ExprLit { lit: Lit::Int(millis), .. }) => {
                millis.base10_parse().map(Duration::from_millis).map_err(|error| error.to_string())
            }
            _ => Err("a duration is a text such as `\"500ms\"`, `\"1s\"` or `\"2m\"`, or a number of milliseconds"
                .to_owned()),
        };
        match found {
            Ok(duration) => Some((duration, value)),
            Err(message) => {
                errors.at(&value, format!("`{name}`: {message}"));
                None
            }
        }
    }

    /// Takes `name = "1MiB"`, or a number of bytes.
    pub(crate) fn size(&mut self, name: &'static str, errors: &mut Errors) -> Option<u64> {
        let value = self.value(name, errors)?;
        let found = match &value {
            Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => size::parse(&text.value()),
            Expr::Lit(ExprLit { lit: Lit::Int(bytes), .. }) => bytes.base10_parse().map_err(|error| error.to_string()),
            _ => Err("a size is a text such as `\"64KiB\"` or `\"1MiB\"`, or a number of bytes".to_owned()),
        };
        match found {
            Ok(size) => Some(size),
            Err(message) => {
                errors.at(&value, format!("`{name}`: {message}"));
                None
            }
        }
    }

    /// Takes `name = 3`.
    pub(crate) fn integer(&mut self, name: &'static str, errors: &mut Errors) -> Option<LitInt> {
        match self.value(name, errors)? {
            Expr::Lit(ExprLit { lit: Lit::Int(number), .. }) => Some(number),
            other => {
                errors.at(&other, format!("`{name}` is a whole number"));
                None
            }
        }
    }

    /// Takes `name = [a, b]`, or `name = a`.
    pub(crate) fn names(&mut self, name: &'static str, errors: &mut Errors) -> Vec<Ident> {
        let items = match self.value(name, errors) {
            None => return Vec::new(),
            Some(Expr::Array(array)) => array.elems.into_iter().collect(),
            Some(one) => vec![one],
        };
        let mut names = Vec::new();
        for item in items {
            match as_ident(&item) {
                Some(found) => names.push(found),
                None => errors.at(&item, format!("`{name}` lists names without quotes: `{name} = [first, second]`")),
            }
        }
        names
    }

    /// Takes `name = ["a", "b"]`.
    pub(crate) fn texts(&mut self, name: &'static str, errors: &mut Errors) -> Vec<LitStr> {
        let items = match self.value(name, errors) {
            None => return Vec::new(),
            Some(Expr::Array(array)) => array.elems.into_iter().collect(),
            Some(one) => vec![one],
        };
        let mut texts = Vec::new();
        for item in items {
            match item {
                Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => texts.push(text),
                other => errors.at(&other, format!("`{name}` lists texts: `{name} = [\"first\", \"second\"]`")),
            }
        }
        texts
    }

    /// Tells what nobody asked for.
    pub(crate) fn done(self, errors: &mut Errors) {
        let Self { attribute, list, known, .. } = self;
        for arg in list {
            match &arg {
                Arg::Named(name, _) | Arg::Path(name, _) | Arg::Type(name, _) => {
                    unknown(&attribute, name, &known, errors)
                }
                Arg::Bare(value) => match as_ident(value) {
                    Some(name) => unknown(&attribute, &name, &known, errors),
                    None if known.is_empty() => errors.at(value, format!("`{attribute}` takes no arguments")),
                    None => errors.at(value, format!("`{attribute}` does not take this argument")),
                },
            }
        }
    }
}

impl Arg {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let is_named = input.peek(Ident::peek_any) && input.peek2(Token![=]) && !input.peek2(Token![==]);
        if !is_named {
            return Ok(Arg::Bare(ungrouped(input.parse()?)));
        }
        let name = input.call(Ident::parse_any)?;
        input.parse::<Token![=]>()?;
        if name == "crate" {
            return Ok(Arg::Path(name, input.call(Path::parse_mod_style)?));
        }
        if name == "args" {
            return Ok(Arg::Type(name, input.parse()?));
        }
        Ok(Arg::Named(name, ungrouped(input.parse()?)))
    }
}

/// The expression without what a `macro_rules!` puts around it.
fn ungrouped(value: Expr) -> Expr {
    match value {
        Expr::Group(group) => ungrouped(*group.expr),
        value => value,
    }
}

/// The name that an expression consists of.
pub(crate) fn as_ident(value: &Expr) -> Option<Ident> {
    match value {
        Expr::Path(path) if path.qself.is_none() && path.attrs.is_empty() => path.path.get_ident().cloned(),
        _ => None,
    }
}

fn unknown(attribute: &str, name: &Ident, known: &[&str], errors: &mut Errors) {
    if known.is_empty() {
        return errors.at(name, format!("`{attribute}` takes no arguments"));
    }
    let twice = known.iter().any(|known| name == known);
    if twice {
        return errors.at(name, format!("`{name}` is there twice; remove one"));
    }
    let hint = suggest::hint(&name.unraw().to_string(), known);
    errors.at(name, format!("`{attribute}` has no option `{}`{hint}", name.unraw()));
}
