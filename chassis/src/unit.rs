//! STUB
#![allow(missing_docs, dead_code)]
use crate::{Result, scope::Scope};
use std::sync::Arc;
pub struct Unit;
impl Unit {
    pub fn new(_: &'static str) -> Self {
        Self
    }
    pub fn in_scope(self, _: &Arc<Scope>) -> Self {
        self
    }
    pub fn name(self, _: &str) -> Self {
        self
    }
    pub async fn run<T>(self, w: impl Future<Output = Result<T>>) -> Result<T> {
        w.await
    }
}
