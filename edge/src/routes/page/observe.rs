//! A page that passes untouched and is only looked at: the first of its kind, and pages that take payments.

use std::rc::Rc;

use bytes::Bytes;
use http::{Method, Response};
use serde::Serialize;

use super::{Known, PageFacts};
use crate::answer::{Answer, AnswerBody, Collect};
use crate::app::App;
use crate::cache::key::digest;
use crate::context::Context;
use crate::encoding::Coding;
use crate::headers;
use crate::html::passes::payment_guard::FirstView;
use crate::html::{Rewriter, passes};
use crate::learned::Learned;
use crate::ledger;
use crate::payment::Standing;
use crate::platform::Platform;

/// Longest page that is looked at, in bytes as the origin sends them; a longer one stays unknown.
const MAX_BYTES: u32 = 2 << 20;
/// Longest page without its coding: what a coding may make of it at most.
const MAX_PLAIN: usize = 8 * MAX_BYTES as usize;
/// Of this many views of a payment page, the scripts are listed on one.
const VIEWS_PER_LIST: u64 = 20;

/// Why nothing is done to a page but to look at it.
pub(super) enum Reason {
    /// No page of its kind has been seen.
    FirstView,
    /// It takes payments, by this evidence.
    Payment(String),
}

/// Why a page may only be looked at, if that is so.
pub(super) fn reason<P: Platform>(context: &Context<P>, known: &Known) -> Option<Reason> {
    let guard = &known.passes.payment_guard;
    if !guard.enabled {
        return None;
    }
    match known.learned.pages.standing(context.uri.path()) {
        Standing::Clean => None,
        // Who asks for an explanation asks what will be done from the second page on.
        Standing::Unknown if context.explaining.is_some() => None,
        Standing::Unknown => (guard.first_view == FirstView::Observe).then_some(Reason::FirstView),
        Standing::Payment(evidence) => Some(Reason::Payment(evidence)),
    }
}

/// Passes a page untouched, and looks at it where that tells something new.
pub(super) fn respond<P: Platform>(
    context: &mut Context<P>,
    known: &Known,
    response: Response<P::Body>,
    reason: Reason,
) -> Answer<P> {
    let guard = &known.passes.payment_guard;
    let Reason::Payment(evidence) = reason else {
        return observe(context, response, guard, "first-view");
    };
    let why = format!("the page takes payments: {evidence}");
    context.entry.passes = vec![ledger::Pass::stopped("payment_guard", why)];
    let lists = context.platform.random().is_multiple_of(VIEWS_PER_LIST);
    if lists && context.explaining.is_none() {
        observe(context, response, guard, "payment")
    } else {
        context.pass(response, "payment")
    }
}

fn observe<P: Platform>(
    context: &mut Context<P>,
    response: Response<P::Body>,
    guard: &passes::payment_guard::Options,
    reason: &'static str,
) -> Answer<P> {
    let coded = Coding::of_response(response.headers()).unwrap_or(Coding::Identity);
    let expected = headers::content_length(response.headers());
    let headers = response.headers().clone();
    let mut answer = context.pass(response, reason);
    if context.method == Method::HEAD {
        return answer;
    }
    let look = Look {
        app: Rc::clone(&context.app),
        platform: context.platform.clone(),
        facts: PageFacts {
            observed: true,
            ..PageFacts::new(super::public_url(context), context.template(), headers)
        },
        config: passes::Config {
            payment_guard: guard.clone(),
            ..passes::Config::off()
        },
        path: context.uri.path().to_owned(),
    };
    let body = std::mem::replace(answer.body_mut(), AnswerBody::Empty);
    *answer.body_mut() = match body {
        AnswerBody::Passed(body) => {
            (context.entry.bytes_in, context.entry.bytes_out) = (None, None);
            let mut pipe = context.pipe(Vec::new(), body);
            pipe.collect = Some(Collect::new(MAX_BYTES, expected, move |body| {
                let platform = look.platform.clone();
                platform.spawn(async move { look.at(coded, body).await });
            }));
            AnswerBody::Piped(pipe)
        }
        other => other,
    };
    answer
}

/// What it takes to look at a page after it has gone out.
struct Look<P> {
    app: Rc<App>,
    platform: P,
    facts: PageFacts,
    config: passes::Config,
    path: String,
}

impl<P: Platform> Look<P> {
    async fn at(self, coded: Coding, body: Bytes) {
        let Some(html) = coded.decoded(&body, MAX_PLAIN) else {
            return;
        };
        let template = self.facts.template.clone();
        let mut rewriter = Rewriter::new(&self.config, self.facts);
        rewriter.write(&html);
        rewriter.end();
        let evidence = rewriter.payment();
        if let Some(evidence) = &evidence {
            let scripts = rewriter.scripts();
            list(&self.platform, &template, &self.path, evidence, scripts).await;
        }
        let saw = |learned: &mut Learned| learned.pages.saw(&self.path, evidence.as_deref());
        let memory = &self.app.memory;
        memory.change(&self.platform, &template, saw).await;
    }
}

/// A line of the log on a payment page: it is new, or its scripts are others than when they were listed last.
#[derive(Serialize)]
struct Event<'a> {
    at: u64,
    component: &'static str,
    #[serde(rename = "event")]
    what: &'static str,
    template: &'a str,
    path: String,
    evidence: &'a str,
    scripts: usize,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    added: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    removed: Vec<String>,
}

/// Compares a payment page's scripts with those of the last list, and keeps the new list.
async fn list<P: Platform>(
    platform: &P,
    template: &str,
    path: &str,
    evidence: &str,
    scripts: Vec<String>,
) {
    let key = format!("scripts:{}", digest([path.as_bytes()]));
    let before = platform.state_get(&key).await;
    let before: Option<Vec<String>> = before.and_then(|list| serde_json::from_slice(&list).ok());
    let known = before.is_some();
    let before = before.unwrap_or_default();
    let not_in = |these: &[String], those: &[String]| -> Vec<String> {
        let missing = these.iter().filter(|script| !those.contains(script));
        missing.cloned().collect()
    };
    let (added, removed) = (not_in(&scripts, &before), not_in(&before, &scripts));
    if known && added.is_empty() && removed.is_empty() {
        return;
    }
    let event = Event {
        at: platform.now_ms(),
        component: "edge",
        what: if known {
            "payment-scripts-changed"
        } else {
            "payment-page-found"
        },
        template,
        path: ledger::loggable_path(path),
        evidence,
        scripts: scripts.len(),
        added,
        removed,
    };
    platform.record(&serde_json::to_string(&event).unwrap_or_default());
    if let Ok(list) = serde_json::to_vec(&scripts) {
        platform.state_put(&key, list).await;
    }
}
