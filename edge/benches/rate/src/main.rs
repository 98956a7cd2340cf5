//! Megabytes per second of rewriting, as JSON: the same program natively and inside wasm.
//!
//! `cargo xtask bench` builds it for both and runs them in turns.

#![allow(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a program of its own that measures time and prints it"
)]

#[path = "../../storefront/mod.rs"]
mod storefront;

use std::time::{Duration, Instant};

use storefront::{copy, every_pass, page, rewrite, rum_only};

/// Long enough to level out what else the machine does.
const EACH: Duration = Duration::from_millis(1500);

fn main() {
    let page = page();
    let (rum, every) = (rum_only(), every_pass());
    let rates = serde_json::json!({
        "page_bytes": page.len(),
        "copy": rate(page.len(), || copy(&page)),
        "inject_rum": rate(page.len(), || rewrite(&rum, &page)),
        "every_pass": rate(page.len(), || rewrite(&every, &page)),
    });
    println!("{rates}");
}

/// Megabytes of page per second.
fn rate(bytes: usize, mut work: impl FnMut() -> usize) -> f64 {
    work();
    let begun = Instant::now();
    let mut done = 0;
    while begun.elapsed() < EACH {
        assert!(work() >= bytes, "the page comes out whole");
        done += bytes;
    }
    (done as f64 / begun.elapsed().as_secs_f64() / 1e4).round() / 100.0
}
