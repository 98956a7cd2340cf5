//! `/_v/adapter/health` and `/_v/adapter/ready`: is the adapter there, and is the shop?

use bytes::Bytes;
use http::{HeaderValue, Method, Response, StatusCode, header};

use crate::adapter::Adapter;
use crate::platform::{Payload, Platform};
use crate::problem::Problem;

/// Answers both. Neither asks the shop: the circuits already know, and a health check must not be load.
pub(crate) async fn respond<P: Platform>(
    adapter: &Adapter,
    platform: &P,
    method: &Method,
    path: &str,
) -> Response<Payload<P::Body>> {
    if !matches!(*method, Method::GET | Method::HEAD) {
        let problem = Problem::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "method_not_allowed",
            "GET and HEAD only.",
        );
        let mut response = problem.response();
        response
            .headers_mut()
            .insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
        return response;
    }
    match path {
        "/_v/adapter/health" => json(StatusCode::OK, &serde_json::json!({ "status": "ok" })),
        "/_v/adapter/ready" => ready(adapter, platform).await,
        _ => Problem::new(
            StatusCode::NOT_FOUND,
            "not_found",
            "The adapter answers health and ready.",
        )
        .response(),
    }
}

async fn ready<P: Platform>(adapter: &Adapter, platform: &P) -> Response<Payload<P::Body>> {
    let pages = adapter.pages.describe(platform).await;
    let cart = match adapter.shop().cart() {
        Some(_) => adapter.carts.describe(platform).await,
        None => "absent",
    };
    let is_ready = pages != "open" && cart != "open";
    let status = if is_ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    json(
        status,
        &serde_json::json!({
            "ready": is_ready,
            "shop": adapter.shop().name(),
            "breakers": { "pages": pages, "cart": cart },
        }),
    )
}

fn json<B>(status: StatusCode, value: &serde_json::Value) -> Response<Payload<B>> {
    let mut response = Response::new(Payload::Full(Bytes::from(value.to_string())));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
