//! Switches, reserved paths, loops and what must never get out.

use http::Response;
use vitrine_edge::App;
use vitrine_edge::Secrets;
use vitrine_edge::platform::{FetchError, Service};
use vitrine_edge::testing::{Fake, FakeBody};

use super::support::{
    COMPRESSES, MARK, PAGE, REWRITES, TOKEN, all, app, get, html, request, response, visit,
};

/// The headers that may differ from the origin's when nothing is done.
const OURS: [&str; 3] = ["via", "x-vitrine", "server-timing"];

fn assert_identical(
    whole: &vitrine_edge::testing::Whole,
    origin: &Response<FakeBody>,
    body: &[u8],
    what: &str,
) {
    assert_eq!(whole.body, body, "{what}");
    assert_eq!(whole.status, origin.status(), "{what}");
    let theirs = |headers: &http::HeaderMap| -> Vec<(String, String)> {
        let mut all: Vec<_> = headers
            .iter()
            .filter(|(name, _)| !OURS.contains(&name.as_str()))
            .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
            .collect();
        all.sort();
        all
    };
    assert_eq!(theirs(&whole.headers), theirs(origin.headers()), "{what}");
}

fn page_with_everything() -> Response<FakeBody> {
    html(
        &[
            ("content-length", "137"),
            ("etag", "\"1\""),
            ("set-cookie", "a=1"),
            ("set-cookie", "b=2"),
            ("cache-control", "public, max-age=60"),
            ("accept-ranges", "bytes"),
        ],
        PAGE,
    )
}

#[test]
fn h107_switched_off_the_answer_is_the_origins_own() {
    let accepts = [
        ("accept-encoding", "gzip, zstd"),
        ("if-none-match", "\"2\""),
        ("range", "bytes=0-"),
    ];
    for path in ["/", "/a.css", "/a.jpg", "/cart"] {
        let fake = Fake::with_origin(page_with_everything);
        let whole = fake.send(&app(r#"{"enabled":false}"#), get(path, &accepts));
        assert_identical(&whole, &page_with_everything(), PAGE.as_bytes(), path);
        for (name, value) in accepts {
            assert_eq!(fake.seen()[0].headers[name], value, "{path}");
        }
        assert!(
            whole.header("x-vitrine").starts_with("off; "),
            "{}",
            whole.header("x-vitrine")
        );
        fake.with_cache(|cache| assert!(cache.is_empty()));
    }
}

#[test]
fn h107_every_optimisation_off_leaves_the_page_as_it_was() {
    let policy = r#"{"compression":{"enabled":false},"images":{"enabled":false},"cache":{"enabled":false},
        "rum":{"enabled":false},"holdback":{"percent":0},"passes":{"inject_rum":{"enabled":false},"bfcache":{"enabled":false}}}"#;
    for path in ["/", "/a.css", "/a.jpg"] {
        let fake = Fake::with_origin(page_with_everything);
        let whole = fake.send(
            &app(policy),
            get(
                path,
                &[("accept", "text/html"), ("accept-encoding", "gzip")],
            ),
        );
        assert_identical(&whole, &page_with_everything(), PAGE.as_bytes(), path);
    }
}

#[test]
fn h107_a_new_policy_takes_effect_with_the_next_request() {
    let fake = Fake::with_origin(|| html(&[], PAGE));
    let on = fake.send(&app(REWRITES), get("/", &[("accept", "text/html")]));
    let off = fake.send(
        &app(r#"{"enabled":false}"#),
        get("/", &[("accept", "text/html")]),
    );
    assert!(on.text().contains(MARK));
    assert_eq!(off.text(), PAGE);
}

#[test]
fn h106_a_policy_that_cannot_be_read_switches_everything_off() {
    for broken in ["", "{", "null", r#"{"unknown":1}"#, r#"{"enabled":"yes"}"#] {
        let fake = Fake::with_origin(page_with_everything);
        let whole = fake.send(&App::load(broken, Secrets::default()), get("/", &[]));
        assert_identical(&whole, &page_with_everything(), PAGE.as_bytes(), broken);
        assert!(
            fake.lines()[0].contains("the policy cannot be read"),
            "{}",
            fake.lines()[0]
        );
    }
}

#[test]
fn h106_a_cache_that_is_gone_costs_no_answer() {
    let asset = || {
        response(
            200,
            &[
                ("content-type", "text/css"),
                ("cache-control", "max-age=60"),
            ],
            "a{}",
        )
    };
    let fake = Fake::with_origin(asset);
    fake.break_cache();
    for _ in 0..3 {
        let whole = fake.send(&app(COMPRESSES), get("/a.css", &[]));
        assert_eq!((whole.status.as_u16(), whole.text().as_str()), (200, "a{}"));
    }
    assert_eq!(fake.seen_by(Service::Origin), 3);
}

#[test]
fn h106_an_error_page_of_the_adapter_is_passed_on_as_it_is() {
    for status in ["down", "open", "timeout"] {
        let whole = visit(COMPRESSES, &[("accept-encoding", "br")], move || {
            response(
                503,
                &[
                    ("content-type", "text/html"),
                    ("retry-after", "5"),
                    ("x-vitrine-origin", &format!("status={status};ttfb=3")),
                ],
                "<html><head></head>closed</html>",
            )
        });
        assert_eq!(whole.status, 503);
        assert_eq!(whole.text(), "<html><head></head>closed</html>");
        assert_eq!(whole.header("retry-after"), "5");
        assert_eq!(whole.header("x-vitrine-origin"), "");
    }
}

#[test]
fn h106_without_an_adapter_a_person_gets_a_page_and_a_program_a_problem() {
    let gone = |_: &_| Err(FetchError::Unreachable(Service::Origin, "refused".into()));
    let person = Fake::new(gone).send(&app(COMPRESSES), get("/", &[("accept", "text/html")]));
    assert_eq!(person.status, 502);
    assert!(person.header("content-type").starts_with("text/html"));
    let program = Fake::new(gone).send(&app(COMPRESSES), get("/a.js", &[("accept", "*/*")]));
    assert_eq!(program.status, 502);
    assert_eq!(program.header("content-type"), "application/problem+json");
    assert_eq!(program.header("cache-control"), "no-store");
    let late = |_: &_| Err(FetchError::Timeout(Service::Origin));
    assert_eq!(
        Fake::new(late).send(&app(COMPRESSES), get("/", &[])).status,
        504
    );
}

#[test]
fn h108_a_request_that_comes_round_again_is_refused_and_sent_nowhere() {
    for header in ["vitrine", "other; x=1, Vitrine2, vitrine; v=1"] {
        let fake = Fake::with_origin(|| html(&[], PAGE));
        let whole = fake.send(&app(REWRITES), get("/", &[("cdn-loop", header)]));
        assert_eq!(whole.status, 508, "{header}");
        assert_eq!(fake.seen_by(Service::Origin), 0);
    }
    let fake = Fake::with_origin(|| html(&[], PAGE));
    let whole = fake.send(&app(REWRITES), get("/", &[("cdn-loop", "other")]));
    assert_eq!(whole.status, 200);
    let sent = fake.seen()[0]
        .headers
        .get_all("cdn-loop")
        .iter()
        .cloned()
        .collect::<Vec<_>>();
    assert_eq!(sent, ["other", "vitrine"]);
}

#[test]
fn h109_a_page_that_was_rewritten_is_not_changed_again() {
    let once = visit(REWRITES, &[], || html(&[], PAGE));
    assert!(once.text().contains(MARK));
    let body = once.body.clone();
    let twice = visit(REWRITES, &[], move || html(&[], body.clone()));
    assert_eq!(twice.text(), once.text());
}

#[test]
fn h52_reserved_paths_never_reach_the_shop_in_any_spelling() {
    for path in [
        "/_v/",
        "/_v/b",
        "/%5fv/b",
        "/%255Fv/cart",
        "//_v/rum/x.js",
        "/x/..%2f_v/b",
        "/_v%2fexplain2",
    ] {
        let fake = Fake::with_origin(|| html(&[], PAGE));
        let whole = fake.send(&app(REWRITES), get(path, &[]));
        assert_eq!(whole.status, 404, "{path}");
        assert_eq!(whole.header("content-type"), "application/problem+json");
        assert_eq!(fake.seen_by(Service::Origin), 0, "{path}");
    }
}

#[test]
fn h52_the_switch_for_one_request_needs_the_token_and_never_reaches_the_shop() {
    let fake = Fake::with_origin(|| html(&[], PAGE));
    let off = fake.send(
        &app(REWRITES),
        get(&format!("/p/7?x=1&_v=off&_vt={TOKEN}"), &[]),
    );
    assert_eq!(off.text(), PAGE);
    assert_eq!(fake.seen()[0].uri, "/p/7?x=1");
    let by_header = fake.send(&app(REWRITES), get("/p/7", &[("x-vitrine-off", TOKEN)]));
    assert_eq!(by_header.text(), PAGE);
    for seen in fake.seen() {
        assert!(!seen.headers.contains_key("x-vitrine-off"));
    }
    for wrong in ["/p/7?_v=off", "/p/7?_v=off&_vt=wrong", "/p/7?_v=off&_vt="] {
        let on = fake.send(&app(REWRITES), get(wrong, &[]));
        assert!(on.text().contains(MARK), "{wrong}");
    }
    let closed = App::load(REWRITES, Secrets::default());
    assert!(
        fake.send(&closed, get("/p/7?_v=off&_vt=", &[]))
            .text()
            .contains(MARK)
    );
}

#[test]
fn h52_the_switch_for_one_request_leaves_the_cache_alone() {
    let asset = || {
        response(
            200,
            &[
                ("content-type", "text/css"),
                ("cache-control", "max-age=60"),
            ],
            "a{}",
        )
    };
    let fake = Fake::with_origin(asset);
    fake.send(
        &app(COMPRESSES),
        get(&format!("/a.css?_v=off&_vt={TOKEN}"), &[]),
    );
    fake.with_cache(|cache| assert!(cache.is_empty()));
    fake.send(&app(COMPRESSES), get("/a.css", &[]));
    let before = fake.with_cache(|cache| cache.clone());
    let off = fake.send(
        &app(COMPRESSES),
        get(&format!("/a.css?_v=off&_vt={TOKEN}"), &[]),
    );
    assert!(off.header("x-vitrine").starts_with("off"));
    assert_eq!(fake.seen_by(Service::Origin), 3);
    fake.with_cache(|cache| assert_eq!(*cache, before));
}

#[test]
fn h52_explain_is_closed_without_a_token_and_locked_without_the_right_one() {
    let fake = Fake::with_origin(|| html(&[], PAGE));
    let closed = App::load(REWRITES, Secrets::default());
    assert_eq!(
        fake.send(&closed, get("/_v/explain?url=/&token=", &[]))
            .status,
        404
    );
    assert_eq!(
        fake.send(&app(REWRITES), get("/_v/explain?url=/", &[]))
            .status,
        401
    );
    assert_eq!(
        fake.send(&app(REWRITES), get("/_v/explain?url=/&token=wrong", &[]))
            .status,
        401
    );
    assert_eq!(fake.seen_by(Service::Origin), 0);
    let path = format!("/_v/explain?url=/p/7%3Fx=1&token={TOKEN}&format=json");
    let open = fake.send(&app(REWRITES), get(&path, &[("cookie", "session=secret")]));
    assert_eq!(open.status, 200);
    assert_eq!(open.header("cache-control"), "no-store");
    let seen = &fake.seen()[0];
    assert_eq!(seen.uri, "/p/7?x=1");
    assert!(
        !seen.headers.contains_key("cookie"),
        "explain asks as nobody"
    );
    let said: serde_json::Value = serde_json::from_slice(&open.body).unwrap();
    assert_eq!(said["route"], "page");
    let preconnect = said["passes"]
        .as_array()
        .unwrap()
        .iter()
        .find(|p| p["pass"] == "preconnect")
        .unwrap();
    assert!(preconnect["applied"].as_u64().unwrap() >= 1, "{said}");
}

#[test]
fn explain_is_a_page_on_which_nothing_of_the_shop_can_run() {
    let hostile = || html(&[("x-note", "<script>alert(1)</script>")], PAGE);
    let fake = Fake::with_origin(hostile);
    let whole = fake.send(
        &app(REWRITES),
        get(
            "/_v/explain?url=/p/7%3Fx=%253Cscript%253E",
            &[
                ("authorization", &format!("Bearer {TOKEN}")),
                ("accept", "text/html"),
            ],
        ),
    );
    assert_eq!(whole.status, 200, "{}", whole.text());
    assert!(
        whole
            .header("content-security-policy")
            .starts_with("default-src 'none'")
    );
    assert!(!whole.text().contains("<script"), "{}", whole.text());
    assert!(whole.text().contains("preconnect"));
}

#[test]
fn explain_shows_which_headers_are_not_the_shops_and_no_cookies_value() {
    let headers = [
        ("set-cookie", "session=SECRET"),
        ("etag", "\"1\""),
        ("x-shop", "7"),
    ];
    let fake = Fake::with_origin(move || html(&headers, PAGE));
    let ask = |format: &str| {
        let path = format!("/_v/explain?url=/&token={TOKEN}&format={format}");
        fake.send(&app(REWRITES), get(&path, &[]))
    };
    let json = ask("json");
    let said: serde_json::Value = serde_json::from_slice(&json.body).unwrap();
    let changes = said["header_changes"].as_array().unwrap();
    let change = |name: &str| changes.iter().find(|change| change["name"] == name);
    let via = change("via").unwrap();
    assert_eq!(
        (&via["origin"], &via["answer"]),
        (&serde_json::Value::Null, &"1.1 vitrine".into())
    );
    assert!(change("etag").is_some(), "{said}");
    assert!(change("x-shop").is_none(), "{said}");
    let page = ask("html");
    assert!(page.text().contains("Header changes"), "{}", page.text());
    for whole in [json, page] {
        assert!(whole.text().contains("session=…"), "{}", whole.text());
        assert!(!whole.text().contains("SECRET"), "{}", whole.text());
    }
}

#[test]
fn h53_no_secret_query_cookie_or_address_gets_into_the_log_or_to_the_shop() {
    let fake = Fake::with_origin(|| html(&[("set-cookie", "session=SESSION")], PAGE));
    let path = format!("/unsubscribe/jo@shop.example?email=EMAIL&_v=off&_vt={TOKEN}");
    fake.send(
        &app(REWRITES),
        get(
            &path,
            &[
                ("cookie", "session=COOKIE"),
                ("authorization", "Bearer BEARER"),
            ],
        ),
    );
    fake.send(
        &app(REWRITES),
        get(
            "/p?card=CARD",
            &[("cookie", "session=COOKIE"), ("x-vitrine-off", TOKEN)],
        ),
    );
    fake.send(
        &app(REWRITES),
        get(&format!("/_v/explain?url=/%3Fq=QUERY&token={TOKEN}"), &[]),
    );
    for line in fake.lines() {
        for secret in [
            TOKEN, "rum-key", "EMAIL", "jo@", "COOKIE", "SESSION", "BEARER", "CARD", "QUERY",
        ] {
            assert!(!line.contains(secret), "{secret} in {line}");
        }
        serde_json::from_str::<serde_json::Value>(&line).unwrap();
    }
    for seen in fake.seen() {
        let sent = format!("{:?} {:?}", seen.uri, seen.headers);
        assert!(!sent.contains(TOKEN) && !sent.contains("rum-key"), "{sent}");
    }
}

#[test]
fn h50_what_a_client_claims_about_itself_reaches_no_shop() {
    let fake = Fake::with_origin(|| html(&[], PAGE));
    let claims = [
        ("x-forwarded-host", "evil.example"),
        ("x-forwarded-for", "6.6.6.6"),
        ("x-forwarded-prefix", "/evil"),
        ("x-forwarded-scheme", "evil"),
        ("x-original-url", "/admin"),
        ("x-rewrite-url", "/admin"),
        ("forwarded", "host=evil.example"),
    ];
    fake.send(&app(REWRITES), get("/", &claims));
    let sent = format!("{:?}", fake.seen()[0].headers);
    assert!(
        !sent.contains("evil") && !sent.contains("6.6.6.6") && !sent.contains("/admin"),
        "{sent}"
    );
    assert_eq!(fake.seen()[0].headers["x-forwarded-host"], "shop.example");
}

#[test]
fn h89_sacred_pages_pass_untouched_uncached_and_unmeasured() {
    for path in [
        "/cart",
        "/checkout/payment",
        "/customer/account",
        "/shop?add-to-cart=1",
        "/a/login.css",
        "/order/7.jpg",
    ] {
        let fake = Fake::with_origin(page_with_everything);
        let whole = fake.send(
            &app(COMPRESSES),
            get(path, &[("accept", "text/html"), ("accept-encoding", "br")]),
        );
        assert_identical(&whole, &page_with_everything(), PAGE.as_bytes(), path);
        assert_eq!(all(&whole, "set-cookie"), ["a=1", "b=2"]);
        fake.with_cache(|cache| assert!(cache.is_empty(), "{path}"));
    }
}

#[test]
fn h89_a_body_that_is_sent_reaches_the_shop_whole() {
    let fake =
        Fake::with_origin(|| response(303, &[("location", "/cart"), ("set-cookie", "cart=1")], ""));
    let mut post = request(
        "POST",
        "/cart/add",
        &[("content-type", "application/x-www-form-urlencoded")],
    );
    *post.body_mut() = FakeBody::in_pieces(b"sku=7&qty=2", 3);
    let whole = fake.send(&app(COMPRESSES), post);
    assert_eq!(whole.status, 303);
    assert_eq!(whole.header("location"), "/cart");
    assert_eq!(fake.seen()[0].body, "sku=7&qty=2");
    assert_eq!(fake.seen()[0].method, "POST");
}

#[test]
fn a_shop_to_which_nothing_is_done_gets_no_cookie_and_keeps_its_caching() {
    let policy = r#"{"compression":{"enabled":false},"rum":{"enabled":false}}"#;
    let whole = visit(policy, &[], page_with_everything);
    assert_identical(
        &whole,
        &page_with_everything(),
        PAGE.as_bytes(),
        "defaults without RUM",
    );
}

#[test]
fn a_prefetch_gets_no_cookie_and_is_in_no_experiment() {
    let policy = r#"{"holdback":{"percent":50},"compression":{"enabled":false},
        "passes":{"payment_guard":{"first_view":"trust"},"preconnect":{"origins":["https://cdn.example"]}}}"#;
    let visit = |headers: &[(&'static str, &str)]| visit(policy, headers, || html(&[], PAGE));
    let first = visit(&[]);
    assert!(all(&first, "set-cookie")[0].starts_with("_v_b="));
    assert!(first.header("server-timing").contains("holdback:"));
    for quiet in [("sec-purpose", "prefetch;prerender"), ("sec-gpc", "1")] {
        let whole = visit(&[quiet]);
        assert!(all(&whole, "set-cookie").is_empty(), "{quiet:?}");
        assert!(!whole.header("server-timing").contains("holdback:"));
        assert!(whole.text().contains(MARK));
    }
}

#[test]
fn the_holdback_gets_the_shop_as_it_is() {
    let policy = r#"{"holdback":{"percent":50},"passes":{"payment_guard":{"first_view":"trust"},"preconnect":{"origins":["https://cdn.example"]}}}"#;
    let (mut held, mut treated) = (0, 0);
    for n in 0..40u64 {
        let cookie = format!("_v_b={:016x}", n.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let whole = visit(policy, &[("cookie", &cookie)], || html(&[], PAGE));
        let timing = whole.header("server-timing");
        assert!(
            all(&whole, "set-cookie").is_empty(),
            "a known visitor gets no new key"
        );
        if timing.contains("holdback:control") {
            held += 1;
            assert!(!whole.text().contains(MARK));
        } else {
            treated += 1;
            assert!(whole.text().contains(MARK));
        }
    }
    assert!(held > 8 && treated > 8, "{held} {treated}");
}

#[test]
fn a_page_that_differs_by_visitor_is_kept_from_shared_caches_but_not_from_the_browsers() {
    let policy = r#"{"holdback":{"percent":5},"passes":{"payment_guard":{"first_view":"trust"},"preconnect":{"origins":["https://cdn.example"]}}}"#;
    let mut arms = std::collections::BTreeSet::new();
    for n in 0..60u64 {
        let cookie = format!("_v_b={:016x}", n.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let whole = visit(policy, &[("cookie", &cookie)], || {
            html(
                &[("cache-control", "public, max-age=60, s-maxage=600")],
                PAGE,
            )
        });
        assert_eq!(whole.header("cache-control"), "private, max-age=60");
        arms.insert(whole.text().contains(MARK));
    }
    assert_eq!(arms.len(), 2, "both arms were seen");
}
