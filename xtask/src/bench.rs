//! How fast and how small: builds the programs, then hands over to the `benches` package.

use crate::{machine, step::Step, workspace};

/// The groups of the `benches` package, which start whole programs.
const OF_PROGRAMS: [&str; 6] = ["http", "start", "stop", "resources", "timers", "compile"];
/// The groups that are benchmarks of the crate itself.
const OF_THE_CRATE: [&str; 5] = ["meters", "canonical", "settings", "messaging", "etcd"];

/// The groups that are benchmarks of brokers, beside the servers of the tests; with the feature each needs.
const OF_BROKERS: [(&str, &str); 3] = [("amqp", ""), ("kafka", "--features kafka"), ("zmq", "--features zeromq")];

/// Prints the tables of the groups that are named, or all of them.
///
/// # Errors
///
/// When a group is not known, something does not compile or a program does not work.
pub(crate) fn run(groups: &[&str]) -> Result<(), String> {
    let all = || OF_PROGRAMS.into_iter().chain(OF_THE_CRATE).chain(OF_BROKERS.map(|(group, _)| group));
    let is_known = |group: &str| all().any(|known| known == group);
    if let Some(unknown) = groups.iter().find(|group| !is_known(group)) {
        return Err(format!("no group `{unknown}`; the groups are {}", all().collect::<Vec<_>>().join(", ")));
    }
    let is_wanted = |group: &&str| groups.is_empty() || groups.contains(group);
    for group in OF_THE_CRATE.into_iter().filter(is_wanted) {
        // What needs `protoc` to build is built for its own group only.
        let features = if group == "etcd" { "etcd" } else { "full" };
        let bench = Step::cargo(group, "bench --quiet --locked --package chassis");
        bench.words(&format!("--features {features} --bench")).arg(group).shown().run()?;
    }
    for (group, feature) in OF_BROKERS.into_iter().filter(|(group, _)| is_wanted(group)) {
        let mut bench = Step::cargo(group, "bench --quiet --locked --package chassis-tests --no-default-features");
        if let Some(broker) = machine::compiled_kafka_broker() {
            bench = bench.env("CHASSIS_TANSU", broker);
        }
        bench.words(feature).words("--bench").arg(group).shown().run()?;
    }
    let wanted: Vec<&str> = OF_PROGRAMS.into_iter().filter(is_wanted).collect();
    if wanted.is_empty() {
        return Ok(());
    }
    Step::cargo("build", "build --quiet --locked --profile bench --package benches").run()?;
    if wanted.contains(&"start") {
        // On its own, with the features that a user's quickstart has.
        let build = "build --quiet --locked --profile bench --package examples --example quickstart";
        Step::cargo("build quickstart", build).run()?;
    }
    let bench = Step::new("bench", workspace::target().join("release/benches"));
    bench.words(&wanted.join(" ")).shown().run()
}
