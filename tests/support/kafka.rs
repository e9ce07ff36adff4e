//! Kafka clusters in this process, on real ports: librdkafka's mock of one.

#![allow(
    unsafe_code,
    reason = "how long a group waits for its first members is not offered by the Rust half of the client"
)]

use std::time::Duration;

use rdkafka::{
    ClientConfig,
    bindings::{rd_kafka_handle_mock_cluster, rd_kafka_mock_group_initial_rebalance_delay_ms},
    mocking::MockCluster,
    producer::{BaseProducer, DefaultProducerContext, Producer as _},
};

/// A cluster; it is gone with this.
pub struct KafkaCluster(BaseProducer);

/// How long a group waits for more members before its first one begins. Real clusters take 3 s.
const FIRST_MEMBERS: Duration = Duration::from_millis(100);

impl KafkaCluster {
    /// A cluster of that many brokers, with four partitions for each topic.
    ///
    /// # Panics
    ///
    /// When it does not start.
    pub fn start(brokers: usize) -> Self {
        let mut config = ClientConfig::new();
        config.set("test.mock.num.brokers", brokers.to_string());
        let client: BaseProducer = config.create().unwrap_or_else(|error| panic!("no cluster: {error}"));
        // SAFETY: the client is alive, and was made with a cluster of its own, which lives as long as the client does.
        unsafe {
            let cluster = rd_kafka_handle_mock_cluster(client.client().native_ptr());
            assert!(!cluster.is_null(), "no cluster");
            rd_kafka_mock_group_initial_rebalance_delay_ms(cluster, FIRST_MEMBERS.as_millis() as i32);
        }
        Self(client)
    }

    /// What injects faults.
    ///
    /// # Panics
    ///
    /// Never: the cluster was there at the start.
    pub fn mock(&self) -> MockCluster<'_, DefaultProducerContext> {
        self.0.client().mock_cluster().unwrap_or_else(|| panic!("no cluster"))
    }

    /// Where its brokers are.
    pub fn servers(&self) -> String {
        self.mock().bootstrap_servers()
    }
}
