//! Timers, with the clock paused: every row of their table.

use std::{
    sync::Mutex,
    time::{Duration, SystemTime},
};

use chassis::prelude::*;
use chassis_tests::no_leaks_paused;
use tokio::time::Instant;

const SECOND: Duration = Duration::from_secs(1);

/// When the ticks of a timer ran, in milliseconds since the start.
#[derive(Debug)]
struct Ticks {
    start: Instant,
    at: Mutex<Vec<u128>>,
}

impl Default for Ticks {
    fn default() -> Self {
        Self { start: Instant::now(), at: Mutex::default() }
    }
}

impl Ticks {
    fn tick(&self) {
        self.at.lock().unwrap().push(self.start.elapsed().as_millis());
    }

    fn take(&self) -> Vec<u128> {
        std::mem::take(&mut self.at.lock().unwrap())
    }
}

#[microservice(name = "ticker")]
struct Ticker {
    plain: Ticks,
    at_once: Ticks,
    once: Ticks,
    manual: Ticks,
    slow: Ticks,
    queued: Ticks,
}

#[microservice]
impl Ticker {
    #[task_timer(interval = "1s")]
    async fn plain(&self) {
        self.plain.tick();
    }

    #[task_timer(interval = 1000, immediate)]
    async fn at_once(&self) {
        self.at_once.tick();
    }

    #[task_timer(interval = "1s", one_shot)]
    async fn once(&self) {
        self.once.tick();
    }

    #[task_timer(interval = "1s", autostart = false)]
    async fn manual(&self) {
        self.manual.tick();
    }

    #[task_timer(interval = "1s")]
    async fn slow(&self) {
        self.slow.tick();
        tokio::time::sleep(Duration::from_millis(2500)).await;
    }

    #[task_timer(interval = "1s", overlap = "queue")]
    async fn queued(&self) {
        self.queued.tick();
        if self.queued.at.lock().unwrap().len() == 1 {
            tokio::time::sleep(Duration::from_millis(2500)).await;
        }
    }
}

#[test]
fn ticks_come_when_the_table_says() {
    no_leaks_paused(async {
        let running = Ticker::builder().start().await.unwrap();
        let service = running.service();
        tokio::time::sleep(Duration::from_millis(5400)).await;
        assert_eq!(service.plain.take(), [1000, 2000, 3000, 4000, 5000], "the first after one interval");
        assert_eq!(service.at_once.take(), [0, 1000, 2000, 3000, 4000, 5000], "the first at once");
        assert_eq!(service.once.take(), [1000], "only one");
        assert!(service.manual.take().is_empty(), "not by itself");
        assert_eq!(service.slow.take(), [1000, 4000], "what was missed is skipped, the schedule is kept");
        assert_eq!(service.queued.take(), [1000, 3500, 3500, 4000, 5000], "what was missed follows");
        assert!(running.view().tasks()["slow"].skipped >= 2);
        running.stop().await.unwrap();
    });
}

#[test]
fn a_timer_is_started_stopped_and_given_another_interval() {
    no_leaks_paused(async {
        let running = Ticker::builder().start().await.unwrap();
        let (service, cx) = (running.service(), running.context());
        let manual = cx.timer(Ticker::MANUAL);
        tokio::time::sleep(Duration::from_millis(500)).await;
        manual.start();
        tokio::time::sleep(Duration::from_millis(2100)).await;
        assert_eq!(service.manual.take(), [1500, 2500]);
        manual.set_interval(Duration::from_millis(100));
        tokio::time::sleep(Duration::from_millis(250)).await;
        assert_eq!(service.manual.take(), [2700, 2800]);
        manual.stop();
        tokio::time::sleep(10 * SECOND).await;
        assert!(service.manual.take().is_empty());
        running.stop().await.unwrap();
    });
}

#[test]
fn a_timer_that_is_never_due_leaves_the_others_alone() {
    no_leaks_paused(async {
        let running = Ticker::builder().start().await.unwrap();
        let manual = running.context().timer(Ticker::MANUAL);
        manual.set_interval(Duration::MAX);
        manual.start();
        tokio::time::sleep(Duration::from_millis(2500)).await;
        assert_eq!(running.service().plain.take(), [1000, 2000]);
        assert!(running.service().manual.take().is_empty());
        running.stop().await.unwrap();
    });
}

#[test]
fn interval_and_enabled_are_settings_too() {
    no_leaks_paused(async {
        let settings = chassis::yaml! {
            microservices: { ticker: { timers: { plain: { interval: 250 }, at_once: { enabled: false } } } }
        };
        let running = Ticker::builder().settings(settings).start().await.unwrap();
        tokio::time::sleep(Duration::from_millis(1100)).await;
        assert_eq!(running.service().plain.take().len(), 4);
        assert!(running.service().at_once.take().is_empty());
        running.stop().await.unwrap();
    });
}

#[test]
fn a_stop_waits_for_the_running_tick_and_no_other_follows() {
    no_leaks_paused(async {
        let running = Ticker::builder().start().await.unwrap();
        tokio::time::sleep(Duration::from_millis(1100)).await;
        let service = running.service().clone();
        let began = Instant::now();
        running.stop().await.unwrap();
        assert!(began.elapsed() >= 2 * SECOND, "the slow tick is waited for: {:?}", began.elapsed());
        assert_eq!(service.plain.take(), [1000]);
    });
}

#[test]
fn a_tick_that_fails_is_told_and_the_next_one_comes() {
    #[microservice(name = "failing")]
    struct Failing {
        ticks: Ticks,
    }

    #[microservice]
    impl Failing {
        #[task_timer(interval = "1s")]
        async fn fail(&self) -> Result<()> {
            self.ticks.tick();
            if self.ticks.at.lock().unwrap().len() == 2 {
                panic!("boom");
            }
            Err(Error::msg("no"))
        }
    }

    no_leaks_paused(async {
        let running = Failing::builder().start().await.unwrap();
        tokio::time::sleep(Duration::from_millis(3500)).await;
        let row = running.view().tasks()["fail"].clone();
        assert_eq!((row.runs, row.failures), (3, 3));
        running.stop().await.unwrap();
    });
}

#[test]
fn jitter_delays_a_tick_and_never_the_schedule() {
    #[microservice(name = "jittery")]
    struct Jittery {
        ticks: Ticks,
    }

    #[microservice]
    impl Jittery {
        #[task_timer(interval = "1s", jitter = "400ms")]
        async fn tick(&self) {
            self.ticks.tick();
        }
    }

    no_leaks_paused(async {
        let running = Jittery::builder().start().await.unwrap();
        tokio::time::sleep(Duration::from_millis(20_500)).await;
        let ticks = running.service().ticks.take();
        assert_eq!(ticks.len(), 20);
        for (k, at) in ticks.iter().enumerate() {
            let due = (k as u128 + 1) * 1000;
            assert!((due..=due + 401).contains(at), "tick {k} at {at}");
        }
        running.stop().await.unwrap();
    });
}

#[test]
fn a_cron_timer_follows_daylight_saving() {
    #[microservice(name = "calendar")]
    struct Calendar {
        ticks: Ticks,
    }

    #[microservice]
    impl Calendar {
        #[task_timer(cron = "0 12 * * *", timezone = "Europe/Berlin")]
        async fn noon(&self) {
            self.ticks.tick();
        }
    }

    no_leaks_paused(async {
        // Berlin leaves standard time on 2026-03-29 at 01:00 UTC: that noon is an hour earlier in UTC.
        let ten = SystemTime::UNIX_EPOCH + Duration::from_secs(1_774_656_000 + 10 * 3600); // 2026-03-28T10:00:00Z
        let running = Calendar::builder().clock(ten).start().await.unwrap();
        tokio::time::sleep((24 * 3600 + 60) * SECOND).await;
        let hours: Vec<_> = running.service().ticks.take().iter().map(|ms| ms / 3_600_000).collect();
        assert_eq!(hours, [1, 24], "at 11:00 and, a day later, at 10:00 UTC");
        running.stop().await.unwrap();
    });
}

#[test]
fn a_one_shot_may_be_started_again_by_its_own_tick() {
    #[microservice(name = "poller")]
    struct Poller {
        ticks: Ticks,
    }

    #[microservice]
    impl Poller {
        #[task_timer(interval = "1s", one_shot)]
        async fn poll(&self, cx: Context) {
            self.ticks.tick();
            if self.ticks.at.lock().unwrap().len() < 3 {
                cx.timer(Self::POLL).start();
            }
        }
    }

    no_leaks_paused(async {
        let running = Poller::builder().start().await.unwrap();
        tokio::time::sleep(10 * SECOND).await;
        assert_eq!(running.service().ticks.take(), [1000, 2000, 3000]);
        running.stop().await.unwrap();
    });
}

#[test]
fn a_tick_is_quick_or_waits_as_it_likes_and_delays_no_other() {
    #[microservice(name = "mixed")]
    struct Mixed {
        moody: Ticks,
        steady: Ticks,
    }

    #[microservice]
    impl Mixed {
        #[task_timer(interval = "1s")]
        async fn moody(&self) {
            self.moody.tick();
            let ticks = self.moody.at.lock().unwrap().len();
            if ticks.is_multiple_of(3) {
                tokio::time::sleep(Duration::from_millis(700)).await;
            }
        }

        #[task_timer(interval = "100ms")]
        async fn steady(&self) {
            self.steady.tick();
        }
    }

    no_leaks_paused(async {
        let running = Mixed::builder().start().await.unwrap();
        tokio::time::sleep(Duration::from_millis(7050)).await;
        assert_eq!(running.service().moody.take(), [1000, 2000, 3000, 4000, 5000, 6000, 7000]);
        assert_eq!(running.service().steady.take(), (1..=70).map(|tick| tick * 100).collect::<Vec<_>>());
        assert_eq!(running.view().tasks()["moody"].runs, 7);
        running.stop().await.unwrap();
    });
}

#[test]
fn a_tick_that_is_stuck_is_named_and_the_others_went_on() {
    #[microservice(name = "stuck")]
    struct Stuck {
        ticks: Ticks,
    }

    #[microservice]
    impl Stuck {
        #[task_timer(interval = "1s")]
        async fn hang(&self) {
            std::future::pending::<()>().await;
        }

        #[task_timer(interval = "1s")]
        async fn tick(&self) {
            self.ticks.tick();
        }
    }

    no_leaks_paused(async {
        let running = Stuck::builder().start().await.unwrap();
        let service = running.service().clone();
        tokio::time::sleep(Duration::from_millis(3500)).await;
        let error = running.stop().await.unwrap_err();
        assert!(format!("{error:#}").contains("timer `hang`"), "{error:#}");
        assert_eq!(service.ticks.take(), [1000, 2000, 3000]);
    });
}
