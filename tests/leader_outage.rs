//! What becomes of leaders when something becomes of etcd.

use std::{collections::BTreeSet, time::Duration};

use chassis::{
    service::Progress,
    settings::{Dict, Etcd},
    tasks::TaskState,
};
use chassis_tests::{EtcdServer, no_leaks};

use crate::leader::{Billing, Replica, is_leader, lines, replica, row, until};

/// How many lead at most, while it is looked for 3 s.
async fn most_leaders(replicas: &[&Replica]) -> usize {
    let mut most = 0;
    for _ in 0..600 {
        most = most.max(replicas.iter().filter(|replica| is_leader(replica)).count());
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    most
}

#[test]
fn an_etcd_that_is_killed_and_comes_back_stops_nobody_and_never_lets_two_lead() {
    let Some(mut server) = EtcdServer::start() else { return };
    no_leaks(async move {
        let [one, two] = [replica(&server.url()).await, replica(&server.url()).await];
        until("elected", || is_leader(&one) || is_leader(&two)).await;
        server.kill();
        until("lost", || !is_leader(&one) && !is_leader(&two)).await;
        for replica in [&one, &two] {
            assert_eq!(replica.view().progress(), Progress::Running);
        }
        server.restart();
        assert_eq!(most_leaders(&[&one, &two]).await, 1);
        let tokens = [&one, &two].map(|replica| replica.service().runs.lock().unwrap().clone()).concat();
        let distinct: BTreeSet<u64> = tokens.iter().copied().collect();
        assert_eq!(distinct.len(), tokens.len(), "a token is given once: {tokens:?}");
        let (one, two) = tokio::join!(one.stop(), two.stop());
        assert_eq!((one.unwrap().code, two.unwrap().code), (0, 0));
    });
}

#[test]
fn a_key_that_somebody_deletes_is_an_election() {
    let Some(server) = EtcdServer::start() else { return };
    no_leaks(async move {
        let one = replica(&server.url()).await;
        until("elected", || is_leader(&one)).await;
        server.delete("/system/leaders/billing/bill");
        until("elected again", || one.service().runs.lock().unwrap().len() == 2).await;
        let runs = one.service().runs.lock().unwrap().clone();
        assert!(runs[1] > runs[0], "{runs:?}");
        assert_eq!(lines(&one, "its key in etcd was deleted"), 1);
        assert_eq!(row(&one, "bill").restarts, 0);
        one.stop().await.unwrap();
    });
}

#[test]
fn an_etcd_that_is_put_back_to_an_older_state_has_one_leader() {
    let Some(mut server) = EtcdServer::start() else { return };
    no_leaks(async move {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("snapshot");
        server.snapshot(&file);
        // Revisions that do not come back for a long time: whoever waits for them waits in vain.
        (0..100).for_each(|_| server.put("/system/x", "1"));
        let [one, two] = [replica(&server.url()).await, replica(&server.url()).await];
        until("elected", || is_leader(&one) || is_leader(&two)).await;
        let elections =
            || [&one, &two].map(|replica| replica.service().runs.lock().unwrap().len()).iter().sum::<usize>();
        let before = elections();
        server.restore(&file);
        until("elected", || elections() > before && (is_leader(&one) || is_leader(&two))).await;
        // The leader before knows nothing of it until it hears that its lease is not there any more.
        until("let go", || !(is_leader(&one) && is_leader(&two))).await;
        assert_eq!(most_leaders(&[&one, &two]).await, 1);
        let (one, two) = if is_leader(&one) { (one, two) } else { (two, one) };
        one.stop().await.unwrap();
        until("taken over", || is_leader(&two)).await;
        two.stop().await.unwrap();
    });
}

#[test]
fn who_may_not_write_the_key_says_so_once_and_goes_on() {
    let Some(server) = EtcdServer::start() else { return };
    no_leaks(async move {
        for command in [
            "user add root:x",
            "user add billing:y",
            "role add reads",
            "role grant-permission reads --prefix=true read /system/",
            // One of its keys, and not the others.
            "role grant-permission reads readwrite /system/leaders/billing/bill",
            "user grant-role billing reads",
            "auth enable",
        ] {
            server.ctl(&command.split(' ').collect::<Vec<_>>());
        }
        let etcd = Etcd::new([server.url()]).user("billing", "y");
        let settings = Dict::new().set("leader.ttl", "2s");
        let one = Billing::builder().settings(settings).source(etcd).start().await.unwrap();
        until("elected", || is_leader(&one)).await;
        until("told", || lines(&one, "no leader is elected") > 0).await;
        tokio::time::sleep(Duration::from_secs(3)).await;
        assert_eq!((lines(&one, "no leader is elected"), lines(&one, "leaders are elected again")), (1, 0));
        assert_eq!(lines(&one, "etcd does not let this user in there"), 1);
        assert!(is_leader(&one) && row(&one, "tick").state == TaskState::Standby);
        assert_eq!(one.service().runs.lock().unwrap().len(), 1);
        one.stop().await.unwrap();
    });
}
