//! What the programs under test have in common, so that they differ in nothing but what is compared.

mod order;
mod processor;
mod punctuality;

pub use order::Order;
pub use processor::processor_time;
pub use punctuality::{Punctuality, TIMERS};
