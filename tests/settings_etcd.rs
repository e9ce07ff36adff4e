//! Settings in etcd, by real servers: read at the start, followed, and survived.
#![allow(clippy::unwrap_used, reason = "a test")]

use std::{
    thread,
    time::{Duration, Instant},
};

use chassis::settings::{Etcd, Problems, Source, Tree};
use chassis_tests::{EtcdServer, no_leaks};

/// A tree from one source, read again whenever somebody looks.
struct Looked {
    sources: Vec<Box<dyn Source>>,
}

impl Looked {
    fn at(source: Etcd) -> Self {
        Self { sources: vec![Box::new(source)] }
    }

    fn tree(&self) -> (Tree, Problems) {
        let mut problems = Problems::new();
        let tree = Tree::merge(&self.sources, "orders", &mut problems);
        (tree, problems)
    }

    /// The value and the origin of a number.
    fn number(&self, section: &str, key: &str) -> Option<(u64, String)> {
        let (tree, mut problems) = self.tree();
        let origin = tree.section(section).section(key).origin().to_string();
        let value = tree.section(section).setting::<Option<u64>>(key, Some(|| None), &mut problems).flatten();
        assert!(problems.is_empty(), "{problems}");
        value.map(|value| (value, origin))
    }

    fn value(&self, section: &str, key: &str) -> Option<u64> {
        self.number(section, key).map(|(value, _)| value)
    }

    /// Waits until the number is that.
    fn becomes(&self, section: &str, key: &str, value: Option<u64>) {
        let deadline = Instant::now() + Duration::from_secs(20);
        while self.value(section, key) != value {
            assert!(Instant::now() < deadline, "{section}.{key} is {:?}, not {value:?}", self.value(section, key));
            thread::sleep(Duration::from_millis(5));
        }
    }
}

#[test]
fn the_tree_below_the_prefix_is_read_and_followed() {
    let Some(server) = EtcdServer::start() else { return };
    server.put("/system/resources/http/port", "8080");
    server.put("/systems/resources/http/port", "1");
    let looked = Looked::at(Etcd::new([server.url()]));
    let revision = server.revision();
    let origin = format!("etcd /system/resources/http/port rev {}", revision - 1);
    assert_eq!(looked.number("resources.http", "port"), Some((8080, origin)));

    server.put("/system/resources/http/port", "8081");
    looked.becomes("resources.http", "port", Some(8081));
    server.delete("/system/resources/http/port");
    looked.becomes("resources.http", "port", None);
}

#[test]
fn a_source_leaves_nothing_behind() {
    let Some(server) = EtcdServer::start() else { return };
    server.put("/system/a/b", "1");
    no_leaks(async {
        let looked = Looked::at(Etcd::new([server.url()]));
        assert_eq!(looked.value("a", "b"), Some(1));
    });
}
