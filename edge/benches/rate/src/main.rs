//! What a page costs, as JSON: the same program natively and inside wasm.
//!
//! `cargo xtask bench` builds it for both and runs them in turns. `vitrine-rewrite-rate [SUBJECT [PAGE]]` measures
//! one, under a profiler for instance.

#![allow(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a program of its own that measures time and prints it"
)]

#[path = "../../storefront/mod.rs"]
mod storefront;

use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};
use storefront::{pages, subjects};

/// How long each subject is measured on each page.
const EACH: Duration = Duration::from_millis(500);
/// A subject's time is cut into this many turns, so that a busy moment of the machine does not meet one alone.
const TURNS: u32 = 10;

fn main() {
    let mut subjects = subjects();
    let mut pages = pages();
    let mut only = std::env::args().skip(1);
    if let Some(only) = only.next() {
        subjects.retain(|(name, _)| *name == only);
    }
    if let Some(only) = only.next() {
        pages.retain(|(name, _)| *name == only);
    }
    let mut report = Map::new();
    for (name, page) in pages {
        let mut best = vec![Duration::MAX; subjects.len()];
        for _ in 0..TURNS {
            for ((_, subject), best) in subjects.iter().zip(&mut best) {
                *best = fastest(EACH / TURNS, || {
                    assert!(subject(&page) >= page.len(), "whole")
                })
                .min(*best);
            }
        }
        let micros = subjects.iter().zip(best);
        let micros = micros.map(|((subject, _), best)| ((*subject).to_owned(), rounded(best)));
        report.insert(
            name,
            json!({"page_bytes": page.len(), "microseconds": micros.collect::<Map<_, _>>()}),
        );
    }
    println!("{}", Value::Object(report));
}

/// The shortest time that the work took: what else the machine does only ever adds.
fn fastest(time: Duration, mut work: impl FnMut()) -> Duration {
    let begun = Instant::now();
    let mut best = Duration::MAX;
    while begun.elapsed() < time {
        let once = Instant::now();
        work();
        best = best.min(once.elapsed());
    }
    best
}

fn rounded(time: Duration) -> Value {
    json!((time.as_secs_f64() * 1e7).round() / 10.0)
}
