//! Where a value was written, in the words a person would look for it.

use std::{fmt, sync::Arc};

/// How much of a key is shown: etcd takes a megabyte for a key, too.
const LONGEST: usize = 300;

/// Where a value comes from: `settings.yml:12:9`, `CHASSIS__RESOURCES__HTTP__PORT`, `--set resources.http.port`.
///
/// Cheap to clone; `Display` is what reports and `/settings` show.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Origin(Place);

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Place {
    Default,
    Builder,
    File {
        name: Arc<str>,
        line: u32,
        column: u32,
    },
    Named(Arc<str>),
    #[cfg_attr(not(feature = "etcd"), expect(dead_code, reason = "made by the source of that feature"))]
    Etcd {
        key: Arc<str>,
        revision: i64,
    },
}

impl Origin {
    /// A default in code.
    pub fn default_value() -> Self {
        Self(Place::Default)
    }

    /// Given to the builder of a service in code.
    pub fn builder() -> Self {
        Self(Place::Builder)
    }

    /// A place in a file; both numbers count from 1, columns in characters.
    pub fn file(name: impl Into<Arc<str>>, line: u32, column: u32) -> Self {
        Self(Place::File { name: name.into(), line, column })
    }

    /// Anything else that has a name: a variable of the environment, `etcd /system/a rev 42`.
    pub fn named(name: impl Into<Arc<str>>) -> Self {
        Self(Place::Named(name.into()))
    }

    /// A key of etcd as it was last written at this revision.
    #[cfg(feature = "etcd")]
    pub(crate) fn etcd(key: impl Into<Arc<str>>, revision: i64) -> Self {
        Self(Place::Etcd { key: key.into(), revision })
    }

    /// An option `--set` of the command line.
    pub fn command_line(key: impl fmt::Display) -> Self {
        Self::named(format!("--set {key}"))
    }

    /// Set while the service runs, by its own code.
    pub fn run_time() -> Self {
        Self::named("set at run time")
    }

    /// Whether nobody set the value.
    pub fn is_default(&self) -> bool {
        self.0 == Place::Default
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Place::Default => f.write_str("default"),
            Place::Builder => f.write_str("builder"),
            // Line 0 stands for the file as a whole: it could not be read or understood.
            Place::File { name, line: 0, .. } => f.write_str(name),
            Place::File { name, line, column } => write!(f, "{name}:{line}:{column}"),
            Place::Named(name) => f.write_str(name),
            Place::Etcd { key, revision } => {
                let (key, more) = match key.char_indices().nth(LONGEST) {
                    Some((end, _)) => (&key[..end], "…"),
                    None => (&**key, ""),
                };
                write!(f, "etcd {}{more} rev {revision}", key.escape_debug())
            }
        }
    }
}

impl fmt::Debug for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Origin({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_read_as_a_person_would_look_for_them() {
        assert_eq!(Origin::file("settings.yml", 12, 9).to_string(), "settings.yml:12:9");
        assert_eq!(Origin::file("settings.yml", 0, 0).to_string(), "settings.yml");
        assert_eq!(Origin::named("CHASSIS__DEPLOY_NAME").to_string(), "CHASSIS__DEPLOY_NAME");
        assert_eq!(Origin::command_line("deploy_name").to_string(), "--set deploy_name");
        assert_eq!(Origin::builder().to_string(), "builder");
    }

    #[cfg(feature = "etcd")]
    #[test]
    fn a_key_without_end_is_cut_and_its_revision_told() {
        let told = Origin::etcd(format!("/system/{}", "ü\n".repeat(5_000)), 42).to_string();
        assert!(told.ends_with("… rev 42") && told.len() < 1_000 && !told.contains('\n'), "{told}");
    }
}
