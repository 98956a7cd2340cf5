//! Every file of the hostile set ends in a smaller file or in a reason, within little time and memory. Hazard H72.
//!
//! One test, because memory is counted for the process. Time is the processor's for this thread, which does not grow
//! with what else the machine does.
#![allow(
    clippy::panic,
    clippy::unwrap_used,
    reason = "helpers of tests stop the test"
)]

use std::collections::{BTreeMap, HashSet};

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use peak_alloc::PeakAlloc;
use vitrine_optimizer::respond;

#[path = "../examples/hostile_set/main.rs"]
mod hostile_set;

use hostile_set::Hostile;

#[global_allocator]
static ALLOCATED: PeakAlloc = PeakAlloc;

/// What the optimizer may take beside the file itself: bar 3 of hostile input.
const MEMORY: usize = 80 * 1000 * 1000;
/// What it may take to refuse a file whose header tells, in milliseconds.
const TIME_MS: u64 = 50;
/// Every reason that stands in `x-vitrine-skip` for a picture.
const REASONS: [&str; 18] = [
    "not-smaller",
    "too-many-pixels",
    "too-large",
    "unsupported",
    "animated",
    "too-many-frames",
    "corrupt",
    "wide-gamut-unconverted",
    "gain-map",
    "resolution",
    "tiny",
    "graphic",
    "below-quality",
    "cmyk",
    "sixteen-bit",
    "already-compressed",
    "too-slow",
    "encoder-failed",
];

/// What one request took.
struct Took {
    response: Response<Bytes>,
    memory: usize,
    cpu_ms: u64,
}

fn ask(file: &Hostile, target: &str, width: Option<&str>) -> Took {
    let mut request = Request::post("/encode")
        // What a server says of it is not believed.
        .header("content-type", "image/png")
        .header("x-vitrine-effort", "first")
        .header("x-vitrine-to", target);
    if let Some(width) = width {
        request = request.header("x-vitrine-width", width);
    }
    let request = request.body(Bytes::from(file.bytes.clone())).unwrap();
    let before = ALLOCATED.current_usage();
    ALLOCATED.reset_peak_usage();
    let begin = cpu_ms();
    let response = respond(&request);
    Took {
        response,
        memory: ALLOCATED.peak_usage() - before,
        cpu_ms: cpu_ms() - begin,
    }
}

/// Milliseconds for which this thread has run, as the kernel counts them; nought where it does not say.
fn cpu_ms() -> u64 {
    let said = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanoseconds = said.split(' ').next().and_then(|first| first.parse().ok());
    nanoseconds.unwrap_or(0) / 1_000_000
}

fn reason(response: &Response<Bytes>) -> &str {
    let skip = response.headers().get("x-vitrine-skip");
    skip.map_or("", |skip| skip.to_str().unwrap())
}

/// The name of how it ended. Anything but a smaller file or a known reason is a failure.
fn end(file: &Hostile, took: &Took) -> String {
    let response = &took.response;
    let name = format!("{}: {}", file.kind, file.name);
    assert!(took.memory < MEMORY, "{name}: {} bytes", took.memory);
    match response.status() {
        StatusCode::NO_CONTENT => {
            assert!(response.body().is_empty(), "{name}");
            let reason = reason(response);
            assert!(REASONS.contains(&reason), "{name}: {reason}");
            reason.to_owned()
        }
        StatusCode::OK => {
            let body = response.body();
            assert!(!body.is_empty() && body.len() < file.bytes.len(), "{name}");
            for second in [
                b"<script".as_slice(),
                b"<?php",
                b"PK\x03\x04",
                b"GPS-SECRET-PLACE",
            ] {
                let carried = body.windows(second.len()).any(|window| window == second);
                assert!(!carried, "{name} carries {}", second.escape_ascii());
            }
            match reason(response) {
                "" => "smaller".to_owned(),
                reason => {
                    assert!(REASONS.contains(&reason), "{name}: {reason}");
                    reason.to_owned()
                }
            }
        }
        status => panic!("{name}: {status}"),
    }
}

#[test]
fn h72_every_file_of_the_hostile_set_ends_in_a_smaller_file_or_a_reason() {
    let files = hostile_set::files();
    let different: HashSet<&[u8]> = files.iter().map(|file| file.bytes.as_slice()).collect();
    assert!(
        different.len() >= 300,
        "{} different files",
        different.len()
    );
    let mut ends = BTreeMap::new();
    let (mut most_memory, mut longest, mut longest_told) = (0, 0, 0);
    for file in &files {
        // The widths are those of the image route: what is made smaller is decoded whole first.
        for (target, width) in [
            ("same", None),
            ("same", Some("32")),
            ("webp", Some("32")),
            ("avif", Some("32")),
        ] {
            let took = ask(file, target, width);
            let end = end(file, &took);
            most_memory = most_memory.max(took.memory);
            longest = longest.max(took.cpu_ms);
            if let Some(expected) = file.told.filter(|_| width.is_none()) {
                let name = format!("{}: {}", file.kind, file.name);
                assert!(expected.contains(&end.as_str()), "{name}: {end}");
                // The kernel counts in steps of its clock, and a busy neighbour takes the caches: of two times the lesser.
                let again = || ask(file, target, width).cpu_ms;
                let cpu_ms = if took.cpu_ms < TIME_MS {
                    took.cpu_ms
                } else {
                    took.cpu_ms.min(again())
                };
                longest_told = longest_told.max(cpu_ms);
                assert!(cpu_ms < TIME_MS, "{name}: {cpu_ms} ms");
            }
            *ends.entry((file.kind, end)).or_insert(0) += 1;
        }
    }
    println!(
        "{} files: at most {most_memory} bytes, {longest_told} ms where the header tells, {longest} ms elsewhere; {ends:?}",
        files.len()
    );
    // The set is no set if it is all refused at the door, or all let in.
    let count = |end: &str| {
        ends.iter()
            .filter(|((_, name), _)| name == end)
            .map(|(_, count)| count)
            .sum::<usize>()
    };
    assert!(count("smaller") >= 50, "{ends:?}");
    assert!(count("corrupt") >= 50, "{ends:?}");
    assert!(count("too-many-pixels") >= 50, "{ends:?}");
}
