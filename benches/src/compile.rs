//! Time to compile a service, and how many crates it is made of: against the last commit, for the crate is fetched as
//! users fetch it.

use std::{
    error::Error,
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use crate::sample::{Samples, Target, row, title};

/// The benchmark's own folder, where the sources of the services are.
const HERE: &str = env!("CARGO_MANIFEST_DIR");

const HAND_WIRED: &str = r#"
axum = "0.8"
clap = { version = "4", features = ["derive"] }
figment = { version = "0.10", features = ["env", "toml"] }
metrics = "0.24"
metrics-exporter-prometheus = { version = "0.18", default-features = false }
schemars = "1"
serde = { version = "1", features = ["derive"] }
serde_json = "1"
tokio = { version = "1", features = ["full"] }
tower-http = { version = "0.6", features = ["trace"] }
tracing = "0.1"
tracing-subscriber = { version = "0.3", features = ["json"] }
"#;

/// A service as a package of its own, with its own folder of build products.
struct Package {
    folder: PathBuf,
    /// How often its handler was edited.
    edits: u32,
    clean: Samples,
    clean_processor: Samples,
    incremental: Samples,
}

impl Package {
    /// Writes the package: this workspace's locked versions, so that both are built of the same crates.
    fn write(name: &str, program: &str, dependencies: &str) -> Result<Self, Box<dyn Error>> {
        let folder = Path::new(HERE).join("../target/compile").join(name);
        fs::create_dir_all(folder.join("src"))?;
        let manifest = format!(
            "[package]\nname = \"benches\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n[workspace]\n\n[dependencies]{dependencies}"
        );
        fs::write(folder.join("Cargo.toml"), manifest)?;
        fs::copy(Path::new(HERE).join("../Cargo.lock"), folder.join("Cargo.lock"))?;
        fs::copy(Path::new(HERE).join("src/order.rs"), folder.join("src/lib.rs"))?;
        fs::copy(Path::new(HERE).join("src/bin").join(program), folder.join("src/main.rs"))?;
        let (clean, clean_processor, incremental) = Default::default();
        let package = Package { folder, edits: 0, clean, clean_processor, incremental };
        // Downloads what is missing and drops what is not needed from the lock file, so that no build has to.
        package.cargo(&["fetch"])?;
        Ok(package)
    }

    fn cargo(&self, arguments: &[&str]) -> Result<String, Box<dyn Error>> {
        let output =
            Command::new("cargo").args(arguments).current_dir(&self.folder).env_remove("CARGO_TARGET_DIR").output()?;
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).into_owned().into());
        }
        Ok(String::from_utf8(output.stdout)?)
    }

    fn build_clean(&mut self) -> Result<(), Box<dyn Error>> {
        let _ = fs::remove_dir_all(self.folder.join("target"));
        let began = Instant::now();
        // The shell counts the processor time of its children: the second line of `times`.
        let script = "cargo build --quiet --offline && times";
        let command = Command::new("sh")
            .args(["-c", script])
            .current_dir(&self.folder)
            .env_remove("CARGO_TARGET_DIR")
            .output()?;
        if !command.status.success() {
            return Err(String::from_utf8_lossy(&command.stderr).into_owned().into());
        }
        self.clean.push(began.elapsed().as_secs_f64());
        let text = String::from_utf8(command.stdout)?;
        let children = text.lines().nth(1).unwrap_or_default();
        self.clean_processor.push(children.split_whitespace().filter_map(seconds).map(|time| time.as_secs_f64()).sum());
        Ok(())
    }

    /// Edits the handler and builds again.
    fn build_again(&mut self) -> Result<(), Box<dyn Error>> {
        self.edits += 1;
        let source = self.folder.join("src/main.rs");
        let text = fs::read_to_string(&source)?;
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        let call = lines.iter_mut().find(|line| line.trim_start().starts_with("Json(Order::sample("));
        let call = call.ok_or("the handler is not where it was")?;
        *call = format!("    Json(Order::sample(id ^ {}))", self.edits);
        fs::write(&source, lines.join("\n"))?;
        let began = Instant::now();
        self.cargo(&["build", "--quiet", "--offline"])?;
        self.incremental.push(began.elapsed().as_secs_f64());
        Ok(())
    }

    fn crates(&self) -> Result<usize, Box<dyn Error>> {
        let tree =
            self.cargo(&["tree", "--offline", "--edges", "normal,build", "--prefix", "none", "--format", "{p}"])?;
        let mut crates: Vec<&str> = tree.lines().map(|line| line.trim_end_matches(" (*)")).collect();
        crates.sort_unstable();
        crates.dedup();
        Ok(crates.len())
    }
}

/// `0m12.34s`, as the shell prints it.
fn seconds(text: &str) -> Option<Duration> {
    let (minutes, seconds) = text.strip_suffix('s')?.split_once('m')?;
    Some(Duration::from_secs(60 * minutes.parse::<u64>().ok()?) + Duration::from_secs_f64(seconds.parse().ok()?))
}

/// Prints the rows about compiling.
///
/// # Errors
///
/// When something does not compile.
pub(crate) fn compare(rounds: u32) -> Result<(), Box<dyn Error>> {
    // As its users have it: from elsewhere, and not as a member that is compiled to be compiled again soon.
    let head = Command::new("git").args(["rev-parse", "--show-toplevel", "HEAD"]).current_dir(HERE).output()?;
    let head = String::from_utf8(head.stdout)?;
    let (root, commit) = head.trim().split_once('\n').ok_or("what is committed is compiled, and this is no clone")?;
    let dependency = format!(
        "\nchassis = {{ git = \"file://{root}\", rev = \"{commit}\" }}\nserde = {{ version = \"1\", features = [\"derive\"] }}\n\
         tokio = {{ version = \"1\", features = [\"time\"] }}\n"
    );
    let mut by_hand = Package::write("by_hand", "by_hand.rs", HAND_WIRED)?;
    let mut service = Package::write("service", "service.rs", &dependency)?;
    for _ in 0..rounds {
        by_hand.build_clean()?;
        service.build_clean()?;
    }
    for package in [&mut by_hand, &mut service] {
        // The first build after a clean one writes what the following ones read.
        package.build_again()?;
        package.incremental = Samples::default();
    }
    for _ in 0..rounds * 3 {
        by_hand.build_again()?;
        service.build_again()?;
    }
    title(&format!("compiling, debug, {rounds} clean builds and {} after an edit of a handler, each", rounds * 3));
    for (name, package) in [("wired by hand", &by_hand), ("chassis", &service)] {
        row(&format!("{name}: clean build, s"), &package.clean, Target::None);
        row(&format!("{name}: clean build, CPU s"), &package.clean_processor, Target::None);
        row(&format!("{name}: build after an edit, s"), &package.incremental, Target::None);
    }
    row("chassis / by hand: clean build", &service.clean.ratio(&by_hand.clean), Target::AtMost(1.25));
    row(
        "chassis / by hand: clean build, CPU",
        &service.clean_processor.ratio(&by_hand.clean_processor),
        Target::AtMost(1.25),
    );
    row(
        "chassis / by hand: build after an edit",
        &service.incremental.ratio(&by_hand.incremental),
        Target::AtMost(1.15),
    );
    let (ours, theirs) = (service.crates()? as f64, by_hand.crates()? as f64);
    row("wired by hand: crates", &Samples::from_iter([theirs]), Target::None);
    row("chassis: crates", &Samples::from_iter([ours]), Target::None);
    row("chassis / by hand: crates", &Samples::from_iter([ours / theirs]), Target::AtMost(1.25));
    Ok(())
}
