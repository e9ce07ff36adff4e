//! The broker whose engine is a setting: all checks, with an engine of one's own beside those that are here.

use chassis::{
    Cause,
    messaging::{
        Any, Broker, Failure, Offers, Pattern, PushPull,
        engine::{Engine, Intake},
        memory::{MemoryConnection, MemoryEngine, MemorySettings},
    },
    prelude::*,
};
use serde_json::{Value, json};

use super::{load::lines, place::Place, services::Job};

struct BySetting;

impl Place for BySetting {
    type Engine = Any;

    fn settings(&self, space: &str) -> Value {
        json!({ "engine": "memory", "memory": { "hub": space } })
    }
}

mod push_pull {
    crate::messaging::push_pull::checks! { in_one, async { super::BySetting } }
}

mod failing {
    crate::messaging::failing::checks! { in_one, async { super::BySetting } }
}

mod publish_subscribe {
    crate::messaging::publish_subscribe::checks! { in_one, async { super::BySetting } }
}

mod request_response {
    crate::messaging::request_response::checks! { in_one, async { super::BySetting } }
}

/// An engine of one's own, which has one pattern only.
#[derive(Default)]
struct OneWay(MemoryEngine);

impl Offers<PushPull> for OneWay {}

impl Engine for OneWay {
    type Settings = MemorySettings;
    type Connection = MemoryConnection;

    const NAME: &'static str = "one_way";
    const PATTERNS: &'static [Pattern] = &[Pattern::PushPull];

    fn check(&self, settings: &MemorySettings, intakes: &[Intake]) -> Result<()> {
        assert!(intakes.iter().all(|intake| intake.pattern == Pattern::PushPull), "{settings:?}");
        Ok(())
    }

    async fn connect(&self, cx: &Context, settings: MemorySettings) -> Result<MemoryConnection> {
        self.0.connect(cx, settings).await
    }
}

type Choosing = Broker<Any<(OneWay,)>>;

/// Takes by two patterns.
#[microservice]
struct Both {
    #[resource]
    broker: Choosing,
}

#[microservice]
impl Both {
    #[pull(broker, "jobs")]
    async fn job(&self, _: Job) {}

    #[subscribe(broker, "news")]
    async fn news(&self, _: Job) {}
}

/// Takes by one pattern.
#[microservice]
struct One {
    #[resource]
    broker: Choosing,
}

#[microservice]
impl One {
    #[pull(broker, "jobs")]
    async fn job(&self, _: Job) {}
}

#[tokio::test]
async fn a_pattern_that_the_engine_has_not_is_told_before_the_start() {
    let settings = chassis::yaml! { resources: { broker: { engine: "one_way" } } };
    let error = Both::builder().settings(settings).start().await.unwrap_err();
    assert_eq!(error.cause(), Cause::Misconfigured);
    let text = format!("{error:#}");
    assert!(text.contains("engine `one_way` cannot take publish_subscribe `news`"), "{text}");
}

#[tokio::test]
async fn an_engine_moves_by_its_settings_alone() {
    for engine in ["one_way", "memory"] {
        let settings = json!({ "resources": { "broker": { "engine": engine, "memory": { "capacity": 10 } } } });
        let running = One::builder().settings(settings).start().await.unwrap();
        running.service().broker.push("jobs", &Job::new(1)).await.unwrap();
        let published = running.service().broker.publish("news", &Job::new(1)).await;
        match engine {
            "memory" => published.unwrap(),
            _ => {
                let error = published.unwrap_err();
                assert!(matches!(error.find::<Failure>(), Some(Failure::Refused(_))), "{error:#}");
            }
        }
        running.stop().await.unwrap();
    }
}

#[tokio::test]
async fn an_engine_that_is_not_here_is_told_with_those_that_are() {
    let settings = chassis::yaml!({ resources: { broker: { engine: "carrier_pigeon" } } });
    let error = One::builder().settings(settings).start().await.unwrap_err();
    assert_eq!(error.cause(), Cause::Misconfigured);
    let text = format!("{error:#}");
    assert!(text.contains("there is no engine `carrier_pigeon`; here are `memory`"), "{text}");
    assert!(text.contains("`one_way`"), "{text}");
    let settings = chassis::yaml!({ resources: { broker: { engine: "kafak" } } });
    let text = format!("{:#}", One::builder().settings(settings).start().await.unwrap_err());
    assert!(text.contains("`system.resources.broker.engine`: there is no engine `kafak`"), "{text}");
    assert!(text.contains("did you mean `kafka`?"), "{text}");
}

#[tokio::test]
async fn a_setting_of_the_engine_beside_it_is_told_with_its_place() {
    let settings = chassis::yaml!({ resources: { broker: { engine: "amqp", user: "me" } } });
    let text = format!("{:#}", One::builder().settings(settings).start().await.unwrap_err());
    assert!(text.contains("`system.resources.broker.user`: unknown key"), "{text}");
    assert!(text.contains("did you mean `amqp.user`?"), "{text}");
}

#[tokio::test]
async fn settings_of_engines_that_are_not_chosen_are_looked_at_too() {
    let settings = json!({ "resources": { "broker": { "engine": "one_way", "memory": { "capasity": 10 } } } });
    let error = One::builder().settings(settings).start().await.unwrap_err();
    let text = format!("{error:#}");
    assert!(text.contains("system.resources.broker.memory.capasity"), "{text}");
    assert!(text.contains("did you mean `capacity`?"), "{text}");
}

#[tokio::test]
async fn a_handler_that_is_not_there_is_told_by_its_key_with_the_one_that_was_meant() {
    let settings = chassis::yaml!({ resources: { broker: { handlers: { jbo: { concurrency: 2 } } } } });
    let error = One::builder().settings(settings).start().await.unwrap_err();
    assert_eq!(error.cause(), Cause::Misconfigured);
    let text = format!("{error:#}");
    let told = "`system.resources.broker.handlers.jbo`: this broker has no handler of this name\n     at builder\n     did you mean `job`?";
    assert!(text.contains(told), "{text}");
}

/// Takes its time.
#[microservice]
struct Slow {
    #[resource]
    broker: Broker,
}

#[microservice]
impl Slow {
    #[pull(broker, "jobs", concurrency = 3)]
    async fn job(&self, _: Job) {
        tokio::time::sleep(Duration::from_secs(60)).await;
    }
}

#[tokio::test]
async fn a_service_says_where_its_messages_go_which_were_cut_off_and_which_still_waited() {
    let settings = chassis::yaml!({ lifecycle: { stop_timeout: "500ms" } });
    let running = Slow::builder().settings(settings).start().await.unwrap();
    let (broker, logs) = (running.service(), running.logs());
    for id in 0..5 {
        broker.broker.push("jobs", &Job::new(id)).await.unwrap();
    }
    broker.broker.push("others", &Job::new(5)).await.unwrap();
    let info = chassis::Resource::info(&broker.broker);
    assert_eq!(info["place"], "the memory of this process", "{info:?}");
    tokio::time::sleep(Duration::from_millis(50)).await;
    let unfinished = running.stop().await.unwrap_err();
    assert!(unfinished.to_string().contains("still running: `broker` (drain)"), "{unfinished:#}");
    let told = lines(logs.captured());
    for line in [
        "the messages of `broker` go by the memory of this process",
        "messages are still at work and are cut off: 3 of `job`",
        "messages that wait in memory end with this service: 2 in `jobs`, 1 in `others`",
    ] {
        assert_eq!(told.iter().filter(|told| *told == line).count(), 1, "{line}: {told:#?}");
    }
}

#[tokio::test]
async fn what_waits_in_memory_outlives_a_service_while_another_one_is_there() {
    let hub = json!({ "resources": { "broker": { "memory": { "hub": "outlives" } } } });
    let first = Slow::builder().settings(hub.clone()).start().await.unwrap();
    first.service().broker.push("others", &Job::new(1)).await.unwrap();
    let (second, logs) = (Slow::builder().settings(hub).start().await.unwrap(), first.logs());
    first.stop().await.unwrap();
    assert!(!lines(logs.captured()).iter().any(|line| line.contains("wait in memory")));
    let logs = second.logs();
    second.stop().await.unwrap();
    let told = lines(logs.captured());
    assert!(
        told.contains(&"messages that wait in memory end with this service: 1 in `others`".to_owned()),
        "{told:#?}"
    );
}
