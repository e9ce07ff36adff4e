//! Methods that run beside the handlers: tasks, timers, threads.

mod moment;
mod queue;
mod schedule;
mod settings;
pub(crate) mod spawn;
mod table;
pub(crate) mod task;
pub(crate) mod thread;
mod timer;
pub(crate) mod timers;

pub use self::{
    schedule::{Overlap, Schedule, TimerId},
    settings::TimerSettings,
    table::{TaskRow, TaskState},
    timer::TimerHandle,
};
pub(crate) use self::{
    spawn::{Group, catch},
    table::{TaskCell, TaskTable},
    task::TaskPlan,
    thread::ThreadPlan,
    timer::{TimerControl, TimerPlan},
};
