//! From SIGTERM to the exit.

use std::{
    error::Error,
    io::{self, Read, Write},
    net::TcpStream,
    thread,
    time::Duration,
};

use crate::{
    program::Program,
    sample::{Samples, Target, row, title},
};

const IN_FLIGHT: usize = 1_000;

/// Prints the rows about stopping.
///
/// # Errors
///
/// When a program does not work.
pub(crate) fn measure(rounds: u32) -> Result<(), Box<dyn Error>> {
    let (mut idle, mut busy, mut failed) = (Samples::default(), Samples::default(), Samples::default());
    for _ in 0..rounds {
        let (took, code) = Program::start_service("service")?.terminate()?;
        if code != Some(0) {
            return Err(format!("the service ended with {code:?} after SIGTERM").into());
        }
        idle.push(took.as_secs_f64() * 1e3);
        let (took, failures) = stop_under_load()?;
        busy.push(took.as_secs_f64() * 1e3);
        failed.push(failures as f64);
    }
    title(&format!("SIGTERM to exit, {rounds} rounds"));
    row("idle, ms", &idle, Target::AtMost(20.0));
    row("1,000 requests of 200 ms in flight, ms", &busy, Target::AtMost(400.0));
    row("1,000 requests of 200 ms in flight, failed", &failed, Target::AtMost(0.0));
    Ok(())
}

/// The time to the exit, and how many requests were not answered with 200.
fn stop_under_load() -> Result<(Duration, usize), Box<dyn Error>> {
    let program = Program::start_service("service")?;
    let mut connections = Vec::with_capacity(IN_FLIGHT);
    for _ in 0..IN_FLIGHT {
        let mut stream = TcpStream::connect(program.address)?;
        stream.set_read_timeout(Some(Duration::from_secs(10)))?;
        // Accepted for certain, once something was answered.
        ask(&mut stream, "/orders/1")?;
        is_answered(&mut stream)?;
        connections.push(stream);
    }
    for stream in &mut connections {
        ask(stream, "/slow")?;
    }
    thread::sleep(Duration::from_millis(50));
    let stopping = thread::spawn(move || program.terminate());
    let failed = connections.iter_mut().filter_map(|stream| is_answered(stream).err());
    let failed = failed.inspect(|error| eprintln!("a request failed: {error}")).count();
    let (took, _) = stopping.join().map_err(|_| "the thread that waits for the exit panicked")??;
    Ok((took, failed))
}

fn ask(stream: &mut TcpStream, target: &str) -> io::Result<()> {
    stream.write_all(format!("GET {target} HTTP/1.1\r\nhost: localhost\r\n\r\n").as_bytes())
}

/// Reads what an answer of at most one packet is.
fn is_answered(stream: &mut TcpStream) -> io::Result<()> {
    let mut answer = [0; 4096];
    let length = loop {
        match stream.read(&mut answer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            read => break read?,
        }
    };
    if answer[..length].starts_with(b"HTTP/1.1 200") {
        return Ok(());
    }
    let answer = String::from_utf8_lossy(&answer[..length]);
    Err(io::Error::other(format!("unexpected answer: {answer:?}")))
}
