//! H49, H52, H57: fonts of Google's at the shop's own address.

use vitrine_edge::platform::{FetchError, Service};
use vitrine_edge::testing::{Fake, Seen};

use super::support::{all, app, get, html, request, response};

const ON: &str = r#"{"version":"t1","holdback":{"percent":0},"compression":{"enabled":false},
    "passes":{"google_fonts":{"enabled":true}, "payment_guard":{"first_view":"trust"}}}"#;
const SHEET: &str = "/_v/fonts/css2?family=Inter:wght@400..700&display=swap";
const FILE: &str = "/_v/fonts/s/inter/v18/UcC7-_3.woff2";
const GOOGLES: &str = "/* latin-ext */\n@font-face {\n  font-family: 'Inter';\n  font-style: normal;\n  \
    font-weight: 400 700;\n  font-display: swap;\n  \
    src: url(https://fonts.gstatic.com/s/inter/v18/UcC7-_4.woff2) format('woff2');\n  \
    unicode-range: U+0100-02BA, U+1E00-1E9F;\n}\n/* latin */\n@font-face {\n  font-family: 'Inter';\n  \
    font-style: normal;\n  font-weight: 400 700;\n  font-display: swap;\n  \
    src: url(https://fonts.gstatic.com/s/inter/v18/UcC7-_3.woff2) format('woff2');\n  \
    unicode-range: U+0000-00FF, U+0131;\n}\n";

fn font() -> Vec<u8> {
    let mut bytes = b"wOF2".to_vec();
    bytes.extend((0..4_000u32).map(|n| (n % 253) as u8));
    bytes
}

/// Google, as the adapter hands it on.
fn google(seen: &Seen) -> http::Response<vitrine_edge::testing::FakeBody> {
    assert_eq!(seen.service, Service::Origin);
    let private = ("cache-control", "private, max-age=86400");
    if seen.uri.path().starts_with("/_v/fonts/s/") {
        response(200, &[("content-type", "font/woff2")], font())
    } else {
        response(
            200,
            &[("content-type", "text/css; charset=utf-8"), private],
            GOOGLES,
        )
    }
}

fn up() -> Fake {
    Fake::new(|seen| Ok(google(seen)))
}

#[test]
fn h57_a_sheet_keeps_every_range_weight_and_display_and_names_files_of_ours() {
    let fake = up();
    let sheet = fake.send(&app(ON), get(SHEET, &[]));
    assert_eq!(
        sheet.text(),
        GOOGLES.replace("https://fonts.gstatic.com/", "/_v/fonts/")
    );
    assert_eq!(sheet.header("content-type"), "text/css; charset=utf-8");
    assert_eq!(sheet.header("x-content-type-options"), "nosniff");
}

#[test]
fn h57_a_file_is_googles_byte_for_byte_and_kept_for_a_year() {
    let fake = up();
    for _ in 0..3 {
        let file = fake.send(&app(ON), get(FILE, &[]));
        assert_eq!(file.body, font());
        assert_eq!(file.header("content-type"), "font/woff2");
        assert_eq!(
            file.header("cache-control"),
            "public, max-age=31536000, immutable"
        );
    }
    assert_eq!(fake.seen().len(), 1, "once for all visitors");
}

#[test]
fn h57_nobody_but_the_first_visitor_waits_and_no_browser_gets_another_sheet() {
    let fake = up();
    let first = fake.send(&app(ON), get(SHEET, &[("user-agent", "Old/1.0")]));
    let second = fake.send(&app(ON), get(SHEET, &[("user-agent", "New/99")]));
    assert_eq!((&first.body, fake.seen().len()), (&second.body, 1));
    // After a day it is fetched anew behind the answer.
    fake.pass_ms(90_000_000);
    let stale = fake.send(&app(ON), get(SHEET, &[]));
    assert_eq!(
        (stale.header("x-vitrine"), &stale.body),
        ("fonts; stale", &first.body)
    );
    assert_eq!(fake.seen().len(), 2);
    let fresh = fake.send(&app(ON), get(SHEET, &[]));
    assert_eq!(fresh.header("x-vitrine"), "fonts; hit");
}

#[test]
fn h49_nothing_of_a_visitor_is_in_what_is_asked_for() {
    let fake = up();
    let mine = [
        ("cookie", "sid=1"),
        ("referer", "http://shop.example/p/1"),
        ("authorization", "Basic eA=="),
        ("x-forwarded-for", "203.0.113.9"),
        ("accept-language", "de"),
    ];
    fake.send(&app(ON), get(SHEET, &mine));
    let seen = fake.seen();
    assert_eq!(seen[0].uri, SHEET);
    assert!(seen[0].headers.is_empty(), "{:?}", seen[0].headers);
}

/// A way for Google, or the adapter, to fail.
type Wrong = Box<dyn Fn() -> Result<http::Response<vitrine_edge::testing::FakeBody>, FetchError>>;

#[test]
fn h57_whatever_goes_wrong_sends_the_browser_on_to_google_and_nothing_is_kept() {
    let sheet =
        |body: &'static str| move || Ok(response(200, &[("content-type", "text/css")], body));
    let wrongs: Vec<Wrong> = vec![
        Box::new(|| Err(FetchError::Timeout(Service::Origin))),
        Box::new(|| Ok(response(502, &[], "down"))),
        Box::new(|| Ok(response(200, &[("content-type", "text/html")], GOOGLES))),
        Box::new(sheet("@font-face{src:url(https://evil.example/a.woff2)}")),
        Box::new(sheet("")),
        Box::new(|| {
            Ok(response(
                200,
                &[("content-type", "text/css"), ("content-length", "9999")],
                GOOGLES,
            ))
        }),
        Box::new(|| {
            Ok(response(
                200,
                &[("content-type", "text/css"), ("content-encoding", "zstd")],
                GOOGLES,
            ))
        }),
        Box::new(|| {
            Ok(response(
                200,
                &[("content-type", "text/css")],
                vec![b' '; 5 << 20],
            ))
        }),
    ];
    for (at, wrong) in wrongs.into_iter().enumerate() {
        let fake = Fake::new(move |_| wrong());
        let answer = fake.send(&app(ON), get(SHEET, &[]));
        assert_eq!(answer.status, 302, "{at}");
        assert_eq!(
            answer.header("location"),
            "https://fonts.googleapis.com/css2?family=Inter:wght@400..700&display=swap"
        );
        assert_eq!(answer.header("cache-control"), "no-store");
        fake.script(|seen| Ok(google(seen)));
        assert_eq!(fake.send(&app(ON), get(SHEET, &[])).status, 200, "{at}");
    }
    let fake = Fake::with_origin(|| response(200, &[("content-type", "font/woff2")], "<html>"));
    let answer = fake.send(&app(ON), get(FILE, &[]));
    assert_eq!(
        answer.header("location"),
        "https://fonts.gstatic.com/s/inter/v18/UcC7-_3.woff2"
    );
}

#[test]
fn h57_a_sheet_that_was_kept_stands_in_for_a_google_that_is_down() {
    let fake = up();
    let first = fake.send(&app(ON), get(SHEET, &[]));
    fake.script(|_| Err(FetchError::Timeout(Service::Origin)));
    fake.pass_ms(20 * 86_400_000);
    let later = fake.send(&app(ON), get(SHEET, &[]));
    assert_eq!((later.status.as_u16(), later.body), (200, first.body));
}

#[test]
fn h49_no_other_path_leads_out_and_what_the_adapter_refuses_is_not_found() {
    let fake = Fake::with_origin(|| response(404, &[], "no"));
    for path in [
        "/_v/fonts/css2",
        "/_v/fonts/https://evil.example/css2?family=a",
        "/_v/fonts/s/a/v1/a.ttf",
        "/_v/fonts/s/../../x.woff2",
        "/_v/fonts/s//evil.example/x.woff2",
        "/_v/fonts/l/font?kit=x",
        "/%5Fv/fonts/css2?family=Inter",
        "/x/../_v/fonts/css2?family=Inter",
    ] {
        let answer = fake.send(&app(ON), get(path, &[]));
        assert_eq!(answer.status, 404, "{path}");
        assert_eq!(answer.header("location"), "");
    }
    assert_eq!(fake.seen().len(), 0);
    assert_eq!(fake.send(&app(ON), get(SHEET, &[])).status, 404);
    let post = fake.send(&app(ON), request("POST", SHEET, &[]));
    assert_eq!((post.status.as_u16(), fake.seen().len()), (404, 1));
}

#[test]
fn h52_a_shop_that_did_not_ask_for_it_has_no_way_to_google() {
    for policy in [
        "{}",
        r#"{"enabled":false,"passes":{"google_fonts":{"enabled":true}}}"#,
    ] {
        let fake = up();
        let answer = fake.send(&app(policy), get(SHEET, &[]));
        assert_eq!(
            (answer.status.as_u16(), fake.seen().len()),
            (302, 0),
            "{policy}"
        );
    }
    // On for one template is on.
    let fake = up();
    let some = r#"{"overrides":[{"templates":["home"],"on":["google_fonts"]}]}"#;
    assert_eq!(fake.send(&app(some), get(SHEET, &[])).status, 200);
}

#[test]
fn a_sheet_is_sent_in_the_coding_of_the_client_under_one_address() {
    let fake = up();
    let app = app(&ON.replace(
        "\"compression\":{\"enabled\":false}",
        "\"cache\":{\"enabled\":true}",
    ));
    let plain = fake.send(&app, get(SHEET, &[]));
    let br = fake.send(&app, get(SHEET, &[("accept-encoding", "gzip, br")]));
    assert_eq!(br.header("content-encoding"), "br");
    assert!(br.body.len() < plain.body.len() / 2);
    assert_eq!(
        super::support::decoded(vitrine_edge::encoding::Coding::Brotli, &br.body),
        plain.body
    );
    for whole in [&plain, &br] {
        assert_eq!(all(whole, "vary"), ["Accept-Encoding"]);
    }
    assert_ne!(plain.header("etag"), br.header("etag"));
    let again = fake.send(&app, get(SHEET, &[("if-none-match", plain.header("etag"))]));
    assert_eq!(again.status, 304);
    let head = fake.send(&app, request("HEAD", SHEET, &[]));
    assert_eq!(head.header("content-length"), plain.body.len().to_string());
    assert!(head.body.is_empty());
}

#[test]
fn h57_a_page_is_sent_with_links_to_the_shop_alone() {
    let page = "<!doctype html><html><head><title>x</title>\
        <link rel=\"preconnect\" href=\"https://fonts.gstatic.com\" crossorigin>\
        <link rel=\"stylesheet\" href=\"https://fonts.googleapis.com/css2?family=Inter&amp;display=swap\">\
        </head><body>x</body></html>";
    let fake = Fake::with_origin(move || html(&[], page));
    let whole = fake.send(&app(ON), get("/p/1", &[("accept", "text/html")]));
    assert!(!whole.text().contains("google"), "{}", whole.text());
    assert!(!whole.text().contains("gstatic"));
    assert!(
        whole
            .text()
            .contains("href=\"/_v/fonts/css2?family=Inter&amp;display=swap\"")
    );
}
