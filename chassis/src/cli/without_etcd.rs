//! What is said of `settings push` and `settings pull` where etcd is not compiled in.

#![expect(clippy::extra_unused_type_parameters, reason = "the same functions as where it is")]

use super::{
    Given, USAGE,
    arguments::{Pull, Push},
    complain,
};

pub(super) fn push<S>(_asked: &Push, _given: &Given) -> u8 {
    missing()
}

pub(super) fn pull<S>(_asked: &Pull) -> u8 {
    missing()
}

fn missing() -> u8 {
    complain("settings in etcd are not compiled into this program\nenable the feature `etcd` of `chassis`");
    USAGE
}
