//! A resource that fails on purpose, and what becomes of it by its restart policy.
//!
//! `cargo run --example restart_policies -- --settings examples/restart_policies/settings.yml`
//!
//! With `--set resources.status.restart_policy.resources.restart_microservice_on_failure=all` the service ends with
//! exit code 70 instead, for its orchestrator to restart it.

use chassis::prelude::*;

/// Measures the temperature with a sensor that breaks now and then.
#[microservice(name = "thermometer")]
struct Thermometer {
    /// Breaks every two seconds.
    #[resource]
    sensor: Sensor,
    /// Depends on the sensor; restarted with it where the strategy is `rest_for_one`.
    #[resource(after = [sensor])]
    display: Display,
}

#[microservice]
impl Thermometer {}

/// A sensor that works for a while.
#[derive(Default)]
struct Sensor;

impl Resource for Sensor {
    type Settings = ();

    async fn start(&self, cx: &Context, (): ()) -> Result<()> {
        tracing::info!("sensor: plugged in");
        // Background work of a resource: its failure is a failure of the resource.
        cx.spawn("measure", async {
            tokio::time::sleep(Duration::from_secs(2)).await;
            Err::<(), _>(Error::msg("the sensor fell off"))
        });
        Ok(())
    }
}

/// Shows what the sensor says.
#[derive(Default)]
struct Display;

impl Resource for Display {
    type Settings = ();

    async fn start(&self, _cx: &Context, (): ()) -> Result<()> {
        tracing::info!("display: on");
        Ok(())
    }

    async fn stop(&self, _cx: &Context) -> Result<()> {
        tracing::info!("display: off");
        Ok(())
    }
}

fn main() -> std::process::ExitCode {
    Thermometer::run()
}
