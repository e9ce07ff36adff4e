//! Settings on the command line: `--set resources.http.port=9090`.

use super::{Layer, Source};
use crate::settings::{
    origin::Origin,
    problem::{Problem, Problems},
};

/// What was given with `--set`, in the order it was given; later ones win.
#[derive(Clone, Default)]
pub struct Cli {
    settings: Vec<String>,
}

impl Cli {
    /// Takes each as `key=value`.
    pub fn new<S: Into<String>>(settings: impl IntoIterator<Item = S>) -> Self {
        Self { settings: settings.into_iter().map(Into::into).collect() }
    }
}

impl Source for Cli {
    fn name(&self) -> String {
        "command line".to_owned()
    }

    fn load(&self, problems: &mut Problems) -> Layer {
        let mut layer = Layer::empty();
        for setting in &self.settings {
            match setting.split_once('=') {
                Some((key, value)) => {
                    let key = key.trim();
                    let origin = Origin::command_line(key.escape_debug());
                    layer.insert_text(key, value, origin, problems);
                }
                None => {
                    // What was written may be a secret with its key left out.
                    let problem = Problem::of_source(Origin::named("--set"), "expected `KEY=VALUE`, found no `=`");
                    problems.push(problem.help("write it like `--set resources.http.port=9090`"));
                }
            }
        }
        layer
    }
}

/// Values may be secrets.
impl std::fmt::Debug for Cli {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Cli({})", self.settings.len())
    }
}
