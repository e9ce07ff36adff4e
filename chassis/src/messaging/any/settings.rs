//! What can be set where the engine is a setting.

use std::{any::Any, fmt, marker::PhantomData};

use serde_json::{Value as Json, json};

use super::{kind::Engines, kinds};
use crate::settings::{Form, SettingsSchema};

/// Which engine it is, and what that one has.
pub struct AnySettings<M: Engines> {
    pub(super) engine: String,
    /// The settings of that engine, of the engine's own type.
    pub(super) chosen: Option<Box<dyn Any + Send + Sync>>,
    more: PhantomData<fn() -> M>,
}

impl<M: Engines> SettingsSchema for AnySettings<M> {
    const ABOUT: &'static str = "Which engine a broker has.";

    fn fields(form: &mut Form<'_>) -> Option<Self> {
        let about = "Which engine it is: `memory`, or another one that is compiled in.";
        let engine = form.field::<String>("engine").about(about).default(|| "memory".to_owned()).read();
        let mut chosen = None;
        for kind in kinds::<M>() {
            // What is not chosen may stand there, but need not.
            match engine.as_deref() == Some(kind.name()) {
                true => chosen = Some(kind.read(form)?),
                false => kind.look(form),
            }
        }
        Some(Self { engine: engine?, chosen, more: PhantomData })
    }

    fn show_fields(&self) -> Json {
        json!({ "engine": self.engine })
    }
}

impl<M: Engines> fmt::Debug for AnySettings<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AnySettings").field("engine", &self.engine).finish_non_exhaustive()
    }
}
