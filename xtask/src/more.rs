//! Tests that normally run for seconds, for as long as somebody wants to wait.

use crate::{machine, step::Step};

/// SIGTERM at random moments under load.
///
/// # Errors
///
/// When the test fails.
pub(crate) fn soak(rounds: &str) -> Result<(), String> {
    run("stop_under_load", "", "CHASSIS_SOAK_ROUNDS", rounds)
}

/// A RabbitMQ that is killed and cut off, and services at it that are killed, stopped and given a million messages.
///
/// # Errors
///
/// When a test fails, or RabbitMQ is not there.
pub(crate) fn amqp(rounds: &str) -> Result<(), String> {
    run("messaging::amqp_faults", "", "CHASSIS_SOAK_ROUNDS", rounds)?;
    run("messaging::amqp_process", "", "CHASSIS_SOAK_ROUNDS", rounds)
}

/// A Kafka cluster that goes and comes back and answers with errors, a broker that is killed, services at both that are
/// killed and stopped, and the same broker by SASL and by TLS. The first time it compiles that broker, for half an hour.
///
/// # Errors
///
/// When a test fails, or the client or the broker cannot be built.
pub(crate) fn kafka(rounds: &str) -> Result<(), String> {
    machine::openssl()?;
    let broker = machine::kafka_broker()?;
    for part in ["kafka_faults", "kafka_process", "kafka_server", "kafka_sasl", "kafka_tls"] {
        let soak = soaking(&format!("messaging::{part}"), " --features kafka-ssl", "CHASSIS_SOAK_ROUNDS", rounds)?;
        soak.env("CHASSIS_TANSU", &broker).run()?;
    }
    Ok(())
}

/// Leaders that are killed, paused, cut off and stopped.
///
/// # Errors
///
/// When the test fails, or etcd is not there.
pub(crate) fn leaders(rounds: &str) -> Result<(), String> {
    run("leader_faults", " --features etcd", "CHASSIS_SOAK_ROUNDS", rounds)
}

/// An etcd that is away for so many seconds while files of settings change.
///
/// # Errors
///
/// When the test fails, or etcd is not there.
pub(crate) fn outage(seconds: &str) -> Result<(), String> {
    run("an_etcd_that_is_away_for_long", " --features etcd", "CHASSIS_SOAK_OUTAGE", seconds)
}

/// Settings files and requests that nobody would write.
///
/// # Errors
///
/// When a test fails.
pub(crate) fn fuzz(rounds: &str) -> Result<(), String> {
    run("settings_files::whatever_is_in_a_file", "", "CHASSIS_FUZZ_ROUNDS", rounds)?;
    run("http_surface", "", "CHASSIS_FUZZ_ROUNDS", rounds)
}

fn run(filter: &str, features: &str, variable: &str, rounds: &str) -> Result<(), String> {
    soaking(filter, features, variable, rounds)?.run()
}

/// By cargo's own runner, which has no limit on how long a test may take; one after the other, for what is measured.
fn soaking(filter: &str, features: &str, variable: &str, rounds: &str) -> Result<Step, String> {
    if rounds.parse::<u64>().is_err() {
        return Err(format!("`{rounds}` is no number of rounds"));
    }
    let test = Step::cargo(format!("{filter}, {rounds} rounds"), "test --quiet --locked -p chassis-tests --test suite");
    let test = test.words(features).arg(filter).words("-- --nocapture --test-threads 1");
    Ok(test.env(variable, rounds).env("CHASSIS_TEST_TOOLS", "required").shown())
}
