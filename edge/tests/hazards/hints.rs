//! Learned hints: taken in by the operator, used by passes, and given up when they no longer fit.

use std::rc::Rc;

use http::Request;
use serde_json::{Value, json};
use vitrine_edge::App;
use vitrine_edge::testing::{Fake, FakeBody, Whole};

use super::support::{PAGE, TOKEN, all, app, get, html, response};

const POLICY: &str = r#"{"version":"t1","compression":{"enabled":false},"holdback":{"percent":0},
    "passes":{"payment_guard":{"first_view":"trust"}},"templates":[{"name":"product","path":"/p/*"}]}"#;

/// A file of hints with one group that has enough views.
fn file(template: &str, entries: Value) -> String {
    let mut group = json!({"viewport": "phone", "views": 100});
    if let (Value::Object(group), Value::Object(entries)) = (&mut group, entries) {
        group.extend(entries);
    }
    json!({"version": 1, "templates": [{"template": template, "groups": [group]}]}).to_string()
}

fn ask(fake: &Fake, app: &Rc<App>, method: &str, path: &str, body: &str) -> Whole {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("authorization", format!("Bearer {TOKEN}"))
        .header("content-length", body.len())
        .body(FakeBody::in_pieces(body.as_bytes(), 1000))
        .unwrap();
    fake.send(app, request)
}

fn import(fake: &Fake, app: &Rc<App>, file: &str) -> Value {
    report(&ask(fake, app, "PUT", "/_v/hints", file))
}

fn report(whole: &Whole) -> Value {
    assert_eq!(whole.status, 200, "{}", whole.text());
    serde_json::from_slice(&whole.body).unwrap()
}

fn fake() -> Fake {
    Fake::with_origin(|| html(&[], PAGE))
}

#[test]
fn hints_are_taken_in_by_the_operator_alone() {
    let (fake, app) = (fake(), app(POLICY));
    let hints = file("product", json!({}));
    let stranger = Request::put("/_v/hints")
        .header("authorization", "Bearer wrong")
        .header("content-length", hints.len())
        .body(FakeBody::from(hints.as_str()))
        .unwrap();
    assert_eq!(fake.send(&app, stranger).status, 401);
    assert!(fake.with_state(|state| state.is_empty()));
    assert_eq!(ask(&fake, &app, "PUT", "/_v/hints", &hints).status, 200);
    assert_eq!(fake.with_state(|state| state.len()), 1);
    let other = ask(&fake, &app, "POST", "/_v/hints", &hints);
    assert_eq!(
        (other.status.as_u16(), other.header("allow")),
        (405, "GET, PUT")
    );
    assert!(fake.seen().is_empty(), "none of it is the shop's business");
}

#[test]
fn what_was_taken_in_is_shown_with_what_follows_from_it() {
    let (fake, app) = (fake(), app(POLICY));
    let origins = json!({"origins": [
        {"origin": "https://cdn.example", "before_lcp": 90},
        {"origin": "https://rare.example", "before_lcp": 60},
    ]});
    import(&fake, &app, &file("product", origins));
    let shown = report(&ask(&fake, &app, "GET", "/_v/hints", ""));
    let template = &shown["templates"][0];
    assert_eq!(template["template"], "product");
    assert_eq!(template["hints"]["groups"][0]["views"], 100);
    let decisions = &template["groups"][0]["decisions"];
    assert_eq!(decisions[0]["on"], "https://cdn.example");
    assert_eq!(decisions[0]["not_yet"], Value::Null);
    let why = decisions[1]["not_yet"].as_str().unwrap();
    assert_eq!(why, "60 of 100 views make at least 50 %, and it needs 60 %");
    let one = report(&ask(&fake, &app, "GET", "/_v/hints?template=home", ""));
    assert_eq!(one["templates"][0]["hints"], Value::Null);
}

#[test]
fn few_views_lead_to_nothing_and_the_report_says_so() {
    let (fake, app) = (fake(), app(POLICY));
    let few =
        json!({"views": 49, "origins": [{"origin": "https://cdn.example", "before_lcp": 49}]});
    let report = import(&fake, &app, &file("product", few));
    let why = &report["templates"][0]["groups"][0]["decisions"][0]["not_yet"];
    assert_eq!(why, "49 views, and nothing is concluded from fewer than 50");
}

#[test]
fn a_file_with_a_mistake_changes_nothing_and_every_mistake_is_told() {
    let (fake, app) = (fake(), app(POLICY));
    import(&fake, &app, &file("product", json!({})));
    let before = fake.with_state(|state| state.clone());
    let wrong = json!({"images": [{"selector": "img[", "seen": 200}]});
    let told = ask(&fake, &app, "PUT", "/_v/hints", &file("product", wrong));
    assert_eq!(told.status, 422);
    assert_eq!(told.header("content-type"), "application/problem+json");
    let told: Value = serde_json::from_slice(&told.body).unwrap();
    let places: Vec<&str> = told["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| error["place"].as_str().unwrap())
        .collect();
    let entry = "templates[0].groups[0].images[0]";
    assert_eq!(
        places,
        [format!("{entry}.selector"), format!("{entry}.seen")]
    );
    let large = " ".repeat((1 << 20) + 1);
    assert_eq!(ask(&fake, &app, "PUT", "/_v/hints", &large).status, 413);
    assert_eq!(fake.with_state(|state| state.clone()), before);
}

#[test]
fn hints_of_a_template_that_nobody_named_are_kept_with_a_warning() {
    let (fake, app) = (fake(), app(POLICY));
    let report = import(&fake, &app, &file("produkt", json!({})));
    let warning = report["warnings"][0].as_str().unwrap();
    assert!(warning.contains("`produkt`"), "{warning}");
    let rest = import(&fake, &app, &file("other", json!({})));
    assert_eq!(rest["warnings"], json!([]));
}

#[test]
fn an_import_forgets_what_was_stale_and_keeps_what_was_switched_off() {
    let (fake, app) = (fake(), app(POLICY));
    let record = json!({
        "hints": null,
        "off": {"preconnect": {"since_ms": 1, "policy": "t1", "why": "a link was lost"}},
        "stale": ["/old.css"],
    });
    fake.with_state(|state| {
        state.insert("template:product".into(), record.to_string().into_bytes())
    });
    let origins = json!({"origins": [{"origin": "https://cdn.example", "before_lcp": 100}]});
    let report = import(&fake, &app, &file("product", origins));
    let template = &report["templates"][0];
    assert_eq!(template["stale"], json!([]));
    let told = "switched off by the second parser since 1970-01-01, until vitrine.toml changes: a link was lost";
    assert_eq!(template["off"]["preconnect"], told);
    let why = &template["groups"][0]["decisions"][0]["not_yet"];
    assert_eq!(why, &format!("the pass is {told}"));
}

#[test]
fn the_reserved_path_of_hints_is_closed_without_a_token() {
    let fake = fake();
    let closed = App::load(POLICY, vitrine_edge::Secrets::default());
    assert_eq!(fake.send(&closed, get("/_v/hints", &[])).status, 404);
}

const FONT: &str = "</shop.woff2>; rel=preload; as=font; crossorigin; type=\"font/woff2\"";

/// A font and a style sheet that are found late on every screen.
fn late(style: &str) -> String {
    let resources = json!([
        {"url": "/shop.woff2", "kind": "font", "type": "font/woff2", "late": 100},
        {"url": style, "kind": "style", "late": 100},
    ]);
    let group =
        |viewport: &str| json!({"viewport": viewport, "views": 100, "resources": resources});
    let groups = [group("phone"), group("desktop")];
    json!({"version": 1, "templates": [{"template": "product", "groups": groups}]}).to_string()
}

fn styled(style: &str) -> String {
    PAGE.replace(
        "</head>",
        &format!("<link rel=stylesheet href={style}></head>"),
    )
}

fn visit(fake: &Fake, app: &Rc<App>) -> Whole {
    let whole = fake.send(app, get("/p/7", &[("accept", "text/html")]));
    assert_eq!(whole.status, 200);
    whole
}

#[test]
fn h98_a_preload_has_the_attributes_of_its_consumer_and_a_font_is_always_cross_origin() {
    let fake = Fake::with_origin(|| {
        let page = styled("/shop.css");
        html(&[("link", "</logo.svg>; rel=preload; as=image")], page)
    });
    let app = app(POLICY);
    import(&fake, &app, &late("/shop.css"));
    let whole = visit(&fake, &app);
    let own = "</logo.svg>; rel=preload; as=image";
    let style = "</shop.css>; rel=preload; as=style";
    assert_eq!(all(&whole, "link"), [own, FONT, style]);
    // A consumer that fetches in another way would make it two fetches: it was the last time.
    fake.script(|_| Ok(html(&[], styled("/shop.css crossorigin"))));
    assert_eq!(all(&visit(&fake, &app), "link"), [FONT, style]);
    assert_eq!(all(&visit(&fake, &app), "link"), [FONT]);
}

#[test]
fn h98_what_the_shop_preloads_itself_is_preloaded_once() {
    let fake = Fake::with_origin(|| html(&[("link", FONT)], styled("/shop.css")));
    let app = app(POLICY);
    import(&fake, &app, &late("/shop.css"));
    let links = visit(&fake, &app);
    assert_eq!(
        all(&links, "link"),
        [FONT, "</shop.css>; rel=preload; as=style"]
    );
}

#[test]
fn h99_a_hint_is_used_no_more_after_the_first_page_without_its_file() {
    let fake = Fake::with_origin(|| html(&[], styled("/shop.2.css")));
    let app = app(POLICY);
    import(&fake, &app, &late("/shop.1.css"));
    let old = "</shop.1.css>; rel=preload; as=style";
    assert_eq!(all(&visit(&fake, &app), "link"), [FONT, old]);
    assert_eq!(all(&visit(&fake, &app), "link"), [FONT]);
    // Nor by another instance, which reads the store.
    let other = super::support::app(POLICY);
    assert_eq!(all(&visit(&fake, &other), "link"), [FONT]);
    let shown = report(&ask(&fake, &app, "GET", "/_v/hints", ""));
    assert_eq!(shown["templates"][0]["stale"], json!(["/shop.1.css"]));
    import(&fake, &app, &late("/shop.2.css"));
    assert_eq!(visit(&fake, &app).headers.get_all("link").iter().count(), 2);
    assert_eq!(visit(&fake, &app).headers.get_all("link").iter().count(), 2);
}

#[test]
fn h99_a_hinted_file_that_is_not_found_is_hinted_no_more() {
    for referer in ["http://shop.example/p/7", "http://elsewhere.example/p/7"] {
        let fake = Fake::new(|seen| {
            Ok(match seen.uri.path() {
                "/p/7" => html(&[], styled("/shop.css")),
                _ => response(404, &[("content-type", "text/plain")], "gone"),
            })
        });
        let app = app(POLICY);
        import(&fake, &app, &late("/shop.css"));
        let font = |app| {
            let headers = [("referer", referer), ("sec-fetch-dest", "font")];
            fake.send(app, get("/shop.woff2", &headers)).status
        };
        // An instance that knows no template goes by the page that asks.
        let fresh = super::support::app(POLICY);
        assert_eq!(font(&fresh), 404);
        let knows = referer.starts_with("http://shop.");
        let links = visit(&fake, &super::support::app(POLICY));
        assert_eq!(all(&links, "link").contains(&FONT), !knows, "{referer}");
        assert_eq!(font(&app), 404);
        assert!(
            !all(&visit(&fake, &app), "link").contains(&FONT),
            "{referer}"
        );
        assert_eq!(fake.send(&app, get("/shop.css", &[])).status, 404);
        assert!(all(&visit(&fake, &app), "link").is_empty());
    }
}

#[test]
fn a_page_that_breaks_off_says_nothing_about_hints() {
    use vitrine_edge::testing::Step;
    let fake = Fake::with_origin(|| {
        let body = FakeBody::of([Step::Piece(PAGE.into()), Step::Break]);
        html(&[], body)
    });
    let app = app(POLICY);
    import(&fake, &app, &late("/shop.css"));
    for _ in 0..2 {
        let whole = visit(&fake, &app);
        assert!(whole.broken.is_some());
        assert_eq!(all(&whole, "link").len(), 2);
    }
}

const CHROME: &str = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36";
const SAFARI: &str = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.0 Safari/605.1.15";
const GOOGLEBOT: &str = "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; Googlebot/2.1; +http://www.google.com/bot.html) Chrome/140.0.0.0 Safari/537.36";

/// A shop that takes this long for a page, and hints of its templates.
fn slow_shop(ms: u64) -> (Fake, Rc<App>) {
    let fake = Fake::with_origin(|| html(&[], styled("/shop.css")));
    let clock = fake.clone();
    fake.script(move |_| {
        clock.pass_ms(ms);
        Ok(html(&[], styled("/shop.css")))
    });
    let app = app(POLICY);
    let mut file: Value = serde_json::from_str(&late("/shop.css")).unwrap();
    file["templates"][0]["groups"][0]["origins"] =
        json!([{"origin": "https://cdn.example", "before_lcp": 100}]);
    import(&fake, &app, &file.to_string());
    (fake, app)
}

/// A navigation by HTTP/2, with one thing changed.
fn navigation(change: impl FnOnce(&mut Request<FakeBody>)) -> Request<FakeBody> {
    let headers = [
        ("accept", "text/html"),
        ("sec-fetch-mode", "navigate"),
        ("sec-fetch-dest", "document"),
        ("user-agent", CHROME),
    ];
    let mut request = get("/p/7", &headers);
    *request.version_mut() = http::Version::HTTP_2;
    change(&mut request);
    request
}

/// What goes ahead of the second view of a page.
fn ahead(fake: &Fake, app: &Rc<App>, request: Request<FakeBody>) -> Vec<String> {
    fake.send(app, navigation(|_| ()));
    let before = fake.hinted().len();
    fake.send(app, request);
    let hinted = fake.hinted();
    let values = hinted[before..].iter();
    values
        .map(|value| value.to_str().unwrap().to_owned())
        .collect()
}

const CONNECT: &str = "<https://cdn.example>; rel=preconnect";
const STYLE: &str = "</shop.css>; rel=preload; as=style";

#[test]
fn h97_a_navigation_gets_hints_ahead_of_its_page_and_the_page_repeats_them() {
    let (fake, app) = slow_shop(101);
    fake.send(&app, navigation(|_| ()));
    assert!(
        fake.hinted().is_empty(),
        "how long the shop takes is not known yet"
    );
    let whole = fake.send(&app, navigation(|_| ()));
    let hinted = fake.hinted();
    assert_eq!(hinted, [CONNECT, FONT, STYLE]);
    assert_eq!(all(&whole, "link"), [CONNECT, FONT, STYLE]);
    assert!(!whole.text().contains("preconnect"), "once is enough");
    let bytes: usize = hinted.iter().map(http::HeaderValue::len).sum();
    assert!(hinted.len() <= 6 && bytes <= 1024);
}

#[test]
fn h97_a_shop_that_answers_fast_gets_none() {
    let (fake, app) = slow_shop(100);
    assert!(ahead(&fake, &app, navigation(|_| ())).is_empty());
}

#[test]
fn h97_only_a_visitors_own_navigation_over_a_modern_protocol_gets_hints() {
    let header = |name: &'static str, value: &'static str| {
        navigation(|request| {
            request.headers_mut().insert(name, value.parse().unwrap());
        })
    };
    let cases = [
        (
            "HTTP/1.1",
            navigation(|r| *r.version_mut() = http::Version::HTTP_11),
        ),
        ("HEAD", navigation(|r| *r.method_mut() = http::Method::HEAD)),
        ("a frame's fetch", header("sec-fetch-mode", "cors")),
        (
            "a script's fetch",
            header("x-requested-with", "XMLHttpRequest"),
        ),
        ("a crawler", header("user-agent", GOOGLEBOT)),
        ("a prefetch", header("sec-purpose", "prefetch")),
        (
            "an authorised request",
            header("authorization", "Basic eDp5"),
        ),
        ("an operator's off switch", header("x-vitrine-off", TOKEN)),
        (
            "a sacred page",
            navigation(|r| *r.uri_mut() = "/p/7/checkout".parse().unwrap()),
        ),
        (
            "another template",
            navigation(|r| *r.uri_mut() = "/".parse().unwrap()),
        ),
    ];
    for (what, request) in cases {
        let (fake, app) = slow_shop(500);
        assert_eq!(ahead(&fake, &app, request), Vec::<String>::new(), "{what}");
    }
    let (fake, app) = slow_shop(500);
    assert_eq!(ahead(&fake, &app, header("user-agent", SAFARI)), [CONNECT]);
    let (fake, app) = slow_shop(500);
    let third = navigation(|r| *r.version_mut() = http::Version::HTTP_3);
    assert_eq!(ahead(&fake, &app, third).len(), 3);
    let (fake, app) = slow_shop(500);
    fake.set_capabilities(|can| can.early_hints = false);
    assert!(ahead(&fake, &app, navigation(|_| ())).is_empty());
}

#[test]
fn h97_a_visitor_who_is_held_back_gets_nothing_ahead_either() {
    let policy = POLICY.replace("\"percent\":0", "\"percent\":50");
    let mut counts = [0, 0];
    let (fake, _) = slow_shop(500);
    let app = super::support::app(&policy);
    fake.send(&app, navigation(|_| ()));
    for _ in 0..40 {
        let before = fake.hinted().len();
        let whole = fake.send(&app, navigation(|_| ()));
        let is_hinted = fake.hinted().len() > before;
        assert_eq!(is_hinted, whole.headers.contains_key("link"));
        counts[usize::from(is_hinted)] += 1;
    }
    assert!(counts[0] > 5 && counts[1] > 5, "{counts:?}");
}

#[test]
fn h97_a_hint_that_the_page_does_not_have_goes_ahead_of_one_page_at_most() {
    let (fake, app) = slow_shop(500);
    fake.script({
        let clock = fake.clone();
        move |_| {
            clock.pass_ms(500);
            Ok(html(&[], PAGE))
        }
    });
    assert_eq!(ahead(&fake, &app, navigation(|_| ())), [CONNECT, FONT]);
}
