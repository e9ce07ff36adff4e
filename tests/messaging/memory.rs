//! The broker in memory: all checks, and what is particular to it.

use chassis::messaging::memory::MemoryEngine;
use serde_json::{Value, json};

use super::place::Place;

struct InMemory;

impl Place for InMemory {
    type Engine = MemoryEngine;

    fn settings(&self, space: &str) -> Value {
        json!({ "hub": space })
    }
}

mod push_pull {
    crate::messaging::push_pull::checks! { each, async { super::InMemory } }
}

mod failing {
    crate::messaging::failing::checks! { each, async { super::InMemory } }
}

mod publish_subscribe {
    crate::messaging::publish_subscribe::checks! { each, async { super::InMemory } }
}

mod request_response {
    crate::messaging::request_response::checks! { each, async { super::InMemory } }
}
