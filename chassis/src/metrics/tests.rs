//! Meters from the outside: names, series, values, what is exported.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod export;
mod foreign;
mod names;
mod series;
mod values;

use std::{
    io::Write,
    process::{Command, Stdio},
    thread,
    time::Duration,
};

use super::*;

#[derive(Labels)]
struct ByCurrency {
    currency: String,
    channel: Channel,
}

#[derive(Labels, Clone, Copy)]
enum Channel {
    Web,
    PointOfSale,
    #[label(rename = "B2B")]
    Business,
}

#[derive(Labels)]
struct Shard(u8);

fn by(currency: &str, channel: Channel) -> ByCurrency {
    ByCurrency { currency: currency.to_owned(), channel }
}

fn scope(service: &str) -> (std::sync::Arc<crate::scope::Scope>, Metrics) {
    let scope = crate::scope::Scope::new(service, crate::logging::Logs::captured_for(service));
    let metrics = scope.metrics().clone();
    (scope, metrics)
}

/// What `promtool check metrics` has against a text.
#[track_caller]
fn check_with_promtool(text: &str) {
    let spawned = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let Ok(mut promtool) = spawned else {
        eprintln!("promtool is not installed, so its check is left out");
        return;
    };
    promtool.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = promtool.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}\n{text}");
}
