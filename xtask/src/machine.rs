//! What the tests need besides Rust: found, or installed where that is allowed.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use crate::{step::Step, workspace};

/// A program the tests call, and the Debian package that has it.
const PROGRAMS: [(&str, &str); 12] = [
    ("promtool", "prometheus"),
    ("curl", "curl"),
    ("python3", "python3"),
    ("etcd", "etcd-server"),
    ("etcdctl", "etcd-client"),
    ("protoc", "protobuf-compiler"),
    ("rabbitmq-server", "rabbitmq-server"),
    ("cc", "gcc"),
    ("make", "make"),
    ("kcat", "kcat"),
    ("node", "nodejs"),
    ("npm", "npm"),
];

/// What `protoc` includes when the feature `etcd` is built, and the Debian package that has it.
const INCLUDED: (&str, &str) = ("/usr/include/google/protobuf/descriptor.proto", "libprotobuf-dev");

/// What the feature `kafka-ssl` is compiled with, and the Debian package that has it.
const OPENSSL: (&str, &str) = ("/usr/include/openssl/ssl.h", "libssl-dev");

/// Pinned, so that a new release is an intended change.
const SCHEMATHESIS: &str = "schemathesis==4.32.5";

/// What reads AsyncAPI documents; pinned as well.
const ASYNCAPI_PARSER: &str = "@asyncapi/parser@3.6.3";

/// A framework in Python whose services are peers of ours, with the version of Python that it runs on.
const TAMARCO: (&str, &str) = ("tamarco==0.1.1 tamarco-amqp==0.1.0", "3.7");

/// A Kafka broker with a store of its own, and the features that this takes.
const KAFKA_BROKER: (&str, &str) = ("tansu@0.6.0", "dynostore,libsql,postgres");

/// Finds or installs everything.
///
/// # Errors
///
/// Says what is missing and how to get it where it cannot be installed from here.
pub(crate) fn prepare() -> Result<(), String> {
    install_programs()?;
    install_peers()
}

/// Finds or installs what is not only the tests': code is built with some of it.
///
/// # Errors
///
/// As for [`prepare`].
pub(crate) fn install_programs() -> Result<(), String> {
    match missing_packages().as_slice() {
        [] => Ok(()),
        missing => install(missing),
    }
}

/// Finds or installs packages of Python and JavaScript that only the tests need.
///
/// # Errors
///
/// As for [`prepare`].
pub(crate) fn install_peers() -> Result<(), String> {
    install_schemathesis()?;
    install_asyncapi_parser()?;
    install_tamarco()
}

/// Whether the feature `etcd` can be built.
pub(crate) fn has_protoc() -> bool {
    workspace::find_program("protoc").is_some() && (!is_debian() || Path::new(INCLUDED.0).is_file())
}

/// Whether the feature `kafka` can be built.
pub(crate) fn has_make() -> bool {
    workspace::find_program("cc").is_some() && workspace::find_program("make").is_some()
}

/// Elsewhere the included files come with the program.
fn is_debian() -> bool {
    workspace::find_program("apt-get").is_some()
}

/// The program that runs schemathesis, once [`prepare`] has returned.
pub(crate) fn schemathesis() -> PathBuf {
    virtual_environment().join("bin/schemathesis")
}

/// The module that reads AsyncAPI documents, once [`prepare`] has returned.
pub(crate) fn asyncapi_parser() -> PathBuf {
    workspace::target().join("asyncapi/node_modules/@asyncapi/parser/cjs/index.js")
}

/// Finds or installs what the feature `kafka-ssl` is compiled with.
///
/// # Errors
///
/// As for [`prepare`].
pub(crate) fn openssl() -> Result<(), String> {
    if !is_debian() || Path::new(OPENSSL.0).is_file() { Ok(()) } else { install(&[OPENSSL.1]) }
}

/// Finds a Kafka broker, or compiles it, which takes half an hour.
///
/// # Errors
///
/// When it does not compile.
pub(crate) fn kafka_broker() -> Result<PathBuf, String> {
    if let Some(program) = compiled_kafka_broker() {
        return Ok(program);
    }
    let (package, features) = KAFKA_BROKER;
    println!("compiling {package}, a Kafka broker: this takes half an hour, once");
    let install = Step::cargo(format!("install {package}"), "install --quiet --locked").arg(package);
    install.words("--features").arg(features).arg("--root").arg(kafka_broker_folder()).run()?;
    compiled_kafka_broker().ok_or_else(|| format!("{package} has no program `tansu`"))
}

/// A Kafka broker that is there.
pub(crate) fn compiled_kafka_broker() -> Option<PathBuf> {
    let ours = kafka_broker_folder().join("bin/tansu");
    workspace::find_program("tansu").or_else(|| ours.is_file().then_some(ours))
}

fn kafka_broker_folder() -> PathBuf {
    workspace::target().join("kafka-broker")
}

fn missing_packages() -> Vec<&'static str> {
    let mut missing: Vec<_> = PROGRAMS
        .iter()
        .filter(|(name, _)| workspace::find_program(name).is_none())
        .map(|(_, package)| *package)
        .collect();
    if is_debian() && !Path::new(INCLUDED.0).is_file() {
        missing.push(INCLUDED.1);
    }
    // Debian's python3 comes without what makes a virtual environment; schemathesis has one, and so have the peers of tests.
    let has_venv = Step::new("venv", "python3").words("-c").arg("import ensurepip, venv").succeeds();
    if !has_venv {
        missing.push("python3-venv");
    }
    missing
}

fn install(packages: &[&str]) -> Result<(), String> {
    let packages = packages.join(" ");
    let Some(root) = AsRoot::find().filter(|_| is_debian()) else {
        return Err(format!(
            "the tests need {packages} (names of Debian packages), and this is no Debian where `apt-get` may be run; \
             install them by hand, or run `cargo xtask test --quick`, which does without"
        ));
    };
    let _no_daemons = NoDaemons::forbid(root)?;
    root.step("apt-get update", "apt-get").words("update --quiet=2").run()?;
    root.step(format!("install {packages}"), "apt-get")
        .words("install --yes --quiet=2 --no-install-recommends")
        .words(&packages)
        .env("DEBIAN_FRONTEND", "noninteractive")
        .run()
}

fn virtual_environment() -> PathBuf {
    workspace::target().join("python")
}

fn install_schemathesis() -> Result<(), String> {
    let folder = virtual_environment();
    let stamp = folder.join("installed");
    if fs::read_to_string(&stamp).is_ok_and(|version| version == SCHEMATHESIS) && schemathesis().is_file() {
        return Ok(());
    }
    Step::new("virtual environment", "python3").words("-m venv --clear").arg(&folder).run()?;
    Step::new(format!("install {SCHEMATHESIS}"), folder.join("bin/python"))
        .words("-m pip install --quiet --disable-pip-version-check")
        .arg(SCHEMATHESIS)
        .run()?;
    fs::write(&stamp, SCHEMATHESIS).map_err(|e| format!("{}: {e}", stamp.display()))
}

fn install_asyncapi_parser() -> Result<(), String> {
    let folder = workspace::target().join("asyncapi");
    let stamp = folder.join("installed");
    if fs::read_to_string(&stamp).is_ok_and(|version| version == ASYNCAPI_PARSER) && asyncapi_parser().is_file() {
        return Ok(());
    }
    Step::new(format!("install {ASYNCAPI_PARSER}"), "npm")
        .words("install --silent --no-audit --no-fund --ignore-scripts --no-save --prefix")
        .arg(&folder)
        .arg(ASYNCAPI_PARSER)
        .run()?;
    fs::write(&stamp, ASYNCAPI_PARSER).map_err(|e| format!("{}: {e}", stamp.display()))
}

/// Where its old Python is, an environment for Tamarco; its test is left out elsewhere.
fn install_tamarco() -> Result<(), String> {
    let (packages, version) = TAMARCO;
    let folder = workspace::target().join("tamarco");
    if folder.join("installed").is_file() {
        return Ok(());
    }
    let Some(python) = old_python(version) else {
        eprintln!("xtask: no Python {version}: the test with a Tamarco service is left out");
        return Ok(());
    };
    Step::new("virtual environment", python).words("-m venv --clear").arg(&folder).run()?;
    Step::new(format!("install {packages}"), folder.join("bin/python"))
        .words("-m pip install --quiet --disable-pip-version-check")
        .words(packages)
        .run()?;
    fs::write(folder.join("installed"), packages).map_err(|e| format!("{}: {e}", folder.display()))
}

/// On the path, or among those of pyenv; what stands on the path may only tell that it is not there.
fn old_python(version: &str) -> Option<PathBuf> {
    let versions = PathBuf::from(std::env::var_os("HOME")?).join(".pyenv/versions");
    let among_versions = fs::read_dir(versions).into_iter().flatten().flatten().map(|entry| entry.path());
    let fits = |path: &PathBuf| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(version));
    let among_versions = among_versions.filter(fits).map(|folder| folder.join("bin/python"));
    let works = |python: &PathBuf| Step::new("python", python).words("-c").arg("import ensurepip, venv").succeeds();
    workspace::find_program(&format!("python{version}")).into_iter().chain(among_versions).find(works)
}

/// How commands are run as root.
#[derive(Clone, Copy)]
enum AsRoot {
    Already,
    Sudo,
}

impl AsRoot {
    fn find() -> Option<Self> {
        let user = Step::new("id", "id").words("-u").run_quietly().ok()?;
        if user.trim() == "0" {
            return Some(AsRoot::Already);
        }
        Step::new("sudo", "sudo").words("-n true").succeeds().then_some(AsRoot::Sudo)
    }

    fn step(self, name: impl Into<String>, program: &str) -> Step {
        match self {
            AsRoot::Already => Step::new(name, program),
            // The variables of a step do not pass through sudo; `env` would be needed for any that matter.
            AsRoot::Sudo => Step::new(name, "sudo").words("-n --preserve-env=DEBIAN_FRONTEND").arg(program),
        }
    }
}

/// While it lives, installing a package starts no daemon.
struct NoDaemons {
    root: AsRoot,
    /// Whether the file is ours to remove.
    is_ours: bool,
}

impl NoDaemons {
    const POLICY: &str = "/usr/sbin/policy-rc.d";

    fn forbid(root: AsRoot) -> Result<Self, String> {
        if Path::new(Self::POLICY).exists() {
            return Ok(NoDaemons { root, is_ours: false });
        }
        let draft = workspace::target().join("policy-rc.d");
        fs::write(&draft, "#!/bin/sh\nexit 101\n")
            .and_then(|()| fs::set_permissions(&draft, fs::Permissions::from_mode(0o755)))
            .map_err(|e| format!("{}: {e}", draft.display()))?;
        root.step("policy-rc.d", "cp").arg(&draft).arg(Self::POLICY).run_quietly()?;
        Ok(NoDaemons { root, is_ours: true })
    }
}

impl Drop for NoDaemons {
    fn drop(&mut self) {
        if self.is_ours
            && let Err(problem) = self.root.step("policy-rc.d", "rm").arg(Self::POLICY).run_quietly()
        {
            eprintln!("xtask: {problem}");
        }
    }
}
