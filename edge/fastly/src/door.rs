//! From the visitor's request to the last byte of the answer.

use std::io::Write;

use bytes::Bytes;
use fastly::http::FramingHeadersMode;
use fastly::http::body::StreamingBody;
use http::{Request, Response, Uri};
use vitrine_edge::route::{self, Component};
use vitrine_edge::{App, Secrets};

use crate::body::Incoming;
use crate::platform::Fastly;
use crate::runtime::block_on;
use crate::{adapter, collector, settings};

/// Who is asking, as the host saw it.
#[derive(Clone)]
pub(crate) struct Caller {
    pub(crate) address: Option<std::net::IpAddr>,
    pub(crate) scheme: String,
    pub(crate) authority: String,
}

pub(crate) fn serve(request: fastly::Request) {
    let caller = Caller {
        address: request.get_client_ip_addr(),
        scheme: request.get_url().scheme().to_owned(),
        authority: authority(&request),
    };
    let request = to_origin_form(request);
    match route::component(request.uri().path()) {
        Component::RumCollector => {
            send(block_on(collector::respond(&caller, request)).map(Incoming::Full));
        }
        Component::OriginAdapter => send(block_on(adapter::respond(&caller, request))),
        _ => edge(&caller, request),
    }
}

fn edge(caller: &Caller, mut request: Request<Incoming>) {
    let platform = Fastly::default();
    request.extensions_mut().insert(vitrine_edge::Visitor {
        addr: caller.address.map(|address| address.to_string()),
        secure: caller.scheme == "https",
        host: Some(caller.authority.clone()),
    });
    let secrets = Secrets {
        rum_key: settings::secret("rum_key"),
        operator_token: settings::secret("operator_token"),
        image_key: settings::secret("image_key"),
        image_key_previous: settings::secret("image_key_previous"),
    };
    let app = App::load(&settings::text("policy"), secrets);
    let (head, mut body) = block_on(app.handle(&platform, request)).into_parts();
    pump(Response::from_parts(head, ()), || {
        block_on(body.chunk()).map_err(|error| error.to_string())
    });
    drop(body);
    platform.run_after();
}

/// Sends a response whose body a component produces.
fn send(response: Response<Incoming>) {
    let (head, mut body) = response.into_parts();
    pump(Response::from_parts(head, ()), || body.next());
}

/// Hands the body over piece by piece, until its end, its failure, or the visitor's leaving.
fn pump(head: Response<()>, mut next: impl FnMut() -> Result<Option<Bytes>, String>) {
    let mut out = stream(head);
    let end = loop {
        match next() {
            Ok(Some(piece)) => {
                if write(&mut out, &piece).is_err() {
                    break Ok(());
                }
            }
            Ok(None) => break Ok(()),
            Err(error) => break Err(error),
        }
    };
    finish(out, end);
}

/// The head goes out now; the body follows piece by piece. A length that is known is kept: without this the
/// host would send every streamed body in chunks.
fn stream(head: Response<()>) -> StreamingBody {
    let sized = head.headers().contains_key(http::header::CONTENT_LENGTH);
    let mut response = fastly::Response::from(head.map(|()| fastly::Body::new()));
    if sized {
        response.set_framing_headers_mode(FramingHeadersMode::ManuallyFromHeaders);
    }
    response.stream_to_client()
}

fn write(out: &mut StreamingBody, piece: &Bytes) -> std::io::Result<()> {
    out.write_all(piece)?;
    out.flush()
}

/// A body that broke off is abandoned, so that nobody takes what was sent for the whole.
fn finish(out: StreamingBody, end: Result<(), String>) {
    match end {
        Ok(()) => drop(out.finish()),
        Err(error) => {
            eprintln!("body: {error}");
            drop(out.abandon());
        }
    }
}

fn authority(request: &fastly::Request) -> String {
    request
        .get_header_str("host")
        .map_or_else(|| request.get_url().authority().to_owned(), str::to_owned)
}

/// The request as the libraries expect it: path and query, and no authority.
fn to_origin_form(request: fastly::Request) -> Request<Incoming> {
    let (mut head, body) = Request::<fastly::Body>::from(request).into_parts();
    if let Some(path) = head.uri.path_and_query() {
        head.uri = Uri::from(path.clone());
    }
    Request::from_parts(head, Incoming::Host(body))
}
