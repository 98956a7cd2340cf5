//! Messages between WASI and the `http` crate. Bodies are handed on as streams, not copied: the host joins
//! the visitor's connection and the origin's, deadlines and errors included.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, Uri};
use vitrine_origin_adapter::Visitor;
use vitrine_origin_adapter::platform::{self, BodyError, Deadlines, Payload};
use wasip3::http::types::{self, ErrorCode, Fields, RequestOptions, Scheme, Trailers};
use wasip3::wit_bindgen::{FutureReader, StreamReader, StreamResult, StreamWriter, spawn};
use wasip3::{wit_future, wit_stream};

/// How much of a body is read at once, where the adapter reads one itself.
const PIECE_BYTES: usize = 64 << 10;

type End = FutureReader<Result<Option<Trailers>, ErrorCode>>;

/// A body as the host holds it.
pub(crate) enum Body {
    Request(types::Request),
    Response(types::Response),
    Reading(StreamReader<u8>, End),
    Read,
}

impl Body {
    fn open(self) -> Option<(StreamReader<u8>, End)> {
        let (_consumed, told) = wit_future::new(|| Ok(()));
        match self {
            Self::Request(request) => Some(types::Request::consume_body(request, told)),
            Self::Response(response) => Some(types::Response::consume_body(response, told)),
            Self::Reading(stream, end) => Some((stream, end)),
            Self::Read => None,
        }
    }
}

impl platform::Body for Body {
    async fn chunk(&mut self) -> Result<Option<Bytes>, BodyError> {
        let Some((mut stream, end)) = std::mem::replace(self, Self::Read).open() else {
            return Ok(None);
        };
        let (result, piece) = stream.read(Vec::with_capacity(PIECE_BYTES)).await;
        if !piece.is_empty() {
            *self = Self::Reading(stream, end);
            return Ok(Some(piece.into()));
        }
        match result {
            StreamResult::Dropped => end
                .await
                .map(|_| None)
                .map_err(|error| BodyError(error.to_string())),
            _ => Err(BodyError("the host ended a read without a reason".into())),
        }
    }
}

pub(crate) fn read_request(
    request: types::Request,
) -> Result<(Visitor, Request<Payload<Body>>), ErrorCode> {
    let method = method(&request.get_method())?;
    let path = request.get_path_with_query().unwrap_or_else(|| "/".into());
    let uri: Uri = path.parse().map_err(|_| ErrorCode::HttpRequestUriInvalid)?;
    let headers = read_headers(&request.get_headers());
    let visitor = visitor(&headers);
    let mut read = Request::new(Payload::Stream(Body::Request(request)));
    *read.method_mut() = method;
    *read.uri_mut() = uri;
    *read.headers_mut() = headers;
    Ok((visitor, read))
}

/// Who the host says is asking (`spin-client-addr: ip:port`, `spin-full-url`).
fn visitor(headers: &HeaderMap) -> Visitor {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let client = text("spin-client-addr").unwrap_or_default();
    let client = client
        .parse()
        .map_or(client.to_owned(), |at: std::net::SocketAddr| {
            at.ip().to_string()
        });
    let url = text("spin-full-url")
        .and_then(|url| url.parse::<Uri>().ok())
        .unwrap_or_default();
    Visitor {
        client,
        scheme: url.scheme_str().unwrap_or("http").to_owned(),
        authority: url.authority().map_or(String::new(), ToString::to_string),
    }
}

pub(crate) fn write_request(
    request: Request<Payload<Body>>,
    deadlines: Deadlines,
) -> Result<types::Request, ErrorCode> {
    let (parts, payload) = request.into_parts();
    let headers = write_headers(&parts.headers);
    let (stream, end, rest) = contents(payload);
    let (written, _sent) = types::Request::new(headers, stream, end, Some(options(deadlines)));
    let invalid = |()| ErrorCode::HttpRequestUriInvalid;
    let scheme = match parts.uri.scheme_str() {
        Some("https") => Scheme::Https,
        _ => Scheme::Http,
    };
    written
        .set_method(&wasi_method(&parts.method))
        .map_err(|()| ErrorCode::HttpRequestMethodInvalid)?;
    written.set_scheme(Some(&scheme)).map_err(invalid)?;
    written
        .set_authority(parts.uri.authority().map(http::uri::Authority::as_str))
        .map_err(invalid)?;
    written
        .set_path_with_query(
            parts
                .uri
                .path_and_query()
                .map(http::uri::PathAndQuery::as_str),
        )
        .map_err(invalid)?;
    pour(rest);
    Ok(written)
}

fn options(deadlines: Deadlines) -> RequestOptions {
    let ns = |time: std::time::Duration| Some(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX));
    let options = RequestOptions::new();
    // A host without one of these says so here; the adapter keeps a deadline of its own on the head.
    let _ = options.set_connect_timeout(ns(deadlines.connect));
    let _ = options.set_first_byte_timeout(ns(deadlines.first_byte));
    let _ = options.set_between_bytes_timeout(ns(deadlines.between_bytes));
    options
}

pub(crate) fn read_response(response: types::Response) -> Result<Response<Body>, ErrorCode> {
    let status = http::StatusCode::from_u16(response.get_status_code())
        .map_err(|_| ErrorCode::HttpProtocolError)?;
    let headers = read_headers(&response.get_headers());
    let mut read = Response::new(Body::Response(response));
    *read.status_mut() = status;
    *read.headers_mut() = headers;
    Ok(read)
}

pub(crate) fn write_response(
    response: Response<Payload<Body>>,
) -> Result<types::Response, ErrorCode> {
    let (parts, payload) = response.into_parts();
    let headers = write_headers(&parts.headers);
    let (stream, end, rest) = contents(payload);
    let (written, _sent) = types::Response::new(headers, stream, end);
    written
        .set_status_code(parts.status.as_u16())
        .map_err(|()| ErrorCode::HttpProtocolError)?;
    pour(rest);
    Ok(written)
}

/// Bytes that are still to be written into a message's stream.
type Rest = Option<(StreamWriter<u8>, Bytes)>;

fn contents(payload: Payload<Body>) -> (Option<StreamReader<u8>>, End, Rest) {
    let (_end, ended) = wit_future::new(|| Ok(None));
    match payload {
        Payload::Empty => (None, ended, None),
        Payload::Full(bytes) => {
            let (writer, reader) = wit_stream::new();
            (Some(reader), ended, Some((writer, bytes)))
        }
        Payload::Stream(body) => match body.open() {
            Some((stream, end)) => (Some(stream), end, None),
            None => (None, ended, None),
        },
    }
}

fn pour(rest: Rest) {
    if let Some((mut writer, bytes)) = rest {
        spawn(async move {
            // What is left over was not wanted: the other side went away.
            let _ = writer.write_all(bytes.into()).await;
        });
    }
}

fn read_headers(fields: &Fields) -> HeaderMap {
    let entries = fields.copy_all();
    let mut headers = HeaderMap::with_capacity(entries.len());
    for (name, value) in entries {
        if let (Ok(name), Ok(value)) = (
            HeaderName::from_bytes(name.as_bytes()),
            HeaderValue::from_bytes(&value),
        ) {
            headers.append(name, value);
        }
    }
    headers
}

fn write_headers(headers: &HeaderMap) -> Fields {
    let entries: Vec<(String, Vec<u8>)> = headers
        .iter()
        .map(|(name, value)| (name.to_string(), value.as_bytes().to_vec()))
        .collect();
    Fields::from_list(&entries).unwrap_or_else(|_| {
        // One header that the host refuses does not take the others with it.
        let fields = Fields::new();
        for (name, value) in &entries {
            let _ = fields.append(name, value);
        }
        fields
    })
}

fn method(method: &types::Method) -> Result<Method, ErrorCode> {
    Ok(match method {
        types::Method::Get => Method::GET,
        types::Method::Head => Method::HEAD,
        types::Method::Post => Method::POST,
        types::Method::Put => Method::PUT,
        types::Method::Delete => Method::DELETE,
        types::Method::Connect => Method::CONNECT,
        types::Method::Options => Method::OPTIONS,
        types::Method::Trace => Method::TRACE,
        types::Method::Patch => Method::PATCH,
        types::Method::Other(name) => {
            Method::from_bytes(name.as_bytes()).map_err(|_| ErrorCode::HttpRequestMethodInvalid)?
        }
    })
}

fn wasi_method(method: &Method) -> types::Method {
    match method.as_str() {
        "GET" => types::Method::Get,
        "HEAD" => types::Method::Head,
        "POST" => types::Method::Post,
        "PUT" => types::Method::Put,
        "DELETE" => types::Method::Delete,
        "CONNECT" => types::Method::Connect,
        "OPTIONS" => types::Method::Options,
        "TRACE" => types::Method::Trace,
        "PATCH" => types::Method::Patch,
        other => types::Method::Other(other.to_owned()),
    }
}
