//! Addresses of the network.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use serde_json::Value as Json;

use super::{SettingValue, plain};
use crate::settings::{input::Input, shape::Shape};

macro_rules! addresses {
    ($($address:ty: $is:literal, $example:literal;)*) => {$(
        impl SettingValue for $address {
            plain!();

            fn read(input: &mut Input<'_>) -> Option<Self> {
                let address = input.text().and_then(|text| text.trim().parse().ok());
                if address.is_none() {
                    input.mismatch(concat!($is, " such as `", $example, "`"));
                }
                address
            }

            fn shape() -> Shape {
                Shape::text_like($is, $example)
            }

            fn show(&self) -> Json {
                Json::String(self.to_string())
            }
        }
    )*};
}

addresses! {
    SocketAddr: "an IP address and port", "127.0.0.1:8080";
    IpAddr: "an IP address", "127.0.0.1";
    Ipv4Addr: "an IPv4 address", "127.0.0.1";
    Ipv6Addr: "an IPv6 address", "::1";
}
