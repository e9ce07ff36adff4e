//! What a mistake looks like: the compiler's whole answer, with line and column.
//!
//! `TRYBUILD=overwrite cargo test -p chassis-tests --test ui` writes what it is now.

#[test]
fn mistakes_are_explained_where_they_are_made() {
    let cases = trybuild::TestCases::new();
    cases.compile_fail("ui/*/*.rs");
    // The answer lists every resource there is, which depends on the features.
    if cfg!(feature = "etcd") {
        cases.compile_fail("ui_etcd/*.rs");
    }
}
