//! What one canonical line of ten fields costs, beside the same line through `tracing-subscriber`'s JSON layer.
//!
//! `cargo bench -p chassis --bench canonical` prints nanoseconds of the logging thread and allocations per line: the median of several
//! rounds, with the fastest and the slowest. Lines go to `/dev/null` on both sides.
#![allow(unsafe_code, reason = "an allocator that counts can only be written so")]

use std::{
    alloc::{GlobalAlloc, Layout, System},
    fs::{File, OpenOptions},
    hint::black_box,
    net::IpAddr,
    os::fd::AsFd,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Waker},
    time::Duration,
};

use chassis::{
    logging::{FieldName, Line, LogFormat, LoggingSettings, Logs, Value},
    scope::Scope,
    unit::{Ids, Kind, Unit},
};
use tracing::Level;

struct Counting;

static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);

#[global_allocator]
static ALLOCATOR: Counting = Counting;

// SAFETY: everything is handed on to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        unsafe { System.realloc(pointer, layout, size) }
    }
}

const ROUNDS: usize = 31;
/// Few enough that a round fits the queue, whatever the writer does meanwhile.
const LINES: u32 = 20_000;

fn main() {
    let report = Report::of_stdout();
    let logs = Logs::provisional("orders");
    let scope = Scope::new("orders", logs.clone());
    for (name, format) in [("json", LogFormat::Json), ("logfmt", LogFormat::Logfmt), ("text", LogFormat::Text)] {
        logs.configure(&LoggingSettings { format, ..LoggingSettings::default() });
        let ids = Ids::new();
        report.measure(&format!("canonical line, {name}"), || canonical(&logs, &ids), || drained(&logs));
    }
    logs.configure(&LoggingSettings { format: LogFormat::Json, ..LoggingSettings::default() });
    report.measure("disabled line", || disabled(&logs), || {});
    report.measure("unit of work that says nothing", || unit(&scope), || {});

    // Before the router is installed, so that a dispatcher of one's own decides what this thread's events become.
    let subscriber =
        tracing_subscriber::fmt().json().flatten_event(true).with_writer(Mutex::new(report.null())).finish();
    tracing::subscriber::with_default(subscriber, || {
        report.measure("tracing-subscriber, JSON, a write per line", event, || {});
    });

    chassis::process::install();
    let _entered = scope.enter();
    report.measure("tracing event through the router", event, || drained(&logs));
    report.measure("tracing event, disabled", || tracing::debug!(status = 200, "RESPONSE"), || {});
    assert_eq!(logs.dropped(), 0, "what is dropped costs less than what is written");
}

fn canonical(logs: &Logs, ids: &Ids) {
    logs.line(&Line {
        level: Level::INFO,
        target: "chassis::request",
        message: "RESPONSE",
        unit: Some(ids),
        fields: &[
            (const { &FieldName::new("method") }, Value::Str(black_box("GET"))),
            (const { &FieldName::new("uri") }, Value::Str(black_box("/orders/7f9c24e8?expand=lines"))),
            (const { &FieldName::new("route") }, Value::Str(black_box("/orders/{id}"))),
            (const { &FieldName::new("ip") }, Value::Ip(black_box(IpAddr::from([192, 168, 17, 203])))),
            (const { &FieldName::new("status") }, Value::U64(black_box(200))),
            (const { &FieldName::new("time_ms") }, Value::Millis(black_box(Duration::from_micros(1_234)))),
            (const { &FieldName::new("bytes_in") }, Value::U64(black_box(0))),
            (const { &FieldName::new("bytes_out") }, Value::U64(black_box(5_120))),
            (const { &FieldName::new("outcome") }, Value::Str(black_box("ok"))),
            (const { &FieldName::new("protocol") }, Value::Str(black_box("HTTP/1.1"))),
        ],
    });
}

fn event() {
    tracing::info!(
        target: "chassis::request",
        service_name = black_box("orders"),
        deploy_name = black_box("local"),
        req_id = black_box("3f2a9d5c7b1e4a60897c5d4e3f2a1b0c"),
        trace_id = black_box("0af7651916cd43dd8448eb211c80319c"),
        method = black_box("GET"),
        uri = black_box("/orders/7f9c24e8?expand=lines"),
        route = black_box("/orders/{id}"),
        ip = black_box("192.168.17.203"),
        status = black_box(200),
        time_ms = black_box(1.234),
        bytes_in = black_box(0),
        bytes_out = black_box(5_120),
        outcome = black_box("ok"),
        protocol = black_box("HTTP/1.1"),
        "RESPONSE"
    );
}

fn disabled(logs: &Logs) {
    let fields = &[(const { &FieldName::new("status") }, Value::U64(black_box(200)))];
    logs.line(&Line { level: Level::DEBUG, target: "chassis::request", message: "REQUEST", unit: None, fields });
}

/// The processor's time of this thread alone: what the writer and other programs do meanwhile does not count.
fn thread_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), time.tv_nsec as u32)
}

/// A timer tick: its line is off.
fn unit(scope: &Arc<Scope>) {
    let unit = Unit::new(Kind::Tick).in_scope(scope).name("reap");
    let mut work = std::pin::pin!(unit.run(async { Ok(black_box(1_u8)) }));
    let mut cx = Context::from_waker(Waker::noop());
    assert!(work.as_mut().poll(&mut cx).is_ready());
}

/// The writer keeps up between rounds, so that a round measures lines that are taken.
fn drained(logs: &Logs) {
    assert!(logs.flush(Duration::from_secs(60)), "the log is not written");
}

/// Where the figures go, while standard output goes to `/dev/null`.
struct Report {
    out: Mutex<File>,
}

impl Report {
    fn of_stdout() -> Self {
        let ours = std::io::stdout().as_fd().try_clone_to_owned().map(File::from);
        let report = Self { out: Mutex::new(ours.unwrap_or_else(|error| panic!("no standard output: {error}"))) };
        if let Err(error) = rustix::stdio::dup2_stdout(report.null()) {
            panic!("cannot redirect standard output: {error}");
        }
        report
    }

    fn null(&self) -> File {
        OpenOptions::new().write(true).open("/dev/null").unwrap_or_else(|error| panic!("/dev/null: {error}"))
    }

    fn measure(&self, name: &str, mut line: impl FnMut(), mut between: impl FnMut()) {
        use std::io::Write;
        // `cargo bench … -- json` measures what has the word in its name.
        let wanted = std::env::args().skip(1).find(|argument| !argument.starts_with('-'));
        if wanted.is_some_and(|wanted| !name.contains(&wanted)) {
            return;
        }
        let mut rounds: Vec<(f64, f64)> = (0..=ROUNDS)
            .map(|_| {
                let (allocations, start) = (ALLOCATIONS.load(Ordering::Relaxed), thread_time());
                for _ in 0..LINES {
                    line();
                }
                let took = thread_time() - start;
                let allocated = ALLOCATIONS.load(Ordering::Relaxed) - allocations;
                between();
                (took.as_nanos() as f64 / f64::from(LINES), allocated as f64 / f64::from(LINES))
            })
            .skip(1)
            .collect();
        rounds.sort_by(|one, other| one.0.total_cmp(&other.0));
        let (fastest, median, slowest) = (rounds[0].0, rounds[ROUNDS / 2].0, rounds[ROUNDS - 1].0);
        let allocations = rounds.iter().map(|round| round.1).fold(0.0, f64::max);
        let mut out = self.out.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let _ = writeln!(
            out,
            "{name:<45} {median:>7.0} ns/line ({fastest:.0} to {slowest:.0}) {allocations:>7.3} allocations/line"
        );
    }
}
