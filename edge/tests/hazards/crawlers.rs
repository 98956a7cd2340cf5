//! What search engines get.

use vitrine_edge::audit;
use vitrine_edge::testing::{Fake, Whole};

use super::support::{TOKEN, app, get, html};

const BROWSER: &str = "Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Mobile Safari/537.36";
const CRAWLERS: [&str; 3] = [
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
    "",
];

/// What a search engine reads of a page.
const PAGE: &str = "<!doctype html><html lang=en><head><meta charset=utf-8><title>Vase &amp; bowl</title>\
    <meta name=robots content=\"index,follow\"><meta name=description content=\"A vase\">\
    <link rel=canonical href=\"https://shop.example/p/7\">\
    <link rel=alternate hreflang=de href=\"https://shop.example/de/p/7\">\
    <meta property=og:image content=\"/og.jpg\"><link rel=stylesheet href=/a.css>\
    <script type=application/ld+json>{\"@type\":\"Product\",\"name\":\"Vase\"}</script></head>\
    <body><h1>Vase</h1><a href=/c/vases>All vases</a><img src=/vase.jpg alt=Vase></body></html>";

/// Everything rewritten that can be, with measurement.
const POLICY: &str = r#"{"version":"t1","compression":{"enabled":false},"rum":{"sample_percent":100},
    "passes":{"payment_guard":{"first_view":"trust"},"preconnect":{"origins":["https://cdn.example"]},
              "size_images":{"rules":[{"selector":"img","width":6,"height":8}]}}}"#;

fn seen_by(agent: &str) -> Whole {
    let fake = Fake::with_origin(|| html(&[], PAGE.as_bytes()));
    let headers = [("accept", "text/html,*/*;q=0.8"), ("user-agent", agent)];
    fake.send(&app(POLICY), get("/p/7", &headers))
}

#[test]
fn h104_a_crawler_gets_the_page_that_a_browser_gets() {
    let browser = seen_by(BROWSER);
    assert!(browser.text().contains("width=\"6\""), "it is rewritten");
    for agent in CRAWLERS {
        let crawler = seen_by(agent);
        assert_eq!(crawler.text(), browser.text(), "{agent}");
        assert_eq!(crawler.header("x-robots-tag"), "", "{agent}");
        assert_eq!(crawler.header("vary"), browser.header("vary"), "{agent}");
    }
}

#[test]
fn h104_what_a_search_engine_reads_is_what_the_shop_wrote() {
    let output = seen_by(CRAWLERS[0]).text();
    let passes = ["preconnect", "size_images", "inject_rum"];
    let violations = audit::check(PAGE.as_bytes(), output.as_bytes(), &passes);
    assert_eq!(violations, Ok(Vec::new()));
}

#[test]
fn h104_no_address_of_ours_is_listed_and_robots_txt_is_the_shops() {
    let fake = Fake::with_origin(|| html(&[], PAGE.as_bytes()));
    let operator = format!("Bearer {TOKEN}");
    for (path, token) in [
        ("/_v/explain?url=/p/7", ""),
        ("/_v/explain?url=/p/7", operator.as_str()),
        ("/_v/explain?url=/p/7&format=json", operator.as_str()),
        ("/_v/hints", operator.as_str()),
        ("/_v/nothing", ""),
    ] {
        let whole = fake.send(&app(POLICY), get(path, &[("authorization", token)]));
        assert_eq!(whole.header("x-robots-tag"), "noindex", "{path}");
    }
    let rules = "User-agent: *\nDisallow: /cart\n";
    let shop = Fake::with_origin(move || {
        super::support::response(200, &[("content-type", "text/plain")], rules.as_bytes())
    });
    let whole = shop.send(&app(POLICY), get("/robots.txt", &[]));
    assert_eq!(whole.text(), rules);
}
