//! STUB
#![allow(missing_docs, dead_code)]
use super::Metrics;
use std::time::Duration;
pub struct Framework;
pub struct TimerFigures;
impl TimerFigures {
    pub fn skipped(&self, _: u64) {}
    pub fn late(&self, _: Duration) {}
}
impl Framework {
    pub fn new(_: &Metrics) -> Self {
        Self
    }
    pub fn resource_state(&self, _: &str, _: u8) {}
    pub fn resource_restarted(&self, _: &str) {}
    pub fn task_restarted(&self, _: &str) {}
    pub fn timer(&self, _: &str) -> TimerFigures {
        TimerFigures
    }
    pub fn watch_event_loop(&self) -> impl Future<Output = ()> + Send + 'static + use<> {
        std::future::pending()
    }
}
