//! What is kept of a page view, and for how long.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use common::*;
use futures::executor::block_on;
use vitrine_rum_collector::store::log::LogStore;
use vitrine_rum_collector::store::sql::{self, Database as _, Value};
use vitrine_rum_collector::token;

#[test]
fn a_later_report_of_a_page_view_replaces_an_earlier_one() {
    let world = World::new();
    assert_eq!(
        world.beacon(body(
            "abcdefgh01",
            0,
            r#""lcp":1200,"fcp":800,"la":"img.hero""#
        )),
        204
    );
    assert_eq!(
        world.beacon(body("abcdefgh01", 2, r#""lcp":1500,"inp":90"#)),
        204
    );
    // Late, and repeated: neither changes anything.
    assert_eq!(world.beacon(body("abcdefgh01", 1, r#""lcp":9999"#)), 204);
    assert_eq!(world.beacon(body("abcdefgh01", 2, r#""lcp":9999"#)), 204);
    let rows = world.query("SELECT seq, lcp_ms, fcp_ms, inp_ms, lcp_target FROM page_views");
    let expected = vec![
        Value::Integer(2),
        Value::Integer(1_500),
        Value::Integer(800),
        Value::Integer(90),
        Value::Text("img.hero".into()),
    ];
    assert_eq!(rows, [expected]);
}

#[test]
fn h100_a_replayed_view_id_under_another_visitors_token_changes_nothing() {
    let world = World::new();
    assert_eq!(world.beacon(body("abcdefgh01", 0, r#""lcp":1200"#)), 204);
    let mut other = claims();
    other.bucket = 78;
    let token = token::mint(KEY, &other);
    assert_eq!(
        world.beacon(body_with(&token, "abcdefgh01", 9, r#""lcp":1"#)),
        204
    );
    assert_eq!(world.count("SELECT lcp_ms FROM page_views"), 1_200);
}

#[test]
fn h102_what_names_a_visitor_is_not_kept() {
    let world = World::new();
    let more = r#""lcp":1200,"la":"a#jo@example.com","lu":"/i/4917012345678.jpg?session=s3cret""#;
    assert_eq!(world.beacon(body("abcdefgh01", 0, more)), 204);
    let dump = format!("{:?}", world.query("SELECT * FROM page_views"));
    for never in [
        "192.0.2.7",
        "Chrome/140",
        "Mozilla",
        "example.com",
        "4917012345678",
        "s3cret",
        "shop.example",
    ] {
        assert!(!dump.contains(never), "{never} in {dump}");
    }
    assert!(
        dump.contains("phone:android:blink") && dump.contains("DE"),
        "{dump}"
    );
}

#[test]
fn h103_the_weight_and_the_arm_come_from_the_token() {
    let world = World::new();
    let mut sampled = claims();
    sampled.weight = 10;
    sampled.arms = vec!["hero:b".into(), "holdback:control".into()];
    let token = token::mint(KEY, &sampled);
    assert_eq!(
        world.beacon(body_with(&token, "abcdefgh01", 0, r#""lcp":1200"#)),
        204
    );
    let rows = world.query("SELECT weight, arms, holdback, bucket, site FROM page_views");
    let expected = vec![
        Value::Integer(10),
        Value::Text("hero:b holdback:control".into()),
        Value::Text("control".into()),
        Value::Integer(77),
        Value::Text("demo".into()),
    ];
    assert_eq!(rows, [expected]);
}

#[test]
fn what_is_past_its_retention_is_deleted_a_bounded_piece_at_a_time() {
    let world = World::new();
    world.beacon(body("abcdefgh01", 0, ""));
    let long_ago = i64::try_from(NOW_MS).unwrap() - 31 * 86_400_000;
    for n in 0..1_200 {
        world.query(&format!(
            "INSERT INTO page_views SELECT 'old{n:08}', seq, {long_ago}, schema_version, site, template, arms, holdback,
             bucket, weight, device, ua_class, nav_type, age_ms, lcp_ms, fcp_ms, ttfb_ms, inp_ms, cls_1e4, lcp_parts,
             inp_parts, lcp_target, inp_target, cls_target, lcp_url_path, inp_script, viewport, device_memory,
             effective_type, save_data, events, revenue_minor, currency, order_hash, js_errors, country, edge_pop, gpc
             FROM page_views WHERE view = 'abcdefgh01'"
        ));
    }
    for (minute, left) in [(1, 701), (2, 202), (3, 4), (4, 5)] {
        world.now_ms.set(NOW_MS + minute * 61_000);
        world.beacon(body(&format!("abcdefgh1{minute}"), 0, ""));
        let kept = world.count("SELECT count(*) FROM page_views");
        assert_eq!(kept, left + i64::from(minute < 3), "after minute {minute}");
    }
}

#[test]
fn a_store_that_fails_is_503_and_the_beacon_is_taken_when_it_is_back() {
    let world = World::new();
    world.database.broken.set(true);
    assert_eq!(world.beacon(body("abcdefgh01", 0, "")), 503);
    world.database.broken.set(false);
    assert_eq!(world.beacon(body("abcdefgh01", 0, "")), 204);
    assert_eq!(world.count("SELECT count(*) FROM page_views"), 1);
}

#[test]
fn migrating_twice_changes_nothing_and_a_newer_database_is_refused() {
    let database = Sqlite::new();
    block_on(sql::migrate(&database)).unwrap();
    block_on(sql::migrate(&database)).unwrap();
    assert_eq!(block_on(sql::version(&database)).unwrap(), sql::VERSION);
    let newer = format!("INSERT INTO rum_schema VALUES ({})", sql::VERSION + 1);
    block_on(database.execute(&newer, &[])).unwrap();
    let refused = block_on(sql::migrate(&database)).unwrap_err();
    assert!(
        refused.to_string().contains("this build knows"),
        "{refused}"
    );
}

#[test]
fn a_log_store_writes_one_line_per_page_view_without_what_is_not_known() {
    use std::cell::RefCell;
    use vitrine_rum_collector::store::StoreError;

    let lines = RefCell::new(Vec::new());
    let store = LogStore::new(|line: &str| {
        lines.borrow_mut().push(line.to_owned());
        Ok(())
    });
    let world = World::new();
    let send = |store: &LogStore<_>, view: &str| {
        let pieces = [Some(bytes::Bytes::from(body(view, 0, r#""lcp":1200"#)))].into();
        let request = request()
            .body(Pieces(pieces, std::rc::Rc::default()))
            .unwrap();
        block_on(
            world
                .collector
                .respond(&world, store, &world.terms, &world.visitor, request),
        )
        .status()
    };
    assert_eq!(send(&store, "abcdefgh01").as_u16(), 204);
    let line: serde_json::Value = serde_json::from_str(&lines.borrow()[0]).unwrap();
    assert_eq!(
        (&line["kind"], &line["lcp_ms"]),
        (&"page_view".into(), &1_200.into())
    );
    assert!(line.get("inp_ms").is_none());

    let full = LogStore::new(|_: &str| Err(StoreError("full".into())));
    let pieces = [Some(bytes::Bytes::from(body("abcdefgh02", 0, "")))].into();
    let request = request()
        .body(Pieces(pieces, std::rc::Rc::default()))
        .unwrap();
    let response =
        block_on(
            world
                .collector
                .respond(&world, &full, &world.terms, &world.visitor, request),
        );
    assert_eq!(response.status().as_u16(), 503);
}
