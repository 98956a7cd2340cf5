//! Pages, assets and images on their way to the shop and back.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests may stop a test"
)]

mod support;

use support::*;
use vitrine_origin_adapter::platform::{BodyError, Payload, SendError};

#[test]
fn a_request_reaches_the_origin_letter_by_letter_with_the_edges_facts_and_nothing_internal() {
    let host = Host::scripted(vec![ok()]);
    let headers = [
        ("host", "shop.example"),
        ("cookie", "sid=1; other=2"),
        ("x-forwarded-for", "192.0.2.1"),
        ("x-forwarded-host", "shop.example"),
        ("x-vitrine-class", "asset"),
        ("spin-client-addr", "127.0.0.1:9"),
        ("connection", "keep-alive, x-drop"),
        ("x-drop", "1"),
        ("te", "trailers"),
        ("accept-encoding", "br"),
    ];
    let path = "/p/a%2Fb%20c;d='e'/?q=%C3%A4+b&&c";
    host.run(ask(&adapter(|_| ()), &host, request("GET", path, &headers)));
    let sent = host.0.sent.borrow();
    assert_eq!(sent[0].uri.to_string(), format!("http://shop.test{path}"));
    let mut names: Vec<_> = sent[0]
        .headers
        .keys()
        .map(http::HeaderName::as_str)
        .collect();
    names.sort_unstable();
    assert_eq!(
        names,
        [
            "accept-encoding",
            "cookie",
            "x-forwarded-for",
            "x-forwarded-host"
        ]
    );
}

#[test]
fn the_origins_answer_comes_back_untouched_but_for_hop_by_hop_and_its_own_address() {
    let host = Host::scripted(vec![reply(
        302,
        &[
            ("set-cookie", "a=1; Path=/"),
            ("connection", "close"),
            ("transfer-encoding", "chunked"),
            ("set-cookie", "b=2; HttpOnly"),
            ("location", "http://shop.test/cart?x=1"),
            ("etag", "W/\"1\""),
        ],
        "moved",
    )]);
    let answer = get(&adapter(|_| ()), &host, "/checkout");
    assert_eq!((answer.status, answer.text()), (302, "moved"));
    let cookies: Vec<_> = answer.headers.get_all("set-cookie").iter().collect();
    assert_eq!(cookies, ["a=1; Path=/", "b=2; HttpOnly"]);
    assert_eq!(answer.header("location"), "/cart?x=1");
    assert_eq!(answer.header("etag"), "W/\"1\"");
    assert!(
        !answer.headers.contains_key("connection")
            && !answer.headers.contains_key("transfer-encoding")
    );
    assert_eq!(answer.header("x-vitrine-origin"), "status=ok;ttfb=5");
}

#[test]
fn an_error_page_of_the_shop_is_the_shops_own_answer() {
    for status in [404, 410, 429, 500, 501] {
        let host = Host::scripted(vec![reply(status, &[], "theirs")]);
        let answer = get(&adapter(|_| ()), &host, "/x");
        assert_eq!((answer.status, answer.text()), (status, "theirs"));
    }
}

#[test]
fn a_safe_request_whose_connection_failed_is_sent_once_more_after_a_short_random_wait() {
    for failure in [refused, broken] {
        let host = Host::scripted(vec![failure(), ok()]);
        let answer = get(&adapter(|_| ()), &host, "/x");
        assert_eq!((answer.status, answer.text()), (200, "page"));
        assert!(
            answer
                .header("x-vitrine-origin")
                .starts_with("status=retried;")
        );
        let sent = host.0.sent.borrow();
        let waited = sent[1].at_ms - sent[0].at_ms - 5;
        assert!((50..=200).contains(&waited), "{waited}");
        assert_eq!(sent[0].uri, sent[1].uri);
        assert_eq!(sent[0].headers, sent[1].headers);
    }
}

#[test]
fn a_gateway_error_is_tried_again_unless_the_shop_says_when_to_come_back() {
    for status in [502, 503, 504] {
        let host = Host::scripted(vec![reply(status, &[], "theirs"), ok()]);
        assert_eq!(get(&adapter(|_| ()), &host, "/x").status, 200);
    }
    for status in [503, 429] {
        let host = Host::scripted(vec![reply(status, &[("retry-after", "7")], "theirs")]);
        let answer = get(&adapter(|_| ()), &host, "/x");
        assert_eq!((answer.status, answer.header("retry-after")), (status, "7"));
    }
}

#[test]
fn there_is_no_third_try_and_the_shops_own_error_wins_over_none() {
    let host = Host::scripted(vec![refused(), refused()]);
    assert_eq!(get(&adapter(|_| ()), &host, "/x").status, 503);
    let host = Host::scripted(vec![reply(502, &[], "theirs"), refused()]);
    let answer = get(&adapter(|_| ()), &host, "/x");
    assert_eq!((answer.status, answer.text()), (502, "theirs"));
}

#[test]
fn nothing_unsafe_and_nothing_with_a_body_is_ever_sent_twice() {
    for method in ["POST", "PUT", "PATCH", "DELETE", "BREW"] {
        let host = Host::scripted(vec![broken()]);
        host.run(ask(
            &adapter(|_| ()),
            &host,
            with_body(request(method, "/x", &[]), "{}"),
        ));
        assert_eq!(host.sent(), 1, "{method}");
        assert_eq!(host.0.sent.borrow()[0].body, "{}");
    }
    for method in ["POST", "DELETE"] {
        let host = Host::scripted(vec![broken()]);
        let mut bare = request(method, "/x", &[]);
        *bare.body_mut() = Payload::Empty;
        host.run(ask(&adapter(|_| ()), &host, bare));
        assert_eq!(host.sent(), 1, "{method} without a body");
    }
    let host = Host::scripted(vec![broken()]);
    host.run(ask(
        &adapter(|_| ()),
        &host,
        with_body(request("GET", "/search", &[]), "{}"),
    ));
    assert_eq!(host.sent(), 1);
}

#[test]
fn retries_can_be_switched_off() {
    let host = Host::scripted(vec![refused()]);
    assert_eq!(get(&adapter(|s| s.retry = false), &host, "/x").status, 503);
    assert_eq!(host.sent(), 1);
}

#[test]
fn a_slow_shop_is_not_asked_twice() {
    let host = Host::scripted(vec![fails(SendError::Timeout)]);
    let answer = get(&adapter(|_| ()), &host, "/x");
    assert_eq!(answer.status, 504);
    assert!(
        answer
            .header("x-vitrine-origin")
            .starts_with("status=timeout;")
    );
}

#[test]
fn a_host_that_overlooks_a_deadline_does_not_keep_the_visitor_waiting() {
    let host = Host::scripted(vec![after(60_000, ok())]);
    let adapter = adapter(|s| {
        s.connect_timeout_ms = 500;
        s.first_byte_timeout_ms = 3_000;
    });
    let answer = get(&adapter, &host, "/x");
    assert_eq!(answer.status, 504);
    assert_eq!(
        answer.header("x-vitrine-origin"),
        "status=timeout;ttfb=3750"
    );
    let deadlines = host.0.sent.borrow()[0].deadlines;
    assert_eq!(deadlines.connect.as_millis(), 500);
    assert_eq!(deadlines.first_byte.as_millis(), 3_000);
    assert_eq!(deadlines.between_bytes.as_millis(), 15_000);
}

#[test]
fn an_order_may_take_longer_than_a_page_and_an_upload_has_time_to_arrive() {
    let host = Host::new(|_| ok());
    let seconds = |request| {
        host.run(ask(&adapter(|_| ()), &host, request));
        let sent = host.0.sent.borrow();
        sent.last().unwrap().deadlines.first_byte.as_secs()
    };
    assert_eq!(seconds(request("GET", "/x", &[])), 10);
    assert_eq!(
        seconds(with_body(request("POST", "/order", &[]), "x=1")),
        30
    );
    assert_eq!(seconds(request("POST", "/chunked", &[])), 90);
    let upload = |bytes| request("PUT", "/photo", &[("content-length", bytes)]);
    assert_eq!(seconds(upload("1310720")), 50);
    assert_eq!(seconds(upload("99999999999")), 630);
}

#[test]
fn a_body_that_breaks_off_ends_as_an_error_and_is_not_fetched_again() {
    let mut cut = ok();
    let silent = BodyError("silent for 15 s".into());
    cut.outcome
        .as_mut()
        .unwrap()
        .body_mut()
        .0
        .push_back(Err(silent.clone()));
    let host = Host::scripted(vec![cut]);
    let answer = get(&adapter(|_| ()), &host, "/x");
    assert_eq!((answer.status, answer.body), (200, Err(silent)));
    assert_eq!(host.sent(), 1);
}

#[test]
fn a_page_visitor_sees_a_page_and_a_program_sees_a_problem_when_the_shop_is_down() {
    let headers: [&[(&str, &str)]; 4] = [
        &[("accept", "text/html,*/*")],
        &[("accept", "text/html,*/*"), ("x-vitrine-class", "page")],
        &[("accept", "*/*")],
        &[("accept", "text/html,*/*"), ("x-vitrine-class", "image")],
    ];
    for (headers, is_page) in headers.into_iter().zip([true, true, false, false]) {
        let host = Host::scripted(vec![refused(), refused()]);
        let answer = host.run(ask(&adapter(|_| ()), &host, request("GET", "/x", headers)));
        assert_eq!(answer.status, 503);
        assert_eq!(answer.header("retry-after"), "5");
        assert_eq!(answer.header("cache-control"), "private, no-store");
        assert!(
            answer
                .header("x-vitrine-origin")
                .starts_with("status=down;")
        );
        if is_page {
            assert_eq!(answer.header("content-type"), "text/html; charset=utf-8");
            let page = answer.text();
            assert!(
                page.contains("<h1>Back in a moment</h1>")
                    && page.contains("http-equiv=\"refresh\" content=\"5\"")
            );
            assert!(
                !page.contains("src=") && !page.contains("href="),
                "the page needs nothing else"
            );
        } else {
            assert_eq!(answer.header("content-type"), "application/problem+json");
            assert_eq!(
                (answer.json()["status"].as_u64(), answer.code().as_str()),
                (Some(503), "backend_unavailable")
            );
        }
    }
}

#[test]
fn a_lost_answer_to_an_order_never_invites_a_second_one() {
    for lost in [fails(SendError::Timeout), broken()] {
        let host = Host::scripted(vec![lost]);
        let order = with_body(
            request("POST", "/checkout/place", &[("accept", "text/html")]),
            "x=1",
        );
        let answer = host.run(ask(&adapter(|_| ()), &host, order));
        assert!(matches!(answer.status, 502 | 504));
        assert!(
            answer
                .text()
                .contains("check your cart or your orders before you try again")
        );
        assert!(!answer.text().contains("refresh"));
    }
}

#[test]
fn a_head_request_gets_no_body_even_from_the_error_page() {
    let host = Host::scripted(vec![refused(), refused()]);
    let answer = host.run(ask(
        &adapter(|_| ()),
        &host,
        request("HEAD", "/x", &[("accept", "text/html")]),
    ));
    assert_eq!((answer.status, answer.text()), (503, ""));
}

#[test]
fn retries_never_grow_beyond_their_budget() {
    // The circuit stays closed, so that the budget alone holds.
    let adapter = adapter(|s| s.breaker_failures = 1000);
    let host = Host::new(|_| after(0, refused()));
    for _ in 0..100 {
        get(&adapter, &host, "/x");
    }
    let retries = host.sent() - 100;
    // Ten saved up, one for five requests, and three a second for the seconds that the waits took.
    let seconds = (vitrine_origin_adapter::platform::Platform::now_ms(&host) - START_MS) / 1000;
    assert!(
        retries <= 10 + 20 + 3 * (seconds as usize + 1),
        "{retries} in {seconds} s"
    );
    assert!(retries >= 20, "{retries}");
}

/// H49: a request chooses a path. The scheme, the host and the port are the settings', whatever it says: no name that a
/// visitor wrote is ever looked up, so none can come to mean a private address.
#[test]
fn h49_no_request_chooses_the_host_that_is_asked() {
    for (target, path) in [
        ("//evil.example/a.jpg", "//evil.example/a.jpg"),
        ("/@evil.example/a.jpg", "/@evil.example/a.jpg"),
        (
            "/http://169.254.169.254/a.jpg",
            "/http://169.254.169.254/a.jpg",
        ),
        ("/%2f%2fevil.example/a.jpg", "/%2f%2fevil.example/a.jpg"),
        ("/%5c%5cevil.example/a.jpg", "/%5c%5cevil.example/a.jpg"),
        ("/a/%2e%2e/%2e%2e/b.jpg", "/a/%2e%2e/%2e%2e/b.jpg"),
        (
            "/a.jpg?url=http://127.0.0.1/",
            "/a.jpg?url=http://127.0.0.1/",
        ),
        ("http://169.254.169.254/a.jpg", "/a.jpg"),
        ("http://user:secret@127.0.0.1:9/a.jpg", "/a.jpg"),
        ("https://[::1]:22/a.jpg", "/a.jpg"),
    ] {
        let host = Host::scripted(vec![reply(502, &[], ""), ok()]);
        let headers = [
            ("host", "10.0.0.1"),
            ("x-forwarded-host", "127.0.0.1:9"),
            ("forwarded", "host=evil.example"),
        ];
        host.run(ask(
            &adapter(|_| ()),
            &host,
            request("GET", target, &headers),
        ));
        let sent = host.0.sent.borrow();
        // The second try asks the same one.
        assert_eq!(sent.len(), 2, "{target}");
        for sent in sent.iter() {
            assert_eq!(sent.uri.scheme_str(), Some("http"), "{target}");
            assert_eq!(
                sent.uri.authority().unwrap().as_str(),
                "shop.test",
                "{target}"
            );
            assert_eq!(
                sent.uri.path_and_query().unwrap().as_str(),
                path,
                "{target}"
            );
        }
    }
}

/// H49: where a redirect leads is the visitor's to find out.
#[test]
fn h49_a_redirect_is_not_followed_to_any_host() {
    for location in [
        "http://127.0.0.1/",
        "http://169.254.169.254/latest/meta-data",
        "http://shop.test@10.0.0.1/",
        "//[::1]/",
        "file:///etc/passwd",
    ] {
        let host = Host::scripted(vec![reply(302, &[("location", location)], ""), ok()]);
        let answer = get(&adapter(|_| ()), &host, "/a.jpg");
        assert_eq!((answer.status, answer.header("location")), (302, location));
        assert_eq!(host.0.sent.borrow().len(), 1, "{location}");
    }
}
