//! Values that follow changes, and settings by path.

use std::sync::Arc;

use super::*;

#[derive(Debug, SettingsSchema)]
struct Greeter {
    #[setting(default = "world")]
    name: Setting<String>,
    #[setting(default = 3, range = 1..=5, alias = "times")]
    count: Setting<u32>,
    #[setting(default = "x")]
    fixed: String,
}

fn settings(source: serde_json::Value) -> (Settings, Greeter) {
    let (tree, mut problems) = tree(vec![dict(source)]);
    let greeter = tree.section("resources.greeter").read(&[], &mut problems);
    // The service's own section may hold what nobody declares.
    (Settings::new(tree, vec![Declared::of::<Greeter>("resources.greeter")], true), greeter.unwrap())
}

#[test]
fn live_values_follow_what_is_set_and_deleted() {
    let (settings, greeter) = settings(json!({ "resources": { "greeter": { "name": "file", "fixed": "y" } } }));
    assert_eq!((greeter.name.get().as_str(), greeter.count.get()), ("file", 3));
    settings.set("resources.greeter.name", "set").unwrap();
    assert_eq!(greeter.name.get(), "set");
    assert_eq!(settings.tree().section("resources.greeter.name").origin().to_string(), "set at run time");
    settings.view("resources.greeter").set("times", 5).unwrap();
    assert_eq!(greeter.count.get(), 5);
    settings.delete("resources.greeter").unwrap();
    assert_eq!((greeter.name.get().as_str(), greeter.count.get()), ("world", 3));
    settings.set("resources.greeter", json!({ "name": "again" })).unwrap();
    assert_eq!((greeter.name.get().as_str(), greeter.count.get()), ("again", 3));
    assert_eq!(greeter.fixed, "y");
}

#[test]
fn a_change_that_one_part_refuses_changes_nothing() {
    let (settings, greeter) = settings(json!({}));
    let error = settings.set("resources.greeter", json!({ "name": "new", "count": 9 })).unwrap_err();
    assert_eq!(
        error.to_string(),
        "settings: 1 problem\n1. `system.resources.greeter.count`: expected a whole number from 1 to 5, found 9\n     \
         at set at run time"
    );
    assert_eq!((greeter.name.get().as_str(), greeter.count.get()), ("world", 3));
    assert!(settings.get::<String>("resources.greeter.name").is_err());
    assert!(settings.set("a..b", 1).is_err());
    let error = settings.set("resources.greeter.fixed", json!(["plain fields are asked too"])).unwrap_err();
    assert!(error.to_string().contains("`system.resources.greeter.fixed`: expected text, found a list"), "{error}");
}

#[tokio::test]
async fn the_last_of_many_quick_changes_is_seen() {
    let (settings, greeter) = settings(json!({}));
    let mut watch = greeter.count.watch();
    for count in [1, 2, 4, 5] {
        settings.set("resources.greeter.count", count).unwrap();
    }
    assert_eq!(*watch.changed().await, 5);
    settings.delete("resources.greeter.count").unwrap();
    assert_eq!(*watch.changed().await, 3);

    let waiting = greeter.name.clone();
    let (seen, ()) = tokio::join!(
        async {
            waiting.changed().await;
            waiting.get()
        },
        async { settings.set("resources.greeter.name", "late").unwrap() }
    );
    assert_eq!(seen, "late");
}

#[tokio::test]
async fn a_key_is_watched_by_its_path() {
    let (settings, _greeter) = settings(json!({}));
    let mut color = settings.watch::<String>("microservices.orders.color").unwrap();
    assert_eq!(color.get(), None);
    settings.set("microservices.orders.color", "red").unwrap();
    assert_eq!(*color.changed().await, Some("red".to_owned()));
    settings.delete("microservices.orders.color").unwrap();
    assert_eq!(*color.changed().await, None);
    assert!(settings.set("microservices.orders.color", json!(["no", "text"])).is_err());
}

#[test]
fn keys_are_read_by_path_with_a_type() {
    let (settings, _) = settings(json!({ "resources": { "greeter": { "count": 2 } }, "x": { "y": "z" } }));
    assert_eq!(settings.get::<u32>("resources.greeter.count").unwrap(), 2);
    assert_eq!(settings.get::<String>("system.x.y").unwrap(), "z");
    assert_eq!(settings.view("x").get_or("none", 7_u8).unwrap(), 7);
    assert_eq!(settings.view("x").get_or::<Option<u8>>("none", None).unwrap(), None);
    assert!(settings.get::<u32>("x.y").unwrap_err().to_string().contains("found text \"z\"\n"), "no help is needed");
    assert!(settings.get::<u32>("x.none").unwrap_err().is_misconfigured());
}

#[test]
fn a_value_read_from_an_old_tree_is_not_left_behind() {
    let (settings, _greeter) = settings(json!({}));
    let old = settings.tree();
    settings.set("resources.greeter.name", "new").unwrap();
    let late: Greeter = old.section("resources.greeter").read(&[], &mut Problems::new()).unwrap();
    assert_eq!(late.name.get(), "new");
    settings.set("resources.greeter.name", "newer").unwrap();
    assert_eq!(late.name.get(), "newer");
}

#[test]
fn values_that_nobody_holds_are_forgotten() {
    let (settings, _greeter) = settings(json!({}));
    let tree = settings.tree();
    for _ in 0..1_000 {
        tree.section("resources.greeter").read::<Greeter>(&[], &mut Problems::new()).unwrap();
    }
    assert!(format!("{:?}", tree.cells).trim_matches(|c: char| !c.is_ascii_digit()).parse::<usize>().unwrap() <= 130);
}

#[test]
fn a_fixed_setting_stays_as_it_is() {
    let setting = Setting::fixed(7);
    assert_eq!((setting.get(), **setting.load()), (7, 7));
    assert_eq!(format!("{setting} {setting:?}"), "7 7");
    assert!(Arc::ptr_eq(&setting.load(), &setting.clone().load()));
}
