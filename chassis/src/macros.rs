//! The attribute macros, and what they mean.

/// Makes a struct a service, and its methods what the service does.
///
/// # On the struct
///
/// The struct is the list of what the service is made of:
///
/// | field | what it is |
/// | --- | --- |
/// | `#[resource]` | a part with a lifecycle; `after = [db, broker]` starts it after those, `critical` makes the service unready without it |
/// | `#[setting]` | a value of `system.microservices.<service>.<field>`; `default = 20` where there is none, `range = 1..=100`, and what else [`SettingsSchema`](macro@crate::settings::SettingsSchema) knows |
/// | `#[meter]` | a counter, gauge, histogram or summary called `<service>_<field>`; `name`, `unit`, `buckets`, `quantiles`, `window`, `max_series` |
/// | any other | plain data, `Default` at first |
///
/// `#[init(expression)]` gives a resource or a plain field another first value. Documentation comments become the
/// descriptions that operators see.
///
/// | argument | what it says |
/// | --- | --- |
/// | `name = "orders"` | what the service is called; the struct's name in snake_case otherwise |
/// | `parts = [routes, jobs]` | further `impl` blocks, each marked `#[microservice(part = routes)]` |
/// | `args = Type` | command line arguments of its own: a type that derives `clap::Args`; read them by `cx.args::<Type>()` |
/// | `free_settings` | its section of the settings may hold keys that no field declares |
/// | `crate = path` | where `chassis` is found when it is renamed; on every block, too |
///
/// The struct gets `run()`, which is all a `main` needs, and `builder()` for tests and scripts. It may be generic over
/// its resources, so that tests put fakes in; `run()` is there for the defaults: `struct Orders<D: Database = Postgres>`.
///
/// # On an `impl` block
///
/// | method | when it is called |
/// | --- | --- |
/// | [`#[task]`](macro@task) | once the service is started, and again as its restart policy says |
/// | [`#[task_timer]`](macro@task_timer) | every so often, or by the calendar |
/// | [`#[thread]`](macro@thread) | like a task, on a thread of its own |
/// | [`#[before]`](macro@before), [`#[after]`](macro@after) | around a phase of the service's life |
/// | [`#[on]`](macro@on) | for each unit of work of a resource; [`#[get]`](macro@get) and its like are short for it |
///
/// A method takes `&self` or `self: Arc<Self>`, and [`Shutdown`](crate::Shutdown) and [`Context`](crate::Context)
/// wherever it wants.
///
/// ```
/// use std::{process::ExitCode, sync::atomic::{AtomicU64, Ordering}};
///
/// use chassis::{microservice, Shutdown};
///
/// /// Counts, and says what it has counted.
/// #[microservice]
/// struct Counting {
///     seen: AtomicU64,
/// }
///
/// #[microservice]
/// impl Counting {
///     #[task_timer(interval = "1s")]
///     async fn count(&self) {
///         self.seen.fetch_add(1, Ordering::Relaxed);
///     }
///
///     #[task]
///     async fn wait(&self, stop: Shutdown) {
///         stop.wait().await;
///     }
/// }
///
/// fn main() -> ExitCode {
/// #   return ExitCode::SUCCESS;
///     Counting::run()
/// }
/// ```
pub use chassis_macros::microservice;

/// A method that runs beside the handlers, from the end of the start to the stop.
///
/// | option | default | what it says |
/// | --- | --- | --- |
/// | `restart = "never"`, `"on-failure"`, `"always"` | `"never"` | when it is started again |
/// | `on_give_up = "stop"`, `"degrade"` | `"stop"` | what becomes of the service when it is not |
/// | `stop_when_done` | | the service stops once it has returned |
/// | `leader` | | it runs on one replica only; needs the feature `etcd` |
///
/// How often it may be started again and how long it waits before is set by
/// `system.microservices.<service>.tasks.<method>`. A task that takes [`Shutdown`](crate::Shutdown) has the stop budget
/// to end by itself; one that does not is cancelled at its next `.await`.
///
/// With `leader`, replicas that share an etcd elect the one that runs it, once the service is running. It is dropped at its next
/// `.await` when the leadership is lost, and begins anew with the next election: that is no restart. When it has
/// returned it is done, and no other replica runs it while this one lives; when it is given up with `on_give_up =
/// "degrade"`, another replica may try. [`Context::leadership`](crate::Context::leadership) has the fencing token, without which a
/// leader that was paused could do harm. `system.microservices.<service>.tasks.<method>.leader: false` runs it here,
/// whatever others do.
///
/// ```
/// # use chassis::{microservice, task};
/// # #[microservice] struct Orders;
/// #[microservice]
/// impl Orders {
///     #[task(restart = "on-failure")]
///     async fn reconcile(&self) -> chassis::Result<()> {
///         Ok(())
///     }
/// }
/// ```
pub use chassis_macros::task;

/// A method that is called every so often, or by the calendar.
///
/// | option | default | what it says |
/// | --- | --- | --- |
/// | `interval = "1s"`, `1000` | | the time from tick to tick; a number is milliseconds |
/// | `cron = "0 3 * * *"` | | instead: minute, hour, day, month, weekday; or six fields with seconds in front; needs the feature `cron` |
/// | `timezone = "Europe/Berlin"` | UTC | whose calendar `cron` follows |
/// | `one_shot` | | it ticks once |
/// | `immediate` | | it ticks at its start, too |
/// | `autostart = false` | `true` | it waits for `cx.timer(Self::TICK).start()` |
/// | `overlap = "skip"`, `"queue"` | `"skip"` | what becomes of a tick while the one before still runs |
/// | `jitter = "100ms"` | none | the longest random delay of each tick |
/// | `leader` | | it ticks on one replica only; needs the feature `etcd` |
///
/// The k-th tick is due at the start plus k intervals; ticks that are missed are skipped and counted. The block gets a
/// constant named like the method, by which [`Context::timer`](crate::Context::timer) finds it.
///
/// With `leader`, replicas that share an etcd elect the one on which it ticks, as for [`#[task(leader)]`](macro@task). Its
/// schedule begins with the election, `immediate` ticks at once then, and a tick under way is dropped at its next
/// `.await` when the leadership is lost. `one_shot` ticks once on each replica that comes to lead.
///
/// ```
/// # use chassis::{microservice, task_timer};
/// # #[microservice] struct Orders;
/// #[microservice]
/// impl Orders {
///     #[task_timer(cron = "0 3 * * *", timezone = "Europe/Berlin")]
///     async fn sweep(&self) {}
///
///     #[task_timer(interval = "5s", autostart = false)]
///     async fn poll(&self, cx: chassis::Context) {
///         cx.timer(Self::POLL).stop();
///     }
/// }
/// ```
pub use chassis_macros::task_timer;

/// A method with a thread of its own, named like it and joined at the stop.
///
/// A plain `fn` may block; an `async fn` gets a runtime of its own.
///
/// ```
/// # use chassis::{microservice, thread, Shutdown};
/// # #[microservice] struct Orders;
/// #[microservice]
/// impl Orders {
///     #[thread]
///     fn crunch(&self, stop: Shutdown) {
///         while !stop.is_triggered() {
///             // …
/// #           break;
///         }
///     }
/// }
/// ```
pub use chassis_macros::thread;

/// A method that runs before a phase of the service's life: `#[before(stop)]`, or before that of one resource:
/// `#[before(stop, db)]`.
///
/// The phases are `pre_start`, `start`, `post_start`, `open`, `close`, `drain`, `stop` and `post_stop`, see
/// [`Phase`](crate::lifecycle::Phase). A failure of a hook is one of the phase.
///
/// ```
/// # use chassis::{after, before, microservice};
/// # #[microservice] struct Orders;
/// #[microservice]
/// impl Orders {
///     #[before(open)]
///     async fn warm_up(&self) -> chassis::Result<()> {
///         Ok(())
///     }
///
///     #[before(stop)]
///     #[after(post_start)]
///     async fn tell(&self, cx: chassis::Context) {
///         tracing::info!("{} changes", cx.service_name());
///     }
/// }
/// ```
pub use chassis_macros::before;

/// A method that runs after a phase of the service's life: `#[after(start)]`, or as soon as one resource is through
/// it: `#[after(start, db)]`; what depends on that resource waits for it.
///
/// The phases are those of [`#[before]`](macro@before).
pub use chassis_macros::after;

/// A method that a resource calls for each unit of work that matches: `#[on(queue, pull("emails"))]`.
///
/// It calls `self.queue.on(pull("emails"), handler)`. What the method may take and answer is the resource's say, see
/// [`handler`](crate::handler).
///
/// ```
/// # use chassis::{Resource, handler::{Give, Input, Settle}, microservice};
/// # struct Mail(String);
/// # impl Input for Mail { type Outcome = (); }
/// # impl Give<String> for Mail { async fn give(&mut self) -> Result<String, ()> { Ok(self.0.clone()) } }
/// # impl Settle<()> for Mail { fn settle(self, (): ()) {} }
/// # #[derive(Default)]
/// # struct Queue;
/// # impl Resource for Queue { type Settings = (); }
/// # impl Queue {
/// #     fn on<F: Future<Output = ()>>(&self, _: &str, _: impl Fn(Mail) -> F + Send + Sync + 'static) {}
/// # }
/// # fn pull(name: &str) -> &str { name }
/// #[microservice]
/// struct Mailer {
///     #[resource]
///     queue: Queue,
/// }
///
/// #[microservice]
/// impl Mailer {
///     #[on(queue, pull("emails"))]
///     async fn send(&self, mail: String) {
///         println!("{mail}");
///     }
/// }
/// ```
pub use chassis_macros::on;

/// Handles what is published under a name: `#[subscribe(broker, "orders.placed")]`.
///
/// Every instance of the service gets each message; with `group = "…"` one instance of each group does. What is published
/// while nobody is subscribed is nobody's. The options are those of [`#[pull]`](macro@pull), and `group`.
pub use chassis_macros::subscribe;

/// Handles what is pushed to a name, one worker for each message: `#[pull(broker, "emails")]`.
///
/// The first argument is the field of the broker. The method takes what the body is read as, or a `Message<T>` that knows
/// its headers, too; and returns `()` or a `Result<()>`. A message is done once it has returned `Ok`; see
/// `chassis::messaging` for what becomes of it otherwise.
///
/// | option | default | what it says |
/// | --- | --- | --- |
/// | `concurrency = 8` | 1 | how many messages are handled at the same time |
/// | `prefetch = 100` | 32, or twice the concurrency; for requests the concurrency | how many are fetched ahead |
/// | `retries = 5` | 5 | how many times a message is tried again once its handler has failed |
/// | `min_delay = "1s"`, `max_delay = "1m"` | 200 ms, 30 s | the longest rest before the first retry, and before any |
/// | `timeout = "10s"` | | how long an attempt may take |
/// | `by_key` | | messages of one key are handled one after the other, in their order |
/// | `codec = MessagePack` | what the sender says | how the body is read, see `chassis::codec` |
/// | `quiet` | | what is handled well is said at debug only |
///
/// `concurrency`, `prefetch`, `retries`, `min_delay`, `max_delay` and `timeout` can be set, by the name of the method:
/// `system.resources.broker.handlers.send_email.concurrency: 16`.
pub use chassis_macros::pull;

/// Answers what is requested of a name: `#[reply(broker, "price")]`.
///
/// The method returns a `Result` with the answer, which is written as the request was. A failure is answered with its
/// first message. The options are those of [`#[pull]`](macro@pull); without `retries` a request is tried once.
pub use chassis_macros::reply;

/// A route of an HTTP server: `#[get("/orders/{id}")]`.
///
/// With several servers in the struct, or one whose type has another name, say which: `#[get(admin, "/orders")]`.
/// Arguments are axum's extractors, what reads the body last.
///
/// | option | what it says |
/// | --- | --- |
/// | `timeout = "5s"` | how long it may take; a number is milliseconds, and 0 is no limit |
/// | `body_limit = "1MiB"` | how large the body may be; a number is bytes |
/// | `cancel_on_disconnect` | it is dropped when the client goes away |
/// | `cache = "10s"`, `cache_by = ["accept-language"]` | how long a success is answered from memory, and which headers tell answers apart |
/// | `never_shed` | it is served under any load |
/// | `quiet` | a line in the log only when it fails |
/// | `any_json` | the body is JSON whatever its content type says |
/// | `status = 201`, `tag = "orders"`, `deprecated`, `hidden` | for its documentation in `/openapi.json` |
///
#[cfg_attr(feature = "http-server", doc = "```")]
#[cfg_attr(not(feature = "http-server"), doc = "```ignore")]
/// use chassis::prelude::*;
///
/// #[microservice]
/// struct Greeter {
///     #[resource]
///     http: HttpServer,
/// }
///
/// #[microservice]
/// impl Greeter {
///     /// Says hello to somebody.
///     #[get("/hello/{name}", timeout = "1s")]
///     async fn hello(&self, Path(name): Path<String>) -> String {
///         format!("hello, {name}")
///     }
/// }
/// ```
pub use chassis_macros::get;

/// A route of an HTTP server, see [`#[get]`](macro@get).
pub use chassis_macros::{any, delete, head, options, patch, post, put};
