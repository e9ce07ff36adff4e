//! A service that misbehaves as its settings say, to be looked at as a process.

use chassis::prelude::*;

/// Misbehaves as told.
#[microservice(name = "lab", args = LabArgs)]
struct Lab {
    #[resource(critical)]
    store: Misbehaving,
    #[resource(after = [store])]
    peer: Misbehaving,

    /// What the task does.
    #[setting(default = Fault::None)]
    task: Fault,
    /// What the hook does.
    #[setting(default = Fault::None)]
    hook: Fault,
    /// Nobody shall see it.
    #[setting(default = "hunter2")]
    password: Secret<String>,
}

/// Arguments of its own.
#[derive(Debug, clap::Args)]
struct LabArgs {
    /// Does its work and leaves.
    #[arg(long)]
    once: bool,
    /// Signals itself while its arguments are read.
    #[arg(long, value_parser = signalled)]
    signal_early: Option<String>,
}

fn signalled(text: &str) -> Result<String, std::io::Error> {
    rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::TERM)?;
    Ok(text.to_owned())
}

#[microservice]
impl Lab {
    #[task(stop_when_done)]
    async fn work(&self, cx: Context, stop: Shutdown) -> Result<()> {
        if cx.args::<LabArgs>().is_some_and(|args| args.once) {
            return Ok(());
        }
        if self.task == Fault::Stubborn {
            std::future::pending::<()>().await;
        }
        self.task.strike().await?;
        stop.wait().await;
        Ok(())
    }

    #[after(start)]
    async fn check(&self) -> Result<()> {
        tracing::info!(password = %self.password, "checked");
        self.hook.strike().await
    }
}

/// How something misbehaves.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, SettingsSchema)]
enum Fault {
    /// Not at all.
    #[default]
    None,
    /// Fails.
    Crash,
    /// Panics.
    Panic,
    /// Cannot reach its peer.
    Unavailable,
    /// Its peer refuses it.
    Misconfigured,
    /// Never ends.
    Hang,
    /// Goes on when it should end.
    Stubborn,
    /// Never gives its thread back.
    Block,
}

impl Fault {
    async fn strike(self) -> Result<()> {
        match self {
            Fault::None | Fault::Stubborn => Ok(()),
            Fault::Crash => Err(Error::msg("broken on purpose")),
            Fault::Panic => panic!("panics on purpose"),
            Fault::Unavailable => Err(Error::unavailable(Error::msg("nobody is there"))),
            Fault::Misconfigured => Err(Error::misconfigured(Error::msg("the password is wrong"))),
            Fault::Hang => std::future::pending().await,
            Fault::Block => loop {
                std::thread::park();
            },
        }
    }
}

/// A resource that misbehaves as its settings say.
#[derive(Debug, Default)]
struct Misbehaving {
    stop: std::sync::OnceLock<Fault>,
    health: std::sync::OnceLock<Fault>,
}

/// What it does in its hooks.
#[derive(Debug, SettingsSchema)]
struct MisbehavingSettings {
    /// What it does in `start`.
    #[setting(default = Fault::None)]
    start: Fault,
    /// What it does in `stop`.
    #[setting(default = Fault::None)]
    stop: Fault,
    /// What it does in `health`.
    #[setting(default = Fault::None)]
    health: Fault,
}

impl Resource for Misbehaving {
    type Settings = MisbehavingSettings;

    async fn start(&self, _cx: &Context, settings: MisbehavingSettings) -> Result<()> {
        let _ = self.stop.set(settings.stop);
        let _ = self.health.set(settings.health);
        settings.start.strike().await
    }

    async fn stop(&self, _cx: &Context) -> Result<()> {
        self.stop.get().copied().unwrap_or_default().strike().await
    }

    async fn health(&self) -> Health {
        match self.health.get().copied().unwrap_or_default().strike().await {
            Ok(()) => Health::pass(),
            Err(error) => Health::fail(error.to_string()),
        }
    }
}

fn main() -> std::process::ExitCode {
    Lab::run()
}
