//! From a request to an answer: sixteen checks, the cheap ones first, each with a status and a counter.

use std::cell::RefCell;
use std::future::Future;

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, ORIGIN};
use http::{HeaderMap, Method, Request, Response};

use crate::beacon::{Beacon, Fault, MAX_BODY};
use crate::limit::Limits;
use crate::outcome::Outcome;
use crate::script;
use crate::settings::Settings;
use crate::store::{PageView, Saved, Store};
use crate::tally::Tallies;
use crate::token::{self, Claims, TokenError};
use crate::visitor::{Bot, Class, Visitor};

/// Where beacons are sent.
pub const BEACON_PATH: &str = "/_v/b";
/// Below which the script is served.
pub const SCRIPT_PREFIX: &str = "/_v/rum/";

/// A request body that arrives piece by piece.
pub trait Chunks {
    /// The next piece; `Ok(None)` at the proper end, [`BrokenBody`] at any other.
    fn chunk(&mut self) -> impl Future<Output = Result<Option<Bytes>, BrokenBody>>;
}

/// The sender broke off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the body broke off")]
pub struct BrokenBody;

/// What the collector asks of its host beside a [`Store`].
pub trait Host {
    /// Milliseconds since the Unix epoch.
    fn now_ms(&self) -> u64;

    /// Writes one line to the host's log. The line is JSON without a newline, and says nothing of a visitor.
    fn record(&self, line: &str);
}

/// On what terms beacons are taken.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Terms {
    /// `[rum]`
    pub settings: Settings,
    /// The keys that page tokens may be signed with, newest first. Empty ones are not keys.
    pub keys: Vec<Vec<u8>>,
}

impl Terms {
    /// Terms from the variables of an application: `[rum]` as JSON, and the keys, newest first. Settings that
    /// cannot be read switch collection off: what was meant by them is not known.
    pub fn load(settings: &str, keys: &[&[u8]]) -> Self {
        let settings = settings_of(settings).unwrap_or_else(|_| Settings {
            enabled: false,
            ..Settings::default()
        });
        let keys = keys.iter().filter(|key| !key.is_empty());
        Self {
            settings,
            keys: keys.map(|key| key.to_vec()).collect(),
        }
    }
}

/// Settings are an object. Read directly, a sequence would count as a struct too, and `[]` as every default.
fn settings_of(settings: &str) -> serde_json::Result<Settings> {
    let object: serde_json::Map<String, serde_json::Value> = serde_json::from_str(settings)?;
    serde_json::from_value(object.into())
}

/// The collector. One per instance: it holds the rate limits and the counters not yet written.
#[derive(Debug)]
pub struct Collector {
    limits: RefCell<Limits>,
    tallies: RefCell<Tallies>,
}

impl Default for Collector {
    fn default() -> Self {
        Self {
            limits: RefCell::new(Limits::new()),
            tallies: RefCell::default(),
        }
    }
}

impl Collector {
    /// Answers a request for the script or with a beacon.
    pub async fn respond<B: Chunks>(
        &self,
        host: &impl Host,
        store: &impl Store,
        terms: &Terms,
        visitor: &Visitor,
        request: Request<B>,
    ) -> Response<Bytes> {
        let path = request.uri().path();
        if path.starts_with(SCRIPT_PREFIX) {
            return script::serve(request.method(), path, request.headers());
        }
        let now_ms = host.now_ms();
        let visit = Visit {
            terms,
            visitor,
            now_ms,
        };
        let outcome = self.receive(store, visit, request).await;
        self.account(host, store, terms, now_ms, outcome).await;
        outcome.response()
    }

    /// The checks, in their order.
    async fn receive<B: Chunks>(
        &self,
        store: &impl Store,
        visit: Visit<'_>,
        request: Request<B>,
    ) -> Outcome {
        let (head, body) = request.into_parts();
        if head.method != Method::POST {
            return Outcome::Method;
        }
        if head.uri.path() != BEACON_PATH {
            return Outcome::Path;
        }
        if !visit.terms.settings.enabled {
            return Outcome::Disabled;
        }
        let body = match read(&head.headers, body).await {
            Ok(body) => body,
            Err(outcome) => return outcome,
        };
        if !content_type_fits(&head.headers) {
            return Outcome::ContentType;
        }
        if !visit.is_own_origin(&head.headers) {
            return Outcome::Origin;
        }
        if !self.admits(visit) {
            return Outcome::RateLimited;
        }
        match visit.judge(&head.headers, &body) {
            Ok(Verdict::Keep(view)) => match store.save(&view).await {
                Ok(Saved::Stored) => Outcome::Accepted,
                Ok(Saved::Duplicate) => Outcome::Duplicate,
                Err(_) => Outcome::Store,
            },
            Ok(Verdict::Bot(view, bot)) if visit.terms.settings.keep_bots => {
                match store.save_bot(&view, bot.word()).await {
                    Ok(()) => Outcome::Bot,
                    Err(_) => Outcome::Store,
                }
            }
            Ok(Verdict::Bot(..)) => Outcome::Bot,
            Err(outcome) => outcome,
        }
    }

    fn admits(&self, visit: Visit<'_>) -> bool {
        let settings = &visit.terms.settings;
        self.limits.borrow_mut().admit(
            visit.visitor.address,
            settings.client_per_second,
            settings.site_per_second,
            visit.now_ms,
        )
    }

    /// Counts, logs and cleans up. Nothing here changes the answer.
    async fn account(
        &self,
        host: &impl Host,
        store: &impl Store,
        terms: &Terms,
        now_ms: u64,
        outcome: Outcome,
    ) {
        // Each borrow ends before the next await: another request may be under way in this instance.
        let due = {
            let mut tallies = self.tallies.borrow_mut();
            tallies.add(outcome, now_ms);
            if let Some(line) = tallies.line(outcome, now_ms) {
                host.record(&line);
            }
            tallies.due(now_ms)
        };
        if let Some(counts) = due
            && store.count(&counts).await.is_err()
        {
            self.tallies.borrow_mut().put_back(counts);
            return;
        }
        let expiry_due = self.tallies.borrow_mut().expiry_due(outcome, now_ms);
        if expiry_due {
            const DAY_MS: u64 = 86_400_000;
            // Five times what can have come in since the last time.
            const MOST: u32 = 500;
            let kept_ms = u64::from(terms.settings.retention_days) * DAY_MS;
            // What is not deleted now is deleted next time.
            let _ = store.expire(now_ms.saturating_sub(kept_ms), MOST).await;
        }
    }
}

/// Reads a body, and stops reading where it becomes too large.
async fn read<B: Chunks>(headers: &HeaderMap, mut body: B) -> Result<Vec<u8>, Outcome> {
    let announced = headers
        .get(CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|length| length > MAX_BODY as u64) {
        return Err(Outcome::TooLarge);
    }
    let mut read = Vec::new();
    loop {
        match body.chunk().await {
            Ok(None) => return Ok(read),
            Ok(Some(piece)) if read.len() + piece.len() > MAX_BODY => {
                return Err(Outcome::TooLarge);
            }
            Ok(Some(piece)) => read.extend_from_slice(&piece),
            Err(BrokenBody) => return Err(Outcome::Malformed),
        }
    }
}

fn content_type_fits(headers: &HeaderMap) -> bool {
    let value = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let essence = value
        .and_then(|value| value.split(';').next())
        .unwrap_or_default();
    let essence = essence.trim().to_ascii_lowercase();
    matches!(essence.as_str(), "text/plain" | "application/json")
}

/// What the checks of one request look at beside the request.
#[derive(Clone, Copy)]
struct Visit<'a> {
    terms: &'a Terms,
    visitor: &'a Visitor,
    now_ms: u64,
}

/// What to do with a valid beacon.
enum Verdict {
    Keep(PageView),
    Bot(PageView, Bot),
}

impl Visit<'_> {
    fn is_own_origin(self, headers: &HeaderMap) -> bool {
        let fetched = headers
            .get("sec-fetch-site")
            .map(http::HeaderValue::as_bytes);
        if !matches!(fetched, None | Some(b"same-origin" | b"same-site")) {
            return false;
        }
        let Some(origin) = headers.get(ORIGIN) else {
            return true;
        };
        let Ok(origin) = origin.to_str() else {
            return false;
        };
        let allowed = &self.terms.settings.allowed_origins;
        if allowed
            .iter()
            .any(|allowed| allowed.eq_ignore_ascii_case(origin))
        {
            return true;
        }
        // The scheme is not compared: where TLS ends before the collector, it does not know its own.
        let own = self.visitor.authority.as_deref().map(without_default_port);
        let theirs = origin
            .split_once("://")
            .map(|(_, authority)| without_default_port(authority));
        matches!((own, theirs), (Some(own), Some(theirs)) if own.eq_ignore_ascii_case(theirs))
    }

    /// The checks of the body, the token and the visitor.
    fn judge(self, headers: &HeaderMap, body: &[u8]) -> Result<Verdict, Outcome> {
        let beacon = Beacon::read(body).map_err(|fault| match fault {
            Fault::Malformed => Outcome::Malformed,
            Fault::Schema => Outcome::Schema,
            Fault::Range => Outcome::Range,
        })?;
        let keys: Vec<&[u8]> = self
            .terms
            .keys
            .iter()
            .map(Vec::as_slice)
            .filter(|key| !key.is_empty())
            .collect();
        let claims =
            token::verify(&keys, &beacon.token, self.now_ms).map_err(|error| match error {
                TokenError::Invalid => Outcome::Token,
                TokenError::Expired => Outcome::Expired,
            })?;
        let gpc = headers.get("sec-gpc").is_some_and(|value| value == "1");
        if gpc && self.terms.settings.honour_gpc {
            return Err(Outcome::Privacy);
        }
        let bot = Bot::of(headers, beacon.automated)
            .filter(|bot| !(*bot == Bot::Automation && self.terms.settings.count_automation));
        let view = self.page_view(beacon, claims, Class::of(headers), gpc);
        Ok(match bot {
            Some(bot) => Verdict::Bot(view, bot),
            None => Verdict::Keep(view),
        })
    }

    fn page_view(self, beacon: Beacon, claims: Claims, class: Class, gpc: bool) -> PageView {
        let holdback = claims
            .arms
            .iter()
            .find_map(|arm| arm.strip_prefix("holdback:"))
            .map(str::to_owned);
        let events: Vec<_> = beacon.events.iter().map(|e| (&e.name, e.value)).collect();
        let events =
            (!events.is_empty()).then(|| serde_json::to_string(&events).unwrap_or_default());
        let (revenue_minor, currency, order_hash) =
            beacon.revenue.map_or((None, None, None), |revenue| {
                (
                    Some(revenue.minor),
                    Some(revenue.currency),
                    Some(revenue.order),
                )
            });
        PageView {
            view: beacon.view,
            seq: beacon.seq,
            received_ms: self.now_ms,
            site: claims.site,
            template: claims.template,
            arms: claims.arms.join(" "),
            holdback,
            bucket: claims.bucket,
            weight: claims.weight,
            device: class.device.word(),
            ua_class: class.to_string(),
            nav_type: beacon.navigation.word(),
            age_ms: beacon.age_ms,
            lcp_ms: beacon.lcp_ms,
            fcp_ms: beacon.fcp_ms,
            ttfb_ms: beacon.ttfb_ms,
            inp_ms: beacon.inp_ms,
            cls_1e4: beacon.cls_1e4,
            lcp_parts: beacon.lcp_parts,
            inp_parts: beacon.inp_parts,
            lcp_target: beacon.lcp_target,
            inp_target: beacon.inp_target,
            cls_target: beacon.cls_target,
            lcp_url_path: beacon.lcp_path,
            inp_script: beacon.inp_script,
            viewport: beacon.viewport.map(viewport_class),
            device_memory: beacon.device_memory,
            effective_type: beacon
                .effective_type
                .map(crate::beacon::EffectiveType::word),
            save_data: beacon.save_data,
            events,
            revenue_minor,
            currency,
            order_hash,
            js_errors: beacon.errors,
            country: self.visitor.country.clone(),
            edge_pop: self.visitor.pop.clone(),
            gpc,
        }
    }
}

fn viewport_class(width: u16) -> &'static str {
    match width {
        0..480 => "s",
        480..768 => "m",
        768..1_200 => "l",
        _ => "xl",
    }
}

fn without_default_port(authority: &str) -> &str {
    authority
        .strip_suffix(":443")
        .or_else(|| authority.strip_suffix(":80"))
        .unwrap_or(authority)
}
