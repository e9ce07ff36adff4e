//! The variables of the environment that say where etcd is; known whether etcd is compiled in or not.

use std::{env, ffi::OsString};

pub(in crate::settings::source) const ENDPOINTS: &str = "CHASSIS_ETCD_ENDPOINTS";
pub(super) const CHECK_KEY: &str = "CHASSIS_ETCD_CHECK_KEY";
pub(super) const PREFIX: &str = "CHASSIS_ETCD_PREFIX";
pub(super) const USER: &str = "CHASSIS_ETCD_USER";
pub(super) const PASSWORD: &str = "CHASSIS_ETCD_PASSWORD";
pub(super) const CA_FILE: &str = "CHASSIS_ETCD_CA_FILE";
pub(super) const CERT_FILE: &str = "CHASSIS_ETCD_CERT_FILE";
pub(super) const KEY_FILE: &str = "CHASSIS_ETCD_KEY_FILE";
pub(super) const START_TIMEOUT: &str = "CHASSIS_ETCD_START_TIMEOUT";
pub(super) const CACHE_FILE: &str = "CHASSIS_ETCD_CACHE_FILE";
pub(super) const CACHE_SECRETS: &str = "CHASSIS_ETCD_CACHE_SECRETS";

/// What an older framework calls the first of them.
pub(in crate::settings::source) const OLDER_HOST: &str = "TAMARCO_ETCD_HOST";

/// All of them by their names of today.
pub(in crate::settings::source) const ALL: [&str; 11] = [
    ENDPOINTS,
    CHECK_KEY,
    PREFIX,
    USER,
    PASSWORD,
    CA_FILE,
    CERT_FILE,
    KEY_FILE,
    START_TIMEOUT,
    CACHE_FILE,
    CACHE_SECRETS,
];

/// A variable of the process; an empty one is as good as none.
pub(super) fn of_process(name: &str) -> Option<OsString> {
    env::var_os(name).filter(|value| !value.is_empty())
}

/// The variable that says where etcd is, if one does.
pub(in crate::settings::source) fn said_by(is_set: impl Fn(&str) -> bool) -> Option<&'static str> {
    [ENDPOINTS, OLDER_HOST].into_iter().find(|name| is_set(name))
}
