//! Bytes per second of rewriting a storefront page, beside a loop that only copies.
//!
//! `cargo bench -p vitrine-edge --bench rewrite`

#![allow(missing_docs, reason = "the macro writes a function without")]

mod storefront;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use storefront::{copy, every_pass, page, rewrite, rum_only};
use vitrine_edge::html::passes::Config;

fn benches(criterion: &mut Criterion) {
    let page = page();
    let rum_only = rum_only();
    let mut group = criterion.benchmark_group("rewrite");
    group.throughput(Throughput::Bytes(page.len() as u64));
    let id = |what: &str| BenchmarkId::new(what, format!("{}KB", page.len() >> 10));
    group.bench_function(id("copy"), |b| b.iter(|| copy(&page)));
    group.bench_function(id("all_passes_off"), |b| {
        b.iter(|| rewrite(&Config::off(), &page));
    });
    group.bench_function(id("inject_rum"), |b| b.iter(|| rewrite(&rum_only, &page)));
    let config = every_pass();
    group.bench_function(id("every_pass"), |b| b.iter(|| rewrite(&config, &page)));
    group.finish();
}

criterion_group!(rewriting, benches);
criterion_main!(rewriting);
