//! Learned hints: taken in by the operator, used by passes, and given up when they no longer fit.

use std::rc::Rc;

use http::Request;
use serde_json::{Value, json};
use vitrine_edge::App;
use vitrine_edge::testing::{Fake, FakeBody, Whole};

use super::support::{PAGE, TOKEN, app, get, html};

const POLICY: &str = r#"{"version":"t1","compression":{"enabled":false},"holdback":{"percent":0},
    "templates":[{"name":"product","path":"/p/*"}]}"#;

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
        "off": {"preconnect": {"since_ms": 1, "why": "a link was lost"}},
        "stale": ["/old.css"],
    });
    fake.with_state(|state| {
        state.insert("template:product".into(), record.to_string().into_bytes())
    });
    let origins = json!({"origins": [{"origin": "https://cdn.example", "before_lcp": 100}]});
    let report = import(&fake, &app, &file("product", origins));
    let template = &report["templates"][0];
    assert_eq!(template["stale"], json!([]));
    assert_eq!(template["off"]["preconnect"], "a link was lost");
    let why = &template["groups"][0]["decisions"][0]["not_yet"];
    assert_eq!(
        why,
        "the pass was switched off for this template: a link was lost"
    );
}

#[test]
fn the_reserved_path_of_hints_is_closed_without_a_token() {
    let fake = fake();
    let closed = App::load(POLICY, vitrine_edge::Secrets::default());
    assert_eq!(fake.send(&closed, get("/_v/hints", &[])).status, 404);
}
