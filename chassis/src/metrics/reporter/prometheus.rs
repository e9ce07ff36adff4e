//! The text formats of Prometheus and OpenMetrics.
//!
//! Pure text: the same snapshot always gives the same lines.

use std::fmt::{self, Write};

use super::Reporter;
use crate::metrics::snapshot::{Kind, MeterSnapshot, Sample, Snapshot};

/// Which of the two formats.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Format {
    /// Prometheus text, version 0.0.4.
    #[default]
    Text,
    /// OpenMetrics 1.0.
    OpenMetrics,
}

impl Format {
    /// The format that an `Accept` header asks for; text, unless it names OpenMetrics.
    pub fn accepted(accept: &str) -> Self {
        let wants_open_metrics = accept.split(',').any(|range| {
            let mut parts = range.split(';').map(str::trim);
            let is_named = parts.next().is_some_and(|media| media.eq_ignore_ascii_case("application/openmetrics-text"));
            is_named && !parts.any(|part| matches!(part, "q=0" | "q=0.0" | "version=0.0.1"))
        });
        if wants_open_metrics { Format::OpenMetrics } else { Format::Text }
    }
}

impl Reporter for Format {
    fn content_type(&self) -> &'static str {
        match self {
            Format::Text => "text/plain; version=0.0.4; charset=utf-8",
            Format::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }

    fn report(&self, snapshot: &Snapshot, out: &mut String) {
        for meter in snapshot.meters.iter().filter(|meter| !meter.series.is_empty()) {
            // Writing into memory cannot fail.
            let _ = write_meter(*self, meter, out);
        }
        if *self == Format::OpenMetrics {
            out.push_str("# EOF\n");
        }
    }
}

fn write_meter(format: Format, meter: &MeterSnapshot, out: &mut String) -> fmt::Result {
    let MeterSnapshot { name, help, unit, kind, series } = meter;
    // The text format names a counter as its line is named, OpenMetrics without the suffix.
    let suffix = if format == Format::Text && *kind == Kind::Counter { "_total" } else { "" };
    write!(out, "# HELP {name}{suffix} ")?;
    escape(help, format == Format::OpenMetrics, out);
    writeln!(out, "\n# TYPE {name}{suffix} {}", kind.as_str())?;
    if let (Format::OpenMetrics, Some(unit)) = (format, unit) {
        writeln!(out, "# UNIT {name} {unit}")?;
    }
    for series in series {
        let mut result = Ok(());
        series.samples(|sample| result = result.and_then(|()| write_sample(format, name, &sample, out)));
        result?;
    }
    Ok(())
}

fn write_sample(format: Format, name: &str, sample: &Sample<'_>, out: &mut String) -> fmt::Result {
    out.push_str(name);
    out.push_str(sample.suffix);
    if !sample.labels.is_empty() || sample.extra.is_some() {
        let mut separator = '{';
        for (label, value) in sample.labels.iter() {
            out.push(separator);
            out.push_str(label);
            out.push_str("=\"");
            escape(value, true, out);
            out.push('"');
            separator = ',';
        }
        if let Some((label, number)) = sample.extra {
            write!(out, "{separator}{label}=\"")?;
            write_number(number, format == Format::OpenMetrics, out)?;
            out.push('"');
        }
        out.push('}');
    }
    out.push(' ');
    write_number(sample.value, false, out)?;
    out.push('\n');
    Ok(())
}

fn write_number(number: f64, always_with_point: bool, out: &mut String) -> fmt::Result {
    if number.is_nan() {
        out.push_str("NaN");
    } else if number.is_infinite() {
        out.push_str(if number > 0.0 { "+Inf" } else { "-Inf" });
    } else if always_with_point {
        write!(out, "{number:?}")?;
    } else {
        write!(out, "{number}")?;
    }
    Ok(())
}

fn escape(text: &str, and_quotes: bool, out: &mut String) {
    for char in text.chars() {
        match char {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '"' if and_quotes => out.push_str("\\\""),
            char => out.push(char),
        }
    }
}
