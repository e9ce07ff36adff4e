//! Settings from every source to a struct, and what is told when something is wrong.

use std::{collections::BTreeMap, fs, path::PathBuf, time::Duration};

use super::*;
use crate::settings::source::{Cli, Env, File};

/// Where orders are kept.
#[derive(Debug, SettingsSchema)]
struct Http {
    /// The port.
    #[setting(default = 8080, range = 1..=65535)]
    port: u16,
    #[setting(default = "127.0.0.1")]
    host: String,
    #[setting(default = "30s", alias = "request_timeout")]
    timeout: Duration,
    #[setting(default)]
    headers: BTreeMap<String, String>,
    tls: Option<Tls>,
    #[setting(default = "1MiB", max = "1GiB")]
    body_limit: ByteSize,
    #[setting(default = Mode::Fast)]
    mode: Mode,
    password: Secret<String>,
}

#[derive(Debug, SettingsSchema)]
struct Tls {
    certificate: PathBuf,
    #[setting(default)]
    names: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, SettingsSchema)]
enum Mode {
    Fast,
    VerySafe,
}

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("chassis-settings-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn file(&self, name: &str, text: impl AsRef<[u8]>) -> Box<dyn Source> {
        let path = self.0.join(name);
        fs::write(&path, text).unwrap();
        Box::new(File::new(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn play() {
    let folder = Folder::new("play");
    let sources = vec![
        folder.file("a.yml", "system:\n  deploy_name: x\n  resources:\n    http:\n      port: 8o80\n      prot: 1\n      timeout: 3x\n      mode: very_save\n      tls:\n        names: [1, {}]\n      headers: hello\n      password: {a: 1}\n"),
        folder.file("b.toml", "[system.resources.http]\nbody_limit = '2GiB'\nhost = 10\n"),
        folder.file("c.json", "{\"system\": {\"resources\": {\"http\": {\"headers\": {\"a\": [1]}}}}}"),
        Box::new(Env::from_variables([("CHASSIS__RESOURCES__HTTP__TLS__NAMES", "[1")])) as Box<dyn Source>,
        Box::new(Cli::new(["resources.http.port=70000"])),
    ];
    let mut problems = Problems::new();
    let tree = Tree::merge(&sources, "orders", &mut problems);
    let http = tree.section("resources.http").read::<Http>(&["lifecycle"], &mut problems);
    println!("{problems}\n{http:?}");
}

#[test]
fn play2() {
    let declared = [
        Declared::value::<String>("deploy_name", Some(|| "local".to_owned())).about("Name of the deployment."),
        Declared::of::<crate::logging::LoggingSettings>("logging").owner("logging"),
        Declared::of::<Http>("resources.http").owner("resource `http`"),
        Declared::of::<crate::lifecycle::ResourceLifecycle>("resources.http.lifecycle").owner("resource `http`"),
        Declared::of::<crate::supervision::RestartPolicySettings>("resources.status.restart_policy.resources")
            .owner("restart policy"),
        Declared::value::<Setting<u32>>("microservices.orders.page_size", Some(|| Setting::fixed(20)))
            .about("How many."),
    ];
    println!("{}", sample(&declared, "orders"));
    println!("{:#}", schema(&declared, "orders"));
    let sources: Vec<Box<dyn Source>> =
        vec![Box::new(Cli::new(["resources.http.password=hunter2", "microservices.orders.page_size=3"]))];
    let mut problems = Problems::new();
    let tree = Tree::merge(&sources, "orders", &mut problems);
    tree.check(&declared, false, &mut problems);
    println!("{problems}\n{:#}", tree.effective_json(&declared));
}
