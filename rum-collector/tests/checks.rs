//! The checks, their order, their answers and their counters.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use bytes::Bytes;
use common::*;
use http::Request;
use proptest::prelude::*;
use vitrine_rum_collector::token::{self, VALID_MINUTES};

const GOOD: &str = r#""lcp":1200,"fcp":800,"ttfb":90,"cls":0.02,"inp":80"#;

/// A request that would be accepted, and one defect per check.
struct Defect {
    counter: &'static str,
    status: u16,
    spoil: fn(&mut Attempt),
}

struct Attempt {
    world: World,
    method: &'static str,
    path: &'static str,
    headers: Vec<(&'static str, String)>,
    body: Body,
}

/// What the body says, kept apart so that several defects can be in it at once.
struct Body {
    syntax: &'static str,
    more: String,
    token: String,
    padding: usize,
}

impl Attempt {
    fn good() -> Self {
        Self {
            world: World::new(),
            method: "POST",
            path: "/_v/b",
            headers: vec![
                ("content-type", "text/plain;charset=UTF-8".into()),
                ("origin", "https://shop.example".into()),
                ("sec-fetch-site", "same-origin".into()),
                ("user-agent", CHROME.into()),
            ],
            body: Body {
                syntax: "",
                more: GOOD.into(),
                token: token::mint(KEY, &claims()),
                padding: 0,
            },
        }
    }

    fn set(&mut self, name: &'static str, value: &str) {
        self.headers.retain(|(known, _)| *known != name);
        self.headers.push((name, value.into()));
    }

    fn send(&self) -> http::Response<Bytes> {
        let Body {
            syntax,
            more,
            token,
            padding,
        } = &self.body;
        let text = body_with(token, "abcdefgh01", 0, more) + syntax + &" ".repeat(*padding);
        let mut request = Request::builder().method(self.method).uri(self.path);
        for (name, value) in &self.headers {
            request = request.header(*name, value);
        }
        self.world.send(request.body(text).unwrap())
    }
}

/// In the order of the checks.
const DEFECTS: &[Defect] = &[
    Defect {
        counter: "method",
        status: 405,
        spoil: |a| a.method = "GET",
    },
    Defect {
        counter: "path",
        status: 404,
        spoil: |a| a.path = "/_v/bb",
    },
    Defect {
        counter: "disabled",
        status: 204,
        spoil: |a| a.world.terms.settings.enabled = false,
    },
    Defect {
        counter: "too_large",
        status: 413,
        spoil: |a| a.body.padding = 8_192,
    },
    Defect {
        counter: "content_type",
        status: 415,
        spoil: |a| a.set("content-type", "text/html"),
    },
    Defect {
        counter: "origin",
        status: 403,
        spoil: |a| a.set("sec-fetch-site", "cross-site"),
    },
    Defect {
        counter: "rate_limited",
        status: 429,
        spoil: |a| {
            a.world.terms.settings.client_per_second = 1;
            a.world.beacon("");
            a.world.beacon("");
        },
    },
    Defect {
        counter: "malformed",
        status: 400,
        spoil: |a| a.body.syntax = "}",
    },
    Defect {
        counter: "schema",
        status: 400,
        spoil: |a| a.body.more.push_str(r#","colour":"red""#),
    },
    Defect {
        counter: "range",
        status: 422,
        spoil: |a| a.body.more.push_str(r#","vw":99999"#),
    },
    Defect {
        counter: "token",
        status: 401,
        spoil: |a| a.body.token = token::mint(b"another", &claims()),
    },
    Defect {
        counter: "expired",
        status: 410,
        spoil: |a| {
            let mut old = claims();
            old.issued_minute -= VALID_MINUTES + 1;
            // A token that is not ours stays so.
            if a.body.token == token::mint(KEY, &claims()) {
                a.body.token = token::mint(KEY, &old);
            }
        },
    },
    Defect {
        counter: "privacy",
        status: 204,
        spoil: |a| a.set("sec-gpc", "1"),
    },
    Defect {
        counter: "bot",
        status: 204,
        spoil: |a| a.set("user-agent", "Googlebot/2.1"),
    },
    Defect {
        counter: "duplicate",
        status: 204,
        spoil: |a| {
            a.world.beacon(body("abcdefgh01", 0, ""));
        },
    },
    Defect {
        counter: "store",
        status: 503,
        spoil: |a| a.world.database.broken.set(true),
    },
];

fn counted(world: &World) -> Vec<(String, i64)> {
    world.database.broken.set(false);
    // Counters are written at most once a second: the next request writes what is left.
    world.now_ms.set(world.now_ms.get() + 2_000);
    world.send(Request::get("/_v/b").body("").unwrap());
    world.counters()
}

#[test]
fn every_check_has_its_status_and_its_counter() {
    for defect in DEFECTS {
        let mut attempt = Attempt::good();
        (defect.spoil)(&mut attempt);
        let kept = |world: &World| {
            if world.migrated.get() {
                world.count("SELECT count(*) FROM page_views")
            } else {
                0
            }
        };
        let before = kept(&attempt.world);
        let response = attempt.send();
        assert_eq!(
            response.status().as_u16(),
            defect.status,
            "{}",
            defect.counter
        );
        assert_eq!(response.headers()["cache-control"], "no-store");
        assert!(response.headers().get("set-cookie").is_none());
        if defect.status == 204 {
            assert!(response.body().is_empty());
        } else {
            assert_eq!(
                response.headers()["content-type"],
                "application/problem+json"
            );
            let text = std::str::from_utf8(response.body()).unwrap();
            assert!(
                !text.contains("abcdefgh01"),
                "the body is not echoed: {text}"
            );
        }
        let needs = match defect.status {
            405 => Some(("allow", "POST")),
            429 => Some(("retry-after", "1")),
            503 => Some(("retry-after", "10")),
            _ => None,
        };
        if let Some((name, value)) = needs {
            assert_eq!(response.headers()[name], value);
        }
        let counters = counted(&attempt.world);
        let n = counters.iter().find(|(name, _)| name == defect.counter);
        assert!(
            n.is_some_and(|(_, n)| *n >= 1),
            "{}: {counters:?}",
            defect.counter
        );
        assert_eq!(
            kept(&attempt.world),
            before,
            "{}: nothing is kept",
            defect.counter
        );
    }
    let good = Attempt::good();
    let response = good.send();
    assert_eq!(response.status().as_u16(), 204);
    assert!(response.body().is_empty());
    assert_eq!(response.headers()["cache-control"], "no-store");
    assert!(counted(&good.world).contains(&("accepted".into(), 1)));
}

#[test]
fn of_two_defects_the_earlier_check_answers() {
    for (at, earlier) in DEFECTS.iter().enumerate() {
        for later in &DEFECTS[at + 1..] {
            if (earlier.counter, later.counter) == ("duplicate", "store") {
                // Only the store knows what it has.
                continue;
            }
            let mut attempt = Attempt::good();
            // The later one first: the earlier must not depend on being the only one.
            (later.spoil)(&mut attempt);
            (earlier.spoil)(&mut attempt);
            let status = attempt.send().status().as_u16();
            assert_eq!(
                status, earlier.status,
                "{} before {}",
                earlier.counter, later.counter
            );
        }
    }
}

#[test]
fn reading_stops_where_a_body_becomes_too_large() {
    let world = World::new();
    let piece = Some(Bytes::from(vec![b' '; 1_000]));
    let endless = std::iter::repeat_n(piece, 1_000).collect();
    let response = world.send_pieces(request().body(endless).unwrap());
    assert_eq!(response.status().as_u16(), 413);
    assert_eq!(world.taken.get(), 9_000);
    let announced = request().header("content-length", "8193").body("").unwrap();
    assert_eq!(world.send(announced).status().as_u16(), 413);
    assert_eq!(world.taken.get(), 0);
}

#[test]
fn a_body_of_exactly_the_limit_is_read() {
    let world = World::new();
    let text = body("abcdefgh01", 0, GOOD);
    let fits = format!("{text}{}", " ".repeat(8_192 - text.len()));
    assert_eq!(world.beacon(fits.clone()), 204);
    assert_eq!(world.beacon(fits + " "), 413);
}

#[test]
fn a_body_that_breaks_off_is_malformed() {
    let world = World::new();
    let text = Bytes::from(body("abcdefgh01", 0, GOOD));
    let broken = [Some(text), None].into();
    assert_eq!(
        world
            .send_pieces(request().body(broken).unwrap())
            .status()
            .as_u16(),
        400
    );
}

#[test]
fn the_corpus_of_hostile_bodies_is_refused() {
    let world = World::new();
    let deep = "[".repeat(8_000);
    let token = token::mint(KEY, &claims());
    let with = |more: &str| body_with(&token, "abcdefgh01", 0, more);
    let corpus: Vec<(Vec<u8>, u16)> = vec![
        (b"".into(), 400),
        (b"null".into(), 400),
        (b"[]".into(), 400),
        (b"{}".into(), 400),
        (vec![b'x'; 8_192], 400),
        (vec![b'x'; 8_193], 413),
        (with(r#""lcp":1e308"#).into(), 422),
        (with(r#""lcp":1e309"#).into(), 400),
        (with(r#""lcp":NaN"#).into(), 400),
        (with(r#""lcp":"2500""#).into(), 400),
        ([b"\xef\xbb\xbf", with("").as_bytes()].concat(), 400),
        (with(r#""la":"\ud800""#).into(), 400),
        (with(r#""la":"\udfff\ud800""#).into(), 400),
        (
            [with(r#""la":"#).as_bytes(), b"\"\xed\xa0\x80\"}"].concat(),
            400,
        ),
        (deep.into(), 400),
        (with(r#""lcp":1,"lcp":2"#).into(), 400),
        (with("").replace("\"t\":5100", "\"t\":-1").into(), 422),
        (with(r#""cwv":null"#).into(), 400),
        (with(r#""e":[[[[1]]]]"#).into(), 400),
        (vec![0; 100], 400),
        (vec![0xff; 100], 400),
    ];
    for (body, status) in corpus {
        world.now_ms.set(world.now_ms.get() + 1_000);
        let shown = String::from_utf8_lossy(&body[..body.len().min(300)]).into_owned();
        assert_eq!(world.beacon(body), status, "{shown}");
    }
    assert_eq!(world.count("SELECT count(*) FROM page_views"), 0);
    // Minus zero is a zero.
    assert_eq!(world.beacon(with(r#""lcp":-0.0"#)), 204);
    assert_eq!(world.count("SELECT lcp_ms FROM page_views"), 0);
}

#[test]
fn beacons_are_taken_from_the_sites_own_pages_only() {
    let world = World::new();
    let from = |name: &str, value: &str| {
        world.now_ms.set(world.now_ms.get() + 1_000);
        let mut request = Request::post("/_v/b").header("content-type", "application/json");
        if name != "origin" {
            request = request.header("origin", "https://shop.example");
        }
        world
            .send(request.header(name, value).body("").unwrap())
            .status()
            .as_u16()
    };
    // 400: the origin was passed, and the empty body found.
    for (name, value, status) in [
        ("origin", "https://shop.example", 400),
        ("origin", "http://shop.example", 400),
        ("origin", "https://shop.example:443", 400),
        ("origin", "https://SHOP.example", 400),
        ("origin", "https://evil.example", 403),
        ("origin", "https://shop.example.evil.example", 403),
        ("origin", "https://shop.example:8443", 403),
        ("origin", "null", 403),
        ("sec-fetch-site", "same-site", 400),
        ("sec-fetch-site", "none", 403),
        ("sec-fetch-site", "cross-site", 403),
    ] {
        assert_eq!(from(name, value), status, "{name}: {value}");
    }
    let mut world = World::new();
    world.terms.settings.allowed_origins = vec!["https://www.shop.example".into()];
    let www = Request::post("/_v/b")
        .header("content-type", "text/plain")
        .header("origin", "https://www.shop.example")
        .body("")
        .unwrap();
    assert_eq!(world.send(www).status().as_u16(), 400);
}

#[test]
fn a_token_signed_with_the_previous_key_is_believed_and_one_with_no_key_never() {
    let mut world = World::new();
    world.terms.keys = vec![b"new".into(), KEY.into()];
    assert_eq!(world.beacon(body("abcdefgh01", 0, GOOD)), 204);
    world.terms.keys = vec![Vec::new()];
    let unsigned = token::mint(b"", &claims());
    assert_eq!(
        world.beacon(body_with(&unsigned, "abcdefgh02", 0, GOOD)),
        401
    );
}

#[test]
fn automation_counts_as_a_visitor_only_where_the_settings_say_so() {
    let mut world = World::new();
    let driven = format!("{GOOD},\"wd\":1");
    assert_eq!(world.beacon(body("abcdefgh01", 0, &driven)), 204);
    world.terms.settings.keep_bots = true;
    assert_eq!(world.beacon(body("abcdefgh02", 0, &driven)), 204);
    assert_eq!(world.count("SELECT count(*) FROM page_views"), 0);
    assert_eq!(
        world.query("SELECT class FROM bots")[0][0].text(),
        Some("automation")
    );
    world.terms.settings.count_automation = true;
    assert_eq!(world.beacon(body("abcdefgh03", 0, &driven)), 204);
    assert_eq!(world.count("SELECT count(*) FROM page_views"), 1);
}

#[test]
fn settings_that_cannot_be_read_switch_collection_off() {
    use vitrine_rum_collector::collect::Terms;
    assert!(Terms::load("{}", &[]).settings.enabled);
    for settings in ["", "[]", "nonsense", "{\"colour\":1}"] {
        assert!(!Terms::load(settings, &[]).settings.enabled, "{settings}");
    }
}

#[test]
fn a_storm_of_refused_beacons_is_one_write_and_one_line_a_second() {
    let world = World::new();
    for _ in 0..500 {
        world.beacon("{");
    }
    assert!(
        world.database.statements.get() < 20,
        "{}",
        world.database.statements.get()
    );
    assert_eq!(
        world.lines.borrow().len(),
        2,
        "malformed, then rate_limited"
    );
    let counters = counted(&world);
    let n = |name: &str| {
        counters
            .iter()
            .find(|(known, _)| known == name)
            .map_or(0, |(_, n)| *n)
    };
    assert_eq!(n("malformed") + n("rate_limited"), 500, "{counters:?}");
    assert_eq!(n("malformed"), 20);
    for line in world.lines.borrow().iter() {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!(line["component"], "rum-collector");
        assert!(!line.to_string().contains("192.0.2.7"));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_bytes_are_answered_and_never_kept(body in proptest::collection::vec(any::<u8>(), 0..9_000)) {
        let world = World::new();
        let status = world.beacon(body);
        prop_assert!(matches!(status, 400 | 413 | 422 | 401), "{}", status);
        prop_assert_eq!(counted(&world).iter().filter(|(name, _)| name == "accepted").count(), 0);
    }

    /// One byte of a good beacon changed: an answer, and never a page view under another template or bucket.
    #[test]
    fn h100_a_changed_beacon_cannot_say_more_than_its_token(at in 0..400_usize, to in any::<u8>()) {
        let world = World::new();
        let mut bytes = body("abcdefgh01", 0, GOOD).into_bytes();
        let at = at % bytes.len();
        bytes[at] = to;
        let status = world.beacon(bytes);
        prop_assert!(matches!(status, 204 | 400 | 401 | 410 | 422), "{}", status);
        if status == 204 {
            let row = &world.query("SELECT template, bucket, weight FROM page_views")[0];
            prop_assert_eq!(row[0].text(), Some("product"));
            prop_assert_eq!((row[1].integer(), row[2].integer()), (Some(77), Some(1)));
        }
    }
}
