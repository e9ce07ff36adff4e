//! Whatever changes in whichever source: what is in force in the end is what a fresh start would have.
#![allow(clippy::unwrap_used, reason = "a test")]

use std::time::Duration;

use chassis::prelude::*;
use chassis_tests::{Held, Pool, no_leaks};
use proptest::prelude::*;
use serde_json::{Value, json};

#[microservice(name = "orders")]
struct Orders {
    #[resource]
    pool: Pool,
    #[setting(default = 20)]
    page_size: Setting<u32>,
}

#[microservice]
impl Orders {}

/// What one source may say: some of it wrong.
fn saying() -> impl Strategy<Value = Value> {
    let pages = prop_oneof![3 => (0..100_u32).prop_map(|pages| json!(pages)), 1 => Just(json!("many"))];
    let size = prop_oneof![3 => (1..4_u32).prop_map(|size| json!(size)), 1 => Just(json!(0))];
    let label = prop_oneof![Just("a"), Just("b")];
    let (pages, size, label) = (prop::option::of(pages), prop::option::of(size), prop::option::of(label));
    (pages, size, label).prop_map(|(pages, size, label)| {
        let (mut orders, mut pool) = (json!({}), json!({}));
        pages.into_iter().for_each(|pages| orders["page_size"] = pages);
        size.into_iter().for_each(|size| pool["size"] = size);
        label.into_iter().for_each(|label| pool["label"] = json!(label));
        json!({ "microservices": { "orders": orders }, "resources": { "pool": pool } })
    })
}

/// What the service works with; `None` if it does not start with that.
async fn fresh(sources: &[Held]) -> Option<Vec<(String, Value)>> {
    let mut builder = Orders::builder();
    for source in sources {
        builder = builder.source(Held::saying(source.said()));
    }
    let running = builder.start().await.ok()?;
    let works = works_with(&running);
    running.stop().await.unwrap();
    Some(works)
}

fn works_with(running: &chassis::Running<Orders>) -> Vec<(String, Value)> {
    let effective = running.context().settings().effective().into_iter();
    let mut found: Vec<(String, Value)> = effective.map(|setting| (setting.key, setting.value)).collect();
    let orders = running.service();
    found.push(("what the pool has".to_owned(), json!([orders.pool.size(), orders.page_size.get()])));
    found
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    #[test]
    fn any_changes_of_sources_come_to_what_a_fresh_start_has(
        changes in prop::collection::vec((0..3_usize, saying(), any::<bool>()), 1..12),
    ) {
        no_leaks(async move {
            let sources = [(); 3].map(|()| Held::saying(json!({})));
            let mut builder = Orders::builder();
            for source in &sources {
                builder = builder.source(source.clone());
            }
            let running = builder.start().await.unwrap();
            for source in &sources {
                source.is_followed().await;
            }
            for (at, settings, is_slow) in changes {
                sources[at].say(settings);
                if is_slow {
                    tokio::time::sleep(Duration::from_millis(2)).await;
                }
            }
            let expected = fresh(&sources).await;
            // Whatever they come to is in force, or refused, a moment later.
            let settled = async {
                loop {
                    let is_as_expected = match &expected {
                        Some(expected) => works_with(&running) == *expected,
                        None => running.view().readiness().status().to_string() == "warn",
                    };
                    if is_as_expected {
                        break;
                    }
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
            };
            let settled = tokio::time::timeout(Duration::from_secs(20), settled).await;
            assert!(settled.is_ok(), "{expected:#?}, but {:#?}", works_with(&running));
            running.stop().await.unwrap();
        });
    }
}
