//! The front: from a client's request to a component and back, with the page's own bytes when a component fails.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use http::header::{self, HeaderName};
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Uri};
use http_body::Body;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use wasmtime_wasi_http::WasiBody;

use super::answer::{self, Outgoing, Record, Work};
use super::bypass;
use super::limits;
use super::routes::{Match, Pattern, Routes};
use super::service::{Failure, Service};
use super::upload::Upload;
use super::{Shared, metrics};

/// Paths that belong to Vitrine. Pages never do.
pub(crate) const RESERVED: &str = "/_v/";

const FULL_URL: HeaderName = HeaderName::from_static("spin-full-url");
const PATH_INFO: HeaderName = HeaderName::from_static("spin-path-info");
const MATCHED_ROUTE: HeaderName = HeaderName::from_static("spin-matched-route");
const BASE_PATH: HeaderName = HeaderName::from_static("spin-base-path");
const RAW_ROUTE: HeaderName = HeaderName::from_static("spin-raw-component-route");
const COMPONENT_ROUTE: HeaderName = HeaderName::from_static("spin-component-route");
const CLIENT_ADDR: HeaderName = HeaderName::from_static("spin-client-addr");

/// All routes of the application, and the component behind each.
pub(crate) struct Front {
    pub(crate) shared: Arc<Shared>,
    routes: Routes<Door>,
}

/// A component as one route leads to it.
struct Door {
    service: Arc<Service>,
    route: HeaderValue,
    prefix: HeaderValue,
    /// Whether the origin answers when the component does not.
    fail_open: bool,
}

/// What is the same for all requests of a connection.
pub(crate) struct Peer {
    pub(crate) address: SocketAddr,
    pub(crate) address_value: HeaderValue,
    pub(crate) scheme: Scheme,
}

impl Front {
    pub(crate) fn new(shared: Arc<Shared>, routes: Vec<(Pattern, Arc<Service>)>) -> Self {
        let text =
            |text: String| HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static("/"));
        let doors = routes
            .into_iter()
            .map(|(pattern, service)| {
                let door = Door {
                    route: text(pattern.to_string()),
                    prefix: text(pattern.prefix().to_owned()),
                    fail_open: &*service.blueprint.name == "edge",
                    service,
                };
                (pattern, door)
            })
            .collect();
        Self {
            shared,
            routes: Routes::new(doors),
        }
    }

    /// The routes and the component behind each, most specific first.
    pub(crate) fn routes(&self) -> impl Iterator<Item = (&Pattern, &str)> {
        self.routes
            .iter()
            .map(|(pattern, door)| (pattern, &*door.service.blueprint.name))
    }

    /// Answers one request. It never fails: whatever goes wrong is a response.
    pub(crate) async fn serve(
        &self,
        peer: &Peer,
        request: Request<Incoming>,
    ) -> Response<Outgoing> {
        let started = Instant::now();
        let host = &self.shared.host_metrics;
        let work = Work::begin(&self.shared);
        let mut record = Record::open(&self.shared, &request, started);
        let path = request.uri().path();
        if work.count() > limits::REQUESTS as i64 {
            host.overload.fetch_add(1, Ordering::Relaxed);
            return answer::problem(StatusCode::SERVICE_UNAVAILABLE, "too many requests in work")
                .close(work, record);
        }
        if let Some(response) = self.own(peer, path, &request) {
            return response.close(work, record);
        }
        let Some(found) = self.routes.find(path) else {
            return answer::problem(StatusCode::NOT_FOUND, "no component answers this path")
                .close(work, record);
        };
        let door = found.target;
        record.component(&door.service.blueprint.name);
        let prepared = match prepare(
            peer,
            &found,
            request.method(),
            request.uri(),
            request.headers(),
        ) {
            Ok(prepared) => prepared,
            Err((status, detail)) => return answer::problem(status, detail).close(work, record),
        };
        let spare = (door.fail_open && may_bypass(&request))
            .then(|| bypass::Spare::keep(peer, &request, &prepared.uri));
        let request = prepared.apply(request);
        let result = door.service.call(request).await;
        let metrics = &door.service.blueprint.metrics;
        let answer = match (result, spare) {
            (Ok(response), _) => answer::Answer::new(response),
            (Err(failure), Some(spare)) => {
                record.bypass(failure.reason());
                spare.fetch(&self.shared, failure.reason()).await
            }
            (Err(failure), None) => answer::failure(&failure),
        };
        metrics.responded(answer.status().as_u16(), started.elapsed());
        answer.close(work, record)
    }

    /// What the host answers itself.
    fn own(&self, peer: &Peer, path: &str, request: &Request<Incoming>) -> Option<answer::Answer> {
        let rest = path.strip_prefix(RESERVED)?;
        if !matches!(rest, "health" | "metrics") {
            return None;
        }
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            let mut answer = answer::problem(StatusCode::METHOD_NOT_ALLOWED, "only GET and HEAD");
            answer.header(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
            return Some(answer);
        }
        if rest == "health" {
            return Some(answer::text(
                "application/json",
                "{\"status\":\"ok\"}\n".into(),
            ));
        }
        // Counters tell a competitor how the shop is doing.
        if !peer.address.ip().is_loopback() && !self.shared.is_operator(request.headers()) {
            return Some(answer::problem(
                StatusCode::FORBIDDEN,
                "metrics need the operator token",
            ));
        }
        let text = metrics::render(
            &self.shared.components(),
            &self.shared.host_metrics,
            &self.shared.stores.metrics,
            self.shared.log.dropped(),
        );
        Some(answer::text(
            "text/plain; version=0.0.4; charset=utf-8",
            text,
        ))
    }
}

/// A page, an asset or an image may come from the origin as it is. Anything else might be done twice.
fn may_bypass(request: &Request<Incoming>) -> bool {
    matches!(*request.method(), Method::GET | Method::HEAD)
        && request.body().is_end_stream()
        && !request.uri().path().starts_with(RESERVED)
}

/// What is added to a request before a component sees it.
struct Prepared {
    uri: Uri,
    headers: [(HeaderName, HeaderValue); 7],
}

type Rejection = (StatusCode, &'static str);

fn prepare(
    peer: &Peer,
    found: &Match<'_, '_, Door>,
    method: &Method,
    uri: &Uri,
    headers: &HeaderMap,
) -> Result<Prepared, Rejection> {
    if method == Method::CONNECT {
        return Err((StatusCode::METHOD_NOT_ALLOWED, "CONNECT is not served here"));
    }
    let authority = authority(uri, headers)?;
    let path = uri
        .path_and_query()
        .cloned()
        .unwrap_or_else(|| PathAndQuery::from_static("/"));
    let full = format!("{}://{authority}{path}", peer.scheme);
    let mut parts = http::uri::Parts::default();
    parts.scheme = Some(peer.scheme.clone());
    parts.authority = Some(authority);
    parts.path_and_query = Some(path);
    let uri = Uri::from_parts(parts)
        .map_err(|_| (StatusCode::BAD_REQUEST, "the target is not a path"))?;
    let value = |text: &[u8]| {
        HeaderValue::from_bytes(text).map_err(|_| {
            (
                StatusCode::BAD_REQUEST,
                "the target holds bytes that no header can",
            )
        })
    };
    let door = found.target;
    Ok(Prepared {
        uri,
        headers: [
            (FULL_URL, value(full.as_bytes())?),
            (PATH_INFO, value(found.rest.as_bytes())?),
            (MATCHED_ROUTE, door.route.clone()),
            (BASE_PATH, HeaderValue::from_static("/")),
            (RAW_ROUTE, door.route.clone()),
            (COMPONENT_ROUTE, door.prefix.clone()),
            (CLIENT_ADDR, peer.address_value.clone()),
        ],
    })
}

/// The authority of the request's target. Two that differ are a smuggling attempt or a broken client.
fn authority(uri: &Uri, headers: &HeaderMap) -> Result<Authority, Rejection> {
    let mut hosts = headers.get_all(header::HOST).iter();
    let host = hosts.next();
    if hosts.next().is_some() {
        return Err((StatusCode::BAD_REQUEST, "more than one Host"));
    }
    let host = host
        .map(|host| Authority::try_from(host.as_bytes()))
        .transpose()
        .map_err(|_| (StatusCode::BAD_REQUEST, "Host is not an authority"))?;
    let authority = match (uri.authority(), host) {
        (Some(target), Some(host)) if *target != host => {
            return Err((StatusCode::BAD_REQUEST, "Host and the target differ"));
        }
        (Some(target), _) => target.clone(),
        (None, Some(host)) => host,
        // HTTP/1.0 knows no Host.
        (None, None) => return Err((StatusCode::BAD_REQUEST, "Host is missing")),
    };
    if authority.as_str().contains('@') {
        return Err((StatusCode::BAD_REQUEST, "Host holds credentials"));
    }
    Ok(authority)
}

impl Prepared {
    fn apply(self, request: Request<Incoming>) -> Request<WasiBody> {
        let (mut parts, body) = request.into_parts();
        parts.uri = self.uri;
        let upload = Upload::new(&parts.headers, body);
        strip(&mut parts.headers);
        for (name, value) in self.headers {
            parts.headers.insert(name, value);
        }
        Request::from_parts(parts, upload.boxed_unsync())
    }
}

/// Removes what is only about the connection, and what only the host may say.
pub(crate) fn strip(headers: &mut HeaderMap) {
    strip_hop_by_hop(headers);
    // The server has answered it already.
    headers.remove(header::EXPECT);
    strip_named(headers, |name| name.starts_with("spin-"));
}

/// RFC 9110, section 7.6.1.
pub(crate) fn strip_hop_by_hop(headers: &mut HeaderMap) {
    if headers.contains_key(header::CONNECTION) {
        let named: Vec<HeaderName> = headers
            .get_all(header::CONNECTION)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .filter_map(|name| name.trim().parse().ok())
            .collect();
        for name in named {
            headers.remove(name);
        }
        headers.remove(header::CONNECTION);
    }
    for name in [
        HeaderName::from_static("keep-alive"),
        HeaderName::from_static("proxy-connection"),
        header::TE,
        header::TRANSFER_ENCODING,
        header::UPGRADE,
    ] {
        headers.remove(name);
    }
}

pub(crate) fn strip_named(headers: &mut HeaderMap, doomed: impl Fn(&str) -> bool) {
    if headers.keys().any(|name| doomed(name.as_str())) {
        let names: Vec<HeaderName> = headers
            .keys()
            .filter(|name| doomed(name.as_str()))
            .cloned()
            .collect();
        for name in names {
            headers.remove(name);
        }
    }
}

/// A request from one component to another, with the headers that Spin gives a chained request.
pub(crate) fn for_sibling(mut request: Request<WasiBody>) -> Request<WasiBody> {
    let full = HeaderValue::from_str(&request.uri().to_string());
    let path = HeaderValue::from_str(request.uri().path());
    let headers = request.headers_mut();
    strip(headers);
    headers.remove(header::HOST);
    for (name, value) in [(FULL_URL, full), (PATH_INFO, path)] {
        if let Ok(value) = value {
            headers.insert(name, value);
        }
    }
    headers.insert(CLIENT_ADDR, HeaderValue::from_static("0.0.0.0:0"));
    request
}

impl Failure {
    /// The status of an API's response when a component failed.
    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::Busy => StatusCode::SERVICE_UNAVAILABLE,
            Self::TimedOut => StatusCode::GATEWAY_TIMEOUT,
            Self::Trapped | Self::NotStarted(_) | Self::Refused(_) => StatusCode::BAD_GATEWAY,
        }
    }
}
