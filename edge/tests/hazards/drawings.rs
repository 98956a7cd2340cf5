//! H71, H72: an SVG is a drawing that may be a page.

use vitrine_edge::testing::{Fake, FakeBody, Whole};

use super::support::{REWRITES, all, app, get, response};

const DRAWING: &str = "<svg xmlns='http://www.w3.org/2000/svg'><script>steal()</script>\
    <text><tspan>a</tspan><tspan>b</tspan></text></svg>";
const POLICY: &str = "script-src 'none'; object-src 'none'; sandbox allow-same-origin";

fn shop(headers: &'static [(&'static str, &'static str)]) -> Fake {
    Fake::with_origin(move || response(200, headers, FakeBody::from(DRAWING)))
}

const SVG: &[(&str, &str)] = &[
    ("content-type", "image/svg+xml; charset=utf-8"),
    ("cache-control", "max-age=60"),
];

fn send(fake: &Fake, path: &str, dest: &str, site: &str) -> Whole {
    let headers = [("sec-fetch-dest", dest), ("sec-fetch-site", site)];
    fake.send(&app(REWRITES), get(path, &headers))
}

#[test]
fn h71_no_script_of_an_svg_runs_but_where_the_shop_frames_it_and_not_a_byte_changes() {
    let fake = shop(SVG);
    for (dest, site, guarded) in [
        ("document", "none", true),
        ("document", "cross-site", true),
        ("document", "same-origin", true),
        ("image", "same-origin", true),
        ("iframe", "cross-site", true),
        ("object", "none", true),
        ("object", "same-origin", false),
        ("embed", "same-origin", false),
        ("iframe", "same-site", false),
    ] {
        for path in ["/media/logo.svg", "/uploads/7"] {
            // From the shop, and from the store.
            for _ in 0..2 {
                let whole = send(&fake, path, dest, site);
                let policies = all(&whole, "content-security-policy");
                let expected: &[&str] = if guarded { &[POLICY] } else { &[] };
                assert_eq!(policies, expected, "{path} {dest} {site}");
                assert_eq!(whole.body, DRAWING.as_bytes(), "{path} {dest} {site}");
                let vary = all(&whole, "vary").join(", ");
                assert!(vary.contains("Sec-Fetch-Dest") && vary.contains("Sec-Fetch-Site"));
            }
        }
    }
}

#[test]
fn h71_a_browser_that_does_not_say_what_for_gets_an_svg_as_it_is() {
    let whole = shop(SVG).send(&app(REWRITES), get("/media/logo.svg", &[]));
    assert_eq!(all(&whole, "content-security-policy"), [""; 0]);
}

#[test]
fn h71_the_shops_own_policy_stays_beside_ours() {
    let fake = shop(&[
        ("content-type", "image/svg+xml"),
        ("content-security-policy", "img-src 'self'"),
    ]);
    let whole = send(&fake, "/media/logo.svg", "document", "none");
    assert_eq!(
        all(&whole, "content-security-policy"),
        ["img-src 'self'", POLICY]
    );
}

#[test]
fn h72_only_an_svg_is_guarded_and_only_while_that_is_asked_for() {
    let other = shop(&[
        ("content-type", "text/xml"),
        ("cache-control", "max-age=60"),
    ]);
    let whole = send(&other, "/media/logo.svg", "document", "none");
    assert_eq!(all(&whole, "content-security-policy"), [""; 0]);
    let headers = [("sec-fetch-dest", "document"), ("sec-fetch-site", "none")];
    let off = r#"{"images":{"guard_svg":false}}"#;
    let whole = shop(SVG).send(&app(off), get("/media/logo.svg", &headers));
    assert_eq!(all(&whole, "content-security-policy"), [""; 0]);
    let sacred = send(&shop(SVG), "/checkout/logo.svg", "document", "none");
    assert_eq!(all(&sacred, "content-security-policy"), [""; 0]);
}
