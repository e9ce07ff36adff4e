//! Tasks in the memory of the process.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use chassis::Result;

use super::Engine;
use crate::{id::TaskId, task::Task};

/// Tasks in a map.
#[derive(Default)]
pub struct Memory {
    tasks: Mutex<BTreeMap<TaskId, Task>>,
}

impl Memory {
    fn tasks(&self) -> MutexGuard<'_, BTreeMap<TaskId, Task>> {
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Engine for Memory {
    fn list(&self) -> Result<BTreeMap<TaskId, Task>> {
        Ok(self.tasks().clone())
    }

    fn get(&self, id: TaskId) -> Result<Option<Task>> {
        Ok(self.tasks().get(&id).cloned())
    }

    fn insert(&self, id: TaskId, task: &Task) -> Result<()> {
        self.tasks().insert(id, task.clone());
        Ok(())
    }

    fn replace(&self, id: TaskId, task: &Task) -> Result<bool> {
        let mut tasks = self.tasks();
        let known = tasks.get_mut(&id);
        Ok(known.map(|known| known.clone_from(task)).is_some())
    }

    fn remove(&self, id: TaskId) -> Result<bool> {
        Ok(self.tasks().remove(&id).is_some())
    }
}
