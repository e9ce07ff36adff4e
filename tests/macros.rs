//! Every form of the macros expands to something that compiles.
#![allow(dead_code, clippy::unwrap_used, reason = "a test")]

use std::{
    collections::HashMap,
    pin::Pin,
    str::FromStr,
    sync::{Arc, Mutex},
    time::Duration,
};

use chassis::{
    Context, Resource, Shutdown,
    handler::{Give, Input, Settle},
    microservice,
    settings::Setting,
};
use chassis_tests::no_leaks;

#[derive(Clone, Default)]
struct Nothing;

impl Resource for Nothing {
    type Settings = ();
}

trait Database: Resource + Default {}
impl Database for Nothing {}

/// Prices orders and remembers them.
///
/// More.
#[microservice(name = "orders", parts = [jobs])]
struct Orders<D: Database = Nothing> {
    /// Where orders are.
    #[resource]
    db: D,
    #[resource(after = [db], critical)]
    broker: Nothing,
    /// How many.
    #[setting(default = 20_u32)]
    page_size: u32,
    cache: Mutex<HashMap<String, u32>>,
    #[init(7)]
    seven: u8,
    #[cfg(windows)]
    #[resource]
    never: Missing,
}

#[microservice]
impl<D: Database> Orders<D> {
    #[task(restart = "on-failure", on_give_up = "degrade")]
    async fn reconcile(&self, stop: Shutdown) -> chassis::Result<()> {
        stop.wait().await;
        Ok(())
    }

    #[task_timer(interval = "1s", overlap = "queue", jitter = 10)]
    async fn tick(&self, cx: Context) {
        cx.timer(Self::TICK).stop();
        cx.timer(Self::NIGHTLY).start();
    }

    #[thread]
    fn crunch(&self, _: Shutdown) {}

    #[thread]
    async fn slow(self: Arc<Self>) {}

    #[after(start, db)]
    async fn migrate(&self) -> chassis::Result<()> {
        Ok(())
    }

    #[before(stop)]
    #[after(post_stop)]
    async fn say_goodbye(&self) -> std::result::Result<(), std::io::Error> {
        Ok(())
    }

    #[cfg(windows)]
    #[task]
    async fn never(&self) {}
}

#[microservice(part = jobs)]
impl<D: Database> Orders<D> {
    #[task_timer(cron = "0 3 * * *", timezone = "Europe/Berlin", autostart = false)]
    async fn nightly(&self) {}
}

#[microservice]
struct Small;

mod vendored {
    pub(super) use chassis as runtime;
}

/// Where the crate is found, what it adds to the command line, and business keys in its settings.
#[microservice(crate = crate::macros::vendored::runtime, args = chassis::NoArgs, free_settings)]
struct Renamed {
    #[resource]
    nothing: Nothing,
}

#[microservice(crate = crate::macros::vendored::runtime)]
impl Renamed {
    #[task_timer(interval = "1s")]
    async fn tick(&self) {}
}

mod sharded {
    use chassis::prelude::*;

    use super::{Database, Nothing};

    #[microservice(parts = [routes])]
    pub(super) struct Sharded<D: Database = Nothing, const SHARDS: usize = 4>
    where
        D: Clone,
    {
        #[resource]
        db: D,
        #[setting(default = 20)]
        page_size: u32,
    }

    /// A part in a module of its own sees what is private to the struct's, and is seen there.
    mod routes {
        use chassis::prelude::*;

        use super::{Database, Sharded};

        #[microservice(part = routes)]
        impl<D: Database + Clone, const SHARDS: usize> Sharded<D, SHARDS> {
            #[after(start, db)]
            async fn count(&self) {
                assert_eq!(self.page_size as usize, SHARDS * 5);
            }
        }
    }
}

#[test]
fn a_part_in_another_module_is_part_of_the_service() {
    no_leaks(async {
        let running = <sharded::Sharded>::builder().start().await.unwrap();
        running.stop().await.unwrap();
    });
}

#[test]
fn a_service_may_be_local_to_a_function() {
    no_leaks(async {
        #[microservice]
        struct Local {
            #[init(Arc::new(Mutex::new(0)))]
            seen: Arc<Mutex<u32>>,
        }

        #[microservice]
        impl Local {
            #[before(stop)]
            async fn say_goodbye(&self) {
                *self.seen.lock().unwrap() += 1;
            }
        }

        let running = Local::builder().start().await.unwrap();
        let seen = Arc::clone(&running.service().seen);
        running.stop().await.unwrap();
        assert_eq!(*seen.lock().unwrap(), 1);
    });
}

/// A stranger's resource that calls methods with texts.
#[derive(Default)]
struct Words {
    handlers: Mutex<Vec<Called>>,
}

type Called = Box<dyn Fn(Word) -> Pin<Box<dyn Future<Output = Outcome> + Send>> + Send + Sync>;

impl Resource for Words {
    type Settings = ();
}

impl Words {
    fn on<H, F>(&self, prefix: &'static str, handler: H)
    where
        H: Fn(Word) -> F + Send + Sync + 'static,
        F: Future<Output = Outcome> + Send + 'static,
    {
        let called = move |word: Word| -> Pin<Box<dyn Future<Output = Outcome> + Send>> {
            if word.0.starts_with(prefix) { Box::pin(handler(word)) } else { Box::pin(async { Outcome::Ignored }) }
        };
        self.handlers.lock().unwrap().push(Box::new(called));
    }
}

struct Word(String);

#[derive(Debug, PartialEq)]
enum Outcome {
    Ignored,
    Refused,
    Answered(String),
}

impl Input for Word {
    type Outcome = Outcome;
}

impl<T: FromStr> Give<T> for Word {
    async fn give(&mut self) -> Result<T, Outcome> {
        let (_, rest) = self.0.split_once(' ').ok_or(Outcome::Refused)?;
        rest.parse().map_err(|_| Outcome::Refused)
    }
}

impl<R: ToString> Settle<R> for Word {
    fn settle(self, answer: R) -> Outcome {
        Outcome::Answered(answer.to_string())
    }
}

#[microservice]
struct Reader {
    #[resource]
    words: Words,
    #[init(10)]
    factor: u32,
}

#[microservice]
impl Reader {
    #[on(words, "number")]
    async fn number(&self, number: u32) -> u32 {
        number * self.factor
    }

    #[on(words, "text")]
    async fn text(self: Arc<Self>, text: String, cx: Context, again: String) -> impl std::fmt::Display {
        format!("{text} {again} {} {}", self.factor, cx.service_name())
    }

    #[on(words, "nothing")]
    async fn nothing(&self) -> &'static str {
        "nothing"
    }
}

#[test]
fn a_handler_gets_each_argument_from_its_input() {
    no_leaks(async {
        let running = Reader::builder().start().await.unwrap();
        let service = Arc::clone(running.service());
        let call = |at: usize, word: &str| service.words.handlers.lock().unwrap()[at](Word(word.to_owned()));
        assert_eq!(call(0, "number 7").await, Outcome::Answered("70".to_owned()));
        assert_eq!(call(0, "number x").await, Outcome::Refused);
        assert_eq!(call(0, "text x").await, Outcome::Ignored);
        assert_eq!(call(1, "text x").await, Outcome::Answered("x x 10 reader".to_owned()));
        assert_eq!(call(2, "nothing").await, Outcome::Answered("nothing".to_owned()));
        running.stop().await.unwrap();
    });
}

#[test]
fn every_form_compiles() {
    let _ = Orders::run as fn() -> std::process::ExitCode;
    let _ = <Orders>::builder();
    let _ = Small::run as fn() -> std::process::ExitCode;
    let _ = Small::builder();
}

#[derive(Debug, PartialEq, serde::Deserialize, serde::Serialize, schemars::JsonSchema, Clone)]
struct Range(u32, u32);

/// Settings of the service itself follow the rules of every struct of settings.
#[microservice]
struct Ruled {
    #[setting(default = 20, range = 1..=100, alias = "per_page")]
    page_size: Setting<u32>,
    #[setting(rename = "patience", default = "5s", unit = "ms", max = "1m")]
    waits: Duration,
    #[setting(serde, default = Range(1, 2))]
    window: Range,
    #[setting(default)]
    names: Vec<String>,
}

#[test]
fn a_setting_of_the_service_follows_the_rules_of_its_field() {
    no_leaks(async {
        let running = Ruled::builder()
            .settings(chassis::yaml! {
                microservices: { ruled: { per_page: 50, patience: 1500, window: [3, 4] } }
            })
            .start()
            .await
            .unwrap();
        let service = running.service();
        assert_eq!(service.page_size.get(), 50);
        assert_eq!(service.waits, Duration::from_millis(1500));
        assert_eq!(service.window, Range(3, 4));
        assert!(service.names.is_empty());
        running.stop().await.unwrap();
    });
}

#[test]
fn a_setting_of_the_service_that_breaks_its_rules_is_told() {
    no_leaks(async {
        let refused = Ruled::builder()
            .settings(chassis::yaml! {
                microservices: { ruled: { page_size: 500, patience: "2m" } }
            })
            .start()
            .await;
        let problems = format!("{:#}", refused.unwrap_err());
        assert!(problems.contains("page_size") && problems.contains("100"), "{problems}");
        assert!(problems.contains("patience") && problems.contains("1m"), "{problems}");
    });
}

/// A service may be written by a macro, with names and types of its own.
macro_rules! service {
    ($name:ident, $resource:ident: $ty:ty, $interval:literal, $after:ident, $context:ty, $answer:ty) => {
        #[microservice]
        struct $name {
            #[resource]
            $resource: $ty,
        }

        #[microservice]
        impl $name {
            #[task_timer(interval = $interval)]
            async fn tick(&self, cx: $context) -> $answer {
                cx.timer(Self::TICK).stop();
                Ok(())
            }

            #[after(start, $after)]
            async fn started(&self) {}
        }
    };
}

service!(Written, nothing: Nothing, "1s", nothing, Context, Result<(), std::io::Error>);

#[test]
fn a_macro_may_write_a_service() {
    no_leaks(async {
        let running = Written::builder().start().await.unwrap();
        running.stop().await.unwrap();
    });
}
