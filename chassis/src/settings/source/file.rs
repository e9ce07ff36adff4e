//! Settings files; the ending of the name says the format.

use std::{
    env,
    fs::OpenOptions,
    io::{self, Read as _},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use super::{
    Changes, Following, Layer, Source,
    format::{Parse, Text, by_ending},
    print::{Print, follow},
};
use crate::settings::{
    node::{Node, Value},
    origin::Origin,
    path::ROOT,
    problem::{Problem, Problems},
    suggestion::nearest,
};

/// A file larger than this is no settings file.
const LARGEST: u64 = 4 << 20;

/// What stands directly below `system`; at the top of a file it is misplaced.
const SECTIONS: [&str; 5] = ["deploy_name", "logging", "lifecycle", "resources", "microservices"];

/// Where an editor finds the schema of a JSON file.
const SCHEMA: &str = "$schema";

/// A settings file: `.yml` and `.yaml`, `.toml`, `.json`.
#[derive(Debug, Clone)]
pub struct File {
    path: PathBuf,
    notice: Option<&'static str>,
    /// How the file was when it was read last.
    read: Arc<Mutex<Option<Print>>>,
}

impl File {
    /// The file at `path`.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), notice: None, read: Arc::default() }
    }

    /// The files that `CHASSIS_SETTINGS_FILE` lists, separated by colons; without it, the one of `TAMARCO_YML_FILE`.
    pub fn of_environment() -> Vec<Self> {
        Self::listed(|name| env::var_os(name).filter(|value| !value.is_empty()))
    }

    fn listed(variable: impl Fn(&str) -> Option<std::ffi::OsString>) -> Vec<Self> {
        if let Some(files) = variable("CHASSIS_SETTINGS_FILE") {
            return env::split_paths(&files).filter(|path| !path.as_os_str().is_empty()).map(Self::new).collect();
        }
        let notice = "`TAMARCO_YML_FILE` names the settings file; the variable is called `CHASSIS_SETTINGS_FILE` here";
        variable("TAMARCO_YML_FILE").map(|file| Self { notice: Some(notice), ..Self::new(file) }).into_iter().collect()
    }

    fn read(&self) -> Result<Vec<u8>, String> {
        let explain = |error: io::Error| match error.kind() {
            io::ErrorKind::NotFound => "there is no such file".to_owned(),
            io::ErrorKind::PermissionDenied => "this process may not read it".to_owned(),
            io::ErrorKind::IsADirectory => "it is a folder".to_owned(),
            _ => error.to_string(),
        };
        // A pipe that nobody writes to must not hold the start.
        let mut options = OpenOptions::new();
        options.read(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, libc::O_NONBLOCK);
        let file = options.open(&self.path).map_err(explain)?;
        let metadata = file.metadata().map_err(explain)?;
        if metadata.is_dir() {
            return Err("it is a folder".to_owned());
        }
        let mut bytes = Vec::new();
        file.take(LARGEST + 1).read_to_end(&mut bytes).map_err(explain)?;
        if u64::try_from(bytes.len()).is_ok_and(|size| size <= LARGEST) {
            return Ok(bytes);
        }
        Err(format!("it is larger than {} MiB", LARGEST >> 20))
    }
}

impl Source for File {
    fn name(&self) -> String {
        self.path.display().to_string()
    }

    fn follow(&self, changes: Changes) -> Option<Following> {
        let (path, read) = (self.path.clone(), Arc::clone(&self.read));
        let is_as_read = move || {
            let print = Print::of(&path);
            (*read.lock().unwrap_or_else(PoisonError::into_inner) == print, print)
        };
        Some(Box::pin(follow(is_as_read, changes)))
    }

    fn load(&self, problems: &mut Problems) -> Layer {
        *self.read.lock().unwrap_or_else(PoisonError::into_inner) = Print::of(&self.path);
        if let Some(notice) = self.notice {
            problems.notice(notice);
        }
        let name: Arc<str> = self.name().escape_debug().to_string().into();
        let file = Origin::file(Arc::clone(&name), 0, 0);
        let ending = self.path.extension().map(|ending| ending.to_string_lossy()).unwrap_or_default();
        let Some(parse) = by_ending(&ending) else {
            let what = "the ending of its name does not say the format of this settings file";
            problems.push(Problem::of_source(file, what).help("call it `.yml`, `.yaml`, `.toml` or `.json`"));
            return Layer::unreadable();
        };
        let bytes = match self.read() {
            Ok(bytes) => bytes,
            Err(why) => {
                let problem = Problem::of_source(file, format!("this settings file cannot be read: {why}"));
                problems.push(problem.help(hint(&self.path)));
                return Layer::unreadable();
            }
        };
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
        let (text, is_utf8) = match std::str::from_utf8(bytes) {
            Ok(text) => (text, true),
            Err(error) => (std::str::from_utf8(&bytes[..error.valid_up_to()]).unwrap_or_default(), false),
        };
        let text = Text::new(name, text);
        if !is_utf8 {
            let problem = Problem::of_source(text.end(), "not UTF-8 from here on");
            problems.push(problem.help("save the file as UTF-8"));
            return Layer::unreadable();
        }
        understood(&text, parse, problems)
    }
}

/// The settings in a text as if it were in a file of this name.
#[cfg(all(test, feature = "yaml"))]
pub(crate) fn parse_text(name: &str, text: &str, problems: &mut Problems) -> Layer {
    let ending = name.rsplit('.').next().unwrap_or_default();
    by_ending(ending).map_or_else(Layer::empty, |parse| understood(&Text::new(name.into(), text), parse, problems))
}

fn understood(text: &Text<'_>, parse: Parse, problems: &mut Problems) -> Layer {
    let parsed = parse(text, problems);
    let file = Origin::file(Arc::clone(&text.name), 0, 0);
    let root = match parsed.root {
        Some(root) => below_root(root, file, problems),
        None => Node::empty_map(file),
    };
    Layer { root, is_partial: parsed.is_partial }
}

/// Where relative paths are looked for.
fn hint(path: &Path) -> String {
    match env::current_dir() {
        Ok(folder) if path.is_relative() => format!("the path is relative to {}", folder.display()),
        _ => "is the path right?".to_owned(),
    }
}

/// What stands below `system`. Other keys at the top are warned of, and are a mistake where they look misplaced; what
/// begins with `x-` is the file's own affair, and `$schema` is for editors.
fn below_root(root: Node, file: Origin, problems: &mut Problems) -> Node {
    let nothing = Node::empty_map(file);
    let map = match root.value {
        Value::Map(map) => map,
        Value::Null => return nothing,
        _ => {
            let problem = Problem::of_source(root.origin, "a settings file is a map");
            problems.push(problem.help("everything stands below the key `system`"));
            return nothing;
        }
    };
    let mut is_told = map.is_empty() || map.contains_key(ROOT);
    for (key, node) in &map {
        let is_section = SECTIONS.contains(&key.as_str());
        if is_section || (!map.contains_key(ROOT) && nearest(key, [ROOT]).is_some()) {
            let what = format!("`{key}` has no meaning at the top of a settings file");
            let help = if is_section { "put it below `system:`" } else { "did you mean `system`?" };
            problems.push(Problem::of_source(node.named_at().clone(), what).help(help));
            is_told = true;
        } else if key != ROOT && key != SCHEMA && map.contains_key(ROOT) && !key.starts_with("x-") {
            let what = format!("`{}` at the top of a settings file is not read", key.escape_debug());
            let help = match nearest(key, SECTIONS) {
                Some(section) => format!("did you mean `{section}`, below `system:`?"),
                None => "settings stand below `system:`; what is kept for anchors is called `x-…`".to_owned(),
            };
            problems.warn(Problem::of_source(node.named_at().clone(), what).help(help));
        }
    }
    if !is_told {
        let problem =
            Problem::of_source(nothing.origin.clone(), "the file has no key `system`, so nothing in it is read");
        problems.push(problem.help("put the settings below `system:`"));
    }
    let mut map = map;
    match map.remove(ROOT) {
        Some(system) if system.is_map() => system,
        Some(system) if !system.is_null() => {
            problems.push(
                Problem::of_key(ROOT, format!("expected a map, found {}", system.found(false))).origin(system.origin),
            );
            nothing
        }
        _ => nothing,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(variables: &[(&str, &str)]) -> Vec<(String, bool)> {
        let variable = |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| value.into());
        File::listed(variable).iter().map(|file| (file.name(), file.notice.is_some())).collect()
    }

    #[test]
    fn the_environment_lists_files_and_the_older_name_is_noticed() {
        assert_eq!(
            listed(&[("CHASSIS_SETTINGS_FILE", "a.yml:b.toml:"), ("TAMARCO_YML_FILE", "c.yml")]),
            [("a.yml".to_owned(), false), ("b.toml".to_owned(), false)]
        );
        assert_eq!(listed(&[("TAMARCO_YML_FILE", "c.yml")]), [("c.yml".to_owned(), true)]);
        assert_eq!(listed(&[]), []);
    }
}
