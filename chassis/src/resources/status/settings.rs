//! The settings of the status server.

use std::net::IpAddr;

use crate::{
    Result,
    settings::{Secret, Settings, SettingsSchema},
};

/// The settings at `system.resources.status`.
#[derive(Debug, Clone, SettingsSchema)]
pub struct StatusSettings {
    /// Whether there is a status server.
    #[setting(default = true)]
    pub enabled: bool,
    /// The address it listens on: `127.0.0.1`, or all interfaces where `KUBERNETES_SERVICE_HOST` is set.
    pub host: Option<IpAddr>,
    /// Its port, 0 for any: 5747, or the next free one where that is taken and Kubernetes does not probe it.
    pub port: Option<u16>,
    /// What others than the machine itself have to send as `Authorization: Bearer <token>` to see the settings.
    pub token: Option<Secret<String>>,
}

/// Where files of an older framework set the address.
const OLDER: &str = "resources.tamarco_http_report_server";

impl StatusSettings {
    /// Takes the address from where an older framework's files have it, unless it is set here.
    ///
    /// # Errors
    /// When it is no address there.
    pub(super) fn take_older_names(&mut self, settings: &Settings) -> Result<()> {
        let older = settings.view(OLDER);
        if self.host.is_none() {
            self.host = older.get_or("host", None)?;
        }
        if self.port.is_none() {
            self.port = older.get_or("port", None)?;
        }
        Ok(())
    }
}
