use std::time::Instant;

use super::{super::server::CutOff, *};

#[tokio::test]
async fn clients_wait_until_the_server_opens() {
    let (server, _echo) = serve(&ConnectionSettings::default());
    let mut client = Raw::connect(&server).await;
    client.get("/early").await;
    assert_eq!(server.statistics().accepted, 0);
    server.open();
    assert!(client.answer().await.ends_with("/early 0"));
}

#[tokio::test]
async fn a_stop_without_connections_takes_no_time() {
    let (server, _echo) = open(&ConnectionSettings::default());
    let start = Instant::now();
    server.close().await;
    server.drain().await;
    assert_eq!(server.stop().await, CutOff::default());
    assert!(start.elapsed() < Duration::from_millis(20), "{:?}", start.elapsed());
    assert!(TcpStream::connect(server.address()).await.is_err());
}

#[tokio::test]
async fn answers_say_close_once_the_server_closes() {
    let (server, echo) = open(&ConnectionSettings::default());
    let mut client = Raw::connect(&server).await;
    client.get("/kept").await;
    assert!(!client.answer().await.contains("connection:"));
    client.get("/slow").await;
    echo.entered().await;
    tokio::join!(server.close(), async {
        echo.let_go.add_permits(1);
        assert!(client.answer().await.contains("connection: close"));
        assert_eq!(client.rest().await, "");
    });
    timeout(ENOUGH, server.drain()).await.unwrap();
}

#[tokio::test]
async fn a_request_on_an_idle_connection_is_answered_while_it_is_held() {
    let settings = ConnectionSettings { idle_hold: Duration::from_secs(5), ..ConnectionSettings::default() };
    let (server, _echo) = open(&settings);
    let mut client = Raw::connect(&server).await;
    client.get("/one").await;
    client.answer().await;
    let closed = server.close();
    let asked = async {
        eventually(|| server.is_closing_for_test()).await;
        client.get("/two").await;
        let answer = client.answer().await;
        assert!(answer.contains("connection: close") && answer.ends_with("/two 0"), "{answer}");
    };
    tokio::join!(closed, asked);
    timeout(ENOUGH, server.drain()).await.unwrap();
}

#[tokio::test]
async fn a_silent_idle_connection_is_held_a_moment_and_closed() {
    let (server, _echo) = open(&ConnectionSettings::default());
    let mut client = Raw::connect(&server).await;
    client.get("/one").await;
    client.answer().await;
    let start = Instant::now();
    server.close().await;
    server.drain().await;
    let took = start.elapsed();
    assert!(took >= Duration::from_millis(95) && took < Duration::from_millis(400), "{took:?}");
    assert_eq!(client.rest().await, "");
}

#[tokio::test]
async fn who_has_connected_before_the_close_is_served() {
    let settings = ConnectionSettings { max_connections: 1, ..ConnectionSettings::default() };
    let (server, echo) = open(&settings);
    let mut first = Raw::connect(&server).await;
    first.get("/slow").await;
    echo.entered().await;
    // These wait in the accept queue, for there is room for one.
    let mut others = Vec::new();
    for n in 0..50 {
        let mut client = Raw::connect(&server).await;
        client.get(&format!("/{n}")).await;
        others.push(client);
    }
    assert_eq!(server.statistics().accepted, 1);
    server.close().await;
    for (n, client) in others.iter_mut().enumerate() {
        let answer = client.rest().await;
        assert!(answer.contains("connection: close") && answer.ends_with(&format!("/{n} 0")), "{answer}");
    }
    echo.let_go.add_permits(1);
    assert!(first.rest().await.ends_with("/slow 0"));
    server.drain().await;
}

#[tokio::test]
async fn a_stop_cuts_off_what_is_left_and_counts_it() {
    let (server, echo) = open(&ConnectionSettings::default());
    let mut clients = Vec::new();
    for _ in 0..3 {
        let mut client = Raw::connect(&server).await;
        client.get("/slow").await;
        echo.entered().await;
        clients.push(client);
    }
    server.close().await;
    assert!(timeout(Duration::from_millis(50), server.drain()).await.is_err());
    assert_eq!(server.stop().await, CutOff { connections: 3, exchanges: 3 });
    for client in &mut clients {
        assert_eq!(client.rest().await, "");
    }
    assert_eq!(server.statistics().open, 0);
}

#[tokio::test]
async fn a_server_that_never_opened_closes_at_once() {
    let (server, _echo) = serve(&ConnectionSettings::default());
    server.close().await;
    server.drain().await;
    assert_eq!(server.stop().await, CutOff::default());
    assert!(TcpStream::connect(server.address()).await.is_err());
}

#[tokio::test]
async fn a_server_that_is_dropped_lets_go_of_its_address() {
    let (server, _echo) = open(&ConnectionSettings::default());
    let address = server.address();
    let mut client = Raw::connect(&server).await;
    client.get("/").await;
    client.answer().await;
    drop(server);
    assert_eq!(client.rest().await, "");
    timeout(ENOUGH, async { while TcpStream::connect(address).await.is_ok() {} }).await.unwrap();
}

/// Clients that respect `Connection: close`, on kept connections, while servers come and go.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_request_fails_when_a_server_closes_under_load() {
    // Whoever is late by less than this is served, however busy the machine.
    let settings = ConnectionSettings { idle_hold: Duration::from_millis(500), ..ConnectionSettings::default() };
    for round in 0..10 {
        let (server, _echo) = open(&settings);
        let address = server.address();
        let clients: Vec<_> = (0..20)
            .map(|n| {
                tokio::spawn(async move {
                    let mut served = 0_u32;
                    // A connection that is refused is no failure: the server is gone.
                    'connections: while let Ok(stream) = TcpStream::connect(address).await {
                        let mut client = Raw { stream, read: Vec::new() };
                        loop {
                            client.get(&format!("/{n}")).await;
                            let answer = client.answer().await;
                            served += 1;
                            if answer.contains("connection: close") {
                                continue 'connections;
                            }
                            sleep(Duration::from_millis(5 + fastrand::u64(0..10))).await;
                        }
                    }
                    served
                })
            })
            .collect();
        sleep(Duration::from_millis(50 + round)).await;
        server.close().await;
        timeout(ENOUGH, server.drain()).await.unwrap();
        for client in clients {
            assert!(client.await.unwrap() > 0);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_requests_in_flight_are_answered_and_then_it_is_over() {
    let (server, echo) = open(&ConnectionSettings::default());
    let address = server.address();
    let clients: Vec<_> = (0..1000)
        .map(|_| {
            tokio::spawn(async move {
                let mut client = Raw { stream: TcpStream::connect(address).await.unwrap(), read: Vec::new() };
                client.get("/slow").await;
                client.rest().await
            })
        })
        .collect();
    eventually(|| server.statistics().in_flight == 1000).await;
    let start = Instant::now();
    let done = async {
        sleep(Duration::from_millis(200)).await;
        echo.let_go.add_permits(1000);
    };
    tokio::join!(done, async {
        server.close().await;
        server.drain().await;
    });
    println!("{:?}", start.elapsed());
    for client in clients {
        assert!(client.await.unwrap().ends_with("/slow 0"));
    }
}
