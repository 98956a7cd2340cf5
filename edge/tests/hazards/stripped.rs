//! H69, H70: an original that stays is sent without its metadata.

use http::Response;
use vitrine_edge::platform::Service;
use vitrine_edge::testing::{Fake, FakeBody, Seen, Whole};

use super::support::{REWRITES, app, get, response};

const AVIF: (&str, &str) = ("accept", "image/avif,image/webp,*/*;q=0.8");
const WEBP: (&str, &str) = ("accept", "image/webp,*/*;q=0.8");
const OLD: (&str, &str) = ("accept", "image/png,*/*;q=0.5");
const LONG: (&str, &str) = ("cache-control", "public, max-age=31536000");

fn original() -> Vec<u8> {
    vec![7; 20_000]
}

/// A shop whose picture has 500 bytes of metadata, and cannot be made smaller: for the reason that is given.
fn shop(reason: fn(&Seen) -> &'static str) -> Fake {
    Fake::new(move |seen| {
        Ok(match seen.service {
            Service::Origin => shops(),
            Service::Optimizer => stays(seen, reason(seen)),
        })
    })
}

fn shops() -> Response<FakeBody> {
    let headers = [("content-type", "image/jpeg"), ("etag", "\"o\""), LONG];
    response(200, &headers, original())
}

fn stays(seen: &Seen, reason: &'static str) -> Response<FakeBody> {
    let headers = [
        ("content-type", "image/jpeg"),
        ("x-vitrine-recipe", "strip"),
        ("x-vitrine-skip", reason),
    ];
    response(200, &headers, seen.body[500..].to_vec())
}

fn send(fake: &Fake, headers: &[(&'static str, &str)]) -> Whole {
    fake.send(&app(REWRITES), get("/img/7.jpg", headers))
}

#[test]
fn h69_an_original_that_stays_is_sent_without_its_metadata_and_says_why() {
    let fake = shop(|_| "not-smaller");
    assert_eq!(send(&fake, &[AVIF]).body, original(), "nobody waits");
    let kept = send(&fake, &[AVIF]);
    assert_eq!(kept.body.len(), 19_500);
    assert_eq!(
        kept.header("x-vitrine"),
        "image; class=avif; hit; reason=original: not-smaller, stripped 500 bytes"
    );
    assert_eq!(kept.header("cache-control"), LONG.1);
    assert_eq!(kept.header("x-vitrine-skip"), "", "ours to know");
    assert_ne!(kept.header("etag"), "\"o\"", "other bytes, another name");
    let again = send(&fake, &[AVIF, ("if-none-match", kept.header("etag"))]);
    assert_eq!(again.status, 304);
    let lines = fake.lines();
    let encode = lines.iter().find(|line| line.contains("\"encode\""));
    let encode = encode.expect("the optimizer's work has a line of its own");
    for said in ["not-smaller, stripped 500 bytes", "20000", "19500"] {
        assert!(encode.contains(said), "{encode}");
    }
}

#[test]
fn h69_every_class_has_the_same_file_stored_once_and_its_own_reason() {
    let fake = shop(|seen| match seen.headers["x-vitrine-to"].to_str() {
        Ok("avif") => "below-quality",
        _ => "already-compressed",
    });
    let mut tags = Vec::new();
    for (accept, reason) in [
        (AVIF, "avif; hit; reason=original: below-quality"),
        (WEBP, "webp; hit; reason=original: already-compressed"),
        (OLD, "same; hit; reason=original: already-compressed"),
    ] {
        send(&fake, &[accept]);
        let kept = send(&fake, &[accept]);
        assert_eq!(
            kept.header("x-vitrine"),
            format!("image; class={reason}, stripped 500 bytes")
        );
        tags.push(kept.header("etag").to_owned());
    }
    tags.dedup();
    assert_eq!(tags.len(), 1);
    fake.with_cache(|cache| {
        let large = cache.iter().filter(|(_, value)| value.len() > 15_000);
        assert_eq!(large.count(), 2, "the shop's file and the stripped one");
    });
}

#[test]
fn h69_a_stripped_file_that_the_store_has_lost_is_made_again() {
    let fake = shop(|_| "not-smaller");
    send(&fake, &[AVIF]);
    fake.with_cache(|cache| cache.retain(|key, _| !key.contains("stripped")));
    // Until then, it is taken to be in the making.
    fake.pass_ms(120_000);
    assert_eq!(send(&fake, &[AVIF]).body, original());
    assert_eq!(send(&fake, &[AVIF]).body.len(), 19_500);
    assert_eq!(fake.seen_by(Service::Optimizer), 2);
}

#[test]
fn h74_a_part_of_a_stripped_file_is_a_part_of_one_file() {
    let fake = shop(|_| "not-smaller");
    send(&fake, &[AVIF]);
    let kept = send(&fake, &[AVIF]);
    let range = ("range", "bytes=19600-19999");
    let part = send(&fake, &[AVIF, range]);
    assert_eq!((part.status.as_u16(), part.body.len()), (206, 400));
    assert_eq!(part.header("etag"), "\"o\"");
    let of_kept = [
        AVIF,
        ("range", "bytes=19400-"),
        ("if-range", kept.header("etag")),
    ];
    assert_eq!(send(&fake, &of_kept).body.len(), 100);
}

/// While a visitor waits, the original without its metadata is an answer, but none to keep: what nobody waits for may be
/// a better one.
#[test]
fn h73_a_stripped_first_answer_is_for_this_once() {
    let fake = Fake::new(|seen| {
        Ok(match seen.service {
            Service::Origin => shops(),
            Service::Optimizer if seen.headers["x-vitrine-effort"] == "first" => {
                stays(seen, "too-slow")
            }
            Service::Optimizer => response(200, &[("content-type", "image/avif")], vec![1; 5_000]),
        })
    });
    fake.set_capabilities(|capabilities| capabilities.deadlines = true);
    let first = send(&fake, &[AVIF]);
    assert_eq!(first.body.len(), 19_500);
    assert_eq!(first.header("cache-control"), "no-store");
    assert_eq!(
        first.header("x-vitrine"),
        "image; class=avif; miss; reason=original: too-slow, stripped 500 bytes"
    );
    let second = send(&fake, &[AVIF]);
    assert_eq!(
        (second.header("content-type"), second.body.len()),
        ("image/avif", 5_000)
    );
    assert_eq!(second.header("cache-control"), LONG.1);
}
