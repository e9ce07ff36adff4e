//! What the operating system says about the process, by the names that all Prometheus clients use.
//!
//! Read when asked for: two small files of `/proc` and the size of a third. Elsewhere than on Linux there is nothing to
//! say.

use std::{
    fs,
    sync::{Arc, OnceLock},
};

use super::snapshot::{Kind, MeterSnapshot, SeriesSnapshot, Value};

/// Ticks per second in `/proc/self/stat`; Linux shows 100 to programs whatever it uses itself.
const TICKS: f64 = 100.0;

/// All figures that could be read.
pub(super) fn snapshot() -> Vec<MeterSnapshot> {
    let mut meters = Vec::with_capacity(8);
    let mut give = |name: &str, help: &str, kind, value: Option<f64>| {
        let Some(number) = value else { return };
        let value = if kind == Kind::Counter { Value::Counter(number) } else { Value::Gauge(number) };
        meters.push(MeterSnapshot {
            name: name.into(),
            help: help.into(),
            unit: None,
            kind,
            series: vec![SeriesSnapshot { labels: Arc::new([]), value }],
        });
    };
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    give("process_cpu_seconds", "Processor time used by the process.", Kind::Counter, cpu_seconds(&stat));
    give("process_start_time_seconds", "When the process started, in Unix time.", Kind::Gauge, start_time(&stat));
    give("process_threads", "Threads of the process.", Kind::Gauge, line(&status, "Threads:"));
    give("process_resident_memory_bytes", "Memory in use by the process.", Kind::Gauge, kilobytes(&status, "VmRSS:"));
    give("process_virtual_memory_bytes", "Address space of the process.", Kind::Gauge, kilobytes(&status, "VmSize:"));
    give("process_open_fds", "Open file descriptors.", Kind::Gauge, open_descriptors());
    give("process_max_fds", "Most file descriptors the process may open.", Kind::Gauge, most_descriptors());
    meters
}

/// The fields of `/proc/self/stat` after the name of the program, which may contain anything.
fn fields(stat: &str) -> impl Iterator<Item = &str> {
    stat.rsplit_once(')').map_or("", |(_, fields)| fields).split_ascii_whitespace()
}

fn cpu_seconds(stat: &str) -> Option<f64> {
    let mut times = fields(stat).skip(11).map_while(|time| time.parse::<f64>().ok());
    Some((times.next()? + times.next()?) / TICKS)
}

fn start_time(stat: &str) -> Option<f64> {
    static STARTED: OnceLock<Option<f64>> = OnceLock::new();
    *STARTED.get_or_init(|| {
        let after_boot = fields(stat).nth(19)?.parse::<f64>().ok()? / TICKS;
        let system = fs::read_to_string("/proc/stat").ok()?;
        Some(line(&system, "btime")? + after_boot)
    })
}

/// The number after the name at the start of a line.
fn line(text: &str, name: &str) -> Option<f64> {
    let rest = text.lines().find_map(|line| line.strip_prefix(name))?;
    rest.split_ascii_whitespace().next()?.parse().ok()
}

fn kilobytes(status: &str, name: &str) -> Option<f64> {
    line(status, name).map(|kilobytes| kilobytes * 1024.0)
}

#[expect(clippy::cast_precision_loss, reason = "exporters send doubles")]
fn open_descriptors() -> Option<f64> {
    // Since Linux 6.2 the size of the directory is the number of descriptors; before, it is zero.
    let counted = match fs::metadata("/proc/self/fd").ok()?.len() {
        // One of them is the directory that is being read.
        0 => fs::read_dir("/proc/self/fd").ok()?.count().saturating_sub(1) as f64,
        size => size as f64,
    };
    Some(counted)
}

fn most_descriptors() -> Option<f64> {
    let limits = fs::read_to_string("/proc/self/limits").ok()?;
    match line(&limits, "Max open files") {
        None if limits.contains("Max open files") => Some(f64::INFINITY),
        limit => limit,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STAT: &str = "42 (a) b (c) S 1 42 42 0 -1 4194560 1 0 0 0 250 50 0 0 20 0 7 0 1000 1 2 3";

    #[test]
    fn the_name_of_the_program_may_contain_anything() {
        assert_eq!(cpu_seconds(STAT), Some(3.0));
        assert_eq!(fields(STAT).nth(19), Some("1000"));
        assert_eq!(cpu_seconds("garbage"), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn all_figures_are_there_and_plausible() {
        let meters = snapshot();
        let get =
            |name: &str| match meters.iter().find(|meter| &*meter.name == name).map(|meter| &meter.series[0].value) {
                Some(Value::Gauge(value) | Value::Counter(value)) => *value,
                other => panic!("`{name}` is {other:?}"),
            };
        assert_eq!(meters.len(), 7);
        assert!(get("process_resident_memory_bytes") > 1e6);
        assert!(get("process_virtual_memory_bytes") >= get("process_resident_memory_bytes"));
        assert!(get("process_open_fds") >= 3.0 && get("process_open_fds") < get("process_max_fds"));
        assert!(get("process_threads") >= 1.0);
        let now =
            std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0.0, |now| now.as_secs_f64());
        let age = now - get("process_start_time_seconds");
        assert!((-1.0..86_400.0).contains(&age), "the process is {age} s old");
    }
}
