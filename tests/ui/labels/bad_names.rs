use chassis::prelude::*;

#[derive(Labels)]
struct ByRoute {
    #[label(rename = "status-code")]
    status: u16,
    #[label(rename = "__route")]
    route: &'static str,
    #[label(rename = "route")]
    template: &'static str,
    #[label(rename = "route")]
    path: &'static str,
    #[label(name = "m")]
    method: &'static str,
}

#[derive(Labels)]
enum Size {
    Small,
    #[label(rename = "small")]
    Tiny,
}

fn main() {}
