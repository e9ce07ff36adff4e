//! The examples of `docs/testing.md`: each block of code stands here as it stands there, and runs.

#![allow(dead_code, reason = "nobody serves the default")]

mod hello {
    use chassis::{prelude::*, yaml};

    /// Says hello.
    #[microservice(name = "hello")]
    struct Hello {
        #[resource]
        http: HttpServer,
        #[setting(default = "world")]
        name: Setting<String>,
    }

    #[microservice]
    impl Hello {
        #[get("/")]
        async fn hello(&self) -> String {
            format!("hello, {}\n", self.name.get())
        }
    }

    #[tokio::test]
    async fn it_greets_whom_it_is_told_to() -> Result<()> {
        let running = Hello::builder()
            .settings(yaml! {
                resources: { http: { port: 0 } },
                microservices: { hello: { name: "Ada" } },
            })
            .start()
            .await?;
        assert_eq!(running.http("http").get("/").await?.text(), "hello, Ada\n");
        running.stop().await?;
        Ok(())
    }
}

mod clock {
    use std::sync::atomic::{AtomicU32, Ordering};

    use chassis::prelude::*;

    #[microservice(name = "clock")]
    struct Clock {
        ticks: AtomicU32,
    }

    #[microservice]
    impl Clock {
        #[task_timer(interval = "1m")]
        async fn tick(&self) {
            self.ticks.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn it_ticks_every_minute() -> Result<()> {
        let running = Clock::builder().start().await?;
        tokio::time::sleep(Duration::from_secs(601)).await;
        assert_eq!(running.service().ticks.load(Ordering::Relaxed), 10);
        running.stop().await?;
        Ok(())
    }
}

mod users {
    use chassis::prelude::*;

    trait Database: Resource + Default {
        fn user(&self, id: u32) -> impl Future<Output = Option<String>> + Send;
    }

    #[derive(Default)]
    struct Postgres; // and what it takes to be a Database

    #[derive(Default)]
    struct FakeDb(Vec<&'static str>);

    impl Resource for FakeDb {
        type Settings = ();
    }

    impl Database for FakeDb {
        async fn user(&self, id: u32) -> Option<String> {
            self.0.get(id as usize).map(|name| (*name).to_owned())
        }
    }

    #[microservice(name = "users")]
    struct Users<D: Database = Postgres> {
        #[resource]
        db: D,
    }

    #[tokio::test]
    async fn a_user_is_found() -> Result<()> {
        let running = Users::<FakeDb>::builder().with(|s| s.db = FakeDb(vec!["Ada"])).start().await?;
        assert_eq!(running.service().db.user(0).await.as_deref(), Some("Ada"));
        running.stop().await?;
        Ok(())
    }

    impl Resource for Postgres {
        type Settings = ();
    }

    impl Database for Postgres {
        async fn user(&self, _: u32) -> Option<String> {
            None
        }
    }
}

#[test]
fn the_guide_says_what_runs_here() {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let lines = |text: &str| -> Vec<String> { text.lines().map(|line| line.trim().to_owned()).collect() };
    let guide = read(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/testing.md"));
    let here = lines(&read(concat!(env!("CARGO_MANIFEST_DIR"), "/guide.rs")));
    let blocks = guide.split("```rust\n").skip(1).filter_map(|rest| rest.split("```").next());
    for block in blocks {
        let block = lines(block.trim_end());
        let is_here = here.windows(block.len()).any(|lines| lines == block);
        assert!(is_here, "tests/guide.rs has no such lines:\n{}", block.join("\n"));
    }
}
