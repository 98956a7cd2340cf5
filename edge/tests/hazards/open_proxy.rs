//! H49: what the image route can be made to fetch. Whatever is written behind the width, it is an address of the shop's,
//! letter by letter, or nothing is fetched; and what the shop answers sends nobody anywhere.

use http::Request;
use vitrine_edge::platform::Service;
use vitrine_edge::testing::{Fake, FakeBody, Whole};

use super::support::{REWRITES, app, get, photograph, response};

fn shop() -> Fake {
    Fake::new(|seen| {
        Ok(match seen.service {
            Service::Origin => photograph(),
            Service::Optimizer => response(200, &[("content-type", "image/avif")], vec![b'v'; 9]),
        })
    })
}

/// What the origin was asked for.
fn asked(fake: &Fake) -> Vec<String> {
    let seen = fake.seen().into_iter();
    let origin = seen.filter(|seen| seen.service == Service::Origin);
    origin.map(|seen| seen.uri.to_string()).collect()
}

fn send(fake: &Fake, target: &str, headers: &[(&'static str, &str)]) -> Whole {
    fake.send(&app(REWRITES), get(target, headers))
}

/// The shortest options, and the longest.
const OPTIONS: [&str; 2] = ["/_v/i/w640", "/_v/i/wauto_q-saver_c-4x5-50-30"];

/// Written behind options, these are refused, and the shop never hears of them.
const REFUSED: [&str; 29] = [
    // Another host, by a slash too many.
    "//evil.example/a.jpg",
    "///evil.example/a.jpg",
    "//127.0.0.1/a.jpg",
    "//[::1]/a.jpg",
    "//169.254.169.254/latest/meta-data/a.jpg",
    "//user:secret@evil.example/a.jpg",
    "//shop.example@evil.example/a.jpg",
    // A host, a user or a port in the width's place.
    "@evil.example/a.jpg",
    ":80/a.jpg",
    ".evil.example/a.jpg",
    "%2fa.jpg",
    // Or in an option's.
    "_@evil.example/a.jpg",
    "_s-evil.example//evil.example/a.jpg",
    "_u-http:/127.0.0.1/a.jpg",
    "_c-1x1-50-50@evil.example/a.jpg",
    // Out of the route.
    "/../a.jpg",
    "/%2e%2e/a.jpg",
    "/..%2f..%2fa.jpg",
    "/%252e%252e/a.jpg",
    "/..%5c..%5ca.jpg",
    // To what is nobody's picture.
    "/checkout/a.jpg",
    "/x/%2e%2e/account/a.jpg",
    "/x/..%2faccount%2fa.jpg",
    "/x%5c..%5caccount/a.jpg",
    "/a.jpg?add-to-cart=7",
    "/_v/explain",
    "/%5fv/explain",
    "/_v/i/w640/a.jpg",
    "/x/../_v/cart/a.jpg",
];

#[test]
fn h49_what_leaves_the_shop_or_the_route_is_refused_and_nothing_is_fetched() {
    for options in OPTIONS {
        for behind in REFUSED {
            let fake = shop();
            let answer = send(&fake, &format!("{options}{behind}"), &[]);
            assert_eq!(answer.status, 404, "{options}{behind}");
            assert_eq!(asked(&fake), [""; 0], "{options}{behind}");
        }
    }
}

/// These look like more than a path, and are one: the shop's own.
const PATHS: [&str; 13] = [
    "/http://169.254.169.254/a.jpg",
    "/https:%2f%2fevil.example%2fa.jpg",
    "/@evil.example/a.jpg",
    "/user:secret@evil.example/a.jpg",
    "/%2f%2fevil.example/a.jpg",
    "/%2fevil.example/a.jpg",
    "/%5c%5cevil.example/a.jpg",
    "/a//b.jpg",
    "/a/%2e/b.jpg",
    "/a/x/%2e%2e/b.jpg",
    "/a.jpg?url=http://127.0.0.1:22/",
    "/a.jpg?url=//evil.example/&w=9",
    "/localhost/a.jpg",
];

#[test]
fn h49_what_is_fetched_is_the_shops_own_path_letter_by_letter() {
    for options in OPTIONS {
        for path in PATHS {
            let fake = shop();
            let answer = send(&fake, &format!("{options}{path}"), &[]);
            assert_eq!(answer.status, 200, "{options}{path}");
            assert_eq!(asked(&fake), [path]);
        }
    }
}

#[test]
fn h49_no_header_and_no_absolute_address_names_the_host() {
    let headers = [
        ("host", "169.254.169.254"),
        ("x-forwarded-host", "127.0.0.1"),
        ("forwarded", "host=evil.example"),
        ("x-original-url", "http://evil.example/a.jpg"),
        ("x-rewrite-url", "http://evil.example/a.jpg"),
        ("referer", "http://evil.example/"),
    ];
    let fake = shop();
    send(&fake, "/_v/i/w640/a.jpg", &headers);
    assert_eq!(asked(&fake), ["/a.jpg"]);
    for absolute in [
        "http://169.254.169.254/_v/i/w640/a.jpg",
        "http://user:secret@127.0.0.1:9/_v/i/w640/a.jpg",
        "http://[::1]/_v/i/w640/a.jpg",
    ] {
        let fake = shop();
        let request = Request::get(absolute).body(FakeBody::default()).unwrap();
        fake.send(&app(REWRITES), request);
        assert_eq!(asked(&fake), ["/a.jpg"], "{absolute}");
    }
}

#[test]
fn h49_a_redirect_is_the_visitors_to_follow_and_becomes_no_picture() {
    for location in [
        "http://169.254.169.254/latest/meta-data",
        "//127.0.0.1/a.jpg",
        "http://[::ffff:10.0.0.1]/a.jpg",
        "file:///etc/passwd",
    ] {
        let fake = Fake::new(move |_| {
            Ok(response(
                302,
                &[("location", location), ("content-type", "image/jpeg")],
                vec![b'r'; 20_000],
            ))
        });
        for _ in 0..2 {
            let answer = send(&fake, "/_v/i/w640/a.jpg", &[]);
            assert_eq!(answer.status, 302);
            assert_eq!(answer.header("location"), location);
        }
        assert_eq!(
            asked(&fake),
            ["/a.jpg"; 2],
            "it is neither followed nor kept"
        );
        assert_eq!(fake.seen_by(Service::Optimizer), 0);
    }
}

/// A picture for one visitor is one visitor's, at any width.
#[test]
fn h49_a_private_picture_is_neither_kept_nor_made_narrower() {
    let private: [&[(&str, &str)]; 3] = [
        &[("cache-control", "private, max-age=60")],
        &[("cache-control", "no-store")],
        &[("cache-control", "max-age=60"), ("set-cookie", "seen=1")],
    ];
    for said in private {
        let fake = Fake::new(move |_| {
            let headers = [&[("content-type", "image/jpeg")], said].concat();
            Ok(response(200, &headers, vec![b'p'; 20_000]))
        });
        for _ in 0..2 {
            assert_eq!(
                send(&fake, "/_v/i/w640/a.jpg", &[("cookie", "sid=1")]).status,
                200
            );
        }
        assert_eq!(asked(&fake).len(), 2, "{said:?}");
        assert_eq!(fake.seen_by(Service::Optimizer), 0, "{said:?}");
    }
}
