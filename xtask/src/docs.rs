//! What of the guide is generated.

use crate::step::Step;

/// Writes it anew, with the parts that need `protoc` or a compiler of C. That it is up to date is a test of the suite: the same one, told to write.
///
/// # Errors
///
/// When something does not compile, or a file cannot be written.
pub(crate) fn write() -> Result<(), String> {
    let test = Step::cargo(
        "docs/settings-reference.md",
        "test --quiet --locked --package chassis-tests --features etcd,kafka --test suite",
    );
    test.words("the_reference_is_what_the_structs_say").env("CHASSIS_REWRITE", "1").run()
}
