//! A bounded fuzz of settings files: whatever is in them, they are read or explained, quickly, and nothing panics.
#![allow(clippy::unwrap_used, dead_code, reason = "a test")]

use std::{collections::BTreeMap, fs, time::Duration, time::Instant};

use chassis::settings::{Declared, File, Problems, Secret, SettingsSchema, Source, Tree, schema};

#[derive(Debug, SettingsSchema)]
struct Http {
    #[setting(default = 8080)]
    port: u16,
    #[setting(default)]
    hosts: Vec<String>,
    #[setting(default)]
    limits: BTreeMap<String, f64>,
    password: Option<Secret<String>>,
    #[setting(default = "1s")]
    timeout: Duration,
    nested: Option<Box2>,
}

#[derive(Debug, SettingsSchema)]
struct Box2 {
    #[setting(default)]
    inside: Vec<Http>,
}

const SEEDS: [(&str, &str); 6] = [
    (
        "yml",
        "system:\n  deploy_name: &name x\n  resources:\n    http: &http\n      port: 0x1F90\n      hosts: [a, 'b', \"c\\n\"]\n      \
         limits: {x: 1.5, y: .inf}\n      password: |\n        two\n        lines\n      timeout: 500ms\n    other:\n      \
         <<: *http\n      nested: {inside: [{port: 1}]}\n  microservices:\n    orders: {resources: {http: {port: 1}}}\n",
    ),
    ("yml", "---\n# c\nsystem: !!map\n  ? a\n  : ~\n  'b': >-\n    x\n\n    y\n  c: [*x, - ]\n...\n"),
    ("yaml", "a: &a [x, x]\nb: &b [*a, *a]\nsystem: {resources: {http: {hosts: [*b]}}}\n"),
    (
        "toml",
        "[system]\ndeploy_name = 'x'\n[system.resources.http]\nport = 8_080\nhosts = [\"a\", '''b''']\nlimits.x = 1e3\n\
         timeout = 1\n[[system.resources.http.nested.inside]]\nport = 0o17\n",
    ),
    (
        "json",
        "{\"system\": {\"resources\": {\"http\": {\"port\": 8080, \"hosts\": [\"\\u00e9\\n\", null, true], \"limits\": {\"x\": \
         -1.5e-3}, \"password\": \"x\"}}}}",
    ),
    ("json", "[[[{\"a\": [{}]}]]]"),
];

/// Pieces that mean something to one of the formats.
const PIECES: [&str; 32] = [
    "\n",
    "  ",
    "\t",
    ": ",
    "- ",
    "? ",
    "&a ",
    "*a",
    "<<: ",
    "[",
    "]",
    "{",
    "}",
    ",",
    "\"",
    "'",
    "\\",
    "#",
    "|",
    ">",
    "!!int ",
    "---\n",
    "...\n",
    "=",
    ".",
    "1e999",
    "-0",
    "\u{feff}",
    "\u{0}",
    "é",
    "system",
    "999999999999999999999999999999999999999999",
];

/// A generator of its own, so that a failure is found again from its number alone.
struct Random(u64);

impl Random {
    fn next(&mut self, below: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(below.max(1)).unwrap()).unwrap()
    }

    fn mutated(&mut self, seed: &str) -> Vec<u8> {
        let mut bytes = seed.as_bytes().to_vec();
        for _ in 0..=self.next(8) {
            let at = self.next(bytes.len() + 1);
            let piece = PIECES[self.next(PIECES.len())];
            match self.next(7) {
                0 => bytes.truncate(at),
                1 => drop(bytes.drain(at..(at + self.next(9)).min(bytes.len()))),
                2 => bytes.splice(at..at, piece.bytes()).for_each(drop),
                3 => bytes.splice(at..at, piece.repeat(1 + self.next(300)).into_bytes()).for_each(drop),
                4 if at < bytes.len() => bytes[at] = u8::try_from(self.next(256)).unwrap(),
                5 => {
                    let end = (at + self.next(60)).min(bytes.len());
                    let copy = bytes[at..end].to_vec();
                    let to = self.next(bytes.len() + 1);
                    bytes.splice(to..to, copy).for_each(drop);
                }
                _ => {
                    let other = SEEDS[self.next(SEEDS.len())].1.as_bytes();
                    let from = self.next(other.len());
                    let end = (from + self.next(60)).min(other.len());
                    bytes.splice(at..at, other[from..end].iter().copied()).for_each(drop);
                }
            }
        }
        bytes
    }
}

#[test]
fn whatever_is_in_a_file_it_is_read_or_explained() {
    // More of them by hand: `CHASSIS_FUZZ_ROUNDS=100000 cargo test … whatever_is_in_a_file`.
    let rounds: u64 = std::env::var("CHASSIS_FUZZ_ROUNDS").map_or(1_500, |rounds| rounds.parse().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let declared = [Declared::of::<Http>("resources.http"), Declared::value::<String>("deploy_name", None)];
    let mut read = 0;
    for round in 1..=rounds {
        let mut random = Random(round.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let (ending, seed) = SEEDS[random.next(SEEDS.len())];
        let bytes = random.mutated(seed);
        let name = format!("f.{ending}");
        let path = folder.path().join(&name);
        fs::write(&path, &bytes).unwrap();
        let begin = Instant::now();
        let sources: [Box<dyn Source>; 1] = [Box::new(File::new(&path))];
        let mut problems = Problems::new();
        let tree = Tree::merge(&sources, "orders", &mut problems);
        tree.check(&declared, false, &mut problems);
        let shown = tree.effective_json(&declared).to_string();
        let took = begin.elapsed();
        assert!(took < Duration::from_secs(5), "round {round} took {took:?}");
        assert!(!shown.is_empty());
        for problem in problems.iter() {
            let text = problem.to_string();
            assert!(!text.contains(char::is_control), "round {round}: {text:?}");
            assert!(text.len() < 4_000, "round {round}: {text}");
            // Whoever reads it finds the place in the file, or the key that has none.
            let place = problem.written_at().map(ToString::to_string);
            let is_missing = problem.key().is_some() && text.contains("required, but not set");
            assert!(is_missing || place.is_some_and(|place| place.contains(&name)), "round {round}: {text}");
        }
        read += u64::from(problems.is_empty());
    }
    // Neither is everything refused, nor everything accepted.
    assert!(read > 10 && read < rounds - 10, "{read} of {rounds} were without a problem");
    assert!(schema(&declared, "orders").is_object());
}
