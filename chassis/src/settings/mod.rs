//! STUB
#![allow(missing_docs, dead_code, unused_variables, clippy::all)]
pub mod source;
use crate::Result;
pub use chassis_macros::SettingsSchema;
pub trait SettingsSchema: Sized + Send + Sync + 'static {}
impl SettingsSchema for () {}
pub trait SettingValue: Sized + Send + Sync + 'static {}
impl SettingValue for String {}
impl SettingValue for u32 {}
#[derive(Debug, Clone, Default)]
pub struct OneOrMany;
impl OneOrMany {
    pub fn names(&self, _: &str) -> bool {
        false
    }
    pub fn is_all(&self) -> bool {
        false
    }
}
pub struct Problems;
impl Problems {
    pub fn new() -> Self {
        Self
    }
    pub fn into_result(self) -> Result<()> {
        Ok(())
    }
    pub fn add(&mut self, _: &str, _: String) {}
}
pub struct Section<'a>(&'a ());
impl<'a> Section<'a> {
    pub fn setting<F: SettingValue>(&self, _: &str, _: Option<fn() -> F>, _: &mut Problems) -> Option<F> {
        None
    }
    pub fn read<T: SettingsSchema>(&self, _: &[&str], _: &mut Problems) -> Option<T> {
        None
    }
}
pub struct Declared;
impl Declared {
    pub fn of<T: SettingsSchema>(_: &str) -> Self {
        Self
    }
    pub fn value<F: SettingValue>(_: &str, _: Option<fn() -> F>) -> Self {
        Self
    }
    pub fn owner(self, _: &str) -> Self {
        self
    }
    pub fn about(self, _: &str) -> Self {
        self
    }
}
#[derive(Clone)]
pub struct Tree;
impl Tree {
    pub fn merge(_: &[Box<dyn Source>], _: &str, _: &mut Problems) -> Self {
        Self
    }
    pub fn section(&self, _: &str) -> Section<'_> {
        Section(&())
    }
    pub fn check_unknown(&self, _: &[Declared], _: bool, _: &mut Problems) {}
    pub fn notices(&self, _: &[Declared]) -> Vec<String> {
        vec![]
    }
}
pub struct Settings;
impl Settings {
    pub fn new(_: Tree, _: Vec<Declared>) -> Self {
        Self
    }
    pub fn tree(&self) -> Tree {
        Tree
    }
}
pub trait Source: Send {}
pub struct Dict;
impl Source for Dict {}
