//! A plain HTTP/1.1 client: one request, its answer, and when each piece of it came.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use anyhow::Context;
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Method, Request, StatusCode, Uri, header};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpSocket;

use crate::shop::now_ms;

/// Longest that any single request of the lab may take.
pub(crate) const LIMIT: Duration = Duration::from_mins(2);

/// A connection that sends one request after another.
pub(crate) struct Connection {
    sender: http1::SendRequest<Full<Bytes>>,
    host: String,
}

/// An answer, whole or broken.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    /// When each piece came: milliseconds since the Unix epoch, and its length.
    pub(crate) pieces: Vec<(f64, usize)>,
    /// Why the body ended before its end, if it did.
    pub(crate) broken: Option<String>,
    /// From sending the request to the end of the answer.
    pub(crate) took: Duration,
}

impl Connection {
    /// Connects to the authority of a URL.
    pub(crate) async fn open(base: &str) -> anyhow::Result<Self> {
        Self::open_from(base, Ipv4Addr::LOCALHOST).await
    }

    /// Connects from a loopback address of the caller's choice: to the other side, another visitor.
    pub(crate) async fn open_from(base: &str, visitor: Ipv4Addr) -> anyhow::Result<Self> {
        let uri: Uri = base
            .parse()
            .with_context(|| format!("`{base}` is not a URL"))?;
        let host = uri
            .authority()
            .with_context(|| format!("`{base}` has no host"))?
            .to_string();
        let address: SocketAddr = host
            .replace("localhost", "127.0.0.1")
            .parse()
            .with_context(|| format!("`{host}` is not an address with a port"))?;
        let socket = TcpSocket::new_v4()?;
        socket
            .bind((visitor, 0).into())
            .with_context(|| format!("cannot speak from {visitor}"))?;
        let stream = socket
            .connect(address)
            .await
            .with_context(|| format!("cannot reach {host}"))?;
        stream.set_nodelay(true)?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        Ok(Self { sender, host })
    }

    /// Sends a request and reads the answer to its end.
    pub(crate) async fn send(
        &mut self,
        method: Method,
        path: &str,
        headers: &HeaderMap,
        body: Bytes,
    ) -> anyhow::Result<Answer> {
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = method;
        *request.uri_mut() = path
            .parse()
            .with_context(|| format!("`{path}` is not a path"))?;
        *request.headers_mut() = headers.clone();
        request
            .headers_mut()
            .insert(header::HOST, self.host.parse()?);
        let started = Instant::now();
        let response = tokio::time::timeout(LIMIT, async {
            self.sender.ready().await?;
            self.sender.send_request(request).await
        })
        .await
        .with_context(|| format!("{path}: no answer within {} s", LIMIT.as_secs()))??;
        let (parts, mut incoming) = response.into_parts();
        let (mut whole, mut pieces, mut broken) = (BytesMut::new(), Vec::new(), None);
        loop {
            let frame = tokio::time::timeout(LIMIT, incoming.frame())
                .await
                .with_context(|| format!("{path}: silence for {} s", LIMIT.as_secs()))?;
            match frame {
                None => break,
                Some(Err(error)) => {
                    broken = Some(error.to_string());
                    break;
                }
                Some(Ok(frame)) => {
                    if let Ok(data) = frame.into_data() {
                        pieces.push((now_ms(), data.len()));
                        whole.extend_from_slice(&data);
                    }
                }
            }
        }
        Ok(Answer {
            status: parts.status,
            headers: parts.headers,
            body: whole.freeze(),
            pieces,
            broken,
            took: started.elapsed(),
        })
    }
}

/// One GET on a connection of its own.
pub(crate) async fn get(url: &str) -> anyhow::Result<Answer> {
    request(Method::GET, url, &HeaderMap::new(), Bytes::new()).await
}

/// One request on a connection of its own.
pub(crate) async fn request(
    method: Method,
    url: &str,
    headers: &HeaderMap,
    body: Bytes,
) -> anyhow::Result<Answer> {
    request_from(Ipv4Addr::LOCALHOST, method, url, headers, body).await
}

/// One request on a connection of its own, from a loopback address of the caller's choice.
pub(crate) async fn request_from(
    visitor: Ipv4Addr,
    method: Method,
    url: &str,
    headers: &HeaderMap,
    body: Bytes,
) -> anyhow::Result<Answer> {
    let uri: Uri = url
        .parse()
        .with_context(|| format!("`{url}` is not a URL"))?;
    let path = uri
        .path_and_query()
        .map_or("/", |path| path.as_str())
        .to_owned();
    Connection::open_from(url, visitor)
        .await?
        .send(method, &path, headers, body)
        .await
}
