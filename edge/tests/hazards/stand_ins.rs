//! H58: stand-ins for web fonts, in a style sheet of the shop's.

use super::support::{all, app, coded, decoded, get, html, response};
use vitrine_edge::encoding::Coding;
use vitrine_edge::platform::Service;
use vitrine_edge::testing::{Fake, Seen, Whole};

const ON: &str = r#"{"version":"t1","holdback":{"percent":0},
    "passes":{"font_fallback_metrics":{"enabled":true}, "payment_guard":{"first_view":"trust"}}}"#;
const WITH_CSS: &str = r#"{"version":"t1","holdback":{"percent":0},"passes":{"css":{"enabled":true},
    "font_fallback_metrics":{"enabled":true}, "payment_guard":{"first_view":"trust"}}}"#;
const SHEET: &str = "/css/shop.css";
const FOR_A_PAGE: (&str, &str) = ("sec-fetch-dest", "style");
const SHIPPED: &str = "@font-face { font-family: 'Lato'; font-display: optional; src: url(lato.woff2); }\n\
    body { font: 16px/1.5 Lato, sans-serif; }\nh1 { font-family: Lato; }\n.\u{e4} { font-family: 'Who', serif }\n";
const SMALLER: &str = "@font-face{font-family:'Lato';font-display:optional;src:url(lato.woff2)}\
    body{font:16px/1.5 Lato, sans-serif}h1{font-family:Lato}.\u{e4}{font-family:'Who', serif}";

/// A shop whose pages link the sheet with these attributes, and an optimizer.
fn shop(attributes: &'static str, coding: Coding, sheet: &'static str) -> Fake {
    Fake::new(move |seen: &Seen| {
        let kind = ("content-type", "text/css; charset=utf-8");
        Ok(match (seen.service, seen.uri.path()) {
            (Service::Optimizer, _) => {
                assert_eq!(seen.body, SHIPPED.as_bytes());
                response(200, &[kind], SMALLER)
            }
            (_, SHEET) => {
                let mut head = vec![
                    kind,
                    ("cache-control", "public, max-age=600"),
                    ("etag", "\"o\""),
                ];
                if coding != Coding::Identity {
                    head.push(("content-encoding", coding.token()));
                }
                response(200, &head, coded(coding, sheet.as_bytes()))
            }
            _ => html(
                &[],
                format!(
                    "<!doctype html><html><head><title>x</title><link rel=\"stylesheet\" href=\"{SHEET}\"{attributes}></head><body>x</body></html>"
                ),
            ),
        })
    })
}

/// The sheet, as a page's visitors get it from the time on that it is known.
fn known(fake: &Fake, policy: &str, headers: &[(&'static str, &str)]) -> Whole {
    for _ in 0..20 {
        fake.send(&app(policy), get("/p/1", &[("accept", "text/html")]));
    }
    let headers = [&[FOR_A_PAGE], headers].concat();
    for _ in 0..2 {
        let first = fake.send(&app(policy), get(SHEET, &headers));
        assert!(!text(&first).contains("v-fallback"));
    }
    fake.send(&app(policy), get(SHEET, &headers))
}

fn text(whole: &Whole) -> String {
    let coding = Coding::of_response(&whole.headers).unwrap();
    String::from_utf8(decoded(coding, &whole.body)).unwrap()
}

/// The sheet without what stands in it of ours.
fn without(text: &str) -> String {
    let end = text.find("@font-face{font-family:\"Lato v-fallback\"");
    let end = end.map(|at| at - "@supports (overflow-anchor:auto){".len());
    text[..end.unwrap()].replace(",\"Lato v-fallback\"", "")
}

#[test]
fn h58_a_web_font_of_the_shops_sheet_gets_a_stand_in_and_nothing_else_changes() {
    let fake = shop("", Coding::Identity, SHIPPED);
    let better = known(&fake, ON, &[]);
    let made = &better.text();
    assert_eq!(without(made), SHIPPED);
    assert!(made.contains("body { font: 16px/1.5 Lato,\"Lato v-fallback\", sans-serif; }"));
    assert!(made.contains("h1 { font-family: Lato; }"), "no generic end");
    assert_eq!(made.matches("font-display").count(), 1, "the author's");
    assert!(made.contains("src:local(\"Arial\"),"));
    assert_eq!(better.header("x-vitrine"), "asset; hit; better");
    assert_eq!(better.header("content-type"), "text/css; charset=utf-8");
    assert_eq!(better.header("content-length"), made.len().to_string());
    assert_ne!(better.header("etag"), "\"o\"");
    assert!(all(&better, "vary").contains(&"Sec-Fetch-Dest"));
    assert_eq!(fake.seen_by(Service::Optimizer), 0);
    let script = fake.send(&app(ON), get(SHEET, &[("sec-fetch-dest", "empty")]));
    assert_eq!(script.text(), SHIPPED, "what a script reads is the shop's");
}

#[test]
fn h58_a_sheet_is_smaller_and_has_stand_ins_where_both_are_wanted() {
    let fake = shop("", Coding::Identity, SHIPPED);
    let better = known(&fake, WITH_CSS, &[]);
    assert_eq!(without(&better.text()), SMALLER);
    assert_eq!(fake.seen_by(Service::Optimizer), 1);
    // An optimizer that cannot takes nothing from the other.
    let shipped = Fake::new(move |seen: &Seen| match seen.service {
        Service::Optimizer => Ok(response(204, &[("x-vitrine-skip", "not-understood")], "")),
        Service::Origin => Ok(shop_answer(seen)),
    });
    assert_eq!(without(&known(&shipped, WITH_CSS, &[]).text()), SHIPPED);
}

fn shop_answer(seen: &Seen) -> http::Response<vitrine_edge::testing::FakeBody> {
    match seen.uri.path() {
        SHEET => response(
            200,
            &[
                ("content-type", "text/css"),
                ("cache-control", "public, max-age=600"),
            ],
            SHIPPED,
        ),
        _ => html(
            &[],
            format!(
                "<!doctype html><html><head><title>x</title><link rel=\"stylesheet\" href=\"{SHEET}\"></head><body>x</body></html>"
            ),
        ),
    }
}

#[test]
fn h58_a_view_counts_once_whatever_passes_look_at_sheets() {
    let fake = shop("", Coding::Identity, SHIPPED);
    for _ in 0..19 {
        fake.send(&app(WITH_CSS), get("/p/1", &[("accept", "text/html")]));
    }
    for _ in 0..3 {
        let whole = fake.send(&app(WITH_CSS), get(SHEET, &[FOR_A_PAGE]));
        assert_eq!(whole.text(), SHIPPED, "19 views are not enough");
    }
}

#[test]
fn h58_a_sheet_with_stand_ins_is_sent_in_the_clients_coding() {
    for (accepts, origin) in [
        ("br", Coding::Identity),
        ("gzip", Coding::Identity),
        ("br", Coding::Gzip),
        ("gzip", Coding::Gzip),
        ("br", Coding::Brotli),
    ] {
        let fake = shop("", origin, SHIPPED);
        let better = known(&fake, ON, &[("accept-encoding", accepts)]);
        assert!(Coding::of_response(&better.headers) != Some(Coding::Identity));
        assert_eq!(without(&text(&better)), SHIPPED, "{accepts} {origin:?}");
        let again = [
            FOR_A_PAGE,
            ("accept-encoding", accepts),
            ("if-none-match", better.header("etag")),
        ];
        assert_eq!(fake.send(&app(ON), get(SHEET, &again)).status, 304);
    }
}

#[test]
fn h58_a_sheet_that_is_pinned_mapped_or_has_no_known_font_stays_the_shops() {
    let off = ON.replace(
        "\"font_fallback_metrics\":{\"enabled\":true}",
        "\"css\":{\"enabled\":false}",
    );
    for (attributes, sheet, policy, reason) in [
        (" integrity=\"sha384-x\"", SHIPPED, ON, "integrity"),
        (" data-no-optimize", SHIPPED, ON, "integrity"),
        ("", "body{font-family:Lato}", ON, "no-known-font"),
        (
            "",
            "body{font-family:Lato,serif}/*# sourceMappingURL=a.map */",
            ON,
            "source-map",
        ),
        ("", "body{font-family:Lato,serif}}", ON, "not-understood"),
        ("", SHIPPED, &off, ""),
    ] {
        let fake = shop(attributes, Coding::Identity, sheet);
        let whole = known(&fake, policy, &[]);
        assert_eq!(whole.text(), sheet);
        assert!(
            whole.header("x-vitrine").ends_with(reason),
            "{}",
            whole.header("x-vitrine")
        );
    }
}
