//! STUB
#![allow(missing_docs, dead_code)]
use super::Source;
pub struct File;
impl File {
    pub fn new(_: impl Into<std::path::PathBuf>) -> Self {
        Self
    }
    pub fn of_environment() -> Vec<Self> {
        vec![]
    }
}
impl Source for File {}
pub struct Env;
impl Env {
    pub fn from_process() -> Self {
        Self
    }
}
impl Source for Env {}
pub struct Cli;
impl Source for Cli {}
