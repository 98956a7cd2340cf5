//! What a beacon costs: the whole way from request to answer, over a store that costs nothing.
#![allow(
    clippy::unwrap_used,
    missing_docs,
    reason = "a bench fails by panicking"
)]

use bytes::Bytes;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use futures::executor::block_on;
use http::Request;
use vitrine_rum_collector::collect::{BrokenBody, Chunks, Collector, Host, Terms};
use vitrine_rum_collector::store::log::LogStore;
use vitrine_rum_collector::token::{self, Claims};
use vitrine_rum_collector::visitor::Visitor;

const NOW_MS: u64 = 1_795_521_600_000;

struct Still;

impl Host for Still {
    fn now_ms(&self) -> u64 {
        NOW_MS
    }

    fn record(&self, _line: &str) {}
}

struct Once(Option<Bytes>);

impl Chunks for Once {
    async fn chunk(&mut self) -> Result<Option<Bytes>, BrokenBody> {
        Ok(self.0.take())
    }
}

fn full_beacon() -> Bytes {
    let claims = Claims {
        site: "demo".into(),
        template: "product".into(),
        arms: vec!["holdback:treatment".into()],
        bucket: 77,
        weight: 1,
        issued_minute: NOW_MS / 60_000,
    };
    let token = token::mint(b"key", &claims);
    let body = format!(
        r#"{{"v":1,"k":"{token}","i":"z43xys3g62q6yb83","q":1,"t":8132,"n":"navigate","lcp":960,"fcp":720,"ttfb":462,
        "inp":88,"cls":0.253,"vw":412,"dm":8,"ect":"4g","la":"main>div>img.hero","lu":"/img/hero.jpg",
        "ls":[462,151,330,17],"ia":"button#buy","is":[8,60,20],"ca":"main>div.promo"}}"#
    );
    body.into()
}

fn collect(criterion: &mut Criterion) {
    let terms = Terms::load(
        r#"{"client_per_second":1000,"site_per_second":100000}"#,
        &[b"key"],
    );
    let store = LogStore::new(|_: &str| Ok(()));
    let visitor = Visitor::default();
    let mut group = criterion.benchmark_group("beacon");
    for (name, body) in [
        ("accepted", full_beacon()),
        ("refused", Bytes::from(vec![b'['; 8_192])),
    ] {
        group.throughput(Throughput::Bytes(body.len() as u64));
        group.bench_function(name, |bencher| {
            // Fresh now and then, so that the limits, on a clock that stands still, do not refuse.
            bencher.iter_batched_ref(
                Collector::default,
                |collector| {
                    let request = Request::post("/_v/b")
                        .header("content-type", "text/plain")
                        .header(
                            "user-agent",
                            "Mozilla/5.0 (Linux; Android 10; K) Chrome/140.0.0.0 Mobile",
                        )
                        .body(Once(Some(body.clone())))
                        .unwrap();
                    block_on(collector.respond(&Still, &store, &terms, &visitor, request))
                },
                criterion::BatchSize::SmallInput,
            );
        });
    }
    group.finish();
}

criterion_group!(benches, collect);
criterion_main!(benches);
