//! The Spin door of `vitrine-optimizer`: reads one request, up to the limit, and answers it.
#![cfg(target_arch = "wasm32")]

use bytes::{Bytes, BytesMut};
use http_body_util::{BodyExt, Full};
use spin_sdk::http::{IntoResponse, Request};
use spin_sdk::http_service;
use vitrine_optimizer::{limits, respond};

#[http_service]
async fn handle(request: Request) -> impl IntoResponse {
    let (head, body) = request.into_parts();
    let body = read(body).await;
    respond(&http::Request::from_parts(head, body)).map(Full::new)
}

/// The body, or just enough of it to prove that it is too large. A body that breaks off is passed on as far
/// as it came: the library refuses a truncated picture by what is missing from it.
async fn read(body: impl http_body::Body<Data = Bytes>) -> Bytes {
    let mut body = std::pin::pin!(body);
    let mut read = BytesMut::new();
    while read.len() <= limits::SOURCE_BYTES {
        match body.frame().await {
            Some(Ok(frame)) => {
                if let Ok(piece) = frame.into_data() {
                    read.extend_from_slice(&piece);
                }
            }
            Some(Err(_)) | None => break,
        }
    }
    read.freeze()
}
