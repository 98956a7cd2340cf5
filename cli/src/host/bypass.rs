//! The page as the shop serves it, for when the component that should improve it fails.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use http::header::{self, HeaderName};
use http::uri::Uri;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody};

use super::Shared;
use super::answer::{self, Answer};
use super::front::{self, Peer};

/// What is needed to ask the origin instead. A page request has no body, so that nothing is lost.
pub(crate) struct Spare {
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    /// `None`: the headers say already for whom the request is forwarded.
    client: Option<std::net::IpAddr>,
}

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const VITRINE: HeaderName = HeaderName::from_static("x-vitrine");

impl Spare {
    /// `uri` is absolute.
    pub(crate) fn keep(peer: &Peer, request: &Request<Incoming>, uri: &Uri) -> Self {
        Self {
            method: request.method().clone(),
            uri: uri.clone(),
            headers: request.headers().clone(),
            client: Some(peer.address.ip()),
        }
    }

    /// What one component asks another for, when that other one only stands in for the origin.
    pub(crate) fn of_chain(request: &Request<WasiBody>) -> Option<Self> {
        let plain = matches!(*request.method(), Method::GET | Method::HEAD)
            && !request.headers().contains_key(header::CONTENT_LENGTH)
            && !request.uri().path().starts_with(front::RESERVED);
        plain.then(|| Self {
            method: request.method().clone(),
            uri: request.uri().clone(),
            headers: request.headers().clone(),
            client: None,
        })
    }

    /// The origin's own response, with a note that it is.
    pub(crate) async fn fetch(self, shared: &Arc<Shared>, reason: &'static str) -> Answer {
        match self.fetch_raw(shared, reason).await {
            Ok(response) => Answer::new(response),
            Err(error) => {
                shared
                    .log
                    .problem("host", "bypass failed", &error.to_string());
                let mut answer = answer::problem(
                    StatusCode::BAD_GATEWAY,
                    "neither the component nor the shop answers",
                );
                answer.header(header::RETRY_AFTER, HeaderValue::from_static("5"));
                answer
            }
        }
    }

    /// The same, with the error as it is.
    pub(crate) async fn fetch_raw(
        self,
        shared: &Shared,
        reason: &'static str,
    ) -> Result<Response<WasiBody>, Error> {
        shared.host_metrics.bypass.fetch_add(1, Ordering::Relaxed);
        let origin = shared.origin().ok_or(Error::DestinationNotFound)?;
        let target = target(&origin, &self.uri).map_err(|_| Error::HttpRequestUriInvalid)?;
        let mut request = Request::new(Empty::new().map_err(Error::from).boxed_unsync());
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = target;
        *request.headers_mut() = self.forwarded();
        let mut response = shared
            .client
            .send(request, RequestOptions::default())
            .await?;
        let headers = response.headers_mut();
        front::strip_hop_by_hop(headers);
        make_relative(headers, &origin);
        if let Ok(note) = HeaderValue::from_str(&format!("bypass; reason={reason}")) {
            headers.insert(VITRINE, note);
        }
        Ok(response)
    }

    fn forwarded(&self) -> HeaderMap {
        let mut headers = self.headers.clone();
        front::strip(&mut headers);
        front::strip_named(&mut headers, |name| name.starts_with("x-vitrine-"));
        headers.remove(header::HOST);
        let Some(client) = self.client else {
            return headers;
        };
        let set = [
            (FORWARDED_FOR, Some(client.to_string())),
            (FORWARDED_PROTO, self.uri.scheme_str().map(str::to_owned)),
            (
                FORWARDED_HOST,
                self.uri.authority().map(ToString::to_string),
            ),
        ];
        for (name, value) in set {
            headers.remove(&name);
            if let Some(value) = value.and_then(|v| HeaderValue::from_str(&v).ok()) {
                headers.insert(name, value);
            }
        }
        headers
    }
}

fn target(origin: &Uri, asked: &Uri) -> Result<Uri, http::Error> {
    let mut parts = origin.clone().into_parts();
    parts.path_and_query = asked.path_and_query().cloned();
    Ok(Uri::from_parts(parts)?)
}

/// A redirect to the origin's own address would take the visitor past the layer.
fn make_relative(headers: &mut HeaderMap, origin: &Uri) {
    let Some(location) = headers.get(header::LOCATION).and_then(|v| v.to_str().ok()) else {
        return;
    };
    let Ok(uri) = location.parse::<Uri>() else {
        return;
    };
    if uri.authority().is_some() && uri.authority() == origin.authority() {
        let path = uri.path_and_query().map_or("/", |p| p.as_str());
        if let Ok(value) = HeaderValue::from_str(path) {
            headers.insert(header::LOCATION, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_redirect_to_the_origin_itself_becomes_relative_and_others_stay() {
        let origin: Uri = "http://127.0.0.1:3000".parse().unwrap();
        for (given, expected) in [
            ("http://127.0.0.1:3000/cart?a=1", "/cart?a=1"),
            ("https://pay.example/x", "https://pay.example/x"),
            ("/login", "/login"),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::LOCATION, HeaderValue::from_str(given).unwrap());
            make_relative(&mut headers, &origin);
            assert_eq!(headers[header::LOCATION], expected);
        }
    }
}
