//! Hazards of rewriting HTML: parser and stream, scripts, content security policy.
//!
//! Each test is named after the hazard that it holds off.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

#[path = "hazards_html/images.rs"]
mod images;
#[path = "hazards_html/laws.rs"]
mod laws;
#[path = "hazards_html/markup.rs"]
mod markup;
#[path = "hazards_html/policy.rs"]
mod policy;
#[path = "hazards_html/script_order.rs"]
mod script_order;
#[path = "hazards_html/scripts.rs"]
mod scripts;
#[path = "hazards_html/stream.rs"]
mod stream;

use http::{HeaderMap, HeaderName, HeaderValue};
use vitrine_edge::audit::{self, dom};
use vitrine_edge::html::passes::Config;
use vitrine_edge::html::{Limits, Outcome, PageFacts, Rewriter};

/// The beacon script's element, as it is inserted into a page without a policy.
const BEACON: &str = "<script src=\"/_v/rum/0123456789abcdef.js\" async data-k=\"1.dG9rZW4.c2ln\" data-v=\"inject_rum\"></script>";

/// The connection that [`every_pass`] inserts.
const CONNECTION: &str =
    "<link rel=\"preconnect\" href=\"https://cdn.example\" data-v=\"preconnect\">";

fn facts_with(headers: &[(&str, &str)]) -> PageFacts {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        map.append(
            HeaderName::from_bytes(name.as_bytes()).unwrap(),
            HeaderValue::from_str(value).unwrap(),
        );
    }
    map.entry("content-type")
        .or_insert(HeaderValue::from_static("text/html; charset=utf-8"));
    PageFacts {
        rum_token: Some("1.dG9rZW4.c2ln".into()),
        rum_script: "/_v/rum/0123456789abcdef.js",
        ..PageFacts::new("https://shop.example/p/1".parse().unwrap(), "product", map)
    }
}

/// Every pass at work: a blocking tag becomes `async`, a chat waits, images get a size.
fn every_pass() -> Config {
    serde_json::from_str(
        r#"{
            "third_party_scripts": {"rules": [
                {"match": "https://chat.example/*", "action": "idle"},
                {"match": "https://**", "action": "async"}
            ]},
            "size_images": {"rules": [{"selector": "img", "width": 6, "height": 8}]},
            "preconnect": {"origins": ["https://cdn.example"]}
        }"#,
    )
    .unwrap()
}

/// Only what inserts the beacon.
fn beacon_only() -> Config {
    Config {
        inject_rum: Config::default().inject_rum,
        ..Config::off()
    }
}

fn run(mut rewriter: Rewriter, input: &[u8], chunk: usize) -> (Vec<u8>, Rewriter) {
    let mut output = Vec::new();
    for piece in input.chunks(chunk.max(1)) {
        output.extend(rewriter.write(piece));
    }
    output.extend(rewriter.end());
    (output, rewriter)
}

fn rewrite_with(config: &Config, headers: &[(&str, &str)], input: &[u8]) -> Vec<u8> {
    run(
        Rewriter::new(config, facts_with(headers)),
        input,
        usize::MAX,
    )
    .0
}

/// Rewrites by every pass.
fn rewrite(input: &str) -> String {
    String::from_utf8(rewrite_with(&every_pass(), &[], input.as_bytes())).unwrap()
}

/// What became of one pass.
fn outcome(config: &Config, headers: &[(&str, &str)], input: &str, pass: &str) -> String {
    let rewriter = Rewriter::new(config, facts_with(headers));
    let (_, rewriter) = run(rewriter, input.as_bytes(), usize::MAX);
    outcome_of(&rewriter, pass)
}

/// The passes that changed something.
fn applied(rewriter: &Rewriter) -> Vec<&'static str> {
    let reports = rewriter.reports().into_iter();
    reports
        .filter(|report| matches!(report.outcome, Outcome::Applied(_)))
        .map(|report| report.pass)
        .collect()
}

fn outcome_of(rewriter: &Rewriter, pass: &str) -> String {
    let reports = rewriter.reports();
    match &reports.iter().find(|r| r.pass == pass).unwrap().outcome {
        Outcome::Applied(count) => format!("applied {count}"),
        Outcome::Skipped(reason) => reason.to_string(),
    }
}

#[track_caller]
fn untouched(headers: &[(&str, &str)], input: &[u8]) {
    for chunk in [1, 3, usize::MAX] {
        let rewriter = Rewriter::new(&every_pass(), facts_with(headers));
        let (output, rewriter) = run(rewriter, input, chunk);
        assert!(output == input, "{}", String::from_utf8_lossy(&output));
        let reports = rewriter.reports();
        assert!(
            reports
                .iter()
                .all(|r| matches!(r.outcome, Outcome::Skipped(_))),
            "{reports:?}"
        );
    }
}

fn with_memory(config: &Config, memory: usize) -> Rewriter {
    Rewriter::with_limits(config, facts_with(&[]), Limits { memory })
}
