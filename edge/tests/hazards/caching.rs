//! H51, H76, H77, H83 to H86, H90, H91: what enters the shared cache, and how it comes out.

use bytes::Bytes;
use http::Response;
use vitrine_edge::encoding::Coding;
use vitrine_edge::platform::Service;
use vitrine_edge::testing::{Fake, FakeBody, Step, Whole};

use super::support::{
    COMPRESSES, PAGE, REWRITES, app, coded, decoded, get, html, request, response,
};

const CSS: &str = "body { color: black }";

fn css(headers: &[(&'static str, &str)]) -> Response<FakeBody> {
    let mut all = vec![("content-type", "text/css")];
    all.extend_from_slice(headers);
    response(200, &all, CSS)
}

fn send(fake: &Fake, path: &str, headers: &[(&'static str, &str)]) -> Whole {
    fake.send(&app(REWRITES), get(path, headers))
}

/// How often the origin is asked when the same request comes twice.
fn fetches(
    request: &[(&'static str, &str)],
    origin: impl Fn() -> Response<FakeBody> + 'static,
) -> (usize, String) {
    let fake = Fake::with_origin(origin);
    send(&fake, "/a.css", request);
    let again = send(&fake, "/a.css", request);
    (
        fake.seen_by(Service::Origin),
        again.header("x-vitrine").to_owned(),
    )
}

#[test]
fn a_fresh_asset_is_answered_without_the_origin() {
    let fake = Fake::with_origin(|| css(&[("cache-control", "max-age=60"), ("etag", "\"1\"")]));
    let miss = send(&fake, "/a.css", &[]);
    assert_eq!(miss.header("x-vitrine"), "asset; miss");
    fake.pass_ms(10_000);
    let hit = send(&fake, "/a.css", &[("cookie", "other=visitor")]);
    assert_eq!(hit.header("x-vitrine"), "asset; hit");
    assert_eq!(
        (hit.header("age"), hit.header("content-length")),
        ("10", "21")
    );
    assert_eq!((hit.text().as_str(), hit.header("etag")), (CSS, "\"1\""));
    assert_eq!(fake.seen_by(Service::Origin), 1);
    let other = send(&fake, "/a.css?v=2", &[]);
    assert_eq!(other.header("x-vitrine"), "asset; miss");
}

#[test]
fn h51_whether_something_is_cached_is_decided_by_the_response_and_never_by_its_name() {
    for path in [
        "/profile/x.css",
        "/profile%2fx.css",
        "/profile/x.css;.js",
        "/profile/%00x.jpg",
        "/p/7.png",
    ] {
        let private = || html(&[("cache-control", "public, max-age=3600")], PAGE);
        let fake = Fake::with_origin(private);
        for _ in 0..2 {
            let whole = send(&fake, path, &[("cookie", "session=1")]);
            assert_eq!(whole.text(), PAGE);
            assert_eq!(whole.header("cache-control"), "public, max-age=3600");
        }
        assert_eq!(fake.seen_by(Service::Origin), 2, "{path}");
        fake.with_cache(|cache| assert!(cache.is_empty(), "{path}"));
    }
}

#[test]
fn h76_what_is_not_plainly_shared_is_never_stored() {
    let fresh = ("cache-control", "max-age=60");
    for (headers, reason) in [
        (vec![fresh, ("set-cookie", "a=1")], "set-cookie"),
        (vec![("cache-control", "private, max-age=60")], "private"),
        (vec![("cache-control", "no-store")], "no-store"),
        (vec![("cache-control", "no-cache, max-age=60")], "no-cache"),
        (vec![("cache-control", "max-age=sixty")], "malformed"),
        (vec![], "no-freshness"),
    ] {
        let sent = headers.clone();
        let (asked, said) = fetches(&[], move || css(&sent));
        assert_eq!(asked, 2, "{headers:?}");
        assert_eq!(said, format!("asset; bypass; reason={reason}"));
    }
    let (asked, _) = fetches(&[("authorization", "Bearer x")], move || css(&[fresh]));
    assert_eq!(asked, 2, "authorization");
    for status in [206, 301, 404, 500] {
        let (asked, _) = fetches(&[], move || {
            response(status, &[("content-type", "text/css"), fresh], CSS)
        });
        assert_eq!(asked, 2, "{status}");
    }
    let (asked, _) = fetches(&[], move || css(&[fresh]));
    assert_eq!(asked, 1, "and what is plainly shared is");
}

#[test]
fn h76_only_get_fills_the_cache() {
    let fake = Fake::with_origin(|| css(&[("cache-control", "max-age=60")]));
    for method in ["HEAD", "POST", "PUT"] {
        fake.send(&app(REWRITES), request(method, "/a.css", &[]));
    }
    fake.with_cache(|cache| assert!(cache.is_empty()));
}

#[test]
fn h77_a_vary_that_is_not_in_the_key_is_a_bypass_that_names_it() {
    for (vary, reason) in [
        ("*", "vary:*"),
        ("Cookie", "vary:cookie"),
        ("Accept-Encoding, Origin", "vary:origin"),
        ("X-Experiment", "vary:x-experiment"),
    ] {
        let (asked, said) = fetches(&[], move || {
            css(&[("cache-control", "max-age=60"), ("vary", vary)])
        });
        assert_eq!(asked, 2, "{vary}");
        assert_eq!(said, format!("asset; bypass; reason={reason}"));
    }
    let (asked, _) = fetches(&[], || {
        css(&[("cache-control", "max-age=60"), ("vary", "accept-encoding")])
    });
    assert_eq!(asked, 1);
}

#[test]
fn h91_an_experiment_of_the_origin_is_never_mixed() {
    let fake = Fake::new(|seen| {
        let arm = seen
            .headers
            .get("cookie")
            .map_or("none", |c| c.to_str().unwrap())
            .to_owned();
        Ok(response(
            200,
            &[
                ("content-type", "text/css"),
                ("cache-control", "max-age=60"),
                ("vary", "Cookie"),
            ],
            arm,
        ))
    });
    for arm in ["exp=a", "exp=b", "exp=a"] {
        assert_eq!(send(&fake, "/a.css", &[("cookie", arm)]).text(), arm);
    }
}

#[test]
fn each_client_gets_the_coding_it_reads() {
    let text = "a { color: red }\n".repeat(200);
    let body = text.clone();
    let fake = Fake::with_origin(move || {
        response(
            200,
            &[
                ("content-type", "text/css"),
                ("cache-control", "max-age=60"),
            ],
            body.clone(),
        )
    });
    for round in ["miss", "hit"] {
        for (accepts, coding) in [
            ("br, gzip", Coding::Brotli),
            ("gzip", Coding::Gzip),
            ("", Coding::Identity),
        ] {
            let whole = fake.send(
                &app(COMPRESSES),
                get("/a.css", &[("accept-encoding", accepts)]),
            );
            assert_eq!(whole.header("x-vitrine"), format!("asset; {round}"));
            assert_eq!(decoded(coding, &whole.body), text.as_bytes(), "{accepts}");
            assert_eq!(whole.header("vary"), "Accept-Encoding");
            if coding != Coding::Identity {
                assert!(whole.body.len() < text.len() / 4);
                assert_eq!(whole.header("content-encoding"), coding.token());
            }
        }
    }
    assert_eq!(fake.seen_by(Service::Origin), 3);
}

#[test]
fn what_the_origin_coded_is_stored_as_it_is() {
    let fake = Fake::with_origin(|| {
        let body = coded(Coding::Gzip, CSS.as_bytes());
        response(
            200,
            &[
                ("content-type", "text/css"),
                ("content-encoding", "gzip"),
                ("cache-control", "max-age=60"),
                ("etag", "\"g\""),
            ],
            body,
        )
    });
    for _ in 0..2 {
        let whole = fake.send(
            &app(COMPRESSES),
            get("/a.css", &[("accept-encoding", "gzip")]),
        );
        assert_eq!(decoded(Coding::Gzip, &whole.body), CSS.as_bytes());
        assert_eq!(whole.header("etag"), "\"g\"");
    }
    assert_eq!(fake.seen_by(Service::Origin), 1);
}

#[test]
fn conditions_ranges_and_head_are_answered_from_the_cache() {
    let fake = Fake::with_origin(|| {
        css(&[
            ("cache-control", "max-age=60"),
            ("etag", "\"1\""),
            ("last-modified", "Sun, 06 Nov 1994 08:49:37 GMT"),
        ])
    });
    send(&fake, "/a.css", &[]);
    for condition in [
        ("if-none-match", "W/\"0\", \"1\""),
        ("if-none-match", "*"),
        ("if-none-match", "W/\"1\""),
        ("if-modified-since", "Sun, 06 Nov 1994 08:49:37 GMT"),
    ] {
        let whole = send(&fake, "/a.css", &[condition]);
        assert_eq!(
            (whole.status.as_u16(), whole.body.len()),
            (304, 0),
            "{condition:?}"
        );
        assert_eq!(whole.header("etag"), "\"1\"");
        assert_eq!(whole.header("cache-control"), "max-age=60");
    }
    let changed = send(
        &fake,
        "/a.css",
        &[
            ("if-none-match", "\"0\""),
            ("if-modified-since", "Sun, 06 Nov 1994 08:49:37 GMT"),
        ],
    );
    assert_eq!(
        changed.status, 200,
        "a tag that differs outweighs a date that does not"
    );
    for (range, part, label) in [
        ("bytes=0-3", "body", "bytes 0-3/21"),
        ("bytes=-5", "ack }", "bytes 16-20/21"),
        ("bytes=16-", "ack }", "bytes 16-20/21"),
        ("bytes=16-900", "ack }", "bytes 16-20/21"),
    ] {
        let whole = send(&fake, "/a.css", &[("range", range)]);
        assert_eq!(
            (whole.status.as_u16(), whole.text().as_str()),
            (206, part),
            "{range}"
        );
        assert_eq!(whole.header("content-range"), label);
    }
    for (range, status) in [
        ("bytes=21-", 416),
        ("bytes=0-1,3-4", 200),
        ("bytes=9-3", 200),
        ("lines=1-2", 200),
    ] {
        assert_eq!(
            send(&fake, "/a.css", &[("range", range)]).status,
            status,
            "{range}"
        );
    }
    let stale = send(
        &fake,
        "/a.css",
        &[("range", "bytes=0-3"), ("if-range", "\"0\"")],
    );
    assert_eq!((stale.status.as_u16(), stale.text().as_str()), (200, CSS));
    let head = fake.send(&app(REWRITES), request("HEAD", "/a.css", &[]));
    assert_eq!(
        (
            head.status.as_u16(),
            head.body.len(),
            head.header("content-length")
        ),
        (200, 0, "21")
    );
    assert_eq!(fake.seen_by(Service::Origin), 1);
}

#[test]
fn a_stale_asset_is_served_while_it_is_fetched_anew_once() {
    let fake = Fake::with_origin(|| {
        css(&[
            ("cache-control", "max-age=10, stale-while-revalidate=20"),
            ("etag", "\"1\""),
        ])
    });
    send(&fake, "/a.css", &[]);
    fake.pass_ms(15_000);
    fake.script(|seen| {
        assert_eq!(seen.headers["if-none-match"], "\"1\"");
        assert!(
            !seen.headers.contains_key("cookie"),
            "nothing of the visitor's is in it"
        );
        Ok(response(
            304,
            &[
                ("cache-control", "max-age=10, stale-while-revalidate=20"),
                ("etag", "\"1\""),
            ],
            "",
        ))
    });
    // Two visitors see it stale before the work after the first response has run.
    let request = || get("/a.css", &[("cookie", "session=1")]);
    let first = fake.begin(&app(REWRITES), request());
    let second = fake.send(&app(REWRITES), request());
    assert_eq!(first.headers()["x-vitrine"], "asset; stale");
    assert_eq!(
        (second.header("x-vitrine"), second.header("age")),
        ("asset; stale", "15")
    );
    assert_eq!(
        fake.seen_by(Service::Origin),
        2,
        "one fetch, and one to look again"
    );
    assert_eq!(send(&fake, "/a.css", &[]).header("x-vitrine"), "asset; hit");
    fake.pass_ms(31_000);
    let dead = send(&fake, "/a.css", &[]);
    assert_eq!(dead.header("x-vitrine"), "asset; revalidated");
}

#[test]
fn a_new_version_of_the_policy_is_a_new_cache() {
    let fake = Fake::with_origin(|| css(&[("cache-control", "max-age=60")]));
    for version in ["a", "b", "a"] {
        let policy = format!(r#"{{"version":"{version}"}}"#);
        fake.send(&app(&policy), get("/a.css", &[]));
    }
    assert_eq!(fake.seen_by(Service::Origin), 2);
}

#[test]
fn an_asset_stands_in_for_an_origin_that_fails_unless_it_must_not() {
    for (control, stands_in) in [
        ("max-age=10, stale-if-error=600", true),
        ("max-age=10, stale-if-error=20", false),
        ("max-age=10, must-revalidate", false),
    ] {
        let fake = Fake::with_origin(move || css(&[("cache-control", control)]));
        let policy = r#"{"cache":{"stale_while_revalidate_s":0}}"#;
        fake.send(&app(policy), get("/a.css", &[]));
        fake.pass_ms(120_000);
        fake.with_cache(|cache| assert_eq!(cache.len(), 1));
        fake.script(|_| {
            Ok(response(
                503,
                &[("x-vitrine-origin", "status=down;ttfb=1")],
                "down",
            ))
        });
        let whole = fake.send(&app(policy), get("/a.css", &[]));
        assert_eq!(whole.status == 200, stands_in, "{control}");
        if stands_in {
            assert_eq!(whole.text(), CSS);
            assert_eq!(
                whole.header("x-vitrine"),
                "asset; stale; reason=origin-error"
            );
        }
    }
}

#[test]
fn h84_a_body_that_breaks_off_or_is_short_is_never_stored() {
    let bodies: [fn() -> FakeBody; 2] = [
        || FakeBody::of([Step::Piece(Bytes::from_static(b"body {")), Step::Break]),
        || FakeBody::from("body {"),
    ];
    for body in bodies {
        let fake = Fake::with_origin(move || {
            response(
                200,
                &[
                    ("content-type", "text/css"),
                    ("cache-control", "max-age=60"),
                    ("content-length", "21"),
                ],
                body(),
            )
        });
        send(&fake, "/a.css", &[]);
        fake.with_cache(|cache| assert!(cache.is_empty()));
    }
}

#[test]
fn h84_a_torn_entry_is_a_miss() {
    let fake = Fake::with_origin(|| css(&[("cache-control", "max-age=60")]));
    send(&fake, "/a.css", &[]);
    let whole = fake.with_cache(|cache| cache.values().next().unwrap().clone());
    for cut in (0..whole.len()).step_by(5) {
        fake.with_cache(|cache| {
            for value in cache.values_mut() {
                *value = whole[..cut].to_vec();
            }
        });
        let answer = send(&fake, "/a.css", &[]);
        assert_eq!(
            (answer.text().as_str(), answer.header("x-vitrine")),
            (CSS, "asset; miss")
        );
    }
}

#[test]
fn h84_a_body_that_is_too_long_is_sent_and_not_stored() {
    let long = "x".repeat(5000);
    let body = long.clone();
    let fake = Fake::with_origin(move || {
        response(
            200,
            &[
                ("content-type", "font/woff2"),
                ("cache-control", "max-age=60"),
            ],
            body.clone(),
        )
    });
    let policy = r#"{"cache":{"max_body_bytes":4096}}"#;
    let whole = fake.send(&app(policy), get("/a.woff2", &[]));
    assert_eq!(whole.text(), long);
    fake.with_cache(|cache| assert!(cache.is_empty()));
}

#[test]
fn h85_a_visitor_never_waits_for_or_shares_the_fetch_of_another() {
    let n = std::cell::Cell::new(0);
    let fake = Fake::new(move |_| {
        n.set(n.get() + 1);
        Ok(css(&[
            ("cache-control", "private"),
            ("x-n", &n.get().to_string()),
        ]))
    });
    let (first, second) = (
        fake.begin(&app(REWRITES), get("/a.css", &[])),
        fake.begin(&app(REWRITES), get("/a.css", &[])),
    );
    assert_eq!(first.headers()["x-n"], "1");
    assert_eq!(second.headers()["x-n"], "2");
}

#[test]
fn h86_reload_reaches_the_origin_but_not_more_often_than_it_may() {
    let fake = Fake::with_origin(|| css(&[("cache-control", "max-age=600"), ("etag", "\"1\"")]));
    send(&fake, "/a.css", &[]);
    let reload = [("cache-control", "no-cache")];
    assert_eq!(
        send(&fake, "/a.css", &reload).header("x-vitrine"),
        "asset; hit",
        "just fetched"
    );
    fake.pass_ms(6_000);
    send(&fake, "/a.css", &reload);
    assert_eq!(fake.seen_by(Service::Origin), 2);
    for _ in 0..10 {
        send(&fake, "/a.css", &reload);
    }
    assert_eq!(fake.seen_by(Service::Origin), 2);
}

#[test]
fn h90_ages_clocks_and_contradictions_are_read_strictly() {
    let date = ("date", "Tue, 24 Nov 2026 00:00:00 GMT");
    for (headers, stored) in [
        (
            vec![("cache-control", "max-age=60"), ("age", "30"), date],
            true,
        ),
        (
            vec![("cache-control", "max-age=60"), ("age", "60"), date],
            false,
        ),
        (vec![("cache-control", "max-age=60")], true),
        (
            vec![("cache-control", "max-age=60, s-maxage=0"), date],
            false,
        ),
        (
            vec![("expires", "Mon, 23 Nov 2026 00:00:00 GMT"), date],
            false,
        ),
        (vec![("expires", "0"), date], false),
        (
            vec![("expires", "Tue, 24 Nov 2026 00:01:00 GMT"), date],
            true,
        ),
        (
            vec![
                ("cache-control", "max-age=60"),
                ("surrogate-control", "no-store"),
            ],
            false,
        ),
        (
            vec![
                ("cache-control", "max-age=60"),
                ("surrogate-control", "max-age=0"),
            ],
            false,
        ),
        (
            vec![
                ("cache-control", "max-age=60"),
                ("date", "Mon, 23 Nov 2026 00:00:00 GMT"),
            ],
            false,
        ),
        (
            vec![
                ("cache-control", "max-age=60"),
                ("date", "Wed, 25 Nov 2026 00:00:00 GMT"),
            ],
            true,
        ),
        (
            vec![("cache-control", "max-age=60"), ("date", "yesterday")],
            false,
        ),
    ] {
        let sent = headers.clone();
        let (asked, _) = fetches(&[], move || css(&sent));
        assert_eq!(asked == 1, stored, "{headers:?}");
    }
    // An age that the response brought along counts against its lifetime.
    let fake = Fake::with_origin(|| css(&[("cache-control", "max-age=60"), ("age", "50")]));
    send(&fake, "/a.css", &[]);
    fake.pass_ms(5_000);
    assert_eq!(send(&fake, "/a.css", &[]).header("age"), "55");
    fake.pass_ms(6_000);
    assert_eq!(
        send(&fake, "/a.css", &[]).header("x-vitrine"),
        "asset; stale"
    );
}
