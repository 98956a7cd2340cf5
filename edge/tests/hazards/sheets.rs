//! H30, H55, H56: style sheets at their own URL, smaller from the moment on that it is safe.

use super::support::{all, app, coded, decoded, get, html, response};
use vitrine_edge::encoding::Coding;
use vitrine_edge::platform::{FetchError, Service};
use vitrine_edge::testing::{Fake, Seen, Whole};

const ON: &str = r#"{"version":"t1","holdback":{"percent":0},
    "passes":{"css":{"enabled":true}, "payment_guard":{"first_view":"trust"}}}"#;
const SHEET: &str = "/css/shop.css?v=1";
const FOR_A_PAGE: (&str, &str) = ("sec-fetch-dest", "style");

fn shipped() -> String {
    let rules = (0..60u32).map(|n| {
        let hue = n.wrapping_mul(2_654_435_761) >> 8;
        format!(".p{n} {{\n    color: #{hue:06x}; /* reduced since {} */\n    background: url(\"../img/{n}.png\");\n}}\n", hue * 7)
    });
    format!("/*! (c) shop */\n{}", rules.collect::<String>())
}

fn smaller() -> String {
    let rules = (0..60u32).map(|n| {
        let hue = n.wrapping_mul(2_654_435_761) >> 8;
        format!(".p{n}{{color:#{hue:06x};background:url(\"../img/{n}.png\")}}")
    });
    format!("/*! (c) shop */ {}", rules.collect::<String>())
}

/// A shop whose pages link the sheet with these attributes, and the real optimizer.
fn shop(attributes: &'static str, headers: &'static [(&'static str, &str)]) -> Fake {
    Fake::new(move |seen| {
        Ok(match seen.service {
            Service::Optimizer => optimizer(seen),
            Service::Origin if seen.uri.path() == "/css/shop.css" => {
                let mut all = vec![
                    ("content-type", "text/css; charset=utf-8"),
                    ("cache-control", "public, max-age=600"),
                    ("etag", "\"o\""),
                ];
                all.extend_from_slice(headers);
                let coding = Coding::of_response(response(200, headers, "").headers());
                response(
                    200,
                    &all,
                    coded(coding.unwrap_or(Coding::Identity), shipped().as_bytes()),
                )
            }
            Service::Origin => html(
                &[],
                format!(
                    "<!doctype html><html><head><title>x</title><link rel=\"stylesheet\" href=\"{SHEET}\"{attributes}></head><body>x</body></html>"
                ),
            ),
        })
    })
}

/// What the optimizer makes of the sheet, in the coding that is asked for.
fn optimizer(seen: &Seen) -> http::Response<vitrine_edge::testing::FakeBody> {
    assert_eq!((seen.method.as_str(), seen.uri.path()), ("POST", "/css"));
    assert_eq!(seen.headers["content-type"], "text/css; charset=utf-8");
    assert_eq!(seen.body, shipped().as_bytes(), "without its coding");
    let (token, coding) = match seen.headers["x-vitrine-coding"].to_str().unwrap() {
        "br" => ("br", Coding::Brotli),
        "gzip" => ("gzip", Coding::Gzip),
        _ => ("", Coding::Identity),
    };
    let mut headers = vec![("content-type", "text/css; charset=utf-8")];
    if coding != Coding::Identity {
        headers.push(("content-encoding", token));
    }
    response(200, &headers, coded(coding, smaller().as_bytes()))
}

fn visits(fake: &Fake, count: usize) {
    for _ in 0..count {
        let page = fake.send(&app(ON), get("/p/1", &[("accept", "text/html")]));
        assert!(page.text().contains(SHEET));
    }
}

fn sheet(fake: &Fake, headers: &[(&'static str, &str)]) -> Whole {
    fake.send(&app(ON), get(SHEET, headers))
}

#[test]
fn h55_the_first_visitors_get_the_shops_own_sheet_and_later_ones_a_smaller_one() {
    let fake = shop("", &[]);
    visits(&fake, 20);
    for state in ["miss", "hit; original: not-ready"] {
        let first = sheet(&fake, &[FOR_A_PAGE]);
        assert_eq!(first.text(), shipped());
        assert_eq!(first.header("x-vitrine"), format!("asset; {state}"));
    }
    let later = sheet(&fake, &[FOR_A_PAGE]);
    assert_eq!(later.text(), smaller());
    assert_eq!(later.header("x-vitrine"), "asset; hit; better");
    assert_eq!(later.header("content-type"), "text/css; charset=utf-8");
    assert_ne!(later.header("etag"), "\"o\"");
    assert_eq!(later.header("content-length"), smaller().len().to_string());
    assert_eq!(fake.seen_by(Service::Optimizer), 1);
    let again = sheet(
        &fake,
        &[FOR_A_PAGE, ("if-none-match", later.header("etag"))],
    );
    assert_eq!(again.status, 304);
}

#[test]
fn h30_a_sheet_that_any_page_holds_to_its_bytes_is_the_shops_for_good() {
    for (views_without, attributes) in [(0, " integrity=\"sha384-x\""), (60, "")] {
        let fake = shop(attributes, &[]);
        visits(&fake, 30);
        if views_without > 0 {
            sheet(&fake, &[FOR_A_PAGE]);
            sheet(&fake, &[FOR_A_PAGE]);
            assert_eq!(sheet(&fake, &[FOR_A_PAGE]).text(), smaller());
            // One page is changed to hold the sheet to its bytes.
            let pinned = shop(" integrity=\"sha384-x\"", &[]);
            fake.script(move |seen| Ok(pinned_answer(&pinned, seen)));
            visits(&fake, 1);
        }
        for _ in 0..3 {
            let whole = sheet(&fake, &[FOR_A_PAGE]);
            assert_eq!(whole.text(), shipped(), "{attributes}");
        }
        assert!(
            sheet(&fake, &[FOR_A_PAGE])
                .header("x-vitrine")
                .ends_with("original: integrity")
        );
    }
}

fn pinned_answer(_: &Fake, seen: &Seen) -> http::Response<vitrine_edge::testing::FakeBody> {
    if seen.service == Service::Optimizer {
        return optimizer(seen);
    }
    html(
        &[],
        format!(
            "<!doctype html><html><head><title>x</title><link rel=\"stylesheet\" href=\"{SHEET}\" integrity=\"sha384-x\"></head><body>x</body></html>"
        ),
    )
}

#[test]
fn h30_only_what_a_page_links_and_only_for_the_page_is_another_sheet() {
    let fake = shop("", &[]);
    visits(&fake, 19);
    for _ in 0..3 {
        assert_eq!(sheet(&fake, &[FOR_A_PAGE]).text(), shipped());
    }
    assert_eq!(
        fake.seen_by(Service::Optimizer),
        0,
        "19 views are not enough"
    );
    visits(&fake, 1);
    sheet(&fake, &[FOR_A_PAGE]);
    assert_eq!(sheet(&fake, &[FOR_A_PAGE]).text(), smaller());
    for dest in ["empty", "serviceworker", "document"] {
        let whole = sheet(&fake, &[("sec-fetch-dest", dest)]);
        assert_eq!(whole.text(), shipped(), "{dest}");
        assert!(all(&whole, "vary").contains(&"Sec-Fetch-Dest"));
    }
    assert_eq!(sheet(&fake, &[]).text(), shipped());
    let other = fake.send(&app(ON), get("/css/shop.css?v=2", &[FOR_A_PAGE]));
    assert_eq!(other.text(), shipped(), "a sheet that no page has linked");
}

#[test]
fn h55_each_coding_has_its_own_and_is_smaller_as_it_is_sent() {
    for (accepts, coding) in [("br", Coding::Brotli), ("gzip", Coding::Gzip)] {
        for origin in [&[][..], &[("content-encoding", "gzip")][..]] {
            let fake = shop("", origin);
            visits(&fake, 20);
            let accept = ("accept-encoding", accepts);
            let mut sizes = Vec::new();
            for _ in 0..3 {
                let whole = sheet(&fake, &[FOR_A_PAGE, accept]);
                let sent = Coding::of_response(&whole.headers).unwrap();
                sizes.push((whole.body.len(), decoded(sent, &whole.body)));
            }
            let whole = sheet(&fake, &[FOR_A_PAGE, accept]);
            assert!(
                sizes[2].0 * 100 <= sizes[0].0 * 95,
                "{accepts}: {} {}",
                sizes[0].0,
                sizes[2].0
            );
            assert_eq!(sizes[2].1, smaller().as_bytes());
            let sent = Coding::of_response(&whole.headers);
            assert!(sent == Some(coding) || sent == Some(Coding::Gzip));
        }
    }
}

#[test]
fn h55_a_sheet_that_says_so_or_fails_stays_the_shops() {
    let left: [&'static [(&'static str, &str)]; 4] = [
        &[("cache-control", "no-transform")],
        &[("sourcemap", "/shop.css.map")],
        &[("content-disposition", "inline")],
        &[("set-cookie", "a=1")],
    ];
    for headers in left {
        let fake = shop("", headers);
        visits(&fake, 20);
        for _ in 0..3 {
            assert_eq!(sheet(&fake, &[FOR_A_PAGE]).text(), shipped(), "{headers:?}");
        }
        assert_eq!(fake.seen_by(Service::Optimizer), 0, "{headers:?}");
    }
    let fake = shop("", &[]);
    visits(&fake, 20);
    sheet(&fake, &[FOR_A_PAGE]);
    fake.script(|_| Err(FetchError::Timeout(Service::Optimizer)));
    for _ in 0..3 {
        assert_eq!(sheet(&fake, &[FOR_A_PAGE]).text(), shipped());
    }
}

#[test]
fn h56_with_the_pass_off_nothing_is_learned_and_no_sheet_changes() {
    let fake = shop("", &[]);
    let off = app(&ON.replace("\"css\":{\"enabled\":true}", "\"css\":{\"enabled\":false}"));
    for _ in 0..25 {
        fake.send(&off, get("/p/1", &[("accept", "text/html")]));
        let whole = fake.send(&off, get(SHEET, &[FOR_A_PAGE]));
        assert_eq!(whole.text(), shipped());
        assert!(!all(&whole, "vary").contains(&"Sec-Fetch-Dest"));
    }
    assert_eq!(fake.seen_by(Service::Optimizer), 0);
}
