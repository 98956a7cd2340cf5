//! The binary with its own application inside: the whole of Vitrine, with nothing but the shop's address.
//!
//! Built without `VITRINE_EMBED`, the binary carries none, and what is tested is that it says so.
#![allow(
    clippy::disallowed_methods,
    reason = "the tests of a host look at the world's clock, files and sockets"
)]

mod support;

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use support::{Host, Reply, Site, origin};

/// Where the application came from that was put into the binary.
const EMBEDDED: Option<&str> = option_env!("VITRINE_EMBED");

/// A host in an empty directory; nothing when the binary carries no application, which it then says.
fn up(origin: &origin::Origin) -> Option<(Site, Host)> {
    let site = Site::empty();
    let arguments = ["--origin", &origin.url("")];
    if EMBEDDED.is_none() {
        let (code, said) = site.refused(&arguments);
        assert_eq!(code, Some(2), "{said}");
        assert!(
            said.contains("this binary carries no components: build it with VITRINE_EMBED set"),
            "{said}"
        );
        return None;
    }
    site.share_code();
    let host = site.up(&arguments);
    Some((site, host))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_shops_address_is_enough_to_serve_its_pages() {
    let origin = origin::start().await;
    let Some((_site, host)) = up(&origin) else {
        return;
    };
    // The first page of a kind passes untouched, and is looked at after it has gone out.
    let mut page = host.get("/page").await;
    for _ in 0..50 {
        assert_eq!(page.status, 200, "{}", page.text);
        assert!(page.text.contains("<h1>A page</h1>"), "{}", page.text);
        if page.text.contains("/_v/rum/") {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
        page = host.get("/page").await;
    }
    // The layer had its hands on it: the page measures itself.
    assert!(
        page.text.contains("<script src=\"/_v/rum/"),
        "{}",
        page.text
    );
    let said = page.header("x-vitrine").unwrap_or_default();
    assert!(said.starts_with("page;"), "{said}");
    assert_eq!(host.get("/_v/adapter/ready").await.status, 200);
    let line = host.log.wait("\"path\":\"/page\"").await;
    assert!(line.contains("\"status\":200"), "{line}");
    assert_eq!(host.log.find("problem"), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shop_that_dies_in_mid_body_breaks_the_connection_and_nothing_of_it_is_kept() {
    let origin = origin::start().await;
    let Some((_site, host)) = up(&origin) else {
        return;
    };
    let client: Client<_, Empty<Bytes>> = Client::builder(TokioExecutor::new()).build_http();
    for path in ["/breaks.html", "/breaks.css"] {
        for _ in 0..2 {
            let response = client.get(host.url(path).parse().unwrap()).await.unwrap();
            assert_eq!(response.status(), 200);
            let body = tokio::time::timeout(Duration::from_secs(5), response.into_body().collect());
            assert!(body.await.unwrap().is_err(), "{path}: a part looked whole");
        }
        let seen = origin.seen.lock().unwrap();
        let asked = seen.iter().filter(|head| head.contains(path)).count();
        assert_eq!(asked, 2, "{path}: {seen:#?}");
    }
    host.log.wait("\"end\":\"broken\"").await;
    assert_eq!(host.get("/page").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_of_30_mb_and_a_hostile_one_arrive_as_they_are_and_cost_nobody_time() {
    let origin = origin::start().await;
    let Some((_site, host)) = up(&origin) else {
        return;
    };
    let large = get(&host, "/large.jpg").await;
    assert_eq!((large.status, large.text.len()), (200, origin::LARGE_IMAGE));
    let hostile = get(&host, "/hostile.jpg").await;
    let sent = hostile.text;
    // The verdict comes after the first answer, and is remembered.
    let mut said = String::new();
    for _ in 0..100 {
        let again = get(&host, "/hostile.jpg").await;
        assert_eq!(again.text, sent);
        again
            .header("x-vitrine")
            .unwrap_or_default()
            .clone_into(&mut said);
        if said.contains("corrupt") {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("no verdict in {said:?}; log {:#?}", host.log.all());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_optimizer_skips_30_mb_at_once_when_another_component_posts_them() {
    let Some(directory) = EMBEDDED else {
        // What a binary without components says is seen above.
        return;
    };
    let optimizer = format!("{directory}/target/wasm32-wasip2/wasm/vitrine_optimizer_spin.wasm");
    let manifest = format!(
        "{}[component.optimizer]\nsource = \"{optimizer}\"\n",
        support::manifest().replace(
            "http://sibling.spin.internal",
            "http://optimizer.spin.internal"
        )
    );
    let site = Site::with(&manifest);
    let host = site.up(&[]);
    for (bytes, reason) in [(30 << 20, "too-large"), (8192, "unsupported")] {
        let reply = get(
            &host,
            &format!("/post?{bytes}:http://optimizer.spin.internal/encode"),
        )
        .await;
        assert_eq!(reply.text, format!("204 {reason}"));
    }
    assert_eq!(host.log.find("problem"), None);
}

/// Gets a path within 5 s, or fails with its name.
async fn get(host: &Host, path: &str) -> Reply {
    let asked = tokio::time::timeout(Duration::from_secs(5), host.get(path));
    asked.await.expect(path)
}
