//! SIGTERM at random moments under load: no client that respects `Connection: close` sees a failed request.

use std::{
    io,
    net::SocketAddr,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    thread,
    time::{Duration, Instant},
};

use chassis_tests::{Client, Program, free_port};

/// How many requests a second all clients together send.
const RATE: u64 = 2000;
const CLIENTS: u64 = 16;

/// What the clients of one round saw.
#[derive(Default)]
struct Seen {
    answered: AtomicUsize,
    failed: AtomicUsize,
    is_stopping: AtomicBool,
    is_over: AtomicBool,
}

/// Sends requests at a steady rate on kept connections until a new connection is refused.
fn client(address: SocketAddr, seen: &Seen, number: u64) {
    let pause = Duration::from_micros(1_000_000 * CLIENTS / RATE);
    let mut connection: Option<Client> = None;
    let mut sent = number;
    let mut due = Instant::now() + pause.mul_f64(number as f64 / CLIENTS as f64);
    while !seen.is_over.load(Ordering::Acquire) {
        thread::sleep(due.saturating_duration_since(Instant::now()));
        due += pause;
        let (mut client, is_new) = match connection.take() {
            Some(client) => (client, false),
            None => match Client::connect(address) {
                Ok(client) => (client, true),
                // The listener is closed: a new connection may be refused.
                Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => return,
                Err(_) => {
                    seen.failed.fetch_add(1, Ordering::Relaxed);
                    return;
                }
            },
        };
        sent += 1;
        // One in ten writes.
        let answer = match sent % 10 {
            0 => client.send("POST", "/tasks", &[], r#"{"title": "stop"}"#),
            _ => client.send("GET", "/tasks/0123456789abcdef0123456789abcdef", &[], ""),
        };
        match answer {
            Ok(answer) if matches!(answer.status, 201 | 404) => {
                seen.answered.fetch_add(1, Ordering::Relaxed);
                let closes = answer.headers.iter().any(|(name, value)| name == "connection" && value == "close");
                if !closes {
                    connection = Some(client);
                }
            }
            // A connection that nobody accepted before the listener closed is reset by the system: also refused.
            Err(error)
                if is_new
                    && seen.is_stopping.load(Ordering::Acquire)
                    && matches!(error.kind(), io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe) =>
            {
                return;
            }
            _ => {
                seen.failed.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
}

#[test]
fn no_request_fails_when_the_service_is_told_to_stop() {
    let rounds: u32 = std::env::var("CHASSIS_SOAK_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(20);
    let (mut answered, mut expected) = (0, 0.0);
    for round in 0..rounds {
        let port = free_port();
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        let mut todo =
            Program::example("todo").set("resources.http.port", port).set("resources.status.port", free_port()).start();
        todo.port(port);
        let seen = Seen::default();
        let exit = thread::scope(|scope| {
            for number in 0..CLIENTS {
                let seen = &seen;
                scope.spawn(move || client(address, seen, number));
            }
            // Anywhere in the first half second, the same way in every run.
            let until_stop = Duration::from_millis(50 + u64::from(round) * 137 % 450);
            thread::sleep(until_stop);
            expected += until_stop.as_secs_f64() * RATE as f64;
            seen.is_stopping.store(true, Ordering::Release);
            todo.terminate();
            let exit = todo.wait();
            seen.is_over.store(true, Ordering::Release);
            exit
        });
        let failed = seen.failed.load(Ordering::Relaxed);
        assert_eq!(failed, 0, "round {round}: {failed} requests failed");
        assert_eq!(exit.code, Some(0), "round {round}:\n{}", exit.stdout);
        assert!(exit.took < Duration::from_secs(5), "round {round}: the stop took {:?}", exit.took);
        answered += seen.answered.load(Ordering::Relaxed);
    }
    // On a machine that is busy with other tests, clients and server fall behind.
    let share = answered as f64 / expected;
    println!("{answered} answers in {rounds} rounds, {:.0} % of {RATE} a second", share * 100.0);
    assert!(share > 0.25, "the load was real: {answered} answers of {expected:.0}");
}
