//! RFC 9111 for a shared cache, read strictly: what is unclear is not stored.

use std::borrow::Cow;

use http::header::{
    AGE, AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, DATE, EXPIRES, PRAGMA, SET_COOKIE, VARY,
};
use http::{HeaderMap, HeaderName, Method, StatusCode};

use super::page;
use crate::headers::{media_type, tokens};

/// Longest lifetime believed, in seconds: a year, as `immutable` assets state it.
const MAX_LIFETIME_S: u64 = 31_536_000;

/// Why a response is not stored, or a request not answered from the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bypass(pub Cow<'static, str>);

impl Bypass {
    pub(super) const fn because(reason: &'static str) -> Self {
        Self(Cow::Borrowed(reason))
    }
}

/// For how long a stored response may be used, from the moment it was received.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Freshness {
    /// When it was received, in milliseconds since the Unix epoch.
    pub received_ms: u64,
    /// Its age when it was received, in seconds.
    pub initial_age_s: u64,
    /// How old it may become, in seconds.
    pub lifetime_s: u64,
    /// For how long past its lifetime it may be served while it is fetched anew, in seconds.
    pub stale_while_revalidate_s: u64,
    /// For how long past its lifetime it may be served when the origin fails, in seconds.
    pub stale_if_error_s: u64,
}

/// How a stored response stands at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Age {
    /// Within its lifetime.
    Fresh,
    /// Past it, but good enough while it is fetched anew.
    Stale,
    /// Past that as well.
    Dead,
}

impl Freshness {
    /// Its age now, in seconds.
    pub fn age_s(&self, now_ms: u64) -> u64 {
        // A clock that was set back makes nothing younger than it came in.
        self.initial_age_s + now_ms.saturating_sub(self.received_ms) / 1000
    }

    /// How it stands now.
    pub fn at(&self, now_ms: u64) -> Age {
        let age = self.age_s(now_ms);
        if age < self.lifetime_s {
            Age::Fresh
        } else if age < self.lifetime_s + self.stale_while_revalidate_s {
            Age::Stale
        } else {
            Age::Dead
        }
    }

    /// Whether it may stand in for an origin that fails.
    pub fn covers_errors(&self, now_ms: u64) -> bool {
        self.age_s(now_ms) < self.lifetime_s + self.stale_if_error_s
    }
}

/// Proof that a response may be shared between visitors. Only [`Shareable::judge`] makes one, and only a
/// `Shareable` can be stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shareable {
    freshness: Freshness,
}

/// What the judgement depends on beside the response.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// The request's method.
    pub method: &'a Method,
    /// The request's headers.
    pub request: &'a HeaderMap,
    /// Names that may stand in `Vary`, in lower case, because they are in the key.
    pub keyed: &'static [&'static str],
    /// Now, in milliseconds since the Unix epoch.
    pub now_ms: u64,
    /// The merchant's `cache.stale_while_revalidate_s`, for responses that say nothing about it.
    pub stale_default_s: u64,
    /// The merchant's `cache.session_cookies`: what a static file may set and be kept without.
    pub session_cookies: &'a [String],
}

/// What kind of response is asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// What no backend writes per visitor.
    Static,
    /// A page. It is shared only if the shop says so in as many words, and nothing about it is a visitor's: see
    /// [`super::page`].
    Page,
}

impl Shareable {
    /// Judges a static response as it is about to leave: after everything that can add headers (H76).
    pub fn judge(
        question: &Question<'_>,
        status: StatusCode,
        headers: &HeaderMap,
    ) -> Result<Self, Bypass> {
        Self::judge_as(Kind::Static, question, status, headers)
    }

    pub(super) fn judge_as(
        kind: Kind,
        question: &Question<'_>,
        status: StatusCode,
        headers: &HeaderMap,
    ) -> Result<Self, Bypass> {
        if question.method != Method::GET {
            return Err(Bypass::because("method"));
        }
        if status != StatusCode::OK {
            return Err(Bypass::because("status"));
        }
        if question.request.contains_key(AUTHORIZATION) {
            return Err(Bypass::because("authorization"));
        }
        if headers.contains_key(SET_COOKIE)
            && !(kind == Kind::Static && only_numbers_visitors(headers, question.session_cookies))
        {
            return Err(Bypass::because("set-cookie"));
        }
        match kind {
            Kind::Static => is_static(headers)?,
            Kind::Page => page::is_public(question.request, headers)?,
        }
        vary_is_keyed(headers, question.keyed)?;
        let freshness = freshness(headers, question)?;
        if freshness.at(question.now_ms) != Age::Fresh {
            return Err(Bypass::because("stale-on-arrival"));
        }
        Ok(Self { freshness })
    }

    /// The same, for a shorter time.
    pub(super) fn at_most(mut self, lifetime_s: u64) -> Self {
        let freshness = &mut self.freshness;
        freshness.lifetime_s = freshness.lifetime_s.min(lifetime_s);
        freshness.stale_while_revalidate_s = 0;
        freshness.stale_if_error_s = 0;
        self
    }

    /// For how long.
    pub fn freshness(&self) -> Freshness {
        self.freshness
    }
}

/// Whether a response that the shop itself declares public sets nothing but cookies which mean nothing to it.
fn only_numbers_visitors(headers: &HeaderMap, session_cookies: &[String]) -> bool {
    let is_public =
        tokens(headers, &CACHE_CONTROL).any(|token| token.eq_ignore_ascii_case("public"));
    let mut set = headers.get_all(SET_COOKIE).iter().map(|value| {
        let (name, _) = value.to_str().ok()?.split_once('=')?;
        Some(name.trim())
    });
    is_public
        && set.all(|name| name.is_some_and(|name| session_cookies.iter().any(|one| one == name)))
}

/// Only what no backend writes per visitor is stored, whatever its headers and its URL claim (H51).
fn is_static(headers: &HeaderMap) -> Result<(), Bypass> {
    let kind = media_type(headers);
    let is_static = kind.starts_with("image/")
        || kind.starts_with("font/")
        || kind.starts_with("application/font")
        || kind.starts_with("application/x-font")
        || matches!(
            kind.as_str(),
            "text/css"
                | "text/javascript"
                | "application/javascript"
                | "application/x-javascript"
                | "application/wasm"
                | "application/manifest+json"
                | "application/vnd.ms-fontobject"
        );
    if is_static {
        return Ok(());
    }
    let several = headers.get_all(CONTENT_TYPE).iter().count() > 1;
    Err(Bypass::because(if several { "malformed" } else { "type" }))
}

fn vary_is_keyed(headers: &HeaderMap, keyed: &[&str]) -> Result<(), Bypass> {
    for value in headers.get_all(VARY) {
        if value.to_str().is_err() {
            return Err(Bypass::because("malformed"));
        }
    }
    match tokens(headers, &VARY).find(|name| !keyed.contains(&name.to_ascii_lowercase().as_str())) {
        Some(name) => Err(Bypass(Cow::Owned(format!(
            "vary:{}",
            name.to_ascii_lowercase()
        )))),
        None => Ok(()),
    }
}

/// `Cache-Control`, read for a shared cache. Of a directive given twice the smaller number counts.
#[derive(Debug, Default)]
struct Directives {
    s_maxage: Option<u64>,
    max_age: Option<u64>,
    stale_while_revalidate: Option<u64>,
    stale_if_error: Option<u64>,
    must_revalidate: bool,
}

impl Directives {
    fn read(headers: &HeaderMap, name: &HeaderName) -> Result<Self, Bypass> {
        let mut read = Self::default();
        for value in headers.get_all(name) {
            if value.to_str().is_err() {
                return Err(Bypass::because("malformed"));
            }
        }
        for directive in tokens(headers, name) {
            let (key, value) = match directive.split_once('=') {
                Some((key, value)) => (key.trim(), Some(value.trim().trim_matches('"'))),
                None => (directive, None),
            };
            let slot = match key.to_ascii_lowercase().as_str() {
                "no-store" => return Err(Bypass::because("no-store")),
                "private" => return Err(Bypass::because("private")),
                "no-cache" => return Err(Bypass::because("no-cache")),
                "must-revalidate" | "proxy-revalidate" => {
                    read.must_revalidate = true;
                    continue;
                }
                "s-maxage" => &mut read.s_maxage,
                "max-age" => &mut read.max_age,
                "stale-while-revalidate" => &mut read.stale_while_revalidate,
                "stale-if-error" => &mut read.stale_if_error,
                _ => continue,
            };
            let seconds: u64 = value
                .filter(|v| !v.is_empty() && v.bytes().all(|b| b.is_ascii_digit()))
                .map(|v| v.parse().unwrap_or(MAX_LIFETIME_S).min(MAX_LIFETIME_S))
                .ok_or(Bypass::because("malformed"))?;
            *slot = Some(slot.map_or(seconds, |known| known.min(seconds)));
        }
        Ok(read)
    }
}

fn freshness(headers: &HeaderMap, question: &Question<'_>) -> Result<Freshness, Bypass> {
    let directives = Directives::read(headers, &CACHE_CONTROL)?;
    if !headers.contains_key(CACHE_CONTROL)
        && tokens(headers, &PRAGMA).any(|p| p.eq_ignore_ascii_case("no-cache"))
    {
        return Err(Bypass::because("no-cache"));
    }
    // A header for caches like us may only make the answer stricter: whoever wrote the other one may not
    // know of it (H90).
    let surrogate = Directives::read(headers, &HeaderName::from_static("surrogate-control"))?;
    let now_s = question.now_ms / 1000;
    let date_s = match headers.get(DATE) {
        Some(date) => Some(
            date.to_str()
                .ok()
                .and_then(http_date)
                .ok_or(Bypass::because("malformed"))?,
        ),
        None => None,
    };
    let stated = match (
        directives.s_maxage.or(directives.max_age),
        headers.get(EXPIRES),
    ) {
        (Some(seconds), _) => seconds,
        (None, Some(expires)) => {
            let expires = expires
                .to_str()
                .ok()
                .and_then(http_date)
                .ok_or(Bypass::because("expired"))?;
            expires
                .saturating_sub(date_s.unwrap_or(now_s))
                .min(MAX_LIFETIME_S)
        }
        (None, None) => return Err(Bypass::because("no-freshness")),
    };
    let lifetime_s = surrogate.max_age.map_or(stated, |s| s.min(stated));
    if lifetime_s == 0 {
        return Err(Bypass::because("expired"));
    }
    let stated_age = match headers.get(AGE) {
        Some(age) => age
            .to_str()
            .ok()
            .and_then(|a| a.trim().parse().ok())
            .ok_or(Bypass::because("malformed"))?,
        None => 0u64,
    };
    let apparent_age = date_s.map_or(0, |date| now_s.saturating_sub(date));
    let strict = directives.must_revalidate || surrogate.must_revalidate;
    let stale = |stated: Option<u64>| {
        if strict {
            0
        } else {
            stated.unwrap_or(question.stale_default_s)
        }
    };
    Ok(Freshness {
        received_ms: question.now_ms,
        initial_age_s: stated_age.max(apparent_age),
        lifetime_s,
        stale_while_revalidate_s: stale(directives.stale_while_revalidate),
        stale_if_error_s: stale(directives.stale_if_error),
    })
}

/// Seconds since the Unix epoch of an HTTP date in its one current form (`Sun, 06 Nov 1994 08:49:37 GMT`).
/// The two obsolete forms read as malformed: a server that old is not worth a guess.
pub(crate) fn http_date(text: &str) -> Option<u64> {
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let mut parts = text.trim().split_once(", ")?.1.split(' ');
    let day: u64 = parts.next()?.parse().ok()?;
    let month = MONTHS
        .iter()
        .position(|m| Some(*m) == parts.clone().next())? as u64
        + 1;
    let year: u64 = parts.nth(1)?.parse().ok()?;
    let mut clock = parts.next()?.split(':').map(|n| n.parse::<u64>().ok());
    let (hour, minute, second) = (clock.next()??, clock.next()??, clock.next()??);
    let in_range = (1970..=9999).contains(&year)
        && (1..=31).contains(&day)
        && hour < 24
        && minute < 60
        && second < 61;
    if parts.next() != Some("GMT") || !in_range {
        return None;
    }
    // Days since the epoch, with the year starting in March so that the leap day is its last.
    let (year, month) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let days = 365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day - 1;
    Some((days - 719_468) * 86_400 + hour * 3600 + minute * 60 + second)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-24T00:00:00Z.
    const NOW_S: u64 = 1_795_478_400;

    fn judge(pairs: &[(&'static str, &str)]) -> Result<Freshness, String> {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, "text/css".parse().unwrap());
        for (name, value) in pairs {
            headers.append(*name, value.parse().unwrap());
        }
        let question = Question {
            method: &Method::GET,
            request: &HeaderMap::new(),
            keyed: &["accept-encoding"],
            now_ms: NOW_S * 1000,
            stale_default_s: 60,
            session_cookies: &["sid".to_owned()],
        };
        Shareable::judge(&question, StatusCode::OK, &headers)
            .map(|s| s.freshness())
            .map_err(|Bypass(reason)| reason.into_owned())
    }

    fn lifetime(pairs: &[(&'static str, &str)]) -> Result<u64, String> {
        judge(pairs).map(|f| f.lifetime_s - f.initial_age_s)
    }

    #[test]
    fn h76_a_public_file_is_kept_without_the_cookie_that_numbers_its_visitor() {
        let cc = "cache-control";
        let public = (cc, "Public, max-age=60");
        let sid = ("set-cookie", "sid=s%3Aabc; Path=/; HttpOnly");
        assert!(judge(&[public, sid, sid]).is_ok());
        for others in [
            [(cc, "max-age=60"), sid].as_slice(),
            &[public, sid, ("set-cookie", "cart=7")],
            &[public, ("set-cookie", "sidecar=1")],
            &[public, ("set-cookie", "sid")],
        ] {
            assert_eq!(judge(others).unwrap_err(), "set-cookie", "{others:?}");
        }
    }

    #[test]
    fn dates_are_read() {
        assert_eq!(http_date("Thu, 01 Jan 1970 00:00:00 GMT"), Some(0));
        assert_eq!(
            http_date("Sun, 06 Nov 1994 08:49:37 GMT"),
            Some(784_111_777)
        );
        assert_eq!(http_date("Tue, 24 Nov 2026 00:00:00 GMT"), Some(NOW_S));
        assert_eq!(
            http_date("Thu, 29 Feb 2024 12:00:00 GMT"),
            Some(1_709_208_000)
        );
        for bad in [
            "",
            "0",
            "-1",
            "Sunday, 06-Nov-94 08:49:37 GMT",
            "Sun, 06 Nov 1994 08:49:37 CET",
        ] {
            assert_eq!(http_date(bad), None, "{bad}");
        }
    }

    #[test]
    fn the_strictest_reading_counts() {
        let cc = "cache-control";
        assert_eq!(lifetime(&[(cc, "max-age=60")]), Ok(60));
        assert_eq!(lifetime(&[(cc, "max-age=60, s-maxage=10")]), Ok(10));
        assert_eq!(lifetime(&[(cc, "max-age=60"), (cc, "max-age=30")]), Ok(30));
        assert_eq!(lifetime(&[(cc, "max-age=60"), ("age", "20")]), Ok(40));
        assert_eq!(
            lifetime(&[(cc, "max-age=60"), ("surrogate-control", "max-age=5")]),
            Ok(5)
        );
        assert_eq!(
            lifetime(&[
                (cc, "max-age=60"),
                ("date", "Mon, 23 Nov 2026 23:59:40 GMT")
            ]),
            Ok(40)
        );
        assert_eq!(
            lifetime(&[
                ("expires", "Tue, 24 Nov 2026 00:01:00 GMT"),
                ("date", "Tue, 24 Nov 2026 00:00:00 GMT")
            ]),
            Ok(60)
        );
        let date_ahead = ("date", "Tue, 24 Nov 2026 00:10:00 GMT");
        assert_eq!(lifetime(&[(cc, "max-age=60"), date_ahead]), Ok(60));
        for (pairs, reason) in [
            (&[][..], "no-freshness"),
            (&[(cc, "max-age=0")], "expired"),
            (&[(cc, "max-age=60, s-maxage=0")], "expired"),
            (&[("expires", "0")], "expired"),
            (&[("expires", "Mon, 23 Nov 2026 00:00:00 GMT")], "expired"),
            (&[(cc, "max-age=60"), ("age", "60")], "stale-on-arrival"),
            (&[(cc, "max-age=60"), ("age", "x")], "malformed"),
            (&[(cc, "max-age=ten")], "malformed"),
            (&[(cc, "max-age=-1")], "malformed"),
            (&[(cc, "max-age")], "malformed"),
            (&[(cc, "PRIVATE, max-age=60")], "private"),
            (&[(cc, "private=\"x-a, x-b\", max-age=60")], "private"),
            (&[(cc, "max-age=60"), (cc, "No-Store")], "no-store"),
            (&[(cc, "no-cache=\"set-cookie\", max-age=60")], "no-cache"),
            (
                &[
                    ("pragma", "no-cache"),
                    ("expires", "Wed, 25 Nov 2026 00:00:00 GMT"),
                ],
                "no-cache",
            ),
            (
                &[(cc, "max-age=60"), ("surrogate-control", "no-store")],
                "no-store",
            ),
            (&[(cc, "max-age=60"), ("set-cookie", "a=1")], "set-cookie"),
            (
                &[(cc, "max-age=60"), ("vary", "Accept-Encoding, Cookie")],
                "vary:cookie",
            ),
            (&[(cc, "max-age=60"), ("vary", "*")], "vary:*"),
        ] {
            assert_eq!(lifetime(pairs), Err(reason.into()), "{pairs:?}");
        }
    }

    #[test]
    fn an_entry_ages_through_stale_to_dead_and_must_revalidate_skips_stale() {
        let fresh = judge(&[("cache-control", "max-age=10")]).unwrap();
        let at = |f: &Freshness, seconds: u64| f.at((NOW_S + seconds) * 1000);
        assert_eq!(at(&fresh, 9), Age::Fresh);
        assert_eq!(at(&fresh, 10), Age::Stale);
        assert_eq!(at(&fresh, 69), Age::Stale);
        assert_eq!(at(&fresh, 70), Age::Dead);
        let strict = judge(&[("cache-control", "max-age=10, must-revalidate")]).unwrap();
        assert_eq!(at(&strict, 10), Age::Dead);
        assert!(!strict.covers_errors((NOW_S + 10) * 1000));
        let own = judge(&[("cache-control", "max-age=10, stale-while-revalidate=5")]).unwrap();
        assert_eq!(at(&own, 15), Age::Dead);
    }
}
