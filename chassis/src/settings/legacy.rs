//! Keys that settings files of older frameworks carry: accepted, and noticed once.

use super::path::KeyPath;

/// What to say about a key that means nothing here, but something to the framework the file was written for.
/// `None` for every other key.
pub(crate) fn legacy_key(path: &KeyPath) -> Option<&'static str> {
    let steps: Vec<&str> = path.steps().collect();
    match steps.as_slice() {
        ["etcd_ready"] => Some("is not needed: nothing waits for it"),
        ["resources", .., "etcd_ready"] => Some("is not needed: nothing waits for it"),
        ["resources", _, "debug"] => Some("means nothing here: levels are set under `system.logging.levels`"),
        ["logging", "file"] => Some("means nothing here"),
        ["logging", "file_path" | "version"] | ["logging", "logstash" | "redis" | "http", ..] => {
            Some("means nothing here yet: the log goes to standard output only")
        }
        ["resources", "registry", "enabled" | "path"] => Some("means nothing here yet: there is no registry"),
        ["resources", "metrics", "handlers", "carbon" | "file" | "stdout", ..] => {
            Some("means nothing here yet: figures leave the service at `/metrics` only")
        }
        ["resources", "profiler", ..] => Some("means nothing here: there is no such profiler"),
        _ => None,
    }
}

/// Sections that older frameworks' files have and a service need not declare.
pub(crate) fn is_legacy_section(path: &KeyPath) -> bool {
    let steps: Vec<&str> = path.steps().collect();
    matches!(
        steps.as_slice(),
        ["etcd_ready"] | ["resources", "registry" | "profiler" | "tamarco_http_report_server" | "memcached"]
    )
}
