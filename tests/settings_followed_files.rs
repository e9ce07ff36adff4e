//! Files of settings are followed while the service runs, however they are written.
#![allow(clippy::unwrap_used, reason = "a test")]

use std::fs;

use chassis::prelude::*;
use chassis_tests::{changed, no_leaks, refused};

#[microservice(name = "orders")]
struct Orders {
    #[setting(default = 20)]
    page_size: Setting<u32>,
}

#[microservice]
impl Orders {}

#[test]
fn a_file_is_followed_however_it_is_written() {
    no_leaks(async {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("settings.yml");
        let text = |pages: &str| format!("system:\n  microservices:\n    orders:\n      page_size: {pages}\n");
        fs::write(&path, text("1")).unwrap();
        let running = Orders::builder().settings_file(&path).start().await.unwrap();
        let mut events = running.events().from_now();
        let mut pages = running.service().page_size.watch();
        // In place, of the same length; by an editor that exchanges the file; by the link of a mounted volume.
        fs::write(&path, text("2")).unwrap();
        assert_eq!(*pages.changed().await, 2);
        fs::write(folder.path().join("new"), text("3")).unwrap();
        fs::rename(folder.path().join("new"), &path).unwrap();
        assert_eq!(*pages.changed().await, 3);
        fs::write(folder.path().join("four"), text("4")).unwrap();
        fs::remove_file(&path).unwrap();
        std::os::unix::fs::symlink("four", &path).unwrap();
        assert_eq!(*pages.changed().await, 4);
        assert_eq!(changed(&mut events).await, ["system.microservices.orders.page_size"]);
        let mut events = running.events().from_now();
        fs::remove_file(&path).unwrap();
        assert!(refused(&mut events).await.contains("there is no such file"));
        fs::write(&path, text("five")).unwrap();
        let why = refused(&mut events).await;
        assert!(why.contains("settings.yml:4:18") && why.contains("page_size"), "{why}");
        assert_eq!(running.service().page_size.get(), 4);
        fs::write(&path, text("6")).unwrap();
        assert_eq!(*pages.changed().await, 6);
        running.stop().await.unwrap();
    });
}
