//! Settings in place: what a settings file would say, between braces.

/// Settings for [`Builder::settings`](crate::Builder::settings), as YAML between braces.
///
/// Keys are as in a settings file, with or without the root `system`; a key with a hyphen stands in quotes. Texts stand
/// in quotes, too: everything else is a Rust expression of any type that serializes.
///
/// ```
/// use chassis::{settings::Settings, yaml};
///
/// let port = 8080;
/// let settings = yaml! {
///     deploy_name: "test",
///     resources: {
///         http: { host: "127.0.0.1", port: port },
///         status: { enabled: false },
///     },
///     microservices: { orders: { currencies: ["EUR", "USD"], limit: null } },
/// };
/// # let _: chassis::settings::Dict = settings;
/// ```
///
/// # Panics
/// When a value does not serialize: a map whose keys are not texts.
#[macro_export]
macro_rules! yaml {
    (@map $map:ident) => {};
    (@map $map:ident $key:tt : { $($value:tt)* } $(, $($rest:tt)*)?) => {
        $map.insert($crate::yaml!(@key $key), $crate::yaml!(@value { $($value)* }));
        $crate::yaml!(@map $map $($($rest)*)?);
    };
    (@map $map:ident $key:tt : [ $($value:tt)* ] $(, $($rest:tt)*)?) => {
        $map.insert($crate::yaml!(@key $key), $crate::yaml!(@value [ $($value)* ]));
        $crate::yaml!(@map $map $($($rest)*)?);
    };
    (@map $map:ident $key:tt : null $(, $($rest:tt)*)?) => {
        $map.insert($crate::yaml!(@key $key), $crate::__private::yaml::Value::Null);
        $crate::yaml!(@map $map $($($rest)*)?);
    };
    (@map $map:ident $key:tt : $value:expr $(, $($rest:tt)*)?) => {
        $map.insert($crate::yaml!(@key $key), $crate::__private::yaml::value(&$value));
        $crate::yaml!(@map $map $($($rest)*)?);
    };
    (@list $list:ident) => {};
    (@list $list:ident { $($value:tt)* } $(, $($rest:tt)*)?) => {
        $list.push($crate::yaml!(@value { $($value)* }));
        $crate::yaml!(@list $list $($($rest)*)?);
    };
    (@list $list:ident [ $($value:tt)* ] $(, $($rest:tt)*)?) => {
        $list.push($crate::yaml!(@value [ $($value)* ]));
        $crate::yaml!(@list $list $($($rest)*)?);
    };
    (@list $list:ident null $(, $($rest:tt)*)?) => {
        $list.push($crate::__private::yaml::Value::Null);
        $crate::yaml!(@list $list $($($rest)*)?);
    };
    (@list $list:ident $value:expr $(, $($rest:tt)*)?) => {
        $list.push($crate::__private::yaml::value(&$value));
        $crate::yaml!(@list $list $($($rest)*)?);
    };
    (@value { $($entries:tt)* }) => {{
        #[allow(unused_mut, reason = "a map without entries")]
        let mut map = $crate::__private::yaml::Map::new();
        $crate::yaml!(@map map $($entries)*);
        $crate::__private::yaml::Value::Object(map)
    }};
    (@value [ $($items:tt)* ]) => {{
        #[allow(unused_mut, reason = "a list without items")]
        let mut list = $crate::__private::Vec::new();
        $crate::yaml!(@list list $($items)*);
        $crate::__private::yaml::Value::Array(list)
    }};
    (@key $key:ident) => { $crate::__private::yaml::key($crate::__private::stringify!($key)) };
    (@key $key:literal) => { $crate::__private::yaml::key($key) };
    // `yaml!({ … })` is `yaml! { … }`, as with `json!`.
    ({ $($entries:tt)* }) => { $crate::yaml!($($entries)*) };
    ($($entries:tt)*) => {
        $crate::settings::Dict::from($crate::yaml!(@value { $($entries)* }))
    };
}

/// What an expansion of [`yaml!`] calls.
#[doc(hidden)]
pub mod expansion {
    use serde::Serialize;
    pub use serde_json::{Map, Value};

    /// A value of any type that serializes.
    #[track_caller]
    pub fn value(value: &(impl Serialize + ?Sized)) -> Value {
        serde_json::to_value(value).unwrap_or_else(|error| panic!("this value cannot be a setting: {error}"))
    }

    /// A key as it was written.
    pub fn key(name: &str) -> String {
        name.strip_prefix("r#").unwrap_or(name).to_owned()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    #[test]
    fn maps_lists_texts_and_expressions_become_what_they_say() {
        let (port, host) = (8080_u16, Some("127.0.0.1"));
        let written = yaml!(@value {
            resources: {
                http: { host: host, port: port + 1, r#type: "x", },
                "orders-db": {},
            },
            list: [1, [null, {}], { a: -2 }, port],
            nothing: null,
            later: false,
        });
        let expected = json!({
            "resources": { "http": { "host": "127.0.0.1", "port": 8081, "type": "x" }, "orders-db": {} },
            "list": [1, [null, {}], { "a": -2 }, 8080],
            "nothing": null,
            "later": false,
        });
        assert_eq!(written, expected);
    }
}
