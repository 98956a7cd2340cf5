//! What rewriting keeps in memory, counted by the allocator. One test, because the counts are the process's.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use http::{HeaderMap, HeaderValue};
use peak_alloc::PeakAlloc;
use vitrine_edge::html::passes::Config;
use vitrine_edge::html::{PageFacts, Rewriter};

#[global_allocator]
static ALLOCATED: PeakAlloc = PeakAlloc;

const MIB: usize = 1 << 20;
/// What rewriting may hold beyond what there was before.
const BOUND: usize = 8 * MIB;
/// As the network delivers a page.
const CHUNK: usize = 16 << 10;

const HEAD: &str = "<!doctype html><html><head><meta charset=\"utf-8\"><title>T</title>\
                    <script src=\"https://tags.example/1.js\"></script></head><body>";
const CARD: &str =
    "<article class=\"card\"><a href=\"/p/1\"><img src=\"/m/1.jpg\" alt=\"One\"></a><p>";

fn rewriter() -> Rewriter {
    let config: Config = serde_json::from_str(
        r#"{
            "third_party_scripts": {"rules": [{"match": "https://tags.example/*", "action": "async"}]},
            "size_images": {"rules": [{"selector": ".card img", "width": 6, "height": 8}]},
            "preconnect": {"origins": ["https://cdn.example"]}
        }"#,
    )
    .unwrap();
    let mut headers = HeaderMap::new();
    headers.insert("content-type", HeaderValue::from_static("text/html"));
    let facts = PageFacts {
        rum_token: Some("1.dG9rZW4.c2ln".into()),
        rum_script: "/_v/rum/0123456789abcdef.js",
        ..PageFacts::new(
            "https://shop.example/p/1".parse().unwrap(),
            "product",
            headers,
        )
    };
    Rewriter::new(&config, facts)
}

/// Streams a page that is never whole in memory, and returns the bytes in, the bytes out, and the most that was
/// held on the way beyond what was held before.
fn stream<'a>(parts: impl Iterator<Item = &'a [u8]>) -> (usize, usize, usize) {
    // What is kept for every page, such as the vendors and the parsed selectors, is no page's.
    rewriter().write(HEAD.as_bytes());
    let idle = ALLOCATED.current_usage();
    ALLOCATED.reset_peak_usage();
    let mut rewriter = rewriter();
    let (mut read, mut sent) = (0, 0);
    for chunk in parts.flat_map(|part| part.chunks(CHUNK)) {
        read += chunk.len();
        sent += rewriter.write(chunk).len();
    }
    sent += rewriter.end().len();
    (read, sent, ALLOCATED.peak_usage().saturating_sub(idle))
}

/// H21
#[test]
fn h21_whatever_a_page_of_50_mb_holds_rewriting_it_stays_below_8_mib() {
    let card = format!("{CARD}{}</p></article>\n", "Thrown by hand. ".repeat(120));
    let attribute = format!("<img alt=\"{}\">", "x".repeat(MIB));
    let script = format!("<script>var x=\"{}\"</script>", "y".repeat(4 * MIB));
    let nested = "<div>".repeat(100_000);
    let flat = "<b>x</b>".repeat(100_000);
    let cases: [(&str, &str, usize); 5] = [
        ("50 MB of cards", &card, 50_000_000 / card.len()),
        ("attributes of 1 MB", &attribute, 3),
        ("an inline script of 4 MB", &script, 2),
        ("100,000 elements, each in the last", &nested, 1),
        ("100,000 elements in a row", &flat, 1),
    ];
    for (what, part, times) in cases {
        let parts = std::iter::once(HEAD).chain(std::iter::repeat_n(part, times));
        let (read, sent, held) = stream(parts.map(str::as_bytes));
        eprintln!("{what}: {read} bytes in, {sent} out, {held} held");
        assert!(
            sent > read,
            "{what}: the page comes out whole, and with what was inserted"
        );
        assert!(held < BOUND, "{what}: {held} bytes held");
    }
}
