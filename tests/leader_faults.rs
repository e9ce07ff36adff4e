//! What runs on one replica only goes on with another one, and never on two, whatever becomes of the one; replicas are
//! processes, and etcd is a real one.

use std::{
    path::Path,
    thread,
    time::{Duration, Instant},
};

use chassis_tests::{EtcdServer, Fence, Program, Proxy, Running, Write};

/// For how long a lease lives: the least that etcd gives with its own timing.
const TTL: Duration = Duration::from_secs(2);

/// How much later than that another replica leads.
const GRACE: Duration = Duration::from_secs(1);

/// Three replicas, each with a way to etcd of its own.
struct Replicas {
    fence: Fence,
    proxies: Vec<Proxy>,
    running: Vec<Running>,
}

/// What happens to a leader.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    /// SIGKILL.
    Killed,
    /// SIGSTOP, and SIGCONT when another one leads.
    Paused,
    /// Its connections to etcd are closed.
    CutOff,
    /// Its connections to etcd stay open, and nothing goes through.
    Unheard,
    /// SIGTERM.
    Stopped,
}

impl Replicas {
    fn start(server: &EtcdServer) -> Self {
        let proxies: Vec<Proxy> = (0..3).map(|_| Proxy::to(server.port())).collect();
        let mut replicas = Self { fence: Fence::start(), proxies, running: Vec::new() };
        for number in 0..3 {
            let running = replicas.replica(number);
            replicas.running.push(running);
        }
        replicas
    }

    fn replica(&self, number: usize) -> Running {
        replica(number, &self.proxies[number].url(), &self.fence)
    }

    /// The one that writes, and its token.
    fn leader(&self) -> (usize, u64) {
        let recently = |write: &Write| write.at.elapsed() < Duration::from_millis(200);
        let write = self.fence.write_that("is new", recently);
        (write.writer.parse().unwrap(), write.token)
    }

    /// Lets something happen to the leader; gives back how long nobody wrote with a new token, and how many writes came late.
    fn suffer(&mut self, fault: Fault) -> (Duration, usize) {
        let (old, token) = self.leader();
        let began = Instant::now();
        match fault {
            Fault::Killed => self.running[old].kill(),
            Fault::Paused => self.running[old].pause(),
            Fault::CutOff => self.proxies[old].cut(),
            Fault::Unheard => self.proxies[old].swallow(),
            Fault::Stopped => self.running[old].terminate(),
        }
        let new = self.fence.write_that("has a new token", |write| write.token > token);
        let gap = new.at.saturating_duration_since(began);
        match fault {
            Fault::Killed | Fault::Stopped => self.running[old] = self.replica(old),
            Fault::Paused => self.running[old].resume(),
            Fault::CutOff | Fault::Unheard => self.proxies[old].heal(),
        }
        // What it did not know yet, it does by now.
        if fault == Fault::Paused {
            thread::sleep(Duration::from_millis(300));
        }
        let writes = self.fence.writes();
        let first = writes.iter().position(|write| write.token > token).unwrap_or(writes.len());
        let late = writes[first..].iter().filter(|write| write.token == token);
        assert!(late.clone().all(|write| write.is_refused), "{fault:?}: a late write was taken");
        (gap, late.count())
    }
}

fn replica(number: usize, endpoints: &str, fence: &Fence) -> Running {
    Program::at(Path::new(env!("CARGO_BIN_EXE_replica")))
        .env("CHASSIS_ETCD_ENDPOINTS", endpoints)
        .set("microservices.replica.writer", number)
        .set("microservices.replica.store", fence.port())
        .set("leader.ttl", "2s")
        .set("resources.status.port", 0)
        .start()
}

/// What many faults come to.
#[derive(Default)]
struct Figures {
    gaps: Vec<Duration>,
    late: usize,
}

#[test]
fn another_replica_leads_within_the_lease_and_never_two() {
    let Some(server) = EtcdServer::start() else { return };
    let rounds: usize = std::env::var("CHASSIS_SOAK_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(10);
    let mut replicas = Replicas::start(&server);
    let mut figures = Figures::default();
    let faults = [Fault::Killed, Fault::Paused, Fault::CutOff, Fault::Unheard, Fault::Stopped];
    for round in 0..rounds {
        let fault = faults[round % faults.len()];
        // Anywhere between two renewals of the lease, the same way in every run.
        thread::sleep(Duration::from_millis(round as u64 * 137 % 700));
        let (gap, late) = replicas.suffer(fault);
        let longest = if fault == Fault::Stopped { GRACE } else { TTL + GRACE };
        assert!(gap <= longest, "round {round}, {fault:?}: nobody led for {gap:?}");
        // One that is paused in the middle of a step does the rest of it, and no other one.
        let allowed = usize::from(fault == Fault::Paused);
        assert!(late <= allowed, "round {round}, {fault:?}: {late} late writes");
        figures.gaps.push(gap);
        figures.late += late;
    }
    let writes = replicas.fence.writes();
    let taken: Vec<_> = writes.iter().filter(|write| !write.is_refused).collect();
    for pair in taken.windows(2) {
        assert!(pair[0].token <= pair[1].token, "{pair:#?}");
        assert_eq!(
            pair[0].token == pair[1].token,
            pair[0].writer == pair[1].writer,
            "one token, two holders: {pair:#?}"
        );
    }
    figures.gaps.sort();
    println!(
        "{rounds} rounds, {} writes: gaps of {:?} (median) and {:?} (longest), {} late writes, all refused",
        writes.len(),
        figures.gaps[figures.gaps.len() / 2],
        figures.gaps.last().unwrap(),
        figures.late,
    );
}

#[test]
fn a_member_of_the_cluster_that_dies_takes_no_leadership_with_it() {
    let Some(mut servers) = EtcdServer::cluster() else { return };
    let fence = Fence::start();
    let endpoints = servers.each_ref().map(EtcdServer::url).join(",");
    let replica = |number: usize| replica(number, &endpoints, &fence);
    let running: Vec<Running> = (0..2).map(replica).collect();
    let before = fence.write_that("is the first one", |_| true);
    // One after the other: also the one that the replica is connected to, and the one that leads the cluster.
    for server in &mut servers {
        server.kill();
        thread::sleep(TTL * 3);
        server.restart();
    }
    let after = fence.write_that("is new", |write| write.at.elapsed() < Duration::from_millis(200));
    assert_eq!((after.token, &after.writer), (before.token, &before.writer), "{}", running[0].stdout());
}
