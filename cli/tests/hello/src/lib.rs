//! Answers every request with one line.
#![cfg(target_arch = "wasm32")]

use bytes::Bytes;
use spin_sdk::http::{FullBody, Request, Response};

#[spin_sdk::http_service]
async fn handle(_: Request) -> Response<FullBody<Bytes>> {
    Response::new(FullBody::new(Bytes::from_static(b"hello\n")))
}
