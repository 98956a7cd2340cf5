//! Rewriting storefront pages in 4 KiB chunks, beside the parser alone and beside a loop that only copies; then
//! each registered pass by itself.
//!
//! `cargo bench -p vitrine-edge --bench rewrite`; `cargo xtask bench` fetches the pages of running shops first.

#![allow(missing_docs, reason = "the macro writes a function without")]

mod storefront;

use std::path::Path;
use std::rc::Rc;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use serde_json::Value;
use storefront::{facts, hints, pages, rewrite, subjects};
use vitrine_edge::html::PageFacts;
use vitrine_edge::html::passes::{Config, NAMES};

fn whole(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("rewrite");
    for (name, page) in pages() {
        group.throughput(Throughput::Bytes(page.len() as u64));
        for (subject, work) in subjects() {
            let id = BenchmarkId::new(subject, format!("{name}-{}KB", page.len() >> 10));
            group.bench_function(id, |b| b.iter(|| work(&page)));
        }
    }
    group.finish();
}

/// Each pass alone on the built-in page, as its first page case sets it up.
fn passes(criterion: &mut Criterion) {
    let (_, page) = pages().swap_remove(0);
    let mut group = criterion.benchmark_group("pass");
    group.throughput(Throughput::Bytes(page.len() as u64));
    for pass in NAMES {
        let (config, facts) = first_case(pass);
        group.bench_function(*pass, |b| b.iter(|| rewrite(&config, facts.clone(), &page)));
    }
    group.finish();
}

fn first_case(pass: &str) -> (Config, PageFacts) {
    let cases = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/pages")
        .join(pass);
    let entries = std::fs::read_dir(&cases).expect("a pass has page cases");
    let case = entries.map(|entry| entry.expect("an entry").path()).min();
    let text = std::fs::read_to_string(case.expect("a case").join("case.json")).expect("case.json");
    let mut case: Value = serde_json::from_str(&text).expect("JSON");
    let mut config = serde_json::to_value(Config::off()).expect("options are JSON");
    config[pass] = case["options"].take();
    let mut facts = facts(&Rc::new(hints()));
    if let hints @ Value::Object(_) = case["hints"].take() {
        facts.hints = Some(Rc::new(serde_json::from_value(hints).expect("hints")));
    }
    (serde_json::from_value(config).expect("options"), facts)
}

criterion_group!(rewriting, whole, passes);
criterion_main!(rewriting);
