//! What the host keeps: values in memory within a budget, values and rows on disk, and errors when there is no room.
#![allow(
    clippy::disallowed_methods,
    reason = "the tests of a host look at the world's clock, files and sockets"
)]

mod support;

use http::Request;
use support::Site;

#[tokio::test(flavor = "multi_thread")]
async fn values_are_set_read_listed_and_deleted() {
    let site = Site::new();
    let host = site.up(&[]);
    for label in ["cache", "state"] {
        assert_eq!(host.get(&format!("/kv/get?{label}:a")).await.text, "none");
        for (key, value) in [("a", "one"), ("b", "two"), ("a", "three")] {
            assert_eq!(
                host.post(&format!("/kv/set?{label}:{key}"), value)
                    .await
                    .text,
                "set"
            );
        }
        assert_eq!(host.get(&format!("/kv/get?{label}:a")).await.text, "three");
        assert_eq!(
            host.get(&format!("/kv/exists?{label}:b")).await.text,
            "true"
        );
        assert_eq!(host.get(&format!("/kv/keys?{label}")).await.text, "a,b");
        host.get(&format!("/kv/delete?{label}:b")).await;
        assert_eq!(
            host.get(&format!("/kv/exists?{label}:b")).await.text,
            "false"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn state_survives_a_restart_and_the_cache_does_not() {
    let site = Site::new();
    let host = site.up(&[]);
    host.post("/kv/set?state:a", "kept").await;
    host.post("/kv/set?cache:a", "lost").await;
    drop(host);
    let host = site.up(&[]);
    assert_eq!(host.get("/kv/get?state:a").await.text, "kept");
    assert_eq!(host.get("/kv/get?cache:a").await.text, "none");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_label_that_the_manifest_does_not_give_is_denied() {
    let site = Site::new();
    let host = site.up(&[]);
    for path in ["/api/kv/get?cache:a", "/kv/get?other:a"] {
        let reply = host.get(path).await;
        assert_eq!(reply.status, 500);
        assert!(reply.text.contains("AccessDenied"), "{}", reply.text);
    }
    let reply = host.post("/api/sql?facts", "SELECT 1").await;
    assert!(reply.text.contains("AccessDenied"), "{}", reply.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_cache_stays_within_its_budget_and_forgets_the_oldest() {
    let site = Site::new();
    let host = site.up(&["--cache-mib", "1"]);
    let value = vec![b'x'; 400 << 10];
    for key in ["a", "b", "c"] {
        assert_eq!(
            host.post(&format!("/kv/set?cache:{key}"), value.clone())
                .await
                .text,
            "set"
        );
    }
    assert_eq!(host.get("/kv/keys?cache").await.text, "b,c");
    assert!(host.metric("vitrine_kv_bytes").await <= f64::from(1 << 20));
    assert_eq!(host.metric("vitrine_kv_evictions_total").await as u32, 1);
    let reply = host.post("/kv/set?cache:d", vec![b'x'; 2 << 20]).await;
    assert!(reply.text.contains("does not fit"), "{}", reply.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_are_written_and_read_with_parameters() {
    let site = Site::new();
    let host = site.up(&[]);
    host.post("/sql?facts", "CREATE TABLE t (name TEXT, n INTEGER)")
        .await;
    let insert = Request::post(host.url("/sql?facts")).header("x-parameter", "it's");
    let reply = host
        .send_with(insert, "INSERT INTO t VALUES (?, 7)".into())
        .await;
    assert_eq!(reply.text, "||1");
    let reply = host.post("/sql?facts", "SELECT name, n FROM t").await;
    assert_eq!(
        reply.text,
        "name,n|[Value::Text(\"it's\"), Value::Integer(7)]|0"
    );
    let reply = host.post("/sql?facts", "SELECT * FROM nowhere").await;
    assert!(reply.text.contains("no such table"), "{}", reply.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_database_is_an_error_at_once_and_reading_goes_on() {
    let site = Site::new();
    let host = site.up(&["--state-mib", "1"]);
    let value = vec![b'x'; 300 << 10];
    let mut full = None;
    for key in 0..8 {
        let reply = host
            .post(&format!("/kv/set?state:{key}"), value.clone())
            .await;
        if reply.status != 200 {
            full = Some(reply.text);
            break;
        }
    }
    assert!(
        full.expect("it never filled up")
            .contains("the database is full")
    );
    assert_eq!(host.get("/kv/get?state:0").await.text.len(), value.len());
    host.post("/sql?facts", "CREATE TABLE t (b BLOB)").await;
    let reply = host
        .post("/sql?facts", "INSERT INTO t VALUES (zeroblob(2000000))")
        .await;
    assert!(reply.text.contains("DatabaseFull"), "{}", reply.text);
    assert_eq!(
        host.post("/sql?facts", "SELECT count(*) FROM t").await.text,
        "count(*)|[Value::Integer(0)]|0"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_state_directory_that_cannot_hold_files_gives_errors_and_the_pages_go_on() {
    let site = Site::new();
    let host = site.up(&[]);
    // A directory where the database file should be: no user, not even root, can open it.
    std::fs::create_dir(site.dir.path().join(".vitrine/kv-state.sqlite3")).unwrap();
    let reply = host.post("/kv/set?state:a", "x").await;
    assert_eq!(reply.status, 500);
    assert!(
        reply.text.contains("unable to open database file"),
        "{}",
        reply.text
    );
    assert_eq!(host.get("/hello").await.text, "hello");
}
