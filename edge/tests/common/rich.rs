//! Pages through every pass at once, with rules and hints that name much of any page.

#![allow(dead_code, reason = "each test binary uses its part")]

use std::rc::Rc;

use http::{HeaderMap, HeaderValue};
use serde_json::Value;
use vitrine_edge::audit::{self, TooLarge, Violation};
use vitrine_edge::html::passes::{Config, NAMES};
use vitrine_edge::html::{Outcome, PageFacts, Rewriter};

/// Every pass switched on, opt-in ones included, with the options of `rich.json`.
pub(crate) fn every_pass() -> Config {
    let rich: Value = serde_json::from_str(include_str!("rich.json")).unwrap();
    let mut config: Config = serde_json::from_value(rich["passes"].clone()).unwrap();
    for name in NAMES {
        config.switch(name, true);
    }
    config
}

/// What is known of a page of which everything is known.
pub(crate) fn facts() -> PageFacts {
    let rich: Value = serde_json::from_str(include_str!("rich.json")).unwrap();
    PageFacts {
        hints: Some(Rc::new(
            serde_json::from_value(rich["hints"].clone()).unwrap(),
        )),
        ..facts_of_a_stranger()
    }
}

/// What is known of a page of which nothing has been learned. Its visitor is measured.
pub(crate) fn facts_of_a_stranger() -> PageFacts {
    let mut headers = HeaderMap::new();
    headers.insert(
        "content-type",
        HeaderValue::from_static("text/html; charset=utf-8"),
    );
    let url = "https://shop.example/p/1".parse().unwrap();
    PageFacts {
        rum_token: Some("1.dG9rZW4.c2ln".into()),
        rum_script: "/_v/rum/0123456789abcdef.js",
        ..PageFacts::new(url, "product", headers)
    }
}

/// A page, rewritten.
pub(crate) struct Rewritten {
    pub(crate) output: Vec<u8>,
    /// The passes that changed something.
    pub(crate) applied: Vec<&'static str>,
    pub(crate) violations: Result<Vec<Violation>, TooLarge>,
}

/// Rewrites a page, and holds it against what it was.
pub(crate) fn rewrite(config: &Config, facts: PageFacts, page: &[u8]) -> Rewritten {
    let mut rewriter = Rewriter::new(config, facts);
    let mut output = Vec::new();
    for piece in page.chunks(4096) {
        output.extend(rewriter.write(piece));
    }
    output.extend(rewriter.end());
    let reports = rewriter.reports().into_iter();
    let applied: Vec<_> = reports
        .filter(|report| matches!(report.outcome, Outcome::Applied(_)))
        .map(|report| report.pass)
        .collect();
    let violations = audit::check(page, &output, &applied);
    Rewritten {
        output,
        applied,
        violations,
    }
}
