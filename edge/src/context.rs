//! One request on its way: what was asked, by whom, what was decided, and what is to be written down.

use std::cell::RefCell;
use std::fmt::Write as _;
use std::rc::Rc;

use bytes::Bytes;
use http::header::HeaderMap;
use http::uri::PathAndQuery;
use http::{Method, Request, Response, Uri, Version};

use crate::answer::{Answer, AnswerBody, Pipe};
use crate::app::App;
use crate::experiment::{self, Arm, Assignment};
use crate::headers::{self, OriginReport, Visitor};
use crate::ledger::{self, Entry};
use crate::operator;
use crate::platform::{FetchError, Payload, Platform, Service};
use crate::route::{self, Route};
use crate::routes;
use crate::routes::image::client_hints::Place;
use crate::sized::Form;
use crate::speculation;

/// Of this many pages, the time of each pass is taken on one.
const PAGES_PER_TIMED: u64 = 64;

/// One request.
pub(crate) struct Context<P: Platform> {
    pub(crate) app: Rc<App>,
    pub(crate) platform: P,
    pub(crate) method: Method,
    /// Path and query, without what was meant for us.
    pub(crate) uri: Uri,
    /// The client's headers as they came.
    pub(crate) client: HeaderMap,
    pub(crate) visitor: Visitor,
    /// The protocol's version, where the host tells.
    pub(crate) version: Version,
    /// What an image is to be like.
    pub(crate) form: Form,
    /// Where it was asked for.
    pub(crate) place: Place,
    /// Why nothing is done to this request, if nothing is.
    pub(crate) off: Option<&'static str>,
    /// The visitor's bucket and arm, once a page asked for them.
    pub(crate) assignment: Option<Assignment>,
    /// What a new bucket key is made of, drawn at most once.
    draw: Option<u64>,
    /// A bucket key to give to the visitor.
    pub(crate) new_key: Option<String>,
    /// Where the ledger entry goes instead of the log, when an operator asks what would happen. Nobody is
    /// measured then.
    pub(crate) explaining: Option<Rc<RefCell<Entry>>>,
    pub(crate) entry: Entry,
    /// What `X-Vitrine` says after the route.
    pub(crate) summary: Vec<String>,
}

impl<P: Platform> Context<P> {
    /// Opens a request: reads the switches meant for us and starts its ledger entry.
    pub(crate) fn open(
        app: &Rc<App>,
        platform: &P,
        request: Request<P::Body>,
    ) -> (Self, Payload<P::Body>) {
        let (mut parts, body) = request.into_parts();
        let payload = payload(&parts, body);
        let mut off = (!app.policy.enabled.0).then_some("disabled");
        if let Some(uri) = operator::off_for_this_request(&app.secrets, &parts.uri, &parts.headers)
        {
            off = off.or(Some("operator"));
            parts.uri = uri;
        }
        let context = Self {
            app: Rc::clone(app),
            platform: platform.clone(),
            entry: Entry {
                at: platform.now_ms(),
                component: "edge",
                id: format!("{:016x}", platform.random()),
                method: parts.method.to_string(),
                path: ledger::loggable_path(parts.uri.path()),
                error: app.fault.clone(),
                ..Entry::default()
            },
            version: parts.version,
            method: parts.method,
            uri: parts.uri,
            visitor: parts.extensions.remove::<Visitor>().unwrap_or_default(),
            client: parts.headers,
            form: Form::default(),
            place: Place::default(),
            off,
            assignment: None,
            draw: None,
            new_key: None,
            explaining: None,
            summary: Vec::new(),
        };
        (context, payload)
    }

    /// Which journey the request takes.
    pub(crate) fn route(&mut self) -> Route {
        let route = Route::of(&self.method, &self.uri, &self.client, &self.app.policy);
        self.entry.route = route.name();
        route
    }

    pub(crate) fn path_and_query(&self) -> &str {
        self.uri.path_and_query().map_or("/", PathAndQuery::as_str)
    }

    /// The page's template.
    pub(crate) fn template(&mut self) -> String {
        let template = route::template(self.uri.path(), &self.app.policy).to_owned();
        self.entry.template = Some(template.clone());
        template
    }

    /// Headers for the origin, from which a journey takes away what it must not forward.
    pub(crate) fn headers_for_origin(&self, class: &'static str) -> HeaderMap {
        headers::to_origin(&self.client, &self.visitor, class)
    }

    /// Fetches from the origin, and takes the adapter's report out of the answer.
    pub(crate) async fn fetch(
        &mut self,
        headers: HeaderMap,
        payload: Payload<P::Body>,
    ) -> Result<(Response<P::Body>, OriginReport), FetchError> {
        let mut request = Request::new(payload);
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = self.path_and_query().parse().unwrap_or_default();
        *request.headers_mut() = headers;
        let asked = self.platform.now_ms();
        let pending = self.platform.start(Service::Origin, request);
        let answer = self.platform.head(pending).await;
        let waited = self.platform.now_ms().saturating_sub(asked);
        self.entry.origin_ms = Some(waited);
        let mut response =
            answer.inspect_err(|error| self.entry.error = Some(error.to_string()))?;
        let report = headers::from_origin(response.headers_mut());
        if self.explaining.is_some() {
            self.entry.origin_headers = Some(response.headers().clone());
        }
        if !report.status.is_empty() && report.status != "ok" {
            self.entry.origin = Some(report.status.clone());
        }
        Ok((response, report))
    }

    /// The visitor's assignment. A visitor without a key gets one, unless that is not wanted: then he is
    /// in no experiment, and is not measured.
    pub(crate) fn assign(&mut self) -> Option<Assignment> {
        let (key, is_known) = self.key()?;
        if !is_known {
            self.new_key = Some(key.clone());
        }
        let assignment = experiment::assign(&key, self.app.policy.holdback.percent);
        self.assignment = Some(assignment);
        // Who fetches a page ahead may never see it.
        if !speculation::is_ahead(&self.client) {
            self.entry.arm = Some(assignment.arm.to_string());
        }
        Some(assignment)
    }

    /// The visitor's key, and whether he brought it.
    fn key(&mut self) -> Option<(String, bool)> {
        if self.explaining.is_some() {
            return None;
        }
        let known =
            headers::cookie(&self.client, experiment::COOKIE).filter(|key| experiment::is_key(key));
        if let Some(key) = known {
            return Some((key.to_owned(), true));
        }
        if self.refuses_measurement() || speculation::is_ahead(&self.client) {
            return None;
        }
        let random = *self.draw.get_or_insert_with(|| self.platform.random());
        Some((experiment::key(random), false))
    }

    /// Whether the visitor will be held back, once a page asks for his assignment.
    pub(crate) fn would_be_held_back(&mut self) -> bool {
        let percent = self.app.policy.holdback.percent;
        percent > 0
            && self
                .key()
                .is_some_and(|(key, _)| experiment::assign(&key, percent).arm == Arm::Control)
    }

    /// Whether the time of each pass is taken: always for an operator, else for one page in
    /// [`PAGES_PER_TIMED`], because a clock costs a call to the host.
    pub(crate) fn times_passes(&self) -> bool {
        self.explaining.is_some() || self.platform.random().is_multiple_of(PAGES_PER_TIMED)
    }

    /// Global Privacy Control.
    pub(crate) fn refuses_measurement(&self) -> bool {
        self.app.policy.rum.honour_gpc && self.client.get("sec-gpc").is_some_and(|v| v == "1")
    }

    pub(crate) fn is_held_back(&self) -> bool {
        self.assignment.is_some_and(|a| a.arm == Arm::Control)
    }

    /// Passes a response on exactly as it came, and says why.
    pub(crate) fn pass(&mut self, response: Response<P::Body>, reason: &str) -> Answer<P> {
        self.entry.reason = Some(reason.to_owned());
        self.summary.push(format!("untouched; reason={reason}"));
        let (parts, body) = response.into_parts();
        let length = headers::content_length(&parts.headers);
        (self.entry.bytes_in, self.entry.bytes_out) = (length, length);
        Response::from_parts(parts, AnswerBody::Passed(body))
    }

    /// Says how the cache was involved, and why not more.
    pub(crate) fn note_cache(&mut self, state: &'static str, reason: Option<&str>) {
        self.entry.cache = Some(state);
        self.entry.reason = reason.map(str::to_owned);
        self.summary.push(match reason {
            Some(reason) => format!("{state}; reason={reason}"),
            None => state.to_owned(),
        });
    }

    /// A visit without cookies, to explain what would be done and why. Its ledger entry goes to the caller.
    pub(crate) fn explaining(&self, uri: Uri) -> (Self, Rc<RefCell<Entry>>) {
        let explanation = Rc::new(RefCell::new(Entry::default()));
        let mut visit = self.detached();
        visit.entry.path = ledger::loggable_path(uri.path());
        visit.entry.method = visit.method.to_string();
        visit.uri = uri;
        visit.off = (!self.app.policy.enabled.0).then_some("disabled");
        visit.client.insert(
            http::header::ACCEPT,
            http::HeaderValue::from_static("text/html,application/xhtml+xml,image/avif,*/*;q=0.8"),
        );
        visit.explaining = Some(Rc::clone(&explanation));
        (visit, explanation)
    }

    /// A request of our own for the same address, for work after this one: nothing in it is the visitor's.
    pub(crate) fn detached(&self) -> Self {
        Self {
            app: Rc::clone(&self.app),
            platform: self.platform.clone(),
            method: Method::GET,
            version: self.version,
            uri: self.uri.clone(),
            client: routes::asset::impersonal(&self.client),
            visitor: Visitor {
                addr: None,
                ..self.visitor.clone()
            },
            form: self.form,
            place: self.place,
            off: None,
            assignment: None,
            draw: None,
            new_key: None,
            explaining: None,
            entry: Entry {
                at: self.platform.now_ms(),
                route: "refresh",
                status: 0,
                bytes_in: None,
                bytes_out: None,
                ..self.entry.clone()
            },
            summary: Vec::new(),
        }
    }

    /// A pipe over a body of the origin.
    pub(crate) fn pipe(&self, ahead: Vec<Bytes>, source: P::Body) -> Box<Pipe<P>> {
        Box::new(Pipe::new(&self.platform, ahead, source))
    }

    /// Ends the request's head: the headers that every answer gets, and the ledger entry, which is written
    /// now or, where the body is watched, with its last byte.
    pub(crate) fn close(mut self, mut answer: Answer<P>) -> Answer<P> {
        self.entry.status = answer.status().as_u16();
        if self.assignment.is_some() {
            headers::keep_from_shared_caches(answer.headers_mut());
        }
        if let Some(key) = self.new_key.take() {
            headers::set_bucket_cookie(answer.headers_mut(), &key, self.visitor.secure);
        }
        let mut summary = self.entry.route.to_owned();
        for note in &self.summary {
            let _ = write!(summary, "; {note}");
        }
        headers::sign(answer.headers_mut(), &summary, &self.timing());
        let closing = Closing {
            platform: self.platform,
            entry: self.entry,
            explaining: self.explaining,
        };
        closing.attach(answer)
    }

    fn timing(&self) -> String {
        let total = self.platform.now_ms().saturating_sub(self.entry.at);
        let origin = self.entry.origin_ms.unwrap_or(0);
        let mut timing = format!("vitrine;dur={}", total.saturating_sub(origin));
        if let Some(ms) = self.entry.origin_ms {
            let _ = write!(timing, ", origin;dur={ms}");
        }
        if let Some(assignment) = self.assignment {
            let _ = write!(timing, ", exp;desc=\"{}\"", assignment.arm);
        }
        timing
    }
}

/// A ledger entry that is still open.
pub(crate) struct Closing<P: Platform> {
    platform: P,
    pub(crate) entry: Entry,
    explaining: Option<Rc<RefCell<Entry>>>,
}

impl<P: Platform> Closing<P> {
    fn attach(mut self, mut answer: Answer<P>) -> Answer<P> {
        match answer.body_mut() {
            AnswerBody::Piped(pipe) => {
                pipe.closing = Some(self);
                return answer;
            }
            AnswerBody::Full(bytes) => self.entry.bytes_out = Some(bytes.len() as u64),
            AnswerBody::Empty => self.entry.bytes_out = Some(0),
            AnswerBody::Passed(_) => {}
        }
        self.record();
        answer
    }

    pub(crate) fn record(mut self) {
        self.entry.ms = self.platform.now_ms().saturating_sub(self.entry.at);
        match self.explaining {
            Some(explanation) => *explanation.borrow_mut() = self.entry,
            None => self.platform.record(&self.entry.line()),
        }
    }
}

/// The visitor's body, if there can be one: an empty stream would make a GET look like it has one.
fn payload<B>(parts: &http::request::Parts, body: B) -> Payload<B> {
    let has_body = parts.headers.contains_key(http::header::CONTENT_LENGTH)
        || parts.headers.contains_key(http::header::TRANSFER_ENCODING)
        || !parts.method.is_safe();
    if has_body {
        Payload::Stream(body)
    } else {
        Payload::Empty
    }
}
