//! How tasks and timers that one replica runs fit their schedules and policies, and what an operator hears when they do not.

use std::{
    sync::Mutex,
    time::{Duration, Instant},
};

use chassis::{
    prelude::*,
    settings::{Dict, Etcd},
    tasks::TaskState,
};
use chassis_tests::{EtcdServer, Proxy, no_leaks};

use crate::leader::until;

/// The tokens of all runs and ticks.
#[microservice(name = "workshop")]
struct Workshop {
    runs: Mutex<Vec<u64>>,
    /// How many runs fail.
    #[init(Mutex::new(2))]
    failures: Mutex<usize>,
    calendar: Mutex<Vec<u64>>,
    once: Mutex<Vec<u64>>,
    queued: Mutex<Vec<(u64, Instant)>>,
}

fn token(cx: &Context) -> u64 {
    cx.leadership().unwrap().token()
}

#[microservice]
impl Workshop {
    #[task(leader, restart = "on-failure", on_give_up = "degrade")]
    async fn mend(&self, cx: Context) -> Result<()> {
        let run = {
            let mut runs = self.runs.lock().unwrap();
            runs.push(token(&cx));
            runs.len()
        };
        if run <= *self.failures.lock().unwrap() {
            return Err(Error::msg("broken on purpose"));
        }
        std::future::pending().await
    }

    #[task_timer(cron = "* * * * * *", leader)]
    async fn calendar(&self, cx: Context) {
        self.calendar.lock().unwrap().push(token(&cx));
    }

    #[task_timer(interval = "50ms", one_shot, immediate, leader)]
    async fn once(&self, cx: Context) {
        self.once.lock().unwrap().push(token(&cx));
    }

    #[task_timer(interval = "200ms", overlap = "queue", leader)]
    async fn queued(&self, cx: Context) {
        self.queued.lock().unwrap().push((token(&cx), Instant::now()));
    }
}

type Replica = chassis::Running<Workshop>;

async fn replica(endpoints: &[&str], settings: Dict) -> Replica {
    let settings = settings.set("leader.ttl", "2s");
    Workshop::builder().settings(settings).source(Etcd::new(endpoints.iter().copied())).start().await.unwrap()
}

fn lines(replica: &Replica, text: &str) -> usize {
    replica.logs().captured().iter().filter(|line| line["message"].to_string().contains(text)).count()
}

fn state(replica: &Replica, name: &str) -> TaskState {
    replica.view().tasks()[name].state
}

fn is_leader(replica: &Replica, name: &str) -> bool {
    replica.metrics().get("chassis_leader", &[("task", name)]) == Some(1.0)
}

#[test]
fn a_failure_is_a_restart_in_the_same_term_and_another_term_waits_for_none() {
    let Some(server) = EtcdServer::start() else { return };
    no_leaks(async move {
        let one = replica(&[&server.url()], Dict::new()).await;
        let runs = |replica: &Replica| replica.service().runs.lock().unwrap().clone();
        until("restarted", || runs(&one).len() == 3).await;
        let first = runs(&one);
        assert!(first.iter().all(|token| *token == first[0]), "{first:?}");
        let row = one.view().tasks()["mend"].clone();
        assert_eq!((row.state, row.restarts, row.failures), (TaskState::Running, 2, 2));
        assert_eq!(lines(&one, "`mend`: this replica is not leader any more"), 0);
        one.stop().await.unwrap();

        let policy = Dict::new().set("microservices.workshop.tasks.mend.backoff_min", "1h");
        let policy = policy.set("microservices.workshop.tasks.mend.backoff_max", "1h");
        let two = replica(&[&server.url()], policy).await;
        until("waits for its restart", || state(&two, "mend") == TaskState::Restarting).await;
        *two.service().failures.lock().unwrap() = 0;
        server.delete("/system/leaders/workshop/mend");
        until("begins anew", || state(&two, "mend") == TaskState::Running).await;
        let second = runs(&two);
        assert!(second.len() == 2 && first[0] < second[0] && second[0] < second[1], "{first:?} {second:?}");
        two.stop().await.unwrap();
    });
}

#[test]
fn a_schedule_is_followed_by_the_replica_that_leads_from_its_election_on() {
    let Some(server) = EtcdServer::start() else { return };
    no_leaks(async move {
        let one = replica(&[&server.url()], Dict::new()).await;
        until("elected", || is_leader(&one, "calendar") && is_leader(&one, "once") && is_leader(&one, "queued")).await;
        let two = replica(&[&server.url()], Dict::new()).await;
        let calendar = |replica: &Replica| replica.service().calendar.lock().unwrap().clone();
        let once = |replica: &Replica| replica.service().once.lock().unwrap().clone();
        until("ticks by the calendar", || calendar(&one).len() >= 2).await;
        let first = calendar(&one);
        assert!(first.iter().all(|token| *token == first[0]), "{first:?}");
        assert_eq!(once(&one).len(), 1);
        for name in ["calendar", "once", "queued"] {
            assert_eq!(state(&two, name), TaskState::Standby, "{name}");
            assert_eq!(two.view().tasks()[name].next, None, "{name}");
        }
        // Another term of the same replica: by the calendar it goes on, and what is done once is not done again.
        for name in ["calendar", "once"] {
            one.service().calendar.lock().unwrap().clear();
            server.delete(&format!("/system/leaders/workshop/{name}"));
        }
        until("told", || lines(&one, "its key in etcd was deleted") + lines(&one, "another replica leads") >= 2).await;
        until("ticks", || !calendar(&one).is_empty() || !calendar(&two).is_empty()).await;
        until("elected again", || is_leader(&one, "once") || is_leader(&two, "once")).await;
        assert!(once(&one).len() == 1 && once(&two).len() <= 1, "{:?} {:?}", once(&one), once(&two));

        one.stop().await.unwrap();
        let elected = Instant::now();
        until("ticks", || !calendar(&two).is_empty() && !once(&two).is_empty()).await;
        until("ticks in a row", || two.service().queued.lock().unwrap().len() >= 3).await;
        assert!(calendar(&two)[0] > first[0]);
        assert_eq!(once(&two).len(), 1);
        // What another replica was to do is not made up for.
        let queued = two.service().queued.lock().unwrap().clone();
        let ticks = queued.iter().filter(|(_, at)| at.saturating_duration_since(elected) < Duration::from_millis(350));
        assert!(ticks.count() <= 3, "{queued:?}");
        two.stop().await.unwrap();
    });
}

#[test]
fn every_outage_is_told_also_by_one_that_has_left_a_method_to_others() {
    let Some(server) = EtcdServer::start() else { return };
    no_leaks(async move {
        let proxy = Proxy::to(server.port());
        let never = Dict::new().set("microservices.workshop.tasks.mend.restart", "never");
        let one = replica(&[&proxy.url()], never).await;
        until("given up", || lines(&one, "`mend`: this replica is not leader any more") == 1).await;
        for outage in 1..=2 {
            proxy.cut();
            until("told", || lines(&one, "no leader is elected for") == outage).await;
            proxy.heal();
            until("told", || lines(&one, "leaders are elected again") == outage).await;
        }
        one.stop().await.unwrap();
    });
}

#[test]
fn a_leader_that_has_changed_its_connection_gives_back_at_once() {
    let Some(server) = EtcdServer::start() else { return };
    no_leaks(async move {
        let [first, second] = [Proxy::to(server.port()), Proxy::to(server.port())];
        second.cut();
        let one = replica(&[&first.url(), &second.url()], Dict::new()).await;
        until("elected", || is_leader(&one, "mend")).await;
        let two = replica(&[&server.url()], Dict::new()).await;
        second.heal();
        first.cut();
        // Longer than the lease: it has been renewed by the second one.
        tokio::time::sleep(Duration::from_millis(2500)).await;
        assert!(is_leader(&one, "mend"));
        let began = Instant::now();
        one.stop().await.unwrap();
        until("taken over", || is_leader(&two, "mend")).await;
        assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
        two.stop().await.unwrap();
    });
}

#[test]
fn a_key_that_somebody_has_put_by_hand_is_told_with_what_to_do() {
    let Some(server) = EtcdServer::start() else { return };
    no_leaks(async move {
        server.put("/system/leaders/workshop/mend", "\"node-1 shall do it\"");
        let one = replica(&[&server.url()], Dict::new()).await;
        until("told", || lines(&one, "`mend`: nobody leads") == 1).await;
        assert_eq!(lines(&one, "`etcdctl del /system/leaders/workshop/mend`"), 1);
        assert_eq!(state(&one, "mend"), TaskState::Standby);
        // One who leads does not go on for ever, either: its lease does not hold the key any more.
        until("elected", || is_leader(&one, "queued")).await;
        server.put("/system/leaders/workshop/queued", "0");
        until("lost", || lines(&one, "`queued`: nobody leads") == 1 && !is_leader(&one, "queued")).await;
        for name in ["mend", "queued"] {
            server.delete(&format!("/system/leaders/workshop/{name}"));
            until("elected", || is_leader(&one, name)).await;
            assert_eq!(lines(&one, &format!("`{name}`: nobody leads")), 1);
        }
        one.stop().await.unwrap();
    });
}
