//! The schema of settings, by the eyes of a validator that others have written; and that the sample says the defaults.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use chassis_tests::{Program, tool};

/// Prints a line for each mistake: in the schema, or in one of the files.
const VALIDATOR: &str = "
import json, sys, yaml, jsonschema_rs
schema = json.load(open(sys.argv[1]))
jsonschema_rs.meta.validate(schema)
validator = jsonschema_rs.Draft202012Validator(schema)
for path in sys.argv[2:]:
    for error in validator.iter_errors(yaml.safe_load(open(path))):
        print(path.rsplit('/', 1)[-1], '.'.join(map(str, error.instance_path)), error.message.splitlines()[0])
";

/// Python with a validator of JSON Schema, from the environment that `cargo xtask setup` makes.
fn python() -> Option<PathBuf> {
    Some(tool("schemathesis")?.with_file_name("python"))
}

fn lab() -> Program {
    Program::at(Path::new(env!("CARGO_BIN_EXE_lab")))
}

/// What the validator says of these files.
fn mistakes(program: Program, files: &[(&str, String)]) -> Option<String> {
    let python = python()?;
    let folder = tempfile::tempdir().unwrap();
    let schema = folder.path().join("schema.json");
    fs::write(&schema, program.arg("settings").arg("schema").run().stdout).unwrap();
    let paths = files.iter().map(|(name, text)| {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        path
    });
    let paths: Vec<PathBuf> = paths.collect();
    let output = Command::new(python).arg("-c").arg(VALIDATOR).arg(schema).args(paths).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(String::from_utf8(output.stdout).unwrap())
}

/// The sample with every default taken out of its comment.
fn uncommented(sample: &str) -> String {
    let line = |line: &str| match line.trim_start().strip_prefix('#') {
        Some(setting) if !setting.is_empty() && !setting.starts_with(' ') => line.replacen('#', "", 1),
        _ => line.to_owned(),
    };
    sample.lines().map(|text| line(text) + "\n").collect()
}

#[test]
fn a_validator_accepts_the_sample_and_finds_mistakes() {
    let sample = lab().arg("settings").arg("sample").run().stdout;
    let wrong = "\
system:
  resources:
    store: {strat: none, start: nonsense}
    status: {port: 70000}
  lifecycle: {stop_timeout: [1]}
  microservices: {lab: {task: none, resources: {store: {stop: 3}}}}
";
    let files = [("sample.yml", sample.clone()), ("all.yml", uncommented(&sample)), ("wrong.yml", wrong.to_owned())];
    let Some(told) = mistakes(lab(), &files) else { return };
    assert!(!told.contains("sample.yml") && !told.contains("all.yml"), "{told}");
    for place in [
        "wrong.yml system.resources.store ",
        "wrong.yml system.resources.store.start ",
        "wrong.yml system.resources.status.port ",
        "wrong.yml system.lifecycle.stop_timeout ",
        "wrong.yml system.microservices.lab.resources.store.stop ",
    ] {
        assert!(told.contains(place), "{place}\n{told}");
    }
}

#[test]
fn a_validator_accepts_the_settings_of_the_example() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/todo");
    let read = |name: &str| fs::read_to_string(folder.join(name)).unwrap();
    let sample = read("settings.sample.yml");
    let all = uncommented(&sample);
    let files = [("settings.yml", read("settings.yml")), ("sample.yml", sample), ("all.yml", all)];
    let Some(told) = mistakes(Program::example("todo"), &files) else { return };
    assert_eq!(told, "");
}

#[test]
fn the_sample_read_back_is_the_defaults() {
    let folder = tempfile::tempdir().unwrap();
    let sample = lab().arg("settings").arg("sample").run().stdout;
    for (name, text) in [("sample.yml", sample.clone()), ("all.yml", uncommented(&sample))] {
        let file = folder.path().join(name);
        fs::write(&file, text).unwrap();
        let exit = lab().arg("settings").arg("diff").arg(&file).run();
        assert_eq!((exit.code, exit.stdout.as_str(), exit.stderr.as_str()), (Some(0), "", ""), "{name}");
    }
}
