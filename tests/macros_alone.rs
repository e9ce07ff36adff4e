//! Expansions need no name from around them: neither the prelude nor what the user calls his own things disturbs them.
#![deny(warnings, missing_docs, unreachable_pub, rust_2018_idioms, clippy::pedantic)]
#![no_implicit_prelude]
#![allow(dead_code, non_camel_case_types, reason = "what is here is here for its names")]

use ::chassis::{
    metrics::{Counter, Histogram, Labels, timed},
    microservice,
};

mod chassis {}
mod std {}
mod core {}
mod alloc {}
mod __private {}

struct Result;
struct Option;
struct Some;
struct None;
struct Ok;
struct Err;
struct Vec;
struct String;
struct Box;
struct Default;
struct Send;
struct Future;
struct Duration;
struct str;
struct bool;
struct usize;
struct Arc;
struct Context;
struct Shutdown;

fn blueprint() {}
fn service() {}
fn cx() {}
fn input() {}
fn answer() {}

#[derive(::core::default::Default)]
struct Store;

impl ::chassis::Resource for Store {
    type Settings = ();
}

struct Work(::std::string::String);

impl ::chassis::handler::Input for Work {
    type Outcome = ();
}

impl ::chassis::handler::Give<::std::string::String> for Work {
    async fn give(&mut self) -> ::core::result::Result<::std::string::String, ()> {
        ::core::result::Result::Ok(::core::mem::take(&mut self.0))
    }
}

impl ::chassis::handler::Settle<()> for Work {
    fn settle(self, (): ()) {}
}

impl Store {
    #[allow(clippy::unused_self)]
    fn on<H, F>(&self, (): (), _: H)
    where
        H: ::core::ops::Fn(Work) -> F,
        F: ::core::future::Future<Output = ()>,
    {
    }
}

/// Settings of every form.
#[derive(::chassis::settings::SettingsSchema)]
pub(crate) struct Form {
    /// How many.
    #[setting(default = 20, range = 1..=10_000_000_000, alias = "many", live)]
    count: u64,
    #[setting(default = "1s", unit = "ms", min = "1ms")]
    wait: ::core::time::Duration,
    #[setting(default)]
    list: ::std::vec::Vec<::std::string::String>,
    #[setting(serde, default = (1, 2))]
    foreign: (u8, u8),
    kind: ::core::option::Option<Kind>,
    nested: Nested,
    key: ::chassis::settings::Secret<::std::string::String>,
    #[setting(skip)]
    r#type: u8,
}

#[derive(::chassis::settings::SettingsSchema)]
#[settings(default, check = Nested::check)]
pub(crate) struct Nested {
    form: u8,
}

impl Nested {
    fn check(&self) -> ::core::result::Result<(), ::std::string::String> {
        if self.form == 0 {
            return ::core::result::Result::Err(::std::string::String::new());
        }
        ::core::result::Result::Ok(())
    }
}

impl ::core::default::Default for Nested {
    fn default() -> Self {
        Self { form: 1 }
    }
}

#[derive(Clone, Copy, ::chassis::settings::SettingsSchema)]
#[settings(crate = ::chassis)]
pub(crate) enum Kind {
    /// At once.
    Eager,
    #[setting(alias = "slow")]
    Lazy,
}

/// A service that lists one of everything.
#[microservice(parts = [more])]
pub(crate) struct Everything {
    /// Where everything is.
    #[resource]
    store: Store,
    #[resource(after = [store], critical)]
    #[init(Store)]
    other: Store,
    #[resource]
    http: ::chassis::HttpServer,
    #[setting(default = 20)]
    page_size: u32,
    /// What was handled.
    #[meter(name = "handled", max_series = 10)]
    counted: Counter<ByName<'static>>,
    /// How long.
    #[meter(unit = "seconds", buckets = [0.1, 1.0], quantiles = [0.5], window = "1m")]
    took: Histogram,
    seen: u32,
}

#[derive(Labels)]
struct ByName<'a> {
    name: &'a ::core::primitive::str,
    values: Size,
    r#type: Newtype,
}

#[derive(Labels)]
enum Size {
    Small,
    #[label(rename = "L")]
    Large,
}

#[derive(Labels)]
struct Newtype(::core::primitive::u8);

impl Everything {
    #[timed(took)]
    async fn observer(&self, timing: ::core::primitive::u8) -> ::core::primitive::u8 {
        self.counted.with(&ByName { name: "x", values: Size::Small, r#type: Newtype(timing) }).inc();
        timing
    }

    #[timed(<Histogram as ::core::default::Default>::default())]
    fn observe() -> ::core::result::Result<(), ::std::io::Error> {
        use ::core::result::Result::{Err, Ok};
        Err(::std::io::ErrorKind::Other)?;
        Ok(())
    }
}

#[microservice]
impl Everything {
    #[task(restart = "always", on_give_up = "stop")]
    async fn work(&self, stop: ::chassis::Shutdown) -> ::core::result::Result<(), ::std::io::Error> {
        stop.wait().await;
        ::core::result::Result::Ok(())
    }

    #[task_timer(interval = "1.5s", one_shot, immediate, overlap = "skip", jitter = "10us")]
    async fn tick(&self) {}

    #[thread]
    fn crunch(&self, stop: ::chassis::Shutdown) {
        let _ = stop.is_triggered();
    }

    #[after(start, store)]
    async fn migrate(self: ::std::sync::Arc<Self>, context: ::chassis::Context) {
        context.stop_gracefully();
    }

    #[on(store, cx())]
    async fn handle(&self, service: ::std::string::String, blueprint: ::std::string::String, _: ::chassis::Context) {
        ::core::mem::drop((service, blueprint));
    }

    #[on(store, input())]
    async fn nothing(&self) {}
}

#[microservice(part = more)]
impl Everything {
    /// Says hello.
    #[get("/hello/{name}", timeout = "1s", body_limit = "1KiB", cache_by = ["accept-language"], tag = "hello")]
    async fn hello(&self, ::chassis::Path(name): ::chassis::Path<::std::string::String>) -> ::std::string::String {
        name
    }

    #[post("/hello", cancel_on_disconnect, status = 201, never_shed, quiet, deprecated)]
    async fn keep(
        &self,
        ::chassis::Path(request): ::chassis::Path<::std::string::String>,
        context: ::chassis::Context,
        ::chassis::Json(http): ::chassis::Json<u32>,
    ) -> ::core::result::Result<::chassis::Json<u32>, ::chassis::Problem> {
        ::core::mem::drop((request, context));
        ::core::result::Result::Ok(::chassis::Json(http))
    }

    #[any(http, "/opaque")]
    async fn opaque(&self) -> impl ::core::fmt::Debug + ::axum::response::IntoResponse {}

    #[thread]
    async fn slow(&self) {}
}

/// Everything in it is for another system.
#[microservice]
struct Elsewhere {
    #[cfg(windows)]
    #[setting]
    page_size: u32,
    #[cfg(windows)]
    #[resource]
    store: Store,
}

#[microservice]
impl Elsewhere {
    #[cfg(windows)]
    #[task]
    async fn work(&self) {}

    #[cfg(windows)]
    #[on(store, input())]
    async fn handle(&self, word: ::std::string::String, _: ::chassis::Context) {}
}
