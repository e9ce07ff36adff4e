//! The engine that is a setting.
//!
//! ```yaml
//! system:
//!   resources:
//!     broker:
//!       engine: amqp
//!       amqp: { host: rabbit.example }
//!       memory: { hub: pipeline }
//! ```
//!
//! | setting | what it says |
//! | --- | --- |
//! | `engine` | which engine: `memory`, and the others whose features are compiled in |
//! | `<engine>` | the settings of that engine; those of others may stand beside them, and are looked at, too |

mod erased;
mod kind;
mod settings;

use std::marker::PhantomData;

use self::erased::DynEngine;
pub(crate) use self::kind::{Kind, kind};
pub use self::{
    erased::{AnyConnection, AnyConsumer, AnyDelivered},
    kind::Engines,
    settings::AnySettings,
};
use super::{
    engine::{Engine, Intake},
    pattern::{Offers, Pattern, PublishSubscribe, PushPull, RequestResponse},
};
use crate::{
    Context, Error, Result,
    codec::Format,
    resources,
    settings::{Problem, Problems, suggestion::nearest},
};

/// The engine of a [`Broker`](super::Broker) that takes whatever engine the settings name.
///
/// Here a pattern that the engine does not have is no mistake of the code: the service does not start, exit code 78.
/// Engines of one's own join those that are here: `Broker<Any<(MyEngine,)>>`.
pub struct Any<M: Engines = ()> {
    engines: Vec<Box<dyn DynEngine>>,
    more: PhantomData<fn() -> M>,
}

/// All engines: those that are here, and those of `M`.
fn kinds<M: Engines>() -> Vec<Box<dyn Kind>> {
    let built_in = resources::engines().into_iter().filter_map(|(_, kind)| kind);
    built_in.chain(M::kinds()).collect()
}

impl<M: Engines> Any<M> {
    fn engine(&self, name: &str) -> Option<&dyn DynEngine> {
        self.engines.iter().find(|engine| engine.name() == name).map(|engine| &**engine)
    }
}

/// The problem of an engine that is not among those that are here.
fn no_engine(name: &str, here: &[&str]) -> Problem {
    let known: Vec<String> = here.iter().map(|name| format!("`{name}`")).collect();
    let problem = Problem::of_key("engine", format!("there is no engine `{name}`; here are {}", known.join(", ")));
    let built_in = resources::engines().map(|(name, _)| name);
    let absent = |name: &str| built_in.contains(&name) && !here.contains(&name);
    let feature = |name: &str| format!("is the feature `{name}` of chassis, which is not compiled in");
    if absent(name) {
        return problem.help(format!("it {}", feature(name)));
    }
    match nearest(name, here.iter().copied().chain(built_in)) {
        Some(meant) if absent(meant) => problem.help(format!("did you mean `{meant}`? it {}", feature(meant))),
        Some(meant) => problem.help(format!("did you mean `{meant}`?")),
        None => problem.help("others are features of chassis, to be compiled in"),
    }
}

impl<M: Engines> Default for Any<M> {
    fn default() -> Self {
        Self { engines: kinds::<M>().iter().map(|kind| kind.engine()).collect(), more: PhantomData }
    }
}

impl<M: Engines> std::fmt::Debug for Any<M> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.engines.iter().map(|engine| engine.name())).finish()
    }
}

impl<M: Engines> Offers<PublishSubscribe> for Any<M> {}
impl<M: Engines> Offers<PushPull> for Any<M> {}
impl<M: Engines> Offers<RequestResponse> for Any<M> {}

impl<M: Engines> Engine for Any<M> {
    type Settings = AnySettings<M>;
    type Connection = AnyConnection;

    const NAME: &'static str = "any";
    const PATTERNS: &'static [Pattern] = &[Pattern::PublishSubscribe, Pattern::PushPull, Pattern::RequestResponse];

    fn check(&self, settings: &AnySettings<M>, intakes: &[Intake]) -> Result<()> {
        let Some(engine) = self.engine(&settings.engine) else {
            let here: Vec<&str> = self.engines.iter().map(|engine| engine.name()).collect();
            let mut problems = Problems::new();
            problems.push(no_engine(&settings.engine, &here));
            return problems.into_result();
        };
        let missing: Vec<String> = intakes
            .iter()
            .filter(|intake| !engine.patterns().contains(&intake.pattern))
            .map(|intake| format!("{} `{}`", intake.pattern, intake.name))
            .collect();
        if !missing.is_empty() {
            return Err(Error::misconfigured(Error::msg(format!(
                "engine `{}` cannot take {}: set another `engine`, or take the handler away",
                settings.engine,
                missing.join(", ")
            ))));
        }
        let checked = settings.chosen.as_ref().map_or(Ok(()), |chosen| engine.check(&**chosen, intakes));
        checked.or_else(|error| Problems::of_error(&error).below(&settings.engine).into_result())
    }

    fn place(&self, settings: &AnySettings<M>) -> String {
        let known = self.engine(&settings.engine).zip(settings.chosen.as_ref());
        known.map_or_else(|| settings.engine.clone(), |(engine, chosen)| engine.place(&**chosen))
    }

    fn format(&self, settings: &AnySettings<M>) -> Option<Format> {
        self.engine(&settings.engine)?.format(&**settings.chosen.as_ref()?)
    }

    async fn connect(&self, cx: &Context, settings: AnySettings<M>) -> Result<AnyConnection> {
        let chosen = self.engine(&settings.engine).zip(settings.chosen);
        let (engine, chosen) = chosen.ok_or_else(|| Error::msg("the settings of the engine were not read"))?;
        engine.connect(cx, chosen).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_engine_that_is_not_here_is_told_with_the_one_that_was_meant_and_its_feature() {
        let told = |name: &str| {
            let mut problems = Problems::new();
            problems.push(no_engine(name, &["memory", "own"]));
            problems.to_string()
        };
        for (name, expected) in [
            ("memroy", "did you mean `memory`?"),
            ("onw", "did you mean `own`?"),
            ("amqp", "it is the feature `amqp` of chassis, which is not compiled in"),
            ("kafak", "did you mean `kafka`? it is the feature `kafka` of chassis, which is not compiled in"),
            ("pigeon", "others are features of chassis, to be compiled in"),
        ] {
            let told = told(name);
            assert!(
                told.contains(&format!("`system.engine`: there is no engine `{name}`; here are `memory`, `own`")),
                "{told}"
            );
            assert!(told.ends_with(expected), "{told}");
        }
    }

    #[test]
    fn engines_are_called_as_their_features() {
        for (feature, kind) in resources::engines() {
            assert_eq!(kind.map_or(feature, |kind| kind.name()), feature);
        }
    }
}
