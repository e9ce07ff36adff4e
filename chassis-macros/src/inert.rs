//! Attributes inside an item that only `#[microservice]` understands, and what it takes from the others.

use syn::{Attribute, Expr, ExprLit, Lit, Meta, Token, ext::IdentExt as _, punctuated::Punctuated};

/// On fields of the struct.
pub(crate) const FIELD: [&str; 4] = ["resource", "setting", "meter", "init"];

/// On methods of the `impl` block.
pub(crate) const METHOD: [&str; 17] = [
    "task",
    "task_timer",
    "thread",
    "before",
    "after",
    "on",
    "subscribe",
    "pull",
    "reply",
    "get",
    "post",
    "put",
    "delete",
    "patch",
    "head",
    "options",
    "any",
];

/// Removes and returns the attributes whose last segment is one of `names`: `#[task]` and `#[chassis::task]` alike.
pub(crate) fn take(attributes: &mut Vec<Attribute>, names: &[&str]) -> Vec<(String, Attribute)> {
    let mut taken = Vec::new();
    attributes.retain(|attribute| match name_of(attribute).filter(|name| names.contains(&name.as_str())) {
        Some(name) => {
            taken.push((name, attribute.clone()));
            false
        }
        None => true,
    });
    taken
}

/// The attributes of ours that are hidden in a `cfg_attr`, which the macro cannot decide.
pub(crate) fn conditional(attributes: &[Attribute], names: &[&str]) -> Vec<syn::Path> {
    let mut hidden = Vec::new();
    for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("cfg_attr")) {
        let metas = attribute.parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated).unwrap_or_default();
        let paths = metas.iter().skip(1).map(Meta::path);
        hidden.extend(paths.filter(|path| is_one_of(path, names)).cloned());
    }
    hidden
}

/// The conditions under which an item is there.
pub(crate) fn cfgs(attributes: &[Attribute]) -> Vec<Attribute> {
    attributes.iter().filter(|attribute| attribute.path().is_ident("cfg")).cloned().collect()
}

/// The documentation, without the space that `///` leaves at the beginning of each line.
pub(crate) fn docs(attributes: &[Attribute]) -> String {
    let mut lines: Vec<String> = Vec::new();
    for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("doc")) {
        if let Meta::NameValue(pair) = &attribute.meta
            && let Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) = &pair.value
        {
            lines.extend(text.value().lines().map(|line| line.strip_prefix(' ').unwrap_or(line).trim_end().to_owned()));
            if text.value().is_empty() {
                lines.push(String::new());
            }
        }
    }
    without_links(lines.join("\n").trim())
}

/// What rustdoc makes links of, as words: operators read it where nothing can be followed.
fn without_links(docs: &str) -> String {
    let mut text = String::with_capacity(docs.len());
    let mut rest = docs;
    while let Some((before, behind)) = rest.split_once('[') {
        text.push_str(before);
        rest = behind;
        let Some((words, behind)) = behind.split_once(']') else {
            text.push('[');
            continue;
        };
        let target = behind.strip_prefix('(').and_then(|target| target.split_once(')'));
        let is_code = words.len() > 2 && words.starts_with('`') && words.ends_with('`');
        match target {
            // A link to code; one to a page is worth more than its words.
            Some((target, behind)) if !words.contains('[') && !target.contains("//") => {
                text.push_str(words);
                rest = behind;
            }
            None if is_code => {
                text.push_str(words);
                rest = behind;
            }
            _ => text.push('['),
        }
    }
    text + rest
}

/// The first paragraph of a documentation, on one line.
pub(crate) fn first_paragraph(docs: &str) -> String {
    docs.lines().take_while(|line| !line.trim().is_empty()).map(str::trim).collect::<Vec<_>>().join(" ")
}

fn is_one_of(path: &syn::Path, names: &[&str]) -> bool {
    path.segments.last().is_some_and(|last| names.contains(&last.ident.unraw().to_string().as_str()))
}

fn name_of(attribute: &Attribute) -> Option<String> {
    attribute.path().segments.last().map(|last| last.ident.unraw().to_string())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail")]

    use super::*;

    fn parsed(text: &str) -> Vec<Attribute> {
        syn::parse_str::<syn::ItemStruct>(&format!("{text} struct S;")).unwrap().attrs
    }

    #[test]
    fn links_of_rustdoc_become_words() {
        for (docs, words) in [
            ("Settings of an [`HttpServer`](super::HttpServer).", "Settings of an `HttpServer`."),
            (
                "See [`Other`] and [more](crate::more), [1] `a[0]`, `[\"a\"]`.",
                "See `Other` and more, [1] `a[0]`, `[\"a\"]`.",
            ),
            ("See [the page](https://example.com/a).", "See [the page](https://example.com/a)."),
            ("open [", "open ["),
        ] {
            assert_eq!(without_links(docs), words);
        }
    }

    #[test]
    fn takes_attributes_by_their_last_segment_and_leaves_the_rest() {
        let mut attributes = parsed("#[chassis::task] #[cfg(unix)] #[other::thing] #[task_timer(interval = 1)]");
        let taken: Vec<String> = take(&mut attributes, &METHOD).into_iter().map(|(name, _)| name).collect();
        assert_eq!(taken, ["task", "task_timer"]);
        assert_eq!(attributes.len(), 2);
        assert_eq!(cfgs(&attributes).len(), 1);
    }

    #[test]
    fn reads_documentation_as_text() {
        let docs = docs(&parsed("/// First line,\n/// and second.\n///\n/// * more\n"));
        assert_eq!(docs, "First line,\nand second.\n\n* more");
        assert_eq!(first_paragraph(&docs), "First line, and second.");
    }
}
