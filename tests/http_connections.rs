//! Connections of a service as its clients see them: at a stop, at limits, over TLS, under attack.

#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::{
    fs,
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    path::Path as FilePath,
    thread,
    time::{Duration, Instant},
};

use chassis::{
    http_server::{ClientCertificate, TlsInfo},
    prelude::*,
    settings::Dict,
};
use chassis_tests::{Client, Program, Running, free_port, no_leaks, tool};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustix::process::{Pid, Resource as Limit, Rlimit, prlimit};
use tokio::process::Command;

/// The to-do service as a process.
fn todo() -> (Running, SocketAddr) {
    todo_with(&[])
}

fn todo_with(settings: &[(&str, &str)]) -> (Running, SocketAddr) {
    let port = free_port();
    let program = Program::example("todo").set("resources.http.port", port).set("resources.status.port", free_port());
    let mut todo = settings.iter().fold(program, |program, (key, value)| program.set(key, value)).start();
    todo.port(port);
    (todo, SocketAddr::from(([127, 0, 0, 1], port)))
}

#[test]
fn a_service_without_connections_stops_at_once() {
    let (todo, _) = todo();
    todo.terminate();
    let exit = todo.wait();
    assert_eq!(exit.code, Some(0), "{}", exit.stdout);
    // 20 ms are aimed at; a debug build on a machine at work gets more.
    assert!(exit.took < Duration::from_millis(500), "{:?}", exit.took);
}

#[test]
fn a_kept_connection_is_told_before_it_is_closed() {
    // Long enough for a client on the busiest machine.
    let (todo, address) = todo_with(&[("resources.http.connections.idle_hold", "5s")]);
    let mut client = Client::connect(address).unwrap();
    assert_eq!(client.send("GET", "/tasks", &[], "").unwrap().header("connection"), None);
    todo.terminate();
    thread::sleep(Duration::from_millis(20));
    let answer = client.send("GET", "/tasks", &[], "").unwrap();
    assert_eq!((answer.status, answer.header("connection")), (200, Some("close")));
    assert!(client.is_closed(Duration::from_secs(5)));
    assert_eq!(todo.wait().code, Some(0));
}

#[test]
fn a_silent_kept_connection_does_not_hold_up_a_stop() {
    let (todo, address) = todo();
    let mut client = Client::connect(address).unwrap();
    client.send("GET", "/tasks", &[], "").unwrap();
    todo.terminate();
    let exit = todo.wait();
    assert_eq!(exit.code, Some(0));
    assert!(exit.took < Duration::from_secs(1), "{:?}", exit.took);
    assert!(client.is_closed(Duration::from_secs(5)));
}

#[test]
fn a_service_without_file_descriptors_says_so_once_and_goes_on_later() {
    let (todo, address) = todo();
    // By then it has asked for as many descriptors as it may have; what is set now stays.
    todo.line("running, started");
    let pid = Pid::from_raw(i32::try_from(todo.id()).unwrap());
    let open = fs::read_dir(format!("/proc/{}/fd", todo.id())).unwrap().count() as u64;
    let limit = |current| Rlimit { current: Some(current), maximum: Some(20_000) };
    prlimit(pid, Limit::Nofile, limit(open + 3)).unwrap();
    let mut clients: Vec<_> = (0..10).map(|_| Client::connect(address).unwrap()).collect();
    let line = todo.line("cannot accept connections");
    assert!(line.contains("Too many open files"), "{line}");
    // Those it has are served.
    assert_eq!(clients[0].send("GET", "/tasks", &[], "").unwrap().status, 200);
    prlimit(pid, Limit::Nofile, limit(10_000)).unwrap();
    for client in &mut clients {
        assert_eq!(client.send("GET", "/tasks", &[], "").unwrap().status, 200);
    }
    todo.line("accepts connections again");
    todo.terminate();
    let exit = todo.wait();
    assert_eq!(exit.code, Some(0));
    let is_told = |line: &&str| line.contains("ERROR") && line.contains("cannot accept connections");
    assert_eq!(exit.stdout.lines().filter(is_told).count(), 1, "{}", exit.stdout);
}

#[test]
fn garbage_and_half_requests_hold_up_nobody() {
    let (todo, address) = todo();
    let mut hostile = Vec::new();
    for garbage in [
        &b"\0\xff\xfe garbage\r\n\r\n"[..],
        b"GET / HTTP/1.1\r\nhost: a\r\nx-slow: ",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0",
    ] {
        for _ in 0..50 {
            let mut stream = TcpStream::connect(address).unwrap();
            stream.write_all(garbage).unwrap();
            hostile.push(stream);
        }
    }
    let answer = Client::once(address, "GET", "/tasks", "").unwrap();
    assert_eq!(answer.status, 200);
    let mut bare = String::new();
    hostile[0].read_to_string(&mut bare).unwrap();
    assert!(bare.starts_with("HTTP/1.1 400 "), "{bare}");
    let begun = Instant::now();
    drop(hostile);
    todo.terminate();
    assert_eq!(todo.wait().code, Some(0));
    assert!(begun.elapsed() < Duration::from_secs(5));
}

#[test]
fn an_address_in_use_ends_the_start_with_69() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let exit = Program::example("todo")
        .set("resources.http.port", address.port())
        .set("resources.status.port", free_port())
        .run();
    assert_eq!(exit.code, Some(69), "{}{}", exit.stdout, exit.stderr);
    let told = exit.stdout + &exit.stderr;
    for part in [&address.to_string(), "in use", "system.resources.http.port"] {
        assert!(told.contains(part), "{told}");
    }
    assert!(exit.took < Duration::from_secs(5), "not tried again: {:?}", exit.took);
}

/// Says who asks.
#[microservice(name = "whoami")]
struct WhoAmI {
    #[resource]
    http: HttpServer,
}

#[microservice]
impl WhoAmI {
    #[get("/")]
    async fn me(&self, client: ClientCertificate) -> String {
        client.subject.to_string()
    }

    #[get("/tls")]
    async fn tls(&self, tls: Option<TlsInfo>) -> String {
        tls.map_or("none".to_owned(), |tls| format!("{} {}", tls.version, tls.server_name.unwrap_or_default()))
    }
}

/// An authority with a server's and a client's certificate, as PEM files.
fn certificates(folder: &FilePath) {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(DnType::CommonName, "authority");
    fs::write(folder.join("ca.pem"), params.self_signed(&key).unwrap().pem()).unwrap();
    let authority = Issuer::new(params, key);
    for name in ["server", "client"] {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        let certificate = params.signed_by(&key, &authority).unwrap();
        fs::write(folder.join(format!("{name}.pem")), certificate.pem()).unwrap();
        fs::write(folder.join(format!("{name}.key")), key.serialize_pem()).unwrap();
    }
}

#[test]
fn a_client_of_others_speaks_to_it_by_tls_and_either_version_of_http() {
    let Some(curl) = tool("curl") else { return };
    no_leaks(async move {
        let folder = tempfile::tempdir().unwrap();
        certificates(folder.path());
        let path = |name: &str| folder.path().join(name).display().to_string();
        let settings = Dict::new()
            .set("resources.http.port", 0)
            .set("resources.http.tls.certificate", path("server.pem"))
            .set("resources.http.tls.key", path("server.key"))
            .set("resources.http.tls.client_ca", path("ca.pem"))
            .set("resources.http.tls.client_auth", "optional");
        let running = WhoAmI::builder().settings(settings).start().await.unwrap();
        let port = running.service().http.address().unwrap().port();
        let ask = async |page: &str, arguments: &[&str]| {
            let url = format!("https://localhost:{port}{page}");
            let asked = Command::new(&curl)
                .args(["--silent", "--max-time", "20", "--write-out", " %{http_code} %{http_version}", "--resolve"])
                .args([&format!("localhost:{port}:127.0.0.1"), "--cacert", &path("ca.pem"), &url])
                .args(arguments)
                .output();
            String::from_utf8(asked.await.unwrap().stdout).unwrap()
        };
        assert_eq!(ask("/tls", &[]).await, "TLSv1_3 localhost 200 2");
        assert_eq!(ask("/tls", &["--http1.1", "--tls-max", "1.2"]).await, "TLSv1_2 localhost 200 1.1");
        let refused = ask("/", &[]).await;
        assert!(refused.contains("this needs a client certificate") && refused.ends_with(" 403 2"), "{refused}");
        let (certificate, key) = (path("client.pem"), path("client.key"));
        assert_eq!(ask("/", &["--cert", &certificate, "--key", &key]).await, "CN=client 200 2");
        running.stop().await.unwrap();
    });
}

#[test]
fn clear_text_speaks_http_2_to_those_who_know() {
    let Some(curl) = tool("curl") else { return };
    no_leaks(async move {
        let running = WhoAmI::builder().settings(Dict::new().set("resources.http.port", 0)).start().await.unwrap();
        let url = format!("http://{}/tls", running.service().http.address().unwrap());
        for (argument, version) in [("--http2-prior-knowledge", "2"), ("--http1.1", "1.1"), ("--http1.0", "1.1")] {
            let asked = Command::new(&curl).args(["-s", "-w", " %{http_version}", argument, &url]).output();
            let answer = String::from_utf8(asked.await.unwrap().stdout).unwrap();
            let version = if argument == "--http1.0" { "1" } else { version };
            assert_eq!(answer, format!("none {version}"));
        }
        running.stop().await.unwrap();
    });
}
