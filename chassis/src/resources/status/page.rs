//! The page at `/`, for people: everything at a glance, in one file without scripts.

use std::{fmt::Write, time::SystemTime};

use super::report;
use crate::{
    HealthStatus, State,
    diagram::escape_markup as escape,
    lifecycle::Event,
    logging::timestamp,
    service::{ResourceView, Service},
    tasks::{TaskRow, TaskState},
};

/// How many of the latest events are shown; `/events` has more.
const EVENTS: usize = 50;

const STYLE: &str = "body{font:15px/1.5 system-ui,sans-serif;margin:0 auto;max-width:72rem;padding:1rem;color:#1f2328;background:#fff}\
h1{margin:0}h1 small{font-weight:400;color:#57606a}h2{margin:2rem 0 .5rem;font-size:1.15rem}\
table{border-collapse:collapse;width:100%}th,td{text-align:left;vertical-align:top;padding:.25rem .75rem .25rem 0;border-bottom:1px solid #d8dee4}\
th{color:#57606a;font-weight:600}td.n{text-align:right;font-variant-numeric:tabular-nums}code,time{font-family:ui-monospace,monospace;font-size:.9em}\
.pass,.fail,.warn,.idle{border-radius:.6rem;padding:.05rem .5rem;white-space:nowrap}\
.pass{background:#d2f4d9;color:#116329}.fail{background:#ffd8d3;color:#a40e26}.warn{background:#fff3c4;color:#7d4e00}.idle{background:#e7ebef;color:#57606a}\
.scroll{overflow-x:auto}.quiet{color:#57606a}nav a{margin-right:1rem}pre{margin:0;white-space:pre-wrap}";

/// What can be followed from the page; what needs a token from elsewhere is among it.
const LINKS: [(&str, &str); 12] = [
    ("/status", "states"),
    ("/resources", "resources"),
    ("/tasks", "tasks"),
    ("/events", "events"),
    ("/metrics", "metrics"),
    ("/settings", "settings"),
    ("/loggers", "log levels"),
    ("/info", "build"),
    ("/readyz", "readiness"),
    ("/livez", "liveness"),
    ("/startupz", "startup"),
    ("/graph.svg", "graph"),
];

/// The page as of now; `refresh` is after how many seconds the browser is to ask again.
pub(super) fn page(service: &Service, refresh: Option<u32>) -> String {
    let name = escape(service.name());
    let progress = report::progress(service);
    let refresh = refresh.map(|seconds| format!("<meta http-equiv=\"refresh\" content=\"{seconds}\">"));
    let mut out = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n{}<title>{name}: {progress}</title>\n\
         <style>{STYLE}</style>\n</head>\n<body>\n",
        refresh.unwrap_or_default()
    );
    header(service, &mut out);
    let resources = service.resources();
    let _ = write!(out, "<h2>Resources</h2>\n<div class=\"scroll\">{}</div>\n", service.diagram().to_svg());
    resource_table(&resources, &mut out);
    task_table(service, &mut out);
    event_table(service, &mut out);
    out.push_str("<h2>More</h2>\n<nav>");
    for (path, text) in LINKS {
        let _ = write!(out, "<a href=\"{path}\">{text}</a> ");
    }
    let _ = writeln!(
        out,
        "<a href=\"/?refresh=5\">refresh every 5 s</a></nav>\n<p class=\"quiet\">As of {}.</p>\n</body>\n</html>",
        time(SystemTime::now())
    );
    out
}

fn header(service: &Service, out: &mut String) {
    let readiness = service.readiness();
    let ready = match readiness.status() {
        HealthStatus::Pass => "ready".to_owned(),
        HealthStatus::Warn => format!("ready, but {}", readiness.output().unwrap_or_default()),
        HealthStatus::Fail => format!("not ready: {}", readiness.output().unwrap_or_default()),
    };
    // Writing into memory cannot fail, here and below.
    let _ = writeln!(
        out,
        "<h1>{} <small>{}</small></h1>\n<p>{}</p>\n<p><span class=\"{}\">{}</span> {}</p>\n\
         <p class=\"quiet\">deployment <code>{}</code>, instance <code>{}</code>, up {} since {}</p>",
        escape(service.name()),
        escape(service.version()),
        escape(service.about()),
        readiness.status().as_str(),
        report::progress(service),
        escape(&ready),
        escape(service.deploy_name()),
        escape(service.instance()),
        span(service.uptime().as_secs()),
        time(service.started()),
    );
}

fn resource_table(resources: &[ResourceView], out: &mut String) {
    table(&["name", "state", "since", "health", "restarts", "after", "about"], out);
    for resource in resources {
        let ResourceView { name, about, state, since, health, is_critical, restarts, last_error, after, .. } = resource;
        let class = match state {
            State::Started => "pass",
            State::Failed => "fail",
            State::Connecting => "warn",
            State::NotStarted | State::Stopping | State::Stopped => "idle",
        };
        let critical = if *is_critical { " <span class=\"quiet\">critical</span>" } else { "" };
        let _ = write!(
            out,
            "<tr><td>{}{critical}</td><td><span class=\"{class}\">{state}</span></td><td>{}</td>\
             <td><span class=\"{}\">{}</span> {}</td><td class=\"n\">{restarts}</td><td>{}</td><td>{}",
            escape(name),
            time(*since),
            health.status().as_str(),
            health.status().as_str(),
            escape(health.output().unwrap_or_default()),
            escape(&after.join(", ")),
            escape(about),
        );
        if let Some(error) = last_error {
            let _ = write!(out, "<pre>last error: {}</pre>", escape(error));
        }
        out.push_str("</td></tr>\n");
    }
    out.push_str("</table></div>\n");
}

fn task_table(service: &Service, out: &mut String) {
    let tasks = service.tasks();
    if tasks.is_empty() {
        return;
    }
    out.push_str("<h2>Tasks</h2>\n");
    table(&["name", "kind", "state", "runs", "failures", "restarts", "skipped", "last", "next", "last error"], out);
    for (name, row) in tasks {
        let TaskRow { kind, state, runs, failures, restarts, skipped, last, next, last_error, leader: _ } = row;
        let class = match state {
            TaskState::Running | TaskState::Done => "pass",
            TaskState::Failed => "fail",
            TaskState::Restarting => "warn",
            TaskState::Waiting | TaskState::Stopped | TaskState::Standby => "idle",
        };
        let _ = writeln!(
            out,
            "<tr><td>{}</td><td>{kind}</td><td><span class=\"{class}\">{}</span></td><td class=\"n\">{runs}</td>\
             <td class=\"n\">{failures}</td><td class=\"n\">{restarts}</td><td class=\"n\">{skipped}</td><td>{}</td>\
             <td>{}</td><td>{}</td></tr>",
            escape(name),
            state.as_str(),
            last.map(time).unwrap_or_default(),
            next.map(time).unwrap_or_default(),
            escape(last_error.as_deref().unwrap_or_default()),
        );
    }
    out.push_str("</table></div>\n");
}

fn event_table(service: &Service, out: &mut String) {
    out.push_str("<h2>Latest events</h2>\n");
    table(&["time", "event", "what"], out);
    for event in service.events().iter().rev().take(EVENTS) {
        let Event { at, kind, .. } = event.as_ref();
        let class = if kind.is_failure() { "fail" } else { "idle" };
        let _ = writeln!(
            out,
            "<tr><td>{}</td><td><span class=\"{class}\">{}</span></td><td>{}</td></tr>",
            time(*at),
            kind.as_str(),
            escape(&kind.to_string())
        );
    }
    out.push_str("</table></div>\n");
}

fn table(columns: &[&str], out: &mut String) {
    out.push_str("<div class=\"scroll\"><table>\n<tr>");
    for column in columns {
        let _ = write!(out, "<th>{column}</th>");
    }
    out.push_str("</tr>\n");
}

fn time(time: SystemTime) -> String {
    let full = timestamp(time);
    // To the second; the rest is for those who point at it.
    let short = full.get(..19).unwrap_or(&full).replace('T', " ");
    format!("<time datetime=\"{full}\" title=\"{full}\">{short}</time>")
}

fn span(seconds: u64) -> String {
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, _) => format!("{minutes} min {} s", seconds % 60),
        (0, _, _) => format!("{hours} h {minutes} min"),
        _ => format!("{days} d {hours} h"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_have_two_units() {
        let spans = [7, 67, 3667, 90_000].map(span);
        assert_eq!(spans, ["7 s", "1 min 7 s", "1 h 1 min", "1 d 1 h"]);
    }

    #[test]
    fn times_are_short_and_exact_behind() {
        let shown = time(std::time::UNIX_EPOCH);
        assert!(shown.contains("title=\"1970-01-01T00:00:00.000000Z\">1970-01-01 00:00:00<"), "{shown}");
    }
}
