//! What topics and groups are called.

use crate::{Error, Result, messaging::Failure};

/// What topics and groups are called for one broker.
#[derive(Debug, Clone)]
pub(super) struct Names {
    prefix: String,
    /// The group of those who pull.
    group: Box<str>,
}

/// The longest name that a broker takes.
const LONGEST: usize = 249;

impl Names {
    pub(super) fn new(prefix: Option<&str>, group: &str) -> Self {
        let prefix = prefix.map(|prefix| format!("{prefix}.")).unwrap_or_default();
        Self { prefix, group: group.into() }
    }

    /// The topic of a name.
    ///
    /// # Errors
    /// [`Failure::Refused`], when no topic can have it.
    pub(super) fn topic(&self, name: &str) -> Result<String> {
        let topic = format!("{}{name}", self.prefix);
        let is_known = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        let why = match &*topic {
            "" | "." | ".." => "is none",
            _ if topic.len() > LONGEST => "is longer than the 249 characters that a topic may have",
            _ if !topic.bytes().all(is_known) => "has other characters than letters, digits, `.`, `_` and `-`",
            _ => return Ok(topic),
        };
        Err(Error::from(Failure::Refused(format!("the topic `{}` {why}", topic.escape_debug()))))
    }

    /// The group of those who pull; or of subscribers, whose name is in the code and so stands behind the prefix, too.
    pub(super) fn group(&self, of_subscribers: Option<&str>) -> String {
        of_subscribers.map_or_else(|| self.group.to_string(), |group| format!("{}{group}", self.prefix))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use super::*;

    #[test]
    fn a_topic_is_the_name_behind_the_prefix() {
        let names = Names::new(Some("shop"), "mailer");
        assert_eq!(names.topic("orders.placed").unwrap(), "shop.orders.placed");
        assert_eq!(Names::new(None, "mailer").topic("emails").unwrap(), "emails");
        assert_eq!((names.group(None).as_str(), names.group(Some("audit")).as_str()), ("mailer", "shop.audit"));
    }

    #[test]
    fn what_is_no_topic_says_why() {
        let names = Names::new(None, "mailer");
        let why = |name: &str| format!("{:#}", names.topic(name).unwrap_err());
        assert!(why("").contains("the topic `` is none"));
        assert!(why("e mails").contains("the topic `e mails` has other characters than"));
        assert!(why(&"x".repeat(250)).contains("longer than the 249"));
    }
}
