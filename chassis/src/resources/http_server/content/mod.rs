//! What is done to bodies on their way in and out: gzip both ways, tags.

mod etag;
mod gzip;
mod inflate;
mod negotiation;

pub(super) use self::{
    etag::{Tag, names_this_tag},
    gzip::{Choice, GzipBody, choose, compress},
    inflate::{InflateError, Inflater},
    negotiation::{is_gzip, is_json, media_type},
};
