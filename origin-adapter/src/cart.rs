//! `/_v/cart`: one cart API for every kind of shop.
//!
//! | request | answer |
//! |---|---|
//! | `GET /_v/cart` | the cart, an empty one where there is none |
//! | `POST /_v/cart/items` `{"item_id","quantity"}`, `Idempotency-Key` | the cart with so many more |
//! | `PUT /_v/cart/items/{line}` `{"quantity"}`, `If-Match` optional | the cart with this many on the line |
//! | `DELETE /_v/cart/items/{line}`, `If-Match` optional | the cart without the line |
//!
//! Nothing here is ever stored by a cache. Changes of one cart run one after another (`lock`), are sent once,
//! and what is not known to have happened is looked up in the cart itself.

mod idempotency;
mod lock;
pub(crate) mod model;
mod request;
mod shopper;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, header};

use self::idempotency::{Attempt, Claim, Claimed};
use self::lock::Lock;
use self::model::{Cart, etag};
use self::request::{Addition, Amount, Refusal, Verb};
use self::shopper::{Outcome, Shopper};
use crate::adapter::{Adapter, Visitor};
use crate::platform::{Payload, Platform};
use crate::problem::Problem;
use crate::shops::Change;

const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");
const CLEAR: HeaderName = HeaderName::from_static("clear-site-data");
/// The two caches that can hold what is out of date, and nothing else of the shop's.
const FETCHED_AHEAD: &str = "\"prefetchCache\", \"prerenderCache\"";
const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

/// Answers one request of the cart API.
pub(crate) async fn respond<P: Platform>(
    adapter: &Adapter,
    platform: &P,
    visitor: &Visitor,
    request: Request<Payload<P::Body>>,
) -> Response<Payload<P::Body>> {
    let started = platform.now_ms();
    let method = request.method().clone();
    let verb = match request::verb(&method, request.uri().path()) {
        Ok(verb) => verb,
        Err(refusal) => return finish(refuse(refusal), None, &method),
    };
    let Some(shop) = adapter.shop().cart() else {
        let text = format!(
            "Shops of the kind `{}` have no cart API.",
            adapter.shop().name()
        );
        let problem = Problem::new(StatusCode::NOT_IMPLEMENTED, "cart_not_supported", text);
        return finish(problem.response(), None, &method);
    };
    let mut shopper = Shopper::new(adapter, platform, shop, visitor, request.headers());
    let template = verb.template();
    let answer = answer(platform, &mut shopper, visitor, verb, request).await;
    let (origin_ms, opened) = (shopper.origin_ms, shopper.opened.take());
    let response = finish(
        answer.unwrap_or_else(|problem| problem.response()),
        opened,
        &method,
    );
    let now = platform.now_ms();
    let line = serde_json::json!({
        "at": started,
        "component": "origin-adapter",
        "route": "cart",
        "method": method.as_str(),
        "path": template,
        "status": response.status().as_u16(),
        "origin_ms": origin_ms,
        "ms": now.saturating_sub(started),
    });
    platform.record(&line.to_string());
    response
}

async fn answer<P: Platform>(
    platform: &P,
    shopper: &mut Shopper<'_, P>,
    visitor: &Visitor,
    verb: Verb,
    request: Request<Payload<P::Body>>,
) -> Result<Response<Payload<P::Body>>, Problem> {
    if verb == Verb::Read {
        let cart = shopper.cart().await?;
        return Ok(unless_known(
            request.headers(),
            show(StatusCode::OK, cart.body()),
        ));
    }
    request::is_from_here(request.headers(), visitor)?;
    let only_if = request.headers().get(header::IF_MATCH).cloned();
    match verb {
        Verb::Read => Err(Problem::new(StatusCode::NOT_FOUND, "not_found", "")),
        Verb::Add => {
            let key = request::idempotency_key(request.headers())?;
            let addition = Addition::parse(&request::json_body(request).await?)?;
            add(platform, shopper, &key, &addition).await
        }
        Verb::Set(line) => {
            let amount = Amount::parse(&request::json_body(request).await?)?;
            set(platform, shopper, &line, amount.quantity, only_if.as_ref()).await
        }
        Verb::Remove(line) => set(platform, shopper, &line, 0, only_if.as_ref()).await,
    }
}

/// Adds to the cart, once for each key.
async fn add<P: Platform>(
    platform: &P,
    shopper: &mut Shopper<'_, P>,
    key: &str,
    addition: &Addition,
) -> Result<Response<Payload<P::Body>>, Problem> {
    let session = shopper.session().await?;
    let mut claim = match Claim::open(platform, &session, key, addition).await? {
        Claimed::Mine(claim) => claim,
        Claimed::Answered(stored) => {
            let mut response = show(stored.status(), stored.into_body());
            response
                .headers_mut()
                .insert(REPLAYED, HeaderValue::from_static("true"));
            return Ok(response);
        }
    };
    let lock = match Lock::acquire(platform, &session).await {
        Ok(lock) => lock,
        Err(problem) => {
            claim.give_up(platform).await;
            return Err(problem);
        }
    };
    let added = add_locked(platform, shopper, &mut claim, addition).await;
    lock.release(platform).await;
    settle(platform, claim, added).await
}

/// How an addition ended.
enum Added {
    Yes(Cart),
    No(Problem),
    Unknown(Problem),
}

async fn add_locked<P: Platform>(
    platform: &P,
    shopper: &mut Shopper<'_, P>,
    claim: &mut Claim,
    addition: &Addition,
) -> Added {
    let interrupted = claim.attempt();
    let cart = match shopper.cart().await {
        Ok(cart) => cart,
        Err(problem) if interrupted.is_some() => return Added::Unknown(problem),
        Err(problem) => return Added::No(problem),
    };
    let before = cart.count(&addition.item_id);
    let is_there = |count: u32, before: u32| count >= before.saturating_add(addition.quantity);
    if interrupted.is_some_and(|attempt| is_there(before, attempt.before)) {
        return Added::Yes(cart);
    }
    if let Err(problem) = claim.about_to_send(platform, Attempt { before }).await {
        return Added::No(problem);
    }
    let change = Change::Add {
        item_id: &addition.item_id,
        quantity: addition.quantity,
    };
    let outcome = shopper.change(change).await;
    if let Outcome::Refused(problem) = outcome {
        return Added::No(problem);
    }
    match (shopper.cart().await, outcome) {
        (Ok(cart), Outcome::Unknown(problem))
            if !is_there(cart.count(&addition.item_id), before) =>
        {
            Added::Unknown(problem)
        }
        (Ok(cart), _) => Added::Yes(cart),
        (Err(problem), _) => Added::Unknown(problem),
    }
}

/// Writes the end of an addition into its record, and shows it.
async fn settle<P: Platform>(
    platform: &P,
    claim: Claim,
    added: Added,
) -> Result<Response<Payload<P::Body>>, Problem> {
    match added {
        Added::Yes(cart) => {
            let body = cart.body();
            claim.answer(platform, StatusCode::OK, &body).await;
            Ok(show(StatusCode::OK, body))
        }
        // Coming back later may help: nothing is kept.
        Added::No(problem)
            if problem.status.is_server_error() || problem.retry_after_s.is_some() =>
        {
            claim.give_up(platform).await;
            Err(problem)
        }
        Added::No(problem) => {
            claim
                .answer(platform, problem.status, &problem.body())
                .await;
            Err(problem)
        }
        Added::Unknown(problem) => {
            claim.leave_open(platform).await;
            Err(problem)
        }
    }
}

/// Sets a line's quantity; none removes it. What a client repeats has the same effect, so it needs no key.
async fn set<P: Platform>(
    platform: &P,
    shopper: &mut Shopper<'_, P>,
    line: &str,
    quantity: u32,
    only_if: Option<&HeaderValue>,
) -> Result<Response<Payload<P::Body>>, Problem> {
    let session = shopper.session().await?;
    let lock = Lock::acquire(platform, &session).await?;
    let cart = set_locked(shopper, line, quantity, only_if).await;
    lock.release(platform).await;
    Ok(show(StatusCode::OK, cart?.body()))
}

async fn set_locked<P: Platform>(
    shopper: &mut Shopper<'_, P>,
    id: &str,
    quantity: u32,
    only_if: Option<&HeaderValue>,
) -> Result<Cart, Problem> {
    let cart = shopper.cart().await?;
    expect_version(&cart, only_if)?;
    let Some(line) = cart.line(id) else {
        return Err(Problem::new(
            StatusCode::NOT_FOUND,
            "line_not_found",
            "The cart has no such line.",
        ));
    };
    let change = match quantity {
        0 => Change::Remove { line },
        same if same == line.quantity => return Ok(cart),
        quantity => Change::Set { line, quantity },
    };
    let outcome = shopper.change(change).await;
    if let Outcome::Refused(problem) = outcome {
        return Err(problem);
    }
    let cart = shopper.cart().await?;
    let has = cart.line(id).map_or(0, |line| line.quantity);
    match outcome {
        Outcome::Unknown(problem) if has != quantity => Err(problem),
        _ => Ok(cart),
    }
}

/// `If-Match`: the change is for this version of the cart only.
fn expect_version(cart: &Cart, only_if: Option<&HeaderValue>) -> Result<(), Problem> {
    let Some(value) = only_if.and_then(|value| value.to_str().ok()) else {
        return Ok(());
    };
    let current = etag(&cart.body());
    if value.trim() == "*" || value.split(',').any(|tag| tag.trim() == current) {
        return Ok(());
    }
    let text = "The cart has changed since you read it. Read it again.";
    Err(Problem::new(
        StatusCode::PRECONDITION_FAILED,
        "version_conflict",
        text,
    ))
}

/// A cart, or a stored answer, as a response.
fn show<B>(status: StatusCode, body: Bytes) -> Response<Payload<B>> {
    let kind = if status.is_success() {
        "application/json"
    } else {
        "application/problem+json"
    };
    let tag = status
        .is_success()
        .then(|| HeaderValue::from_str(&etag(&body)).ok())
        .flatten();
    let mut response = Response::new(Payload::Full(body));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    if let Some(tag) = tag {
        response.headers_mut().insert(header::ETAG, tag);
    }
    response
}

/// 304 for a reader who has this very cart.
fn unless_known<B>(
    request: &HeaderMap,
    mut response: Response<Payload<B>>,
) -> Response<Payload<B>> {
    let known = request
        .get(header::IF_NONE_MATCH)
        .and_then(|value| value.to_str().ok());
    let tag = response
        .headers()
        .get(header::ETAG)
        .and_then(|value| value.to_str().ok());
    if let (Some(known), Some(tag)) = (known, tag)
        && known
            .split(',')
            .any(|known| known.trim().trim_start_matches("W/") == tag)
    {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        *response.body_mut() = Payload::Empty;
        response.headers_mut().remove(header::CONTENT_TYPE);
    }
    response
}

fn refuse<B>(refusal: Refusal) -> Response<Payload<B>> {
    match refusal {
        Refusal::Path => Problem::new(
            StatusCode::NOT_FOUND,
            "not_found",
            "The cart API has no such path.",
        )
        .response(),
        Refusal::Method(allowed) => {
            let text = format!("This path allows {allowed}.");
            let mut response =
                Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", text).response();
            response
                .headers_mut()
                .insert(header::ALLOW, HeaderValue::from_static(allowed));
            response
        }
    }
}

/// What every answer of the cart API carries.
fn finish<B>(
    mut response: Response<Payload<B>>,
    opened: Option<HeaderValue>,
    method: &Method,
) -> Response<Payload<B>> {
    let done = response.status().is_success();
    let headers = response.headers_mut();
    headers.insert(
        header::CACHE_CONTROL,
        HeaderValue::from_static("private, no-store"),
    );
    headers.insert(RESOURCE_POLICY, HeaderValue::from_static("same-origin"));
    if !method.is_safe() && done {
        // Pages that the browser has fetched ahead show the cart as it was.
        headers.insert(CLEAR, HeaderValue::from_static(FETCHED_AHEAD));
    }
    if let Some(cookie) = opened {
        headers.append(header::SET_COOKIE, cookie);
    }
    if *method == Method::HEAD {
        *response.body_mut() = Payload::Empty;
    }
    response
}
