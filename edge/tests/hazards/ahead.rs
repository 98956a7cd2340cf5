//! H45, H48, H92 to H96: what browsers fetch ahead of a click.

use std::rc::Rc;

use http::Response;
use vitrine_edge::App;
use vitrine_edge::platform::Service;
use vitrine_edge::testing::{Fake, FakeBody, Whole};

use super::support::{all, app, get, html, request, response};

/// Product pages are kept.
const KEEPS: &str = r#"{"version":"t1","holdback":{"percent":0},"compression":{"enabled":false},
    "templates":[{"name":"product","path":"/p/*"}],"cache":{"pages":["product"]},
    "passes":{"payment_guard":{"first_view":"trust"}}}"#;
const NAVIGATES: (&str, &str) = ("accept", "text/html,*/*;q=0.8");
const AHEAD: [(&str, &str); 3] = [
    NAVIGATES,
    ("sec-purpose", "prefetch"),
    ("sec-fetch-dest", "document"),
];
const PUBLIC: (&str, &str) = ("cache-control", "public, max-age=30");
const VASE: &str =
    "<!doctype html><html><head><title>Vase</title></head><body><h1>Vase</h1></body></html>";
const RULES: &str = "<script type=\"speculationrules\" data-v=\"speculation_rules\">";

fn shop() -> Response<FakeBody> {
    html(&[PUBLIC, ("etag", "\"1\"")], VASE)
}

struct Visit {
    fake: Fake,
    app: Rc<App>,
}

impl Visit {
    fn to(shop: impl Fn() -> Response<FakeBody> + 'static) -> Self {
        Self::under(KEEPS, shop)
    }

    fn under(policy: &str, shop: impl Fn() -> Response<FakeBody> + 'static) -> Self {
        Self {
            fake: Fake::with_origin(shop),
            app: app(policy),
        }
    }

    fn page(&self, path: &str, more: &[(&'static str, &str)]) -> Whole {
        let mut headers = vec![NAVIGATES];
        headers.extend_from_slice(more);
        self.fake.send(&self.app, get(path, &headers))
    }

    fn ahead(&self, path: &str, more: &[(&'static str, &str)]) -> Whole {
        let mut headers = AHEAD.to_vec();
        headers.extend_from_slice(more);
        self.fake.send(&self.app, get(path, &headers))
    }

    fn asked(&self) -> usize {
        self.fake.seen_by(Service::Origin)
    }
}

#[track_caller]
fn refused(whole: &Whole) {
    assert_eq!(whole.status, 503, "{}", whole.text());
    assert_eq!(whole.header("cache-control"), "no-store");
    assert!(all(whole, "set-cookie").is_empty());
}

#[test]
fn h92_a_page_that_is_kept_is_answered_without_the_shop() {
    let visit = Visit::to(shop);
    let seen = visit.page("/p/7", &[]);
    assert_eq!(visit.asked(), 1);
    let ahead = visit.ahead("/p/7", &[]);
    assert_eq!((ahead.status.as_u16(), visit.asked()), (200, 1));
    assert_eq!(ahead.header("cache-control"), "private, no-cache");
    assert!(
        ahead.header("x-vitrine").contains("hit; reason=prefetch"),
        "{:?}",
        ahead.headers
    );
    assert!(ahead.text().contains("<h1>Vase</h1>") && ahead.text().contains(RULES));
    assert_eq!(
        ahead.text().replace(' ', "").len(),
        seen.text().replace(' ', "").len() - token_len(&seen)
    );
    assert!(
        all(&ahead, "set-cookie").is_empty(),
        "a prefetch sets no cookie"
    );
}

/// Bytes of the beacon's element, which a visitor without a key is not given ahead.
fn token_len(whole: &Whole) -> usize {
    let text = whole.text();
    let Some(at) = text.find("<script src=\"/_v/rum/") else {
        return 0;
    };
    let length = text[at..].find("</script>").unwrap() + "</script>".len();
    text[at..at + length].replace(' ', "").len()
}

#[test]
fn h92_what_is_kept_is_the_shops_page_and_no_token_of_a_visitor() {
    let visit = Visit::to(shop);
    let measured = visit.page("/p/7", &[("cookie", "_v_b=0123456789abcdef")]);
    visit.fake.with_cache(|cache| {
        assert_eq!(cache.len(), 1);
        for entry in cache.values() {
            let text = String::from_utf8_lossy(entry);
            assert!(text.contains(VASE) && !text.contains("data-v"), "{text}");
        }
    });
    if vitrine_rum_collector::script::BODY.is_some() {
        assert!(measured.text().contains("data-k="));
    }
}

#[test]
fn h92_what_is_not_kept_is_refused_and_the_shop_sees_nothing() {
    let visit = Visit::to(shop);
    for path in [
        "/p/7",
        "/c/vases",
        "/cart",
        "/checkout/payment",
        "/logout",
        "/p/7?add-to-cart=1",
        "/",
    ] {
        refused(&visit.ahead(path, &[]));
    }
    let run_ahead = ("sec-purpose", "prefetch;prerender");
    refused(
        &visit
            .fake
            .send(&visit.app, get("/p/7", &[NAVIGATES, run_ahead])),
    );
    assert_eq!(visit.asked(), 0);
    visit.page("/p/7", &[]);
    assert_eq!(visit.asked(), 1);
    for (path, more) in [
        ("/p/7?size=2", vec![]),
        ("/p/7", vec![("cookie", "sid=1")]),
        ("/p/7", vec![("authorization", "Basic x")]),
    ] {
        refused(&visit.ahead(path, &more));
    }
    visit.fake.pass_ms(30_000);
    refused(&visit.ahead("/p/7", &[]));
    assert_eq!(visit.asked(), 1);
}

#[test]
fn h92_a_page_of_more_than_a_mebibyte_is_not_kept() {
    let long = |letters: usize| VASE.replace("Vase</h1>", &"x".repeat(letters));
    for (letters, is_kept) in [((1 << 20) - 200, true), (1 << 20, false)] {
        let visit = Visit::to(move || html(&[PUBLIC], &*long(letters)));
        visit.page("/p/7", &[]);
        let ahead = visit.ahead("/p/7", &[]);
        assert_eq!(ahead.status == 200, is_kept, "{letters} letters");
    }
}

#[test]
fn h92_nobody_is_counted_by_what_is_fetched_ahead() {
    let policy = KEEPS.replace("\"percent\":0", "\"percent\":50");
    let mut visit = Visit::to(shop);
    visit.page("/p/7", &[]);
    visit.app = app(&policy);
    for more in [vec![], vec![("cookie", "_v_b=0123456789abcdef")]] {
        let ahead = visit.ahead("/p/7", &more);
        assert_eq!(ahead.status, 200);
        assert!(all(&ahead, "set-cookie").is_empty());
        let line = visit.fake.lines().pop().unwrap();
        assert!(!line.contains("\"arm\""), "{line}");
    }
}

#[test]
fn h92_where_nothing_is_kept_what_the_shops_own_rules_fetch_passes() {
    let policy = KEEPS.replace(r#"{"pages":["product"]}"#, "{}");
    let visit = Visit::under(&policy, shop);
    assert_eq!(visit.ahead("/p/7", &[]).status, 200);
    assert_eq!(visit.asked(), 1);
    // A script that a page names for later is no page.
    let visit = Visit::to(|| response(200, &[("content-type", "text/javascript")], "1"));
    let script = [("sec-purpose", "prefetch"), ("sec-fetch-dest", "empty")];
    assert_eq!(
        visit.fake.send(&visit.app, get("/a.js", &script)).status,
        200
    );
}

#[test]
fn h45_a_page_with_a_nonce_is_never_kept_and_comes_with_its_own_nonce_each_time() {
    let policy = (
        "content-security-policy",
        "script-src 'self' 'nonce-r4nd0m'",
    );
    let visit = Visit::to(move || html(&[PUBLIC, policy], VASE));
    for _ in 0..2 {
        let page = visit.page("/p/7", &[]);
        assert!(page.text().contains("nonce=\"r4nd0m\""), "{}", page.text());
        assert!(page.header("x-vitrine").contains("bypass; reason=nonce"));
    }
    assert_eq!(visit.asked(), 2);
    let visit = Visit::to(|| {
        html(
            &[PUBLIC],
            VASE.replace("<h1>", "<script nonce=\"r4nd0m\"></script><h1>"),
        )
    });
    visit.page("/p/7", &[]);
    refused(&visit.ahead("/p/7", &[]));
    visit.fake.with_cache(|cache| assert!(cache.is_empty()));
}

#[test]
fn h76_h89_what_is_not_declared_public_and_what_is_sacred_is_never_kept() {
    for headers in [
        vec![("cache-control", "private, max-age=60")],
        vec![("cache-control", "public")],
        vec![PUBLIC, ("set-cookie", "sid=1")],
        vec![PUBLIC, ("vary", "Cookie")],
    ] {
        let sent = headers.clone();
        let visit = Visit::to(move || html(&sent, VASE));
        visit.page("/p/7", &[]);
        visit
            .fake
            .with_cache(|cache| assert!(cache.is_empty(), "{headers:?}"));
    }
    let visit = Visit::to(shop);
    visit.page("/p/cart", &[]);
    visit.page("/p/7", &[("cookie", "sid=1")]);
    visit
        .fake
        .send(&visit.app, request("POST", "/p/7", &[NAVIGATES]));
    visit
        .fake
        .send(&visit.app, request("HEAD", "/p/7", &[NAVIGATES]));
    visit.fake.with_cache(|cache| assert!(cache.is_empty()));
}

#[test]
fn h48_rules_stand_in_the_page_or_in_a_header_and_the_shops_own_are_kept() {
    let csp = ("content-security-policy", "default-src 'self'");
    let visit = Visit::to(move || html(&[PUBLIC, csp], VASE));
    let page = visit.page("/p/7", &[]);
    assert!(!page.text().contains("speculationrules"));
    let written = page.header("speculation-rules").to_owned();
    let path = written.trim_matches('"');
    assert!(
        path.starts_with("/_v/s/") && written.len() == path.len() + 2,
        "{written}"
    );
    let file = visit.fake.send(&visit.app, get(path, &[]));
    assert_eq!(
        file.header("content-type"),
        "application/speculationrules+json"
    );
    assert!(file.text().starts_with("{\"prefetch\":"), "{}", file.text());
    assert_eq!(visit.asked(), 1);
    let own = ("speculation-rules", "\"/own.json\"");
    let visit = Visit::to(move || html(&[PUBLIC, own], VASE));
    let page = visit.page("/p/7", &[]);
    assert_eq!(all(&page, "speculation-rules"), ["\"/own.json\""]);
    assert!(!page.text().contains("speculationrules"));
}

#[test]
fn h96_rules_stay_away_from_who_saves_data_and_from_who_has_a_cart() {
    let visit = Visit::to(shop);
    for more in [("save-data", "on"), ("ect", "2g"), ("cookie", "sid=1")] {
        let page = visit.page("/p/7", &[more]);
        assert!(!page.text().contains("speculationrules"), "{more:?}");
    }
    assert!(visit.page("/p/7", &[]).text().contains(RULES));
}

const CLEAR: &str = "clear-site-data";
const TOKENS: &str = "\"prefetchCache\", \"prerenderCache\"";

#[test]
fn h94_what_was_fetched_ahead_is_dropped_when_a_cart_or_a_login_changes() {
    for (method, path, status, expected) in [
        ("POST", "/cart/add", 302, vec![TOKENS]),
        ("POST", "/en/cart.js", 200, vec![TOKENS]),
        ("POST", "/customer/login", 303, vec![TOKENS]),
        ("DELETE", "/cart/1", 204, vec![TOKENS]),
        ("GET", "/account/logout", 302, vec![TOKENS]),
        ("GET", "/p/7?add-to-cart=12", 200, vec![TOKENS]),
        ("POST", "/cart/add", 422, vec![]),
        ("GET", "/cart", 200, vec![]),
        ("POST", "/search", 200, vec![]),
        ("GET", "/p/7", 200, vec![]),
    ] {
        let visit = Visit::to(move || response(status, &[("content-type", "text/html")], VASE));
        let whole = visit
            .fake
            .send(&visit.app, request(method, path, &[NAVIGATES]));
        assert_eq!(all(&whole, CLEAR), expected, "{method} {path} {status}");
    }
    let own = || response(200, &[(CLEAR, "\"cookies\"")], "");
    let whole = {
        let visit = Visit::to(own);
        visit.fake.send(&visit.app, request("POST", "/logout", &[]))
    };
    assert_eq!(
        all(&whole, CLEAR),
        ["\"cookies\""],
        "the shop's own stays as it is"
    );
    let policy = KEEPS.replace(r#"{"pages":["product"]}"#, "{}");
    let visit = Visit::under(&policy, shop);
    let whole = visit
        .fake
        .send(&visit.app, request("POST", "/cart/add", &[]));
    assert!(
        all(&whole, CLEAR).is_empty(),
        "without speculation nothing is added"
    );
}
