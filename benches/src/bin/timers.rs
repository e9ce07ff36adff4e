//! Many timers of one second on `tokio::time::interval`, as one would by hand; prints what [`Punctuality`] reports.

use std::{sync::Arc, time::Duration};

use benches::{Punctuality, TIMERS};
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep_until};

#[tokio::main]
async fn main() {
    let punctuality = Arc::new(Punctuality::from_env());
    let began = Instant::now();
    for index in 0..TIMERS {
        // Starts are spread over a second: nobody starts so many timers at one moment and hopes for punctuality.
        if index % 100 == 0 {
            sleep_until(began + Duration::from_secs(1).mul_f64(index as f64 / TIMERS as f64)).await;
        }
        let punctuality = Arc::clone(&punctuality);
        tokio::spawn(async move {
            let start = Instant::now();
            let mut interval = interval_at(start + Duration::from_secs(1), Duration::from_secs(1));
            interval.set_missed_tick_behavior(MissedTickBehavior::Skip);
            loop {
                interval.tick().await;
                punctuality.ticked(start.into_std());
            }
        });
    }
    let report = tokio::task::spawn_blocking(move || punctuality.report()).await;
    println!("{}", report.unwrap_or_default());
}
