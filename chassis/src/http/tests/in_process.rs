use super::*;

#[tokio::test(start_paused = true)]
async fn a_client_in_the_process_needs_no_real_time() {
    let (server, _echo) = open(&ConnectionSettings::default());
    let client = server.client();
    let answer = client.post("/sleep/3600000").body("12345").await.unwrap();
    assert_eq!((answer.status().as_u16(), answer.text().as_str()), (200, "/sleep/3600000 5"));
    let answers = futures_util::future::join_all((0..100).map(|n| client.get(&format!("/{n}")).send())).await;
    for (n, answer) in answers.into_iter().enumerate() {
        assert_eq!(answer.unwrap().text(), format!("/{n} 0"));
    }
    server.drain().await;
    assert_eq!(server.statistics().open, 0);
}

#[tokio::test(start_paused = true)]
async fn the_deadline_of_an_exchange_wakes_it() {
    let (server, _echo) = open(&ConnectionSettings::default());
    let start = tokio::time::Instant::now();
    assert_eq!(server.client().get("/deadline").await.unwrap().text(), "/deadline 0");
    assert!(start.elapsed() >= Duration::from_secs(3) && start.elapsed() < Duration::from_millis(3100));
}

#[tokio::test]
async fn a_panic_ends_one_connection() {
    let (server, _echo) = open(&ConnectionSettings::default());
    assert!(server.client().get("/panic").await.is_err());
    assert_eq!(server.client().get("/").await.unwrap().status(), 200);
    assert_eq!(server.statistics().panicked, 1);
}

#[tokio::test]
async fn an_address_in_use_is_told_with_what_to_do() {
    let (server, _echo) = serve(&ConnectionSettings::default());
    let error = Listener::bind(server.address(), &ConnectionSettings::default(), "system.resources.http").unwrap_err();
    assert!(error.is_unavailable() && !error.is_retryable());
    let text = format!("{error:#}");
    for part in [&server.address().to_string(), "in use", "system.resources.http.port", "ss -ltnp"] {
        assert!(text.contains(part), "{text}");
    }
}

#[tokio::test]
async fn work_that_a_request_left_is_waited_for() {
    let (server, _echo) = open(&ConnectionSettings::default());
    let (done, wait) = tokio::sync::oneshot::channel::<()>();
    server.client().get("/").await.unwrap();
    let registration = server.register_for_test();
    registration.finish_in_background(async move { drop(wait.await) });
    server.close().await;
    assert_eq!(server.statistics().in_flight, 1);
    assert!(timeout(Duration::from_millis(50), server.drain()).await.is_err());
    done.send(()).unwrap();
    drop(registration);
    timeout(ENOUGH, server.drain()).await.unwrap();
}
