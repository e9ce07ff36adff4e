//! From the start to the first answer, the memory of an idle program, the size of its binary.

use std::{
    error::Error,
    fs, io,
    io::{Read, Write},
    net::TcpStream,
    path::Path,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use crate::{
    program::{self, Program},
    sample::{Samples, Target, row, title},
};

const MEGABYTE: f64 = 1024.0 * 1024.0;

/// Prints the rows about starting.
///
/// # Errors
///
/// When a program does not work.
pub(crate) fn compare(rounds: u32) -> Result<(), Box<dyn Error>> {
    let (mut raw, mut empty) = (Samples::default(), Samples::default());
    for _ in 0..rounds {
        raw.push(until_ready("raw", &["--listen", "ADDRESS"])?);
        empty.push(until_ready("empty", &["--set=resources.status.port=PORT"])?);
    }
    let (mut raw_memory, mut memory) = (Samples::default(), Samples::default());
    for _ in 0..3 {
        raw_memory.push(idle_memory(Program::start("raw")?)?);
        memory.push(idle_memory(Program::start_service("service")?)?);
    }
    title(&format!("start, {rounds} rounds; memory, 3 rounds"));
    row("raw axum: start to the first 200, ms", &raw, Target::None);
    row("chassis, no resource: start to /readyz 200, ms", &empty, Target::None);
    row("chassis - raw axum, ms", &empty.difference(&raw), Target::AtMost(3.0));
    row("raw axum: idle memory, MB", &raw_memory, Target::None);
    row("chassis with an HTTP server: idle memory, MB", &memory, Target::AtMost(8.0));
    row("raw axum: stripped binary, MB", &Samples::from_iter([stripped_size(&program::path("raw")?)?]), Target::None);
    let quickstart = program::path("examples/quickstart")?;
    row("quickstart: stripped binary, MB", &Samples::from_iter([stripped_size(&quickstart)?]), Target::AtMost(12.0));
    Ok(())
}

/// Milliseconds from the start of the process to the first answer with 200.
fn until_ready(name: &str, arguments: &[&str]) -> io::Result<f64> {
    let address = program::free_address()?;
    let filled = |argument: &&str| {
        argument.replace("ADDRESS", &address.to_string()).replace("PORT", &address.port().to_string())
    };
    let mut command = Command::new(program::path(name)?);
    command.args(arguments.iter().map(filled)).stdin(Stdio::null()).stdout(Stdio::null());
    let began = Instant::now();
    let mut child = command.spawn()?;
    let ready = loop {
        if is_ready(address).is_ok_and(|is_ready| is_ready) {
            break Ok(began.elapsed().as_secs_f64() * 1e3);
        }
        if began.elapsed() > Duration::from_secs(10) {
            break Err(io::Error::other(format!("`{name}` is not ready after 10 s")));
        }
        thread::sleep(Duration::from_micros(50));
    };
    child.kill()?;
    child.wait()?;
    ready
}

fn is_ready(address: std::net::SocketAddr) -> io::Result<bool> {
    let mut stream = TcpStream::connect(address)?;
    stream.write_all(b"GET /readyz HTTP/1.1\r\nhost: localhost\r\n\r\n")?;
    let mut answer = [0; 12];
    stream.read_exact(&mut answer)?;
    Ok(&answer == b"HTTP/1.1 200")
}

/// Megabytes, a while after the start: by then what only the start needed has been given back.
fn idle_memory(program: Program) -> io::Result<f64> {
    thread::sleep(Duration::from_secs(2));
    Ok(program.resident()? as f64 / MEGABYTE)
}

fn stripped_size(program: &Path) -> io::Result<f64> {
    let stripped = program.with_extension("stripped");
    let status = Command::new("strip").arg("-o").arg(&stripped).arg(program).status()?;
    if !status.success() {
        return Err(io::Error::other(format!("strip {}: {status}", program.display())));
    }
    Ok(fs::metadata(stripped)?.len() as f64 / MEGABYTE)
}
