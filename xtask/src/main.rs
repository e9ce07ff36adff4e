//! The chores of the repository: `cargo xtask help` lists them.

mod bench;
mod dependencies;
mod docs;
mod features;
mod machine;
mod more;
mod step;
mod test;
mod workspace;

use std::process::ExitCode;

const HELP: &str = "\
cargo xtask test [--quick]   everything that must hold before a change lands; --quick leaves out what takes minutes
cargo xtask bench [GROUP]…   how fast and how small; groups: http, start, stop, resources, timers,
                             compile, meters, canonical, settings, etcd,
                             messaging, amqp, kafka, zmq
cargo xtask soak [ROUNDS]    SIGTERM at random moments under load, 200 times
cargo xtask soak amqp [ROUNDS]  RabbitMQ killed and cut off, and services at it killed and stopped, 100 times; needs RabbitMQ
cargo xtask soak kafka [ROUNDS]  a Kafka cluster that goes and answers with errors, a broker that is killed, and services killed
                             and stopped, 100 times, and who is let in; compiles that broker first, for half an hour
cargo xtask soak leaders [ROUNDS]  leaders killed, paused, cut off and stopped, 100 times; needs etcd
cargo xtask soak outage [SECONDS]  etcd away for 60 s while files of settings change; needs etcd
cargo xtask fuzz [ROUNDS]    settings files and requests that nobody would write, 100000 of each
cargo xtask docs             writes docs/settings-reference.md anew, from the structs of settings
cargo xtask setup            installs or finds the tools that the tests use
cargo xtask dependencies     licences, banned and doubled crates
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match words.as_slice() {
        ["test"] => test::run(test::Extent::Everything),
        ["test", "--quick"] => test::run(test::Extent::Quick),
        ["setup"] => machine::prepare(),
        ["bench", groups @ ..] => bench::run(groups),
        ["soak"] => more::soak("200"),
        ["soak", "amqp"] => more::amqp("100"),
        ["soak", "amqp", rounds] => more::amqp(rounds),
        ["soak", "kafka"] => more::kafka("100"),
        ["soak", "kafka", rounds] => more::kafka(rounds),
        ["soak", "leaders"] => more::leaders("100"),
        ["soak", "leaders", rounds] => more::leaders(rounds),
        ["soak", "outage"] => more::outage("60"),
        ["soak", "outage", seconds] => more::outage(seconds),
        ["soak", rounds] => more::soak(rounds),
        ["fuzz"] => more::fuzz("100000"),
        ["fuzz", rounds] => more::fuzz(rounds),
        ["docs"] => docs::write(),
        ["dependencies"] => dependencies::check(),
        ["help" | "--help" | "-h"] | [] => {
            print!("{HELP}");
            Ok(())
        }
        _ => {
            eprintln!("xtask: unknown command `{}`\n\n{HELP}", words.join(" "));
            return ExitCode::from(64);
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("xtask: {problem}");
            ExitCode::FAILURE
        }
    }
}
