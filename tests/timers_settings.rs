//! Settings of timers: what is wrong with them is told with its key, before anything starts.

use chassis::prelude::*;
use chassis_tests::no_leaks_paused;

#[microservice(name = "ticker")]
struct Ticker {}

#[microservice]
impl Ticker {
    #[task_timer(interval = "1s")]
    async fn plain(&self) {}

    #[task_timer(interval = "1s", one_shot)]
    async fn once(&self) {}
}

/// What a start with these settings says; it does not start.
async fn refused<S: chassis::Microservice>(yaml: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("settings.yml");
    std::fs::write(&path, yaml).unwrap();
    let error = chassis::Builder::<S>::new().settings_file(&path).start().await.unwrap_err();
    assert!(error.is_misconfigured());
    format!("{error:#}").replace(&format!("{}/", folder.path().display()), "")
}

#[test]
fn a_wrong_calendar_is_told_with_its_key_its_place_and_everything_else() {
    no_leaks_paused(async {
        let told = refused::<Ticker>(
            "system:\n  microservices:\n    ticker:\n      timers:\n        plain:\n          cron: 0 3 * 13 *\n          \
             timezone: Mars/Olympus\n          enabled: perhaps\n",
        )
        .await;
        let timer = "`system.microservices.ticker.timers.plain";
        for text in [
            &format!("{timer}.cron`: cron expression `0 3 * 13 *`: the month is `13`, and has to be within 1-12"),
            "at settings.yml:6:17",
            "write it like `0 3 * * *`",
            &format!("{timer}.timezone`: no time zone is called `Mars/Olympus`; write its IANA name"),
            "at settings.yml:7:21",
            &format!("{timer}.enabled`"),
            "settings: 3 problems",
        ] {
            assert!(told.contains(text), "no `{text}` in:\n{told}");
        }
    });
}

#[test]
fn a_time_zone_of_an_attribute_that_does_not_exist_is_told_with_its_timer() {
    #[microservice(name = "misspelt")]
    struct Misspelt;

    #[microservice]
    impl Misspelt {
        #[task_timer(cron = "0 3 * * *", timezone = "Europe/Berln")]
        async fn nightly(&self) {}
    }

    no_leaks_paused(async {
        let told = refused::<Misspelt>("system: {}\n").await;
        let expected = "settings: 1 problem\n\
                        1. `system.microservices.misspelt.timers.nightly.timezone`: in the attribute of the timer: no time \
                        zone is called `Europe/Berln`; write its IANA name, such as `Europe/Berlin`";
        assert_eq!(told, expected);
        // A setting stands in for the attribute.
        let mended = chassis::yaml! {
            microservices: { misspelt: { timers: { nightly: { timezone: "Europe/Berlin", cron: "0 4 * * *" } } } }
        };
        Misspelt::builder().settings(mended).start().await.unwrap().stop().await.unwrap();
    });
}

#[test]
fn settings_of_a_timer_that_contradict_each_other_are_told() {
    no_leaks_paused(async {
        let told = refused::<Ticker>(
            "system:\n  microservices:\n    ticker:\n      timers:\n        plain: {cron: 0 3 * * *, interval: 1s}\n        \
             once: {timezone: Europe/Berlin}\n",
        )
        .await;
        let timers = "`system.microservices.ticker.timers";
        for text in [
            &format!("{timers}.plain.interval`: a timer follows an interval or a calendar, not both"),
            "at settings.yml:5:44",
            &format!("{timers}.once.timezone`: an interval knows no time zone"),
            "at settings.yml:6:26",
            "settings: 2 problems",
        ] {
            assert!(told.contains(text), "no `{text}` in:\n{told}");
        }
    });
}
