//! Tests that normally run for seconds, for as long as somebody wants to wait.

use crate::step::Step;

/// SIGTERM at random moments under load.
///
/// # Errors
///
/// When the test fails.
pub(crate) fn soak(rounds: &str) -> Result<(), String> {
    run("stop_under_load", "CHASSIS_SOAK_ROUNDS", rounds)
}

/// Settings files and requests that nobody would write.
///
/// # Errors
///
/// When a test fails.
pub(crate) fn fuzz(rounds: &str) -> Result<(), String> {
    run("settings_files::whatever_is_in_a_file", "CHASSIS_FUZZ_ROUNDS", rounds)?;
    run("http_surface", "CHASSIS_FUZZ_ROUNDS", rounds)
}

/// By cargo's own runner, which has no limit on how long a test may take.
fn run(filter: &str, variable: &str, rounds: &str) -> Result<(), String> {
    if rounds.parse::<u64>().is_err() {
        return Err(format!("`{rounds}` is no number of rounds"));
    }
    let test = Step::cargo(format!("{filter}, {rounds} rounds"), "test --quiet --locked -p chassis-tests --test suite");
    test.arg(filter).env(variable, rounds).shown().run()
}
