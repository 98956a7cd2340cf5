//! H49, H66 to H68: images in other forms at `/_v/i/…`, and what browsers say of their screen and line.

use std::rc::Rc;

use vitrine_edge::platform::Service;
use vitrine_edge::testing::{Fake, Seen, Whole};
use vitrine_edge::{App, Secrets};

use super::support::{REWRITES, all, app, get, html, photograph, response};

const AVIF: (&str, &str) = ("accept", "image/avif,image/webp,*/*");
const SAVES: (&str, &str) = ("save-data", "on");
/// Browsers are asked for their screen and line.
const HINTS: &str = r#"{"version":"t1","holdback":{"percent":0},"images":{"client_hints":true},
    "passes":{"payment_guard":{"first_view":"trust"}}}"#;

/// A shop with a photograph of 20 000 bytes, and an optimizer whose files say what was asked for.
fn shop() -> Fake {
    let fake = Fake::new(|seen| {
        Ok(match seen.service {
            Service::Origin => photograph(),
            Service::Optimizer => response(200, &[("content-type", "image/avif")], order(seen)),
        })
    });
    fake.set_capabilities(|capabilities| capabilities.deadlines = true);
    fake
}

fn order(seen: &Seen) -> String {
    let said = |name: &str| seen.headers.get(name).map_or("-", |v| v.to_str().unwrap());
    let (quality, width) = (said("x-vitrine-quality"), said("x-vitrine-width"));
    format!("q{quality} w{width} {}", said("x-vitrine-crop"))
}

fn made(whole: &Whole) -> &str {
    std::str::from_utf8(&whole.body).unwrap()
}

/// The second answer: what is kept, and not only what was made while somebody waited.
fn settled(fake: &Fake, app: &Rc<App>, path: &str, headers: &[(&'static str, &str)]) -> Whole {
    fake.send(app, get(path, headers));
    fake.send(app, get(path, headers))
}

#[test]
fn an_address_says_how_wide_how_good_and_what_part() {
    let fake = shop();
    for (options, ordered) in [
        ("w640", "q75 w640 -"),
        ("w600", "q75 w640 -"),
        ("w640_q-saver", "q55 w640 -"),
        ("w640_q-zoom", "q88 w640 -"),
        ("w640_c-4x5-50-30", "q75 w640 4x5@50-30"),
        ("w640_c-4x5-45-25", "q75 w640 4x5@50-30"),
        ("w320_q-zoom_c-16x9-0-100", "q88 w320 16x9@10-90"),
        ("wauto_c-1x1-50-50", "q75 w- 1x1@50-50"),
    ] {
        let path = format!("/_v/i/{options}/img/7.jpg");
        let whole = settled(&fake, &app(REWRITES), &path, &[AVIF]);
        assert_eq!(made(&whole), ordered, "{options}");
        assert_eq!(whole.header("x-robots-tag"), "noindex");
    }
    assert_eq!(fake.seen_by(Service::Origin), 1);
    assert_eq!(
        fake.seen_by(Service::Optimizer),
        12,
        "six forms in two steps, however they are written"
    );
}

#[test]
fn h49_what_is_in_no_list_is_refused_with_what_is_expected() {
    let fake = shop();
    for (options, expected) in [
        ("w640_h480", "behind the width there may be"),
        ("w640_blur-9", "behind the width there may be"),
        ("w640_q-100", "q-saver or q-zoom"),
        ("w640_q-standard", "without one it is the standard"),
        (
            "w640_c-1000x1-50-50",
            "1x1, 4x5, 3x4, 2x3, 9x16, 4x3, 3x2, 16x9, 2x1",
        ),
        ("w640_c-4x5", "as in c-4x5-50-30"),
        ("w640_c-4x5-50-30_q-saver", "in this order"),
        ("h480", "options begin with a width"),
        ("w1e3", "options begin with a width"),
        ("w640%2cq-saver", "options begin with a width"),
    ] {
        let whole = fake.send(
            &app(REWRITES),
            get(&format!("/_v/i/{options}/img/7.jpg"), &[AVIF]),
        );
        assert_eq!(whole.status, 404, "{options}");
        assert_eq!(whole.header("content-type"), "application/problem+json");
        assert_eq!(whole.header("cache-control"), "no-store");
        assert!(
            made(&whole).contains(expected),
            "{options}: {}",
            made(&whole)
        );
    }
    assert_eq!(fake.seen_by(Service::Origin), 0);
}

/// An app that wants addresses signed.
fn signed(image_key: &str, image_key_previous: &str) -> Rc<App> {
    App::load(
        REWRITES,
        Secrets {
            image_key: image_key.into(),
            image_key_previous: image_key_previous.into(),
            ..Secrets::default()
        },
    )
}

#[test]
fn h49_where_there_is_a_key_only_what_it_signed_is_made() {
    let sign = |key: &str, options: &str| {
        let address = format!("/_v/i/{options}/img/7.jpg?v=2");
        let tag = vitrine_rum_collector::token::tag(key.as_bytes(), &address);
        format!("/_v/i/{options}_s-{tag}/img/7.jpg?v=2")
    };
    let fake = shop();
    let status = |app: &Rc<App>, path: &str| fake.send(app, get(path, &[AVIF])).status;
    let ours = sign("key", "w640_q-saver");
    assert_eq!(status(&signed("key", ""), &ours), 200);
    assert_eq!(
        status(&signed("new", "key"), &ours),
        200,
        "while keys change"
    );
    assert_eq!(
        status(&app(REWRITES), &ours),
        200,
        "without a key nobody asks"
    );
    let fetched = fake.seen_by(Service::Origin);
    for wrong in [
        "/_v/i/w640_q-saver/img/7.jpg?v=2".to_owned(),
        sign("other", "w640_q-saver"),
        ours.replace("q-saver", "q-zoom"),
        ours.replace("v=2", "v=3"),
        ours.replace("7.jpg", "8.jpg"),
    ] {
        let whole = fake.send(&signed("key", ""), get(&wrong, &[AVIF]));
        assert_eq!(whole.status, 403, "{wrong}");
        assert!(made(&whole).contains("needs a valid signature"));
    }
    assert_eq!(
        fake.seen_by(Service::Origin),
        fetched,
        "nothing was fetched for them"
    );
    assert_eq!(
        status(&signed("key", ""), "/img/7.jpg"),
        200,
        "its own address needs none"
    );
}

#[test]
fn h68_who_saves_data_gets_fewer_bytes_at_the_same_address_and_nobody_else_does() {
    let fake = shop();
    let app = app(REWRITES);
    for path in [
        "/img/7.jpg",
        "/_v/i/w640/img/7.jpg",
        "/_v/i/w640_q-zoom/img/7.jpg",
    ] {
        let visit = |headers: &[(&'static str, &str)]| fake.send(&app, get(path, headers));
        visit(&[AVIF, SAVES]);
        visit(&[AVIF]);
        for _ in 0..2 {
            let (saving, plain) = (visit(&[AVIF, SAVES]), visit(&[AVIF]));
            assert!(
                made(&saving).starts_with("q55 "),
                "{path}: {}",
                made(&saving)
            );
            assert!(
                !made(&plain).starts_with("q55 "),
                "{path}: {}",
                made(&plain)
            );
            assert_ne!(saving.header("etag"), plain.header("etag"));
            assert!(saving.header("x-vitrine").contains("quality=saver"));
            for whole in [&saving, &plain] {
                assert_eq!(all(whole, "vary"), ["Accept", "Save-Data"], "{path}");
            }
            let unchanged = visit(&[AVIF, ("if-none-match", saving.header("etag"))]);
            assert_eq!(unchanged.status, 200, "one client's file is not another's");
        }
    }
}

/// What a cache keys on is what follows from a header, never how it is written.
#[test]
fn h68_the_class_that_follows_is_in_the_key_and_not_the_header() {
    let fake = shop();
    let app = app(HINTS);
    let ask = |headers: &[(&'static str, &str)]| {
        let headers = [&[AVIF], headers].concat();
        made(&settled(&fake, &app, "/_v/i/wauto/img/7.jpg", &headers)).to_owned()
    };
    for same in ["on", "ON", " on "] {
        assert_eq!(ask(&[("save-data", same)]), "q55 w- -");
    }
    for slow in ["slow-2g", "2g", "3g"] {
        assert_eq!(ask(&[("ect", slow)]), "q55 w- -");
    }
    for none in ["off", "1", "on;q=0", ""] {
        assert_eq!(ask(&[("save-data", none), ("ect", "4g")]), "q75 w- -");
    }
    for pixels in ["481", "500", "639.5", "640"] {
        assert_eq!(ask(&[("sec-ch-width", pixels)]), "q75 w640 -");
    }
    for density in ["2", "2.625", "3"] {
        assert_eq!(ask(&[("sec-ch-dpr", density)]), "q65 w- -");
    }
    assert_eq!(
        fake.seen_by(Service::Optimizer),
        8,
        "four forms in two steps for fifteen spellings"
    );
}

#[test]
fn h68_hints_count_only_where_pages_ask_for_them_and_vary_names_what_counts() {
    let fake = shop();
    let hints = [
        AVIF,
        ("ect", "2g"),
        ("sec-ch-dpr", "3"),
        ("sec-ch-width", "320"),
        ("sec-ch-viewport-width", "320"),
    ];
    let unasked = settled(&fake, &app(REWRITES), "/_v/i/wauto/img/7.jpg", &hints);
    assert_eq!(made(&unasked), "q75 w- -");
    assert_eq!(all(&unasked, "vary"), ["Accept", "Save-Data"]);
    for (path, vary) in [
        ("/img/7.jpg", &["Accept", "Save-Data", "ECT"][..]),
        (
            "/_v/i/w640/img/7.jpg",
            &["Accept", "Save-Data", "ECT", "Sec-CH-DPR"],
        ),
        (
            "/_v/i/wauto/img/7.jpg",
            &[
                "Accept",
                "Save-Data",
                "ECT",
                "Sec-CH-DPR",
                "Sec-CH-Width",
                "Sec-CH-Viewport-Width",
            ],
        ),
    ] {
        for headers in [&hints[..], &[AVIF]] {
            let fake = shop();
            for _ in 0..2 {
                let whole = fake.send(&app(HINTS), get(path, headers));
                assert_eq!(all(&whole, "vary"), vary, "{path}");
            }
        }
    }
}

/// At an image's own address another number of pixels would change the layout of a page that gives no dimensions; and
/// there the picture has often fewer pixels than the screen.
#[test]
fn h67_in_place_no_hint_changes_a_dimension_and_density_changes_nothing() {
    let fake = shop();
    let screen = [
        AVIF,
        ("sec-ch-dpr", "3"),
        ("sec-ch-width", "320"),
        ("sec-ch-viewport-width", "320"),
        ("width", "320"),
    ];
    let whole = settled(&fake, &app(HINTS), "/img/7.jpg", &screen);
    assert_eq!(made(&whole), "q75 w- -");
    let slow = settled(
        &fake,
        &app(HINTS),
        "/img/7.jpg",
        &[&screen[..], &[("ect", "3g")]].concat(),
    );
    assert_eq!(made(&slow), "q55 w- -", "only its quality");
    let explicit = settled(&fake, &app(HINTS), "/_v/i/w640/img/7.jpg", &screen);
    assert_eq!(
        made(&explicit),
        "q65 w640 -",
        "a width that is written stays"
    );
}

#[test]
fn a_width_that_is_left_to_the_browser_is_that_of_the_place_or_the_screen_or_the_images_own() {
    let fake = shop();
    let app = app(HINTS);
    let ask = |headers: &[(&'static str, &str)]| {
        let headers = [&[AVIF], headers].concat();
        made(&settled(&fake, &app, "/_v/i/wauto/img/7.jpg", &headers)).to_owned()
    };
    let (width, viewport, dpr) = ("sec-ch-width", "sec-ch-viewport-width", "sec-ch-dpr");
    assert_eq!(
        ask(&[(width, "400"), (viewport, "1200"), (dpr, "1")]),
        "q75 w480 -"
    );
    assert_eq!(
        ask(&[(width, "800"), (viewport, "400"), (dpr, "2")]),
        "q65 w960 -"
    );
    assert_eq!(ask(&[(viewport, "412"), (dpr, "2.625")]), "q65 w1280 -");
    assert_eq!(ask(&[(viewport, "1000")]), "q75 w1280 -");
    assert_eq!(ask(&[(width, "99999999999")]), "q75 w1920 -");
    for nothing in ["", "0", "-1", "NaN", "inf", "wide", "1e99"] {
        assert_eq!(ask(&[(width, nothing)]), "q75 w- -", "{nothing:?}");
    }
}

/// The control arm gets the shop's own pages, and any page says nothing where the merchant has not.
#[test]
fn pages_ask_for_hints_only_where_they_are_told_to() {
    let page = || {
        html(
            &[("accept-ch", "Sec-CH-UA-Model")],
            "<!doctype html><title>Vase</title>".repeat(99),
        )
    };
    let ask = |policy: &str| {
        let fake = Fake::with_origin(page);
        let headers = [("accept", "text/html"), ("accept-encoding", "br")];
        let whole = fake.send(&app(policy), get("/p/7", &headers));
        let asked: Vec<String> = all(&whole, "accept-ch")
            .iter()
            .map(|v| (*v).to_owned())
            .collect();
        asked
    };
    assert_eq!(ask(REWRITES), ["Sec-CH-UA-Model"]);
    assert_eq!(
        ask(HINTS),
        [
            "Sec-CH-UA-Model",
            "Sec-CH-DPR, Sec-CH-Width, Sec-CH-Viewport-Width, ECT"
        ]
    );
}
