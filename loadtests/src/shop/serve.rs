//! From a request to an answer: the shop's routes, its caching headers (weak), and the trouble it was told to make.

use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{self, HeaderName, HeaderValue};
use http::{Method, Request, Response, StatusCode};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;

use super::catalog::{category_by_slug, product_by_slug};
use super::control;
use super::faults::{self, Fault};
use super::gallery::has_extension;
use super::log::Entry;
use super::pages::{self, Page};
use super::session::{self, Cart};
use super::{Shop, trouble};

/// A body that may pause, break off or never end.
pub(crate) type Body = UnsyncBoxBody<Bytes, io::Error>;

/// Largest form that is read, in bytes.
const MAX_FORM: usize = 64 * 1024;

pub(crate) const JPEG: &str = "image/jpeg";
pub(crate) const HTML: &str = "text/html; charset=utf-8";

/// Answers one request. An error closes the connection without an answer.
pub(crate) async fn answer(
    shop: Arc<Shop>,
    request: Request<Incoming>,
) -> io::Result<Response<Body>> {
    if request.uri().path().starts_with("/__demo/") {
        return Ok(control::answer(&shop, request).await);
    }
    let entry = Entry::of(&request);
    let fault = match fault_of(&shop, &request) {
        Ok(fault) => fault,
        Err(error) => return Ok(text(StatusCode::BAD_REQUEST, &format!("{error}\n"))),
    };
    let number = shop.log.open(entry);
    tokio::time::sleep(fault.delay).await;
    if fault.refuse {
        return Err(io::Error::other("refused on demand"));
    }
    if let Some(status) = fault.status {
        return Ok(text(status, &format!("{status}, on demand\n")));
    }
    let head_only = request.method() == Method::HEAD;
    let answer = route(&shop, request).await;
    Ok(if head_only || fault.body == faults::Body::Whole {
        answer.map(|bytes| Full::new(bytes).map_err(never).boxed_unsync())
    } else {
        trouble::apply(&shop, number, answer, fault.body)
    })
}

fn fault_of(shop: &Shop, request: &Request<Incoming>) -> Result<Fault, faults::FaultError> {
    let query = request.uri().query().unwrap_or("");
    let asked = query
        .split('&')
        .find_map(|pair| pair.strip_prefix("__fault="));
    let header = request
        .headers()
        .get("x-demo-fault")
        .and_then(|value| value.to_str().ok());
    match asked.or(header) {
        Some(text) => text.parse(),
        None => Ok(shop.rules.meet(request.uri().path()).unwrap_or_default()),
    }
}

async fn route(shop: &Shop, request: Request<Incoming>) -> Response<Bytes> {
    let path = request.uri().path().to_owned();
    if let Some(name) = path.strip_prefix("/media/") {
        return picture(shop, name, &request);
    }
    match path.as_str() {
        "/assets/theme.css" => asset("text/css; charset=utf-8", &shop.sheet, &request),
        "/assets/shop.js" => asset("text/javascript; charset=utf-8", &shop.script, &request),
        "/robots.txt" => asset(
            "text/plain; charset=utf-8",
            &Bytes::from_static(b"User-agent: *\nDisallow: /cart\n"),
            &request,
        ),
        "/cart/add" | "/cart/update" | "/cart/remove" | "/checkout"
            if request.method() == Method::POST =>
        {
            change(shop, &path, request).await
        }
        _ if request.method() == Method::GET || request.method() == Method::HEAD => {
            page(shop, &path, &request).await
        }
        _ => plain(
            StatusCode::METHOD_NOT_ALLOWED,
            "Only GET, HEAD and the cart's forms\n",
        ),
    }
}

/// A page: rendered for this shopper, after the time that a template and a database take.
async fn page(shop: &Shop, path: &str, request: &Request<Incoming>) -> Response<Bytes> {
    let (sid, fresh) = shopper(shop, request);
    let cart = shop.sessions.cart(&sid).unwrap_or_default();
    let page = match path {
        "/" => Page::Home,
        "/cart" => Page::Cart,
        "/checkout" if cart.count() == 0 => return redirect("/cart"),
        "/checkout" => Page::Checkout,
        "/checkout/thanks" => Page::Thanks,
        _ => named_page(path).unwrap_or(Page::NotFound),
    };
    tokio::time::sleep(shop.think).await;
    let private = matches!(page, Page::Cart | Page::Checkout | Page::Thanks);
    let status = if matches!(page, Page::NotFound) {
        StatusCode::NOT_FOUND
    } else {
        StatusCode::OK
    };
    let mut answer = Response::new(pages::render(&shop.theme, &page, &cart).into());
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    set(headers, header::CONTENT_TYPE, HTML);
    set(
        headers,
        header::CACHE_CONTROL,
        if private {
            "no-store"
        } else {
            "private, no-cache"
        },
    );
    set(
        headers,
        HeaderName::from_static("x-powered-by"),
        "Demo Shop 4.2",
    );
    if fresh {
        append(
            headers,
            &format!("{}={sid}; Path=/; HttpOnly; SameSite=Lax", session::COOKIE),
        );
        append(headers, "currency=USD; Path=/; SameSite=Lax");
    }
    whole(answer, request.method())
}

fn named_page(path: &str) -> Option<Page> {
    if let Some(slug) = path.strip_prefix("/c/") {
        return category_by_slug(slug).map(Page::Category);
    }
    path.strip_prefix("/p/")
        .and_then(product_by_slug)
        .map(Page::Product)
}

/// A form of the cart or the checkout: 303 to where its result can be seen.
async fn change(shop: &Shop, path: &str, request: Request<Incoming>) -> Response<Bytes> {
    let (sid, fresh) = shopper(shop, &request);
    let Ok(form) = Limited::new(request.into_body(), MAX_FORM).collect().await else {
        return plain(StatusCode::PAYLOAD_TOO_LARGE, "The form is too large\n");
    };
    let form = form.to_bytes();
    let field = |name: &str| form_field(&form, name);
    let product = field("sku").and_then(|slug| product_by_slug(&slug));
    let quantity = field("quantity")
        .and_then(|text| text.parse().ok())
        .unwrap_or(1)
        .min(session::MAX_QUANTITY);
    let target = match (path, product) {
        ("/checkout", _) => {
            shop.sessions.change(&sid, Cart::clear);
            "/checkout/thanks"
        }
        (_, None) => return plain(StatusCode::UNPROCESSABLE_ENTITY, "No such product\n"),
        ("/cart/add", Some(product)) => {
            shop.sessions
                .change(&sid, |cart| cart.add(product, quantity.max(1)));
            "/cart"
        }
        ("/cart/update", Some(product)) => {
            shop.sessions
                .change(&sid, |cart| cart.set(product, quantity));
            "/cart"
        }
        (_, Some(product)) => {
            shop.sessions.change(&sid, |cart| cart.set(product, 0));
            "/cart"
        }
    };
    let mut answer = redirect(target);
    if fresh {
        append(
            answer.headers_mut(),
            &format!("{}={sid}; Path=/; HttpOnly; SameSite=Lax", session::COOKIE),
        );
    }
    answer
}

/// A value of an URL-encoded form. The shop's own forms hold letters, digits and dashes only.
fn form_field(form: &[u8], name: &str) -> Option<String> {
    let form = std::str::from_utf8(form).ok()?;
    form.split('&')
        .find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))
        .map(str::to_owned)
}

/// The shopper's session, and whether it is new.
fn shopper(shop: &Shop, request: &Request<Incoming>) -> (String, bool) {
    let known = request
        .headers()
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().strip_prefix(session::COOKIE)?.strip_prefix('='))
        .find(|sid| shop.sessions.cart(sid).is_some());
    match known {
        Some(sid) => (sid.to_owned(), false),
        None => (shop.sessions.open(), true),
    }
}

fn picture(shop: &Shop, name: &str, request: &Request<Incoming>) -> Response<Bytes> {
    match shop.gallery.get(name) {
        Some(bytes) => {
            let kind = if has_extension(name, "png") {
                "image/png"
            } else {
                JPEG
            };
            file(kind, "public, max-age=300", bytes, request)
        }
        None => plain(StatusCode::NOT_FOUND, "No such picture\n"),
    }
}

fn asset(kind: &'static str, bytes: &Bytes, request: &Request<Incoming>) -> Response<Bytes> {
    file(kind, "public, max-age=120", bytes, request)
}

/// A file with validators, a short life, and ranges.
fn file(
    kind: &'static str,
    cache: &'static str,
    bytes: &Bytes,
    request: &Request<Incoming>,
) -> Response<Bytes> {
    let tag = entity_tag(bytes);
    let mut answer = Response::new(Bytes::new());
    let headers = answer.headers_mut();
    set(headers, header::CONTENT_TYPE, kind);
    set(headers, header::CACHE_CONTROL, cache);
    set(
        headers,
        header::LAST_MODIFIED,
        "Mon, 05 Oct 2026 08:00:00 GMT",
    );
    set(headers, header::ETAG, &tag);
    set(headers, header::ACCEPT_RANGES, "bytes");
    let known = request
        .headers()
        .get(header::IF_NONE_MATCH)
        .and_then(|value| value.to_str().ok());
    if known.is_some_and(|known| {
        known == "*"
            || known
                .split(',')
                .any(|one| one.trim().trim_start_matches("W/") == tag)
    }) {
        *answer.status_mut() = StatusCode::NOT_MODIFIED;
        return answer;
    }
    let total = bytes.len();
    match byte_range(request, total) {
        Some((from, to)) => {
            *answer.status_mut() = StatusCode::PARTIAL_CONTENT;
            set(
                answer.headers_mut(),
                header::CONTENT_RANGE,
                &format!("bytes {from}-{to}/{total}"),
            );
            *answer.body_mut() = bytes.slice(from..=to);
        }
        None => *answer.body_mut() = bytes.clone(),
    }
    whole(answer, request.method())
}

/// One satisfiable range. Anything else is answered with the whole file, as RFC 9110 allows.
fn byte_range(request: &Request<Incoming>, total: usize) -> Option<(usize, usize)> {
    if request.method() != Method::GET || request.headers().contains_key(header::IF_RANGE) {
        return None;
    }
    let text = request
        .headers()
        .get(header::RANGE)?
        .to_str()
        .ok()?
        .strip_prefix("bytes=")?;
    let (from, to) = text.split_once('-')?;
    let last = total.checked_sub(1)?;
    if from.is_empty() {
        let tail: usize = to.parse().ok()?;
        return (tail > 0).then(|| (total.saturating_sub(tail), last));
    }
    let from: usize = from.parse().ok()?;
    let to: usize = if to.is_empty() {
        last
    } else {
        to.parse().ok()?
    };
    (from <= to && from <= last).then(|| (from, to.min(last)))
}

fn entity_tag(bytes: &Bytes) -> String {
    let hash = bytes.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    });
    format!("\"{:x}-{hash:016x}\"", bytes.len())
}

/// States the length; a HEAD answer states it and carries nothing.
fn whole(mut answer: Response<Bytes>, method: &Method) -> Response<Bytes> {
    let length = HeaderValue::from(answer.body().len());
    answer.headers_mut().insert(header::CONTENT_LENGTH, length);
    if method == Method::HEAD {
        *answer.body_mut() = Bytes::new();
    }
    answer
}

fn redirect(target: &'static str) -> Response<Bytes> {
    let mut answer = Response::new(Bytes::new());
    *answer.status_mut() = StatusCode::SEE_OTHER;
    set(answer.headers_mut(), header::LOCATION, target);
    set(answer.headers_mut(), header::CACHE_CONTROL, "no-store");
    answer
}

fn plain(status: StatusCode, message: &str) -> Response<Bytes> {
    let mut answer = Response::new(Bytes::copy_from_slice(message.as_bytes()));
    *answer.status_mut() = status;
    set(
        answer.headers_mut(),
        header::CONTENT_TYPE,
        "text/plain; charset=utf-8",
    );
    answer
}

pub(crate) fn text(status: StatusCode, message: &str) -> Response<Body> {
    plain(status, message).map(|bytes| Full::new(bytes).map_err(never).boxed_unsync())
}

pub(crate) fn never(error: Infallible) -> io::Error {
    match error {}
}

fn set(headers: &mut http::HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

fn append(headers: &mut http::HeaderMap, cookie: &str) {
    if let Ok(value) = HeaderValue::from_str(cookie) {
        headers.append(header::SET_COOKIE, value);
    }
}

/// Answers one request to the vendors' origin.
pub(crate) async fn vendor(
    shop: Arc<Shop>,
    request: Request<Incoming>,
) -> io::Result<Response<Body>> {
    let path = request.uri().path();
    if path == "/collect" {
        tokio::time::sleep(Duration::from_millis(120)).await;
        let mut answer = text(StatusCode::NO_CONTENT, "");
        set(answer.headers_mut(), header::CACHE_CONTROL, "no-store");
        return Ok(answer);
    }
    let Some((latency, script)) = shop.tags.get(path) else {
        return Ok(text(StatusCode::NOT_FOUND, "No such tag\n"));
    };
    tokio::time::sleep(*latency).await;
    let mut answer = Response::new(Full::new(script.clone()).map_err(never).boxed_unsync());
    set(
        answer.headers_mut(),
        header::CONTENT_TYPE,
        "text/javascript; charset=utf-8",
    );
    set(
        answer.headers_mut(),
        header::CACHE_CONTROL,
        "public, max-age=60",
    );
    Ok(answer)
}
