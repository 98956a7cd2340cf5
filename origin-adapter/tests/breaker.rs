//! The circuit breaker, over a clock that the tests move.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests may stop a test"
)]

mod support;

use std::cell::Cell;
use std::rc::Rc;

use support::*;
use vitrine_origin_adapter::Adapter;

fn shop(failures: u32) -> Adapter {
    adapter(|s| {
        s.retry = false;
        s.breaker_failures = failures;
        s.breaker_open_ms = 5_000;
    })
}

/// A host whose origin is up or down as a switch says.
fn switched() -> (Host, Rc<Cell<bool>>) {
    let up = Rc::new(Cell::new(false));
    let switch = Rc::clone(&up);
    (
        Host::new(move |_| if switch.get() { ok() } else { refused() }),
        up,
    )
}

fn fail(adapter: &Adapter, host: &Host, times: u32) {
    for _ in 0..times {
        assert_eq!(get(adapter, host, "/x").status, 503);
    }
}

#[test]
fn failures_in_a_row_open_the_circuit_and_the_shop_is_left_alone() {
    let (host, up) = switched();
    let adapter = shop(5);
    fail(&adapter, &host, 5);
    up.set(true);
    let answer = get(&adapter, &host, "/x");
    assert_eq!(
        (answer.status, answer.header("x-vitrine-origin")),
        (503, "status=open;ttfb=0")
    );
    assert_eq!(answer.header("retry-after"), "5");
    assert_eq!(host.sent(), 5);
    assert!(host.lines().contains("\"event\":\"breaker_opened\""));
}

#[test]
fn a_success_in_between_starts_the_count_anew() {
    let (host, up) = switched();
    let adapter = shop(3);
    fail(&adapter, &host, 2);
    up.set(true);
    assert_eq!(get(&adapter, &host, "/x").status, 200);
    up.set(false);
    fail(&adapter, &host, 2);
    assert_eq!(host.sent(), 5, "still closed");
}

#[test]
fn after_its_time_one_probe_decides_and_success_closes_the_circuit() {
    let (host, up) = switched();
    let adapter = shop(2);
    fail(&adapter, &host, 2);
    up.set(true);
    host.advance(5_001);
    let asked = [(); 4].map(|()| ask(&adapter, &host, request("GET", "/x", &[])));
    let answers = host.run(futures::future::join_all(asked));
    let served = answers.iter().filter(|answer| answer.status == 200).count();
    assert_eq!((served, host.sent()), (1, 3), "one probe while half-open");
    assert_eq!(get(&adapter, &host, "/x").status, 200);
    assert!(host.lines().contains("\"event\":\"breaker_closed\""));
}

#[test]
fn a_failed_probe_opens_the_circuit_for_twice_as_long_up_to_a_minute() {
    let (host, _) = switched();
    let adapter = shop(1);
    fail(&adapter, &host, 1);
    for open_ms in [10_000, 20_000, 40_000, 60_000, 60_000] {
        let before = host.sent();
        host.advance(60_001);
        fail(&adapter, &host, 1);
        assert_eq!(host.sent(), before + 1, "a probe was sent");
        let before = host.sent();
        host.advance(open_ms - 100);
        fail(&adapter, &host, 1);
        assert_eq!(host.sent(), before, "open for {open_ms} ms");
    }
}

#[test]
fn an_unsafe_request_is_no_probe() {
    let (host, up) = switched();
    let adapter = shop(1);
    fail(&adapter, &host, 1);
    up.set(true);
    host.advance(5_001);
    let post = host.run(ask(
        &adapter,
        &host,
        with_body(request("POST", "/pay", &[]), "x"),
    ));
    assert_eq!((post.status, host.sent()), (503, 1));
    assert_eq!(get(&adapter, &host, "/x").status, 200);
    let post = host.run(ask(
        &adapter,
        &host,
        with_body(request("POST", "/pay", &[]), "x"),
    ));
    assert_eq!(post.status, 200);
}

#[test]
fn errors_of_the_shops_own_neither_open_the_circuit_nor_hide_failures() {
    let status = Rc::new(Cell::new(500));
    let answering = Rc::clone(&status);
    let host = Host::new(move |_| reply(answering.get(), &[], ""));
    let adapter = shop(3);
    for own in [500, 404, 429, 500, 403] {
        status.set(own);
        assert_eq!(get(&adapter, &host, "/x").status, own);
    }
    for (sent, failing) in [502, 503, 504].into_iter().enumerate() {
        status.set(failing);
        get(&adapter, &host, "/x");
        // One page that always fails does not keep the circuit closed.
        status.set(500);
        if sent < 2 {
            get(&adapter, &host, "/broken");
        }
    }
    assert_eq!(
        get(&adapter, &host, "/x").header("x-vitrine-origin"),
        "status=open;ttfb=0"
    );
}

#[test]
fn instances_share_the_state_and_a_closed_circuit_costs_one_read_a_second() {
    let (host, _) = switched();
    let (first, second) = (shop(4), shop(4));
    fail(&first, &host, 2);
    fail(&second, &host, 2);
    host.advance(1_001);
    let answer = get(&first, &host, "/x");
    assert_eq!(answer.header("x-vitrine-origin"), "status=open;ttfb=0");

    let host = Host::new(|_| after(1, ok()));
    let adapter = shop(4);
    for _ in 0..100 {
        get(&adapter, &host, "/x");
    }
    assert_eq!(host.0.note_reads.get(), 1);
    assert!(
        host.0.notes.borrow().is_empty(),
        "a healthy shop writes nothing"
    );
}

#[test]
fn a_store_that_fails_lets_the_shop_come_back_all_the_same() {
    let (host, up) = switched();
    let adapter = shop(1);
    fail(&adapter, &host, 1);
    up.set(true);
    host.0.store_fails.set(true);
    host.advance(5_001);
    assert_eq!(get(&adapter, &host, "/x").status, 200);
}

#[test]
fn another_origin_starts_with_a_closed_circuit() {
    let (host, up) = switched();
    fail(&shop(1), &host, 1);
    up.set(true);
    let moved = adapter(|s| s.url = "http://new.test".into());
    assert_eq!(get(&moved, &host, "/x").status, 200);
}

#[test]
fn health_is_the_adapters_own_and_ready_tells_the_circuits() {
    let (host, _) = switched();
    let adapter = shop(1);
    let ready = get(&adapter, &host, "/_v/adapter/ready");
    assert_eq!(
        (ready.status, ready.json()["breakers"]["pages"].as_str()),
        (200, Some("closed"))
    );
    fail(&adapter, &host, 1);
    let ready = get(&adapter, &host, "/_v/adapter/ready");
    assert_eq!(
        (ready.status, ready.json()["breakers"]["pages"].as_str()),
        (503, Some("open"))
    );
    assert_eq!(ready.json()["breakers"]["cart"], "absent");
    host.advance(5_001);
    let ready = get(&adapter, &host, "/_v/adapter/ready");
    assert_eq!(
        (ready.status, ready.json()["breakers"]["pages"].as_str()),
        (200, Some("half_open"))
    );
    assert_eq!(
        get(&adapter, &host, "/_v/adapter/health").json()["status"],
        "ok"
    );
    assert_eq!(get(&adapter, &host, "/_v/adapter/other").status, 404);
    let post = host.run(ask(
        &adapter,
        &host,
        request("POST", "/_v/adapter/health", &[]),
    ));
    assert_eq!((post.status, post.header("allow")), (405, "GET, HEAD"));
    assert_eq!(host.sent(), 1, "neither asks the shop");
}
