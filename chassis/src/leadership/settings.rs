//! The settings of leaders: how long a lease lives, and who stands for election at all.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use super::Office;
use crate::{
    settings::{Declared, Problem, Problems, SettingsSchema, Tree, defaults},
    tasks::TimerControl,
};

/// The settings at `system.leader`; of services with a method that runs on one replica only.
#[derive(Debug, Clone, SettingsSchema)]
pub struct LeaderSettings {
    /// For how long a replica leads that does not say any more that it is there; in whole seconds. Another one takes
    /// over within this and 1 s.
    #[setting(default = "5s", range = "2s"..="1h")]
    pub ttl: Duration,
}

/// A method marked `leader`, and where its settings stand.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LeaderMethod {
    pub(crate) name: &'static str,
    /// `tasks` or `timers`.
    pub(crate) section: &'static str,
}

/// The offices of a service, by method.
pub(crate) type Offices = BTreeMap<&'static str, Arc<Office>>;

impl LeaderSettings {
    /// What a service with such methods declares.
    pub(crate) fn declared() -> Declared {
        Declared::of::<Self>("leader").owner("the election of leaders")
    }

    /// Reads them; an office for each method that is to be led, and a problem for each where nobody could decide it.
    pub(crate) fn read(
        tree: &Tree,
        own: &str,
        methods: impl Iterator<Item = LeaderMethod>,
        has_elections: bool,
        timers: &BTreeMap<&'static str, Arc<TimerControl>>,
        problems: &mut Problems,
    ) -> (Self, Offices) {
        let mut methods = methods.peekable();
        let mut offices = Offices::new();
        if methods.peek().is_none() {
            return (defaults(), offices);
        }
        let settings = tree.section("leader").read::<Self>(&[], problems);
        for method in methods {
            let section = tree.section(&format!("{own}.{}.{}", method.section, method.name));
            if section.setting("leader", Some(|| true), problems) != Some(true) {
                continue;
            }
            if !has_elections {
                let what = "replicas agree in etcd on who leads, and nothing says where that is";
                let help = format!(
                    "set `CHASSIS_ETCD_ENDPOINTS`; or, if there is only one replica, `system.{}: false`",
                    method.key(own)
                );
                problems.push(Problem::of_key(&method.key(own), what).help(help));
            }
            let timer = (method.section == "timers").then(|| timers.get(method.name).cloned()).flatten();
            offices.insert(method.name, Office::new(timer));
        }
        (settings.unwrap_or_else(defaults), offices)
    }
}

impl LeaderMethod {
    /// What is declared besides the other settings of the method.
    pub(crate) fn declared(&self, own: &str) -> Declared {
        let kind = self.section.trim_end_matches('s');
        Declared::value(&self.key(own), Some(|| true))
            .owner(&format!("{kind} `{}`", self.name))
            .about("Whether it runs only while this replica leads. `false`: it runs here, whatever others do.")
    }

    /// The key that says whether it is led.
    fn key(&self, own: &str) -> String {
        format!("{own}.{}.{}.leader", self.section, self.name)
    }
}
