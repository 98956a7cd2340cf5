//! A storefront page, and what is measured on it: by criterion in `rewrite.rs`, and natively beside wasm in
//! `rate/`.

use std::fmt::Write as _;
use std::hint::black_box;

use http::{HeaderMap, HeaderValue};
use vitrine_edge::html::passes::Config;
use vitrine_edge::html::{PageFacts, Rewriter};

/// As the network delivers a page.
const CHUNK: usize = 16 << 10;

fn facts() -> PageFacts {
    let mut headers = HeaderMap::new();
    headers.insert(
        "content-type",
        HeaderValue::from_static("text/html; charset=utf-8"),
    );
    let url = "https://shop.example/c/vases".parse().expect("a URL");
    PageFacts {
        rum_token: Some("1.eyJzIjoiZGVtbyIsInQiOiJjYXRlZ29yeSJ9.c2lnbmF0dXJlMDEyMzQ1".into()),
        rum_script: "/_v/rum/0123456789abcdef.js",
        ..PageFacts::new(url, "category", headers)
    }
}

/// Every pass at work, with as many rules as a shop has.
pub(crate) fn every_pass() -> Config {
    serde_json::from_str(
        r#"{
            "third_party_scripts": {"rules": [
                {"vendor": "google-tag-manager", "action": "async"},
                {"vendor": "hotjar", "action": "async"},
                {"vendor": "intercom", "action": "idle"},
                {"match": "https://tags.example/*", "action": "defer"}
            ]},
            "size_images": {"rules": [{"selector": ".card img", "width": 600, "height": 800}]},
            "preconnect": {"origins": ["https://cdn.example"]}
        }"#,
    )
    .expect("options")
}

/// A category page of about 250 KB: a head with tags and data, a menu, 120 cards, an inline state, a footer.
pub(crate) fn page() -> Vec<u8> {
    let mut html = String::from(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>Vases</title>\n\
         <link rel=\"stylesheet\" href=\"/css/shop.css\">\n\
         <script>window.dataLayer=window.dataLayer||[];</script>\n\
         <script src=\"https://www.googletagmanager.com/gtm.js?id=GTM-1\"></script>\n\
         <script src=\"https://static.hotjar.com/c/hotjar-1.js\"></script>\n\
         <script src=\"/js/shop.js\" defer></script>\n</head>\n<body class=\"category\">\n<nav><ul>\n",
    );
    for i in 0..200 {
        let _ = writeln!(
            html,
            "<li class=\"menu__item menu__item--{i}\"><a href=\"/c/{i}\" data-track='{{\"id\":{i}}}'>Category {i}</a></li>"
        );
    }
    html.push_str("</ul></nav>\n<main class=\"grid\">\n");
    for i in 0..120 {
        let _ = writeln!(
            html,
            "<article class=\"card\" data-sku=\"SKU-{i:05}\" itemscope itemtype=\"https://schema.org/Product\">\n\
             \x20 <a class=\"card__link\" href=\"/p/{i}?from=category&amp;pos={i}\">\n\
             \x20   <picture><source type=\"image/webp\" srcset=\"/media/{i}.webp 1x, /media/{i}@2.webp 2x\">\
             <img class=\"card__image\" src=\"/media/{i}.jpg\" alt=\"Vase number {i}\"></picture>\n\
             \x20   <h2 class=\"card__title\" itemprop=\"name\">Vase number {i}</h2>\n  </a>\n\
             \x20 <p class=\"card__text\">Thrown by hand &amp; glazed twice. {}</p>\n\
             \x20 <span class=\"price\"><b>&euro;{i}.00</b> <s>&euro;{i}.90</s></span>\n\
             \x20 <svg class=\"icon\" viewBox=\"0 0 24 24\"><path d=\"M12 21.35l-1.45-1.32C5.4 15.36 2 12.28 2 8.5\"/></svg>\n\
             \x20 <form action=\"/cart/add\" method=\"post\"><input type=\"hidden\" name=\"sku\" value=\"SKU-{i:05}\">\
             <button type=\"submit\" class=\"button\">Add to cart</button></form>\n</article>",
            "It holds water, and flowers too. ".repeat(12)
        );
    }
    html.push_str("</main>\n<script type=\"application/json\" id=\"state\">{\"products\":[");
    for i in 0..1250 {
        let _ = write!(
            html,
            "{{\"id\":{i},\"sku\":\"SKU-{i:05}\",\"stock\":{i},\"price\":{{\"amount\":{i}00,\"currency\":\"EUR\"}}}},"
        );
    }
    html.push_str(
        "{}]}</script>\n<script src=\"https://widget.intercom.io/widget/abc\"></script>\n\
         <script src=\"https://tags.example/end.js\"></script>\n<footer><p>Vitrine</p></footer>\n</body>\n</html>\n",
    );
    html.into_bytes()
}

/// Rewrites a page, and says how many bytes came out.
pub(crate) fn rewrite(config: &Config, page: &[u8]) -> usize {
    let mut rewriter = Rewriter::new(config, facts());
    let mut sent = 0;
    for chunk in page.chunks(CHUNK) {
        sent += black_box(rewriter.write(chunk)).len();
    }
    sent + black_box(rewriter.end()).len()
}

/// What any layer costs at least.
pub(crate) fn copy(page: &[u8]) -> usize {
    page.chunks(CHUNK)
        .map(|chunk| black_box(chunk.to_vec()).len())
        .sum()
}

/// The measurement alone, as every page has it.
pub(crate) fn rum_only() -> Config {
    Config {
        inject_rum: Config::default().inject_rum,
        ..Config::off()
    }
}
