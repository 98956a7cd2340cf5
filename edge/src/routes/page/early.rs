//! Early hints: what goes ahead of a page, and how long the shop usually takes to make one (H97).

use http::{HeaderMap, Method, Version};

use super::{Known, known, observe, public_url};
use crate::cache::key::digest;
use crate::context::Context;
use crate::html::passes::early_hints;
use crate::html::{EarlyHints, PageFacts};
use crate::platform::Platform;
use crate::speculation;

/// From which usual wait for the shop early hints are worth their bytes, in milliseconds.
const WORTH_MS: u32 = 100;
/// Of this many pages, the shop's time is remembered from one: the estimate moves slowly, and a write costs.
const PAGES_PER_ESTIMATE: u64 = 8;

/// What is known before the shop is asked.
pub(super) struct Early {
    /// What is known of the page, if it was looked up.
    pub(super) known: Option<Known>,
    pub(super) hints: EarlyHints,
}

impl Early {
    pub(super) fn not(why: &'static str) -> Self {
        Self {
            known: None,
            hints: EarlyHints::Not(why),
        }
    }
}

/// Sends ahead what is known to be needed, if this is a visitor who can use it and the shop takes its time.
pub(super) async fn send<P: Platform>(context: &mut Context<P>) -> Early {
    if let Some(why) = why_not(context) {
        return Early::not(why);
    }
    let known = known(context).await;
    let hints = hint(context, &known).await;
    if let EarlyHints::Sent(links) = &hints {
        context.platform.early_hints(links);
    }
    Early {
        known: Some(known),
        hints,
    }
}

/// Why this request gets nothing ahead of its page, whatever is known of it.
fn why_not<P: Platform>(context: &Context<P>) -> Option<&'static str> {
    let header = |name: &str| context.client.get(name).and_then(|v| v.to_str().ok());
    if !context.platform.capabilities().early_hints {
        return Some("the host does not send them");
    }
    if context.explaining.is_some() {
        return Some("only a visitor's navigation gets them");
    }
    if !matches!(context.version, Version::HTTP_2 | Version::HTTP_3) {
        return Some("the visitor does not speak HTTP/2 or HTTP/3");
    }
    let navigates = context.method == Method::GET && header("sec-fetch-mode") == Some("navigate");
    if !navigates
        || speculation::is_ahead(&context.client)
        || context.client.contains_key("authorization")
    {
        return Some("not a visitor's navigation");
    }
    is_crawler(header("user-agent").unwrap_or_default()).then_some("a crawler")
}

async fn hint<P: Platform>(context: &mut Context<P>, known: &Known) -> EarlyHints {
    if !known.passes.early_hints.enabled {
        return EarlyHints::Not("switched off");
    }
    if observe::reason(context, known).is_some() {
        return EarlyHints::Not("nothing is done to the page");
    }
    if context.would_be_held_back() {
        return EarlyHints::Not("the visitor is held back");
    }
    let facts = PageFacts {
        hints: known.learned.hints.clone(),
        ..PageFacts::new(
            public_url(context),
            known.template.clone(),
            HeaderMap::new(),
        )
    };
    let agent = context.client.get("user-agent");
    let takes_preloads = !agent.is_some_and(|agent| is_webkit(agent.to_str().unwrap_or_default()));
    let links = early_hints::links(&known.passes, &facts, takes_preloads);
    if links.is_empty() {
        return EarlyHints::Not("nothing is known to be needed early");
    }
    match usual_wait(context, &known.template).await {
        Some(ms) if ms > WORTH_MS => EarlyHints::Sent(links),
        Some(_) => EarlyHints::Not("the shop answers fast"),
        None => EarlyHints::Not("it is not known yet how long the shop takes"),
    }
}

/// Remembers how long the shop took for a page, after the response. An instance may serve one request only, so
/// the estimate is in the cache.
pub(super) async fn learn<P: Platform>(context: &Context<P>, template: &str) {
    let Some(took) = context.entry.origin_ms else {
        return;
    };
    let took = u32::try_from(took).unwrap_or(u32::MAX);
    if why_not(context).is_some() {
        return;
    }
    let estimate = match usual_wait(context, template).await {
        Some(_) if !context.platform.random().is_multiple_of(PAGES_PER_ESTIMATE) => return,
        // A quarter of the way: one slow page changes little, a slower shop shows within a few.
        Some(known) => known - known / 4 + took / 4,
        None => took,
    };
    let (platform, key) = (context.platform.clone(), key(context, template));
    context.platform.spawn(async move {
        platform
            .cache_put(&key, estimate.to_le_bytes().to_vec())
            .await;
    });
}

/// How long the shop usually takes for a page of the template, in milliseconds.
async fn usual_wait<P: Platform>(context: &Context<P>, template: &str) -> Option<u32> {
    let value = context.platform.cache_get(&key(context, template)).await?;
    Some(u32::from_le_bytes(value.try_into().ok()?))
}

fn key<P: Platform>(context: &Context<P>, template: &str) -> String {
    let host = context.visitor.host.as_deref().unwrap_or_default();
    format!("wait:{}", digest([host.as_bytes(), template.as_bytes()]))
}

/// Whether a user agent says that it is nobody's browser.
fn is_crawler(agent: &str) -> bool {
    const WORDS: [&str; 6] = [
        "bot",
        "crawl",
        "spider",
        "slurp",
        "preview",
        "facebookexternalhit",
    ];
    let agent = agent.to_ascii_lowercase();
    agent.is_empty() || WORDS.iter().any(|word| agent.contains(word))
}

/// Safari, and every browser on iOS: early hints are taken there for connections only.
fn is_webkit(agent: &str) -> bool {
    agent.contains("AppleWebKit/")
        && !["Chrome/", "Chromium/"]
            .iter()
            .any(|name| agent.contains(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn browsers_are_told_from_crawlers_and_safari_from_the_rest() {
        let safari = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.0 Safari/605.1.15";
        let ios = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/140.0.7339.101 Mobile/15E148 Safari/604.1";
        let chrome = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36";
        let firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0";
        let google = "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; Googlebot/2.1; +http://www.google.com/bot.html) Chrome/140.0.0.0 Safari/537.36";
        for (agent, crawler, webkit) in [
            (safari, false, true),
            (ios, false, true),
            (chrome, false, false),
            (firefox, false, false),
            (google, true, false),
            ("", true, false),
        ] {
            assert_eq!(
                (is_crawler(agent), is_webkit(agent)),
                (crawler, webkit),
                "{agent}"
            );
        }
    }
}
