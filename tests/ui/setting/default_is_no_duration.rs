use chassis::prelude::*;

#[microservice]
struct Orders {
    #[setting(default = "20 parsecs")]
    patience: Setting<Duration>,
}

fn main() {}
