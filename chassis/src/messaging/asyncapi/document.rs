//! The whole document: <https://www.asyncapi.com/docs/reference/specification/v3.0.0>.

use serde_json::{Map, Value, json};

use super::Description;
use crate::{
    messaging::{Broker, Pattern, dead_name, engine::Engine, letter::is_dead_name, worker::Handler},
    schemas::{Schemas, rename},
};

impl<E: Engine> Broker<E> {
    /// The [AsyncAPI 3](https://www.asyncapi.com) document of the handlers of this broker: what they take, and answer.
    ///
    /// Bodies whose types implement `schemars::JsonSchema` have their schema in it. What the service sends is not in its
    /// handlers, so it is not here: it is in the documents of those who take it.
    pub fn asyncapi(&self) -> Value {
        let running = self.running.get();
        let service = running.as_ref().map(|running| running.cx.service());
        let title = service.as_ref().map_or("a service", |service| service.name());
        let version = service.as_ref().map_or("0", |service| service.version());
        let mut document = Document::default();
        for handler in self.handlers().iter() {
            document.add(handler);
        }
        document.written(title, version)
    }
}

#[derive(Default)]
struct Document {
    schemas: Schemas,
    channels: Map<String, Value>,
    operations: Map<String, Value>,
    answers: Vec<(String, Value)>,
}

impl Document {
    fn add(&mut self, handler: &Handler) {
        let (pattern, options) = (handler.pattern, &handler.options);
        let mut description = Description { schemas: std::mem::take(&mut self.schemas), ..Description::default() };
        if let Some(describe) = options.describe {
            describe(&mut description);
        }
        let Description { schemas, body, answer } = description;
        self.schemas = schemas;
        let (name, handler) = (options.name, options.handler);
        let payload = body.unwrap_or_else(|| json!({}));
        let message = json!({ "name": handler, "payload": payload });
        let channel = self.channels.entry(name).or_insert_with(|| json!({ "address": name, "messages": {} }));
        channel["messages"][handler] = message;
        let mut operation = json!({
            "action": "receive",
            "channel": reference(&["channels", name]),
            "messages": [reference(&["channels", name, "messages", handler])],
            "x-pattern": pattern.as_str(),
        });
        if !options.about.is_empty() {
            operation["description"] = options.about.into();
        }
        if let Some(group) = options.group {
            operation["x-group"] = group.into();
        }
        match pattern {
            Pattern::RequestResponse => {
                let answers = format!("{name}.answer");
                let message = json!({ "name": "answer", "payload": answer.unwrap_or_else(|| json!({})) });
                self.answers.push((answers.clone(), message));
                operation["reply"] = json!({
                    "channel": reference(&["channels", &answers]),
                    "messages": [reference(&["channels", &answers, "messages", "answer"])],
                });
            }
            Pattern::PublishSubscribe | Pattern::PushPull if is_dead_name(name) => {}
            Pattern::PublishSubscribe | Pattern::PushPull => operation["x-dead-letters"] = dead_name(name).into(),
        }
        self.operations.insert(handler.to_owned(), operation);
    }

    fn written(mut self, title: &str, version: &str) -> Value {
        let (components, renamed) = self.schemas.components();
        for (name, mut message) in self.answers {
            rename(&mut message, &renamed);
            // Where it goes is in the request.
            self.channels.insert(name, json!({ "address": null, "messages": { "answer": message } }));
        }
        json!({
            "asyncapi": "3.0.0",
            "info": { "title": title, "version": version },
            "channels": self.channels,
            "operations": self.operations,
            "components": { "schemas": components },
        })
    }
}

/// A reference by JSON Pointer, in which `/` and `~` of a name are escaped.
fn reference(path: &[&str]) -> Value {
    let steps: Vec<String> = path.iter().map(|step| step.replace('~', "~0").replace('/', "~1")).collect();
    json!({ "$ref": format!("#/{}", steps.join("/")) })
}
