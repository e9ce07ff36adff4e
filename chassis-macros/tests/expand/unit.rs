/// Says nothing, does nothing.
#[microservice]
pub struct Nothing;
