//! The verbs of the cart API and what they refuse, over a shop that behaves like `EverShop`.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests may stop a test"
)]

mod support;

use std::rc::Rc;

use support::carts::*;
use support::*;

#[test]
fn a_visitor_without_a_cart_has_an_empty_one_and_the_shop_is_not_asked() {
    let (adapter, host, _) = open();
    let answer = host.run(ask(&adapter, &host, request("GET", "/_v/cart", &[])));
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("cache-control"), "private, no-store");
    assert_eq!(answer.header("clear-site-data"), "", "nothing has changed");
    assert_eq!(
        answer.header("content-length"),
        answer.text().len().to_string()
    );
    let cart = answer.json();
    assert_eq!(cart["currency"], "USD");
    assert_eq!(cart["line_items"].as_array().unwrap().len(), 0);
    assert_eq!(
        cart["totals"][1],
        serde_json::json!({ "type": "total", "amount": 0 })
    );
    assert_eq!(host.sent(), 0);
}

#[test]
fn adding_changing_and_removing_a_line_shows_the_cart_each_time() {
    let (adapter, host, shop) = open();
    let added = host.run(add(&adapter, &host, "k1", "SKU-1", 2));
    assert_eq!(added.status, 200, "{}", added.text());
    let dropped = "\"prefetchCache\", \"prerenderCache\"";
    assert_eq!(added.header("clear-site-data"), dropped);
    let cart = added.json();
    let line = cart["line_items"][0].clone();
    assert_eq!(
        (line["quantity"].as_u64(), line["item"]["price"].as_u64()),
        (Some(2), Some(1999))
    );
    assert_eq!(
        cart["totals"].as_array().unwrap().last().unwrap()["amount"],
        3998
    );
    let id = line["id"].as_str().unwrap();

    assert_eq!(
        host.run(put(&adapter, &host, id, 5)).json()["line_items"][0]["quantity"],
        5
    );
    assert_eq!(
        host.run(put(&adapter, &host, id, 1)).json()["line_items"][0]["quantity"],
        1
    );
    assert_eq!(read(&adapter, &host).json()["line_items"][0]["quantity"], 1);

    let path = format!("/_v/cart/items/{id}");
    let gone = host.run(ask(
        &adapter,
        &host,
        request("DELETE", &path, &[("cookie", SID)]),
    ));
    assert_eq!(
        (
            gone.status,
            gone.json()["line_items"].as_array().unwrap().len()
        ),
        (200, 0)
    );
    assert_eq!(shop.quantity("abc", "SKU-1"), 0);
    let again = host.run(ask(
        &adapter,
        &host,
        request("DELETE", &path, &[("cookie", SID)]),
    ));
    assert_eq!(
        (again.status, again.code().as_str()),
        (404, "line_not_found")
    );
}

#[test]
fn a_quantity_of_none_removes_the_line() {
    let (adapter, host, shop) = open();
    let id = shop.put("abc", "SKU-1", 3);
    let gone = host.run(put(&adapter, &host, &id, 0));
    assert_eq!(gone.json()["line_items"].as_array().unwrap().len(), 0);
    assert_eq!(host.0.sent.borrow()[1].method, "DELETE");
}

#[test]
fn a_new_visitor_gets_the_shops_own_session_cookie_and_no_other() {
    let (adapter, host, shop) = open();
    let headers = [("idempotency-key", "k"), ("cookie", "theme=x")];
    let request = json_request("POST", "/_v/cart/items", &headers, r#"{"item_id":"SKU-1"}"#);
    let answer = host.run(ask(&adapter, &host, request));
    assert_eq!(answer.status, 200);
    let cookies: Vec<_> = answer.headers.get_all("set-cookie").iter().collect();
    assert_eq!(cookies, ["sid=new-1; Path=/; HttpOnly"]);
    assert_eq!(shop.quantity("new-1", "SKU-1"), 1);
}

#[test]
fn the_shop_hears_the_session_and_who_asks_and_no_other_cookie() {
    let (adapter, host, _) = open();
    let headers = [
        ("cookie", "tracker=1; sid=abc; _v_b=9"),
        ("x-forwarded-for", "203.0.113.9"),
        ("accept-language", "de"),
    ];
    host.run(ask(&adapter, &host, request("GET", "/_v/cart", &headers)));
    let sent = host.0.sent.borrow();
    let header = |name: &str| sent[0].headers.get(name).unwrap().to_str().unwrap();
    assert_eq!(header("cookie"), "sid=abc");
    assert_eq!(
        header("x-forwarded-for"),
        "192.0.2.7",
        "as the host saw it, not as the visitor says"
    );
    assert_eq!(
        (header("x-forwarded-proto"), header("x-forwarded-host")),
        ("https", "shop.example")
    );
    assert_eq!(header("accept-language"), "de");
}

#[test]
fn the_shops_refusals_have_their_own_codes_and_are_kept_for_the_key() {
    let (adapter, host, shop) = open();
    let stock = host.run(add(&adapter, &host, "k1", "SKU-1", 101));
    assert_eq!((stock.status, stock.code().as_str()), (409, "out_of_stock"));
    assert_eq!(stock.header("content-type"), "application/problem+json");
    let unknown = host.run(add(&adapter, &host, "k2", "NOPE", 1));
    assert_eq!(
        (unknown.status, unknown.code().as_str()),
        (422, "item_unavailable")
    );
    let sent = host.sent();
    let again = host.run(add(&adapter, &host, "k2", "NOPE", 1));
    assert_eq!(
        (again.status, again.header("content-type")),
        (422, "application/problem+json")
    );
    assert_eq!((again.text(), host.sent()), (unknown.text(), sent));
    for _ in 0..10 {
        host.run(add(&adapter, &host, "k3", "NOPE", 1));
    }
    assert_eq!(
        read(&adapter, &host).status,
        200,
        "refusals do not open the circuit"
    );
    assert_eq!(shop.quantity("abc", "SKU-1"), 0);
}

#[test]
fn if_match_guards_against_a_cart_that_changed_meanwhile() {
    let (adapter, host, shop) = open();
    let id = shop.put("abc", "SKU-1", 1);
    let tag = read(&adapter, &host).header("etag").to_owned();
    let path = format!("/_v/cart/items/{id}");
    let change = |tag: &str, quantity: u32| {
        let headers = [("cookie", SID), ("if-match", tag)];
        let body = format!(r#"{{"quantity":{quantity}}}"#);
        host.run(ask(
            &adapter,
            &host,
            json_request("PUT", &path, &headers, &body),
        ))
    };
    let changed = change(&tag, 2);
    assert_eq!(changed.status, 200);
    let stale = change(&tag, 9);
    assert_eq!(
        (stale.status, stale.code().as_str()),
        (412, "version_conflict")
    );
    assert_eq!(change(changed.header("etag"), 4).status, 200);
    assert_eq!(shop.quantity("abc", "SKU-1"), 4);
    let known = [("cookie", SID), ("if-none-match", &*format!("W/{tag}"))];
    assert_eq!(
        host.run(ask(&adapter, &host, request("GET", "/_v/cart", &known)))
            .status,
        200
    );
    shop.put("abc", "SKU-2", 1);
    let tag = read(&adapter, &host).header("etag").to_owned();
    let same = host.run(ask(
        &adapter,
        &host,
        request(
            "GET",
            "/_v/cart",
            &[("cookie", SID), ("if-none-match", &tag)],
        ),
    ));
    assert_eq!((same.status, same.text()), (304, ""));
}

#[test]
fn another_sites_page_cannot_change_the_cart() {
    let (adapter, host, shop) = open();
    let id = shop.put("abc", "SKU-1", 1);
    let cases: [(&[(&str, &str)], bool); 9] = [
        (&[("sec-fetch-site", "same-origin")], true),
        (&[("sec-fetch-site", "none")], true),
        (&[("sec-fetch-site", "cross-site")], false),
        (&[("sec-fetch-site", "same-site")], false),
        (
            &[
                ("sec-fetch-site", "cross-site"),
                ("origin", "https://shop.example"),
            ],
            false,
        ),
        (&[("origin", "https://shop.example")], true),
        (&[("origin", "https://shop.example.evil.example")], false),
        (&[("origin", "null")], false),
        (&[], true),
    ];
    for (headers, allowed) in cases {
        let mut headers = headers.to_vec();
        headers.push(("cookie", SID));
        let path = format!("/_v/cart/items/{id}");
        let put = host.run(ask(
            &adapter,
            &host,
            json_request("PUT", &path, &headers, r#"{"quantity":1}"#),
        ));
        let delete = host.run(ask(
            &adapter,
            &host,
            request("DELETE", "/_v/cart/items/none", &headers),
        ));
        let refused = (403, "cross_site".to_owned());
        if allowed {
            assert_eq!((put.status, delete.status), (200, 404), "{headers:?}");
        } else {
            assert_eq!((put.status, put.code()), refused, "{headers:?}");
            assert_eq!((delete.status, delete.code()), refused, "{headers:?}");
        }
    }
}

#[test]
fn a_form_cannot_change_the_cart() {
    let (adapter, host, _) = open();
    for kind in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data",
    ] {
        let headers = [
            ("cookie", SID),
            ("idempotency-key", "k"),
            ("content-type", kind),
        ];
        let form = with_body(
            request("POST", "/_v/cart/items", &headers),
            r#"{"item_id":"SKU-1"}"#,
        );
        let answer = host.run(ask(&adapter, &host, form));
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (415, "unsupported_media_type")
        );
    }
    assert_eq!(host.sent(), 0);
}

#[test]
fn malformed_requests_are_refused_before_the_shop_hears_of_them() {
    let (adapter, host, _) = open();
    let cases = [
        ("{", 400),
        ("[]", 400),
        (r#"{"item_id":"SKU-1","quantity":1.5}"#, 400),
        (r#"{"item_id":"SKU-1","quantity":-1}"#, 400),
        (r#"{"item_id":"SKU-1","more":1}"#, 400),
        (r#"{"item_id":""}"#, 422),
        (r#"{"item_id":"a\u0000b"}"#, 422),
        (r#"{"item_id":"SKU-1","quantity":0}"#, 422),
        (r#"{"item_id":"SKU-1","quantity":1000}"#, 422),
    ];
    let headers = [("cookie", SID), ("idempotency-key", "k")];
    for (body, status) in cases {
        let answer = host.run(ask(
            &adapter,
            &host,
            json_request("POST", "/_v/cart/items", &headers, body),
        ));
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (status, "invalid_request"),
            "{body}"
        );
    }
    let huge = format!(r#"{{"item_id":"{}"}}"#, "x".repeat(20_000));
    let answer = host.run(ask(
        &adapter,
        &host,
        json_request("POST", "/_v/cart/items", &headers, &huge),
    ));
    assert_eq!(
        (answer.status, answer.code().as_str()),
        (413, "payload_too_large")
    );
    assert_eq!(host.sent(), 0);
}

#[test]
fn paths_and_methods_that_do_not_exist_are_refused_by_name() {
    let (adapter, host, _) = open();
    for (method, path, status, allow) in [
        ("POST", "/_v/cart", 405, "GET, HEAD"),
        ("GET", "/_v/cart/items", 405, "POST"),
        ("GET", "/_v/cart/items/line-1", 405, "PUT, DELETE"),
        ("GET", "/_v/cart/", 404, ""),
        ("PUT", "/_v/cart/coupons", 404, ""),
        ("DELETE", "/_v/cart/items/..%2F..%2Forders", 404, ""),
        ("DELETE", "/_v/cart/items/a/b", 404, ""),
    ] {
        let answer = host.run(ask(
            &adapter,
            &host,
            request(method, path, &[("cookie", SID)]),
        ));
        assert_eq!(
            (answer.status, answer.header("allow")),
            (status, allow),
            "{method} {path}"
        );
        assert_eq!(answer.header("cache-control"), "private, no-store");
    }
    assert_eq!(host.sent(), 0);
}

#[test]
fn a_generic_shop_has_no_cart_api_and_says_so() {
    let host = Host::scripted(vec![]);
    let answer = get(&adapter(|_| ()), &host, "/_v/cart");
    assert_eq!(
        (answer.status, answer.code().as_str()),
        (501, "cart_not_supported")
    );
    assert!(answer.text().contains("`generic`"));
}

#[test]
fn without_its_records_the_adapter_reads_carts_and_changes_none() {
    let (adapter, host, shop) = open();
    let id = shop.put("abc", "SKU-1", 1);
    host.0.store_fails.set(true);
    assert_eq!(read(&adapter, &host).status, 200);
    let added = host.run(add(&adapter, &host, "k", "SKU-1", 1));
    assert_eq!(
        (
            added.status,
            added.code().as_str(),
            added.header("retry-after")
        ),
        (503, "state_unavailable", "5")
    );
    assert_eq!(host.run(put(&adapter, &host, &id, 2)).status, 503);
    assert_eq!(shop.quantity("abc", "SKU-1"), 1);
}

#[test]
fn an_answer_that_is_no_cart_is_an_error_and_never_an_empty_cart() {
    let (adapter, host, shop) = open();
    shop.put("abc", "SKU-1", 1);
    shop.garbled.set(true);
    let answer = read(&adapter, &host);
    assert_eq!(
        (answer.status, answer.code().as_str()),
        (502, "backend_error")
    );
}

#[test]
fn a_read_that_broke_is_tried_once_more() {
    let (adapter, host, shop) = open();
    shop.put("abc", "SKU-1", 1);
    let times = std::cell::Cell::new(0);
    let origin = Rc::clone(&shop);
    host.set_origin(move |sent| {
        times.set(times.get() + 1);
        if times.get() == 1 {
            broken()
        } else {
            origin.answer(sent)
        }
    });
    assert_eq!(read(&adapter, &host).status, 200);
    assert_eq!(host.sent(), 2);
}

#[test]
fn every_request_leaves_one_line_without_the_session_or_the_line() {
    let (adapter, host, shop) = open();
    let id = shop.put("abc", "SKU-1", 1);
    host.run(put(&adapter, &host, &id, 2));
    let lines = host.lines();
    let line: serde_json::Value = serde_json::from_str(&lines).unwrap();
    assert_eq!(
        (line["path"].as_str(), line["status"].as_u64()),
        (Some("/_v/cart/items/{line}"), Some(200))
    );
    assert!(!lines.contains("abc") && !lines.contains(&id));
}
