use chassis::prelude::*;

#[microservice]
struct Orders {
    #[setting(defualt = 20)]
    page_size: Setting<u32>,
}

fn main() {}
