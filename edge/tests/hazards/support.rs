//! Pages, policies and coded bodies that the tests share.

use std::io::Write as _;
use std::rc::Rc;

use http::{Request, Response};
use vitrine_edge::encoding::{Coding, Decoder, Encoder};
use vitrine_edge::testing::{Fake, FakeBody, Whole};
use vitrine_edge::{App, Secrets};

pub(crate) const TOKEN: &str = "operator-token";
pub(crate) const PAGE: &str = "<!doctype html><html><head><title>Shoe</title></head>\
    <body><h1>Shoe</h1><p>A shoe is a shoe is a shoe is a shoe.</p></body></html>";
/// What the one pass of these tests puts into a page.
pub(crate) const MARK: &str = "rel=\"preconnect\"";
/// A policy under which every page is changed, and nothing is compressed.
pub(crate) const REWRITES: &str = r#"{"version":"t1","compression":{"enabled":false},"holdback":{"percent":0},
    "passes":{"payment_guard":{"first_view":"trust"},"preconnect":{"origins":["https://cdn.example"]}}}"#;
/// As above, and compressed.
pub(crate) const COMPRESSES: &str = r#"{"version":"t1","holdback":{"percent":0},
    "passes":{"payment_guard":{"first_view":"trust"},"preconnect":{"origins":["https://cdn.example"]}}}"#;

pub(crate) fn app(policy: &str) -> Rc<App> {
    App::load(
        policy,
        Secrets {
            rum_key: "rum-key".into(),
            operator_token: TOKEN.into(),
            ..Secrets::default()
        },
    )
}

pub(crate) fn get(path: &str, headers: &[(&'static str, &str)]) -> Request<FakeBody> {
    request("GET", path, headers)
}

pub(crate) fn request(
    method: &str,
    path: &str,
    headers: &[(&'static str, &str)],
) -> Request<FakeBody> {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(FakeBody::default()).unwrap()
}

/// A shop's answer with a photograph of 20 000 bytes, good for a minute.
pub(crate) fn photograph() -> Response<FakeBody> {
    let head = [
        ("content-type", "image/jpeg"),
        ("cache-control", "max-age=60"),
    ];
    response(200, &head, vec![b'o'; 20_000])
}

pub(crate) fn response(
    status: u16,
    headers: &[(&'static str, &str)],
    body: impl Into<FakeBody>,
) -> Response<FakeBody> {
    let mut response = Response::builder().status(status);
    for (name, value) in headers {
        response = response.header(*name, *value);
    }
    response.body(body.into()).unwrap()
}

pub(crate) fn html(
    headers: &[(&'static str, &str)],
    body: impl Into<FakeBody>,
) -> Response<FakeBody> {
    let mut all = vec![("content-type", "text/html; charset=utf-8")];
    all.extend_from_slice(headers);
    response(200, &all, body)
}

/// Sends one navigation through an app whose origin gives this response.
pub(crate) fn visit(
    policy: &str,
    headers: &[(&'static str, &str)],
    origin: impl Fn() -> Response<FakeBody> + 'static,
) -> Whole {
    let mut all = vec![("accept", "text/html,*/*;q=0.8")];
    all.extend_from_slice(headers);
    Fake::with_origin(origin).send(&app(policy), get("/p/7", &all))
}

pub(crate) fn coded(coding: Coding, plain: &[u8]) -> Vec<u8> {
    match coding {
        Coding::Identity => plain.to_vec(),
        Coding::Deflate => {
            let mut encoder =
                flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::new(6));
            encoder.write_all(plain).unwrap();
            encoder.finish().unwrap()
        }
        _ => {
            let mut encoder = Encoder::new(coding, 5).unwrap();
            let mut out = encoder.write(plain);
            out.extend(encoder.finish());
            out
        }
    }
}

pub(crate) fn decoded(coding: Coding, bytes: &[u8]) -> Vec<u8> {
    let mut decoder = Decoder::new(coding);
    let mut plain = decoder.write(bytes).unwrap();
    plain.extend(decoder.finish().unwrap());
    plain
}

/// All values of a header, in order.
pub(crate) fn all<'a>(whole: &'a Whole, name: &str) -> Vec<&'a str> {
    whole
        .headers
        .get_all(name)
        .iter()
        .map(|value| value.to_str().unwrap())
        .collect()
}
