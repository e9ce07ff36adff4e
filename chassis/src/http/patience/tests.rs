use super::*;

const HEADER: Duration = Duration::from_secs(10);
const KEEP_ALIVE: Duration = Duration::from_secs(75);
const WRITE: Duration = Duration::from_secs(30);
const HOLD: Duration = Duration::from_millis(100);

/// A connection, and a clock that is turned by hand.
struct Connection {
    patience: Patience,
    sight: Sight,
    opened: Instant,
    now: Instant,
}

impl Connection {
    fn new() -> Self {
        let limits = Limits { header: HEADER, keep_alive: KEEP_ALIVE, write: WRITE, hold: HOLD, is_http2: false };
        let now = Instant::now();
        Self { patience: Patience::new(limits, now), sight: Sight::default(), opened: now, now }
    }

    /// When it wants to be looked at, in milliseconds after it was opened.
    fn see(&mut self, change: impl FnOnce(&mut Sight)) -> u128 {
        change(&mut self.sight);
        let now = self.now;
        let at = self.patience.see(self.sight, || now);
        at.duration_since(self.opened).as_millis()
    }

    fn after(&mut self, millis: u64) -> &mut Self {
        self.now += Duration::from_millis(millis);
        self
    }

    fn due(&mut self) -> Due {
        self.patience.due(self.sight, None, self.now)
    }

    /// A request that is answered at once.
    fn request(&mut self) -> u128 {
        self.see(|sight| sight.requests += 1)
    }
}

#[test]
fn the_first_head_has_its_time_from_the_connection_on() {
    let mut connection = Connection::new();
    assert_eq!(connection.see(|_| {}), 10_000);
    assert_eq!(connection.after(9_000).see(|sight| sight.has_bytes = true), 10_000);
    assert!(matches!(connection.after(999).due(), Due::At(_)));
    assert_eq!(connection.after(1).due(), Due::Head);
}

#[test]
fn an_idle_connection_has_the_keep_alive_timeout_and_a_begun_head_its_own() {
    let mut connection = Connection::new();
    assert_eq!(connection.after(1_000).request(), 76_000);
    assert_eq!(connection.after(5_000).see(|sight| sight.has_bytes = true), 16_000);
    assert_eq!(connection.after(10_000).due(), Due::Head);
    connection.see(|sight| sight.has_bytes = false);
    connection.request();
    assert_eq!(connection.after(75_000).due(), Due::Idle);
}

#[test]
fn an_exchange_may_take_its_time_but_for_its_own_deadline() {
    let mut connection = Connection::new();
    let deadline = connection.now + Duration::from_secs(5);
    let at = connection.see(|sight| (sight.requests, sight.in_flight, sight.deadline) = (1, 1, Some(deadline)));
    assert_eq!(at, 5_000);
    assert_eq!(connection.after(5_000).due(), Due::Exchange);
    connection.see(|sight| sight.deadline = None);
    for _ in 0..100 {
        assert!(matches!(connection.after(30_000).due(), Due::At(_)));
        connection.see(|_| {});
    }
}

#[test]
fn a_client_that_takes_nothing_stalls_and_one_that_takes_a_little_does_not() {
    let mut connection = Connection::new();
    connection.see(|sight| (sight.requests, sight.in_flight, sight.is_blocked) = (1, 1, true));
    for written in 1..10 {
        connection.after(29_000).see(|sight| sight.written = written);
        assert!(matches!(connection.due(), Due::At(_)));
    }
    assert_eq!(connection.after(30_000).due(), Due::Stalled);
}

#[test]
fn a_stream_that_waits_for_its_client_stalls_the_connection() {
    let mut connection = Connection::new();
    connection.patience.set_http2();
    connection.see(|sight| (sight.requests, sight.in_flight) = (1, 2));
    let since = Some(connection.now);
    connection.after(29_999);
    assert!(matches!(connection.patience.due(connection.sight, since, connection.now), Due::At(_)));
    connection.after(1);
    assert_eq!(connection.patience.due(connection.sight, since, connection.now), Due::Stalled);
}

#[test]
fn at_a_stop_an_idle_connection_is_held_a_moment() {
    let mut connection = Connection::new();
    connection.request();
    assert_eq!(connection.after(20_000).see(|sight| sight.is_closing = true), 20_100);
    assert_eq!(connection.after(100).due(), Due::Idle);
}

#[test]
fn at_a_stop_a_client_that_asks_often_is_held_until_it_is_late() {
    let mut connection = Connection::new();
    for _ in 0..100 {
        connection.after(50).request();
    }
    // Its pauses are of 50 ms, ten of which it is given.
    assert_eq!(connection.after(10).see(|sight| sight.is_closing = true), 5_500);
}

#[test]
fn at_a_stop_a_client_that_asks_rarely_is_not_waited_for() {
    let mut connection = Connection::new();
    for _ in 0..10 {
        connection.after(1_000).request();
    }
    assert_eq!(connection.after(10).see(|sight| sight.is_closing = true), 10_110);
}

#[test]
fn at_a_stop_a_new_connection_has_a_second_and_a_begun_head_its_whole_time() {
    let mut connection = Connection::new();
    assert_eq!(connection.after(20).see(|sight| sight.is_closing = true), 1_000);
    assert_eq!(connection.after(300).see(|sight| sight.has_bytes = true), 10_000);
    assert_eq!(connection.after(9_680).due(), Due::Head);

    let mut connection = Connection::new();
    connection.see(|sight| sight.is_closing = true);
    assert_eq!(connection.after(1_000).due(), Due::Idle);
}

#[test]
fn at_a_stop_http2_has_the_time_to_answer_goaway() {
    let mut connection = Connection::new();
    connection.patience.set_http2();
    connection.request();
    assert_eq!(connection.after(20_000).see(|sight| sight.is_closing = true), 21_000);
}

#[test]
fn on_http2_an_answer_that_is_still_sent_keeps_the_connection() {
    let mut connection = Connection::new();
    connection.patience.set_http2();
    connection.request();
    for written in 1..5 {
        connection.after(74_000).see(|sight| sight.written = written * 1_000);
        assert!(matches!(connection.due(), Due::At(_)));
    }
    connection.after(20_000).see(|sight| sight.written += 17);
    assert_eq!(connection.after(55_000).due(), Due::Idle);
}

#[test]
fn an_answered_request_counts_from_its_beginning_and_one_that_is_stuck_from_now() {
    let mut connection = Connection::new();
    connection.after(1_000);
    let began = Some(connection.opened + Duration::from_millis(900));
    assert_eq!(connection.see(|sight| (sight.requests, sight.began) = (1, began)), 75_900);
    let stuck = connection.after(1_000).see(|sight| (sight.requests, sight.is_blocked) = (2, true));
    assert_eq!(stuck, 2_000 + 30_000);
    assert_eq!(connection.after(30_000).due(), Due::Stalled);
}
