//! The AsyncAPI document, out of the handlers.

use std::{
    io::Write as _,
    process::{Command, Stdio},
};

use chassis::{
    messaging::{Memory, Message},
    prelude::*,
};
use chassis_tests::tool;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

/// An order.
#[derive(Serialize, Deserialize, JsonSchema)]
struct Order {
    /// Which one it is.
    number: u8,
    then: Option<Box<Order>>,
}

#[derive(Serialize, Deserialize)]
struct Undescribed {
    number: u8,
}

#[microservice(name = "shop")]
struct Shop {
    #[resource]
    broker: Memory,
}

#[microservice]
impl Shop {
    /// Bills an order.
    #[subscribe(broker, "orders/placed", group = "billing")]
    async fn bill(&self, _: Message<Order>) {}

    #[pull(broker, "emails")]
    async fn send(&self, _: Undescribed) {}

    #[reply(broker, "price")]
    async fn price(&self, order: Order) -> Result<u8> {
        Ok(order.number)
    }
}

#[tokio::test]
async fn the_document_says_what_handlers_take_and_answer() {
    let running = Shop::builder().start().await.unwrap();
    let document = running.service().broker.asyncapi();
    assert_eq!(document["asyncapi"], "3.0.0");
    assert_eq!(document["info"]["title"], "shop");
    let order = json!({ "$ref": "#/components/schemas/Order" });
    assert_eq!(
        document["channels"]["orders/placed"],
        json!({ "address": "orders/placed", "messages": { "bill": { "name": "bill", "payload": order } } })
    );
    assert_eq!(document["channels"]["emails"]["messages"]["send"]["payload"], json!({}));
    assert_eq!(
        document["operations"]["bill"],
        json!({
            "action": "receive",
            "channel": { "$ref": "#/channels/orders~1placed" },
            "description": "Bills an order.",
            "messages": [{ "$ref": "#/channels/orders~1placed/messages/bill" }],
            "x-dead-letters": "orders/placed.dead",
            "x-group": "billing",
            "x-pattern": "publish_subscribe",
        })
    );
    let reply = &document["operations"]["price"]["reply"];
    assert_eq!(reply["channel"], json!({ "$ref": "#/channels/price.answer" }));
    let answer = &document["channels"]["price.answer"]["messages"]["answer"]["payload"];
    assert_eq!((&answer["type"], &answer["maximum"]), (&json!("integer"), &json!(255)));
    let schema = &document["components"]["schemas"]["Order"];
    assert_eq!(schema["properties"]["number"]["description"], "Which one it is.");
    // Every reference leads somewhere.
    let mut references = Vec::new();
    collect(&document, &mut references);
    assert!(references.len() > 6, "{references:?}");
    for reference in references {
        assert!(document.pointer(reference.trim_start_matches('#')).is_some(), "{reference} leads nowhere");
    }
    running.stop().await.unwrap();
}

/// Everything that a document can have in it: several handlers of one name, names with signs, types of types.
#[microservice(name = "market")]
struct Market {
    #[resource]
    broker: Memory,
}

#[derive(Serialize, Deserialize, JsonSchema)]
struct Page<T> {
    items: Vec<T>,
    next: Option<u64>,
}

#[microservice]
impl Market {
    #[subscribe(broker, "orders.placed", group = "billing")]
    async fn bill(&self, _: Message<Order>) {}

    #[subscribe(broker, "orders.placed")]
    async fn count(&self, _: Page<Order>) {}

    #[pull(broker, "e-mails/{to} & ~others~", retries = 3)]
    async fn send(&self, _: Page<String>) {}

    #[pull(broker, "raw")]
    async fn undescribed(&self, _: Undescribed) {}

    /// What it costs.
    #[reply(broker, "price")]
    async fn price(&self, order: Order) -> Result<Page<Order>> {
        Ok(Page { items: vec![order], next: None })
    }

    #[reply(broker, "nothing")]
    async fn nothing(&self, _: Order) -> Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn the_parser_of_asyncapi_finds_nothing_wrong_with_the_document() {
    let (Some(node), Some(parser)) = (tool("node"), tool("asyncapi_parser")) else { return };
    let running = Market::builder().start().await.unwrap();
    let document = running.service().broker.asyncapi();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/peers/asyncapi/check.js");
    let mut command = Command::new(node);
    command.arg(script).arg(parser).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut checking = command.spawn().unwrap();
    checking.stdin.take().unwrap().write_all(document.to_string().as_bytes()).unwrap();
    let output = checking.wait_with_output().unwrap();
    let said: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let mut operations: Vec<_> = said["operations"].as_array().unwrap().iter().filter_map(|id| id.as_str()).collect();
    operations.sort_unstable();
    assert_eq!(operations, ["bill", "count", "nothing", "price", "send", "undescribed"], "{said:#}");
    // It would like the newest version, which changes nothing for what is said here.
    let found = said["found"].as_array().unwrap().iter().filter(|found| found["code"] != "asyncapi-latest-version");
    assert_eq!(found.collect::<Vec<_>>(), Vec::<&serde_json::Value>::new(), "{document:#}");
    running.stop().await.unwrap();
}

fn collect(value: &serde_json::Value, references: &mut Vec<String>) {
    match value {
        serde_json::Value::Object(members) => {
            references.extend(members.get("$ref").and_then(|target| target.as_str()).map(str::to_owned));
            members.values().for_each(|member| collect(member, references));
        }
        serde_json::Value::Array(items) => items.iter().for_each(|item| collect(item, references)),
        _ => {}
    }
}
