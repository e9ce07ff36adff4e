//! The HTTP server of a service: routes by attribute on axum, with everything around them.

mod answer;
mod argument;
mod body;
mod cache;
mod content;
mod cors;
mod endpoint;
mod exchange;
mod meters;
mod openapi;
mod problem;
mod record;
mod rejection;
mod request;
mod resource;
mod route;
mod server;
mod settings;
mod shed;
mod site;
mod table;
mod valid;

pub use axum::{
    Json,
    extract::{Path, Query},
};

pub use self::{
    argument::{Answer, Last, Part, answer, last, part},
    openapi::{DescribeAnswer, DescribeArgument, Operation, Shape, Undescribed},
    problem::{PROBLEM_JSON, Problem},
    record::RequestInfo,
    request::Request,
    route::{Route, any, delete, get, head, options, patch, post, put},
    server::HttpServer,
    settings::{CompressionSettings, CorsSettings, HttpServerSettings, LoadSheddingSettings},
    valid::{Check, Checked, Fault, Faults, Valid},
};
pub use crate::http::{
    ClientAuth, ClientCertificate, ConnectionSettings, RequestBuilder, TestClient, TestResponse, TlsInfo, TlsSettings,
    TlsVersion,
};

#[cfg(test)]
mod tests;
