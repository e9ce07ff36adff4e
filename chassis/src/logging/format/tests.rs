//! Golden lines, and what must hold whatever a field contains.
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::{
    collections::BTreeMap,
    fmt,
    net::IpAddr,
    time::{Duration, UNIX_EPOCH},
};

use tracing_core::Level;

use super::Format;
use crate::{
    logging::{
        FieldName, Line, Value,
        record::{Fields, Origin, Record, Said},
        timestamp::Timestamp,
    },
    unit::{Ids, RequestId, TraceContext},
};

const TRACE: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

/// A line as a front end says it: with names of anybody's choice.
struct Visited<'a> {
    level: Level,
    target: &'a str,
    message: &'a str,
    unit: Option<&'a Ids>,
    fields: &'a [(&'static str, Value<'a>)],
}

impl Fields for Visited<'_> {
    fn message(&self, give: &mut dyn FnMut(Value<'_>)) {
        give(Value::Str(self.message));
    }

    fn each(&self, give: &mut dyn FnMut(&str, Value<'_>)) {
        self.fields.iter().for_each(|(name, value)| give(name, *value));
    }
}

fn written(format: Format, line: &Visited<'_>, place: Option<(&str, u32)>) -> String {
    write(format, line, place, Said::Visited(line))
}

/// The same said by our own code, whose names are known to be fit.
fn written_directly(format: Format, line: &Visited<'_>) -> String {
    let Visited { level, target, message, unit, fields } = *line;
    let names: Vec<_> = fields.iter().map(|(name, _)| FieldName::new(name)).collect();
    let fields: Vec<_> = names.iter().zip(fields).map(|(name, (_, value))| (name, *value)).collect();
    let said = Line { level, target, message, unit, fields: &fields };
    write(format, line, None, Said::Directly(&said))
}

fn write(format: Format, line: &Visited<'_>, place: Option<(&str, u32)>, said: Said<'_>) -> String {
    let origin = Origin::new("orders", "blue");
    let time = Timestamp::of(UNIX_EPOCH + Duration::from_micros(1_795_166_887_654_321));
    let Visited { level, target, unit, .. } = *line;
    let mut buf = Vec::new();
    format.write(&mut buf, &Record { time, level, target, place, origin: &origin, unit, said });
    String::from_utf8(buf).unwrap()
}

fn ids() -> Ids {
    Ids::from_caller(RequestId::parse("r-1"), TraceContext::parse(TRACE)).with("job_id", "7 a")
}

fn request<'a>(unit: &'a Ids, fields: &'a [(&'static str, Value<'a>)]) -> Visited<'a> {
    Visited { level: Level::INFO, target: "chassis::request", message: "RESPONSE", unit: Some(unit), fields }
}

const FIELDS: &[(&str, Value<'_>)] = &[
    ("method", Value::Str("GET")),
    ("uri", Value::Str("/orders/7?q=\"x\"")),
    ("status", Value::U64(200)),
    ("time_ms", Value::Millis(Duration::from_micros(1_234))),
    ("delta", Value::I64(-3)),
    ("ratio", Value::F64(0.5)),
    ("nan", Value::F64(f64::NAN)),
    ("cached", Value::Bool(false)),
    ("level", Value::Str("mine")),
];

#[test]
fn a_line_of_json() {
    let line = written(Format::Json, &request(&ids(), FIELDS), Some(("src/main.rs", 7)));
    let expected = concat!(
        r#"{"time":"2026-11-20T09:28:07.654321Z","level":"INFO","target":"chassis::request","message":"RESPONSE","#,
        r#""service_name":"orders","deploy_name":"blue","req_id":"r-1","trace_id":"0af7651916cd43dd8448eb211c80319c","#,
        r#""job_id":"7 a","method":"GET","uri":"/orders/7?q=\"x\"","status":200,"time_ms":1.234,"delta":-3,"#,
        r#""ratio":0.5,"nan":"NaN","cached":false,"field_level":"mine","file":"src/main.rs","line":7}"#,
        "\n"
    );
    assert_eq!(line, expected);
}

#[test]
fn a_line_of_logfmt() {
    let line = written(Format::Logfmt, &request(&ids(), FIELDS), Some(("src/main.rs", 7)));
    let expected = concat!(
        r#"time="2026-11-20T09:28:07.654321Z" level=INFO target="chassis::request" message=RESPONSE "#,
        r#"service_name=orders deploy_name=blue req_id=r-1 trace_id=0af7651916cd43dd8448eb211c80319c job_id="7 a" "#,
        r#"method=GET uri="/orders/7?q=\"x\"" status=200 time_ms=1.234 delta=-3 ratio=0.5 nan=NaN cached=false "#,
        r#"field_level=mine file=src/main.rs line=7"#,
        "\n"
    );
    assert_eq!(line, expected);
}

#[test]
fn a_line_of_text() {
    let line = written(Format::Text { color: false }, &request(&ids(), FIELDS), None);
    let expected = concat!(
        r#"2026-11-20T09:28:07.654321Z  INFO chassis::request: RESPONSE method=GET uri="/orders/7?q=\"x\"" status=200 "#,
        r#"time_ms=1.234 delta=-3 ratio=0.5 nan=NaN cached=false field_level=mine job_id="7 a" req_id=r-1 "#,
        "trace_id=0af7651916cd43dd8448eb211c80319c service_name=orders deploy_name=blue\n"
    );
    assert_eq!(line, expected);
}

#[test]
fn text_in_colour_says_the_same() {
    let unit = ids();
    let line = request(&unit, FIELDS);
    let colored = written(Format::Text { color: true }, &line, None);
    assert!(colored.contains("\x1b[32m INFO\x1b[0m"));
    let mut plain = colored;
    for code in ["\x1b[0m", "\x1b[2m", "\x1b[32m"] {
        plain = plain.replace(code, "");
    }
    assert_eq!(plain, written(Format::Text { color: false }, &line, None));
}

#[test]
fn a_line_said_directly_reads_the_same() {
    let unit = ids();
    let line = request(&unit, &FIELDS[..FIELDS.len() - 1]);
    for format in [Format::Json, Format::Logfmt, Format::Text { color: false }] {
        assert_eq!(written_directly(format, &line), written(format, &line, None));
    }
}

#[test]
fn json_and_logfmt_have_the_same_keys() {
    let unit = ids();
    let line = request(&unit, FIELDS);
    let json: BTreeMap<String, serde_json::Value> =
        serde_json::from_str(&written(Format::Json, &line, Some(("a.rs", 1)))).unwrap();
    let logfmt: BTreeMap<String, String> =
        pairs(&written(Format::Logfmt, &line, Some(("a.rs", 1)))).into_iter().collect();
    assert!(json.keys().eq(logfmt.keys()), "{json:?}\n{logfmt:?}");
}

#[test]
fn a_display_is_quoted_in_logfmt_only_where_needed() {
    let fields = [
        ("plain", Value::Display(&"abc")),
        ("spaced", Value::Display(&"a b")),
        ("empty", Value::Display(&"")),
        ("none", Value::Str("")),
        ("ip", Value::Ip(IpAddr::from([10, 0, 0, 1]))),
        ("ip6", Value::Ip("::1".parse().unwrap())),
        ("debug", Value::Debug(&Some("x"))),
        ("odd key=", Value::Bool(true)),
    ];
    let line = Visited { level: Level::WARN, target: "t", message: "m", unit: None, fields: &fields };
    let line = written(Format::Logfmt, &line, None);
    let tail = line.split_once("deploy_name=blue ").unwrap().1;
    assert_eq!(
        tail,
        "plain=abc spaced=\"a b\" empty=\"\" none=\"\" ip=10.0.0.1 ip6=\"::1\" debug=\"Some(\\\"x\\\")\" odd_key_=true\n"
    );
}

#[test]
fn whatever_a_field_contains_it_is_read_back_and_stays_on_its_line() {
    let mut random = fastrand::Rng::with_seed(7);
    for _ in 0..2_000 {
        let (first, second, name) = (nasty(&mut random), nasty(&mut random), nasty(&mut random));
        let fields = [("first", Value::Str(&first)), ("second", Value::Display(&InPieces(&second)))];
        let line = Visited { level: Level::ERROR, target: &name, message: &second, unit: None, fields: &fields };

        let json = written(Format::Json, &line, None);
        is_one_clean_line(&json);
        assert_eq!(written_directly(Format::Json, &line), json);
        let object: serde_json::Value = serde_json::from_str(&json).unwrap();
        for (key, expected) in [("first", &first), ("second", &second), ("message", &second), ("target", &name)] {
            assert_eq!(object[key].as_str(), Some(expected.as_str()), "{key} of {json}");
        }

        let logfmt = written(Format::Logfmt, &line, None);
        is_one_clean_line(&logfmt);
        assert_eq!(written_directly(Format::Logfmt, &line), logfmt);
        let read: BTreeMap<String, String> = pairs(&logfmt).into_iter().collect();
        assert_eq!(read.len(), 8, "{logfmt}");
        for (key, expected) in [("first", &first), ("second", &second), ("message", &second), ("target", &name)] {
            assert_eq!(read.get(key), Some(expected), "{key} of {logfmt}");
        }

        is_one_clean_line(&written(Format::Text { color: false }, &line, None));
    }
}

#[test]
fn numbers_of_any_size_are_json() {
    let mut random = fastrand::Rng::with_seed(11);
    for _ in 0..2_000 {
        let (bits, number) = (f64::from_bits(random.u64(..)), random.u64(..));
        let fields = [("f", Value::F64(bits)), ("u", Value::U64(number)), ("i", Value::I64(number as i64))];
        let line = Visited { level: Level::INFO, target: "t", message: "m", unit: None, fields: &fields };
        let object: serde_json::Value = serde_json::from_str(&written(Format::Json, &line, None)).unwrap();
        assert_eq!(object["u"].as_u64(), Some(number));
        assert_eq!(object["i"].as_i64(), Some(number as i64));
        match object["f"].as_f64() {
            Some(read) => assert!((read - bits).abs() <= bits.abs() * 1e-15, "{bits:?} is read as {read:?}"),
            None => assert!(!bits.is_finite()),
        }
    }
}

/// Text made of what breaks lines, terminals, quotes and parsers.
fn nasty(random: &mut fastrand::Rng) -> String {
    const PIECES: [&str; 20] = [
        "a",
        "é",
        "日本",
        "🦀",
        " ",
        "=",
        "\"",
        "\\",
        "\n",
        "\r",
        "\t",
        "\0",
        "\x1b[2J",
        "\u{9b}31m",
        "\u{202e}",
        "\u{2028}",
        "\u{7f}",
        "}",
        "\u{fffd}",
        "\u{ffff}",
    ];
    (0..random.usize(0..12)).map(|_| PIECES[random.usize(..PIECES.len())]).collect()
}

/// Writes its characters one by one, as a `Display` may.
struct InPieces<'a>(&'a str);

impl fmt::Display for InPieces<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|character| write!(f, "{character}"))
    }
}

fn is_one_clean_line(line: &str) {
    let line = line.strip_suffix('\n').unwrap();
    let is_clean = |character: char| !character.is_control() && !matches!(character, '\u{2028}'..='\u{202e}');
    assert!(line.chars().all(is_clean), "{line:?}");
}

/// Reads logfmt as its users do: bare words, or JSON strings.
fn pairs(line: &str) -> Vec<(String, String)> {
    let mut pairs = Vec::new();
    let mut rest = line.trim_end_matches('\n');
    while !rest.is_empty() {
        let (key, value) = rest.split_once('=').unwrap();
        let (value, after) = if value.starts_with('"') {
            let mut values = serde_json::Deserializer::from_str(value).into_iter::<String>();
            let text = values.next().unwrap().unwrap();
            (text, &value[values.byte_offset()..])
        } else {
            let end = value.find(' ').unwrap_or(value.len());
            (value[..end].to_owned(), &value[end..])
        };
        pairs.push((key.trim_start().to_owned(), value));
        rest = after;
    }
    pairs
}
