use std::{
    fs,
    net::TcpListener,
    process::{Child, Command, Stdio},
};

use tempfile::TempDir;
use tokio::time::{timeout, timeout_at};

use super::*;
use crate::etcd::Options;

/// An etcd of the test's own.
struct Server {
    folder: TempDir,
    ports: [u16; 2],
    process: Option<Child>,
}

impl Server {
    /// One that answers; `None` where etcd is not installed.
    async fn start() -> Option<Self> {
        if Command::new("etcd").arg("--version").stdout(Stdio::null()).status().is_err() {
            eprintln!("skipped: there is no etcd here");
            return None;
        }
        let ports = [TcpListener::bind("127.0.0.1:0").unwrap(), TcpListener::bind("127.0.0.1:0").unwrap()];
        let ports = ports.map(|port| port.local_addr().unwrap().port());
        let mut server = Self { folder: tempfile::tempdir().unwrap(), ports, process: None };
        server.launch();
        server.client().await;
        Some(server)
    }

    fn launch(&mut self) {
        let [client, peer] = self.ports.map(|port| format!("http://127.0.0.1:{port}"));
        let mut command = Command::new("etcd");
        command.arg("--data-dir").arg(self.folder.path().join("data"));
        command.args(["--listen-client-urls", &client, "--advertise-client-urls", &client]);
        command.args(["--listen-peer-urls", &peer, "--initial-advertise-peer-urls", &peer]);
        command.args(["--initial-cluster", &format!("default={peer}"), "--unsafe-no-fsync"]);
        // A lease may be as short as 1 s.
        command.args(["--heartbeat-interval=10", "--election-timeout=100"]);
        let log = fs::File::create(self.folder.path().join("log")).unwrap();
        self.process = Some(command.stdout(Stdio::null()).stderr(log).spawn().unwrap());
    }

    fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().unwrap();
            process.wait().unwrap();
        }
    }

    fn endpoints(&self) -> Endpoints {
        Endpoints::new(Arc::new(Options::new(vec![format!("http://127.0.0.1:{}", self.ports[0])])))
    }

    async fn client(&self) -> Client {
        let mut endpoints = self.endpoints();
        let connect = async {
            loop {
                match endpoints.connect().await {
                    Ok(client) => return client,
                    Err(_) => sleep(PAUSE).await,
                }
            }
        };
        timeout(Duration::from_secs(20), connect).await.unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

impl Lease {
    fn valid_until(&self) -> Option<Instant> {
        *self.until.borrow()
    }

    fn is_valid(&self) -> bool {
        self.valid_until().is_some_and(|until| Instant::now() < until)
    }
}

/// Whether the server has it; what is left of its time is told in whole seconds.
async fn knows(client: &Client, lease: &Lease) -> bool {
    client.lease_client().time_to_live(lease.id(), None).await.unwrap().ttl() >= 0
}

const TTL: Duration = Duration::from_secs(1);

#[tokio::test]
async fn a_lease_is_valid_for_as_long_as_it_is_kept_and_expires_here_before_it_does_there() {
    let Some(server) = Server::start().await else { return };
    let client = server.client().await;
    let lease = Lease::grant(&client, TTL).await.unwrap();
    assert_eq!((lease.ttl, lease.is_valid()), (TTL, true));
    let mut endpoints = server.endpoints();
    assert!(timeout(TTL * 3, lease.keep(&mut endpoints)).await.is_err());
    assert!(lease.is_valid());
    // Nobody keeps it any more.
    let until = lease.valid_until().unwrap();
    assert!(until < Instant::now() + TTL);
    timeout_at(until + Duration::from_millis(50), lease.lost()).await.unwrap();
    assert!(!lease.is_valid() && lease.valid_until().is_none());
    assert!(knows(&client, &lease).await);
}

#[tokio::test]
async fn a_lease_that_is_given_back_or_ended_by_the_server_is_lost() {
    let Some(server) = Server::start().await else { return };
    let client = server.client().await;
    let (mine, theirs) =
        (Lease::grant(&client, TTL * 60).await.unwrap(), Lease::grant(&client, TTL * 3).await.unwrap());
    mine.revoke().await.unwrap();
    assert!(!mine.is_valid() && !knows(&client, &mine).await);
    mine.revoke().await.unwrap();
    client.lease_client().revoke(theirs.id()).await.unwrap();
    let mut endpoints = server.endpoints();
    timeout(TTL, theirs.keep(&mut endpoints)).await.unwrap();
    assert!(!theirs.is_valid());
}

#[tokio::test]
async fn a_lease_survives_a_server_that_comes_back_in_time_and_is_lost_with_one_that_does_not() {
    let Some(mut server) = Server::start().await else { return };
    let client = server.client().await;
    let lease = Lease::grant(&client, TTL * 5).await.unwrap();
    let mut endpoints = server.endpoints();
    let keeping = lease.keep(&mut endpoints);
    let outages = async {
        server.kill();
        server.launch();
        let client = server.client().await;
        sleep_until(lease.valid_until().unwrap()).await;
        assert!(lease.is_valid() && knows(&client, &lease).await);
        server.kill();
        lease.valid_until().unwrap()
    };
    let ((), last) = tokio::join!(keeping, outages);
    assert!(!lease.is_valid());
    assert!(Instant::now() < last + TTL * 2, "an answer may have been on its way");
}

#[test]
fn whatever_a_server_says_of_the_life_of_a_lease_is_no_panic() {
    let now = Instant::now();
    for (said, lives) in [(i64::MIN, Duration::ZERO), (-1, Duration::ZERO), (5, TTL * 5), (i64::MAX, LONGEST)] {
        assert_eq!(lifetime(said), lives);
        assert!(end(now, lives) >= now && end(now, lives) <= now + lives);
    }
}
