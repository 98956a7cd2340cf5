//! The second parser in production: what it finds switches a pass off, and says so.

use std::rc::Rc;

use http::{Request, Response};
use vitrine_edge::config::Policy;
use vitrine_edge::html::passes::{CONTRACTS, Contract, Edit};
use vitrine_edge::testing::{Fake, FakeBody, Step, Whole};
use vitrine_edge::{App, Secrets};

const PAGE: &str =
    "<!doctype html><html><head><title>T</title></head><body><img src=a.jpg><p>x</p></body></html>";

/// Contracts in which the pass that sizes images promises to change nothing.
fn wrong_contracts() -> &'static [(&'static str, Contract)] {
    let contracts = CONTRACTS.iter().map(|(name, contract)| {
        let edits: &[Edit] = match *name {
            "size_images" => &[],
            _ => contract.edits,
        };
        (*name, Contract { edits, ..*contract })
    });
    Box::leak(contracts.collect::<Vec<_>>().into_boxed_slice())
}

fn policy(one_in: u32) -> Policy {
    let mut policy: Policy = serde_json::from_str(
        r#"{"version": "v1", "compression": {"enabled": false}, "holdback": {"percent": 0},
            "passes": {"payment_guard": {"first_view": "trust"},
                       "size_images": {"rules": [{"selector": "img", "width": 6, "height": 8}]},
                       "preconnect": {"origins": ["https://cdn.example"]}}}"#,
    )
    .unwrap();
    policy.audit.one_in = one_in;
    policy
}

fn secrets() -> Secrets {
    Secrets {
        operator_token: "operator".into(),
        ..Secrets::default()
    }
}

fn platform() -> Fake {
    Fake::with_origin(|| {
        Response::builder()
            .header("content-type", "text/html; charset=utf-8")
            .body(PAGE.as_bytes().into())
            .unwrap()
    })
}

fn get(fake: &Fake, app: &Rc<App>, path: &str) -> Whole {
    let request = Request::get(path)
        .header("accept", "text/html")
        .header("authorization", "Bearer operator");
    fake.send(app, request.body(FakeBody::default()).unwrap())
}

#[test]
fn a_pass_that_breaks_its_promise_is_switched_off_and_explain_says_why() {
    let fake = platform();
    let app = App::with_contracts(policy(1), secrets(), wrong_contracts());
    let first = get(&fake, &app, "/p/1").text();
    assert!(first.contains("width=\"6\""), "{first}");
    assert!(first.contains("preconnect"), "{first}");

    let second = get(&fake, &app, "/p/1").text();
    assert!(!second.contains("width="), "{second}");
    assert!(second.contains("preconnect"), "only the culprit is off");

    let said: Vec<String> = fake
        .lines()
        .into_iter()
        .filter(|l| l.contains("\"route\":\"audit\""))
        .collect();
    assert_eq!(said.len(), 1, "{said:#?}");
    assert!(
        said[0].contains("size_images: it changed markup, at `height` of <img>"),
        "{}",
        said[0]
    );
    let explained = get(&fake, &app, "/_v/explain?url=/p/1&format=json").text();
    assert!(
        explained.contains(
            "switched off by the second parser since 2026-11-24, until vitrine.toml changes: it changed markup"
        ),
        "{explained}"
    );
}

#[test]
fn what_the_second_parser_switched_off_is_off_for_other_instances_and_tried_again_under_another_policy()
 {
    let fake = platform();
    let app = App::with_contracts(policy(1), secrets(), wrong_contracts());
    get(&fake, &app, "/p/1");
    let other = App::with_contracts(policy(0), secrets(), CONTRACTS);
    assert!(!get(&fake, &other, "/p/2").text().contains("width="));
    let changed = Policy {
        version: "v2".into(),
        ..policy(0)
    };
    let other = App::with_contracts(changed, secrets(), CONTRACTS);
    assert!(get(&fake, &other, "/p/2").text().contains("width="));
}

#[test]
fn passes_that_keep_their_promise_stay_on_and_nothing_is_said() {
    let fake = platform();
    let app = App::new(policy(1), secrets());
    for _ in 0..3 {
        assert!(get(&fake, &app, "/p/1").text().contains("width="));
    }
    assert!(
        fake.lines()
            .iter()
            .all(|line| !line.contains("second parser"))
    );
}

#[test]
fn with_zero_no_page_is_looked_at() {
    let fake = platform();
    let app = App::with_contracts(policy(0), secrets(), wrong_contracts());
    for _ in 0..3 {
        assert!(get(&fake, &app, "/p/1").text().contains("width="));
    }
}

#[test]
fn a_page_that_breaks_off_is_not_looked_at() {
    let fake = Fake::with_origin(|| {
        let body = FakeBody::of([Step::Piece(PAGE.as_bytes().into()), Step::Break]);
        Response::builder()
            .header("content-type", "text/html; charset=utf-8")
            .body(body)
            .unwrap()
    });
    let app = App::with_contracts(policy(1), secrets(), wrong_contracts());
    for _ in 0..2 {
        assert!(get(&fake, &app, "/p/1").text().contains("width="));
    }
}
