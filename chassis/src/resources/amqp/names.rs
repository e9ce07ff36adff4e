//! What queues and exchanges are called.
//!
//! Pure. Other services declare the same: the names and their properties are a wire format.

use lapin::types::ShortString;

use super::failure::refused;
use crate::{
    Error, Result,
    messaging::{Pattern, engine::Intake},
};

/// Makes names.
#[derive(Debug, Clone)]
pub(super) struct Names {
    /// With its dot.
    prefix: Box<str>,
}

/// Where one intake takes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Source {
    /// A queue that others may take from, too.
    Shared(Place),
    /// A queue of one's own at this exchange.
    Own { exchange: ShortString },
}

/// A queue or an exchange as it is declared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    /// A queue, and the exchange that it is bound to.
    Queue { name: ShortString, durable: bool, exchange: Option<ShortString> },
    /// A fanout exchange.
    Exchange { name: ShortString },
    /// Where messages for a queue rest.
    Rest { name: ShortString, queue: ShortString, millis: u32 },
}

impl Place {
    pub(super) fn name(&self) -> &ShortString {
        match self {
            Place::Queue { name, .. } | Place::Exchange { name } | Place::Rest { name, .. } => name,
        }
    }
}

impl Names {
    pub(super) fn new(prefix: Option<&str>) -> Self {
        let prefix = prefix.filter(|prefix| !prefix.is_empty());
        Self { prefix: prefix.map(|prefix| format!("{prefix}.")).unwrap_or_default().into() }
    }

    /// Where messages of that pattern are sent to.
    ///
    /// # Errors
    /// A name that is too long.
    pub(super) fn target(&self, pattern: Pattern, name: &str) -> Result<Place> {
        let name = short(format!("{}{pattern}.{name}", self.prefix))?;
        Ok(match pattern {
            Pattern::PublishSubscribe => Place::Exchange { name },
            Pattern::PushPull => Place::Queue { name, durable: true, exchange: None },
            Pattern::RequestResponse => Place::Queue { name, durable: false, exchange: None },
        })
    }

    /// Where an intake takes from.
    ///
    /// # Errors
    /// A name that is too long.
    pub(super) fn of(&self, intake: &Intake) -> Result<Source> {
        let target = self.target(intake.pattern, &intake.name).map_err(Error::misconfigured)?;
        Ok(match (target, &intake.group) {
            (Place::Exchange { name: exchange }, None) => Source::Own { exchange },
            (Place::Exchange { name: exchange }, Some(group)) => {
                let name = short(format!("{exchange}.{group}")).map_err(Error::misconfigured)?;
                Source::Shared(Place::Queue { name, durable: true, exchange: Some(exchange) })
            }
            (place, _) => Source::Shared(place),
        })
    }

    /// Where messages for a queue rest that long.
    ///
    /// # Errors
    /// A name that is too long.
    pub(super) fn rest(queue: &ShortString, millis: u32) -> Result<Place> {
        Ok(Place::Rest { name: short(format!("{queue}.retry.{millis}"))?, queue: queue.clone(), millis })
    }
}

/// A name as the protocol has it.
pub(super) fn short(name: String) -> Result<ShortString> {
    ShortString::try_new(name.as_str()).map_err(|_| {
        let (length, begin) = (name.len(), name.chars().take(40).collect::<String>());
        refused(format!("the name `{begin}…` has {length} bytes; AMQP allows 255"))
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use super::*;

    #[test]
    fn names_are_those_that_others_declare() {
        let names = Names::new(None);
        for (pattern, expected) in [
            (Pattern::PublishSubscribe, "publish_subscribe.x"),
            (Pattern::PushPull, "push_pull.x"),
            (Pattern::RequestResponse, "request_response.x"),
        ] {
            assert_eq!(names.target(pattern, "x").unwrap().name().as_str(), expected);
        }
        let names = Names::new(Some("shop"));
        assert_eq!(names.target(Pattern::PushPull, "x").unwrap().name().as_str(), "shop.push_pull.x");
        let mut intake = Intake::new(Pattern::PublishSubscribe, "x");
        intake.group = Some("g".into());
        match names.of(&intake).unwrap() {
            Source::Shared(place) => assert_eq!(place.name().as_str(), "shop.publish_subscribe.x.g"),
            own @ Source::Own { .. } => panic!("{own:?}"),
        }
        assert_eq!(Names::new(Some("")).target(Pattern::PushPull, "x").unwrap().name().as_str(), "push_pull.x");
    }

    #[test]
    fn a_name_that_is_too_long_is_refused() {
        let error = Names::new(None).target(Pattern::PushPull, &"x".repeat(250)).err().unwrap();
        assert!(format!("{error:#}").contains("AMQP allows 255"), "{error:#}");
    }
}
