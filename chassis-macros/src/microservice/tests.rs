//! The expansions of whole services, as a reviewer reads them: `tests/expand/*.rs` beside `*.expanded.rs`.
//!
//! `UPDATE_EXPECT=1 cargo test -p chassis-macros` writes what the macros expand to now.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

use std::{fs, path::Path};

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::{Attribute, File, Item, Meta};

use super::expand;

/// The file with every `#[microservice]` expanded.
fn expanded(text: &str) -> String {
    let mut file: File = syn::parse_str(text).unwrap();
    let mut tokens = TokenStream::new();
    for mut item in std::mem::take(&mut file.items) {
        match taken(&mut item) {
            Some(args) => tokens.extend(expand(args, item.into_token_stream())),
            None => item.to_tokens(&mut tokens),
        }
    }
    file.items = syn::parse2::<File>(tokens).unwrap().items;
    prettyplease::unparse(&file)
}

/// The arguments of `#[microservice]`, which is removed.
fn taken(item: &mut Item) -> Option<TokenStream> {
    let attributes: &mut Vec<Attribute> = match item {
        Item::Struct(item) => &mut item.attrs,
        Item::Impl(item) => &mut item.attrs,
        _ => return None,
    };
    let at = attributes.iter().position(|attribute| attribute.path().is_ident("microservice"))?;
    match attributes.remove(at).meta {
        Meta::List(list) => Some(list.tokens),
        _ => Some(TokenStream::new()),
    }
}

#[test]
fn services_expand_to_what_a_careful_person_would_have_typed() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/expand");
    let is_update = std::env::var_os("UPDATE_EXPECT").is_some();
    let mut differing = Vec::new();
    let mut services = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if !name.ends_with(".rs") || name.ends_with(".expanded.rs") {
            continue;
        }
        services += 1;
        let expected = path.with_extension("expanded.rs");
        let found = expanded(&fs::read_to_string(&path).unwrap());
        assert!(!found.contains("compile_error"), "{name} has mistakes:\n{found}");
        if is_update {
            fs::write(&expected, found).unwrap();
        } else if fs::read_to_string(&expected).unwrap_or_default() != found {
            differing.push(format!("{}\n{found}", expected.display()));
        }
    }
    assert!(services >= 12, "only {services} services are looked at");
    assert!(
        differing.is_empty(),
        "these expansions have changed; look at them, and accept them with UPDATE_EXPECT=1:\n{}",
        differing.join("\n")
    );
}
