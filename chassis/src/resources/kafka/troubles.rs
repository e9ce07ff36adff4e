//! What is wrong with the brokers of a cluster, as the client tells it.

use std::collections::{BTreeMap, HashMap};

use rdkafka::{statistics::Broker, types::RDKafkaErrorCode as Code};

/// What is wrong with the brokers of a cluster.
///
/// The client tells it of one broker at a time, not again as long as it is the same, and not at all of one that hangs up.
/// Once none is reached it says of how many there are.
#[derive(Debug, Default)]
pub(super) struct Troubles {
    /// Whether what was last told of a broker is a refusal, by the broker's name.
    refusals: BTreeMap<Box<str>, bool>,
    last: Option<Box<str>>,
    /// How many brokers there are, while none is reached.
    down: Option<usize>,
}

impl Troubles {
    /// Something is wrong with a broker.
    pub(super) fn hear(&mut self, code: Option<Code>, why: &str) {
        self.last = Some(why.into());
        // Others, such as `GroupCoordinator`, are one of these by another name.
        if let Some((broker, _)) = why.split_once(": ").filter(|(name, _)| name.contains('/')) {
            self.refusals.insert(broker.into(), code.is_some_and(|code| is_refusal(code, why)));
        }
    }

    /// None of the brokers is reached: `2/2 brokers are down`.
    pub(super) fn hear_all(&mut self, why: &str) {
        let count = why.split_once('/').and_then(|(_, rest)| rest.split(' ').next());
        self.down = count.and_then(|count| count.parse().ok());
    }

    /// One of the brokers is reached.
    pub(super) fn reached(&mut self) {
        (self.last, self.down) = (None, None);
    }

    /// Looks at all brokers, as the client counts them, and forgets those that are up or gone. Whether the cluster is reached.
    pub(super) fn look(&mut self, brokers: &HashMap<String, Broker>) -> bool {
        let is_up = |broker: &Broker| broker.state == "UP";
        self.refusals.retain(|name, _| brokers.get(&**name).is_some_and(|broker| !is_up(broker)));
        // The connection to the group's coordinator, which counts for none, may outlive those that are refused.
        brokers.values().any(is_up) && !self.is_refusal()
    }

    /// What was last told, unless the cluster was reached since then.
    pub(super) fn last(&self) -> Option<&str> {
        self.last.as_deref()
    }

    /// Whether all brokers are there, and each refuses this service or is refused by it: somebody has to mend that.
    pub(super) fn is_refusal(&self) -> bool {
        let refuse_all = |count| self.refusals.len() >= count && self.refusals.values().all(|is_refusal| *is_refusal);
        self.down.is_some_and(refuse_all)
    }
}

/// Whether somebody has to mend what is wrong, for waiting alone helps nothing.
fn is_refusal(code: Code, why: &str) -> bool {
    let says = |any: &[&str]| any.iter().any(|words| why.contains(words));
    match code {
        // Some of what happens to the connection meanwhile is told with these codes, too.
        Code::SSL => !says(&["SSL transport error", "alert internal error", "No further error"]),
        Code::Authentication => !says(&["failed: Local: ", "Disconnected"]),
        // What the peer says of our certificate comes after the handshake.
        _ => why.contains(" alert ") && says(&["certificate", "unknown ca", "access denied"]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REFUSED: (Code, &str) = (Code::Authentication, "SASL authentication error: Authentication failed");
    const AWAY: (Code, &str) = (Code::BrokerTransportFailure, "Connect to ipv4#127.0.0.1:9092 failed: refused");

    fn hear(troubles: &mut Troubles, broker: &str, (code, why): (Code, &str)) {
        troubles.hear(Some(code), &format!("{broker}: {why}"));
    }

    fn brokers(states: &[(&str, &str)]) -> HashMap<String, Broker> {
        let broker = |state: &str| Broker { state: state.to_owned(), ..Broker::default() };
        states.iter().map(|(name, state)| ((*name).to_owned(), broker(state))).collect()
    }

    #[test]
    fn one_that_refuses_is_not_all_of_them() {
        let mut troubles = Troubles::default();
        hear(&mut troubles, "a:9092/1", REFUSED);
        assert!(!troubles.is_refusal(), "the other one was not heard of");
        hear(&mut troubles, "b:9092/2", AWAY);
        troubles.hear_all("2/2 brokers are down");
        assert!(!troubles.is_refusal(), "the other one may come back, and be another one");
        hear(&mut troubles, "a:9092/1", REFUSED);
        assert!(!troubles.is_refusal(), "of the other one there was nothing new to be told");
        hear(&mut troubles, "b:9092/2", REFUSED);
        assert!(troubles.is_refusal());
    }

    #[test]
    fn one_that_is_not_told_of_refuses_nobody() {
        let mut troubles = Troubles::default();
        hear(&mut troubles, "b:9092/2", REFUSED);
        troubles.reached();
        troubles.hear_all("2/2 brokers are down");
        assert!(!troubles.is_refusal(), "the one that was reached has hung up");
    }

    #[test]
    fn what_a_broker_was_before_it_was_there_is_forgotten() {
        let mut troubles = Troubles::default();
        hear(&mut troubles, "a:9092/1", AWAY);
        troubles.hear_all("1/1 brokers are down");
        assert_eq!((troubles.is_refusal(), troubles.last().is_some()), (false, true));
        assert!(troubles.look(&brokers(&[("a:9092/1", "UP")])));
        troubles.reached();
        assert_eq!(troubles.last(), None);
        hear(&mut troubles, "a:9092/bootstrap", REFUSED);
        assert!(!troubles.is_refusal(), "what all brokers said is over");
        troubles.hear_all("1/1 brokers are down");
        assert!(troubles.is_refusal());
    }

    #[test]
    fn a_coordinator_that_is_still_there_is_not_the_cluster() {
        let mut troubles = Troubles::default();
        hear(&mut troubles, "a:9092/1", REFUSED);
        troubles.hear_all("1/1 brokers are down");
        assert!(!troubles.look(&brokers(&[("a:9092/1", "AUTH"), ("GroupCoordinator", "UP")])));
        assert!(troubles.is_refusal() && troubles.last().is_some());
        assert!(troubles.look(&brokers(&[("a:9092/1", "UP"), ("GroupCoordinator", "UP")])));
        assert!(!troubles.is_refusal());
    }

    #[test]
    fn a_broker_by_another_name_is_no_other_broker() {
        let mut troubles = Troubles::default();
        hear(&mut troubles, "a:9092/1", REFUSED);
        hear(&mut troubles, "GroupCoordinator: a:9092", AWAY);
        troubles.hear_all("1/1 brokers are down");
        assert!(troubles.is_refusal());
    }

    #[test]
    fn without_a_word_of_any_broker_there_is_no_refusal() {
        let mut troubles = Troubles::default();
        troubles.hear(Some(Code::Resolve), "no host");
        for why in ["1/1 brokers are down", "No brokers configured"] {
            troubles.hear_all(why);
            assert_eq!((troubles.is_refusal(), troubles.last()), (false, Some("no host")));
        }
    }

    #[test]
    fn what_waiting_does_not_mend_is_told_from_what_it_does() {
        use Code::{Authentication, BrokerTransportFailure, Resolve, SSL};
        for (code, why, expected) in [
            (SSL, "SSL handshake failed: error:0A000086: certificate verify failed", true),
            (BrokerTransportFailure, "Receive failed: error:0A00045C: tlsv13 alert certificate required", true),
            (BrokerTransportFailure, "Receive failed: error:0A000418: tlsv1 alert unknown ca", true),
            (BrokerTransportFailure, "SSL handshake failed: Disconnected", false),
            (BrokerTransportFailure, "certificates:9092/1: Connect to ipv4#127.0.0.1:9092 failed: refused", false),
            (SSL, "SSL handshake failed: SSL transport error: Broken pipe", false),
            (SSL, "SSL handshake failed: error:0A000438: tlsv1 alert internal error", false),
            (BrokerTransportFailure, "Connect to ipv4#127.0.0.1:9092 failed: Connection refused", false),
            (Authentication, "SASL authentication error: Authentication failed", true),
            (Authentication, "SASL PLAIN mechanism handshake failed: Local: Broker transport failure", false),
            (Authentication, "SASL PLAIN mechanism handshake failed: Local: Timed out", false),
            (Authentication, "Disconnected: hung up from peer in state AUTH_LEGACY", false),
            (Resolve, "Failed to resolve 'nowhere:9092'", false),
        ] {
            assert_eq!(is_refusal(code, why), expected, "{why}");
        }
    }
}
