//! Google's fonts, for the edge: two hosts, a closed set of paths, and nothing of a visitor.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests may stop a test"
)]

mod support;

use support::*;
use vitrine_origin_adapter::platform::Payload;

const SHEET: &str = "/_v/fonts/css2?family=Inter:wght@400;700&family=Lora:ital@0;1&display=swap";
const FILE: &str = "/_v/fonts/s/inter/v18/UcC73FwrK3iLTeHuS_nVMrMxCp50-_8.woff2";

fn fonts() -> vitrine_origin_adapter::Adapter {
    adapter(|settings| {
        settings.font_sheets = "http://sheets.test".into();
        settings.font_files = "http://files.test:8080".into();
    })
}

#[test]
fn h49_a_font_is_asked_for_at_two_fixed_hosts_with_nothing_of_the_visitor() {
    let host = Host::scripted(vec![ok(), ok()]);
    let headers = [
        ("cookie", "sid=1"),
        ("referer", "https://shop.example/p/1"),
        ("user-agent", "Old/1.0"),
        ("x-forwarded-for", "192.0.2.1"),
        ("accept-language", "de"),
    ];
    for path in [SHEET, FILE] {
        let answer = host.run(ask(&fonts(), &host, request("GET", path, &headers)));
        assert_eq!(answer.status, 200, "{path}");
    }
    let sent = host.0.sent.borrow();
    let urls: Vec<_> = sent.iter().map(|sent| sent.uri.to_string()).collect();
    assert_eq!(
        urls,
        [
            "http://sheets.test/css2?family=Inter:wght@400;700&family=Lora:ital@0;1&display=swap",
            "http://files.test:8080/s/inter/v18/UcC73FwrK3iLTeHuS_nVMrMxCp50-_8.woff2",
        ]
    );
    for sent in sent.iter() {
        let mut names: Vec<_> = sent.headers.keys().map(ToString::to_string).collect();
        names.sort_unstable();
        assert_eq!(names, ["accept", "accept-encoding", "user-agent"]);
        let browser = sent.headers["user-agent"].to_str().unwrap();
        assert!(browser.contains("Chrome/"), "{browser}");
    }
}

#[test]
fn h49_nothing_but_a_font_can_be_asked_for() {
    let host = Host::scripted(Vec::new());
    for path in [
        "/_v/fonts",
        "/_v/fonts/",
        "/_v/fonts/css2",
        "/_v/fonts/css2?family=",
        "/_v/fonts/css2?family=Inter&text=abc",
        "/_v/fonts/css2?family=Inter&callback=x",
        "/_v/fonts/css3?family=Inter",
        "/_v/fonts/@evil.example/css2?family=Inter",
        "/_v/fonts//evil.example/css2?family=Inter",
        "/_v/fonts/s/../../css2?family=Inter",
        "/_v/fonts/s/inter/v18/..%2f..%2fx.woff2",
        "/_v/fonts/s/inter/v18/x.ttf",
        "/_v/fonts/s/inter/v18/x.woff2?y=1",
        "/_v/fonts/s/inter/18/x.woff2",
        "/_v/fonts/s/inter/v18/a/x.woff2",
        "/_v/fonts/l/font?kit=abc",
        "/_v/adapter/../fonts/css2?family=Inter",
        "/_v/cart/../fonts/css2?family=Inter",
    ] {
        let answer = host.run(ask(&fonts(), &host, request("GET", path, &[])));
        assert!(
            matches!(answer.status, 400..=499),
            "{path}: {}",
            answer.status
        );
    }
    let long = format!("/_v/fonts/css2?family={}", "a".repeat(2_000));
    for (method, path) in [("POST", SHEET), ("PUT", FILE), ("GET", &long)] {
        let answer = host.run(ask(&fonts(), &host, request(method, path, &[])));
        assert_eq!(answer.status, 404, "{method} {path}");
    }
    assert_eq!(host.sent(), 0, "nothing was sent anywhere");
}

#[test]
fn h49_a_redirect_or_an_error_of_googles_is_no_font() {
    for (status, headers) in [
        (
            302,
            &[("location", "http://169.254.169.254/latest/meta-data")][..],
        ),
        (400, &[]),
        (404, &[]),
        (500, &[]),
    ] {
        let host = Host::new(move |_| reply(status, headers, "secret"));
        let answer = host.run(ask(&fonts(), &host, request("GET", SHEET, &[])));
        assert_eq!(answer.status, 502, "{status}");
        assert!(!answer.text().contains("secret"));
        assert!(!answer.headers.contains_key("location"));
    }
}

#[test]
fn a_google_that_is_down_is_left_alone_and_is_no_failure_of_the_shop() {
    let host = Host::new(|sent| {
        if sent.uri.host() == Some("sheets.test") {
            reply(503, &[], "")
        } else {
            ok()
        }
    });
    let adapter = fonts();
    for _ in 0..20 {
        let _ = host.run(ask(&adapter, &host, request("GET", SHEET, &[])));
    }
    let asked = host.sent();
    assert!(asked < 20, "the circuit opens: {asked} requests");
    let page = host.run(ask(&adapter, &host, request("GET", "/p/1", &[])));
    assert_eq!(page.status, 200);
}

#[test]
fn a_body_streams_and_cookies_of_google_stay_behind() {
    let host = Host::scripted(vec![reply(
        200,
        &[
            ("content-type", "font/woff2"),
            ("set-cookie", "NID=1"),
            ("x-vitrine-origin", "status=down"),
        ],
        "wOF2",
    )]);
    let adapter = fonts();
    let visitor = vitrine_origin_adapter::Visitor::default();
    let response = host.run(adapter.handle(&host, &visitor, request("GET", FILE, &[])));
    assert!(matches!(response.body(), Payload::Stream(_)));
    let names: Vec<_> = response.headers().keys().map(ToString::to_string).collect();
    assert_eq!(names, ["content-type"]);
}
