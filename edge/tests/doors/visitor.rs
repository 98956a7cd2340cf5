//! A visitor on HTTP/1.1, who sees when each piece of a body arrives.

use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{HeaderMap, Request};
use http_body_util::{BodyExt as _, Full};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use vitrine_edge::testing::conformance::{Case, Received, Sent, headers};

/// Longer than any case takes.
const LIMIT: Duration = Duration::from_secs(30);

/// An answer, with the time of each piece.
pub(crate) struct Answered {
    status: u16,
    headers: HeaderMap,
    pieces: Vec<(Instant, Bytes)>,
    broken: bool,
}

impl Answered {
    /// `pause_ended`: when the origin's first pause was over, if it made one.
    pub(crate) fn received(self, pause_ended: Option<Instant>) -> Received {
        let early = self
            .pieces
            .iter()
            .filter(|(at, _)| pause_ended.is_some_and(|ended| *at < ended))
            .map(|(_, piece)| piece.len())
            .sum();
        Received {
            status: self.status,
            headers: self.headers,
            body: self
                .pieces
                .iter()
                .flat_map(|(_, piece)| piece.to_vec())
                .collect(),
            early,
            broken: self.broken,
        }
    }
}

pub(crate) async fn send(address: &str, case: &Case, sent: &Sent) -> Result<Answered, String> {
    tokio::time::timeout(LIMIT, exchange(address, case, sent))
        .await
        .map_err(|_| format!("no whole answer in {LIMIT:?}"))?
}

async fn exchange(address: &str, case: &Case, sent: &Sent) -> Result<Answered, String> {
    let said = |error: hyper::Error| error.to_string();
    let stream = TcpStream::connect(address)
        .await
        .map_err(|error| error.to_string())?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .map_err(said)?;
    tokio::spawn(connection);
    let mut request = Request::builder()
        .method(sent.method.as_str())
        .uri(case.path(&sent.path))
        .body(Full::new(Bytes::from(sent.body.clone())))
        .map_err(|error| error.to_string())?;
    *request.headers_mut() = headers(&sent.headers)?;
    request
        .headers_mut()
        .entry("host")
        .or_insert(address.parse().map_err(|_| "no such address")?);
    let (head, mut body) = sender
        .send_request(request)
        .await
        .map_err(said)?
        .into_parts();
    let mut answered = Answered {
        status: head.status.as_u16(),
        headers: head.headers,
        pieces: Vec::new(),
        broken: false,
    };
    while let Some(frame) = body.frame().await {
        match frame.map(hyper::body::Frame::into_data) {
            Ok(Ok(piece)) => answered.pieces.push((Instant::now(), piece)),
            Ok(Err(_trailers)) => {}
            Err(_) => answered.broken = true,
        }
    }
    Ok(answered)
}
