//! A shop of the test's own, which can be slow, break off, and tell when it sent what.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures::channel::mpsc;
use futures::{SinkExt, StreamExt};
use http_body_util::{BodyExt, StreamBody, combinators::UnsyncBoxBody};
use hyper::body::{Frame, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

type Body = UnsyncBoxBody<Bytes, std::io::Error>;

/// The running shop.
#[derive(Clone)]
pub(crate) struct Origin {
    pub(crate) address: SocketAddr,
    /// When the first half of `/halves` was handed to the connection.
    pub(crate) sent: Arc<Mutex<Option<Instant>>>,
    /// Heads of the requests that arrived.
    pub(crate) seen: Arc<Mutex<Vec<String>>>,
}

pub(crate) async fn start() -> Origin {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = Origin {
        address: listener.local_addr().unwrap(),
        sent: Arc::default(),
        seen: Arc::default(),
    };
    let running = origin.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            stream.set_nodelay(true).unwrap();
            let origin = running.clone();
            tokio::spawn(async move {
                let service = service_fn(move |request| {
                    let origin = origin.clone();
                    async move { Ok::<_, Infallible>(origin.answer(&request)) }
                });
                let _ = hyper::server::conn::http1::Builder::new()
                    .serve_connection(TokioIo::new(stream), service)
                    .await;
            });
        }
    });
    origin
}

impl Origin {
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    fn answer(&self, request: &Request<Incoming>) -> Response<Body> {
        let head = format!(
            "{} {} {:?}",
            request.method(),
            request.uri(),
            request.headers()
        );
        self.seen.lock().unwrap().push(head);
        match request.uri().path() {
            "/halves" => self.halves(true),
            "/breaks" => self.halves(false),
            "/moved" => {
                let mut response = Response::new(full("moved"));
                *response.status_mut() = http::StatusCode::FOUND;
                let location = self.url("/elsewhere").parse().unwrap();
                response.headers_mut().insert("location", location);
                response
            }
            "/counted-slowly" => {
                let mut response = self.halves(true);
                let length = "first half;second half".len();
                response
                    .headers_mut()
                    .insert("content-length", length.into());
                response
            }
            "/breaks.html" => cacheable("text/html", self.halves(false)),
            "/breaks.css" => cacheable("text/css", self.halves(false)),
            "/page" => typed("text/html; charset=utf-8", PAGE.into()),
            "/large.jpg" => typed("image/jpeg", vec![0; LARGE_IMAGE].into()),
            "/hostile.jpg" => typed("image/jpeg", HOSTILE.repeat(4000).into()),
            path => {
                let mut response = Response::new(full(&format!("the shop's own {path}")));
                let headers = response.headers_mut();
                headers.append("set-cookie", "a=1".parse().unwrap());
                headers.append("set-cookie", "b=2".parse().unwrap());
                response
            }
        }
    }

    /// Half a page, two seconds, and the other half; or an end without one.
    fn halves(&self, whole: bool) -> Response<Body> {
        let (mut sender, receiver) = mpsc::channel(1);
        let sent = Arc::clone(&self.sent);
        tokio::spawn(async move {
            let piece = |text: &'static str| Ok(Frame::data(Bytes::from_static(text.as_bytes())));
            *sent.lock().unwrap() = Some(Instant::now());
            let _ = sender.send(piece("first half;")).await;
            if whole {
                tokio::time::sleep(Duration::from_secs(2)).await;
                let _ = sender.send(piece("second half")).await;
            } else {
                tokio::time::sleep(Duration::from_millis(100)).await;
                let _ = sender.send(Err(std::io::Error::other("killed"))).await;
            }
        });
        Response::new(StreamBody::new(receiver.boxed()).boxed_unsync())
    }
}

/// A page as a shop might serve it.
const PAGE: &str = "<!doctype html><html><head><title>Shop</title></head><body><h1>A page</h1>\
    <img src=\"/a.jpg\" width=\"10\" height=\"10\"></body></html>";

/// Bytes of an image that no engine takes.
pub(crate) const LARGE_IMAGE: usize = 30 << 20;

/// It begins like a JPEG.
const HOSTILE: &[u8] = b"\xff\xd8\xff\xe0\x00\x10JFIF";

fn typed(kind: &'static str, body: Bytes) -> Response<Body> {
    let body = http_body_util::Full::new(body).map_err(|never| match never {});
    cacheable(kind, Response::new(body.boxed_unsync()))
}

fn cacheable(kind: &'static str, mut response: Response<Body>) -> Response<Body> {
    let headers = response.headers_mut();
    headers.insert("content-type", http::HeaderValue::from_static(kind));
    headers.insert(
        "cache-control",
        http::HeaderValue::from_static("public, max-age=600"),
    );
    response
}

fn full(text: &str) -> Body {
    http_body_util::Full::new(Bytes::from(text.to_owned()))
        .map_err(|never| match never {})
        .boxed_unsync()
}
