//! What a mistake looks like: the compiler's whole answer, with line and column.
//!
//! `TRYBUILD=overwrite cargo test -p chassis-tests --test ui` writes what it is now.

#[test]
fn mistakes_are_explained_where_they_are_made() {
    let cases = trybuild::TestCases::new();
    cases.compile_fail("ui/*/*.rs");
    // These answers depend on the features: they list every resource there is, or ask for one more.
    let cases_of_feature = if cfg!(feature = "etcd") { "ui_etcd/*.rs" } else { "ui_without_etcd/*.rs" };
    cases.compile_fail(cases_of_feature);
    if cfg!(feature = "kafka") {
        cases.compile_fail("ui_kafka/*.rs");
    }
}
