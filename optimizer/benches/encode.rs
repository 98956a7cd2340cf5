//! Seconds per megapixel of every engine, and of the header check alone, on one generated photograph.

#![allow(
    missing_docs,
    reason = "criterion's macros write undocumented functions"
)]

#[path = "../tests/common/mod.rs"]
mod common;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use vitrine_optimizer::{Effort, Job, Quality, Skip, Target, encode};

fn engines(criterion: &mut Criterion) {
    let (width, height) = (640, 480);
    let jpeg = common::photo_jpeg(width, height);
    let png = common::png(&common::photo(width, height).into());
    let mut group = criterion.benchmark_group("encode");
    group.sample_size(10);
    group.throughput(Throughput::Elements(u64::from(width * height)));
    for (name, source, target, effort) in [
        ("jpeg_to_avif_first", &jpeg, Target::Avif, Effort::First),
        ("jpeg_to_avif_refined", &jpeg, Target::Avif, Effort::Refined),
        ("jpeg_to_webp", &jpeg, Target::WebP, Effort::First),
        ("jpeg_to_jpeg", &jpeg, Target::Same, Effort::First),
        ("png_to_png", &png, Target::Same, Effort::First),
    ] {
        let job = Job {
            target,
            effort,
            quality: Quality::default(),
            width: None,
            crop: None,
        };
        group.bench_function(name, |bencher| bencher.iter(|| encode(source, &job)));
    }
    group.finish();
}

/// The baseline: what every file costs that is left alone.
fn refusals(criterion: &mut Criterion) {
    let animated = common::with_chunk(
        &common::png(&common::photo(640, 480).into()),
        *b"acTL",
        &[0, 0, 0, 2, 0, 0, 0, 0],
    );
    let job = common::job(Target::Avif, 75);
    assert_eq!(encode(&animated, &job), Err(Skip::Animated));
    let mut group = criterion.benchmark_group("refuse");
    group.throughput(Throughput::Bytes(animated.len() as u64));
    group.bench_function("animated_png", |bencher| {
        bencher.iter(|| encode(&animated, &job));
    });
    group.finish();
}

criterion_group!(benches, engines, refusals);
criterion_main!(benches);
