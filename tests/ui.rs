//! What a mistake looks like: the compiler's whole answer, with line and column.
//!
//! `TRYBUILD=overwrite cargo test -p chassis-tests --test ui` writes what it is now.

#[test]
fn mistakes_are_explained_where_they_are_made() {
    trybuild::TestCases::new().compile_fail("ui/*/*.rs");
}
