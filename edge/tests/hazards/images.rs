//! H68, H69, H73 to H75: better bytes at the image's own URL.

use bytes::Bytes;
use http::Response;
use vitrine_edge::platform::Service;
use vitrine_edge::testing::{Fake, FakeBody, Gate, Seen, Step, Whole, run};

use super::support::{REWRITES, all, app, get, response};

const AVIF: [(&str, &str); 1] = [("accept", "image/avif,image/webp,image/apng,*/*;q=0.8")];
const OLD: [(&str, &str); 1] = [("accept", "image/png,image/*;q=0.8,*/*;q=0.5")];

fn original() -> Vec<u8> {
    (0..20_000u32).map(|n| (n % 251) as u8).collect()
}

fn jpeg(headers: &[(&'static str, &str)]) -> Response<FakeBody> {
    let mut all = vec![
        ("content-type", "image/jpeg"),
        ("content-length", "20000"),
        ("etag", "\"o\""),
    ];
    all.extend_from_slice(headers);
    response(200, &all, FakeBody::in_pieces(&original(), 4096))
}

/// An optimizer whose AVIF is a quarter, and whose JPEG is half, of the original.
fn optimizer(seen: &Seen) -> Response<FakeBody> {
    assert_eq!(seen.uri, "/encode");
    assert_eq!(seen.headers["content-type"], "image/jpeg");
    let (kind, bytes) = match seen.headers["x-vitrine-to"].to_str().unwrap() {
        "avif" => ("image/avif", vec![b'a'; seen.body.len() / 4]),
        _ => ("image/jpeg", vec![b'j'; seen.body.len() / 2]),
    };
    response(
        200,
        &[("content-type", kind), ("x-vitrine-recipe", "test;q=60")],
        bytes,
    )
}

fn shop(headers: &'static [(&'static str, &str)]) -> Fake {
    Fake::new(move |seen| {
        Ok(match seen.service {
            Service::Origin => jpeg(headers),
            Service::Optimizer => optimizer(seen),
        })
    })
}

const FRESH: &[(&str, &str)] = &[("cache-control", "max-age=60")];

fn send(fake: &Fake, headers: &[(&'static str, &str)]) -> Whole {
    fake.send(&app(REWRITES), get("/img/7.jpg", headers))
}

/// A picture at a width: the original until there is one, then the optimizer's, at the next width on the list.
#[test]
fn an_image_at_a_width_is_the_original_first_and_then_the_smaller_one() {
    let fake = Fake::new(move |seen| {
        Ok(match seen.service {
            Service::Origin => {
                assert_eq!(seen.uri, "/img/7.jpg?v=2");
                jpeg(FRESH)
            }
            Service::Optimizer => {
                let width = seen.headers.get("x-vitrine-width");
                let size = width.map_or(9_000, |width| {
                    width.to_str().unwrap().parse::<usize>().unwrap()
                });
                response(200, &[("content-type", "image/avif")], vec![b'w'; size])
            }
        })
    });
    let send = |path: &str| fake.send(&app(REWRITES), get(path, &AVIF));
    let first = send("/_v/i/w600/img/7.jpg?v=2");
    assert_eq!(first.body, original());
    for (path, length) in [
        ("/_v/i/w600/img/7.jpg?v=2", 640),
        ("/_v/i/w640/img/7.jpg?v=2", 640),
        ("/_v/i/w900/img/7.jpg?v=2", 20_000),
        ("/_v/i/w900/img/7.jpg?v=2", 960),
        ("/img/7.jpg?v=2", 20_000),
        ("/img/7.jpg?v=2", 9_000),
    ] {
        assert_eq!(send(path).body.len(), length, "{path}");
    }
    assert_eq!(
        send("/_v/i/w640/img/7.jpg?v=2").header("x-robots-tag"),
        "noindex"
    );
    assert_eq!(
        fake.seen_by(Service::Origin),
        1,
        "every width is made from one original"
    );
}

/// H49: only pictures of the shop, and nothing sacred, have widths.
#[test]
fn h49_no_other_host_and_no_page_is_reached_through_the_image_route() {
    let fake = shop(FRESH);
    for path in [
        "/_v/i/w640//evil.example/a.jpg",
        "/_v/i/w640/checkout/a.jpg",
        "/_v/i/w640/account",
        "/_v/i/w640/_v/explain",
        "/_v/i/w640/_v/i/w640/a.jpg",
        "/_v/i/w640",
        "/_v/i/wide/a.jpg",
    ] {
        assert_eq!(
            fake.send(&app(REWRITES), get(path, &AVIF)).status,
            404,
            "{path}"
        );
    }
    assert_eq!(fake.seen_by(Service::Origin), 0);
}

#[test]
fn h68_each_class_gets_its_own_format_under_one_url_and_says_so() {
    let fake = shop(FRESH);
    send(&fake, &AVIF);
    send(&fake, &OLD);
    for _ in 0..2 {
        let new = send(&fake, &AVIF);
        assert_eq!(
            (new.header("content-type"), new.body.len()),
            ("image/avif", 5_000)
        );
        assert_eq!(new.header("x-vitrine"), "image; class=avif; hit");
        let old = send(&fake, &OLD);
        assert_eq!(
            (old.header("content-type"), old.body.len()),
            ("image/jpeg", 10_000)
        );
        assert_ne!(new.header("etag"), old.header("etag"));
        for whole in [&new, &old] {
            assert_eq!(all(whole, "vary"), ["Accept", "Save-Data"]);
            assert_eq!(whole.header("content-length"), whole.body.len().to_string());
        }
    }
    assert_eq!(fake.seen_by(Service::Origin), 1);
    assert_eq!(fake.seen_by(Service::Optimizer), 2);
}

#[test]
fn h68_the_class_is_what_counts_and_a_refusal_is_one() {
    let fake = shop(FRESH);
    send(&fake, &AVIF);
    for same in [
        "image/avif",
        "text/html, IMAGE/AVIF;q=0.5",
        "image/webp,image/avif;q=1.0,*/*",
    ] {
        assert_eq!(
            send(&fake, &[("accept", same)]).header("content-type"),
            "image/avif",
            "{same}"
        );
    }
    for other in [
        "image/avif;q=0",
        "image/*",
        "*/*",
        "image/webp",
        "image/avifx",
    ] {
        assert_eq!(
            send(&fake, &[("accept", other)]).header("content-type"),
            "image/jpeg",
            "{other}"
        );
    }
    assert_eq!(
        fake.seen_by(Service::Optimizer),
        3,
        "three classes, however Accept is written"
    );
}

#[test]
fn h75_a_client_that_says_nothing_gets_the_original_format() {
    let fake = shop(FRESH);
    send(&fake, &AVIF);
    let plain = send(&fake, &[]);
    assert_eq!(plain.header("content-type"), "image/jpeg");
}

#[test]
fn h73_the_first_request_gets_the_original_as_it_comes_and_nothing_waits_for_the_encoder() {
    let gate = Gate::default();
    let held = gate.clone();
    let fake = Fake::new(move |seen| {
        Ok(match seen.service {
            Service::Optimizer => optimizer(seen),
            Service::Origin => {
                let body = original();
                let piece = |range: std::ops::Range<usize>| {
                    Step::Piece(Bytes::copy_from_slice(&body[range]))
                };
                let steps = [piece(0..100), Step::Wait(held.clone()), piece(100..20_000)];
                jpeg(FRESH).map(|_| FakeBody::of(steps))
            }
        })
    });
    let mut answer = fake.begin(&app(REWRITES), get("/img/7.jpg", &AVIF));
    assert_eq!(answer.headers()["etag"], "\"o\"");
    assert_eq!(answer.headers()["content-length"], "20000");
    let first = run(answer.body_mut().chunk()).unwrap().unwrap();
    assert_eq!(
        first,
        original()[..100],
        "the first piece is here before the origin sent the second"
    );
    gate.open();
    let mut rest = Vec::new();
    while let Some(piece) = run(answer.body_mut().chunk()).unwrap() {
        rest.extend_from_slice(&piece);
    }
    assert_eq!(rest, original()[100..]);
    assert_eq!(
        fake.seen_by(Service::Optimizer),
        0,
        "the response is done and nothing was encoded for it"
    );
    fake.settle();
    assert_eq!(fake.seen_by(Service::Optimizer), 1);
}

#[test]
fn h73_a_storm_of_requests_encodes_once() {
    let fake = shop(FRESH);
    let answers: Vec<_> = (0..20)
        .map(|_| fake.begin(&app(REWRITES), get("/img/7.jpg", &AVIF)))
        .collect();
    for mut answer in answers {
        while run(answer.body_mut().chunk()).unwrap().is_some() {}
    }
    fake.settle();
    assert_eq!(fake.seen_by(Service::Optimizer), 1);
}

#[test]
fn h74_images_that_say_so_are_left_as_they_are() {
    let left: [&'static [(&'static str, &str)]; 9] = [
        &[("cache-control", "max-age=60, no-transform")],
        &[
            ("cache-control", "max-age=60"),
            ("cf-polished", "origSize=1"),
        ],
        &[
            ("cache-control", "max-age=60"),
            ("vary", "Accept, User-Agent"),
        ],
        &[
            ("cache-control", "max-age=60"),
            ("content-disposition", "inline; filename=a.jpg"),
        ],
        &[("cache-control", "private, max-age=60")],
        &[("cache-control", "no-store")],
        &[("cache-control", "max-age=60"), ("set-cookie", "a=1")],
        &[
            ("cache-control", "max-age=60"),
            ("content-encoding", "gzip"),
        ],
        &[],
    ];
    for headers in left {
        let fake = shop(headers);
        for _ in 0..2 {
            let whole = send(&fake, &AVIF);
            assert_eq!(whole.body, original(), "{headers:?}");
            assert_eq!(whole.header("content-type"), "image/jpeg");
            assert_eq!(whole.header("etag"), "\"o\"");
            assert!(!all(&whole, "vary").contains(&"Accept"), "{headers:?}");
        }
        assert_eq!(fake.seen_by(Service::Optimizer), 0, "{headers:?}");
    }
    let signed = shop(FRESH);
    for _ in 0..2 {
        let path = "/img/7.jpg?X-Amz-Signature=abc&X-Amz-Expires=60";
        assert_eq!(
            signed.send(&app(REWRITES), get(path, &AVIF)).body,
            original()
        );
    }
    assert_eq!(signed.seen_by(Service::Optimizer), 0);
}

#[test]
fn h74_a_range_comes_from_one_representation() {
    let fake = shop(FRESH);
    let first = send(&fake, &[AVIF[0], ("range", "bytes=0-9")]);
    assert_eq!(
        first.body,
        original(),
        "the origin ignored the range, and so may we"
    );
    send(&fake, &AVIF);
    let variant = send(&fake, &AVIF);
    let part = send(&fake, &[AVIF[0], ("range", "bytes=10-19")]);
    assert_eq!(
        (part.status.as_u16(), &part.body[..]),
        (206, &original()[10..20])
    );
    assert_eq!(part.header("content-type"), "image/jpeg");
    let etag = variant.header("etag").to_owned();
    let resumed = send(
        &fake,
        &[AVIF[0], ("range", "bytes=10-19"), ("if-range", &etag)],
    );
    assert_eq!(
        (resumed.status.as_u16(), &resumed.body[..]),
        (206, &variant.body[10..20])
    );
    assert_eq!(resumed.header("content-type"), "image/avif");
}

#[test]
fn without_a_smaller_variant_the_original_stays_and_is_not_tried_again() {
    type Optimizer = fn() -> Response<FakeBody>;
    let answers: [(Optimizer, &str); 4] = [
        (
            || response(204, &[("x-vitrine-skip", "too-many-pixels")], ""),
            "too-many-pixels",
        ),
        (
            || response(200, &[("content-type", "image/avif")], vec![0; 20_000]),
            "not-smaller",
        ),
        (|| response(502, &[], "trap"), "error: status 502"),
        (
            || {
                let steps = [Step::Piece(Bytes::from_static(b"half")), Step::Break];
                response(200, &[("content-type", "image/avif")], FakeBody::of(steps))
            },
            "error: the body broke off: reset by the test",
        ),
    ];
    for (answer, reason) in answers {
        let fake = Fake::new(move |seen| {
            Ok(match seen.service {
                Service::Origin => jpeg(FRESH),
                Service::Optimizer => answer(),
            })
        });
        for _ in 0..4 {
            assert_eq!(send(&fake, &AVIF).body, original());
        }
        let whole = send(&fake, &AVIF);
        assert_eq!(
            whole.header("x-vitrine"),
            format!("image; class=avif; hit; reason=original: {reason}")
        );
        assert_eq!(fake.seen_by(Service::Optimizer), 1, "{reason}");
        assert_eq!(fake.seen_by(Service::Origin), 1, "{reason}");
        fake.pass_ms(600_000);
        send(&fake, &AVIF);
        let again = if reason.starts_with("error") { 2 } else { 1 };
        assert_eq!(fake.seen_by(Service::Optimizer), again, "{reason}");
    }
}

#[test]
fn a_small_image_is_not_worth_an_encode() {
    let fake = Fake::new(|seen| {
        assert_eq!(seen.service, Service::Origin);
        Ok(response(
            200,
            &[
                ("content-type", "image/png"),
                ("cache-control", "max-age=60"),
            ],
            vec![1; 500],
        ))
    });
    for _ in 0..3 {
        assert_eq!(
            fake.send(&app(REWRITES), get("/i.png", &AVIF)).body.len(),
            500
        );
    }
}

#[test]
fn an_image_that_was_fetched_anew_and_has_not_changed_keeps_its_variants() {
    let fake = shop(FRESH);
    send(&fake, &AVIF);
    fake.pass_ms(61_000);
    fake.script(|seen| {
        Ok(match seen.service {
            Service::Origin => response(304, FRESH, ""),
            Service::Optimizer => optimizer(seen),
        })
    });
    assert_eq!(
        send(&fake, &AVIF).header("x-vitrine"),
        "image; class=avif; stale"
    );
    assert_eq!(
        send(&fake, &AVIF).header("x-vitrine"),
        "image; class=avif; hit"
    );
    assert_eq!(fake.seen_by(Service::Optimizer), 1);
}

#[test]
fn a_visitor_who_reloads_gets_the_variant_that_the_origin_confirmed() {
    let fake = shop(FRESH);
    send(&fake, &AVIF);
    fake.pass_ms(10_000);
    fake.script(|seen| {
        assert_eq!(seen.headers["if-none-match"], "\"o\"");
        Ok(response(304, FRESH, ""))
    });
    let whole = send(&fake, &[AVIF[0], ("cache-control", "no-cache")]);
    assert_eq!(whole.header("x-vitrine"), "image; class=avif; revalidated");
    assert_eq!(
        (whole.header("content-type"), whole.body.len()),
        ("image/avif", 5_000)
    );
}

#[test]
fn an_original_that_the_store_has_lost_is_fetched_again() {
    let fake = shop(FRESH);
    send(&fake, &OLD);
    fake.with_cache(|cache| cache.retain(|key, _| key.starts_with("v1:i:")));
    let whole = send(&fake, &OLD);
    assert_eq!(whole.body, original());
    assert_eq!(fake.seen_by(Service::Origin), 2);
    assert!(
        !fake.seen()[2].headers.contains_key("if-none-match"),
        "a 304 would be of no use"
    );
}

#[test]
fn an_image_that_changed_gets_new_variants() {
    let fake = shop(FRESH);
    send(&fake, &AVIF);
    fake.pass_ms(61_000);
    fake.script(|seen| {
        Ok(match seen.service {
            Service::Origin => response(
                200,
                &[("content-type", "image/jpeg"), FRESH[0]],
                vec![7; 40_000],
            ),
            Service::Optimizer => optimizer(seen),
        })
    });
    assert_eq!(
        send(&fake, &AVIF).body.len(),
        5_000,
        "stale, while the new one is fetched"
    );
    assert_eq!(
        send(&fake, &AVIF).body.len(),
        10_000,
        "a quarter of the new one"
    );
}

#[test]
fn with_images_off_an_image_is_a_cached_asset() {
    let fake = shop(FRESH);
    let policy = r#"{"images":{"enabled":false}}"#;
    for _ in 0..2 {
        let whole = fake.send(&app(policy), get("/img/7.jpg", &AVIF));
        assert_eq!(whole.body, original());
        assert!(all(&whole, "vary").is_empty());
    }
    assert_eq!(fake.seen_by(Service::Origin), 1);
    assert_eq!(fake.seen_by(Service::Optimizer), 0);
}

/// A host that gives up waiting in time: what a visitor gets is made while they wait, and better from then on.
fn in_time(fake: Fake) -> Fake {
    fake.set_capabilities(|capabilities| capabilities.deadlines = true);
    fake
}

/// An optimizer whose first AVIF is half of the original, and whose better one is a quarter.
fn two_steps(seen: &Seen) -> Response<FakeBody> {
    let first = seen.headers["x-vitrine-effort"] == "first";
    let (kind, size) = match seen.headers["x-vitrine-to"].to_str().unwrap() {
        "avif" => ("image/avif", seen.body.len() / if first { 2 } else { 4 }),
        "webp" => ("image/webp", seen.body.len() / 2),
        _ => ("image/jpeg", seen.body.len() * 3 / 4),
    };
    response(200, &[("content-type", kind)], vec![b'x'; size])
}

fn shop_in_time(headers: &'static [(&'static str, &str)]) -> Fake {
    in_time(Fake::new(move |seen| {
        Ok(match seen.service {
            Service::Origin => jpeg(headers),
            Service::Optimizer => two_steps(seen),
        })
    }))
}

const LONG: &[(&str, &str)] = &[("cache-control", "public, max-age=31536000, immutable")];
const WEBP: [(&str, &str); 1] = [("accept", "image/webp,*/*")];

#[test]
fn h73_the_first_visitor_gets_an_avif_for_an_hour_and_the_next_a_better_one_for_good() {
    let fake = shop_in_time(LONG);
    let first = send(&fake, &AVIF);
    assert_eq!(
        (first.header("content-type"), first.body.len()),
        ("image/avif", 10_000)
    );
    assert_eq!(
        first.header("x-vitrine"),
        "image; class=avif; miss; reason=first"
    );
    assert_eq!(
        first.header("cache-control"),
        "public, max-age=3600, stale-while-revalidate=31536000"
    );
    let second = send(&fake, &AVIF);
    assert_eq!(
        (second.header("content-type"), second.body.len()),
        ("image/avif", 5_000)
    );
    assert_eq!(
        second.header("cache-control"),
        "public, max-age=31536000, immutable"
    );
    assert_ne!(first.header("etag"), second.header("etag"));
    assert_eq!(all(&first, "vary"), ["Accept", "Save-Data"]);
    let again = fake.send(
        &app(REWRITES),
        get(
            "/img/7.jpg",
            &[AVIF[0], ("if-none-match", first.header("etag"))],
        ),
    );
    assert_eq!(
        (again.status.as_u16(), again.body.len()),
        (200, 5_000),
        "who has the first one gets the better one"
    );
    assert_eq!(fake.seen_by(Service::Origin), 1);
    assert_eq!(fake.seen_by(Service::Optimizer), 2);
}

/// A name that stands for the bytes without their being hashed: the same file made again has it, and a file that was made
/// otherwise, or of another original, has another.
#[test]
fn h73_a_variant_is_named_by_its_original_and_its_recipe() {
    let tag = |original: u8, recipe: &'static str, made: u8| {
        let fake = in_time(Fake::new(move |seen| {
            Ok(match seen.service {
                Service::Origin => response(
                    200,
                    &[("content-type", "image/jpeg"), LONG[0]],
                    vec![original; 20_000],
                ),
                Service::Optimizer => response(
                    200,
                    &[("content-type", "image/webp"), ("x-vitrine-recipe", recipe)],
                    vec![made; 5_000],
                ),
            })
        }));
        send(&fake, &WEBP).header("etag").to_owned()
    };
    let base = tag(1, "libwebp-1.6.0;q75;m4", 1);
    assert_eq!(base.len(), 22, "{base}");
    assert_eq!(tag(1, "libwebp-1.6.0;q75;m4", 2), base);
    assert_ne!(tag(1, "libwebp-1.6.1;q75;m4", 1), base);
    assert_ne!(tag(2, "libwebp-1.6.0;q75;m4", 1), base);
}

/// Where both steps make the same file, whoever has it is not sent it again.
#[test]
fn h73_a_better_variant_that_is_the_first_one_again_keeps_its_name() {
    let fake = in_time(Fake::new(move |seen| {
        Ok(match seen.service {
            Service::Origin => jpeg(LONG),
            Service::Optimizer => response(
                200,
                &[
                    ("content-type", "image/webp"),
                    ("x-vitrine-recipe", "libwebp-1.6.0;lossless;e75;m4"),
                ],
                vec![b'd'; 5_000],
            ),
        })
    }));
    let first = send(&fake, &AVIF);
    assert_eq!(
        (first.header("content-type"), first.header("x-vitrine")),
        ("image/webp", "image; class=avif; miss; reason=first")
    );
    let again = send(&fake, &[AVIF[0], ("if-none-match", first.header("etag"))]);
    assert_eq!(again.status, 304);
    assert_eq!(fake.seen_by(Service::Optimizer), 2);
}

#[test]
fn h73_past_the_deadline_the_original_leaves_and_is_kept_by_nobody() {
    let fake = shop_in_time(LONG);
    fake.miss_deadlines(true);
    let first = send(&fake, &AVIF);
    assert_eq!(first.body, original());
    assert_eq!(first.header("cache-control"), "no-store");
    assert_eq!(
        first.header("x-vitrine"),
        "image; class=avif; miss; reason=original: not-ready"
    );
    let second = send(&fake, &AVIF);
    assert_eq!(
        (second.header("content-type"), second.body.len()),
        ("image/avif", 5_000)
    );
    assert_eq!(
        second.header("cache-control"),
        "public, max-age=31536000, immutable"
    );
    assert_eq!(
        fake.seen_by(Service::Optimizer),
        2,
        "what was under way is not asked for again"
    );
}

#[test]
fn h73_what_comes_after_the_deadline_is_there_for_the_next_visitor() {
    let fake = in_time(Fake::new(move |seen| {
        Ok(match seen.service {
            Service::Origin => jpeg(LONG),
            Service::Optimizer if seen.headers["x-vitrine-effort"] == "first" => two_steps(seen),
            Service::Optimizer => response(503, &[], Vec::new()),
        })
    }));
    fake.miss_deadlines(true);
    assert_eq!(send(&fake, &AVIF).body, original());
    let next = fake.send(&app(REWRITES), get("/img/7.jpg", &AVIF));
    assert_eq!(
        next.body.len(),
        20_000,
        "the optimizer's failure is remembered, as it is without a first variant"
    );
}

#[test]
fn h68_a_browser_without_avif_gets_webp_and_any_other_its_own_format_at_once() {
    let fake = shop_in_time(LONG);
    for lifetime in [
        "public, max-age=3600, stale-while-revalidate=31536000",
        "public, max-age=31536000, immutable",
    ] {
        let webp = send(&fake, &WEBP);
        assert_eq!(
            (webp.header("content-type"), webp.body.len()),
            ("image/webp", 10_000)
        );
        assert_eq!(webp.header("cache-control"), lifetime);
        let old = send(&fake, &OLD);
        assert_eq!(
            (old.header("content-type"), old.body.len()),
            ("image/jpeg", 15_000)
        );
        assert_eq!(old.header("cache-control"), lifetime);
    }
    assert_eq!(
        fake.seen_by(Service::Optimizer),
        4,
        "each is measured when nobody waits"
    );
}

/// What is measured may turn out worse than what was sent in a hurry: then the original takes its place.
#[test]
fn h69_where_nothing_smaller_comes_of_it_the_original_stays_with_its_own_lifetime() {
    let fake = in_time(Fake::new(move |seen| {
        Ok(match seen.service {
            Service::Origin => jpeg(LONG),
            Service::Optimizer if seen.headers["x-vitrine-effort"] == "first" => two_steps(seen),
            Service::Optimizer => response(204, &[("x-vitrine-skip", "below-quality")], Vec::new()),
        })
    }));
    for (accept, class) in [(WEBP, "webp"), (OLD, "same"), (AVIF, "avif")] {
        assert_ne!(send(&fake, &accept).body, original());
        let whole = send(&fake, &accept);
        assert_eq!(whole.body, original());
        assert_eq!(
            whole.header("x-vitrine"),
            format!("image; class={class}; hit; reason=original: below-quality")
        );
        assert_eq!(
            whole.header("cache-control"),
            "public, max-age=31536000, immutable"
        );
    }
}

#[test]
fn h72_an_original_that_is_too_long_or_breaks_off_is_not_held_back() {
    let limit = 8_388_608;
    let fake = in_time(Fake::new(move |seen| {
        assert_eq!(seen.service, Service::Origin);
        let body = FakeBody::in_pieces(&vec![7; limit + 1], 1 << 20);
        Ok(response(
            200,
            &[("content-type", "image/jpeg"), LONG[0]],
            body,
        ))
    }));
    let long = send(&fake, &AVIF);
    assert_eq!((long.status.as_u16(), long.body.len()), (200, limit + 1));
    let broken = in_time(Fake::new(move |_| {
        let steps = [Step::Piece(Bytes::from(vec![7; 15_000])), Step::Break];
        Ok(jpeg(LONG).map(|_| FakeBody::of(steps)))
    }));
    assert_eq!(send(&broken, &AVIF).status, 502);
}

#[test]
fn h74_a_part_of_a_new_image_is_a_part_of_the_original() {
    let fake = shop_in_time(LONG);
    let part = send(&fake, &[AVIF[0], ("range", "bytes=0-9")]);
    assert_eq!(
        part.body,
        original(),
        "a store that is empty passes the origin's answer"
    );
    assert_eq!(
        fake.seen_by(Service::Optimizer),
        1,
        "after the response, for the next one"
    );
}
