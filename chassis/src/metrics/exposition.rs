//! Reads the text format of Prometheus, as its well-known writers write it.
//!
//! What cannot be understood is left out: it comes from libraries, and one bad line must not cost the rest.

use super::{
    name,
    snapshot::{Kind, LabelPairs, MeterSnapshot, SeriesSnapshot, Value},
};

const NO_HELP: &str = "Recorded by a library through the `metrics` crate.";

/// The meters of a text.
pub(super) fn parse(text: &str) -> Vec<MeterSnapshot> {
    let mut meters: Vec<MeterSnapshot> = Vec::new();
    let mut help: Option<(&str, String)> = None;
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            help = rest.split_once(' ').map(|(name, text)| (name, unescaped(text)));
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            let Some((full_name, kind)) = rest.split_once(' ').and_then(|(name, kind)| Some((name, kind_of(kind)?)))
            else {
                continue;
            };
            let text = help.take().filter(|(name, text)| *name == full_name && !text.is_empty());
            meters.push(MeterSnapshot {
                name: name::full_name("", full_name, None, kind).into(),
                help: text.map_or_else(|| NO_HELP.into(), |(_, text)| text.into()),
                unit: None,
                kind,
                series: Vec::new(),
            });
        } else if let (Some(meter), Some(sample)) = (meters.last_mut(), sample(line)) {
            add(meter, sample);
        }
    }
    meters
}

struct Line {
    name: String,
    labels: Vec<(String, String)>,
    value: f64,
}

fn kind_of(word: &str) -> Option<Kind> {
    [Kind::Counter, Kind::Gauge, Kind::Histogram, Kind::Summary].into_iter().find(|kind| kind.as_str() == word)
}

/// `name{label="value",…} number`.
fn sample(line: &str) -> Option<Line> {
    let end = line.find(['{', ' '])?;
    let name = line[..end].to_owned();
    let mut rest = &line[end..];
    let mut labels: Vec<(String, String)> = Vec::new();
    if let Some(inside) = rest.strip_prefix('{') {
        rest = inside;
        while !rest.starts_with('}') {
            let (label, after) = rest.trim_start_matches(',').split_once("=\"")?;
            let end = closing_quote(after)?;
            // Two names can become one when invalid characters are replaced; the first one stays.
            if !labels.iter().any(|(there, _)| there == label) {
                labels.push((label.to_owned(), unescaped(&after[..end])));
            }
            rest = &after[end + 1..];
        }
        rest = &rest[1..];
    }
    Some(Line { name, labels, value: rest.split_ascii_whitespace().next()?.parse().ok()? })
}

fn closing_quote(text: &str) -> Option<usize> {
    let mut is_escaped = false;
    text.bytes().position(|byte| {
        let closes = byte == b'"' && !is_escaped;
        is_escaped = byte == b'\\' && !is_escaped;
        closes
    })
}

fn unescaped(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(char) = chars.next() {
        match (char, if char == '\\' { chars.next() } else { None }) {
            ('\\', Some('n')) => plain.push('\n'),
            ('\\', Some(escaped)) => plain.push(escaped),
            (char, _) => plain.push(char),
        }
    }
    plain
}

/// Puts a line where it belongs: into its series, by its labels and its suffix.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "counts were written as whole numbers")]
fn add(meter: &mut MeterSnapshot, mut line: Line) {
    let suffix = line.name.strip_prefix(&*meter.name).unwrap_or_default();
    let extra = match meter.kind {
        Kind::Histogram => take(&mut line.labels, "le"),
        Kind::Summary => take(&mut line.labels, "quantile"),
        Kind::Counter | Kind::Gauge => None,
    };
    let (labels, number) = (line.labels, line.value);
    let existing = meter.series.iter().position(|series| *series.labels == *labels);
    let series = match existing {
        Some(place) => &mut meter.series[place],
        None => {
            let value = match meter.kind {
                Kind::Counter => Value::Counter(number),
                Kind::Gauge => Value::Gauge(number),
                Kind::Histogram => Value::Histogram { buckets: Vec::new(), sum: 0.0 },
                Kind::Summary => Value::Summary { quantiles: Vec::new(), sum: 0.0, count: 0 },
            };
            meter.series.push(SeriesSnapshot { labels: LabelPairs::from(labels), value });
            let Some(series) = meter.series.last_mut() else { return };
            series
        }
    };
    match (&mut series.value, suffix, extra) {
        (Value::Histogram { buckets, .. }, "_bucket", Some(bound)) => buckets.push((bound, number as u64)),
        (Value::Summary { quantiles, .. }, "", Some(quantile)) => quantiles.push((quantile, number)),
        (Value::Histogram { sum, .. } | Value::Summary { sum, .. }, "_sum", None) => *sum = number,
        (Value::Summary { count, .. }, "_count", None) => *count = number as u64,
        _ => {}
    }
}

fn take(labels: &mut Vec<(String, String)>, name: &str) -> Option<f64> {
    let place = labels.iter().position(|(label, _)| label == name)?;
    let (_, text) = labels.remove(place);
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::super::{Format, Snapshot, reporter::Reporter};
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        let text = "\
# HELP a_total An \\\\ odd\\nhelp.
# TYPE a_total counter
a_total 3
a_total{b=\"x\\\"y\\\\z\\n,}\"} 4
# HELP h H.
# TYPE h histogram
h_bucket{le=\"0.5\"} 1
h_bucket{le=\"+Inf\"} 2
h_sum 7.5
h_count 2
# HELP s S.
# TYPE s summary
s{quantile=\"0.5\"} NaN
s_sum 0
s_count 0
";
        let mut out = String::new();
        Format::Text.report(&Snapshot { meters: parse(text) }, &mut out);
        assert_eq!(out, text);
    }

    #[test]
    fn what_makes_no_sense_is_left_out() {
        let text = "x 1\n# TYPE\n# TYPE g gauge\ng{a=\"1\n}{ \ng{a=\"1\",a=\"2\"} nine\ng 1\n# TYPE u untyped\n";
        let meters = parse(text);
        assert_eq!(meters.len(), 1);
        assert_eq!(meters[0].series.len(), 1);
        assert_eq!(&*meters[0].help, NO_HELP);
    }
}
