//! CPU of the server's thread per request, against `axum::serve`; run by hand:
//! `cargo test --release -p chassis --lib http::tests::cpu -- --ignored --nocapture`.

use std::{
    io::{Read, Write},
    net::TcpStream as Blocking,
    thread,
};

use std::future::IntoFuture;

use axum::{Router, routing::get};
use tower_service::Service;

use super::*;

#[derive(Clone)]
struct Axum(Router);

impl Exchange for Axum {
    type Body = axum::body::Body;

    fn call(
        &self,
        request: Request<Incoming>,
        _peer: &Arc<Peer>,
        _: tokio::time::Instant,
    ) -> impl Future<Output = Response<Self::Body>> + Send + 'static {
        let answer = self.0.clone().call(request.map(axum::body::Body::new));
        async move { answer.await.unwrap_or_else(|never| match never {}) }
    }
}

fn router() -> Router {
    Router::new().route(
        "/todos/{id}",
        get(|axum::extract::Path(id): axum::extract::Path<u32>| async move {
            axum::Json(serde_json::json!({"id": id, "title": "x", "done": false}))
        }),
    )
}

fn cpu_of(tid: &str) -> u64 {
    let text = std::fs::read_to_string(format!("/proc/self/task/{tid}/schedstat")).unwrap();
    text.split(' ').next().unwrap().parse().unwrap()
}

fn run(is_ours: bool, connections: usize, requests: usize) -> f64 {
    let (told, tell) = std::sync::mpsc::channel();
    let server = thread::spawn(move || {
        let tid = std::fs::read_link("/proc/thread-self").unwrap().file_name().unwrap().to_string_lossy().into_owned();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
            if is_ours {
                let settings = ConnectionSettings::default();
                let listener = Listener::bind(SocketAddr::from(([127, 0, 0, 1], 0)), &settings, "x").unwrap();
                let address = listener.address();
                let server = listener.serve(&settings, Axum(router()), spawner());
                server.open();
                told.send((address, tid, stop)).unwrap();
                let _ = stopped.await;
            } else {
                let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
                let address = listener.local_addr().unwrap();
                told.send((address, tid, stop)).unwrap();
                let listener = axum::serve::ListenerExt::tap_io(listener, |io| {
                    let _ = io.set_nodelay(true);
                });
                tokio::select! { _ = stopped => {}, _ = axum::serve(listener, router()).into_future() => {} }
            }
        });
    });
    let (address, tid, stop) = tell.recv().unwrap();
    let mut clients: Vec<_> = (0..connections).map(|_| Blocking::connect(address).unwrap()).collect();
    let mut buffer = [0; 4096];
    let mut round = |clients: &mut Vec<Blocking>, count: usize| {
        for _ in 0..count / connections {
            for client in clients.iter_mut() {
                client
                    .write_all(b"GET /todos/17 HTTP/1.1\r\nhost: localhost\r\naccept: */*\r\nuser-agent: bench\r\n\r\n")
                    .unwrap();
            }
            for client in clients.iter_mut() {
                assert!(client.read(&mut buffer).unwrap() > 100);
            }
        }
    };
    round(&mut clients, requests / 10);
    let before = cpu_of(&tid);
    round(&mut clients, requests);
    let cpu = cpu_of(&tid) - before;
    drop(stop);
    server.join().unwrap();
    cpu as f64 / requests as f64
}

#[test]
#[ignore = "measures"]
fn against_axum() {
    let median = |mut values: Vec<f64>| {
        values.sort_by(f64::total_cmp);
        values[values.len() / 2]
    };
    for connections in [1, 32] {
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        for _ in 0..9 {
            theirs.push(run(false, connections, 32_000));
            ours.push(run(true, connections, 32_000));
        }
        println!("{connections}: ours {ours:.0?} axum {theirs:.0?}");
        let (ours, theirs) = (median(ours), median(theirs));
        println!("{connections} connections: ours {ours:.0} ns, axum {theirs:.0} ns, ratio {:.3}", ours / theirs);
    }
}

/// One side alone, for a profiler: `SIDE=ours` or `SIDE=axum`.
#[test]
#[ignore = "measures"]
fn one_side() {
    let is_ours = std::env::var("SIDE").unwrap() == "ours";
    println!("{:.0} ns", run(is_ours, 16, 100_000));
}
