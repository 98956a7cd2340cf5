//! `/__demo/…`: how tests drive the shop.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use serde::Serialize;

use super::Shop;
use super::serve::{Body, never, text};

/// Largest rule that is read, in bytes.
const MAX_RULE: usize = 4096;

pub(crate) async fn answer(shop: &Arc<Shop>, request: Request<Incoming>) -> Response<Body> {
    match (request.method(), request.uri().path()) {
        (&Method::GET, "/__demo/health") => text(StatusCode::OK, "ok\n"),
        (&Method::GET, "/__demo/log") => json(&shop.log.entries()),
        (&Method::GET, "/__demo/fault") => json(&shop.rules.list()),
        (&Method::DELETE, "/__demo/fault") => {
            shop.rules.clear();
            text(StatusCode::NO_CONTENT, "")
        }
        (&Method::POST, "/__demo/fault") => add_rule(shop, request).await,
        _ => text(
            StatusCode::NOT_FOUND,
            "GET /__demo/health, GET /__demo/log, GET|POST|DELETE /__demo/fault\n",
        ),
    }
}

async fn add_rule(shop: &Shop, request: Request<Incoming>) -> Response<Body> {
    let Ok(body) = Limited::new(request.into_body(), MAX_RULE).collect().await else {
        return text(StatusCode::PAYLOAD_TOO_LARGE, "A rule is a few words\n");
    };
    let rule = match serde_json::from_slice(&body.to_bytes()) {
        Ok(rule) => rule,
        Err(error) => return text(StatusCode::BAD_REQUEST, &format!("{error}\n")),
    };
    match shop.rules.add(rule) {
        Ok(()) => text(StatusCode::NO_CONTENT, ""),
        Err(error) => text(StatusCode::UNPROCESSABLE_ENTITY, &format!("{error}\n")),
    }
}

fn json(value: &impl Serialize) -> Response<Body> {
    let bytes = serde_json::to_vec(value).unwrap_or_default();
    let mut answer = Response::new(Full::new(Bytes::from(bytes)).map_err(never).boxed_unsync());
    answer.headers_mut().insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    answer
}
