//! What every platform keeps, as checks that a platform's own tests run against a contract origin.
//!
//! The contract origin answers `/contract/cookies` with two `Set-Cookie` lines, `/contract/halves` with
//! `first` at once and `second` when it is told to go on, and `/contract/cut` with a body that breaks off.

use bytes::Bytes;
use http::header::SET_COOKIE;
use http::{Request, Response, StatusCode};

use super::{FakeBody, Gate, Step, read};
use crate::platform::{Body, FetchError, Payload, Platform, Service};

/// Path of the response with two cookies.
pub const COOKIES: &str = "/contract/cookies";
/// Path of the response that comes in two halves.
pub const HALVES: &str = "/contract/halves";
/// Path of the response that breaks off.
pub const CUT: &str = "/contract/cut";

/// Answers as the contract origin, for platforms that script theirs in Rust.
pub fn origin(path: &str, go_on: &Gate) -> Response<FakeBody> {
    let piece = |text: &'static str| Step::Piece(Bytes::from_static(text.as_bytes()));
    match path {
        COOKIES => {
            let mut response = Response::new(FakeBody::from("cookies"));
            for cookie in ["a=1", "b=2"] {
                let value = http::HeaderValue::from_static(cookie);
                response.headers_mut().append(SET_COOKIE, value);
            }
            response
        }
        HALVES => Response::new(FakeBody::of([
            piece("first"),
            Step::Wait(go_on.clone()),
            piece("second"),
        ])),
        CUT => Response::new(FakeBody::of([piece("some"), Step::Break])),
        _ => {
            let mut response = Response::new(FakeBody::default());
            *response.status_mut() = StatusCode::NOT_FOUND;
            response
        }
    }
}

fn get<B>(path: &str) -> Request<Payload<B>> {
    let mut request = Request::new(Payload::Empty);
    *request.uri_mut() = path.parse().unwrap_or_default();
    request
}

/// Several headers of one name arrive as several, in order.
pub async fn cookies_stay_two<P: Platform>(platform: &P) -> Result<(), String> {
    let pending = platform.start(Service::Origin, get(COOKIES));
    let response = platform
        .head(pending)
        .await
        .map_err(|error| error.to_string())?;
    let cookies: Vec<_> = response.headers().get_all(SET_COOKIE).iter().collect();
    expect(cookies == ["a=1", "b=2"], || {
        format!("two cookies became {cookies:?}")
    })
}

/// The first half of a body arrives while the second is held back.
pub async fn the_first_byte_does_not_wait<P: Platform>(
    platform: &P,
    go_on: impl FnOnce(),
) -> Result<(), String> {
    let pending = platform.start(Service::Origin, get(HALVES));
    let response = platform
        .head(pending)
        .await
        .map_err(|error| error.to_string())?;
    let mut body = response.into_body();
    let first = body
        .chunk()
        .await
        .map_err(|error| error.to_string())?
        .unwrap_or_default();
    expect(first == "first", || format!("first came {first:?}"))?;
    go_on();
    let (rest, broken) = read(body).await;
    expect(rest == b"second" && broken.is_none(), || {
        format!("then {rest:?}, {broken:?}")
    })
}

/// A body that breaks off ends in an error, never in a proper end.
pub async fn a_cut_body_is_an_error<P: Platform>(platform: &P) -> Result<(), String> {
    let pending = platform.start(Service::Origin, get(CUT));
    let response = platform
        .head(pending)
        .await
        .map_err(|error| error.to_string())?;
    let (_, broken) = read(response.into_body()).await;
    expect(broken.is_some(), || "a cut body ended properly".into())
}

/// Two requests can be under way before the first is awaited.
pub async fn two_requests_at_once<P: Platform>(platform: &P) -> Result<(), String> {
    let first = platform.start(Service::Origin, get(COOKIES));
    let second = platform.start(Service::Origin, get(COOKIES));
    for pending in [second, first] {
        let head: Result<Response<P::Body>, FetchError> = platform.head(pending).await;
        head.map_err(|error| error.to_string())?;
    }
    Ok(())
}

/// The cache gives back what it took, as long as it is not removed. A cache that keeps nothing is allowed;
/// one that gives back something else is not.
pub async fn the_cache_is_honest<P: Platform>(platform: &P) -> Result<(), String> {
    let value = vec![0, 1, 2, 255];
    platform.cache_put("contract:key", value.clone()).await;
    if let Some(found) = platform.cache_get("contract:key").await {
        expect(found == value, || format!("the cache gave {found:?}"))?;
    } else {
        expect(!platform.capabilities().shared_cache, || {
            "the cache kept nothing".into()
        })?;
    }
    platform.cache_remove("contract:key").await;
    let gone = platform.cache_get("contract:key").await;
    expect(gone.is_none(), || "a removed entry is still there".into())
}

/// The clock is of this century, and random bits differ.
pub fn clock_and_chance<P: Platform>(platform: &P) -> Result<(), String> {
    const YEAR_2020_MS: u64 = 1_577_836_800_000;
    expect(platform.now_ms() > YEAR_2020_MS, || {
        "the clock is not set".into()
    })?;
    expect(platform.random() != platform.random(), || {
        "random bits repeat".into()
    })
}

fn expect(holds: bool, otherwise: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(otherwise()) }
}

#[cfg(test)]
mod tests {
    use super::super::{Fake, run};
    use super::*;

    #[test]
    fn the_fake_platform_keeps_the_contract() {
        let gate = Gate::default();
        let held = gate.clone();
        let fake = Fake::new(move |seen| Ok(origin(seen.uri.path(), &held)));
        run(cookies_stay_two(&fake)).unwrap();
        run(the_first_byte_does_not_wait(&fake, || gate.open())).unwrap();
        run(a_cut_body_is_an_error(&fake)).unwrap();
        run(two_requests_at_once(&fake)).unwrap();
        run(the_cache_is_honest(&fake)).unwrap();
        clock_and_chance(&fake).unwrap();
    }
}
