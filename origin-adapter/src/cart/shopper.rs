//! One shopper's dealings with the shop's API during one request.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode, header};

use super::model::Cart;
use super::request::read_body;
use crate::adapter::{Adapter, Visitor};
use crate::down;
use crate::fetch::{Failure, fetch};
use crate::pages::at_origin;
use crate::platform::{Deadlines, Payload, Platform, SendError};
use crate::problem::Problem;
use crate::shops::{Call, CartShop, Change, Session};

/// A cart call answers in tens of milliseconds; after this the shopper is told.
const FIRST_BYTE_MAX: Duration = Duration::from_secs(5);
/// The largest answer that is read: hundreds of lines.
const ANSWER_MAX_BYTES: usize = 1 << 20;

/// What of the visitor's request the shop's API hears.
const PASSED_ON: [HeaderName; 3] = [
    header::ACCEPT_LANGUAGE,
    header::USER_AGENT,
    HeaderName::from_static("traceparent"),
];

/// What became of a change.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// The shop says that it is done.
    Done,
    /// It had no effect.
    Refused(Problem),
    /// Nobody knows: look at the cart.
    Unknown(Problem),
}

pub(crate) struct Shopper<'a, P> {
    adapter: &'a Adapter,
    platform: &'a P,
    shop: &'a dyn CartShop,
    headers: HeaderMap,
    session: Option<Session>,
    /// The cookie of a session that was opened along the way.
    pub(crate) opened: Option<HeaderValue>,
    pub(crate) origin_ms: u64,
}

impl<'a, P: Platform> Shopper<'a, P> {
    pub(crate) fn new(
        adapter: &'a Adapter,
        platform: &'a P,
        shop: &'a dyn CartShop,
        visitor: &Visitor,
        request: &HeaderMap,
    ) -> Self {
        Self {
            adapter,
            platform,
            shop,
            headers: headers(visitor, request),
            session: shop.session(request),
            opened: None,
            origin_ms: 0,
        }
    }

    /// The cart as the shop has it now. A shopper whom the shop has never seen has an empty one.
    pub(crate) async fn cart(&mut self) -> Result<Cart, Problem> {
        if self.session.is_none() {
            return Ok(self.shop.empty());
        }
        let (status, body) = match self.call(self.shop.read()).await {
            Ok((status, _, body)) => (status, body),
            Err(failure) => return Err(down::problem(&failure, false)),
        };
        if !status.is_success() {
            return Err(self
                .shop
                .refusal(status, &body)
                .unwrap_or_else(|| odd(&status.to_string())));
        }
        self.shop
            .parse_cart(&body)
            .map_err(|error| odd(&error.to_string()))
    }

    /// The shopper's session; a new one where there is none.
    pub(crate) async fn session(&mut self) -> Result<Session, Problem> {
        if let Some(session) = &self.session {
            return Ok(session.clone());
        }
        for path in self.shop.openings() {
            let call = Call {
                method: Method::GET,
                path: (*path).to_owned(),
                body: None,
                reads: true,
            };
            let answer = self
                .call(call)
                .await
                .map_err(|failure| down::problem(&failure, false))?;
            if let Some((session, cookie)) = self.shop.opened(&answer.1) {
                self.session = Some(session.clone());
                self.opened = Some(cookie);
                return Ok(session);
            }
        }
        Err(odd("no page opens a session"))
    }

    /// Sends a change, once.
    pub(crate) async fn change(&mut self, change: Change<'_>) -> Outcome {
        match self.call(self.shop.change(change)).await {
            Ok((status, _, _)) if status.is_success() => Outcome::Done,
            Ok((status, _, body)) => match self.shop.refusal(status, &body) {
                Some(problem) => Outcome::Refused(problem),
                None => Outcome::Unknown(unknown()),
            },
            Err(
                failure @ (Failure::Open { .. }
                | Failure::Failed {
                    error: SendError::NoConnection(_) | SendError::Forbidden(_),
                    ..
                }),
            ) => Outcome::Refused(down::problem(&failure, true)),
            Err(_) => Outcome::Unknown(unknown()),
        }
    }

    async fn call(&mut self, call: Call) -> Result<(StatusCode, HeaderMap, Bytes), Failure> {
        let started = self.platform.now_ms();
        let attempts = if call.reads && call.method == Method::POST {
            2
        } else {
            1
        };
        let mut answer = self.send(&call).await;
        // GETs are tried again further down; a query that is a POST is as safe.
        if attempts == 2
            && self.adapter.settings().retry
            && is_broken(&answer)
            && self.adapter.budget.spend()
        {
            self.platform
                .sleep(crate::retry::wait(self.platform.random()))
                .await;
            answer = self.send(&call).await;
        }
        self.origin_ms += self.platform.now_ms().saturating_sub(started);
        answer
    }

    async fn send(&self, call: &Call) -> Result<(StatusCode, HeaderMap, Bytes), Failure> {
        let request = self.request(call)?;
        let breaker = &self.adapter.carts;
        let fetched = fetch(
            self.adapter,
            self.platform,
            breaker,
            self.deadlines(),
            request,
        )
        .await?;
        let ms = fetched.ttfb_ms;
        let (head, body) = fetched.response.into_parts();
        let body = read_body(Payload::Stream(body), ANSWER_MAX_BYTES)
            .await
            .map_err(|error| Failure::Failed {
                error: SendError::Broken(format!("{error:?}")),
                retried: false,
                ms,
            })?;
        Ok((head.status, head.headers, body))
    }

    fn request(&self, call: &Call) -> Result<Request<Payload<P::Body>>, Failure> {
        let malformed = |what: &str| Failure::Failed {
            error: SendError::Forbidden(what.to_owned()),
            retried: false,
            ms: 0,
        };
        let path = call.path.parse().map_err(|_| malformed("not a path"))?;
        let uri = at_origin(self.adapter.origin(), &path).ok_or_else(|| malformed("not a URI"))?;
        let mut request = Request::new(match &call.body {
            Some(body) => Payload::Full(body.clone()),
            None => Payload::Empty,
        });
        *request.method_mut() = call.method.clone();
        *request.uri_mut() = uri;
        let headers = request.headers_mut();
        headers.extend(self.headers.clone());
        if let Some(body) = &call.body {
            headers.insert(
                header::CONTENT_TYPE,
                HeaderValue::from_static("application/json"),
            );
            headers.insert(header::CONTENT_LENGTH, body.len().into());
        }
        if let Some(cookie) = self
            .session
            .as_ref()
            .and_then(|s| HeaderValue::from_str(&s.cookie).ok())
        {
            headers.insert(header::COOKIE, cookie);
        }
        Ok(request)
    }

    fn deadlines(&self) -> Deadlines {
        let pages = self.adapter.deadlines();
        Deadlines {
            first_byte: pages.first_byte.min(FIRST_BYTE_MAX),
            between_bytes: pages.between_bytes.min(FIRST_BYTE_MAX),
            ..pages
        }
    }
}

fn is_broken<T>(answer: &Result<T, Failure>) -> bool {
    let Err(Failure::Failed { error, .. }) = answer else {
        return false;
    };
    matches!(error, SendError::NoConnection(_) | SendError::Broken(_))
}

/// Who is asking, as the host saw it: shops limit requests for each client address.
fn headers(visitor: &Visitor, request: &HeaderMap) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
    for name in PASSED_ON {
        if let Some(value) = request.get(&name) {
            headers.insert(name, value.clone());
        }
    }
    let facts = [
        ("x-forwarded-for", &visitor.client),
        ("x-forwarded-proto", &visitor.scheme),
        ("x-forwarded-host", &visitor.authority),
    ];
    for (name, fact) in facts {
        if let Some(value) = HeaderValue::from_str(fact)
            .ok()
            .filter(|value| !value.is_empty())
        {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
    headers
}

fn odd(what: &str) -> Problem {
    let text = format!("The shop's cart does not answer as it should: {what}.");
    Problem::new(StatusCode::BAD_GATEWAY, "backend_error", text)
}

fn unknown() -> Problem {
    let text = "The shop did not confirm the change. Look at the cart before you try again.";
    Problem::new(StatusCode::GATEWAY_TIMEOUT, "outcome_unknown", text).retry_after(2)
}
