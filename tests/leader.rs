//! What runs on one replica only, and what its leader knows; replicas in one process, on real servers.

use std::{
    sync::{
        Mutex,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use chassis::{
    lifecycle::EventKind,
    prelude::*,
    settings::{Dict, Etcd},
    tasks::{TaskRow, TaskState},
};
use chassis_tests::{EtcdServer, Proxy, no_leaks};
use serde_json::Value;

/// A service with something of each kind that only one replica does.
#[microservice(name = "billing")]
pub(crate) struct Billing {
    /// The tokens of the runs of the task.
    pub(crate) runs: Mutex<Vec<u64>>,
    at_work: AtomicUsize,
    /// How the task ends: not at all, well, or by a failure.
    #[init(Mutex::new(Ending::Never))]
    ending: Mutex<Ending>,
    winding_down: AtomicUsize,
    wound_down: AtomicUsize,
    ticks: AtomicU64,
    at_once: AtomicU64,
    everywhere: AtomicU64,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Ending {
    Never,
    Well,
    Failure,
}

/// Counts those who are at work.
struct AtWork<'a>(&'a AtomicUsize);

impl Drop for AtWork<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

#[microservice]
impl Billing {
    #[task(leader, on_give_up = "degrade")]
    async fn bill(&self, cx: Context) -> Result<()> {
        let leadership = cx.leadership().ok_or_else(|| Error::msg("nobody elected it"))?;
        assert!(
            leadership.is_valid() && leadership.valid_until().is_some_and(|until| until > tokio::time::Instant::now())
        );
        self.runs.lock().unwrap().push(leadership.token());
        self.at_work.fetch_add(1, Ordering::SeqCst);
        let _at_work = AtWork(&self.at_work);
        loop {
            let ending = *self.ending.lock().unwrap();
            match ending {
                Ending::Never => tokio::time::sleep(Duration::from_millis(5)).await,
                Ending::Well => return Ok(()),
                Ending::Failure => return Err(Error::msg("broken on purpose")),
            }
        }
    }

    /// Takes its time to end.
    #[task(leader)]
    async fn slow(&self, stop: Shutdown) {
        self.winding_down.fetch_add(1, Ordering::SeqCst);
        let _at_work = AtWork(&self.winding_down);
        stop.wait().await;
        tokio::time::sleep(Duration::from_millis(300)).await;
        self.wound_down.fetch_add(1, Ordering::SeqCst);
    }

    #[task_timer(interval = "100ms", leader)]
    async fn tick(&self) {
        self.ticks.fetch_add(1, Ordering::SeqCst);
    }

    #[task_timer(interval = "1h", immediate, leader)]
    async fn at_once(&self, cx: Context) {
        assert!(cx.leadership().is_some());
        self.at_once.fetch_add(1, Ordering::SeqCst);
    }

    #[task_timer(interval = "10ms")]
    async fn everywhere(&self, cx: Context) {
        assert!(cx.leadership().is_none());
        self.everywhere.fetch_add(1, Ordering::SeqCst);
    }
}

pub(crate) type Replica = chassis::Running<Billing>;

pub(crate) async fn replica(url: &str) -> Replica {
    let settings = Dict::new().set("leader.ttl", "2s");
    Billing::builder().settings(settings).source(Etcd::new([url])).start().await.unwrap()
}

pub(crate) fn row(replica: &Replica, name: &str) -> TaskRow {
    replica.view().tasks()[name].clone()
}

pub(crate) fn is_leader(replica: &Replica) -> bool {
    replica.service().at_work.load(Ordering::SeqCst) == 1
}

pub(crate) fn lines(replica: &Replica, text: &str) -> usize {
    replica.logs().captured().iter().filter(|line| line["message"].to_string().contains(text)).count()
}

/// Waits until it is true, for at most 30 s.
pub(crate) async fn until(what: &str, mut is_true: impl FnMut() -> bool) -> Duration {
    let began = Instant::now();
    while !is_true() {
        assert!(began.elapsed() < Duration::from_secs(30), "{what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    began.elapsed()
}

#[test]
fn one_replica_works_and_hands_over_at_once_when_it_stops() {
    let Some(server) = EtcdServer::start() else { return };
    no_leaks(async move {
        let one = replica(&server.url()).await;
        until("elected", || is_leader(&one)).await;
        let two = replica(&server.url()).await;
        until("known", || row(&two, "bill").leader.is_some()).await;
        tokio::time::sleep(Duration::from_millis(250)).await;
        assert_eq!(row(&one, "bill").state, TaskState::Running);
        for name in ["bill", "tick", "at_once"] {
            assert_eq!(row(&two, name).state, TaskState::Standby, "{name}");
            assert_eq!(row(&two, name).leader, row(&one, name).leader, "{name}");
        }
        let leader = row(&two, "bill").leader.unwrap();
        assert_eq!(leader.instance, one.view().instance());
        assert_eq!(one.service().runs.lock().unwrap().as_slice(), [leader.token]);
        assert!(one.service().ticks.load(Ordering::SeqCst) >= 2 && one.service().at_once.load(Ordering::SeqCst) == 1);
        assert_eq!(two.service().ticks.load(Ordering::SeqCst), 0);
        assert!(two.service().everywhere.load(Ordering::SeqCst) > 0);

        let began = Instant::now();
        let [ending, beginning] = [&one, &two].map(|replica| replica.service().clone());
        let slow = |billing: &Billing| billing.winding_down.load(Ordering::SeqCst);
        let (report, ()) = tokio::join!(one.stop(), async {
            let mut most = 0;
            let all = || {
                most = most.max(slow(&ending) + slow(&beginning));
                is_leader(&two) && slow(&beginning) == 1
            };
            until("handed over", all).await;
            assert_eq!(most, 1, "the next one begins when this one has ended");
        });
        assert_eq!(ending.wound_down.load(Ordering::SeqCst), 1, "and this one has its time to end");
        drop(ending);
        assert_eq!(report.unwrap().code, 0);
        assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
        assert_eq!(lines(&two, "settings"), 0, "whoever leads is no setting");
        assert!(two.service().runs.lock().unwrap()[0] > leader.token);
        until("ticks", || two.service().ticks.load(Ordering::SeqCst) > 0).await;
        assert_eq!(two.service().at_once.load(Ordering::SeqCst), 1);
        two.stop().await.unwrap();
        assert_eq!(server.ctl(&["get", "--prefix", "/system/leaders/"]), "");
    });
}

#[test]
fn what_is_done_is_not_done_again_and_what_is_given_up_is_left_to_others() {
    let Some(server) = EtcdServer::start() else { return };
    no_leaks(async move {
        let [one, two] = [replica(&server.url()).await, replica(&server.url()).await];
        until("elected", || is_leader(&one) || is_leader(&two)).await;
        let (one, two) = if is_leader(&one) { (one, two) } else { (two, one) };
        *one.service().ending.lock().unwrap() = Ending::Well;
        until("done", || row(&one, "bill").state == TaskState::Done).await;
        // Longer than the lease, and longer than it takes to look again.
        tokio::time::sleep(Duration::from_millis(2500)).await;
        assert_eq!(row(&two, "bill").state, TaskState::Standby);
        let report = one.stop().await.unwrap();
        assert_eq!(report.code, 0);
        until("taken over", || is_leader(&two)).await;

        let three = replica(&server.url()).await;
        *two.service().ending.lock().unwrap() = Ending::Failure;
        until("given up", || row(&two, "bill").state == TaskState::Failed).await;
        until("taken over", || is_leader(&three)).await;
        // Its timers have offices of their own.
        assert_eq!(row(&three, "tick").state, TaskState::Standby);
        // Nor does it stand for it again.
        three.stop().await.unwrap();
        tokio::time::sleep(Duration::from_millis(300)).await;
        assert_eq!((row(&two, "bill").state, row(&two, "bill").leader), (TaskState::Failed, None));
        two.stop().await.unwrap();
    });
}

#[test]
fn one_that_is_cut_off_lets_go_before_another_one_begins() {
    let Some(server) = EtcdServer::start() else { return };
    no_leaks(async move {
        let proxy = Proxy::to(server.port());
        let one = replica(&proxy.url()).await;
        until("elected", || is_leader(&one) && row(&one, "tick").leader.is_some()).await;
        let two = replica(&server.url()).await;
        until("known", || row(&two, "bill").leader.is_some()).await;
        let mut events = one.events().from_now();
        proxy.swallow();
        let mut is_overlap = false;
        let gap = until("taken over", || {
            is_overlap |= is_leader(&one) && is_leader(&two);
            is_leader(&two)
        })
        .await;
        assert!(gap < Duration::from_secs(3) && !is_overlap, "{gap:?}");
        for name in ["bill", "tick", "at_once"] {
            assert_eq!(row(&one, name).state, TaskState::Standby, "{name}");
        }
        let token = one.service().runs.lock().unwrap()[0];
        let lost = events.find(|kind| match kind {
            EventKind::LeadershipLost { task: "bill", token, .. } => Some(*token),
            _ => None,
        });
        assert_eq!(lost.await, Some(token));
        assert_eq!(lines(&one, &format!("`bill`: this replica is not leader any more (token {token})")), 1);
        let leader = |replica: &Replica| replica.metrics().get("chassis_leader", &[("task", "bill")]);
        assert_eq!((leader(&one), leader(&two)), (Some(0.0), Some(1.0)));
        tokio::time::sleep(Duration::from_secs(4)).await;
        assert_eq!(lines(&one, "no leader is elected"), 1, "an outage is one line");
        proxy.heal();
        until("back", || row(&one, "bill").leader == row(&two, "bill").leader).await;
        until("told", || lines(&one, "leaders are elected again") > 0).await;
        assert!(!is_leader(&one));
        assert_eq!(two.stop().await.unwrap().code, 0);
        until("elected again", || is_leader(&one)).await;
        assert_eq!(one.metrics().get("chassis_elections_total", &[("task", "bill")]), Some(2.0));
        let tasks: Value = one.status().get("/tasks").await.unwrap().json().unwrap();
        let told = &tasks["bill"]["leader"];
        assert_eq!(told["token"].as_u64(), one.service().runs.lock().unwrap().last().copied());
        assert_eq!(told["instance"].as_str(), Some(one.view().instance()));
        assert!(tasks["bill"]["state"] == "running" && tasks["everywhere"].get("leader").is_none(), "{tasks}");
        one.stop().await.unwrap();
    });
}

#[test]
fn a_timer_ticks_when_it_is_elected_and_enabled() {
    let Some(server) = EtcdServer::start() else { return };
    no_leaks(async move {
        let proxy = Proxy::to(server.port());
        let settings = Dict::new().set("leader.ttl", "2s").set("microservices.billing.timers.tick.enabled", false);
        let one = Billing::builder().settings(settings).source(Etcd::new([proxy.url()])).start().await.unwrap();
        until("elected", || row(&one, "tick").leader.is_some() && is_leader(&one)).await;
        let ticks = || one.service().ticks.load(Ordering::SeqCst);
        tokio::time::sleep(Duration::from_millis(300)).await;
        assert_eq!((ticks(), row(&one, "tick").state), (0, TaskState::Waiting));
        let timer = one.context().timer(Billing::TICK);
        timer.start();
        until("ticks", || ticks() > 2).await;
        timer.stop();
        tokio::time::sleep(Duration::from_millis(50)).await;
        let before = ticks();
        proxy.cut();
        until("lost", || row(&one, "tick").state == TaskState::Standby).await;
        // What is said to it meanwhile counts from the next election on.
        timer.start();
        tokio::time::sleep(Duration::from_millis(300)).await;
        assert_eq!(ticks(), before);
        proxy.heal();
        until("ticks", || ticks() > before).await;
        assert_eq!(one.service().at_once.load(Ordering::SeqCst), 2, "at once with each election");
        one.stop().await.unwrap();
    });
}

#[test]
fn without_etcd_it_is_told_what_to_set_with_everything_else() {
    no_leaks(async {
        let error = Billing::builder().settings(Dict::new().set("leader.ttl", "1s")).start().await.unwrap_err();
        assert!(error.is_misconfigured());
        let told = format!("{error:#}");
        for text in [
            "settings: 5 problems",
            "`system.leader.ttl`",
            "`system.microservices.billing.tasks.bill.leader`: replicas agree in etcd on who leads, and nothing says where that is",
            "set `CHASSIS_ETCD_ENDPOINTS`; or, if there is only one replica, `system.microservices.billing.tasks.bill.leader: false`",
            "`system.microservices.billing.timers.tick.leader`",
            "`system.microservices.billing.timers.at_once.leader`",
        ] {
            assert!(told.contains(text), "no `{text}` in:\n{told}");
        }
    });
}

#[test]
fn where_nobody_is_asked_everything_runs_without_a_token() {
    #[microservice(name = "alone")]
    struct Alone {
        tokens: Mutex<Vec<Option<u64>>>,
    }

    #[microservice]
    impl Alone {
        #[task(leader)]
        async fn bill(&self, cx: Context) {
            self.tokens.lock().unwrap().push(cx.leadership().map(|leadership| leadership.token()));
        }

        #[task_timer(interval = "1h", immediate, leader)]
        async fn tick(&self, cx: Context) {
            self.tokens.lock().unwrap().push(cx.leadership().map(|leadership| leadership.token()));
        }
    }

    no_leaks(async {
        let settings = Dict::new()
            .set("microservices.alone.tasks.bill.leader", false)
            .set("microservices.alone.timers.tick.leader", false);
        let alone = Alone::builder().settings(settings).start().await.unwrap();
        until("both", || alone.service().tokens.lock().unwrap().len() == 2).await;
        assert_eq!(*alone.service().tokens.lock().unwrap(), [None, None]);
        assert_eq!(alone.view().tasks()["bill"].leader, None);
        alone.stop().await.unwrap();
    });
}
