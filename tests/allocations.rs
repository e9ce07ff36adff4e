//! What happens for every request allocates nothing: counted by an allocator, so in a program of its own.
//!
//! What is logged goes to standard output, so each such test runs in a process whose output nobody wants to see.
#![allow(unsafe_code, reason = "an allocator that counts can only be written so")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
    future::Future,
    hint::black_box,
    net::IpAddr,
    sync::Arc,
    task::{Context, Waker},
    time::Duration,
};

use chassis::{
    logging::{FieldName, Line, LogFormat, LoggingSettings, Logs, Value},
    process,
    scope::Scope,
    unit::{Ids, Kind, Unit},
};
use chassis_tests::alone;
use tracing::Level;

struct Counting;

thread_local! {
    /// Of this thread alone: what the test harness and the writer of the log do is theirs.
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn count() {
    let _ = ALLOCATIONS.try_with(|allocations| allocations.set(allocations.get() + 1));
}

// SAFETY: everything is handed on to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller keeps the promises of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps the promises of `dealloc`.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        // SAFETY: the caller keeps the promises of `realloc`.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

/// How many allocations a thousand calls make, once everything is warm.
fn allocations(logs: &Logs, mut f: impl FnMut()) -> u64 {
    // The buffers of the queue grow to what a thousand lines need, and once more where the writer had to wait for its
    // turn on a busy machine: what every call needed would be there in every round.
    let rounds = (0..10).map(|_| {
        let before = ALLOCATIONS.get();
        (0..1_000).for_each(|_| f());
        let made = ALLOCATIONS.get() - before;
        assert!(logs.flush(Duration::from_secs(20)));
        made
    });
    rounds.min().unwrap_or(u64::MAX)
}

fn line(logs: &Logs, ids: &Ids) {
    logs.line(&Line {
        level: Level::INFO,
        target: "chassis::request",
        message: "RESPONSE",
        unit: Some(ids),
        fields: &[
            (const { &FieldName::new("method") }, Value::Str(black_box("GET"))),
            (const { &FieldName::new("uri") }, Value::Str(black_box("/orders/7?name=Gr\u{f6}\u{df}e&q=\"\n"))),
            (const { &FieldName::new("ip") }, Value::Ip(IpAddr::from([192, 168, 17, 203]))),
            (const { &FieldName::new("status") }, Value::U64(200)),
            (const { &FieldName::new("ratio") }, Value::F64(0.5)),
            (const { &FieldName::new("time_ms") }, Value::Millis(Duration::from_micros(1_234))),
            (const { &FieldName::new("error") }, Value::Display(&format_args!("{} of {}", 1, 2))),
        ],
    });
}

#[test]
fn a_line_allocates_nothing_in_any_format() {
    alone(every_format);
}

fn every_format() {
    let logs = Logs::provisional("orders");
    let ids = Ids::new();
    for format in [LogFormat::Json, LogFormat::Logfmt, LogFormat::Text] {
        logs.configure(&LoggingSettings { format, ..LoggingSettings::default() });
        assert_eq!(allocations(&logs, || line(&logs, &ids)), 0, "{format:?}");
    }
}

#[test]
fn an_event_of_either_front_end_allocates_nothing() {
    alone(both_front_ends);
}

fn both_front_ends() {
    process::install();
    let logs = Logs::provisional("orders");
    let scope = Scope::new("orders", logs.clone());
    let ids = Arc::new(Ids::new());
    let (_scope, _ids) = (scope.enter(), ids.enter());
    let say = || {
        tracing::info!(status = 200, name = %black_box("x"), "an event of {} kind", "one");
        log::info!("an event of {} kind", "another");
    };
    assert_eq!(allocations(&logs, say), 0);
}

#[test]
fn a_mark_and_a_unit_that_says_nothing_allocate_nothing() {
    let logs = Logs::captured_for("orders");
    let scope = Scope::new("orders", logs.clone());
    let mut cx = Context::from_waker(Waker::noop());
    let marks = || {
        let mut marked = std::pin::pin!(scope.wrap(async { black_box(1) }));
        assert!(marked.as_mut().poll(&mut cx).is_ready());
    };
    assert_eq!(allocations(&logs, marks), 0);

    let mut cx = Context::from_waker(Waker::noop());
    let ticks = || {
        let unit = Unit::new(Kind::Tick).in_scope(&scope).name("reap");
        let mut tick = std::pin::pin!(unit.run(async { Ok(()) }));
        assert!(tick.as_mut().poll(&mut cx).is_ready());
    };
    assert_eq!(allocations(&logs, ticks), 0);
}
