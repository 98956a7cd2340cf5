//! Storefront pages, and what is measured on them: by criterion in `rewrite.rs`, and natively beside wasm in
//! `rate/`.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::hint::black_box;
use std::rc::Rc;

use http::{HeaderMap, HeaderValue};
use lol_html::html_content::Element;
use lol_html::{ElementContentHandlers, HtmlRewriter, MemorySettings, Selector, Settings};
use vitrine_edge::html::hints::{GroupHints, ImageHint, OriginHint, TemplateHints, Viewport};
use vitrine_edge::html::passes::Config;
use vitrine_edge::html::{PageFacts, Rewriter};

/// As the network delivers a page.
const CHUNK: usize = 4 << 10;

/// Something that a page passes through, and says how many bytes came out.
pub(crate) type Subject = (&'static str, Box<dyn Fn(&[u8]) -> usize>);

/// What is measured on every page: the parser alone, and what is done with it.
pub(crate) fn subjects() -> Vec<Subject> {
    let (defaults, rules, rum) = (Config::default(), with_rules(), rum_only());
    let hints = Rc::new(hints());
    let facts = move || facts(&hints);
    let (again, once_more) = (facts.clone(), facts.clone());
    vec![
        ("copy", Box::new(copy)),
        ("lol_html", Box::new(|page| parse(page, None))),
        (
            "lol_html_every_tag",
            Box::new(|page| parse(page, Some("*"))),
        ),
        (
            "inject_rum",
            Box::new(move |page| rewrite(&rum, once_more(), page)),
        ),
        (
            "defaults",
            Box::new(move |page| rewrite(&defaults, facts(), page)),
        ),
        (
            "defaults_and_rules",
            Box::new(move |page| rewrite(&rules, again(), page)),
        ),
    ]
}

/// The built-in page, and those that `cargo xtask bench` has fetched into `$VITRINE_BENCH_PAGES`.
pub(crate) fn pages() -> Vec<(String, Vec<u8>)> {
    let mut pages = vec![("built-in".to_owned(), page())];
    let folder = std::env::var_os("VITRINE_BENCH_PAGES").map(std::fs::read_dir);
    let mut paths: Vec<_> = folder
        .into_iter()
        .flat_map(|entries| entries.expect("the folder of pages"))
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|e| e == "html"))
        .collect();
    paths.sort();
    for path in paths {
        let name = path
            .file_stem()
            .expect("a name")
            .to_string_lossy()
            .into_owned();
        pages.push((name, std::fs::read(&path).expect("a page")));
    }
    pages
}

/// A measured visit of a template that many visits have been learned of.
pub(crate) fn facts(hints: &Rc<TemplateHints>) -> PageFacts {
    let mut headers = HeaderMap::new();
    headers.insert(
        "content-type",
        HeaderValue::from_static("text/html; charset=utf-8"),
    );
    let url = "https://shop.example/c/vases".parse().expect("a URL");
    PageFacts {
        rum_token: Some("1.eyJzIjoiZGVtbyIsInQiOiJjYXRlZ29yeSJ9.c2lnbmF0dXJlMDEyMzQ1".into()),
        rum_script: "/_v/rum/0123456789abcdef.js",
        hints: Some(Rc::clone(hints)),
        ..PageFacts::new(url, "category", headers)
    }
}

/// The first picture is what visitors wait for, those from the fourth on are below the fold.
pub(crate) fn hints() -> TemplateHints {
    let image = |ordinal: u32| ImageHint {
        selector: "body img".to_owned(),
        ordinal,
        seen: 1000,
        lcp: if ordinal == 0 { 990 } else { 0 },
        below_fold: if ordinal > 2 { 1000 } else { 0 },
        hidden: 0,
    };
    let group = |viewport| GroupHints {
        viewport,
        views: 1000,
        images: (0..12).map(image).collect(),
        origins: vec![OriginHint {
            origin: "https://cdn.example".to_owned(),
            cors: false,
            before_lcp: 1000,
        }],
        resources: Vec::new(),
    };
    TemplateHints {
        template: "category".to_owned(),
        groups: vec![
            group(Viewport::Phone),
            group(Viewport::Tablet),
            group(Viewport::Desktop),
        ],
    }
}

/// The defaults, and as many rules as a shop has.
fn with_rules() -> Config {
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

/// The measurement alone, as every page has it.
fn rum_only() -> Config {
    Config {
        inject_rum: Config::default().inject_rum,
        ..Config::off()
    }
}

/// A category page of about 250 KB: a head with tags and data, a menu, 120 cards, an inline state, a footer.
fn page() -> Vec<u8> {
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
pub(crate) fn rewrite(config: &Config, facts: PageFacts, page: &[u8]) -> usize {
    let mut rewriter = Rewriter::new(config, facts);
    let mut sent = 0;
    for chunk in page.chunks(CHUNK) {
        sent += black_box(rewriter.write(chunk)).len();
    }
    sent + black_box(rewriter.end()).len()
}

/// What the parser costs alone, with one handler that does nothing or with none.
fn parse(page: &[u8], selector: Option<&str>) -> usize {
    let mut settings = Settings::new()
        .with_strict(false)
        .with_memory_settings(MemorySettings::new().with_max_allowed_memory_usage(1 << 20));
    if let Some(selector) = selector {
        let selector: Selector = selector.parse().expect("a selector");
        settings = settings.append_element_content_handler((
            Cow::Owned(selector),
            ElementContentHandlers::default().element(|element: &mut Element<'_, '_>| {
                black_box(element);
                Ok(())
            }),
        ));
    }
    let mut output = Vec::new();
    let mut parser = HtmlRewriter::new(settings, |bytes: &[u8]| output.extend_from_slice(bytes));
    for chunk in page.chunks(CHUNK) {
        parser.write(chunk).expect("no handler fails");
    }
    parser.end().expect("no handler fails");
    black_box(output).len()
}

/// What any layer costs at least.
fn copy(page: &[u8]) -> usize {
    page.chunks(CHUNK)
        .map(|chunk| black_box(chunk.to_vec()).len())
        .sum()
}
