//! The shop of the conformance cases.

use std::collections::{BTreeMap, HashMap};
use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures::StreamExt as _;
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use vitrine_edge::testing::conformance::{Case, Wire, headers};

type Body = BoxBody<Bytes, std::io::Error>;

/// What has been asked at the place of a case.
#[derive(Debug, Clone, Default)]
pub(crate) struct Log {
    /// How many requests.
    pub(crate) asked: usize,
    /// Headers of the last one.
    pub(crate) headers: HeaderMap,
    by_path: HashMap<String, usize>,
    pause_ended: Option<Instant>,
}

type Logs = Arc<Mutex<BTreeMap<String, Log>>>;

/// The running shop.
pub(crate) struct Origin {
    port: u16,
    logs: Logs,
}

impl Origin {
    pub(crate) async fn start(cases: Vec<Case>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let logs = Logs::default();
        let shared = (Arc::new(cases), Arc::clone(&logs));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (cases, logs) = shared.clone();
                let service = service_fn(move |request| {
                    let answer = answer(&cases, &logs, request);
                    async move { Ok::<_, Infallible>(answer) }
                });
                tokio::spawn(
                    hyper::server::conn::http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), service),
                );
            }
        });
        Self { port, logs }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub(crate) fn forget(&self, place: &str) {
        self.logs.lock().unwrap().remove(place);
    }

    pub(crate) fn log(&self, place: &str) -> Log {
        self.logs
            .lock()
            .unwrap()
            .get(place)
            .cloned()
            .unwrap_or_default()
    }

    /// When the first pause of the last answer at a place was over.
    pub(crate) fn pause_ended(&self, place: &str) -> Option<Instant> {
        self.log(place).pause_ended
    }
}

fn answer(cases: &[Case], logs: &Logs, request: Request<Incoming>) -> Response<Body> {
    let uri = request
        .uri()
        .path_and_query()
        .map_or("/", |p| p.as_str())
        .to_owned();
    let case = cases.iter().find(|case| {
        uri.strip_prefix(&case.place())
            .is_some_and(|rest| rest.starts_with(['/', '?']))
    });
    let Some(case) = case else { return nothing() };
    let nth = {
        let mut logs = logs.lock().unwrap();
        let log = logs.entry(case.place()).or_default();
        log.asked += 1;
        log.headers = request.headers().clone();
        log.pause_ended = None;
        let nth = log.by_path.entry(uri.clone()).or_default();
        *nth += 1;
        *nth - 1
    };
    let Some(scripted) = case.origin(&uri, nth) else {
        return nothing();
    };
    let pieces = if request.method() == Method::HEAD {
        vec![]
    } else {
        scripted.pieces()
    };
    let mut response = Response::new(stream(pieces, Arc::clone(logs), case.place()));
    *response.status_mut() = StatusCode::from_u16(scripted.status).unwrap();
    *response.headers_mut() = headers(&scripted.headers).unwrap();
    // The request's body is read and dropped, as any shop would read it.
    tokio::spawn(request.into_body().collect());
    response
}

fn nothing() -> Response<Body> {
    let body = Full::new(Bytes::from_static(b"not scripted")).map_err(|never| match never {});
    let mut response = Response::new(body.boxed());
    *response.status_mut() = StatusCode::NOT_FOUND;
    response
}

/// Always a stream: hyper gives a body of known size a content-length, and the cases say when there is one.
fn stream(pieces: Vec<Wire>, logs: Logs, place: String) -> Body {
    let frames = futures::stream::iter(pieces).then(move |piece| {
        let (logs, place) = (Arc::clone(&logs), place.clone());
        async move {
            match piece {
                Wire::Bytes(bytes) => Ok(Frame::data(Bytes::from(bytes))),
                Wire::Delay(ms) => {
                    tokio::time::sleep(Duration::from_millis(ms)).await;
                    let mut logs = logs.lock().unwrap();
                    let ended = &mut logs.entry(place).or_default().pause_ended;
                    *ended = ended.or(Some(Instant::now()));
                    Ok(Frame::data(Bytes::new()))
                }
                Wire::Break => {
                    // What was written before leaves first.
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    Err(std::io::Error::other("broken off as the case says"))
                }
            }
        }
    });
    BodyExt::boxed(StreamBody::new(
        Box::pin(frames) as std::pin::Pin<Box<dyn futures::Stream<Item = _> + Send + Sync>>
    ))
}
