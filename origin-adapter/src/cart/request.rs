//! What a visitor asks of `/_v/cart`, and whether they may.

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Method, Request, StatusCode, header};
use serde::{Deserialize, Serialize};

use crate::adapter::Visitor;
use crate::platform::{Body, Payload};
use crate::problem::Problem;

/// Larger than any change of a cart.
const BODY_MAX_BYTES: usize = 16 << 10;
/// Larger than any order a shopper types in; a typing error beyond it is not passed on.
const QUANTITY_MAX: u32 = 999;
const ITEM_ID_MAX_BYTES: usize = 128;
const KEY_MAX_BYTES: usize = 255;

/// A verb with its object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verb {
    Read,
    Add,
    Set(String),
    Remove(String),
}

impl Verb {
    /// The path as logs may show it.
    pub(crate) fn template(&self) -> &'static str {
        match self {
            Self::Read => "/_v/cart",
            Self::Add => "/_v/cart/items",
            Self::Set(_) | Self::Remove(_) => "/_v/cart/items/{line}",
        }
    }
}

/// Which verb a request is, or why it is none.
pub(crate) fn verb(method: &Method, path: &str) -> Result<Verb, Refusal> {
    match path.strip_prefix("/_v/cart").unwrap_or(path) {
        "" => match *method {
            Method::GET | Method::HEAD => Ok(Verb::Read),
            _ => Err(Refusal::Method("GET, HEAD")),
        },
        "/items" => match *method {
            Method::POST => Ok(Verb::Add),
            _ => Err(Refusal::Method("POST")),
        },
        rest => {
            let line = rest
                .strip_prefix("/items/")
                .filter(|line| is_line_id(line))
                .ok_or(Refusal::Path)?;
            match *method {
                Method::PUT => Ok(Verb::Set(line.to_owned())),
                Method::DELETE => Ok(Verb::Remove(line.to_owned())),
                _ => Err(Refusal::Method("PUT, DELETE")),
            }
        }
    }
}

/// Why a request is no verb.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The path allows these methods.
    Method(&'static str),
    /// No such path.
    Path,
}

/// Line ids go into the shop's own paths: nothing that could change one gets through.
fn is_line_id(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text
            .bytes()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'_'))
}

/// Refuses a write that another site made the shopper's browser send. A browser always says where an unsafe
/// request comes from; a client that says nothing carries no one else's cookies.
pub(crate) fn is_from_here(headers: &HeaderMap, visitor: &Visitor) -> Result<(), Problem> {
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    let here = match (text("sec-fetch-site"), text("origin")) {
        (Some(site), _) => matches!(site, "same-origin" | "none"),
        (None, Some(origin)) => {
            let authority = origin
                .split_once("://")
                .map_or("", |(_, authority)| authority);
            !authority.is_empty() && authority.eq_ignore_ascii_case(&visitor.authority)
        }
        (None, None) => true,
    };
    if here {
        Ok(())
    } else {
        let text = "The cart is changed from the shop's own pages only.";
        Err(Problem::new(StatusCode::FORBIDDEN, "cross_site", text))
    }
}

/// `POST /_v/cart/items`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Addition {
    pub(crate) item_id: String,
    #[serde(default = "one")]
    pub(crate) quantity: u32,
}

fn one() -> u32 {
    1
}

/// `PUT /_v/cart/items/{line}`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Amount {
    pub(crate) quantity: u32,
}

impl Addition {
    pub(crate) fn parse(body: &[u8]) -> Result<Self, Problem> {
        let addition: Self = parse(body)?;
        let id = &addition.item_id;
        if id.is_empty() || id.len() > ITEM_ID_MAX_BYTES || id.chars().any(char::is_control) {
            return Err(invalid(
                "item_id has 1 to 128 bytes and no control characters.",
            ));
        }
        if !(1..=QUANTITY_MAX).contains(&addition.quantity) {
            return Err(invalid(format!("quantity is 1 to {QUANTITY_MAX}.")));
        }
        Ok(addition)
    }
}

impl Amount {
    pub(crate) fn parse(body: &[u8]) -> Result<Self, Problem> {
        let amount: Self = parse(body)?;
        if amount.quantity > QUANTITY_MAX {
            return Err(invalid(format!("quantity is 0 to {QUANTITY_MAX}.")));
        }
        Ok(amount)
    }
}

fn parse<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, Problem> {
    serde_json::from_slice(body).map_err(|error| {
        Problem::new(
            StatusCode::BAD_REQUEST,
            "invalid_request",
            format!("The body: {error}."),
        )
    })
}

fn invalid(text: impl Into<String>) -> Problem {
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid_request", text)
}

/// The key under which a client may repeat a request, bare or as a quoted string.
pub(crate) fn idempotency_key(headers: &HeaderMap) -> Result<String, Problem> {
    let refuse =
        |text: &str| Problem::new(StatusCode::BAD_REQUEST, "idempotency_key_required", text);
    let mut values = headers.get_all("idempotency-key").iter();
    let Some(value) = values.next() else {
        return Err(refuse(
            "Send an Idempotency-Key, so that a repeated request adds nothing twice.",
        ));
    };
    let key = value.to_str().unwrap_or_default().trim().trim_matches('"');
    let is_key =
        !key.is_empty() && key.len() <= KEY_MAX_BYTES && key.bytes().all(|c| c.is_ascii_graphic());
    if is_key && values.next().is_none() {
        Ok(key.to_owned())
    } else {
        Err(refuse(
            "An Idempotency-Key is one value of 1 to 255 visible ASCII characters.",
        ))
    }
}

/// Reads a JSON body.
pub(crate) async fn json_body<B: Body>(request: Request<Payload<B>>) -> Result<Bytes, Problem> {
    let is_json = request
        .headers()
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .map(|value| value.split(';').next().unwrap_or_default().trim())
        .is_some_and(|kind| kind.eq_ignore_ascii_case("application/json"));
    if !is_json {
        let text = "The body is application/json.";
        return Err(Problem::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "unsupported_media_type",
            text,
        ));
    }
    read_body(request.into_body(), BODY_MAX_BYTES)
        .await
        .map_err(|error| match error {
            Unread::TooLarge => {
                let text = format!("A change of a cart has at most {BODY_MAX_BYTES} bytes.");
                Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "payload_too_large", text)
            }
            Unread::Broken(text) => Problem::new(StatusCode::BAD_REQUEST, "invalid_request", text),
        })
}

/// Why a body was not read.
#[derive(Debug)]
pub(crate) enum Unread {
    TooLarge,
    Broken(String),
}

/// Reads a whole body, as far as it may go.
pub(crate) async fn read_body<B: Body>(payload: Payload<B>, limit: usize) -> Result<Bytes, Unread> {
    let mut body = match payload {
        Payload::Empty => return Ok(Bytes::new()),
        Payload::Full(bytes) if bytes.len() > limit => return Err(Unread::TooLarge),
        Payload::Full(bytes) => return Ok(bytes),
        Payload::Stream(body) => body,
    };
    let mut whole = BytesMut::new();
    while let Some(piece) = body
        .chunk()
        .await
        .map_err(|error| Unread::Broken(error.to_string()))?
    {
        if whole.len() + piece.len() > limit {
            return Err(Unread::TooLarge);
        }
        whole.extend_from_slice(&piece);
    }
    Ok(whole.freeze())
}
