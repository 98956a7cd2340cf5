//! Changes of a cart that overlap, repeat or get lost, over a shop that behaves like `EverShop`.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests may stop a test"
)]

mod support;

use std::rc::Rc;
use std::time::Duration;

use support::carts::*;
use support::evershop::Fate;
use support::*;
use vitrine_origin_adapter::platform::Platform;

#[test]
fn ten_additions_at_once_to_a_cart_of_one_make_eleven() {
    let (adapter, host, shop) = open();
    shop.put("abc", "SKU-1", 1);
    let keys: Vec<String> = (0..10).map(|n| format!("key-{n}")).collect();
    let all = keys.iter().map(|key| add(&adapter, &host, key, "SKU-1", 1));
    let answers = host.run(futures::future::join_all(all));
    assert!(answers.iter().all(|answer| answer.status == 200));
    assert_eq!(shop.quantity("abc", "SKU-1"), 11);
    assert!(
        host.0
            .records
            .borrow()
            .keys()
            .all(|key| !key.starts_with("lock:")),
        "every lock is released"
    );
}

#[test]
fn the_shop_alone_loses_additions_that_overlap() {
    // Shows that the test above can fail: the same storm without the adapter.
    use vitrine_origin_adapter::platform::{Deadlines, Payload};
    let (_, host, shop) = open();
    shop.put("abc", "SKU-1", 1);
    let limit = Duration::from_secs(1);
    let deadlines = Deadlines {
        connect: limit,
        first_byte: limit,
        between_bytes: limit,
    };
    let storm = (0..10).map(|_| {
        let request =
            http::Request::post("http://shop.test/api/cart/mine/items").header("cookie", SID);
        host.send(
            request
                .body(Payload::Full(r#"{"sku":"SKU-1","qty":1}"#.into()))
                .unwrap(),
            deadlines,
        )
    });
    host.run(futures::future::join_all(storm));
    assert_eq!(shop.quantity("abc", "SKU-1"), 2);
}

#[test]
fn a_repeated_key_has_the_first_effect_and_the_first_answer() {
    let (adapter, host, shop) = open();
    let first = host.run(add(&adapter, &host, "same", "SKU-1", 2));
    let sent = host.sent();
    host.advance(24 * 3_600_000);
    let second = host.run(add(&adapter, &host, "\"same\"", "SKU-1", 2));
    assert_eq!((second.status, second.text()), (200, first.text()));
    assert_eq!(
        (
            first.header("idempotent-replayed"),
            second.header("idempotent-replayed")
        ),
        ("", "true")
    );
    assert_eq!((host.sent(), shop.quantity("abc", "SKU-1")), (sent, 2));
}

#[test]
fn a_key_belongs_to_one_request_of_one_shopper() {
    let (adapter, host, shop) = open();
    host.run(add(&adapter, &host, "k", "SKU-1", 1));
    let other = host.run(add(&adapter, &host, "k", "SKU-1", 2));
    assert_eq!(
        (other.status, other.code().as_str()),
        (422, "idempotency_conflict")
    );
    let headers = [("cookie", "sid=somebody-else"), ("idempotency-key", "k")];
    let theirs = json_request(
        "POST",
        "/_v/cart/items",
        &headers,
        r#"{"item_id":"SKU-1","quantity":1}"#,
    );
    assert_eq!(host.run(ask(&adapter, &host, theirs)).status, 200);
    assert_eq!(
        (
            shop.quantity("abc", "SKU-1"),
            shop.quantity("somebody-else", "SKU-1")
        ),
        (1, 1)
    );
}

#[test]
fn a_key_in_flight_is_refused_until_its_answer_is_there() {
    let (adapter, host, shop) = open();
    let both = futures::future::join(
        add(&adapter, &host, "k", "SKU-1", 1),
        add(&adapter, &host, "k", "SKU-1", 1),
    );
    let (first, second) = host.run(both);
    assert_eq!(first.status, 200);
    assert_eq!(
        (
            second.status,
            second.code().as_str(),
            second.header("retry-after")
        ),
        (409, "idempotency_in_flight", "1")
    );
    assert_eq!(shop.quantity("abc", "SKU-1"), 1);
}

#[test]
fn an_addition_needs_a_key() {
    let (adapter, host, _) = open();
    let headers = [("cookie", SID)];
    let bare = json_request("POST", "/_v/cart/items", &headers, r#"{"item_id":"SKU-1"}"#);
    let answer = host.run(ask(&adapter, &host, bare));
    assert_eq!(
        (answer.status, answer.code().as_str()),
        (400, "idempotency_key_required")
    );
    assert_eq!(host.sent(), 0);
}

#[test]
fn a_change_whose_answer_was_lost_is_looked_up_and_not_sent_again() {
    let (adapter, host, shop) = open();
    let id = shop.put("abc", "SKU-1", 1);
    shop.fates(&[Fate::AnswerLost]);
    assert_eq!(
        host.run(add(&adapter, &host, "k", "SKU-1", 2)).json()["line_items"][0]["quantity"],
        3
    );
    shop.fates(&[Fate::AnswerLost]);
    assert_eq!(
        host.run(put(&adapter, &host, &id, 7)).json()["line_items"][0]["quantity"],
        7
    );
    let changes = host
        .0
        .sent
        .borrow()
        .iter()
        .filter(|sent| sent.uri.path() != "/api/graphql")
        .count();
    assert_eq!((changes, shop.quantity("abc", "SKU-1")), (2, 7));
}

#[test]
fn a_change_that_nobody_confirms_is_an_unknown_outcome_and_its_key_finishes_it_later() {
    let (adapter, host, shop) = open();
    shop.put("abc", "SKU-1", 1);
    for fate in [Fate::Lost, Fate::Bewildered] {
        shop.fates(&[fate]);
        let key = format!("{fate:?}");
        let before = shop.quantity("abc", "SKU-1");
        let lost = host.run(add(&adapter, &host, &key, "SKU-1", 1));
        assert_eq!(
            (lost.status, lost.code().as_str()),
            (504, "outcome_unknown")
        );
        assert_eq!(
            shop.quantity("abc", "SKU-1"),
            before,
            "not sent again by itself"
        );
        assert_eq!(host.run(add(&adapter, &host, &key, "SKU-1", 1)).status, 200);
        assert_eq!(host.run(add(&adapter, &host, &key, "SKU-1", 1)).status, 200);
        assert_eq!(shop.quantity("abc", "SKU-1"), before + 1);
    }
}

#[test]
fn of_two_repeats_at_once_of_an_unfinished_addition_one_finishes_it() {
    let (adapter, host, shop) = open();
    shop.put("abc", "SKU-1", 1);
    shop.fates(&[Fate::Lost]);
    assert_eq!(host.run(add(&adapter, &host, "k", "SKU-1", 1)).status, 504);
    host.advance(1);
    let repeats = [(); 2].map(|()| add(&adapter, &host, "k", "SKU-1", 1));
    let answers = host.run(futures::future::join_all(repeats));
    let mut statuses: Vec<_> = answers.iter().map(|answer| answer.status).collect();
    statuses.sort_unstable();
    assert_eq!(
        (statuses, shop.quantity("abc", "SKU-1")),
        (vec![200, 409], 2)
    );
}

#[test]
fn a_removal_that_got_lost_is_not_repeated_by_itself() {
    let (adapter, host, shop) = open();
    let id = shop.put("abc", "SKU-1", 2);
    shop.fates(&[Fate::Lost]);
    let path = format!("/_v/cart/items/{id}");
    let lost = host.run(ask(
        &adapter,
        &host,
        request("DELETE", &path, &[("cookie", SID)]),
    ));
    assert_eq!(
        (lost.status, lost.code().as_str()),
        (504, "outcome_unknown")
    );
    assert_eq!(
        (host.sent(), shop.quantity("abc", "SKU-1")),
        (3, 2),
        "read, one removal, read"
    );
}

#[test]
fn an_addition_that_arrived_after_all_is_not_sent_again_under_its_key() {
    let (adapter, host, shop) = open();
    let id = shop.put("abc", "SKU-1", 1);
    shop.fates(&[Fate::Lost]);
    assert_eq!(host.run(add(&adapter, &host, "k", "SKU-1", 2)).status, 504);
    // It turns up late.
    host.run(put(&adapter, &host, &id, 3));
    let sent = host.sent();
    assert_eq!(
        host.run(add(&adapter, &host, "k", "SKU-1", 2)).json()["line_items"][0]["quantity"],
        3
    );
    assert_eq!(
        (host.sent() - sent, shop.quantity("abc", "SKU-1")),
        (1, 3),
        "one look, nothing sent"
    );
}

#[test]
fn a_shop_that_is_down_keeps_no_answer_for_a_key() {
    let (adapter, host, shop) = open();
    shop.fates(&[Fate::Refused]);
    let down = host.run(add(&adapter, &host, "k", "SKU-1", 1));
    assert_eq!(
        (
            down.status,
            down.code().as_str(),
            down.header("retry-after")
        ),
        (503, "backend_unavailable", "5")
    );
    assert_eq!(host.run(add(&adapter, &host, "k", "SKU-1", 1)).status, 200);
    assert_eq!(shop.quantity("abc", "SKU-1"), 1);
}

#[test]
fn a_cart_that_stays_locked_is_busy_and_the_key_stays_free() {
    let (adapter, host, shop) = open();
    let id = shop.put("abc", "SKU-1", 1);
    // A holder that died keeps its lease until it runs out.
    host.run(put(&adapter, &host, &id, 2));
    let name = {
        host.set_origin(move |_| after(60_000, broken()));
        // The instance dies a second after it sent the change.
        let death = std::pin::pin!(Platform::sleep(&host, Duration::from_secs(1)));
        let stuck = std::pin::pin!(put(&adapter, &host, &id, 3));
        host.run(futures::future::select(stuck, death));
        host.0
            .records
            .borrow()
            .keys()
            .find(|key| key.starts_with("lock:"))
            .cloned()
            .unwrap()
    };
    let origin = Rc::clone(&shop);
    host.set_origin(move |sent| origin.answer(sent));
    assert!(!name.contains("abc"), "no session in a store's key");
    let busy = host.run(add(&adapter, &host, "k", "SKU-1", 1));
    assert_eq!((busy.status, busy.code().as_str()), (503, "cart_busy"));
    host.advance(30_000);
    assert_eq!(host.run(add(&adapter, &host, "k", "SKU-1", 1)).status, 200);
    assert_eq!(shop.quantity("abc", "SKU-1"), 3);
}
